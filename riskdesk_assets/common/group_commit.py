"""Many threads or tasks write to the journal, one thread commits for all of them: one sync of the disk seals a whole batch."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from threading import Condition, Thread
from types import TracebackType

from riskdesk_assets.common.journal import Journal
from riskdesk_assets.common.journal_chain import Draft, Entry, JournalError, Record, draft

QUEUE_ENTRIES = 1024
BATCH_ENTRIES = 256


class QueueFullError(JournalError):
    """More is offered than the disk takes; nothing of this entry was written, and it may be offered again."""


class CommitterClosedError(JournalError):
    """The committer was closed; nothing of this entry was written."""


class GroupCommitter:
    """The one writer of a process that serves many: whatever has gathered while a batch was being committed is the next batch.

    Args:
        journal: what is written to.
        queue_entries: entries that may wait; one more raises QueueFullError.
        batch_entries: entries of one commit at most.

    In asyncio: ``record = await asyncio.wrap_future(committer.submit(entry))``.
    """

    def __init__(self, journal: Journal, queue_entries: int = QUEUE_ENTRIES, batch_entries: int = BATCH_ENTRIES) -> None:
        self._journal = journal
        self._queue_entries = queue_entries
        self._batch_entries = batch_entries
        self._waiting: deque[tuple[Draft, Future[Record]]] = deque()
        self._changed = Condition()
        self._closed = False
        self._commits = 0
        self._records = 0
        self._writer = Thread(target=self._write, name="journal-writer", daemon=True)
        self._writer.start()

    @property
    def commits(self) -> int:
        """Transactions committed so far."""
        return self._commits

    @property
    def records(self) -> int:
        """Entries committed so far."""
        return self._records

    @property
    def waiting(self) -> int:
        """Entries that are not yet being committed."""
        return len(self._waiting)

    def submit(self, entry: Entry) -> Future[Record]:
        """Queue an entry; its future gives the record once it is on the disk.

        A future cannot be cancelled: what was taken is written, whether or not anybody still waits for it. When a commit fails,
        the future of every entry in it raises JournalError; entries behind it are tried in a commit of their own.

        Raises:
            EntryError: the entry has no place in the journal.
            QueueFullError: too many wait already.
            CommitterClosedError: after :meth:`close`.
        """
        drafted = draft(entry)
        future: Future[Record] = Future()
        future.set_running_or_notify_cancel()
        with self._changed:
            if self._closed:
                raise CommitterClosedError("the journal's committer is closed")
            if len(self._waiting) >= self._queue_entries:
                raise QueueFullError(f"{self._queue_entries} entries wait for the journal already")
            self._waiting.append((drafted, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Take nothing more, commit what waits, and end the writer."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._writer.join()

    def __enter__(self) -> GroupCommitter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _write(self) -> None:
        while batch := self._gathered():
            futures = [future for _, future in batch]
            try:
                records = self._journal.append_drafts([drafted for drafted, _ in batch])
            except BaseException as error:  # noqa: BLE001 - whatever it is, somebody waits to be told
                for future in futures:
                    future.set_exception(error)
                continue
            self._commits += 1
            self._records += len(records)
            for future, written in zip(futures, records, strict=True):
                future.set_result(written)

    def _gathered(self) -> list[tuple[Draft, Future[Record]]]:
        """The next batch, waited for; empty once the committer is closed and nothing waits."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batch_entries))]
