"""The journal's tables and the engine they live in: SQLite as it comes, another database by URL.

The database itself refuses to change: triggers abort UPDATE, DELETE, on Postgres TRUNCATE, and any INSERT that does not follow
the last row. Appends take SQLite's one write lock; on Postgres they queue up on one locked row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from riskdesk_assets.common.errors import InputError, Problem

JOURNAL_URL = "RISKDESK_JOURNAL_URL"
WRITE = "riskdesk_journal_write"

METADATA = MetaData()
JOURNAL = Table(
    "journal",
    METADATA,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("account", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Index("journal_by_kind", "kind", "sequence"),
)
# One row that appends lock where the database has no lock of the whole; it is never changed.
LOCK = Table(
    "journal_lock",
    METADATA,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
)

_SQLITE_GUARDS = (
    """CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only: no row is changed'); END""",
    """CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only: no row is removed'); END""",
    # INSERT OR REPLACE removes rows without telling the trigger above; this one is told of every insert.
    """CREATE TRIGGER journal_in_order BEFORE INSERT ON journal
WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM journal)
BEGIN SELECT RAISE(ABORT, 'the journal is append-only: a row follows the last one'); END""",
)
_POSTGRES_GUARDS = (
    """CREATE OR REPLACE FUNCTION journal_refuses() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$""",
    """CREATE TRIGGER journal_no_change BEFORE UPDATE OR DELETE ON journal
FOR EACH ROW EXECUTE FUNCTION journal_refuses()""",
    """CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON journal
FOR EACH STATEMENT EXECUTE FUNCTION journal_refuses()""",
    """CREATE OR REPLACE FUNCTION journal_follows() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
IF NEW.sequence IS DISTINCT FROM (SELECT coalesce(max(sequence), 0) + 1 FROM journal) THEN
RAISE EXCEPTION 'the journal is append-only: a row follows the last one';
END IF;
RETURN NEW;
END $$""",
    """CREATE TRIGGER journal_in_order BEFORE INSERT ON journal
FOR EACH ROW EXECUTE FUNCTION journal_follows()""",
)
# One number for everybody who makes the tables: of several that find them missing at once, one makes them.
_MAKING = 20260302
for _dialect, _guards in (("sqlite", _SQLITE_GUARDS), ("postgresql", _POSTGRES_GUARDS)):
    for _guard in _guards:
        _statement: DDL = DDL(_guard)  # type: ignore[no-untyped-call]
        event.listen(JOURNAL, "after_create", _statement.execute_if(dialect=_dialect))


def journal_url(place: Path | str) -> URL:
    """The URL of a journal, from a file's path or a database URL.

    Raises:
        InputError: the text is no database URL. What it says is not repeated: it may hold a password.
    """
    if isinstance(place, Path):
        return URL.create("sqlite", database=str(place.absolute()))
    try:
        url = make_url(place)
    except ArgumentError:
        raise InputError(
            Problem(
                JOURNAL_URL, None, "", "is not a database URL", "sqlite:////path/journal.sqlite, postgresql+psycopg://host/name"
            )
        ) from None
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise InputError(
            Problem(JOURNAL_URL, None, "", "names no file: a journal outlives its process", "sqlite:////path/file")
        )
    return url


def journal_engine(url: URL, busy_seconds: float) -> Engine:
    """An engine whose commits are on the disk when they return; its write transactions hold the write lock from their start.

    Raises:
        InputError: there is no driver for the URL's database.
    """
    backend = url.get_backend_name()
    sqlite = backend == "sqlite"
    arguments: dict[str, object] = {"timeout": busy_seconds} if sqlite else {}
    if backend == "postgresql":
        given, waits = url.query.get("options", ""), max(1, round(1000 * busy_seconds))
        own = f"{given if isinstance(given, str) else ' '.join(given)} -c synchronous_commit=on -c lock_timeout={waits}"
        arguments = {"options": own.strip(), "connect_timeout": max(2, round(busy_seconds))}
    try:
        # A server may have been away: what a pooled connection is worth is asked before it is used.
        engine = create_engine(url, connect_args=arguments, hide_parameters=True, pool_pre_ping=not sqlite)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        problem = Problem(JOURNAL_URL, None, "", f"needs a driver that is not installed: {error}", "a database with its driver")
        raise InputError(problem) from None
    if sqlite:
        event.listen(engine, "connect", _commit_to_the_disk)
        event.listen(engine, "begin", _lock_at_once)
    return engine


def create_tables(connection: Connection) -> None:
    """The tables, their guards, and the row that appends lock; nothing where they exist."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_MAKING)))
    METADATA.create_all(connection)
    if connection.execute(LOCK.select()).first() is None:
        connection.execute(LOCK.insert().values(id=1))


def changed_schema(connection: Connection) -> str:
    """The first table, index, trigger or guard of a journal that is not as it was made; empty when all are.

    On Postgres: the guards alone, their triggers in force and their functions as written here.
    """
    if connection.dialect.name == "postgresql":
        return _changed_guard(connection)
    wanted, found = _schema_as_made(), _schema(connection)
    if not found:
        return ""  # made, but nothing was ever written: a crash came between
    return min((name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)), default="")


def _changed_guard(connection: Connection) -> str:
    triggers = connection.exec_driver_sql(
        "SELECT tgname, tgenabled::text FROM pg_trigger WHERE tgrelid = 'journal'::regclass AND NOT tgisinternal"
    )
    in_force = {str(name) for name, enabled in triggers if enabled in ("O", "A")}
    for name in ("journal_in_order", "journal_no_change", "journal_no_truncate"):
        if name not in in_force:
            return name
    functions = connection.exec_driver_sql(
        "SELECT DISTINCT p.proname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
        "WHERE t.tgrelid = 'journal'::regclass AND NOT t.tgisinternal"
    )
    written = {guard.split("(")[0].split()[-1]: guard.split("$$")[1] for guard in _POSTGRES_GUARDS if "$$" in guard}
    found = {str(name): str(body) for name, body in functions}
    return min((name for name in written.keys() | found.keys() if written.get(name) != found.get(name)), default="")


@cache
def _schema_as_made() -> Mapping[str, str]:
    engine = create_engine("sqlite://")
    with engine.begin() as memory:
        METADATA.create_all(memory)
        found = _schema(memory)
    engine.dispose()
    return found


def _schema(connection: Connection) -> Mapping[str, str]:
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    return {str(name): str(sql) for name, sql in rows}


def _commit_to_the_disk(connection: DBAPIConnection, _record: object) -> None:
    assert isinstance(connection, sqlite3.Connection)  # noqa: S101
    # The driver's own implicit BEGIN takes no lock before the first write, so two writers could read the same head.
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous=FULL")


def _lock_at_once(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITE) else "BEGIN")
