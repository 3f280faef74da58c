"""Backtests in memory for the tests: configuration, tickets and bars in, everything a backtest knows out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from riskdesk_assets.common.settings import ROOT, Config
from riskdesk_assets.research.backtest import Backtest, backtest
from riskdesk_assets.research.backtest_files import BacktestInputs
from riskdesk_assets.research.backtest_settings import BacktestSettings, load_backtest_settings
from riskdesk_assets.research.shared_inputs import Prepared, SharedInputs
from riskdesk_assets.strategy.library import filed_strategies
from riskdesk_assets.strategy.ticket import Ticket
from riskdesk_tests.desk_builder import CODE, changed, desk_config, history_of_bars, snapshots_of

PAIRS = (
    ("AXP", "COF"),
    ("BAC", "C"),
    ("BAC", "WFC"),
    ("BK", "NTRS"),
    ("BK", "STT"),
    ("BLK", "TROW"),
    ("CFG", "FITB"),
    ("CFG", "KEY"),
    ("FITB", "HBAN"),
    ("GS", "MS"),
    ("HBAN", "KEY"),
    ("JPM", "BAC"),
    ("JPM", "C"),
    ("JPM", "WFC"),
    ("KEY", "RF"),
    ("MTB", "RF"),
    ("NTRS", "STT"),
    ("PNC", "TFC"),
    ("PNC", "USB"),
    ("TFC", "USB"),
)


def settings() -> BacktestSettings:
    """config/backtest.yaml as shipped."""
    return load_backtest_settings(ROOT / "config")


def quiet(
    profile: str = "desk", changes: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> Config:
    """A profile without cointegration p-values, which no decision reads, and with these values changed."""
    config = changed(desk_config(profile, environ), "desk.features.coint_refresh", "never")
    for path, value in (changes or {}).items():
        config = changed(config, path, value)
    return config


def prepared(config: Config, tickets: Sequence[Ticket], first: date, last: date, bars: pl.DataFrame | None = None) -> Prepared:
    """A configuration ready to be walked over the sample market, or over these bars."""
    shared = SharedInputs(
        lambda item: history_of_bars(item, first, last, bars),
        lambda history: snapshots_of(tickets, history.wanted),
        CODE,
        lambda item: filed_strategies(item, ROOT / "config"),
    )
    return shared.prepared(config)


def backtested(
    config: Config, tickets: Sequence[Ticket], first: date, last: date, bars: pl.DataFrame | None = None
) -> Backtest:
    """The backtest of it."""
    return backtest(prepared(config, tickets, first, last, bars), settings())


def inputs_of_backtest(
    config: Config, tickets: Sequence[Ticket], first: date, last: date, name: str = "as configured"
) -> BacktestInputs:
    """What its directory would be derived from."""
    ready = prepared(config, tickets, first, last)
    return BacktestInputs(
        name=name,
        config=config,
        settings=settings(),
        histories={config.hash: ready.history},
        tickets={},
        snapshots=ready.tables["ticket_snapshots"],
        strategies=filed_strategies(config, ROOT / "config"),
        policies={},
        overrides={},
        candidates={},
        notes=("as if in force",),
        code_version=CODE,
    )


def real_bars(folder: Path, *files: str) -> pl.DataFrame:
    """Real bars in the desk's columns."""
    names = files or ("bank_bars_2015_2025.parquet",)
    frames = [pl.read_parquet(folder / name).with_columns(pl.col("volume").cast(pl.Int64)) for name in names]
    return pl.concat(frames).rename({"date": "as_of_date"}).with_columns(source=pl.lit("FILES"))
