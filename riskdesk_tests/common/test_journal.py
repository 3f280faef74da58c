"""The journal: what goes in comes out, in order, and nobody changes it afterwards."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.journal import Anchor, Entry, EntryError, Journal, JournalBusyError, JournalError, desk_journal
from riskdesk_assets.common.journal import appending_lock as lock_of_an_append
from riskdesk_assets.common.journal_tables import JOURNAL

AT = datetime(2026, 3, 2, 21, 0, 0, 123456, tzinfo=UTC)
NOTHING_YET = Anchor(0, "0" * 64)


def decision(number: int = 0, **body: object) -> Entry:
    return Entry("DECISION", "rest", AT + timedelta(seconds=number), {"number": number, **body})


def filled(path: Path, count: int) -> Journal:
    journal = Journal(path)
    journal.append(decision(number) for number in range(1, count + 1))
    return journal


def by_force(path: Path, *statements: str) -> None:
    """Change the file as somebody would who can write to it: without its triggers, which are put back."""
    connection = sqlite3.connect(path)
    triggers = [row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")]
    for name in ("journal_no_update", "journal_no_delete", "journal_in_order"):
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for trigger in triggers:
        connection.execute(trigger)
    connection.commit()
    connection.close()


def test_what_is_written_is_read_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    body = {
        "symbol": "JPM",
        "price": 0.1 + 0.2,
        "nested": {"é": [None, True, 10**30]},
        "quote": "'; DROP TABLE journal; --\u0000",
    }
    first, second = journal.append([decision(1, **body), Entry("HALT", "desk", AT, {"reason": "drill"})])
    assert (first.sequence, second.sequence) == (1, 2)
    assert (first.previous_hash, second.previous_hash) == ("0" * 64, first.hash)
    assert first.body == {"number": 1, **body}
    again = Journal(tmp_path / "journal.sqlite")
    assert tuple(again.records()) == (first, second)
    assert again.head() == Anchor(2, second.hash)
    assert again.verify().intact


def test_the_hash_of_a_row_is_the_documented_one(tmp_path: Path) -> None:
    """SHA-256 of canonical JSON, written out by hand."""
    (written,) = Journal(tmp_path / "journal.sqlite").append([Entry("DECISION", "rest", AT, {"b": 1.5, "a": "x"})])
    text = '[1,"' + "0" * 64 + '","DECISION","rest","2026-03-02T21:00:00.123456+00:00","{\\"a\\":\\"x\\",\\"b\\":1.5}"]'
    assert written.hash == hashlib.sha256(text.encode()).hexdigest()
    stored = sqlite3.connect(tmp_path / "journal.sqlite").execute("SELECT body FROM journal").fetchone()[0]
    assert stored == '{"a":"x","b":1.5}'


def test_a_moment_is_stored_in_utc_whatever_its_zone(tmp_path: Path) -> None:
    there = AT.astimezone(timezone(timedelta(hours=-5)))
    (written,) = Journal(tmp_path / "journal.sqlite").append([Entry("DECISION", "rest", there, {})])
    assert (written.at, written.at.tzinfo) == (AT, UTC)


def test_a_journal_nobody_wrote_to_is_empty_and_no_file_appears(tmp_path: Path) -> None:
    journal = desk_journal(tmp_path / "data", {})
    assert (journal.head(), tuple(journal.records()), journal.newest(5)) == (NOTHING_YET, (), ())
    assert journal.verify().intact
    assert journal.append([]) == ()
    assert not (tmp_path / "data").exists()


def test_records_are_chosen_by_kind_account_and_place(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    kinds = ["DECISION", "HALT", "DECISION", "RESUME", "HALT"]
    accounts = ["rest", "desk", "rest", "desk", "rest"]
    journal.append(Entry(kind, account, AT, {}) for kind, account in zip(kinds, accounts, strict=True))

    def places(**chosen: object) -> list[int]:
        return [one.sequence for one in journal.records(**chosen)]  # type: ignore[arg-type]

    assert places(kind="DECISION") == [1, 3]
    assert places(kind=("HALT", "RESUME"), account="desk") == [2, 4]
    assert places(account="rest", after=1) == [3, 5]
    assert [one.sequence for one in journal.newest(2)] == [5, 4]
    assert [one.sequence for one in journal.newest(9, kind="HALT")] == [5, 2]


def test_more_rows_than_a_page_are_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskdesk_assets.common.journal.PAGE_ROWS", 7)
    journal = filled(tmp_path / "journal.sqlite", 21)
    assert [one.sequence for one in journal.records()] == list(range(1, 22))
    assert journal.verify().rows == 21


def test_one_kind_is_read_backward_page_by_page_by_its_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskdesk_assets.common.journal.PAGE_ROWS", 3)
    journal = filled(tmp_path / "journal.sqlite", 10)
    journal.append([Entry("FILL", "rest", AT, {"number": 11}), decision(12, kept=1), Entry("DECISION", "desk", AT, {})])
    assert [one.sequence for one in journal.backward("DECISION", "rest")] == [12, *range(10, 0, -1)]
    assert [one.sequence for one in journal.backward("DECISION", "rest", holding="kept")] == [12]
    assert list(journal.backward("DECISION", "rest", holding="ke_t")) == []
    assert list(Journal(tmp_path / "none.sqlite").backward("DECISION", "rest")) == []
    with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM journal WHERE kind = 'DECISION' AND account = 'rest' AND sequence < 9 "
            "ORDER BY sequence DESC LIMIT 3"
        ).fetchall()
    assert [row[3] for row in plan] == ["SEARCH journal USING INDEX journal_by_kind (kind=? AND sequence<?)"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET body = '{}' WHERE sequence = 2",
        "DELETE FROM journal WHERE sequence = 3",
        "DELETE FROM journal",
        "INSERT OR REPLACE INTO journal SELECT 2, previous_hash, hash, kind, account, at, '{}' FROM journal WHERE sequence = 2",
        "INSERT INTO journal SELECT 9, previous_hash, hash, kind, account, at, body FROM journal WHERE sequence = 2",
    ],
)
def test_the_file_itself_refuses_what_is_not_an_append(tmp_path: Path, statement: str) -> None:
    filled(tmp_path / "journal.sqlite", 3)
    with sqlite3.connect(tmp_path / "journal.sqlite") as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    assert Journal(tmp_path / "journal.sqlite").verify().intact


@pytest.mark.parametrize(
    ("statement", "first_bad", "reason"),
    [
        ("UPDATE journal SET body = '{\"number\":99}' WHERE sequence = 4", 4, "row 4 was changed"),
        ("UPDATE journal SET account = 'desk' WHERE sequence = 1", 1, "row 1 was changed"),
        ("UPDATE journal SET at = '2026-03-02T21:00:04.123457+00:00' WHERE sequence = 4", 4, "row 4 was changed"),
        ("UPDATE journal SET kind = CAST(kind AS BLOB) WHERE sequence = 5", 5, "row 5 was changed"),
        ("DELETE FROM journal WHERE sequence = 6", 6, "row 6 is missing: row 7 follows row 5"),
        ("DELETE FROM journal WHERE sequence = 1", 1, "row 1 is missing"),
        ("UPDATE journal SET previous_hash = hash WHERE sequence = 3", 3, "does not follow the row before it"),
        ("UPDATE journal SET sequence = 12 WHERE sequence = 9", 9, "row 9 is missing"),
        ("UPDATE journal SET sequence = 0 WHERE sequence = 8", 1, "row 0 stands where row 1 has to"),
        ("UPDATE journal SET sequence = -1 WHERE sequence = 8", 1, "row -1 stands where row 1 has to"),
        ("UPDATE journal SET body = CAST(X'7BFF7D' AS TEXT) WHERE sequence = 2", 2, "cannot be read"),
    ],
)
def test_verification_names_the_first_bad_row_and_why(tmp_path: Path, statement: str, first_bad: int, reason: str) -> None:
    journal = filled(tmp_path / "journal.sqlite", 9)
    by_force(tmp_path / "journal.sqlite", statement)
    found = journal.verify()
    assert not found.intact
    assert reason in found.reason
    assert (found.first_bad, found.rows) == (first_bad, first_bad - 1)


def test_a_row_rewritten_with_a_hash_of_its_own_breaks_the_next_one(tmp_path: Path) -> None:
    journal = filled(tmp_path / "journal.sqlite", 5)
    row = sqlite3.connect(tmp_path / "journal.sqlite").execute("SELECT * FROM journal WHERE sequence = 3").fetchone()
    sequence, previous, _, kind, account, at, _ = row
    text = json.dumps([sequence, previous, kind, account, at, "{}"], separators=(",", ":"))
    sealed = hashlib.sha256(text.encode()).hexdigest()
    by_force(tmp_path / "journal.sqlite", f"UPDATE journal SET body = '{{}}', hash = '{sealed}' WHERE sequence = 3")
    found = journal.verify()
    assert (found.first_bad, found.rows) == (4, 3)
    assert "does not follow" in found.reason


def test_an_end_cut_off_is_seen_against_an_anchor_only(tmp_path: Path) -> None:
    journal = filled(tmp_path / "journal.sqlite", 5)
    anchor = Anchor(journal.head().sequence, journal.head().hash, "publish log, run X")
    by_force(tmp_path / "journal.sqlite", "DELETE FROM journal WHERE sequence >= 4")
    assert journal.verify().intact
    found = journal.verify([anchor])
    assert (found.intact, found.rows, found.first_bad) == (False, 3, 4)
    assert found.reason == "the journal ends at row 3, but row 5 was once there (publish log, run X)"


def test_a_journal_written_anew_as_a_whole_is_seen_against_an_anchor(tmp_path: Path) -> None:
    anchors = []
    journal = Journal(tmp_path / "journal.sqlite")
    for number in range(1, 7):
        journal.append([decision(number)])
        anchors.append(journal.head())
    forged = Journal(tmp_path / "forged.sqlite")
    forged.append(decision(number, forged=number >= 4) if number >= 4 else decision(number) for number in range(1, 7))
    assert forged.verify().intact
    found = forged.verify([anchors[1], anchors[4]])
    assert (found.intact, found.first_bad) == (False, 5)
    assert "written anew somewhere after row 2" in found.reason


def test_a_journal_that_is_gone_is_broken_for_whoever_has_an_anchor(tmp_path: Path) -> None:
    found = Journal(tmp_path / "journal.sqlite").verify([Anchor(3, "f" * 64)])
    assert (found.intact, found.rows, found.first_bad) == (False, 0, 1)


def test_a_guard_taken_away_is_told(tmp_path: Path) -> None:
    journal = filled(tmp_path / "journal.sqlite", 2)
    with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
        connection.execute("DROP TRIGGER journal_no_delete")
    found = journal.verify()
    assert (found.intact, found.first_bad) == (False, None)
    assert found.reason.startswith("journal_no_delete is not as it was made")


def test_a_changed_row_is_not_read_as_if_nothing_were_wrong(tmp_path: Path) -> None:
    journal = filled(tmp_path / "journal.sqlite", 3)
    by_force(tmp_path / "journal.sqlite", "UPDATE journal SET body = '{}' WHERE sequence = 2")
    with pytest.raises(JournalError, match="row 2 of the journal was changed"):
        list(journal.records())


def deep(levels: int) -> dict[str, object]:
    body: dict[str, object] = {}
    for _ in range(levels):
        body = {"in": body}
    return body


@pytest.mark.parametrize(
    "spoil",
    [
        lambda: decision(x=math.nan),
        lambda: decision(x=[{"y": math.inf}]),
        lambda: decision(x="\ud800"),
        lambda: decision(x=object()),
        lambda: decision(x=10**5000),
        lambda: decision(x="a" * (1024 * 1024)),
        lambda: decision(x=deep(100_000)),
        lambda: Entry("DECISION", "rest", AT, {1: "a"}),  # type: ignore[dict-item]
        lambda: Entry("DECISION", "rest", AT.replace(tzinfo=None), {}),
        lambda: Entry("decision", "rest", AT, {}),
        lambda: Entry("DECISION", "Rest'", AT, {}),
    ],
)
def test_one_entry_that_has_no_place_keeps_all_of_them_out(tmp_path: Path, spoil: Callable[[], Entry]) -> None:
    journal = filled(tmp_path / "journal.sqlite", 1)
    with pytest.raises(EntryError):
        journal.append([decision(2), spoil(), decision(3)])
    assert journal.head().sequence == 1


def test_a_writer_that_waits_in_vain_says_so_and_readers_do_not_wait(tmp_path: Path) -> None:
    filled(tmp_path / "journal.sqlite", 3)
    blocker = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    impatient = Journal(tmp_path / "journal.sqlite", busy_seconds=0.05)
    with pytest.raises(JournalBusyError, match="locked"):
        impatient.append([decision(4)])
    assert (impatient.head().sequence, impatient.verify().intact) == (3, True)
    blocker.execute("ROLLBACK")
    assert impatient.append([decision(4)])[0].sequence == 4


def test_commits_are_synced_to_the_disk_and_the_file_is_in_wal_mode(tmp_path: Path) -> None:
    journal = filled(tmp_path / "journal.sqlite", 1)
    with journal._current().connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_a_database_url_takes_the_place_of_the_file(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere.sqlite"
    desk_journal(tmp_path / "data", {"RISKDESK_JOURNAL_URL": f"sqlite:///{place}"}).append([decision(1)])
    assert Journal(place).head().sequence == 1
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "url", ["not a url s3cret", "nosuchdatabase://desk:s3cret@host/x", "postgresql+asyncpg://desk:s3cret@host/x", "sqlite://"]
)
def test_an_unusable_url_is_refused_by_its_variable_and_never_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="RISKDESK_JOURNAL_URL") as told:
        desk_journal(tmp_path, {"RISKDESK_JOURNAL_URL": url})
    assert "s3cret" not in str(told.value)


def test_the_same_tables_compile_for_postgres_with_a_locked_row_for_appends() -> None:
    """No Postgres runs here: this shows the SQL it would be sent, not that it was."""
    assert "sequence BIGINT NOT NULL" in str(CreateTable(JOURNAL).compile(dialect=postgresql.dialect()))
    assert "sequence INTEGER NOT NULL" in str(CreateTable(JOURNAL).compile(dialect=sqlite.dialect()))
    index = min(JOURNAL.indexes, key=str)
    assert "ON journal (kind, sequence)" in str(CreateIndex(index).compile(dialect=postgresql.dialect()))
    assert str(lock_of_an_append().compile(dialect=postgresql.dialect())).endswith("FOR UPDATE")
