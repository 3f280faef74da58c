"""Mandates' backtests in memory for the tests: configuration, tickets and bars in, everything a backtest knows out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

import polars as pl

from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.common.settings import ROOT, Config
from riskdesk_assets.research.mandates.backtest import MandateBacktest, mandate_backtest
from riskdesk_assets.research.mandates.files import DECLARED, MandateInputsKept
from riskdesk_assets.research.mandates.inputs import MandateShared, PreparedMandate
from riskdesk_tests.desk_builder import (
    CODE,
    changed,
    desk_config,
    history_of_bars,
    sessions_from,
    shipped_tickets,
    snapshots_of,
)
from riskdesk_tests.research.backtests import settings

DAYS = sessions_from(date(2025, 3, 3), 20)
LONG, NEUTRAL = "bank_long_only", "bank_market_neutral"
MANDATES = (LONG, NEUTRAL)


def config_with(changes: Mapping[str, object] | None = None) -> Config:
    """The shipped configuration with these values changed."""
    config = desk_config()
    for path, value in (changes or {}).items():
        config = changed(config, path, value)
    return config


def shared(bars: pl.DataFrame | None = None, first: date = DAYS[0], last: date = DAYS[-1]) -> MandateShared:
    """The inputs of any mandate over the sample market, or over these bars, with the shipped tickets."""
    return MandateShared(
        lambda item: history_of_bars(item, first, last, bars),
        lambda history: snapshots_of(shipped_tickets(), history.wanted),
        CODE,
        ROOT / "config",
    )


@cache
def _sample() -> MandateShared:
    return shared()


def prepared(mandate: str, changes: Mapping[str, object] | None = None, bars: pl.DataFrame | None = None) -> PreparedMandate:
    """A mandate ready to be walked over DAYS; what the sample market's variants share is computed once for all tests."""
    inputs = _sample() if bars is None else shared(bars)
    return inputs.prepared(config_with(changes), mandate)


def backtested(mandate: str, changes: Mapping[str, object] | None = None, bars: pl.DataFrame | None = None) -> MandateBacktest:
    """The backtest of it."""
    return mandate_backtest(prepared(mandate, changes, bars))


@cache
def plain(mandate: str) -> MandateBacktest:
    """A mandate as shipped over DAYS of the sample market."""
    return backtested(mandate)


def kept(mandate: str, name: str = "as configured") -> MandateInputsKept:
    """What the directory of ``plain`` would be derived from."""
    ready, config = prepared(mandate), desk_config()
    return MandateInputsKept(
        name=name,
        portfolio_id=mandate,
        config=config,
        settings=settings(),
        histories={config.hash: ready.history},
        tickets={},
        snapshots=ready.tables["ticket_snapshots"],
        scores=None,
        overrides={},
        notes=("as if in force",),
        code_version=CODE,
    )


def digests(done: MandateBacktest) -> dict[str, str]:
    """The hash of every table, and of the metrics."""
    found = {name: DECLARED.digest(name, frame) for name, frame in done.frames.items()}
    return found | {"metrics": canonical_json(done.metrics)}
