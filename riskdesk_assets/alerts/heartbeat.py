"""A session without a released book is said by a deadline: silence must mean that all is well."""

from __future__ import annotations

from datetime import date, datetime, time

from riskdesk_assets.alerts.alert import Alert
from riskdesk_assets.common.sessions import NEW_YORK, SessionCalendar


def due_session(now: datetime, calendar: SessionCalendar, release_deadline: str) -> date:
    """The newest session whose book should have been released by ``now``.

    Args:
        now: timezone-aware.
        release_deadline: ``HH:MM`` New York, on the session's own day; half days have the same.
    """
    here = now.astimezone(NEW_YORK)
    today = here.date()
    if calendar.is_session(today) and here.time() < time.fromisoformat(release_deadline):
        return calendar.before(today)
    return calendar.on_or_before(today)


def heartbeat_alert(
    now: datetime, calendar: SessionCalendar, release_deadline: str, latest_released: date | None
) -> Alert | None:
    """An alert when the newest due session has no released book; None when it has, or when the desk never released one.

    Its key names the session, so an outbox sends it once; a day without a session is never due.
    """
    due = due_session(now, calendar, release_deadline)
    if latest_released is None or latest_released >= due:
        return None
    return Alert(
        key=f"heartbeat:{due}",
        session=due,
        title=f"{due}: no book released",
        body=f"By {release_deadline} New York no book was released for {due}; the latest released is of {latest_released}.",
    )
