"""Terms of a ticket that are allowed and hardly meant: a zero too many, a stop before the idea had its time, a day gone by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from riskdesk_assets.strategy.usual_terms import GROSS_OF_NAV, HORIZON_SESSIONS, LEG_OF_GROSS, TIME_STOP_SESSIONS

if TYPE_CHECKING:
    from riskdesk_assets.strategy.loading import LoadedTicket


@dataclass(frozen=True, order=True)
class Unusual:
    """One term worth a second look; prints as ``WARNING: file:line: field: message (usual: ...)``. It stops nothing."""

    file: str
    line: int | None
    field: str
    message: str
    usual: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"WARNING: {place}: {self.field}: {self.message} (usual: {self.usual})"


def unusual_terms(tickets: Iterable[LoadedTicket], nav: float, today: date) -> tuple[Unusual, ...]:
    """Every unusual term of usable tickets, in order of file and line.

    Args:
        tickets: as they were loaded, with the lines of their fields.
        nav: the desk's, in dollars.
        today: a ticket that is over by then warns.
    """
    found = [
        Unusual(item.file, item.lines.get(name), name, message, usual)
        for item in tickets
        for name, message, usual in _of(item, nav, today)
    ]
    return tuple(sorted(found, key=lambda each: (each.file, each.line or 0, each.field)))


def _of(item: LoadedTicket, nav: float, today: date) -> Iterator[tuple[str, str, str]]:
    """Field, what is odd about it, what is usual."""
    ticket = item.ticket
    gross, leg = ticket.max_gross_notional, ticket.max_leg_notional
    if gross > nav:
        usual = f"about {GROSS_OF_NAV * nav:,.0f}, {GROSS_OF_NAV:g} of nav"
        yield "max_gross_notional", f"is {gross:,.0f}, {gross / nav:,.1f} times the desk's nav of {nav:,.0f}", usual
    if leg > gross:
        usual = f"about {LEG_OF_GROSS:g} of it, {LEG_OF_GROSS * gross:,.0f}"
        yield "max_leg_notional", f"is {leg:,.0f}, above max_gross_notional {gross:,.0f}: it never binds", usual
    if ticket.time_stop_days < ticket.horizon_days:
        message = f"is {ticket.time_stop_days}, below horizon_days {ticket.horizon_days}: it stops the idea before its time"
        about = ticket.horizon_days * TIME_STOP_SESSIONS // HORIZON_SESSIONS
        yield "time_stop_days", message, f"horizon_days or more, about {about}"
    if ticket.expires_on < today:
        yield "expires_on", f"is {ticket.expires_on}, before today {today}: it is not in force any more", "a day to come"
