"""The hard limits as asset checks, one per family, measured a second time from the written tables."""

from collections.abc import Iterator

from dagster import (
    AssetCheckEvaluation,
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSpec,
    multi_asset_check,
)

from riskdesk_assets.common.checks import check_events
from riskdesk_assets.common.resources import DeskResource, WarehouseResource, partitions
from riskdesk_assets.construction.remeasure import CHECKS, Written, remeasure

CHECKED = "ideal_portfolio"


@multi_asset_check(
    name="hard_limits",
    specs=[
        AssetCheckSpec(
            name,
            asset=CHECKED,
            blocking=True,
            additional_deps=["desk_positions", "portfolio_blotter", "limit_audit", "desk_state"],
            partitions_def=partitions(),
            description=f"Hard limit family {name}, measured from the written tables.",
        )
        for name in CHECKS
    ],
)
def hard_limits(
    context: AssetCheckExecutionContext, desk: DeskResource, duckdb: WarehouseResource
) -> Iterator[AssetCheckEvaluation | AssetCheckResult]:
    """Every limit family of every session of the run."""
    first, last = desk.session_range(context)
    warehouse = duckdb.tables()
    written = Written(
        desk_positions=warehouse.read("desk_positions", first, last),
        portfolio_blotter=warehouse.read("portfolio_blotter", first, last),
        ideal_portfolio=warehouse.read("ideal_portfolio", first, last),
        limit_audit=warehouse.read("limit_audit", first, last),
        desk_state=warehouse.read("desk_state", first, last),
    )
    sessions = desk.calendar().between(first, last)
    yield from check_events(CHECKED, CHECKS, remeasure(written, desk.config().universe, sessions), sessions)
