"""Periods in words: what is clear is taken, what is not is asked again with what is allowed."""

from __future__ import annotations

import contextlib
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.interfaces.console.days import (
    EXPIRY,
    PERIOD,
    PERIOD_OR_REACH,
    POINT,
    Period,
    last_day,
    period,
)
from riskdesk_assets.interfaces.console.lengths import REACH, DayError, length, sessions_of

TODAY = date(2026, 11, 27)  # a Friday
BEFORE = date(2026, 11, 25)  # the session before it: Thanksgiving lies between


def days(start: str, end: str, cut: bool = False) -> Period:
    return Period(date.fromisoformat(start), date.fromisoformat(end), cut)


CLEAR = [
    ("last 6 months", days("2026-05-28", "2026-11-27")),
    ("the last six months", days("2026-05-28", "2026-11-27")),
    ("over the past 3 weeks", days("2026-11-07", "2026-11-27")),
    ("last 1 month", days("2026-10-28", "2026-11-27")),
    ("previous 2 quarters", days("2026-05-28", "2026-11-27")),
    ("last 10 days", days("2026-11-18", "2026-11-27")),
    ("trailing 5 years", days("2021-11-28", "2026-11-27")),
    ("since 2024", days("2024-01-01", "2026-11-27")),
    ("since march 2025", days("2025-03-01", "2026-11-27")),
    ("since 2025-03-05", days("2025-03-05", "2026-11-27")),
    ("starting q3 2025", days("2025-07-01", "2026-11-27")),
    ("from 2023-01-03 to 2023-06-30", days("2023-01-03", "2023-06-30")),
    ("between 2023-01-03 and 2023-06-30", days("2023-01-03", "2023-06-30")),
    ("2023-01-03 - 2023-06-30", days("2023-01-03", "2023-06-30")),
    ("2023-01-03..2023-06-30", days("2023-01-03", "2023-06-30")),
    ("from 3 jan 2023 until june 30, 2023", days("2023-01-03", "2023-06-30")),
    ("from 2023 to 2024", days("2023-01-01", "2024-12-31")),
    ("from march 2023 to q2 2024", days("2023-03-01", "2024-06-30")),
    ("from 2024-05-01 to today", days("2024-05-01", "2026-11-27")),
    ("ytd", days("2026-01-01", "2026-11-27")),
    ("year to date", days("2026-01-01", "2026-11-27")),
    ("this year", days("2026-01-01", "2026-11-27")),
    ("this quarter", days("2026-10-01", "2026-11-27")),
    ("mtd", days("2026-11-01", "2026-11-27")),
    ("this week", days("2026-11-23", "2026-11-27")),
    ("2023", days("2023-01-01", "2023-12-31")),
    ("in 2023", days("2023-01-01", "2023-12-31")),
    ("2026", days("2026-01-01", "2026-11-27", cut=True)),
    ("q1 2024", days("2024-01-01", "2024-03-31")),
    ("2024q1", days("2024-01-01", "2024-03-31")),
    ("q4 2026", days("2026-10-01", "2026-11-27", cut=True)),
    ("first quarter of 2024", days("2024-01-01", "2024-03-31")),
    ("h2 2023", days("2023-07-01", "2023-12-31")),
    ("second half of 2023", days("2023-07-01", "2023-12-31")),
    ("march 2023", days("2023-03-01", "2023-03-31")),
    ("feb 2024", days("2024-02-01", "2024-02-29")),
    ("2024-02", days("2024-02-01", "2024-02-29")),
    ("today", days("2026-11-27", "2026-11-27")),
    ("yesterday", days("2026-11-25", "2026-11-25")),
    ("as of 2026-01-26", days("2026-01-26", "2026-01-26")),
    ("26 jan 2026", days("2026-01-26", "2026-01-26")),
    ("January 26th, 2026", days("2026-01-26", "2026-01-26")),
    ("26/01/2026", days("2026-01-26", "2026-01-26")),
    ("01/26/2026", days("2026-01-26", "2026-01-26")),
    ("03/03/2026", days("2026-03-03", "2026-03-03")),
    ("20260303", days("2026-03-03", "2026-03-03")),
    ("from 20240102 to 20240630", days("2024-01-02", "2024-06-30")),
    ("20240102-20240630", days("2024-01-02", "2024-06-30")),
    ("last 6m", days("2026-05-28", "2026-11-27")),
    ("last 6 mo", days("2026-05-28", "2026-11-27")),
    ("last 6 mos", days("2026-05-28", "2026-11-27")),
    ("past 6 mths", days("2026-05-28", "2026-11-27")),
    ("last 6-months", days("2026-05-28", "2026-11-27")),
    ("last half year", days("2026-05-28", "2026-11-27")),
    ("the last half-year", days("2026-05-28", "2026-11-27")),
    ("over the last half a year", days("2026-05-28", "2026-11-27")),
    ("last 1.5 years", days("2025-05-28", "2026-11-27")),
    ("last eighteen months", days("2025-05-28", "2026-11-27")),
    ("last 3w", days("2026-11-07", "2026-11-27")),
    ("past 10d", days("2026-11-18", "2026-11-27")),
    ("trailing 5y", days("2021-11-28", "2026-11-27")),
    ("jan to mar 2024", days("2024-01-01", "2024-03-31")),
    ("between january and march 2024", days("2024-01-01", "2024-03-31")),
    ("jan-mar 2024", days("2024-01-01", "2024-03-31")),
    ("q1-q3 2024", days("2024-01-01", "2024-09-30")),
    ("1h 2025", days("2025-01-01", "2025-06-30")),
    ("3q2025", days("2025-07-01", "2025-09-30")),
]


