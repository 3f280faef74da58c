"""Group risk_model: the factor model of each session's close, Sigma = B F B' + D, as exposures, factors and correlations.

One multi-asset, for the three tables are three views of one estimate.
"""

from collections.abc import Iterator

import polars as pl
from dagster import AssetExecutionContext, AssetSpec, BackfillPolicy, MaterializeResult, asset, multi_asset

from riskdesk_assets.common.resources import DeskResource, partitions
from riskdesk_assets.common.session_metadata import attach, daily
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.market.history import read_history
from riskdesk_assets.risk_model.exposures import MARKET
from riskdesk_assets.risk_model.factors import factor_models
from riskdesk_assets.risk_model.rows import INSTRUMENTS, SPECIFIC, correlation_panels, factors_daily, instrument_factors_daily
from riskdesk_assets.risk_model.scenario_rows import scenario_rows

SESSIONS = partitions()
ONE_RUN = BackfillPolicy.single_run()
_DESCRIPTIONS = {
    "instrument_factors_daily": "B and D: exposures to market, industry group, size and momentum; specific volatility a day.",
    "factors_daily": "What each factor returned on the session, and its volatility a day.",
    "correlation_panels": "Correlations of names, and of factors, as the factor model has them.",
}
_SPECIFIC = pl.col("exposure").filter(pl.col("factor_id") == SPECIFIC)
_MARKET = pl.col("factor_return", "factor_volatility").filter(pl.col("factor_id") == MARKET)
_OF_NAMES = pl.col("correlation").filter(pl.col("panel_id") == INSTRUMENTS)
_NUMBERS = {
    "instrument_factors_daily": [_SPECIFIC.len().alias("names"), _SPECIFIC.mean().alias("mean_specific_volatility")],
    "factors_daily": [_MARKET.first().name.prefix("market_")],
    "correlation_panels": [_OF_NAMES.mean().alias("mean_correlation")],
}


@multi_asset(
    name="factor_model",
    specs=[
        AssetSpec(name, group_name="risk_model", deps=["daily_bars"], description=description, kinds={"duckdb", "polars"})
        for name, description in _DESCRIPTIONS.items()
    ],
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
)
def factor_model(context: AssetExecutionContext, desk: DeskResource) -> Iterator[MaterializeResult[None]]:
    """The factor model of every session, written as its three tables in one transaction."""
    first, last = desk.session_range(context)
    config = desk.config()
    history = read_history(desk.paths(), desk.calendar(), config, first, last)
    models = list(factor_models(panel_of(history, config), config, history.wanted))
    frames = {
        "instrument_factors_daily": instrument_factors_daily(models),
        "factors_daily": factors_daily(models),
        "correlation_panels": correlation_panels(models),
    }
    desk.warehouse().write(first, last, frames)
    for name, frame in frames.items():
        attach(context, name, daily(frame, history.wanted, *_NUMBERS[name]))
        yield MaterializeResult(asset_key=name, metadata={"rows_in_run": frame.height})


@asset(
    name="scenarios",
    group_name="risk_model",
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
    deps=["daily_bars", "instrument_factors_daily", "instrument_state"],
    kinds={"duckdb", "polars"},
)
def scenarios_asset(context: AssetExecutionContext, desk: DeskResource) -> None:
    """What each scenario does to every name: named shocks, and stretches of history lived through again."""
    first, last = desk.session_range(context)
    config, warehouse = desk.config(), desk.warehouse()
    history = read_history(desk.paths(), desk.calendar(), config, first, last)
    rows = scenario_rows(
        config,
        warehouse.read("instrument_factors_daily", first, last),
        warehouse.read("instrument_state", first, last),
        history.replay_bars,
        history.wanted,
    )
    warehouse.write(first, last, {"scenarios": rows})
    distinct, proxied = pl.col("scenario_id").n_unique().alias("scenarios"), pl.col("proxied").sum()
    attach(context, "scenarios", daily(rows, history.wanted, distinct, proxied))
