"""Dagster's event log on SQLite, written a batch at a time.

Dagster's own storage makes a new SQLAlchemy engine for every statement and commits every event twice, so a range of 250
sessions spends more time recording itself than computing. Here one engine is kept per database, a batch is one transaction
in the run's database and one in the index, and check evaluations, which Dagster sends one by one, wait for each other. The
tables, the queries and the files are Dagster's: its own class opens what this one has written, and the other way round.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from dagster import DagsterEventType
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData, serialize_value
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import inspect
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from riskdesk_assets.common.errors import StateError

KEPT_ENGINES = 64
WAITING_EVALUATIONS = 500
WAITING_SECONDS = 2.0
Row = dict[str, object]

_INSERT = SqlEventLogStorageTable.insert()

_alive: weakref.WeakSet[BatchedSqliteEventLogStorage] = weakref.WeakSet()


class BatchedSqliteEventLogStorage(SqliteEventLogStorage):
    """SqliteEventLogStorage with kept engines and batched writes; named in dagster.yaml's ``event_log_storage``.

    Check evaluations of one run wait in memory until another kind of event, a read, ``WAITING_EVALUATIONS`` of them or
    ``WAITING_SECONDS`` write them out, in order. A killed process loses at most those, of a step that did not finish.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._start_afresh()
        self._seen_tables: set[str] = set()
        super().__init__(base_dir, inst_data)
        _alive.add(self)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, object]
    ) -> BatchedSqliteEventLogStorage:
        """Build the storage from its part of dagster.yaml (``base_dir``)."""
        return cls(str(config_value["base_dir"]), inst_data)

    def store_event(self, event: EventLogEntry) -> None:
        """Store one event; an evaluation of a check may wait for its siblings."""
        if event.dagster_event_type != DagsterEventType.ASSET_CHECK_EVALUATION or not event.run_id:
            self.store_event_batch([event])
            return
        self._prepare(event.run_id)
        with self._lock:
            if self._waiting and self._waiting[0].run_id != event.run_id:
                self._write_waiting()
            if not self._waiting:
                self._waiting_since = time.monotonic()
            self._waiting.append(event)
            waited = time.monotonic() - self._waiting_since
            if len(self._waiting) >= WAITING_EVALUATIONS or waited >= WAITING_SECONDS:
                self._write_waiting()

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events in order: one transaction per run in the run's database, and one in the index, or neither."""
        for run_id in {event.run_id for event in events}:
            self._prepare(run_id)
        with self._lock:
            self._write_waiting()
            self._write(events)

    def has_table(self, table_name: str) -> bool:
        """True when the index has the table; remembered, for tables are never dropped."""
        if table_name not in self._seen_tables:
            engine = self._engine(INDEX_SHARD_NAME)
            with engine.connect() as connection:
                if inspect(connection).has_table(table_name):
                    self._seen_tables.add(table_name)
        return table_name in self._seen_tables

    def wipe(self) -> None:
        """Delete every event of every run."""
        with self._lock:
            self._waiting.clear()
            self._forget_engines()
            super().wipe()

    def dispose(self) -> None:
        """Write what waits, stop watching and let go of the databases."""
        with self._lock:
            self._write_waiting()
            self._forget_engines()
        super().dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """One transaction on a database; inside it the same thread gets the same connection again."""
        self._prepare(shard)
        with self._lock:
            held = self._held.get(shard)
            if held is not None:
                yield held
                return
            if not self._writing:
                self._write_waiting()
            engine = self._engine(shard)
            with engine.connect() as connection, connection.begin():
                self._held[shard] = connection
                try:
                    yield connection
                finally:
                    del self._held[shard]

    def _write_waiting(self) -> None:
        if self._waiting and not self._writing:
            events = self._waiting.copy()
            self._waiting.clear()
            self._write(events)

    def _write(self, events: Sequence[EventLogEntry]) -> None:
        self._writing = True
        try:
            for run_id in dict.fromkeys(event.run_id for event in events):
                of_run = [(event, self._event_to_row(event)) for event in events if event.run_id == run_id]
                # Both transactions are open until all is written: what fails leaves neither half behind.
                with self.run_connection(run_id) as connection:
                    connection.execute(_INSERT, [row for _, row in of_run])
                    self._mirror([(event, row) for event, row in of_run if _in_index(event)])
        finally:
            self._writing = False

    def _mirror(self, events: Sequence[tuple[EventLogEntry, Row]]) -> None:
        """Write the events that are asked for across runs into the index, with the rows Dagster derives from them."""
        if not events:
            return
        newest: dict[tuple[object, object], tuple[EventLogEntry, int]] = {}
        with self.index_connection() as connection:
            for event, row in events:
                (event_id,) = connection.execute(_INSERT, row).inserted_primary_key or (None,)
                if event_id is None:
                    raise StateError(f"the index gave no id to an event of run {event.run_id}")
                kind = event.dagster_event_type
                if kind in ASSET_EVENTS:
                    self._store_asset_event_tags(connection, [event], [event_id])
                    key = (event.get_dagster_event().asset_key, kind)
                    newest.pop(key, None)
                    newest[key] = (event, event_id)
                if kind in ASSET_CHECK_EVENTS:
                    self.store_asset_check_event(event, event_id)
            # An asset's own row keeps only its newest event of a kind: the others would be written to be overwritten.
            for event, event_id in newest.values():
                self._store_asset_event(connection, event, event_id)

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        """One row per planned partition, as Dagster writes them; its own serializes the whole event again for every row."""
        planned = event.get_dagster_event().event_specific_data
        if not isinstance(planned, AssetCheckEvaluationPlanned):
            raise StateError(f"an event of run {event.run_id} plans no check: {type(planned).__name__}")
        subset = planned.partitions_subset
        row = {
            "asset_key": planned.asset_key.to_string(),
            "check_name": planned.check_name,
            "run_id": event.run_id,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": serialize_value(event),
            "evaluation_event_timestamp": datetime.fromtimestamp(event.timestamp, UTC).replace(tzinfo=None),
            "evaluation_event_storage_id": event_id,
        }
        partitions = list(subset.get_partition_keys()) if subset else [None]
        with self.index_connection() as connection:
            connection.execute(AssetCheckExecutionsTable.insert(), [{**row, "partition": key} for key in partitions])

    def _prepare(self, shard: str) -> None:
        """Make a database's engine and tables before the lock is taken: both use Python's logging lock.

        A thread that logs an event holds that one while it waits for ours.
        """
        for name in (shard, INDEX_SHARD_NAME):
            engine = self._engine(name)
            if name not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(name)

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.get(shard)
        if engine is None:
            url = self.conn_string_for_shard(shard)
            engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})
            sqlalchemy_event.listen(engine, "connect", _commit_to_the_log)
        with self._lock:
            self._engines[shard] = engine
            self._engines.move_to_end(shard)
            while len(self._engines) > KEPT_ENGINES:
                self._engines.popitem(last=False)[1].dispose()
            return engine

    def _forget_engines(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()

    def _start_afresh(self) -> None:
        """No lock held, nothing open, nothing waiting: at the start, and in a forked child."""
        self._lock = threading.RLock()
        self._held: dict[str, Connection] = {}
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._waiting: list[EventLogEntry] = []
        self._waiting_since = 0.0
        self._writing = False


def _in_index(event: EventLogEntry) -> bool:
    kind = event.dagster_event_type
    return kind in ASSET_EVENTS or kind in ASSET_CHECK_EVENTS or kind in EVENT_TYPE_TO_PIPELINE_RUN_STATUS


def _commit_to_the_log(connection: object, _record: object) -> None:
    """In WAL mode NORMAL cannot tear the file; only a power cut may take the last commits."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _forget_in_child() -> None:
    for storage in _alive:
        storage._start_afresh()


os.register_at_fork(after_in_child=_forget_in_child)