@pytest.mark.parametrize(("text", "wanted"), CLEAR)
def test_a_clear_period_is_these_days(text: str, wanted: Period) -> None:
    assert period(text, TODAY, BEFORE) == wanted
    found = re.search(PERIOD, f"backtest {text.lower()} please")
    assert found is not None
    assert period(found[0], TODAY, BEFORE) == wanted


BARE = [
    ("6 months", days("2026-05-28", "2026-11-27")),
    ("6m", days("2026-05-28", "2026-11-27")),
    ("6mo", days("2026-05-28", "2026-11-27")),
    ("6-month", days("2026-05-28", "2026-11-27")),
    ("six months", days("2026-05-28", "2026-11-27")),
    ("for 6 months", days("2026-05-28", "2026-11-27")),
    ("over half a year", days("2026-05-28", "2026-11-27")),
    ("a year and a half", days("2025-05-28", "2026-11-27")),
    ("1.5y", days("2025-05-28", "2026-11-27")),
    ("1y", days("2025-11-28", "2026-11-27")),
    ("a year", days("2025-11-28", "2026-11-27")),
    ("90d", days("2026-08-30", "2026-11-27")),
    ("12w", days("2026-09-05", "2026-11-27")),
    ("2000 days", days("2021-06-07", "2026-11-27")),
]


@pytest.mark.parametrize(("text", "wanted"), BARE)
def test_a_bare_length_is_that_much_up_to_today_where_a_length_may_stand(text: str, wanted: Period) -> None:
    assert period(text, TODAY, BEFORE) == wanted
    found = re.search(PERIOD_OR_REACH, f"backtest {text}")
    assert found is not None
    assert period(found[0], TODAY, BEFORE) == wanted


@given(st.from_regex(REACH, fullmatch=True))
def test_every_length_has_a_count_and_a_unit_written_out(text: str) -> None:
    count, unit = length(text)
    assert isinstance(count, int)
    assert unit.removesuffix("s").split()[-1] in {"day", "session", "week", "month", "quarter", "year", "yr"}


