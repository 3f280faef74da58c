"""The default date of a run: the newest closed session on which every name the tickets need has a bar."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import polars as pl

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.market.quality import usable


def newest_complete_session(bars: pl.DataFrame, calendar: SessionCalendar, needed: Iterable[str], now: datetime) -> date:
    """The newest session closed at ``now`` on which every needed symbol has a usable bar (methods.md section 1).

    Args:
        bars: columns of TABLES["daily_bars"].
        calendar: the exchange's sessions.
        needed: symbols; none at all asks only for any bar.
        now: timezone-aware.

    Raises:
        InputError: there is no such session; names the symbols that stand in the way.
    """
    names = sorted(set(needed))
    closed = usable(bars, calendar).filter(pl.col("as_of_date") <= calendar.newest_closed(now))
    if names:
        closed = closed.filter(pl.col("symbol").is_in(names))
    complete = closed.group_by("as_of_date").len().filter(pl.col("len") >= len(names))
    newest = complete.get_column("as_of_date").max()
    if isinstance(newest, date):
        return newest
    absent = sorted(set(names) - set(closed.get_column("symbol").to_list()))
    reason = (
        f"{', '.join(absent)} has no bar at all" if absent else f"{', '.join(names) or 'nothing'} never have a bar together"
    )
    raise InputError(Problem("", None, "session", f"no closed session has a bar of every name the tickets need: {reason}"))
