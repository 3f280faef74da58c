"""A warning for every session without a market regime."""

from collections.abc import Iterator

from dagster import AssetCheckEvaluation, AssetCheckExecutionContext, AssetCheckResult, AssetCheckSpec, multi_asset_check

from riskdesk_assets.common.checks import check_events
from riskdesk_assets.common.resources import DeskResource, partitions
from riskdesk_assets.features.regime_known import MARKET_REGIME_KNOWN, unknown_regimes

CHECKED = "market_regime"


@multi_asset_check(
    name="regimes",
    specs=[
        AssetCheckSpec(
            MARKET_REGIME_KNOWN,
            asset=CHECKED,
            partitions_def=partitions(),
            description="Every session has a market regime; one without says why.",
        )
    ],
)
def regime_check(context: AssetCheckExecutionContext, desk: DeskResource) -> Iterator[AssetCheckEvaluation | AssetCheckResult]:
    """A NaN is an error, not a regime: nothing is guessed, and somebody hears of it."""
    first, last = desk.session_range(context)
    config, sessions = desk.config(), desk.calendar().between(first, last)
    rows = desk.warehouse().read(CHECKED, first, last)
    found = unknown_regimes(rows, config.universe, config.desk.features, sessions)
    yield from check_events(CHECKED, (MARKET_REGIME_KNOWN,), found, sessions)
