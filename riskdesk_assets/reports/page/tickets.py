"""The tickets a page speaks of one by one: those in force and those still held, and what the limits leave of each."""

from __future__ import annotations

import re

from riskdesk_assets.limits.limit import Family
from riskdesk_assets.reports.headroom import Room
from riskdesk_assets.reports.order_words import order_words
from riskdesk_assets.reports.page.blocks import Cell, Column, Table
from riskdesk_assets.reports.page.content import PageContent, number
from riskdesk_assets.reports.page.numerals import MINUS, NOTHING, count, dollars, percent
from riskdesk_assets.reports.risk_inputs import OF_THE_SESSIONS
from riskdesk_assets.reports.standing_book import LIMIT_TABLES, StandingBooks
from riskdesk_assets.reports.ticket_headroom import Headroom, approved_legs, headroom_of_ticket
from riskdesk_assets.strategy.snapshots import IN_FORCE

_READ = (*OF_THE_SESSIONS, *LIMIT_TABLES)
_SOURCE = "limit_audit, desk_positions, portfolio_blotter, proposals, gate_decisions; ticket_snapshots"


def held_tickets(content: PageContent) -> set[str]:
    """Tickets with a position after the session."""
    return {str(row["ticket_id"]) for row in content.rows("desk_positions")}


def tickets_in_force_or_held(content: PageContent) -> list[str]:
    """Sorted ids."""
    in_force = {str(row["ticket_id"]) for row in content.rows("ticket_snapshots") if row["status"] == IN_FORCE}
    return sorted(in_force | held_tickets(content))


def room_table(content: PageContent) -> Table | None:
    """How much each ticket could grow under the hard limits and which ends it, the least first, and what else stops it.

    None where no ticket has a side.
    """
    books = StandingBooks(content.config, {name: content.frame(name) for name in _READ}, (content.session,))
    book, approved = books.of_desk(content.session), approved_legs(content.frame("proposals"))
    found = {name: headroom_of_ticket(book, approved, name) for name in tickets_in_force_or_held(content)}
    sided = [each for each in found.values() if each is not None]
    if not sided:
        return None
    idle = [name for name, each in found.items() if each is None]
    note = (
        "More of a ticket keeps the ratio of its legs as held, else as asked for; what stops one before its limits do is named."
    )
    if idle:
        note += f" No side today, nothing held and nothing asked for: {', '.join(idle)}."
    columns = (
        Column("Ticket", "text"),
        Column("$1 more of it is", "text"),
        Column("Room under the limits"),
        Column("of NAV"),
        Column("Ends at", "text"),
        Column("Measured"),
        Column("Bound"),
        Column("Stopped before by", "prose"),
    )
    stops = _stops(content)
    rows = [
        (*_line(each, content.config.desk.nav), Cell(stops.get(each.word, ""), "amber")) for each in sorted(sided, key=_least)
    ]
    caption = "Room under the hard limits: how much of each ticket they would still let through, in dollars of gross"
    return Table("ticket-room", caption, _SOURCE, columns, rows, note=note)


def _stops(content: PageContent) -> dict[str, str]:
    """Ticket -> what keeps it from growing whatever room the limits leave: the gatekeeper, else the controller."""
    found: dict[str, str] = {}
    for row in content.rows("proposals"):
        if not row["units"] or "NO_ADD" in str(row["clamp_codes"] or "").split(","):
            found[str(row["ticket_id"])] = f"controller: {order_words(str(row['reason']))}, may not grow"
    for row in content.rows("gate_decisions"):
        if row["status"] == "REJECTED":
            found[str(row["ticket_id"])] = f"gatekeeper: {row['reason']}"
        elif row["status"] == "ADJUSTED":
            most = dollars(number(row, "approved_gross"))
            found.setdefault(str(row["ticket_id"]), f"gatekeeper: at most {most} ({order_words(str(row['binding_check']))})")
    return found


def _least(each: Headroom) -> tuple[bool, float, str]:
    return not each.rooms, each.rooms[0].room if each.rooms else 0.0, each.word


def _line(each: Headroom, nav: float) -> tuple[Cell, ...]:
    head = (Cell(each.word), Cell(re.sub(r"(^|, )-", rf"\g<1>{MINUS}", each.direction), "dim"))
    if not each.rooms:
        return (*head, Cell(NOTHING), Cell(NOTHING), Cell("no limit"), Cell(NOTHING), Cell(NOTHING))
    room = each.rooms[0]
    tone = "bad" if room.measured > room.bound else "amber" if room.room == 0 else ""
    return (
        *head,
        Cell(dollars(room.room), tone),
        Cell(percent(room.room / nav)),
        Cell(room.limit_name),
        Cell(_amount(room, room.measured)),
        Cell(_amount(room, room.bound)),
    )


def _amount(room: Room, value: float) -> str:
    return count(round(value)) if room.family == Family.POSITION_COUNT.value else dollars(value)
