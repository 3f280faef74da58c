"""Group features: what the bars say of pairs, names and the market, computed from the run's snapshot."""

import polars as pl
from dagster import AssetExecutionContext, BackfillPolicy, asset

from riskdesk_assets.common.resources import DeskResource, partitions
from riskdesk_assets.common.session_metadata import attach, daily
from riskdesk_assets.features.compute import distinct_pairs, pair_states, panel_of, watched_pairs
from riskdesk_assets.features.correlations import return_correlations
from riskdesk_assets.features.instrument_state import instrument_state
from riskdesk_assets.features.market_regime import market_regime
from riskdesk_assets.market.history import read_history

SESSIONS = partitions()
ONE_RUN = BackfillPolicy.single_run()


@asset(
    name="pair_state",
    group_name="features",
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
    deps=["daily_bars", "ticket_snapshots"],
    kinds={"duckdb", "polars"},
)
def pair_state_asset(context: AssetExecutionContext, desk: DeskResource) -> None:
    """Hedge ratio, spread and z-score of every pair of a ticket, and of the pairs the universe watches."""
    first, last = desk.session_range(context)
    config, warehouse = desk.config(), desk.warehouse()
    history = read_history(desk.paths(), desk.calendar(), config, first, last)
    pairs = watched_pairs(config, warehouse.read("ticket_snapshots", first, last), history.wanted)
    rows = pair_states(panel_of(history, config), config, pairs, first, last)
    warehouse.write(first, last, {"pair_state": rows})
    widest = pl.col("zscore").abs().max().alias("largest_abs_z")
    attach(context, "pair_state", daily(rows, history.wanted, widest, pl.col("extreme_z").sum().alias("broken")))


@asset(
    name="market_regime",
    group_name="features",
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
    deps=["daily_bars", "volatility_index"],
    kinds={"duckdb", "polars"},
)
def market_regime_asset(context: AssetExecutionContext, desk: DeskResource) -> None:
    """Calm, Normal or Event: one market regime per session."""
    first, last = desk.session_range(context)
    config = desk.config()
    history = read_history(desk.paths(), desk.calendar(), config, first, last)
    rows = market_regime(panel_of(history, config), history.volatility, config.universe, config.desk.features, first, last)
    desk.warehouse().write(first, last, {"market_regime": rows})
    attach(context, "market_regime", daily(rows, history.wanted, pl.col("regime", "volatility_z", "dispersion_z").last()))


@asset(
    name="instrument_state",
    group_name="features",
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
    deps=["daily_bars", "market_regime"],
    kinds={"duckdb", "polars"},
)
def instrument_state_asset(context: AssetExecutionContext, desk: DeskResource) -> None:
    """Volatility, liquidity, tape regime and fragility of every tradable name."""
    first, last = desk.session_range(context)
    config, warehouse = desk.config(), desk.warehouse()
    history = read_history(desk.paths(), desk.calendar(), config, first, last)
    regimes = warehouse.read("market_regime", first, last)
    rows = instrument_state(
        panel_of(history, config),
        config.universe,
        config.desk.features,
        config.desk.costs,
        regimes,
        config.feature_version,
        first,
        last,
    )
    warehouse.write(first, last, {"instrument_state": rows})
    stressed = (pl.col("tape_regime") == "STRESSED").sum().alias("stressed")
    attach(context, "instrument_state", daily(rows, history.wanted, pl.col("vol_20").mean().alias("mean_vol_20"), stressed))


@asset(
    name="return_correlations",
    group_name="features",
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
    deps=["daily_bars", "pair_state"],
    kinds={"duckdb", "polars"},
)
def return_correlations_asset(context: AssetExecutionContext, desk: DeskResource) -> None:
    """Correlations of names, and of the P&L streams of pairs."""
    first, last = desk.session_range(context)
    config, warehouse = desk.config(), desk.warehouse()
    history = read_history(desk.paths(), desk.calendar(), config, first, last)
    pairs = watched_pairs(config, warehouse.read("ticket_snapshots", first, last), history.wanted)
    states = warehouse.read("pair_state", first, last)
    rows = return_correlations(
        panel_of(history, config), config.universe, distinct_pairs(pairs), states, config.desk.features, first, last
    )
    warehouse.write(first, last, {"return_correlations": rows})
    attach(context, "return_correlations", daily(rows, history.wanted, pl.col("correlation").abs().max().alias("largest")))
