"""Bars whose spreads really revert: one market and one quickly reverting residual a name, from a fixed seed. No real prices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache

import numpy as np
import polars as pl

from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.history import History
from riskdesk_assets.research.policy.training import Trained, train, training_inputs
from riskdesk_assets.strategy.ticket import Ticket
from riskdesk_tests.desk_builder import calendar, desk_config, history_of_bars, shipped_tickets
from riskdesk_tests.desk_on_disk import BANKS, TICKETS

SEED = 20240607
FIRST, TRAIN_FIRST, LAST = date(2015, 1, 2), date(2016, 3, 1), date(2022, 6, 30)
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


def reverting_history(config: Config, bars: pl.DataFrame, first: date = TRAIN_FIRST, last: date = LAST) -> History:
    """A history of the bars without a volatility index."""
    return history_of_bars(config, first, last, bars, TABLES["volatility_index"].frame([]))


@cache
def small_config() -> Config:
    """The shipped configuration with the eight names of these bars, no pairs but the tickets'."""
    raw = desk_config().model_dump()
    raw["universe"]["symbols"] = {name: raw["universe"]["symbols"][name] for name in BANKS}
    raw["universe"] |= {"pairs": [], "context": [], "volatility_index": None}
    return Config.model_validate(raw)


@cache
def small_tickets() -> tuple[Ticket, ...]:
    """The shipped tickets on these names."""
    return tuple(ticket for ticket in shipped_tickets() if ticket.ticket_id in TICKETS)


@cache
def trained(reverting: bool = True) -> Trained:
    """A training on these bars."""
    config = small_config()
    return train(training_inputs(reverting_history(config, reverting_bars(BANKS, reverting)), config, small_tickets()))
