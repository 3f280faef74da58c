"""What a tear sheet is made of: rows of a backtest's tables, its metrics, and what it was computed from. Nothing else reaches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from riskdesk_assets.common.settings import Config
from riskdesk_assets.reports.realized import PENDING
from riskdesk_assets.research.backtest_settings import BacktestSettings


@dataclass(frozen=True)
class SheetContent:
    """One backtest; ``frames`` are its tables by name, ``metrics`` what metrics.json says."""

    backtest_id: str
    name: str
    config: Config
    settings: BacktestSettings
    source: str
    snapshot_id: str
    code_version: str
    overrides: Mapping[str, object]
    notes: Sequence[str]
    metrics: Mapping[str, Any]
    frames: Mapping[str, pl.DataFrame]

    @cached_property
    def nav(self) -> float:
        """Dollars of static nav."""
        return self.config.desk.nav

    @cached_property
    def series(self) -> pl.DataFrame:
        """The timeseries, oldest first."""
        return self.frames["timeseries"]

    @cached_property
    def known(self) -> pl.DataFrame:
        """The timeseries without the sessions whose P&L the range does not know."""
        return self.series.filter(pl.col("status") != PENDING)

    def number(self, name: str) -> float | None:
        """A metric; None where there is too little to say."""
        value = self.metrics[name]
        return None if value is None else float(value)

    def count(self, name: str) -> int:
        """A metric that counts."""
        return int(self.metrics[name])
