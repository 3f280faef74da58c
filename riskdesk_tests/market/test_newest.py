from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.market.newest import newest_bar, newest_complete_session, require_bars_to_the_end
from riskdesk_tests.desk_builder import changed, desk_config
from riskdesk_tests.market.bar_rows import frame, plain_rows

FIRST, LAST = date(2024, 3, 4), date(2024, 3, 28)
LATER = datetime(2024, 4, 10, tzinfo=UTC)
CONFIG = desk_config()


def test_the_newest_session_is_the_one_every_needed_name_has(calendar: SessionCalendar) -> None:
    rows = [*plain_rows(calendar, "JPM", FIRST, LAST), *plain_rows(calendar, "BAC", FIRST, date(2024, 3, 26))]
    assert newest_complete_session(frame(rows), calendar, CONFIG, ["JPM", "BAC"], LATER) == date(2024, 3, 26)
    assert newest_complete_session(frame(rows), calendar, CONFIG, ["JPM"], LATER) == LAST
    assert newest_complete_session(frame(rows), calendar, CONFIG, [], LATER) == LAST


def test_a_session_that_has_not_closed_does_not_count(calendar: SessionCalendar) -> None:
    bars = frame(plain_rows(calendar, "JPM", FIRST, LAST))
    # 2024-03-28 closes at 16:00 New York, 20:00 UTC.
    assert newest_complete_session(bars, calendar, CONFIG, ["JPM"], datetime(2024, 3, 28, 19, 59, tzinfo=UTC)) == date(
        2024, 3, 27
    )
    assert newest_complete_session(bars, calendar, CONFIG, ["JPM"], datetime(2024, 3, 28, 20, 0, tzinfo=UTC)) == LAST


def test_a_stale_print_a_bad_price_and_a_saturday_do_not_count(calendar: SessionCalendar) -> None:
    rows = plain_rows(calendar, "JPM", FIRST, LAST)
    rows[-1].update({"close": rows[-2]["close"], "volume": 0})
    rows[-2]["open"] = 0.0
    saturday = {**rows[0], "as_of_date": date(2024, 3, 30)}
    assert newest_complete_session(frame([*rows, saturday]), calendar, CONFIG, ["JPM"], LATER) == date(2024, 3, 26)


def test_a_name_without_a_bar_is_named(calendar: SessionCalendar) -> None:
    with pytest.raises(InputError, match="WFC has no bar at all"):
        newest_complete_session(frame(plain_rows(calendar, "JPM", FIRST, LAST)), calendar, CONFIG, ["JPM", "WFC"], LATER)


def test_a_range_ends_with_the_last_bar_of_any_name_that_may_be_held(calendar: SessionCalendar) -> None:
    """KRE is context: nothing is held of it, so its bars make no session one on which a book has a price."""
    config, dead = desk_config(), date(2024, 3, 20)
    rows = [*plain_rows(calendar, "JPM", FIRST, date(2024, 3, 26)), *plain_rows(calendar, "BAC", FIRST, dead)]
    rows += plain_rows(calendar, config.universe.context[0], FIRST, LAST)
    assert newest_bar(frame(rows), calendar, config) == date(2024, 3, 26)
    require_bars_to_the_end(frame(rows), calendar, config, FIRST, date(2024, 3, 26), "FILES")
    said = "no symbol has a usable bar on 2024-03-27: the vendor's newest (FILES) is of 2024-03-26"
    with pytest.raises(InputError) as refused:
        require_bars_to_the_end(frame(rows), calendar, config, FIRST, date(2024, 3, 27), "FILES")
    assert said in str(refused.value)


def test_stale_copies_of_the_last_prints_are_no_bars_to_end_on(calendar: SessionCalendar) -> None:
    rows = plain_rows(calendar, "JPM", FIRST, LAST)
    rows[-1].update({"close": rows[-2]["close"], "volume": 0})
    with pytest.raises(InputError, match=r"newest \(FILES\) is of 2024-03-27"):
        require_bars_to_the_end(frame(rows), calendar, desk_config(), FIRST, LAST, "FILES")


def test_the_newest_session_and_the_end_of_a_range_call_the_same_print_stale(calendar: SessionCalendar) -> None:
    rows = plain_rows(calendar, "JPM", FIRST, LAST)
    rows[-1].update({"close": rows[-2]["close"], "volume": 0})
    for sessions, newest in ((1, date(2024, 3, 27)), (2, LAST)):
        config = changed(CONFIG, "desk.quality.stale_sessions", sessions)
        assert newest_complete_session(frame(rows), calendar, config, ["JPM"], LATER) == newest
        assert newest_bar(frame(rows), calendar, config) == newest
