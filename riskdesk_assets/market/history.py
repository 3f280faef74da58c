"""What a range of sessions needs of the past, and the snapshot it is read from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.feature_settings import QualitySettings
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.corporate_actions import splits
from riskdesk_assets.market.print_panel import PrintPanel
from riskdesk_assets.market.quality import HISTORY_SESSIONS, usable
from riskdesk_assets.market.replays import no_replays
from riskdesk_assets.market.snapshots import Snapshot, day_digests, find_snapshot, read_members


@dataclass(frozen=True)
class History:
    """Bars from ``lookback_start`` of ``first`` to ``last``, from one immutable snapshot.

    ``bars`` are as the vendor gave them; ``usable`` leaves out what counts as no bar (a bad price, a stale print).
    ``replay_bars`` (market.replays.REPLAY_SCHEMA) are the days of scenarios from history, whatever the lookback.
    """

    snapshot: Snapshot
    calendar: SessionCalendar
    first: date
    last: date
    bars: pl.DataFrame
    volatility: pl.DataFrame
    quality: QualitySettings
    replay_bars: pl.DataFrame = field(default_factory=no_replays)

    @cached_property
    def sessions(self) -> tuple[date, ...]:
        """Every session from the start of the lookback to ``last``."""
        return self.calendar.between(self.snapshot.first, self.last)

    @cached_property
    def wanted(self) -> tuple[date, ...]:
        """The sessions from ``first`` to ``last``."""
        return self.calendar.between(self.first, self.last)

    @cached_property
    def usable(self) -> pl.DataFrame:
        """Bars a number may be computed from."""
        return usable(self.bars, self.calendar, self.quality)

    @cached_property
    def prints(self) -> PrintPanel:
        """``usable`` as matrices over the exchange's sessions."""
        return PrintPanel.of(self.usable, self.calendar.sessions)

    @cached_property
    def session_bars(self) -> pl.DataFrame:
        """TABLES["daily_bars"] of the wanted sessions, as the vendor gave them."""
        return TABLES["daily_bars"].conform(self.bars.filter(pl.col("as_of_date").is_in(self.wanted)))

    @cached_property
    def session_volatility(self) -> pl.DataFrame:
        """TABLES["volatility_index"] of the wanted sessions."""
        return TABLES["volatility_index"].conform(self.volatility.filter(pl.col("as_of_date").is_in(self.wanted)))

    @cached_property
    def splits(self) -> pl.DataFrame:
        """Splits in unadjusted closes: symbol, as_of_date, ratio of new shares per old."""
        return splits(self.usable)

    @cached_property
    def day_digests(self) -> dict[date, str]:
        """Content hash of each day's rows."""
        return day_digests(self.bars, self.volatility)


def sessions_behind(config: Config) -> int:
    """How many sessions before its own a session's numbers follow from: those its features may read, and those that say which
    of their bars count.
    """
    return config.desk.features.lookback_sessions + HISTORY_SESSIONS


def lookback_start(calendar: SessionCalendar, config: Config, first: date) -> date:
    """The first session with bars behind ``first``."""
    return calendar.before(first, sessions_behind(config))


def read_history(paths: Paths, calendar: SessionCalendar, config: Config, first: date, last: date) -> History:
    """The newest snapshot that covers ``first`` to ``last`` with its lookback.

    Raises:
        StateError: no snapshot covers the range (ingest it first), or the one that does is damaged.
    """
    start = lookback_start(calendar, config, first)
    snapshot = find_snapshot(paths.snapshots, start, last, ())
    if snapshot is None:
        raise StateError(f"no bars cover {start} to {last}: run `riskdesk ingest-prices --start {first} --end {last}` first")
    return history_of(paths, snapshot, calendar, config, first, last)


def history_of(paths: Paths, snapshot: Snapshot, calendar: SessionCalendar, config: Config, first: date, last: date) -> History:
    """The given snapshot, cut to what ``first`` to ``last`` may read."""
    return history_in(paths.snapshots, snapshot, calendar, config, first, last)


def history_in(folder: Path, snapshot: Snapshot, calendar: SessionCalendar, config: Config, first: date, last: date) -> History:
    """As ``history_of``, of a snapshot in any folder of snapshots."""
    bars, volatility, replays = read_members(folder, snapshot.snapshot_id)
    start = lookback_start(calendar, config, first)
    within = pl.col("as_of_date").is_between(start, last)
    cut = Snapshot(snapshot.snapshot_id, start, last, snapshot.source, snapshot.symbols)
    return History(cut, calendar, first, last, bars.filter(within), volatility.filter(within), config.desk.quality, replays)
