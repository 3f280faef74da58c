"""Bars whose spreads really revert: one market and one quickly reverting residual a name, from a fixed seed. No real prices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache

import numpy as np
import polars as pl

from riskdesk_assets.common.tables import TABLES
from riskdesk_tests.desk_builder import calendar

SEED = 20240607
FIRST, LAST = date(2015, 1, 2), date(2022, 6, 30)
MARKET_VOLATILITY, HALF_LIFE, RESIDUAL_SD = 0.03, 3.0, 0.03


@cache
def reverting_bars(symbols: Sequence[str], reverting: bool = True, seed: int = SEED) -> pl.DataFrame:
    """TABLES["daily_bars"] of the symbols from FIRST to LAST; ``reverting`` False: residuals that are random walks."""
    sessions = calendar().between(FIRST, LAST)
    draws = np.random.Generator(np.random.Philox(key=seed))
    market = np.cumsum(0.0002 + MARKET_VOLATILITY * draws.standard_normal(len(sessions)))
    keep = 2.0 ** (-1.0 / HALF_LIFE)
    frames = []
    for symbol in symbols:
        shocks = RESIDUAL_SD * np.sqrt(1.0 - keep**2) * draws.standard_normal(len(sessions))
        residual = np.zeros(len(sessions))
        for place in range(1, len(sessions)):
            residual[place] = (keep if reverting else 1.0) * residual[place - 1] + shocks[place]
        close = 100.0 * np.exp(market + residual)
        frames.append(
            pl.DataFrame(
                {
                    "symbol": symbol,
                    "as_of_date": sessions,
                    "open": close,
                    "high": close * 1.005,
                    "low": close * 0.995,
                    "close": close,
                    "adj_close": close,
                    "volume": 5_000_000,
                    "source": "FILES",
                }
            )
        )
    return TABLES["daily_bars"].conform(pl.concat(frames))
