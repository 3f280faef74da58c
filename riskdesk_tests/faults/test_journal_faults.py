"""The journal under kill -9, flipped bytes, cut files, two writers at once and a full disk."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from riskdesk_assets.common.journal import Anchor, Entry, Journal
from riskdesk_tests.faults.journal_writers import AT, BATCH, Writers, acknowledged_rows

KILLS, KILLS_OF_ONE_JOURNAL = 50, 10
FLIPS = 1000
ROWS = 300


@pytest.fixture(scope="module")
def writers() -> Iterator[Writers]:
    found = Writers()
    yield found
    found.close()


def waited_for(path: Path, rows: int, seconds: float) -> None:
    """Until that many rows are acknowledged, or the time is up: a busy machine must not make the kills fall on nothing."""
    deadline = time.monotonic() + seconds
    while len(acknowledged_rows(path)) < rows and time.monotonic() < deadline:
        time.sleep(0.005)


@pytest.mark.slow
def test_fifty_kills_under_load_lose_no_acknowledged_row_and_break_no_chain(writers: Writers, tmp_path: Path) -> None:
    rng = random.Random(20260302)
    acknowledged, more_than_acknowledged = 0, 0
    for number in range(KILLS):
        place, turn = tmp_path / str(number // KILLS_OF_ONE_JOURNAL), number % KILLS_OF_ONE_JOURNAL
        journal, notes = place / "journal.sqlite", place / "acknowledged"
        place.mkdir(exist_ok=True)
        before = len(acknowledged_rows(notes))
        pid = writers.start("load", journal, notes)
        if turn:  # the first of each journal may fall on its making
            waited_for(notes, before + 1, 10.0)
        time.sleep(rng.uniform(0.0, 0.1))
        os.kill(pid, signal.SIGKILL)
        assert writers.ended() == -signal.SIGKILL

        told = dict(acknowledged_rows(notes))
        assert len(told) == len(acknowledged_rows(notes)), "one place was acknowledged twice"
        stored = {record.sequence: record.hash for record in Journal(journal).records()}
        assert not [sequence for sequence, sealed in told.items() if stored.get(sequence) != sealed], number
        found = Journal(journal).verify([Anchor(max(told), told[max(told)])] if told else [])
        assert found.intact, (number, found)
        assert found.rows == len(stored)
        assert len(stored) % BATCH == 0, "a batch is there whole or not at all"
        acknowledged += len(told) - before
        more_than_acknowledged += len(stored) > len(told)
    assert acknowledged > 20 * KILLS
    # kills did fall between the commit and the telling
    assert more_than_acknowledged


def test_two_processes_append_five_hundred_rows_each_while_a_third_verifies(writers: Writers, tmp_path: Path) -> None:
    place = tmp_path / "journal.sqlite"
    began = [writers.start("five hundred", place, tmp_path / f"acknowledged-{one}") for one in (1, 2)]
    looks = []
    while (
        len(acknowledged_rows(tmp_path / "acknowledged-1")) < 500 or len(acknowledged_rows(tmp_path / "acknowledged-2")) < 500
    ):
        looks.append(Journal(place).verify())
        assert looks[-1].intact, looks[-1]
        time.sleep(0.02)
        assert len(looks) < 3000
    assert [writers.ended(), writers.ended()] == [0, 0]
    assert len({look.rows for look in looks}) > 1, "nothing was written while it was being verified"

    records = list(Journal(place).records())
    assert [record.sequence for record in records] == list(range(1, 1001))
    assert Counter(record.body["pid"] for record in records) == dict.fromkeys(began, 500)
    for pid in began:
        assert [record.body["number"] for record in records if record.body["pid"] == pid] == list(range(500))
    told = acknowledged_rows(tmp_path / "acknowledged-1") + acknowledged_rows(tmp_path / "acknowledged-2")
    assert sorted(told) == [(record.sequence, record.hash) for record in records]


def test_a_full_disk_is_told_loses_nothing_and_writing_goes_on_when_there_is_room(writers: Writers, tmp_path: Path) -> None:
    place = tmp_path / "journal.sqlite"
    writers.start("full disk", place, tmp_path / "acknowledged")
    assert writers.ended() == 0
    records = list(Journal(place).records())
    assert [(record.sequence, record.hash) for record in records] == acknowledged_rows(tmp_path / "acknowledged")
    assert len(records) > 10
    assert "journal.sqlite: " in str(records[-1].body["after"])
    assert Journal(place).verify().intact


def rows_of(path: Path) -> list[tuple[object, ...]] | None:
    """Every row as SQLite itself gives it; None when it cannot."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT * FROM journal NOT INDEXED ORDER BY sequence").fetchall()
    except (sqlite3.Error, MemoryError):
        return None
    finally:
        connection.close()


