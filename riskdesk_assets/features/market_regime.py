"""The day's market regime: Calm, Normal or Event (methods.md section 3)."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.feature_settings import FeatureSettings
from riskdesk_assets.common.regimes import MarketRegime
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.features.name_windows import mean_volatility, name_of
from riskdesk_assets.features.own_bars import defined_rows, log_returns
from riskdesk_assets.features.panel import Panel, nullable
from riskdesk_assets.features.windows import Array, ratio, total, windowed_mean, windowed_zscore
from riskdesk_assets.market.quality import usable_index

MEAN_VOLATILITY_SOURCE = "universe mean vol_20"
VOLATILITY_STRETCH = 2
"""A name whose last vol_window + 1 bars take more than this many times as many sessions stays out of the mean."""


def market_regime(
    panel: Panel, volatility: pl.DataFrame, universe: Universe, settings: FeatureSettings, first: date, last: date
) -> pl.DataFrame:
    """The market regime of each session.

    Args:
        panel: bars of at least the tradable names, reaching ``settings.lookback_sessions`` sessions back from ``first``.
        volatility: TABLES["volatility_index"]; values on dates that are no session are left out.
        universe: the tradable names and the volatility index's symbol.
        settings: windows in sessions, thresholds.
        first: first session wanted.
        last: last session wanted.

    Returns:
        TABLES["market_regime"], a row for every session. volatility_z is the index's z-score against its last long_window
        values; where it has none that day, or too few, the mean vol_20 of the tradable names takes its place and
        volatility_source says so. A z without enough history is null, and then so is the regime: it is never guessed.

    Source: methods.md section 3.
    """
    table = TABLES["market_regime"]
    window = panel.between(first, last, settings.lookback_sessions)
    index_z = _zscore(_index_values(window, volatility, universe), settings.long_window, settings.lookback_sessions)
    own_z = _mean_volatility_zscore(window, universe, settings)
    has_index = np.isfinite(index_z)
    volatility_z = np.where(has_index, index_z, own_z)
    dispersion_z = _dispersion_zscore(window.select(universe.tradable), settings)
    rows = window.rows(first, last)
    frame = pl.DataFrame(
        {
            "as_of_date": pl.Series([window.sessions[row] for row in rows], dtype=pl.Date),
            "volatility_source": pl.Series(
                [universe.volatility_index if has_index[row] else MEAN_VOLATILITY_SOURCE for row in rows], dtype=pl.String
            ),
            "volatility_z": nullable(volatility_z[rows.start : rows.stop]),
            "dispersion_z": nullable(dispersion_z[rows.start : rows.stop]),
            "regime": pl.Series(
                [_regime(float(volatility_z[row]), float(dispersion_z[row]), settings) for row in rows], dtype=pl.String
            ),
        }
    )
    return table.conform(frame)


def classify_regime_values(v_z: float, d_z: float, settings: FeatureSettings) -> MarketRegime:
    """The market regime of two z-scores under the desk's thresholds; raises InputError as :func:`regime_of` does."""
    return regime_of(v_z, d_z, calm_below=settings.calm_below, event_above=settings.event_above)


def regime_of(v_z: float, d_z: float, *, calm_below: float, event_above: float) -> MarketRegime:
    """Event when either z-score is above event_above, Calm when both are below calm_below, else Normal.

    Raises:
        InputError: a z-score is not a finite number: that is an error, not a regime.

    Source: document 002, section 9.2.
    """
    for field, value in (("volatility_z", v_z), ("dispersion_z", d_z)):
        if not math.isfinite(value):
            raise InputError(Problem("market_regime", None, field, f"is {value}", "a finite z-score"))
    if v_z > event_above or d_z > event_above:
        return "Event"
    if v_z < calm_below and d_z < calm_below:
        return "Calm"
    return "Normal"


def _regime(v_z: float, d_z: float, settings: FeatureSettings) -> str | None:
    known = math.isfinite(v_z) and math.isfinite(d_z)
    return classify_regime_values(v_z, d_z, settings) if known else None


def _index_values(panel: Panel, volatility: pl.DataFrame, universe: Universe) -> Array:
    """The volatility index on the panel's sessions, NaN where it has no value."""
    usable = usable_index(volatility, universe.volatility_index)
    closes = dict(usable.select("as_of_date", "close").iter_rows())
    return np.array([closes.get(session, math.nan) for session in panel.sessions], dtype=np.float64)


def _mean_volatility_zscore(panel: Panel, universe: Universe, settings: FeatureSettings) -> Array:
    """z-score of the mean vol_20 of the tradable names, shape (sessions,)."""
    # The lookback is shared out: to each volatility its own stretch, the rest to the values it is compared with.
    stretch = VOLATILITY_STRETCH * (settings.vol_window + 1)
    names = [name_of(panel, symbol, settings, stretch) for symbol in universe.tradable]
    return _zscore(mean_volatility(names), settings.long_window, settings.lookback_sessions - stretch)


def _dispersion_zscore(panel: Panel, settings: FeatureSettings) -> Array:
    """z-score of the dispersion's mean over its last dispersion_mean_sessions values, shape (sessions,)."""
    dispersion = _dispersion(panel)
    # A dispersion reads the session before its own too.
    defined = defined_rows(dispersion, settings.lookback_sessions - 1)
    smoothed = windowed_mean(dispersion[defined.rows], settings.dispersion_mean_sessions)
    zscore = windowed_zscore(smoothed, settings.long_window)
    return defined.on_sessions(defined.limited(zscore, settings.long_window + settings.dispersion_mean_sessions - 1))


def _dispersion(panel: Panel) -> Array:
    """Cross-sectional sd (ddof 1) of daily log returns over the names that have one, shape (sessions,)."""
    returns = [log_returns(np.ascontiguousarray(panel.log_adj[:, column])) for column in range(len(panel.symbols))]
    defined = [np.isfinite(values) for values in returns]
    count = total(mask.astype(np.float64) for mask in defined)
    mean = ratio(total(np.where(mask, values, 0.0) for mask, values in zip(defined, returns, strict=True)), count)
    squares = total(np.where(mask, (values - mean) ** 2, 0.0) for mask, values in zip(defined, returns, strict=True))
    return np.where(count >= 2, np.sqrt(ratio(squares, count - 1)), np.nan)


def _zscore(values: Array, window: int, lookback: int) -> Array:
    """z-score against the last ``window`` values there are, shape (sessions,); NaN unless they lie within the lookback."""
    defined = defined_rows(values, lookback)
    return defined.on_sessions(defined.limited(windowed_zscore(values[defined.rows], window), window))
