"""Which sessions a command is about: a day, a range, or whatever brings the desk up to the newest session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.common.words import first_few
from riskdesk_assets.construction.start import resume_from, stale_from, starting_state
from riskdesk_assets.interfaces.behind import NAMED
from riskdesk_assets.market.newest import Reach, reach_of
from riskdesk_assets.market.quality import HISTORY_SESSIONS
from riskdesk_assets.market.vendor import Vendor
from riskdesk_assets.strategy.loading import load_tickets

SEARCH_SESSIONS = (10, 260)  # how far back the newest complete session is looked for, before all of history is


@dataclass(frozen=True)
class WantedSessions:
    """First and last session, and in one sentence why these."""

    first: date
    last: date
    why: str


def asked_sessions(
    calendar: SessionCalendar, asof: date | None, start: date | None, end: date | None, now: datetime
) -> WantedSessions:
    """The sessions of a given day or range.

    Args:
        calendar: NYSE sessions.
        asof: one session; or
        start, end: days, either of which may have no session.
        now: timezone-aware.

    Raises:
        InputError: no session, or one that has not closed; each by name.
    """
    if asof is not None:
        calendar.require_closed(asof, now)
        return WantedSessions(asof, asof, f"session {asof}")
    if start is None or end is None:
        raise InputError(Problem("", None, "session", "no day and no range was given"))
    for day in (start, end):
        if not calendar.first_day <= day <= calendar.last_day:
            calendar.position(day)
    sessions = calendar.between(start, end)
    if not sessions:
        raise InputError(Problem("", None, "session", f"there is no session from {start} to {end}"))
    calendar.require_closed(sessions[-1], now)
    count = f"{len(sessions):,} session{'s' if len(sessions) > 1 else ''}"
    return WantedSessions(sessions[0], sessions[-1], f"{count}, {sessions[0]} to {sessions[-1]}")


def newest_session(vendor: Vendor, paths: Paths, config: Config, calendar: SessionCalendar, now: datetime) -> date:
    """The newest closed session on which every name of a ticket in force has a bar (methods.md section 1); as prices_reach."""
    return prices_reach(vendor, paths, config, calendar, now).session


def prices_reach(vendor: Vendor, paths: Paths, config: Config, calendar: SessionCalendar, now: datetime) -> Reach:
    """How far the bars of the names of tickets in force reach, and who keeps them from the newest closed session.

    Raises:
        InputError: no session has them all; names the symbols in the way.
    """
    closed = calendar.newest_closed(now)
    in_force = [item.ticket for item in load_tickets(paths.tickets, config.universe).tickets if item.ticket.in_force(closed)]
    needed = sorted({leg for ticket in in_force for leg in (ticket.leg_a, ticket.leg_b)})
    symbols = needed or config.universe.watched
    for sessions in SEARCH_SESSIONS:
        bars = vendor.bars(symbols, calendar.before(closed, sessions + HISTORY_SESSIONS), closed)
        try:
            return reach_of(bars, calendar, config, needed, now)
        except InputError:
            continue
    return reach_of(vendor.bars(symbols, calendar.sessions[0], closed), calendar, config, needed, now)


def catching_up(reach: Reach, warehouse: Warehouse, config: Config, calendar: SessionCalendar) -> WantedSessions:
    """The sessions that bring the desk as far as prices reach: from the beginning, from where it stands, or the newest again.

    Raises:
        InputError: the desk already holds a later session than the prices reach; names who is in the way.
    """
    newest = reach.session
    states = warehouse.read("desk_state")
    if states.is_empty():
        first = calendar.before(newest, config.desk.genesis_sessions)
        count = len(calendar.between(first, newest))
        return WantedSessions(first, newest, f"the desk has no book yet: it starts on {first}, {count} sessions to {newest}")
    reached: date = states.sort("as_of_date")["as_of_date"][-1]
    if reached > newest:
        who = f"the price source ends on {reach.ends}"
        if reach.missing:
            who = f"no usable bar of {first_few(reach.missing, NAMED)} on {reach.ends}"
        message = f"the desk stands at {reached}, but every ticketed name has a bar only up to {newest}: {who}"
        raise InputError(Problem("", None, "session", message, "--asof D, which leaves later sessions stale, or newer prices"))
    stale = stale_from(states)
    if stale is not None:
        why = f"sessions from {stale} on are stale, an earlier one was rewritten since: computed again to {newest}"
        return WantedSessions(resume_from(states, calendar), newest, why)
    if reached == newest:
        return WantedSessions(newest, newest, f"the desk stands at {newest} already: computed again")
    first = calendar.after(reached)
    count = len(calendar.between(first, newest))
    return WantedSessions(first, newest, f"catching up from {reached}: {count} session{'s' if count > 1 else ''} to {newest}")


def require_start(first: date, warehouse: Warehouse, calendar: SessionCalendar) -> None:
    """Refuse, before anything is computed, a first session that lacks the state of the session before it (StateError)."""
    starting_state(warehouse.read("desk_state", None, calendar.before(first)), calendar, first)