def journal_of_some_hundred_rows(path: Path) -> Anchor:
    """Its head. Pages in the file itself and, while it is open, in the write-ahead log beside it."""
    rng = random.Random(5)
    journal = Journal(path)
    for first in range(0, ROWS, 10):
        journal.append(
            Entry(rng.choice(["DECISION", "HALT"]), "rest", AT, {"number": number, "text": "x" * rng.randrange(400)})
            for number in range(first, first + 10)
        )
    return journal.head()


def flipped(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ rng.randrange(1, 256)]) + content[place + 1 :]


@pytest.mark.slow
def test_of_a_thousand_flipped_bytes_every_one_that_changes_a_row_or_breaks_reading_is_found(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    anchor = journal_of_some_hundred_rows(source / "journal.sqlite")
    in_log = {name: (source / name).read_bytes() for name in ("journal.sqlite", "journal.sqlite-wal")}
    whole = rows_of(source / "journal.sqlite")
    assert whole is not None
    assert len(whole) == ROWS
    connection = sqlite3.connect(source / "journal.sqlite")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    in_file = {"journal.sqlite": (source / "journal.sqlite").read_bytes()}

    rng = random.Random(20260302)
    found, harmed, named = 0, 0, 0
    for number in range(FLIPS):
        files = in_log if number % 4 == 0 else in_file
        target = "journal.sqlite-wal" if files is in_log else "journal.sqlite"
        damaged = files | {target: flipped(files[target], rng)}
        for reader in ("ours", "sqlite"):  # two copies: opening one may repair, or write over, what was flipped
            (tmp_path / reader).mkdir(exist_ok=True)
            for old in (tmp_path / reader).iterdir():
                old.unlink()
            for name, content in damaged.items():
                (tmp_path / reader / name).write_bytes(content)
        verified = Journal(tmp_path / "ours" / "journal.sqlite")
        seen = verified.verify([anchor])
        verified.close()
        changed = rows_of(tmp_path / "sqlite" / "journal.sqlite") != whole
        assert not (changed and seen.intact), (number, target, seen)
        harmed += changed
        found += not seen.intact
        named += seen.first_bad is not None
    assert harmed > FLIPS / 2
    assert found >= named >= harmed
    print(f"{FLIPS} flips: {harmed} changed a row or broke reading, all found; {found} found in all, {named} with a row's name")


@pytest.mark.parametrize("keep", [0.0, 0.01, 0.4, 0.9, 0.999])
def test_a_file_cut_off_anywhere_is_found_through_an_anchor(tmp_path: Path, keep: float) -> None:
    place = tmp_path / "journal.sqlite"
    anchor = journal_of_some_hundred_rows(place)
    with sqlite3.connect(place) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = place.read_bytes()
    cut = tmp_path / "cut.sqlite"
    cut.write_bytes(content[: int(len(content) * keep)])
    found = Journal(cut).verify([anchor])
    assert not found.intact
    assert found.first_bad == found.rows + 1 or "damaged" in found.reason


def test_a_write_ahead_log_that_is_lost_is_found_through_an_anchor(tmp_path: Path) -> None:
    place = tmp_path / "journal.sqlite"
    anchor = journal_of_some_hundred_rows(place)
    lost = tmp_path / "lost.sqlite"
    shutil.copyfile(place, lost)
    found = Journal(lost).verify([anchor])
    assert not found.intact
    assert found.first_bad == found.rows + 1
