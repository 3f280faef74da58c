"""pair_state v1: hedge ratio, spread and z-score of each pair, on the two legs' common sessions (methods.md section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from riskdesk_assets.common.feature_settings import FeatureSettings
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.universe import pair_id
from riskdesk_assets.features.cointegration import weekly_pvalues
from riskdesk_assets.features.own_bars import OwnBars, log_returns, own_bars
from riskdesk_assets.features.panel import Panel, nullable
from riskdesk_assets.features.spread import SMALLEST_SD, half_life, no_mean_cross_days, spread_moments
from riskdesk_assets.features.windows import Array, ratio, windowed_correlation, windowed_covariance, windowed_sd

CORRELATION_RETURNS = 60
"""The window of corr_60, which its name fixes."""


@dataclass(frozen=True, eq=False)
class _Pair:
    """Log adj_close of both legs on their common sessions, each of shape (bars,)."""

    legs: tuple[str, str]
    bars: OwnBars
    log_a: Array
    log_b: Array


def pair_state(
    panel: Panel,
    pairs: Sequence[tuple[str, str]],
    settings: FeatureSettings,
    feature_version: str,
    first: date,
    last: date,
) -> pl.DataFrame:
    """State of each pair at each session.

    Args:
        panel: bars that reach at least ``settings.lookback_sessions`` sessions back from ``first``, or to the listing.
        pairs: (leg_a, leg_b) in their written order; a pair given twice counts once.
        settings: windows in sessions, thresholds.
        feature_version: written to every row.
        first: first session wanted.
        last: last session wanted.

    Returns:
        TABLES["pair_state"]: a row where both legs have a bar, at least window_hedge + window_z common bars ending there
        lie within the lookback, and neither leg_b's return nor the spread stands still (no hedge ratio or z exists then).
        beta_stability, half_life_days, corr_60 and coint_pvalue are null where their own windows are not full, or where
        the number does not exist; no value is ever NaN or infinite.

    Raises:
        KeyError: a leg is not in the panel.

    Source: methods.md section 2.
    """
    table = TABLES["pair_state"]
    window = panel.between(first, last, settings.lookback_sessions)
    frames = [pl.DataFrame(schema=table.schema)]
    for legs in sorted(set(pairs)):
        columns = [window.column(leg) for leg in legs]
        bars = own_bars(window, columns, settings.lookback_sessions)
        log_a, log_b = (np.ascontiguousarray(window.log_adj[bars.rows, column]) for column in columns)
        frames.append(_rows(window, _Pair(legs, bars, log_a, log_b), settings, feature_version, first))
    return table.conform(pl.concat(frames))


def _rows(panel: Panel, pair: _Pair, settings: FeatureSettings, feature_version: str, first: date) -> pl.DataFrame:
    bars, window_hedge, window_z = pair.bars, settings.window_hedge, settings.window_z
    return_a, return_b = log_returns(pair.log_a), log_returns(pair.log_b)
    variance_b = windowed_covariance(return_b, return_b, window_hedge)
    moving = np.sqrt(variance_b) > SMALLEST_SD
    beta = ratio(windowed_covariance(return_a, return_b, window_hedge), np.where(moving, variance_b, np.nan))
    spread = pair.log_a - beta * pair.log_b
    mean, sd = spread_moments(pair.log_a, pair.log_b, beta, window_z)
    zscore = ratio(spread - mean, sd)
    wanted = panel.rows(first, panel.sessions[-1]).start if panel.sessions else 0
    stated = bars.reaches(window_hedge + window_z) & (sd > SMALLEST_SD) & np.isfinite(zscore) & (bars.rows >= wanted)
    pvalues = np.full(len(bars.rows), np.nan)
    if settings.coint_refresh == "weekly":
        pvalues = weekly_pvalues(panel.sessions, bars, pair.log_a, pair.log_b, settings.half_life_window, stated)
    floats = {
        "beta": beta,
        "spread": spread,
        "zscore": zscore,
        "beta_stability": bars.limited(windowed_sd(beta, window_hedge), 2 * window_hedge),
        "spread_mean": mean,
        "spread_sd": sd,
        "half_life_days": bars.limited(
            half_life(pair.log_a, pair.log_b, beta, settings.half_life_window), settings.half_life_window
        ),
        "corr_60": bars.limited(windowed_correlation(return_a, return_b, CORRELATION_RETURNS), CORRELATION_RETURNS + 1),
        "coint_pvalue": pvalues,
    }
    leg_a, leg_b = pair.legs
    return pl.DataFrame(
        {
            "as_of_date": pl.Series([panel.sessions[row] for row in bars.rows[stated].tolist()], dtype=pl.Date),
            "no_mean_cross_days": no_mean_cross_days(pair.log_a, pair.log_b, beta, window_z, bars)[stated],
            "extreme_z": np.abs(zscore[stated]) >= settings.breakdown_z,
            **{name: nullable(values[stated]) for name, values in floats.items()},
        }
    ).select(
        *("as_of_date", pl.lit(pair_id(leg_a, leg_b)).alias("pair_id")),
        *(pl.lit(leg_a).alias("leg_a"), pl.lit(leg_b).alias("leg_b")),
        *(pl.lit(window_hedge, pl.Int64).alias("window_hedge"), pl.lit(window_z, pl.Int64).alias("window_z")),
        *("beta", "spread", "zscore", "beta_stability", "no_mean_cross_days", "extreme_z"),
        pl.lit(feature_version).alias("feature_version"),
        *("spread_mean", "spread_sd", "half_life_days", "corr_60", "coint_pvalue"),
    )
