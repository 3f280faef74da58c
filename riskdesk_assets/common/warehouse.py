"""The DuckDB file: one table per asset, written a range of sessions at a time, delete and insert in one transaction.

A file of an earlier version gets the columns that came later, empty, when a table is first touched.

DuckDB admits one process at a time, readers included, so connections are short and a locked file is waited for. Floats are
read back in key order on one thread: a parallel SUM is not bit-identical between runs.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from riskdesk_assets.common.errors import RiskDeskError, StateError
from riskdesk_assets.common.tables import STORED, Table


class WarehouseBusyError(RiskDeskError):
    """Another process has held the warehouse for longer than we are willing to wait."""


class _ArrowStream:
    """Carries rows between polars and DuckDB by the Arrow C stream alone, which needs no pyarrow.

    Handing a DuckDB relation to polars directly leaves references that DuckDB complains of when the process ends.
    """

    def __init__(self, source: Any) -> None:
        self._source = source

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._source.__arrow_c_stream__(requested_schema)


@dataclass(frozen=True)
class Warehouse:
    """The desk's DuckDB file at ``path``; ``wait_seconds`` is how long a lock is waited for."""

    path: Path
    wait_seconds: float = 60.0

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A short-lived connection; raises WarehouseBusyError, naming the holder, when the lock outlasts the wait."""
        connection = self._open()
        try:
            _run(connection, "SET threads = 1")
            yield connection
        finally:
            connection.close()

    def write(self, first: date, last: date, frames: Mapping[str, pl.DataFrame]) -> None:
        """Replace the rows of ``first``..``last`` (both included) in every named table, all in one transaction.

        Args:
            first, last: the sessions being written.
            frames: table name -> frame with that table's columns.

        Raises:
            StateError: a frame has a row outside the sessions, or the file holds a table in a layout this version cannot use.
        """
        conformed = {name: STORED[name].conform(frame) for name, frame in frames.items()}
        for name, frame in conformed.items():
            _require_within(STORED[name], frame, first, last)
        with self.connect() as connection:
            connection.begin()
            try:
                for name, frame in conformed.items():
                    _replace(connection, STORED[name], frame, first, last)
                connection.commit()
            except BaseException:
                connection.rollback()
                raise

    def read(self, name: str, first: date | None = None, last: date | None = None) -> pl.DataFrame:
        """Rows of a table from ``first`` to ``last`` in key order; a table nobody has written yet is empty.

        Raises:
            StateError: the file holds the table in a layout this version cannot use.
        """
        return self.read_spans({name: (first, last)})[name]

    def read_all(self, names: Iterable[str], first: date | None = None, last: date | None = None) -> dict[str, pl.DataFrame]:
        """What ``read`` gives of each of the tables, by name."""
        return self.read_spans(dict.fromkeys(names, (first, last)))

    def read_spans(self, spans: Mapping[str, tuple[date | None, date | None]]) -> dict[str, pl.DataFrame]:
        """What ``read`` gives of each table from its own first to its own last session, by name.

        One connection for all of them: to open the file takes longer than to read a table.
        """
        if not self.path.exists():
            return {name: pl.DataFrame(schema=STORED[name].schema) for name in spans}
        with self.connect() as connection:
            return {name: _rows(connection, STORED[name], first, last) for name, (first, last) in spans.items()}

    def query(self, sql: str, params: Sequence[Any] = ()) -> pl.DataFrame:
        """Result of a read-only query; every table exists, empty if need be."""
        with self.connect() as connection:
            for table in STORED.values():
                _create(connection, table)
            return _frame(connection, sql, list(params))

    def _open(self) -> duckdb.DuckDBPyConnection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + self.wait_seconds
        while True:
            try:
                return duckdb.connect(str(self.path))
            except duckdb.IOException as error:
                if "lock" not in str(error).lower():
                    raise
                if time.monotonic() >= deadline:
                    raise WarehouseBusyError(
                        f"{self.path} is held by another process after {self.wait_seconds:.0f} s: {_first_line(error)}"
                    ) from error
                time.sleep(0.02 + 0.08 * random.random())  # noqa: S311 - jitter between waiting processes


def _replace(connection: duckdb.DuckDBPyConnection, table: Table, frame: pl.DataFrame, first: date, last: date) -> None:
    _create(connection, table)
    _run(connection, f"DELETE FROM {table.name} WHERE {table.partition} BETWEEN ? AND ?", [first, last])  # noqa: S608
    connection.register("incoming", _ArrowStream(frame))
    columns = ", ".join(table.columns)
    _run(connection, f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM incoming")  # noqa: S608
    connection.unregister("incoming")


def _create(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in table.columns.items())
    _run(connection, f"CREATE TABLE IF NOT EXISTS {table.name} ({columns}, PRIMARY KEY ({', '.join(table.key)}))")
    _brought_up_to_date(connection, table)


def _brought_up_to_date(connection: duckdb.DuckDBPyConnection, table: Table) -> bool:
    """Give a table of an earlier version the columns that came later; False where there is no such table.

    Raises:
        StateError: it differs in more than columns that are missing.
    """
    try:
        found = _run(connection, f"SELECT name, type, pk FROM pragma_table_info('{table.name}')")  # noqa: S608
    except duckdb.CatalogException:
        return False
    kinds = {str(name): str(kind) for name, kind, _ in found}
    wrong = [f"{name} of type {kind}" for name, kind in kinds.items() if table.columns.get(name) != kind]
    key = [str(name) for name, _, keyed in found if keyed]
    if set(key) != set(table.key):
        wrong.append(f"the key {', '.join(key) or 'nothing'}")
    if wrong:
        raise StateError(
            f"the warehouse's table {table.name} has {', '.join(wrong)}, which this version of the desk cannot use: "
            "`riskdesk rebuild` makes the file anew from the run directories"
        )
    for name, kind in table.columns.items():
        if name not in kinds:
            _run(connection, f"ALTER TABLE {table.name} ADD COLUMN {name} {kind}")
    return True


def _rows(connection: duckdb.DuckDBPyConnection, table: Table, first: date | None, last: date | None) -> pl.DataFrame:
    if not _brought_up_to_date(connection, table):
        return pl.DataFrame(schema=table.schema)
    bounds = [(op, day) for op, day in ((">=", first), ("<=", last)) if day is not None]
    where = " AND ".join(f"{table.partition} {op} ?" for op, _ in bounds) or "true"
    query = f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {where} ORDER BY {', '.join(table.key)}"  # noqa: S608
    return _frame(connection, query, [day for _, day in bounds]).cast(table.schema)  # type: ignore[arg-type]


def _run(connection: duckdb.DuckDBPyConnection, statement: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Execute to the end: DuckDB 2 refuses the next statement while a result is unfinished."""
    return connection.execute(statement, list(params)).fetchall()


def _frame(connection: duckdb.DuckDBPyConnection, query: str, params: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(_ArrowStream(connection.sql(query, params=params)))


def _require_within(table: Table, frame: pl.DataFrame, first: date, last: date) -> None:
    outside = frame.filter(~pl.col(table.partition).is_between(first, last))
    if outside.height:
        raise StateError(f"{table.name}: {outside.height} rows lie outside {first}..{last}")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
