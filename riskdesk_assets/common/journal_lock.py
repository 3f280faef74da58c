"""One holder for one journal, wherever its data folder is: the lock is beside the journal's file, or in its database.

The kernel or the database lets go of it when its holder dies. A database lets go of it too when it loses the connection:
whoever must not write beside another then still finds the other's rows before it writes (interfaces/api_gate).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.journal import Journal, JournalError
from riskdesk_assets.common.writer_lock import WriterBusyError, held_file, holder

_SERVING = 20260303  # the lock's number in a database; the schema the journal is in is its second one
_LONGEST_NAME = 63  # bytes that PostgreSQL keeps of a connection's name
_TAKE = text("SELECT pg_try_advisory_lock(:number, hashtext(coalesce(current_schema(), '')))")
_NAME = text("SELECT set_config('application_name', :name, false)")
_HOLDER = text(
    "SELECT a.application_name, a.backend_start::text FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid::bigint = :number "
    "AND l.objid::bigint = (hashtext(coalesce(current_schema(), ''))::bigint & 4294967295) "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class JournalHeldError(StateError):
    """Another process holds this journal."""


@contextmanager
def sole(journal: Journal, what: str) -> Iterator[None]:
    """Be the only one who holds the journal while the block runs.

    Args:
        journal: on a SQLite file, by whatever path it is reached, or on PostgreSQL; another database is not locked.
        what: what is being done, told to whoever finds it held.

    Raises:
        JournalHeldError: naming who holds it.
        JournalError: its database cannot be reached.
    """
    if journal.file is not None:
        file = journal.file.resolve()
        place = file.with_name(f"{file.name}.serve.lock")
        with ExitStack() as held:
            try:
                held.enter_context(held_file(place, 0.0, what))
            except WriterBusyError:
                raise JournalHeldError(f"{journal.name} is held by {holder(place)}") from None
            yield
        return
    with journal.connected() as connection:
        if connection.dialect.name == "postgresql":
            try:
                _take(connection, journal.name, f"pid {os.getpid()} on {socket.gethostname()} ({what})")
            except SQLAlchemyError as error:
                raise JournalError(f"{journal.name}: cannot be locked: {type(error).__name__}") from None
        try:
            yield
        finally:
            connection.invalidate()  # its end is the lock's


def _take(connection: Connection, name: str, said: str) -> None:
    connection.execute(_NAME, {"name": said.encode()[:_LONGEST_NAME].decode(errors="ignore")})
    if connection.execute(_TAKE, {"number": _SERVING}).scalar():
        return
    found = connection.execute(_HOLDER, {"number": _SERVING}).first()
    who = f"{found[0]}, since {found[1]}" if found is not None and found[0] else "another process"
    connection.invalidate()
    raise JournalHeldError(f"{name} is held by {who}")
