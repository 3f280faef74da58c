"""The journal: append-only, hash-chained, on the disk before anybody is told. Decisions, halts and resumes live in it.

``data/journal.sqlite`` unless RISKDESK_JOURNAL_URL names another database. Several processes may append at the same time, and
readers never wait for writers. A changed row breaks the chain there (:meth:`Journal.verify`); an end cut off, or a chain
written anew as a whole, is seen against anchors: rows written down elsewhere, such as in the publish log of the runs.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock

from sqlalchemy import Engine, Select, inspect, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from riskdesk_assets.common.journal_chain import (
    START,
    Anchor,
    Entry,
    EntryError,
    JournalError,
    Record,
    Row,
    UnreadableError,
    Verification,
    chained,
    draft,
    record,
    walk,
    written,
)
from riskdesk_assets.common.journal_tables import (
    JOURNAL,
    JOURNAL_URL,
    LOCK,
    WRITE,
    changed_schema,
    create_tables,
    journal_engine,
    journal_url,
)

__all__ = [
    "Anchor",
    "Entry",
    "EntryError",
    "Journal",
    "JournalBusyError",
    "JournalError",
    "Record",
    "Verification",
    "desk_journal",
]

FILE = "journal.sqlite"
BUSY_SECONDS = 10.0
PAGE_ROWS = 1000
_RETRY_SECONDS = 0.01


class JournalBusyError(JournalError):
    """Other processes kept the journal locked for longer than we were willing to wait; nothing was written."""


def desk_journal(data: Path, environ: Mapping[str, str] = os.environ) -> Journal:
    """The desk's journal: RISKDESK_JOURNAL_URL, else ``journal.sqlite`` below ``data``. Nothing is created before an append.

    Raises:
        InputError: the URL is not one, or its database has no driver here.
    """
    return Journal(environ.get(JOURNAL_URL) or data / FILE)


class Journal:
    """One journal; safe to share between threads, and to open in as many processes as like.

    Args:
        place: a SQLite file's path, or a database URL.
        busy_seconds: how long another writer is waited for.

    Raises:
        InputError: the URL is not one, or its database has no driver here.
    """

    def __init__(self, place: Path | str, busy_seconds: float = BUSY_SECONDS) -> None:
        self._url = journal_url(place)
        self._busy_seconds = busy_seconds
        self._opening = Lock()
        self._engine = journal_engine(self._url, busy_seconds)
        self._process = os.getpid()
        self._created = False

    @property
    def name(self) -> str:
        """Where it is, without a password."""
        return str(self.file) if self.file else self._url.render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for another database."""
        return Path(str(self._url.database)) if self._url.get_backend_name() == "sqlite" else None

    def append(self, entries: Iterable[Entry]) -> tuple[Record, ...]:
        """Write entries in one transaction, all or none; when this returns they are on the disk.

        Returns:
            Their records, in the order given.

        Raises:
            EntryError: an entry has no place in the journal.
            JournalBusyError: other writers kept it locked.
            JournalError: it cannot be written: a full disk, a damaged file.
        """
        return self.append_behind(entries, (), 0)[0]

    def append_behind(
        self, entries: Iterable[Entry], kind: Sequence[str], after: int, heed: Callable[[Record], object] = bool
    ) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
        """As :meth:`append`, and what stands before the entries, read in the same transaction: either both succeed or neither.

        Args:
            kind: kinds to read; none: nothing is read.
            after: only rows behind this place.
            heed: given each record that was read; what it raises keeps the entries out.

        Returns:
            The entries' records, and those read, in order.
        """
        drafts = tuple(draft(entry) for entry in entries)
        if not drafts:
            before = tuple(self.records(kind, after=after)) if kind else ()
            for one in before:
                heed(one)
            return (), before
        before = ()
        with self._told():
            self._create()
            with self._current().connect().execution_options(**{WRITE: True}) as connection, connection.begin():
                if connection.dialect.name != "sqlite":
                    connection.execute(appending_lock())
                head = _head(connection)
                if kind and head.sequence > after:
                    query = _chosen(kind, None).where(JOURNAL.c.sequence > after).order_by(JOURNAL.c.sequence)
                    before = tuple(record(Row._make(row)) for row in connection.execute(query))
                    for one in before:
                        heed(one)
                rows = chained(drafts, head)
                connection.execute(JOURNAL.insert(), [row._asdict() for row in rows])
        return tuple(written(row) for row in rows), before

    def head(self) -> Anchor:
        """The last row; Anchor(0, 64 zeros) of a journal that is empty or not there yet.

        Raises:
            JournalError: it cannot be read.
        """
        with self._reading() as connection:
            return START if connection is None else _head(connection)

    def records(self, kind: str | Sequence[str] | None = None, account: str | None = None, after: int = 0) -> Iterator[Record]:
        """Records in the order of writing; rows appended while it is read may or may not be among them.

        Args:
            kind: only these kinds.
            account: only this account.
            after: only rows behind this place.

        Raises:
            JournalError: the journal, or a row of it, cannot be read, or a row was changed after it was written.
        """
        for row in self._pages(_chosen(kind, account), after):
            yield record(row)

    def newest(self, count: int, kind: str | Sequence[str] | None = None, account: str | None = None) -> tuple[Record, ...]:
        """The last ``count`` records, newest first; arguments and errors as of :meth:`records`."""
        with self._reading() as connection:
            if connection is None:
                return ()
            query = _chosen(kind, account).order_by(JOURNAL.c.sequence.desc()).limit(count)
            return tuple(record(Row._make(row)) for row in connection.execute(query))

    def backward(self, kind: str, account: str, holding: str = "") -> Iterator[Record]:
        """Records of one kind and account, newest first, page by page; errors as of :meth:`records`.

        Args:
            holding: only those whose body has this key, at any depth.
        """
        query = _chosen(kind, account).order_by(JOURNAL.c.sequence.desc()).limit(PAGE_ROWS)
        if holding:
            query = query.where(JOURNAL.c.body.contains(f'"{holding}":', autoescape=True))
        before: int | None = None
        while True:
            page = query if before is None else query.where(JOURNAL.c.sequence < before)
            with self._reading() as connection:
                rows = [] if connection is None else [Row._make(row) for row in connection.execute(page)]
            yield from map(record, rows)
            if len(rows) < PAGE_ROWS:
                return
            before = rows[-1].sequence

    def verify(self, anchors: Sequence[Anchor] = ()) -> Verification:
        """Walk the whole chain and name the first bad row and why; other processes may write meanwhile.

        Args:
            anchors: rows written down elsewhere; each must still be there as it was.
        """
        found = walk(self._pages(_chosen(None, None), None), anchors)
        if not found.intact:
            return found
        try:
            damage = self._damage()
        except JournalBusyError:
            raise
        except JournalError as error:
            damage = str(error)
        return Verification(False, found.rows, None, damage, found.head) if damage else found

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A connection of one's own while the block runs, each statement for itself. Raises JournalError: none can be had."""
        with self._told():
            connection = self._current().connect().execution_options(isolation_level="AUTOCOMMIT")
        with connection:
            yield connection

    def close(self) -> None:
        """Give back every connection; the journal can be used again afterwards."""
        self._engine.dispose()

    def _pages(self, query: Select[tuple[int, str, str, str, str, str, str]], after: int | None) -> Iterator[Row]:
        """Rows behind ``after`` (None: all), page by page: no read stays open, which would keep the file from a checkpoint."""
        size = PAGE_ROWS
        while True:
            rest = query if after is None else query.where(JOURNAL.c.sequence > after)
            page = rest.order_by(JOURNAL.c.sequence).limit(size)
            try:
                with self._reading() as connection:
                    rows = [] if connection is None else [Row._make(row) for row in connection.execute(page)]
            except JournalBusyError:
                raise
            except JournalError as error:
                if size == 1:
                    raise UnreadableError(f"the row after row {after or 0} cannot be read: {error}") from None
                size = max(1, size // 10)  # read again in smaller pages: the rows before the unreadable one are good
                continue
            yield from rows
            last = rows[-1].sequence if rows else None
            if len(rows) < size or type(last) is not int or (after is not None and last <= after):
                return
            after = last

    def _damage(self) -> str:
        """What the walk cannot see: a guard taken away; in a SQLite file, an index that disagrees, a torn page."""
        with self._reading() as connection:
            if connection is None:
                return ""
            changed = changed_schema(connection)
            if changed:
                return f"{changed} is not as it was made: the journal's own guard against changes was changed"
            if self.file is None:
                return ""
            said = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
            return "" if said == "ok" else f"the file is damaged: {said}"

    @contextmanager
    def _reading(self) -> Iterator[Connection | None]:
        """A read transaction, or None where nothing was ever written."""
        if self.file is not None and not self.file.is_file():
            yield None
            return
        with self._told(), self._current().connect() as connection:
            yield connection if inspect(connection).has_table(JOURNAL.name) else None

    def _create(self) -> None:
        """The file, in WAL mode, and its tables; several processes may find them missing at the same time."""
        with self._opening:
            if self._created:
                return
            if self.file is not None:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                self._switch_to_wal()
            for attempt in (1, 2):
                try:
                    with self._current().connect().execution_options(**{WRITE: True}) as connection, connection.begin():
                        create_tables(connection)
                    break
                except IntegrityError:  # another process made them between our look and our writing
                    if attempt == 2:
                        raise
            self._created = True

    def _switch_to_wal(self) -> None:
        deadline = time.monotonic() + self._busy_seconds
        while True:
            # Switching takes the whole file, and SQLite may answer "locked" to it without waiting.
            with closing(sqlite3.connect(str(self.file), timeout=self._busy_seconds)) as connection:
                try:
                    connection.execute("PRAGMA journal_mode=WAL")
                    return
                except sqlite3.OperationalError as error:
                    if "locked" not in str(error) or time.monotonic() > deadline:
                        raise JournalBusyError(f"{self.name}: {error}") from None
            time.sleep(_RETRY_SECONDS)

    def _current(self) -> Engine:
        """The engine of this process: a connection must not cross a fork."""
        if self._process != os.getpid():
            self._engine.dispose(close=False)
            self._process = os.getpid()
        return self._engine

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Database errors as the journal's own: by place and cause, never with what was to be written."""
        try:
            yield
        except SQLAlchemyError as error:
            cause = str(error.orig) if isinstance(error, DBAPIError) else str(error)
            kind = JournalBusyError if "locked" in cause or "lock timeout" in cause else JournalError
            raise kind(f"{self.name}: {cause}") from None
        except (sqlite3.Error, OSError, MemoryError) as error:
            raise JournalError(f"{self.name}: {error or type(error).__name__}") from None


def appending_lock() -> Select[tuple[int]]:
    """What an append locks first where the database has no lock of the whole: the one row of ``journal_lock``."""
    return select(LOCK.c.id).where(LOCK.c.id == 1).with_for_update()


def _head(connection: Connection) -> Anchor:
    last = connection.execute(select(JOURNAL.c.sequence, JOURNAL.c.hash).order_by(JOURNAL.c.sequence.desc()).limit(1)).first()
    return START if last is None else Anchor(last[0], last[1])


def _chosen(kind: str | Sequence[str] | None, account: str | None) -> Select[tuple[int, str, str, str, str, str, str]]:
    query = select(*(JOURNAL.c[name] for name in Row._fields))
    if kind is not None:
        query = query.where(JOURNAL.c.kind.in_([kind] if isinstance(kind, str) else list(kind)))
    if account is not None:
        query = query.where(JOURNAL.c.account == account)
    return query
