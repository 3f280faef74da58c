from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.market.newest import newest_complete_session
from riskdesk_tests.market.bar_rows import frame, plain_rows

FIRST, LAST = date(2024, 3, 4), date(2024, 3, 28)
LATER = datetime(2024, 4, 10, tzinfo=UTC)


def test_the_newest_session_is_the_one_every_needed_name_has(calendar: SessionCalendar) -> None:
    rows = [*plain_rows(calendar, "JPM", FIRST, LAST), *plain_rows(calendar, "BAC", FIRST, date(2024, 3, 26))]
    assert newest_complete_session(frame(rows), calendar, ["JPM", "BAC"], LATER) == date(2024, 3, 26)
    assert newest_complete_session(frame(rows), calendar, ["JPM"], LATER) == LAST
    assert newest_complete_session(frame(rows), calendar, [], LATER) == LAST


def test_a_session_that_has_not_closed_does_not_count(calendar: SessionCalendar) -> None:
    bars = frame(plain_rows(calendar, "JPM", FIRST, LAST))
    # 2024-03-28 closes at 16:00 New York, 20:00 UTC.
    assert newest_complete_session(bars, calendar, ["JPM"], datetime(2024, 3, 28, 19, 59, tzinfo=UTC)) == date(2024, 3, 27)
    assert newest_complete_session(bars, calendar, ["JPM"], datetime(2024, 3, 28, 20, 0, tzinfo=UTC)) == LAST


def test_a_stale_print_a_bad_price_and_a_saturday_do_not_count(calendar: SessionCalendar) -> None:
    rows = plain_rows(calendar, "JPM", FIRST, LAST)
    rows[-1].update({"close": rows[-2]["close"], "volume": 0})
    rows[-2]["open"] = 0.0
    saturday = {**rows[0], "as_of_date": date(2024, 3, 30)}
    assert newest_complete_session(frame([*rows, saturday]), calendar, ["JPM"], LATER) == date(2024, 3, 26)


def test_a_name_without_a_bar_is_named(calendar: SessionCalendar) -> None:
    with pytest.raises(InputError, match="WFC has no bar at all"):
        newest_complete_session(frame(plain_rows(calendar, "JPM", FIRST, LAST)), calendar, ["JPM", "WFC"], LATER)
