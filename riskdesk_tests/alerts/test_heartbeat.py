"""When silence is said."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from riskdesk_assets.alerts.heartbeat import due_session, heartbeat_alert
from riskdesk_assets.common.sessions import NEW_YORK, load_calendar

CALENDAR = load_calendar(None, date(2026, 12, 31))


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-25 18:29", date(2026, 11, 24)),
        ("2026-11-25 18:30", date(2026, 11, 25)),
        ("2026-11-26 20:00", date(2026, 11, 25)),  # Thanksgiving
        ("2026-11-27 18:29", date(2026, 11, 25)),  # half day: the same deadline
        ("2026-11-27 18:30", date(2026, 11, 27)),
        ("2026-11-29 12:00", date(2026, 11, 27)),  # Sunday
    ],
)
def test_the_session_that_is_due(now, due):
    assert due_session(datetime.fromisoformat(now).replace(tzinfo=NEW_YORK), CALENDAR, "18:30") == due


def test_silent_when_released_and_when_nothing_was_ever_released():
    now = datetime(2026, 11, 25, 19, 0, tzinfo=NEW_YORK)
    assert heartbeat_alert(now, CALENDAR, "18:30", date(2026, 11, 25)) is None
    assert heartbeat_alert(now, CALENDAR, "18:30", None) is None
    alert = heartbeat_alert(now, CALENDAR, "18:30", date(2026, 11, 24))
    assert alert is not None
    assert alert.key == "heartbeat:2026-11-25"
