"""What each session sees of the journal: whatever was written before the next open, but not what it led to itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from riskdesk_assets.common.halts import Halt, Resume, current_halts, halt_entry, resume_entry, write_session_halt
from riskdesk_assets.common.journal import Journal
from riskdesk_assets.common.session_halts import (
    DESK,
    first_bound,
    halts_of_rows,
    session_halts,
    ticket_account,
    unbound_halts,
)
from riskdesk_tests.desk_builder import calendar, sessions_from

DAYS = sessions_from(date(2026, 3, 2), 6)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite")


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment in New York in winter (UTC-5), as UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour + 5, minutes=minute)


def seen(journal: Journal, account: str = DESK) -> list[str | None]:
    """The state each session sees, None where nothing stands."""
    rows = session_halts(journal, calendar(), DAYS).to_dicts()
    by_day = {day: halts_of_rows(row for row in rows if row["as_of_date"] == day) for day in DAYS}
    stands = [by_day[day].standing(account) for day in DAYS]
    return [halt.state if halt else None for halt in stands]


def test_a_journal_that_was_never_written_halts_nothing(journal: Journal) -> None:
    assert session_halts(journal, calendar(), DAYS).is_empty()
    assert not journal.file.exists()  # type: ignore[union-attr]


def test_a_halt_binds_the_session_whose_book_would_be_traded_next(journal: Journal) -> None:
    # 2026-03-03, 20:00: after the close and before the next open, so the book of the 3rd is bound already, that of the 2nd not.
    journal.append([halt_entry(Halt(DESK, at(DAYS[1], 20), "news", "Ann"))])
    assert seen(journal) == [None, *["HALTED"] * 5]


def test_at_the_open_itself_a_halt_still_binds_and_a_minute_later_it_is_the_next_sessions(journal: Journal) -> None:
    journal.append([halt_entry(Halt(DESK, at(DAYS[1], 9, 30), "news", "Ann"))])
    assert seen(journal)[:2] == ["HALTED", "HALTED"]
    late = Journal(journal.file.with_name("late.sqlite"))  # type: ignore[union-attr]
    late.append([halt_entry(Halt(DESK, at(DAYS[1], 9, 31), "news", "Ann"))])
    assert seen(late)[:2] == [None, "HALTED"]


@pytest.mark.parametrize(("hour", "minute"), [(4, 0), (9, 30), (9, 31), (12, 0), (16, 30), (23, 0)])
def test_the_first_session_a_halt_names_is_the_first_that_sees_it(journal: Journal, hour: int, minute: int) -> None:
    journal.append([halt_entry(Halt(DESK, at(DAYS[2], hour, minute), "news", "Ann"))])
    states = seen(journal)
    assert DAYS[states.index("HALTED")] == first_bound(calendar(), at(DAYS[2], hour, minute))


def test_a_book_that_was_tradeable_before_the_halt_is_told_of_it(journal: Journal) -> None:
    journal.append([halt_entry(Halt(DESK, at(DAYS[2], 10), "news", "Ann"))])
    shock = Halt(ticket_account("a"), at(DAYS[1], 16), "shock", "a kill switch", automatic=True, session=DAYS[1])
    journal.append([halt_entry(shock), halt_entry(Halt("rest", at(DAYS[2], 10), "news", "Ann"))])
    (told,) = unbound_halts(current_halts(journal), calendar(), DAYS[1])
    said = f"a halt of the desk by Ann stands since {DAYS[2]} 15:00 UTC; this book was tradeable before it, {DAYS[2]} obeys"
    assert told.sentence == said
    assert unbound_halts(current_halts(journal), calendar(), DAYS[2]) == ()
    earlier = unbound_halts(current_halts(journal), calendar(), DAYS[0])
    assert [(one.halt.account, one.binds_from) for one in earlier] == [(DESK, DAYS[2]), ("desk:a", DAYS[1])]


def test_a_resume_ends_it_for_the_sessions_after(journal: Journal) -> None:
    journal.append([halt_entry(Halt(DESK, at(DAYS[1], 12), "news", "Ann", "REDUCING"))])
    journal.append([resume_entry(Resume(DESK, at(DAYS[3], 12), "read it", "Bob"))])
    assert seen(journal) == [None, "REDUCING", "REDUCING", None, None, None]


def test_an_automatic_halt_binds_the_sessions_after_its_own_and_is_known_to_them(journal: Journal) -> None:
    halt = Halt(DESK, at(DAYS[2], 16), "a loss", "a kill switch", automatic=True, trigger="DAILY_LOSS", session=DAYS[2])
    assert write_session_halt(journal, halt) is not None
    assert write_session_halt(journal, halt) is None  # the same session computed again
    assert seen(journal) == [None, None, None, *["HALTED"] * 3]
    journal.append([resume_entry(Resume(DESK, at(DAYS[3], 11), "looked at it", "Bob"))])
    assert seen(journal) == [None] * 6
    rows = session_halts(journal, calendar(), DAYS).to_dicts()
    known = {row["as_of_date"]: halts_of_rows([row]).knows(DESK, DAYS[2]) for row in rows}
    assert known == dict.fromkeys(DAYS[3:], True)


def test_accounts_are_told_apart_and_the_apis_own_is_not_the_desks(journal: Journal) -> None:
    journal.append([halt_entry(Halt("rest", at(DAYS[0], 12), "api", "Ann"))])
    journal.append([halt_entry(Halt(ticket_account("jpm-bac"), at(DAYS[0], 12), "earnings", "Ann"))])
    assert seen(journal) == [None] * 6
    assert seen(journal, ticket_account("jpm-bac")) == ["HALTED"] * 6
    assert set(session_halts(journal, calendar(), DAYS)["account"]) == {"desk:jpm-bac"}


def test_a_halt_written_later_leaves_the_rows_of_earlier_sessions_as_they_were(journal: Journal) -> None:
    journal.append([halt_entry(Halt(DESK, at(DAYS[0], 12), "news", "Ann"))])
    before = session_halts(journal, calendar(), DAYS[:3])
    journal.append([resume_entry(Resume(DESK, at(DAYS[4], 12), "read it", "Bob"))])
    assert session_halts(journal, calendar(), DAYS[:3]).equals(before)


def test_the_longest_ticket_id_has_an_account_of_its_own(journal: Journal) -> None:
    one, other = "T" * 63 + "1", "T" * 63 + "2"
    journal.append([halt_entry(Halt(ticket_account(one), at(DAYS[0], 12), "earnings", "Ann"))])
    assert len(ticket_account(one)) == 64
    assert seen(journal, ticket_account(one)) == ["HALTED"] * 6
    assert seen(journal, ticket_account(other)) == [None] * 6


def test_a_resume_before_the_next_open_leaves_the_session_that_stopped_itself_as_it_was(journal: Journal) -> None:
    halt = Halt(DESK, at(DAYS[2], 16), "a loss", "a kill switch", automatic=True, trigger="DAILY_LOSS", session=DAYS[2])
    write_session_halt(journal, halt)
    before = session_halts(journal, calendar(), [DAYS[2]])
    journal.append([resume_entry(Resume(DESK, at(DAYS[3], 8), "looked at it", "Bob"))])
    assert session_halts(journal, calendar(), [DAYS[2]]).equals(before)
    assert before.is_empty()
    assert seen(journal) == [None] * 6


def test_the_newest_session_known_is_the_newest_not_the_last_written(journal: Journal) -> None:
    for day, moment in ((DAYS[2], at(DAYS[2], 16)), (DAYS[1], at(DAYS[2], 17))):
        write_session_halt(journal, Halt(DESK, moment, "a loss", "switch", automatic=True, trigger="DAILY_LOSS", session=day))
    (row,) = session_halts(journal, calendar(), [DAYS[4]]).to_dicts()
    assert row["known_to"] == DAYS[2]
