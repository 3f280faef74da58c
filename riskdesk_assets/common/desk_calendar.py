"""The desk's calendar, for whatever needs no Dagster: a walk in a process of its own has no use for its 40 MB."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

from riskdesk_assets.common.sessions import SessionCalendar, calendar_end, load_calendar
from riskdesk_assets.common.settings import load_paths


def desk_calendar() -> SessionCalendar:
    """NYSE sessions from 2000 to the end of next year, stored in DATA_DIR/calendar."""
    return _calendar(load_paths().data / "calendar", calendar_end(datetime.now(UTC)))


@lru_cache(maxsize=2)
def _calendar(folder: Path, last_day: date) -> SessionCalendar:
    return load_calendar(folder, last_day)
