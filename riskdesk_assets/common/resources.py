"""What Dagster's assets are given: the session partitions, and the desk they compute for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from dagster import (
    AssetCheckExecutionContext,
    AssetExecutionContext,
    BetaWarning,
    ConfigurableResource,
    InitResourceContext,
    PreviewWarning,
    TimeWindowPartitionsDefinition,
)
from dagster_duckdb import DuckDBResource
from duckdb import DuckDBPyConnection
from pydantic import Field, PrivateAttr

from riskdesk_assets.common.desk_calendar import desk_calendar
from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.sessions import NEW_YORK, SessionCalendar
from riskdesk_assets.common.settings import Config, Paths, load_config, load_paths
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.common.writer_lock import single_writer

# Backfill policies and partitioned checks are marked beta in this release of Dagster; we know, and pin the release.
warnings.filterwarnings("ignore", category=BetaWarning)
warnings.filterwarnings("ignore", category=PreviewWarning)

PARTITION_HOUR = 16
PARTITION_MINUTE = 30


def partitions() -> TimeWindowPartitionsDefinition:
    """One partition per NYSE session, key ``YYYY-MM-DD``, from 2000-01-03; a session's appears at 16:30 New York.

    After 16:30 on a weekday holiday Dagster already shows the next session: whoever computes one refuses it until it has
    closed (SessionCalendar.require_closed).
    """
    calendar = desk_calendar()
    return _partitions(calendar.sessions[0], calendar.weekday_closures(calendar.sessions[0], calendar.last_day))


class WarehouseResource(DuckDBResource):
    """Dagster's DuckDB resource over the desk's file, for anybody's own assets: closed in a finally, a lock is waited for."""

    database: str = Field(default="", description="The DuckDB file; empty: DATA_DIR/riskdesk.duckdb.")

    def tables(self) -> Warehouse:
        """The desk's tables in that file."""
        return Warehouse(Path(self.database) if self.database else load_paths().warehouse)

    @contextmanager
    def get_connection(self) -> Iterator[DuckDBPyConnection]:
        """A connection for as long as the block runs."""
        with self.tables().connect() as connection:
            yield connection


class DeskResource(ConfigurableResource["DeskResource"]):
    """The desk of the environment, read when a run asks for it, once per run; a run holds the writer lock to its end."""

    lock_wait_seconds: float = Field(default=900.0, ge=0, description="How long a run waits for another run to finish writing.")

    _paths: Paths | None = PrivateAttr(default=None)
    _config: Config | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[DeskResource]:
        """Hold the writer lock for as long as the run needs the desk.

        Raises:
            WriterBusyError: another run has been writing for longer than ``lock_wait_seconds``.
        """
        what = f"run {context.run.run_id}" if context.run else "a run"
        with single_writer(self.paths(), self.lock_wait_seconds, what):
            yield self

    def session_range(self, context: AssetExecutionContext | AssetCheckExecutionContext) -> tuple[date, date]:
        """First and last session of the run's partitions.

        Raises:
            InputError: the range holds no session.
        """
        keys = context.partition_key_range
        sessions = self.calendar().between(date.fromisoformat(keys.start), date.fromisoformat(keys.end))
        if not sessions:
            raise InputError(Problem("", None, "session", f"there is no session from {keys.start} to {keys.end}"))
        return sessions[0], sessions[-1]

    def paths(self) -> Paths:
        """Where this run reads and writes."""
        if self._paths is None:
            self._paths = load_paths()
        return self._paths

    def config(self) -> Config:
        """The effective configuration. Raises InputError for an unusable value."""
        if self._config is None:
            self._config = load_config(self.paths())
        return self._config

    def calendar(self) -> SessionCalendar:
        """NYSE sessions to the end of next year."""
        return desk_calendar()

    def warehouse(self) -> Warehouse:
        """The desk's DuckDB file."""
        return Warehouse(self.paths().warehouse)


@lru_cache(maxsize=2)
def _partitions(first: date, closures: tuple[date, ...]) -> TimeWindowPartitionsDefinition:
    return TimeWindowPartitionsDefinition(
        start=first.isoformat(),
        fmt="%Y-%m-%d",
        cron_schedule=f"{PARTITION_MINUTE} {PARTITION_HOUR} * * 1-5",
        timezone=str(NEW_YORK),
        end_offset=1,
        exclusions=[datetime(d.year, d.month, d.day, PARTITION_HOUR, PARTITION_MINUTE, tzinfo=NEW_YORK) for d in closures],
    )