UNCLEAR = [
    ("last -6 months", "-6 months are none (allowed: last 6 months"),
    ("-6 months", "-6 months are none"),
    ("0m", "0 months are none"),
    ("q1", "q1 of which year? (allowed: q1 2026, q1 2025)"),
    ("oct to mar 2024", "oct of which year?"),
    ("20240230", "there is no day 20240230"),
    ("last month", "could be 2026-10-01 to 2026-10-31 or 2026-10-28 to 2026-11-27"),
    ("last year", "could be 2025-01-01 to 2025-12-31 or 2025-11-28 to 2026-11-27"),
    ("last week", "could be 2026-11-16 to 2026-11-22 or 2026-11-21 to 2026-11-27"),
    ("last quarter", "could be 2026-07-01 to 2026-09-30"),
    ("march", "of which year"),
    ("since march", "of which year"),
    ("01/02/2026", "could be 2026-01-02 or 2026-02-01 (allowed: 2026-01-02, 2026-02-01)"),
    ("2023-02-30", "there is no day 2023-02-30"),
    ("30 february 2023", "there is no day 30 february 2023"),
    ("13/13/2023", "there is no day"),
    ("1/2/23", "is no day"),
    ("2023-13", "is no month"),
    ("h3 2023", "is no period"),
    ("from 2023-06-30 to 2023-01-03", "2023-06-30 is after 2023-01-03"),
    ("since 2027", "2027-01-01 has not come yet (allowed: days up to 2026-11-27"),
    ("2027", "has not come yet"),
    ("from 2026-01-02 to 2026-12-31", "2026-12-31 has no bars yet"),
    ("last 0 months", "are none"),
    ("last 99999 years", "lead out of the calendar"),
    ("whenever", "is no period (allowed: last 6 months, since 2024"),
    ("", "is no period"),
]


@pytest.mark.parametrize(("text", "said"), UNCLEAR)
def test_what_is_ambiguous_or_impossible_says_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(DayError) as caught:
        period(text, TODAY, BEFORE)
    assert said in str(caught.value)
    assert "(allowed: " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2027-06-30", "2027-06-30"),
        ("in 6 months", "2027-05-27"),
        ("for 90 days", "2027-02-25"),
        ("2 weeks", "2026-12-11"),
        ("june 2027", "2027-06-30"),
        ("2027", "2027-12-31"),
        ("end of 2027", "2027-12-31"),
        ("end of june 2027", "2027-06-30"),
        ("end of the year", "2026-12-31"),
        ("the end of next year", "2027-12-31"),
        ("q1 2027", "2027-03-31"),
    ],
)
def test_a_last_day_is_the_end_of_what_is_said(text: str, wanted: str) -> None:
    assert last_day(text, TODAY) == date.fromisoformat(wanted)
    assert re.fullmatch(EXPIRY, text)


def test_months_end_on_their_last_day_where_the_day_does_not_exist() -> None:
    assert last_day("in 3 months", date(2026, 11, 30)) == date(2027, 2, 28)
    assert period("last 6 months", date(2026, 8, 31)) == days("2026-03-01", "2026-08-31")


@pytest.mark.parametrize(
    ("text", "wanted"), [("40 days", 40), ("40-day", 40), ("8 weeks", 40), ("two months", 42), ("a year", 252)]
)
def test_spells_are_sessions(text: str, wanted: int) -> None:
    assert sessions_of(text) == wanted


@given(st.dates(date(2000, 1, 1), TODAY), st.dates(date(2000, 1, 1), TODAY))
def test_any_two_days_in_order_are_themselves(one: date, other: date) -> None:
    start, end = min(one, other), max(one, other)
    assert period(f"from {start} to {end}", TODAY) == Period(start, end)


@given(st.one_of(st.text(max_size=40), st.from_regex(POINT, fullmatch=True), st.from_regex(PERIOD, fullmatch=True)))
def test_no_text_breaks_it_and_no_period_ends_after_today(text: str) -> None:
    with contextlib.suppress(DayError):
        found = period(text, TODAY, BEFORE)
        assert found.start <= found.end <= TODAY


def test_no_today_breaks_it() -> None:
    assert last_day("2020-01-01", date.min) == date(2020, 1, 1)
    assert last_day("2020-01-01", date.max) == date(2020, 1, 1)
    with pytest.raises(DayError, match="lead out of the calendar"):
        last_day("in 6 months", date.max)
