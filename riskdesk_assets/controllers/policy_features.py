"""What the learned policy reads of a pair at a close: one frozen order of features, nothing later than the session.

Every feature is the same for a pair and for its mirror image (short what it was long): the side is the reversion's, and the
model decides only how much of it.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from riskdesk_assets.features.own_bars import own_bars
from riskdesk_assets.features.panel import Panel, nullable
from riskdesk_assets.features.windows import Array, exp, log, ratio

FEATURES = (
    "abs_zscore",
    "stretch_change_5",
    "expected_reversion_5",
    "beta_stability",
    "log_half_life",
    "corr_60",
    "log_no_cross_days",
    "spread_sd",
    "volatility_z",
    "dispersion_z",
)
"""The order of every vector of features; a model names it, and one that names another is refused."""

STRETCH_SESSIONS = 5
SLOWEST_HALF_LIFE = 252.0
"""What no half-life at all is read as (methods.md section 2)."""

KEYS = {"as_of_date": pl.Date(), "pair_id": pl.String(), "leg_a": pl.String(), "leg_b": pl.String(), "side": pl.Int64()}
SCHEMA: dict[str, pl.DataType] = {**KEYS, **dict.fromkeys(FEATURES, pl.Float64())}


def policy_features(pair_state: pl.DataFrame, regimes: pl.DataFrame, panel: Panel, lookback: int) -> pl.DataFrame:
    """Features of every row of pair_state.

    Args:
        pair_state: TABLES["pair_state"].
        regimes: TABLES["market_regime"] of the same sessions.
        panel: bars of both legs, from ``lookback`` sessions before the first row.
        lookback: sessions a number may read back.

    Returns:
        Columns SCHEMA, sorted by as_of_date and pair_id. ``side`` is the reversion's: -1 above the mean (short the spread), 1
        below, 0 on it. A feature is null where a number it needs does not exist; it is never guessed.

        abs_zscore: |z|. stretch_change_5: how many of today's standard deviations the spread (today's beta) has moved away from
        its mean over 5 common sessions; negative: it is coming back. expected_reversion_5: the return of a unit position if z
        decays over 5 sessions with its half-life, |z| sd (1 - 2^(-5 / half-life)) / (1 + |beta|). log_half_life: ln of
        half_life_days, none read as 252. log_no_cross_days: ln(1 + no_mean_cross_days). volatility_z, dispersion_z: the
        market regime's.
    """
    joined = pair_state.join(regimes.select("as_of_date", "volatility_z", "dispersion_z"), on="as_of_date", how="left")
    rows = joined.sort("as_of_date", "pair_id")
    zscore, beta, spread_sd = (_floats(rows, name) for name in ("zscore", "beta", "spread_sd"))
    half_life = np.nan_to_num(_floats(rows, "half_life_days"), nan=SLOWEST_HALF_LIFE)
    side = -np.sign(zscore)
    decayed = 1.0 - exp(-np.log(2.0) * STRETCH_SESSIONS / half_life)
    values = {
        "abs_zscore": np.abs(zscore),
        "stretch_change_5": -side * ratio(_spread_change(rows, panel, lookback), spread_sd),
        "expected_reversion_5": np.abs(zscore) * spread_sd * decayed / (1.0 + np.abs(beta)),
        "beta_stability": _floats(rows, "beta_stability"),
        "log_half_life": log(half_life),
        "corr_60": _floats(rows, "corr_60"),
        "log_no_cross_days": log(1.0 + _floats(rows, "no_mean_cross_days")),
        "spread_sd": spread_sd,
        "volatility_z": _floats(rows, "volatility_z"),
        "dispersion_z": _floats(rows, "dispersion_z"),
    }
    frame = rows.select("as_of_date", "pair_id", "leg_a", "leg_b").with_columns(
        pl.Series("side", side.astype(np.int64)), *(nullable(values[name]).alias(name) for name in FEATURES)
    )
    return frame.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def session_features(frame: pl.DataFrame) -> dict[date, dict[str, tuple[float, ...] | None]]:
    """Session -> pair -> features in order; None where one of them does not exist."""
    found: dict[date, dict[str, tuple[float, ...] | None]] = {}
    for session, pair, *values in frame.select("as_of_date", "pair_id", *FEATURES).iter_rows():
        found.setdefault(session, {})[pair] = None if None in values else tuple(values)
    return found


def _floats(rows: pl.DataFrame, name: str) -> Array:
    return rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _spread_change(rows: pl.DataFrame, panel: Panel, lookback: int) -> Array:
    """The spread's change over STRETCH_SESSIONS common sessions with today's beta, shape (rows,); NaN where it has none."""
    place_of = {session: place for place, session in enumerate(panel.sessions)}
    places = np.array([place_of[session] for session in rows["as_of_date"]], dtype=np.intp)
    beta = _floats(rows, "beta")
    change = np.full(rows.height, np.nan)
    names = rows["pair_id"].to_numpy()
    for pair, leg_a, leg_b in rows.select("pair_id", "leg_a", "leg_b").unique().sort("pair_id", "leg_a", "leg_b").iter_rows():
        columns = [panel.column(leg_a), panel.column(leg_b)]
        bars = own_bars(panel, columns, lookback)
        moved = [_lagged_change(panel.log_adj[bars.rows, column]) for column in columns]
        a, b = (bars.on_sessions(bars.limited(values, STRETCH_SESSIONS + 1)) for values in moved)
        own = np.flatnonzero(names == pair)
        change[own] = a[places[own]] - beta[own] * b[places[own]]
    return change


def _lagged_change(values: Array) -> Array:
    out = np.full_like(values, np.nan)
    out[STRETCH_SESSIONS:] = values[STRETCH_SESSIONS:] - values[:-STRETCH_SESSIONS]
    return out
