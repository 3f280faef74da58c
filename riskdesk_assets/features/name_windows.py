"""What the last bars of one name say: volatility, ATR, liquidity, trend and drawdown (methods.md section 3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskdesk_assets.common.feature_settings import FeatureSettings
from riskdesk_assets.common.sample_statistics import SESSIONS_A_YEAR
from riskdesk_assets.features.own_bars import OwnBars, log_returns, own_bars
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.features.windows import (
    Array,
    aligned,
    exp,
    lags,
    last_rows,
    log,
    ratio,
    total,
    wilder,
    windowed_max,
    windowed_mean,
    windowed_median,
    windowed_rank,
    windowed_sd,
    windowed_sum,
)


@dataclass(frozen=True, eq=False)
class Name:
    """One symbol's own bars in the panel; every array below has shape (own bars,)."""

    panel: Panel
    symbol: str
    settings: FeatureSettings
    bars: OwnBars

    def values(self, matrix: Array) -> Array:
        """This name's column of a panel matrix, on its own bars."""
        return np.ascontiguousarray(matrix[self.bars.rows, self.panel.column(self.symbol)])

    @cached_property
    def volatility(self) -> Array:
        """vol_20: sd (ddof 1) of vol_window daily log returns, a year."""
        returns = log_returns(self.values(self.panel.log_adj))
        daily = windowed_sd(returns, self.settings.vol_window)
        return self.bars.limited(daily * math.sqrt(SESSIONS_A_YEAR), self.settings.vol_window + 1)

    @cached_property
    def adv(self) -> Array:
        """adv_20: mean of close x volume over vol_window, dollars a day."""
        traded = self.values(self.panel.close) * self.values(self.panel.volume)
        return self.bars.limited(windowed_mean(traded, self.settings.vol_window), self.settings.vol_window)


def name_of(panel: Panel, symbol: str, settings: FeatureSettings, lookback: int) -> Name:
    """The name's own bars, its values reading ``lookback`` sessions at most; KeyError when the panel has no such symbol."""
    return Name(panel, symbol, settings, own_bars(panel, [panel.column(symbol)], lookback))


def name_windows(name: Name) -> Mapping[str, Array]:
    """The columns of instrument_state that need this name's bars alone, each of shape (own bars,), NaN where unknown.

    Drawdowns are positive fractions of the highest adj_close of the window; atr is in dollars of the quoted prices.
    """
    settings, panel, bars = name.settings, name.panel, name.bars
    short, long = settings.vol_window, settings.long_window
    long_volatility = short + long
    return {
        "close": name.values(panel.close),
        "atr": _average_true_range(name),
        "vol_20": name.volatility,
        "vol_baseline": bars.limited(windowed_median(name.volatility, long), long_volatility),
        "vol_percentile": bars.limited(windowed_rank(name.volatility, long), long_volatility),
        "adv_20": name.adv,
        "corwin_schultz_bps": _corwin_schultz(name),
        "efficiency_ratio": _efficiency(name),
        "drawdown_20": _drawdown(name, short),
        "drawdown_252": _drawdown(name, long),
    }


def _average_true_range(name: Name) -> Array:
    """Wilder's ATR over atr_window, seeded long_window true ranges before each row.

    True range: the largest of high - low, |high - previous close| and |low - previous close|.
    """
    high, low, close = (name.values(matrix) for matrix in (name.panel.high, name.panel.low, name.panel.close))
    previous = np.full_like(close, np.nan)
    previous[1:] = close[:-1]
    true_range = np.maximum(high - low, np.maximum(np.abs(high - previous), np.abs(low - previous)))
    span = max(name.settings.long_window, name.settings.atr_window)
    return name.bars.limited(wilder(true_range, name.settings.atr_window, span), span + 1)


def _efficiency(name: Name) -> Array:
    """|P_t - P_{t-w}| / sum of the w daily |changes| of adj_close; NaN when nothing moved."""
    window = name.settings.efficiency_window
    prices = name.values(name.panel.adj_close)
    moved = np.full_like(prices, np.nan)
    moved[window:] = np.abs(prices[window:] - prices[:-window])
    path = windowed_sum(np.abs(log_returns(prices)), window)
    return name.bars.limited(ratio(moved, path), window + 1)


def _drawdown(name: Name, window: int) -> Array:
    prices = name.values(name.panel.adj_close)
    return name.bars.limited(1.0 - ratio(prices, windowed_max(prices, window)), window)


def drawdown_rank(name: Name, window: int) -> Array:
    """Share of the window's other sessions with a smaller drawdown than today's, from the highest price since it began."""
    prices = name.values(name.panel.adj_close)
    peak = last_rows(windowed_max(prices, window), window)
    today = 1.0 - last_rows(prices, window) / peak
    running = np.zeros_like(peak)
    below = np.zeros_like(peak)
    for view in lags(prices, window):
        np.maximum(running, view, out=running)
        below += 1.0 - view / running < today
    return name.bars.limited(aligned(below / (window - 1), len(prices)), window)


def _corwin_schultz(name: Name) -> Array:
    """Mean over vol_window of the two-day high-low spread estimate, whole spread in basis points of the price.

    Corwin and Schultz (2012), "A Simple Way to Estimate Bid-Ask Spreads from Daily High and Low Prices", Journal of Finance
    67(2), equations 14 and 18: with the paper's overnight adjustment, and a negative two-day estimate set to 0.
    """
    window = name.settings.vol_window
    high, low, close = (name.values(matrix) for matrix in (name.panel.high, name.panel.low, name.panel.close))
    estimates = np.full_like(close, np.nan)
    if len(close) < 2:
        return estimates
    gap = np.maximum(low[1:] - close[:-1], 0.0) - np.maximum(close[:-1] - high[1:], 0.0)
    log_high, log_low = log(high[:-1]), log(low[:-1])
    next_high, next_low = log(high[1:] - gap), log(low[1:] - gap)
    beta = (log_high - log_low) ** 2 + (next_high - next_low) ** 2
    gamma = (np.maximum(log_high, next_high) - np.minimum(log_low, next_low)) ** 2
    root = 3.0 - 2.0 * math.sqrt(2.0)
    alpha = (np.sqrt(2.0 * beta) - np.sqrt(beta)) / root - np.sqrt(gamma / root)
    growth = exp(np.maximum(alpha, 0.0))
    estimates[1:] = 2.0 * (growth - 1.0) / (1.0 + growth)
    return name.bars.limited(windowed_mean(estimates, window) * 1e4, window + 1)


def mean_volatility(names: list[Name]) -> Array:
    """Mean vol_20 over the names that have one, shape (sessions,); NaN on a session where none has."""
    return mean_of_defined([name.bars.on_sessions(name.volatility) for name in names])


def mean_of_defined(parts: list[Array]) -> Array:
    """Elementwise mean of equally shaped arrays, left to right, over those that are not NaN; NaN where all are."""
    defined = total(np.isfinite(part).astype(np.float64) for part in parts)
    return ratio(total(np.where(np.isfinite(part), part, 0.0) for part in parts), defined)
