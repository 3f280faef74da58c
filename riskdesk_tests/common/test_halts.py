"""Halts latch: what stands after any sequence of halts and resumes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.halts import (
    Halt,
    HaltRecord,
    Resume,
    current_halts,
    halt_entry,
    resume_entry,
    standing,
    write_session_halt,
)
from riskdesk_assets.common.journal import Entry, EntryError, Journal, JournalError, Record

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def after(minutes: int) -> datetime:
    return NINE + timedelta(minutes=minutes)


def by_hand(minutes: int, account: str = "rest") -> Halt:
    return Halt(account, after(minutes), "a bad feeling", "pm")


def tripped(minutes: int, cooldown: int = 60, account: str = "rest") -> Halt:
    until = after(minutes + cooldown)
    return Halt(
        account,
        after(minutes),
        "drawdown 11% > 10%",
        "kill switches",
        automatic=True,
        trigger="MAX_DRAWDOWN",
        resume_from=until,
    )


def resumed(minutes: int, account: str = "rest") -> Resume:
    return Resume(account, after(minutes), "understood", "pm")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite")


def write(journal: Journal, *changes: Halt | Resume) -> None:
    journal.append(halt_entry(one) if isinstance(one, Halt) else resume_entry(one) for one in changes)


def test_nothing_stands_before_the_first_halt_and_no_journal_is_made(journal: Journal) -> None:
    assert current_halts(journal) == ()
    assert journal.file is not None
    assert not journal.file.exists()


def test_a_halt_is_read_back_as_it_was_given(journal: Journal) -> None:
    halt = replace(tripped(0, account="desk"), session=date(2026, 3, 2), state="REDUCING")
    write(journal, halt)
    (stands,) = current_halts(journal)
    assert stands == HaltRecord(**{name: getattr(halt, name) for name in Halt.__dataclass_fields__}, sequence=1)


def test_a_manual_halt_ends_with_a_resume_at_once(journal: Journal) -> None:
    write(journal, by_hand(0))
    assert [one.account for one in current_halts(journal)] == ["rest"]
    write(journal, resumed(0))
    assert current_halts(journal) == ()


def test_a_resume_before_the_cooldown_is_over_ends_nothing(journal: Journal) -> None:
    write(journal, tripped(0, cooldown=60), resumed(59))
    assert [one.trigger for one in current_halts(journal)] == ["MAX_DRAWDOWN"]
    write(journal, resumed(60))
    assert current_halts(journal) == ()


def test_a_halt_by_hand_does_not_shorten_a_cooldown(journal: Journal) -> None:
    write(journal, tripped(0, cooldown=60), by_hand(10), resumed(30))
    (stands,) = current_halts(journal)
    assert (stands.automatic, stands.resume_from, stands.sequence) == (True, after(60), 1)


def test_reducing_does_not_loosen_halted_and_halted_tightens_reducing(journal: Journal) -> None:
    reducing = replace(by_hand(0), state="REDUCING")
    write(journal, reducing)
    assert [one.state for one in current_halts(journal)] == ["REDUCING"]
    write(journal, by_hand(1))
    assert [(one.state, one.sequence) for one in current_halts(journal)] == [("HALTED", 2)]
    write(journal, replace(reducing, at=after(2)))
    assert [(one.state, one.sequence) for one in current_halts(journal)] == [("HALTED", 2)]


def test_accounts_are_halted_and_resumed_each_for_itself(journal: Journal) -> None:
    write(journal, by_hand(0, "rest"), by_hand(1, "desk"), resumed(2, "rest"))
    assert [one.account for one in current_halts(journal)] == ["desk"]
    assert current_halts(journal, account="rest") == ()
    assert [one.account for one in current_halts(journal, account="desk")] == ["desk"]


def test_what_stood_at_an_earlier_moment_can_be_asked(journal: Journal) -> None:
    write(journal, by_hand(10), resumed(20), by_hand(30))
    stood = [bool(current_halts(journal, until=after(minutes))) for minutes in (9, 10, 19, 20, 29, 30)]
    assert stood == [False, True, True, False, False, True]
    with pytest.raises(EntryError, match="time zone"):
        current_halts(journal, until=NINE.replace(tzinfo=None))


def test_a_session_computed_again_does_not_halt_the_desk_again(journal: Journal) -> None:
    halt = replace(tripped(0, account="desk"), session=date(2026, 3, 2))
    assert write_session_halt(journal, halt) is not None
    write(journal, resumed(90, "desk"))
    assert write_session_halt(journal, replace(halt, at=after(100))) is None
    assert current_halts(journal) == ()
    assert write_session_halt(journal, replace(halt, session=date(2026, 3, 3))) is not None
    assert write_session_halt(journal, replace(halt, trigger="DAILY_LOSS")) is not None
    assert len(current_halts(journal)) == 1


@pytest.mark.parametrize(
    "change", [replace(by_hand(0), reason=" "), replace(by_hand(0), by=""), replace(resumed(0), reason="")]
)
def test_a_halt_and_a_resume_say_why_and_by_whom(change: Halt | Resume) -> None:
    with pytest.raises(EntryError, match="is empty"):
        halt_entry(change) if isinstance(change, Halt) else resume_entry(change)


@pytest.mark.parametrize(
    "body", [{}, {"state": "ASLEEP"}, {"automatic": "yes"}, {"resume_from": "soon"}, {"resume_from": "2026-03-02"}]
)
def test_a_halt_that_cannot_be_understood_is_not_passed_over(journal: Journal, body: dict[str, object]) -> None:
    whole = dict(halt_entry(by_hand(0)).body)
    journal.append([Entry("HALT", "rest", NINE, {**whole, **body} if body else {})])
    with pytest.raises(JournalError, match="row 1 of the journal is a halt that cannot be understood"):
        current_halts(journal)


def as_records(changes: list[Halt | Resume]) -> list[Record]:
    """As a journal would hold them, without one."""
    numbered = count(1)
    entries = [halt_entry(one) if isinstance(one, Halt) else resume_entry(one) for one in changes]
    return [Record(one.kind, one.account, one.at, one.body, next(numbered), "", "") for one in entries]


moments = st.integers(0, 300)
accounts = st.sampled_from(["desk", "rest"])
changes = st.one_of(
    st.builds(
        lambda account, minute, state: replace(by_hand(minute, account), state=state),
        accounts,
        moments,
        st.sampled_from(["HALTED", "REDUCING"]),
    ),
    st.builds(
        lambda account, minute, cooldown, state: replace(tripped(minute, cooldown, account), state=state),
        accounts,
        moments,
        st.integers(0, 120),
        st.sampled_from(["HALTED", "REDUCING"]),
    ),
    st.builds(lambda account, minute: resumed(minute, account), accounts, moments),
)


def standing_halts_of(account: str, history: list[Halt | Resume]) -> list[Halt]:
    """The rule said another way: every halt since the last resume that came late enough for all that stood before it."""
    open_halts: list[Halt] = []
    for one in (item for item in history if item.account == account):
        if isinstance(one, Halt):
            open_halts.append(one)
        elif all(halt.resume_from is None or halt.resume_from <= one.at for halt in open_halts):
            open_halts = []
    return open_halts


@settings(derandomize=True, deadline=None, max_examples=400)
@given(st.lists(changes, max_size=14))
def test_the_fold_is_the_rule_for_any_history(history: list[Halt | Resume]) -> None:
    found = {one.account: one for one in standing(as_records(history))}
    for account in ("desk", "rest"):
        open_halts = standing_halts_of(account, history)
        assert (account in found) == bool(open_halts)
        if open_halts:
            shown = found[account]
            assert shown.state == ("HALTED" if any(one.state == "HALTED" for one in open_halts) else "REDUCING")
            assert shown.resume_from == max((one.resume_from for one in open_halts if one.resume_from), default=None)
            alike = [one for one in open_halts if one.state == shown.state]
            assert shown.automatic == any(one.automatic for one in alike)
            first = next(one for one in alike if one.automatic == shown.automatic)
            assert (shown.at, shown.reason) == (first.at, first.reason)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(changes, max_size=10), changes)
def test_only_a_resume_of_its_own_account_ever_ends_or_loosens_a_halt(
    history: list[Halt | Resume], last: Halt | Resume
) -> None:
    before = {one.account: one for one in standing(as_records(history))}
    now = {one.account: one for one in standing(as_records([*history, last]))}
    for account, stood in before.items():
        if isinstance(last, Halt) or last.account != account:
            assert account in now
            assert (stood.state, now[account].state) != ("HALTED", "REDUCING")
            assert stood.resume_from is None or (now[account].resume_from or stood.resume_from) >= stood.resume_from
