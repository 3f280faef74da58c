"""instrument_state: volatility, liquidity, tape regime and fragility of each tradable name (methods.md section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from riskdesk_assets.common.feature_settings import FeatureSettings, FragilitySettings
from riskdesk_assets.common.settings import CostSettings
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.features.name_windows import Name, drawdown_rank, mean_of_defined, name_of, name_windows
from riskdesk_assets.features.own_bars import log_returns
from riskdesk_assets.features.panel import Panel, nullable
from riskdesk_assets.features.windows import (
    Array,
    aligned,
    lags,
    last_rows,
    ratio,
    total,
    windowed_correlation,
    windowed_mean,
    windowed_median,
    windowed_rank,
)


@dataclass(frozen=True, eq=False)
class _Stability:
    """The stability vector and the percentile in [0, 1] of each of its parts, 1 the most fragile; shape (own bars,)."""

    values: Mapping[str, Array]
    percentiles: Mapping[str, Array]


def instrument_state(
    panel: Panel,
    universe: Universe,
    settings: FeatureSettings,
    costs: CostSettings,
    market_regime: pl.DataFrame,
    feature_version: str,
    first: date,
    last: date,
) -> pl.DataFrame:
    """State of each tradable name at each session on which it has a bar.

    Args:
        panel: bars of at least the tradable names, reaching ``settings.lookback_sessions`` sessions back from ``first``.
        universe: names, industry groups, half spreads in basis points, and fragility classes that win over the measured one.
        settings: windows in sessions, thresholds.
        costs: the half spread of a name that gives none.
        market_regime: TABLES["market_regime"] of the same sessions.
        feature_version: written to every row.
        first: first session wanted.
        last: last session wanted.

    Returns:
        TABLES["instrument_state"]. A column whose window is not full within the lookback is null, and so is the tape regime
        where any number it needs, or the market regime, is; a gap in a name's bars is skipped, never filled. vol_20 is a
        year's, drawdowns are positive fractions, adv_20 is dollars a day, atr is dollars.

    Raises:
        KeyError: a tradable name is not in the panel.

    Source: methods.md section 3.
    """
    table = TABLES["instrument_state"]
    window = panel.between(first, last, settings.lookback_sessions)
    regimes = dict(market_regime.select("as_of_date", "regime").iter_rows())
    frames = [pl.DataFrame(schema=table.schema)]
    for symbol in universe.tradable:
        name = name_of(window, symbol, settings, settings.lookback_sessions)
        rows = _rows(name, universe, settings, costs, regimes)
        frames.append(rows.filter(pl.col("as_of_date") >= first).with_columns(feature_version=pl.lit(feature_version)))
    return table.conform(pl.concat(frame.select(table.columns.keys()) for frame in frames))


def _rows(
    name: Name, universe: Universe, settings: FeatureSettings, costs: CostSettings, regimes: Mapping[date, str | None]
) -> pl.DataFrame:
    instrument = universe.symbols[name.symbol]
    columns = name_windows(name)
    stability = _stability(name, columns, universe, settings)
    fragility = _fragility(stability, settings.fragility)
    sessions = [name.panel.sessions[row] for row in name.bars.rows.tolist()]
    half_spread = instrument.half_spread_bps if instrument.half_spread_bps is not None else costs.default_half_spread_bps
    frame = pl.DataFrame(
        {
            "as_of_date": pl.Series(sessions, dtype=pl.Date),
            **{column: nullable(values) for column, values in columns.items()},
            **{column: nullable(values) for column, values in stability.values.items()},
            "fragility": nullable(fragility),
            "market": pl.Series([regimes.get(session) for session in sessions], dtype=pl.String),
        }
    )
    measured = fragility_class(pl.col("fragility"), settings.fragility)
    return frame.with_columns(
        symbol=pl.lit(name.symbol),
        half_spread_bps=pl.lit(half_spread, pl.Float64),
        tape_regime=tape_regime(settings),
        fragility_class=measured if instrument.fragility_class is None else pl.lit(instrument.fragility_class),
    )


def tape_regime(settings: FeatureSettings) -> pl.Expr:
    """The first match of STRESSED, VOLATILE, TRENDING, RANGING; null where a number or the market regime is unknown.

    Reads vol_20, vol_baseline, vol_percentile, drawdown_20, efficiency_ratio and market.
    Source: methods.md section 3.
    """
    event = pl.col("market") == "Event"
    needed = ("vol_20", "vol_baseline", "vol_percentile", "drawdown_20", "efficiency_ratio", "market")
    stressed = pl.col("vol_20") >= settings.stressed_vol_ratio * pl.col("vol_baseline")
    return (
        pl.when(pl.any_horizontal(pl.col(column).is_null() for column in needed))
        .then(pl.lit(None, pl.String))
        .when(stressed | (event & (pl.col("drawdown_20") > settings.stressed_drawdown)))
        .then(pl.lit("STRESSED"))
        .when((pl.col("vol_percentile") > settings.volatile_percentile) | event)
        .then(pl.lit("VOLATILE"))
        .when(pl.col("efficiency_ratio") > settings.trending_efficiency)
        .then(pl.lit("TRENDING"))
        .otherwise(pl.lit("RANGING"))
    )


def fragility_class(fragility: pl.Expr, settings: FragilitySettings) -> pl.Expr:
    """NONE below watch_from, then WATCH, SOFT from soft_from, FRAGILE from fragile_from; null stays null."""
    return (
        pl.when(fragility >= settings.fragile_from)
        .then(pl.lit("FRAGILE"))
        .when(fragility >= settings.soft_from)
        .then(pl.lit("SOFT"))
        .when(fragility >= settings.watch_from)
        .then(pl.lit("WATCH"))
        .when(fragility.is_not_null())
        .then(pl.lit("NONE"))
    )


def _stability(name: Name, columns: Mapping[str, Array], universe: Universe, settings: FeatureSettings) -> _Stability:
    """The four parts, each against its own last long_window values: high volatility, a correlation away from its mean in
    either direction, low liquidity and a deep drawdown are fragile.
    """
    long, span = settings.long_window, settings.fragility.correlation_window
    correlation = windowed_correlation(*_returns_with_group(name, universe), span)
    departure = correlation - windowed_mean(correlation, long)
    liquidity = ratio(name.adv, windowed_median(name.adv, long))
    liquidity_bars = long + settings.vol_window - 1
    return _Stability(
        values={
            "stability_volatility": ratio(columns["vol_20"], columns["vol_baseline"]),
            "stability_correlation": name.bars.limited(departure, long + span),
            "stability_liquidity": name.bars.limited(liquidity, liquidity_bars),
            "stability_drawdown": columns["drawdown_252"],
        },
        percentiles={
            "volatility": columns["vol_percentile"],
            "correlation": name.bars.limited(_departure_rank(correlation, long), long + span),
            "liquidity": 1.0 - name.bars.limited(windowed_rank(name.adv, long), liquidity_bars),
            "drawdown": drawdown_rank(name, long),
        },
    )


def _fragility(stability: _Stability, settings: FragilitySettings) -> Array:
    """Weighted mean of the four percentiles, in [0, 1]; NaN where one of those with a weight is."""
    weights = {
        "volatility": settings.volatility_weight,
        "correlation": settings.correlation_weight,
        "liquidity": settings.liquidity_weight,
        "drawdown": settings.drawdown_weight,
    }
    weighted = [(weight, stability.percentiles[part]) for part, weight in weights.items() if weight > 0]
    return total(weight * percentile for weight, percentile in weighted) / sum(weight for weight, _ in weighted)


def _departure_rank(correlation: Array, window: int) -> Array:
    """Share of the window's other correlations nearer to the window's mean than today's."""
    mean = last_rows(windowed_mean(correlation, window), window)
    today = np.abs(last_rows(correlation, window) - mean)
    nearer = total((np.abs(view - mean) < today).astype(np.float64) for view in lags(correlation, window))
    return aligned(np.where(np.isnan(today), np.nan, nearer / (window - 1)), len(correlation))


def _returns_with_group(name: Name, universe: Universe) -> tuple[Array, Array]:
    """The name's log returns and the mean return of the rest of its industry group over the same stretches.

    A group's only name is measured against the rest of the universe.
    """
    group = universe.symbols[name.symbol].industry_group
    others = [symbol for symbol in universe.tradable if symbol != name.symbol]
    peers = [symbol for symbol in others if universe.symbols[symbol].industry_group == group] or others
    own = log_returns(name.values(name.panel.log_adj))
    if not peers:
        return own, np.full_like(own, np.nan)
    log_adj = name.panel.log_adj[name.bars.rows]
    return own, mean_of_defined([log_returns(np.ascontiguousarray(log_adj[:, name.panel.column(peer)])) for peer in peers])
