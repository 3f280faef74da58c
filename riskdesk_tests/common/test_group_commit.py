"""Group commit: many wait, one commits, everybody is told once it is on the disk."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from riskdesk_assets.common.group_commit import CommitterClosedError, GroupCommitter, QueueFullError
from riskdesk_assets.common.journal import Entry, EntryError, Journal, JournalBusyError, Record
from riskdesk_tests.common.test_journal import AT, decision


def lock(path: Path) -> sqlite3.Connection:
    """Somebody else's open write transaction."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def test_thirty_two_threads_are_all_answered_in_far_fewer_commits(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    with GroupCommitter(journal) as committer, ThreadPoolExecutor(32) as threads:

        def a_hundred(thread: int) -> list[Record]:
            return [committer.submit(decision(number, thread=thread)).result(timeout=60) for number in range(100)]

        answers = list(threads.map(a_hundred, range(32)))
    stored = {one.sequence: one for one in journal.records()}
    assert len(stored) == 3200
    assert all(stored[one.sequence] == one for told in answers for one in told)
    for thread, told in enumerate(answers):
        assert [one.body for one in told] == [{"number": number, "thread": thread} for number in range(100)]
        assert [one.sequence for one in told] == sorted(one.sequence for one in told)
    assert committer.records == 3200
    assert committer.commits < 3200 / 4
    assert journal.verify().intact


def test_tasks_of_an_event_loop_wait_without_blocking_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")

    async def offered(committer: GroupCommitter) -> list[Record]:
        return await asyncio.gather(*(asyncio.wrap_future(committer.submit(decision(number))) for number in range(200)))

    with GroupCommitter(journal) as committer:
        told = asyncio.run(offered(committer))
    assert tuple(told) == tuple(journal.records())


def test_an_acknowledged_entry_is_on_the_disk_for_another_connection(tmp_path: Path) -> None:
    with GroupCommitter(Journal(tmp_path / "journal.sqlite")) as committer:
        for number in range(20):
            told = committer.submit(decision(number)).result(timeout=10)
            assert Journal(tmp_path / "journal.sqlite").newest(1) == (told,)


def test_a_task_that_goes_away_takes_neither_its_entry_nor_the_writer_with_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    journal.append([decision(0)])

    async def given_up(committer: GroupCommitter) -> None:
        waiting = asyncio.wrap_future(committer.submit(decision(1)))
        waiting.cancel()
        await asyncio.sleep(0.01)

    with GroupCommitter(journal) as committer:
        blocker = lock(path)
        asyncio.run(given_up(committer))
        blocker.execute("ROLLBACK")
        assert committer.submit(decision(2)).result(timeout=10).sequence == 3
    assert [one.body["number"] for one in journal.records()] == [0, 1, 2]


def test_closing_commits_what_waits_and_takes_nothing_more(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    committer = GroupCommitter(journal, batch_entries=10)
    futures = [committer.submit(decision(number)) for number in range(500)]
    committer.close()
    assert [one.result(timeout=0).sequence for one in futures] == list(range(1, 501))
    with pytest.raises(CommitterClosedError):
        committer.submit(decision(501))
    committer.close()
    assert journal.head().sequence == 500


def test_a_bad_entry_is_told_to_whoever_offers_it_and_fails_nobody_else(tmp_path: Path) -> None:
    with GroupCommitter(Journal(tmp_path / "journal.sqlite")) as committer:
        good = committer.submit(decision(1))
        with pytest.raises(EntryError):
            committer.submit(Entry("DECISION", "rest", AT, {"x": float("nan")}))
        assert good.result(timeout=10).sequence == 1


def test_a_full_queue_refuses_at_once_and_what_was_taken_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    journal.append([decision(0)])
    with GroupCommitter(journal, queue_entries=5, batch_entries=1) as committer:
        blocker = lock(path)
        taken = [committer.submit(decision(1))]
        while committer.waiting:  # until the writer holds the first one, and waits for the lock
            time.sleep(0.001)
        taken += [committer.submit(decision(number)) for number in range(2, 7)]
        began = time.monotonic()
        with pytest.raises(QueueFullError):
            committer.submit(decision(7))
        assert time.monotonic() - began < 1.0
        assert not any(one.done() for one in taken)
        blocker.execute("ROLLBACK")
        assert [one.result(timeout=10).sequence for one in taken] == list(range(2, 8))


def test_a_failed_commit_fails_everyone_who_waits_for_it_and_the_next_one_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).append([decision(0)])
    journal = Journal(path, busy_seconds=0.2)
    with GroupCommitter(journal) as committer:
        blocker = lock(path)
        doomed = [committer.submit(decision(number)) for number in range(1, 30)]
        for one in doomed:
            assert isinstance(one.exception(timeout=30), JournalBusyError)
        blocker.execute("ROLLBACK")
        assert committer.submit(decision(30)).result(timeout=10).sequence == 2
    assert [one.body["number"] for one in journal.records()] == [0, 30]
