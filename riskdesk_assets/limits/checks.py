"""A warning for every session on which a configured limit can bind nothing."""

from collections.abc import Iterator

from dagster import AssetCheckEvaluation, AssetCheckExecutionContext, AssetCheckResult, AssetCheckSpec, multi_asset_check

from riskdesk_assets.common.checks import check_events
from riskdesk_assets.common.resources import DeskResource, partitions
from riskdesk_assets.common.session_check import SessionCheck
from riskdesk_assets.limits.idle_members import idle_members

LIMITS_BIND_MEMBERS = "limits_bind_members"
REGISTER = "engine_configs"


@multi_asset_check(
    name="limit_members",
    specs=[
        AssetCheckSpec(
            LIMITS_BIND_MEMBERS,
            asset=REGISTER,
            partitions_def=partitions(),
            description="Every sector, group, country and currency that a limit names is one of the universe's.",
        )
    ],
)
def limit_members(context: AssetCheckExecutionContext, desk: DeskResource) -> Iterator[AssetCheckEvaluation | AssetCheckResult]:
    """Limits on members this universe does not have: allowed, but told."""
    first, last = desk.session_range(context)
    sessions, idle = desk.calendar().between(first, last), "; ".join(idle_members(desk.config()))
    found = (SessionCheck(LIMITS_BIND_MEMBERS, day, passed=not idle, message=idle, hard=False) for day in sessions)
    yield from check_events(REGISTER, (LIMITS_BIND_MEMBERS,), found, sessions)
