"""The newest session with bars: the default date of a run, and where a range of history has to end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config
from riskdesk_assets.market.quality import MISSING_SESSION, check_bars, usable


@dataclass(frozen=True)
class Reach:
    """How far the bars of the needed names reach.

    ``session``: the newest with a usable bar of all of them; ``closed``: the newest that has closed; ``ends``: the newest with
    a usable bar of any of them; ``missing``: who has none on ``ends``; ``faults``: what is wrong with the bars they have there.
    """

    session: date
    closed: date
    ends: date
    missing: tuple[str, ...]
    faults: tuple[str, ...]


def newest_complete_session(
    bars: pl.DataFrame, calendar: SessionCalendar, config: Config, needed: Iterable[str], now: datetime
) -> date:
    """The newest session closed at ``now`` on which every needed symbol has a usable bar (methods.md section 1).

    As for ``reach_of``.
    """
    return reach_of(bars, calendar, config, needed, now).session


def reach_of(bars: pl.DataFrame, calendar: SessionCalendar, config: Config, needed: Iterable[str], now: datetime) -> Reach:
    """The newest session closed at ``now`` on which every needed symbol has a usable bar, and who keeps it from being newer.

    Args:
        bars: columns of TABLES["daily_bars"].
        calendar: the exchange's sessions.
        config: which bars are usable.
        needed: symbols; none at all asks only for any bar.
        now: timezone-aware.

    Raises:
        InputError: there is no such session; names the symbols that stand in the way.
    """
    names = sorted(set(needed))
    found = usable(bars, calendar, config.desk.quality)
    newest_closed = calendar.newest_closed(now)
    closed = found.filter(pl.col("as_of_date") <= newest_closed)
    if names:
        closed = closed.filter(pl.col("symbol").is_in(names))
    complete = closed.group_by("as_of_date").len().filter(pl.col("len") >= len(names))
    newest, ends = complete.get_column("as_of_date").max(), closed.get_column("as_of_date").max()
    if isinstance(newest, date) and isinstance(ends, date):
        missing = sorted(set(names) - set(closed.filter(pl.col("as_of_date") == ends)["symbol"]))
        return Reach(newest, newest_closed, ends, tuple(missing), _faults(bars, calendar, config, missing, ends))
    absent = sorted(set(names) - set(closed.get_column("symbol").to_list()))
    reason = (
        f"{', '.join(absent)} has no bar at all" if absent else f"{', '.join(names) or 'nothing'} never have a bar together"
    )
    raise InputError(Problem("", None, "session", f"no closed session has a bar of every name the tickets need: {reason}"))


def _faults(
    bars: pl.DataFrame, calendar: SessionCalendar, config: Config, symbols: list[str], session: date
) -> tuple[str, ...]:
    """What the checks say of the bars of these symbols on the session, by symbol; of one that is not there, nothing."""
    found = check_bars(bars, calendar, symbols, session, session, set(symbols), config.desk.quality)
    wrong = found.filter((pl.col("check_name") != MISSING_SESSION) & pl.col("symbol").is_in(symbols))
    told = wrong.sort("symbol", "check_name").select("symbol", "check_name", "message")
    return tuple(f"{symbol} {check}: {message}" for symbol, check, message in told.iter_rows())


def newest_bar(bars: pl.DataFrame, calendar: SessionCalendar, config: Config) -> date | None:
    """The newest session on which any name that may be held has a usable bar; None where there is none.

    Args:
        bars: columns of TABLES["daily_bars"].
        calendar: the exchange's sessions.
        config: the universe, and which bars are usable.
    """
    tradable = bars.filter(pl.col("symbol").is_in(config.universe.tradable))
    newest = usable(tradable, calendar, config.desk.quality)["as_of_date"].max()
    return newest if isinstance(newest, date) else None


def require_bars_to_the_end(
    bars: pl.DataFrame, calendar: SessionCalendar, config: Config, first: date, last: date, source: str
) -> None:
    """Refuse a range that runs past the last bar of every name: prices that end are no delisting of all of them at once.

    Args:
        bars, calendar, config: as for ``newest_bar``; no bar after ``last``.
        first, last: the range.
        source: where the bars come from.

    Raises:
        InputError: no name has a usable bar on ``last``; says which session is the newest with one.
    """
    newest = newest_bar(bars, calendar, config)
    if newest is None:
        raise InputError(Problem("", None, "session", f"{source} has no bar from {first} to {last}"))
    if newest < last:
        message = f"no symbol has a usable bar on {last}: the vendor's newest ({source}) is of {newest}, older than the session"
        allowed = f"an end of {newest} or before, or newer prices" if newest >= first else "newer prices"
        raise InputError(Problem("", None, "session", message, allowed))
