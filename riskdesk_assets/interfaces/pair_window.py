"""The sessions after a ranking in which its pairs are followed: as many as are asked for, or what there is instead."""

from __future__ import annotations

import os
from datetime import date, datetime

import polars as pl

from riskdesk_assets.common.errors import InputError, Problem, RiskDeskError
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.interfaces.pair_commands import LEAST_AFTER
from riskdesk_assets.market.history import History, lookback_start, read_history
from riskdesk_assets.market.snapshots import find_snapshot
from riskdesk_assets.market.vendor import FMP, choose_vendor


def followed_history(paths: Paths, calendar: SessionCalendar, config: Config, asof: date, count: int, now: datetime) -> History:
    """Stored bars from a ranking's date to ``count`` sessions after it.

    Args:
        asof: the session of the ranking.
        count: sessions after it that are to be followed, every one with bars.
        now: timezone-aware.

    Raises:
        InputError: they have not closed, or no bars of them are stored; says what can be had instead.
    """
    calendar.require_closed(asof, now)
    closed = calendar.between(asof, calendar.newest_closed(now))[: count + 1]
    history = _longest(paths, calendar, config, closed)
    there = 0 if history is None else _with_bars(history.usable, closed)
    if history is not None and there == count:
        return history
    if len(closed) <= count:
        since = f"{len(closed) - 1} session{'' if len(closed) == 2 else 's'}"
        message = f"the window of {count} sessions after {asof} has not closed: {since} of it did"
    elif history is None:
        message = f"no bars cover {lookback_start(calendar, config, asof)} to {closed[-1]}"
    else:
        message = f"{there} sessions of bars follow {asof}, of {count} that are looked at"
    had = _of_vendor(paths, calendar, config, closed)
    reach = closed[max(there, had)] if max(there, had) else _newest(paths)
    raise InputError(Problem("", None, "after", message, _instead(calendar, closed, there, had, count, reach)))


def _longest(paths: Paths, calendar: SessionCalendar, config: Config, closed: tuple[date, ...]) -> History | None:
    """The stored history that begins at the first session, with its lookback, and reaches furthest into them."""
    start = lookback_start(calendar, config, closed[0])
    last = next((day for day in reversed(closed) if find_snapshot(paths.snapshots, start, day, ()) is not None), None)
    return None if last is None else read_history(paths, calendar, config, closed[0], last)


def _with_bars(bars: pl.DataFrame, closed: tuple[date, ...]) -> int:
    """How many sessions after the first one there are up to the newest with a bar; 0 where the first has none."""
    days = set(bars.get_column("as_of_date").to_list())
    return max((place for place, day in enumerate(closed) if day in days), default=0) if closed[0] in days else 0


def _of_vendor(paths: Paths, calendar: SessionCalendar, config: Config, closed: tuple[date, ...]) -> int:
    """The same of what the vendor has; a live one is not asked for a message, and counts as having every session."""
    try:
        vendor = choose_vendor(paths, config.universe, calendar, os.environ)
        if vendor.source == FMP:
            return len(closed) - 1
        return _with_bars(vendor.bars(config.universe.tradable, closed[0], closed[-1]), closed)
    except RiskDeskError:
        return 0


def _newest(paths: Paths) -> date | None:
    found = Warehouse(paths.warehouse).read("daily_bars").get_column("as_of_date").max()
    return found if isinstance(found, date) else None


def _instead(calendar: SessionCalendar, closed: tuple[date, ...], there: int, had: int, count: int, reach: date | None) -> str:
    """What works: fewer sessions, bars that can be had first, or an earlier date."""
    ways = [f"`--after {there}`"] if there >= LEAST_AFTER else []
    if had > there and had >= LEAST_AFTER:
        fewer = "" if had == count else f", then `--after {had}`"
        ways.append(f"`riskdesk ingest-prices --start {closed[0]} --end {closed[had]}` first{fewer}")
    earlier = None if reach is None else calendar.before(reach, LEAST_AFTER)
    if not ways and earlier is not None and earlier < closed[0]:
        ways.append(f"`--asof {earlier} --after {LEAST_AFTER}`, or earlier")
    return ", or ".join(ways) or "a date whose sessions have bars, here or at the vendor"
