"""NYSE sessions: which days the market is open, when each closes, and whether a session may be asked for yet.

The calendar comes from exchange_calendars (XNYS: holidays, one-off closings, half days). That library imports pandas, so it
is imported here only, once, and its sessions are stored beside the data; a process that finds the stored file never pays.
"""

from __future__ import annotations

import contextlib
import json
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.whole_file import replace_file

NEW_YORK = ZoneInfo("America/New_York")
FIRST_DAY = date(2000, 1, 1)


@dataclass(frozen=True)
class SessionCalendar:
    """Sessions in order with their closing times (UTC); ``first_day``..``last_day`` is what the calendar knows about."""

    first_day: date
    last_day: date
    sessions: tuple[date, ...]
    closes: tuple[datetime, ...]

    @cached_property
    def _index(self) -> dict[date, int]:
        return {session: position for position, session in enumerate(self.sessions)}

    def is_session(self, day: date) -> bool:
        """True when the exchange opens on that day."""
        return day in self._index

    def position(self, session: date) -> int:
        """0-based position of a session. Raises InputError, naming the neighbours, for a day that is none."""
        if session not in self._index:
            raise InputError(Problem("", None, "session", self._why_not(session)))
        return self._index[session]

    def between(self, start: date, end: date) -> tuple[date, ...]:
        """Sessions from ``start`` to ``end``, both included; either may be a day without a session."""
        return self.sessions[bisect_left(self.sessions, start) : bisect_right(self.sessions, end)]

    def before(self, session: date, count: int = 1) -> date:
        """The session ``count`` places earlier (the first known one when there are not so many)."""
        return self.sessions[max(0, self.position(session) - count)]

    def after(self, session: date, count: int = 1) -> date:
        """The session ``count`` places later. Raises InputError beyond the calendar's end."""
        place = self.position(session) + count
        if place >= len(self.sessions):
            raise InputError(Problem("", None, "session", f"the calendar ends on {self.last_day}"))
        return self.sessions[place]

    def on_or_before(self, day: date) -> date:
        """The newest session not after a day."""
        place = bisect_right(self.sessions, day)
        if place == 0:
            raise InputError(Problem("", None, "session", f"the calendar begins on {self.first_day}"))
        return self.sessions[place - 1]

    def close_of(self, session: date) -> datetime:
        """Closing time in UTC (13:00 New York on a half day)."""
        return self.closes[self.position(session)]

    def is_half_day(self, session: date) -> bool:
        """True when the session closes before 16:00 New York."""
        return self.close_of(session).astimezone(NEW_YORK).hour < 16

    def newest_closed(self, now: datetime) -> date:
        """The newest session whose close has passed at ``now`` (timezone-aware)."""
        place = bisect_right(self.closes, now)
        if place == 0:
            raise InputError(Problem("", None, "session", f"no session has closed by {now.isoformat()}"))
        return self.sessions[place - 1]

    def require_closed(self, session: date, now: datetime) -> None:
        """Raise InputError, naming the session and its close, unless it is a session and has closed at ``now``."""
        close = self.close_of(session)
        if now < close:
            text = f"{session} has not closed: it closes at {close.astimezone(NEW_YORK):%H:%M} New York"
            newest = self.newest_closed(now)
            raise InputError(Problem("", None, "session", f"{text}; the newest closed session is {newest}"))

    def weekday_closures(self, start: date, end: date) -> tuple[date, ...]:
        """Weekdays from ``start`` to ``end`` without a session: what a weekday schedule must leave out."""
        days = (start + timedelta(days=offset) for offset in range((end - start).days + 1))
        return tuple(day for day in days if day.weekday() < 5 and day not in self._index)

    def _why_not(self, day: date) -> str:
        if not self.first_day <= day <= self.last_day:
            return f"{day} is outside the calendar ({self.first_day} to {self.last_day})"
        place = bisect_left(self.sessions, day)
        near = [str(self.sessions[i]) for i in (place - 1, place) if 0 <= i < len(self.sessions)]
        why = "a weekend" if day.weekday() >= 5 else "a day on which the NYSE is closed"
        return f"{day} is no session ({why}); the nearest are {' and '.join(near)}"


def load_calendar(folder: Path | None, last_day: date) -> SessionCalendar:
    """NYSE sessions from 2000 to ``last_day``; kept as JSON in ``folder`` (None: not kept) per library version.

    Raises:
        InputError: the library cannot reach ``last_day``.
    """
    library = version("exchange_calendars")
    path = None if folder is None else folder / f"xnys_{library}_{last_day.isoformat()}.json"
    if path is not None and path.is_file():
        # A damaged copy is made anew below.
        with contextlib.suppress(ValueError, TypeError):
            stored = json.loads(path.read_text())
            return SessionCalendar(
                FIRST_DAY,
                last_day,
                tuple(date.fromisoformat(day) for day, _ in stored),
                tuple(datetime.fromtimestamp(close, UTC) for _, close in stored),
            )
    calendar = _from_library(last_day)
    if path is not None:
        rows = [
            [day.isoformat(), int(close.timestamp())] for day, close in zip(calendar.sessions, calendar.closes, strict=True)
        ]
        replace_file(path, json.dumps(rows).encode())
    return calendar


def calendar_end(now: datetime) -> date:
    """The last day the desk's calendar covers: the end of next year."""
    return date(now.astimezone(NEW_YORK).year + 1, 12, 31)


def _from_library(last_day: date) -> SessionCalendar:
    import exchange_calendars

    xnys = exchange_calendars.get_calendar("XNYS", start=FIRST_DAY.isoformat(), end=last_day.isoformat())
    sessions = tuple(stamp.date() for stamp in xnys.sessions)
    closes = tuple(datetime.fromtimestamp(stamp.timestamp(), UTC) for stamp in xnys.closes)
    return SessionCalendar(FIRST_DAY, last_day, sessions, closes)
