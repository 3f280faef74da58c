"""What each held ticket made, and how far its time stop is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.page.blocks import Cell, Column, Table
from riskdesk_assets.reports.page.content import CHART_SESSIONS, PageContent
from riskdesk_assets.reports.page.numerals import NOTHING, cents, count, dollars
from riskdesk_assets.reports.ticket_pnl import TicketPnl, sessions_left, summed, ticket_pnls

_REALIZED = "realized_pnl"
_COLUMNS = (
    Column("Ticket", "text"),
    Column("Legs, shares", "text"),
    Column("Gross"),
    Column("Since", "text"),
    Column("Sessions"),
    Column("Time stop in"),
    Column("P&L of the session"),
    Column("P&L since entry"),
)
_NOTE = (
    "Net of costs, those of the entry included, of the position held now, opened at the close under Since. What today's close "
    "brings the newest book, and what today's trades cost, is pending until the next session has prices. Time stop in: on the "
    "how-manyth session from now it closes the position."
)


def held_table(content: PageContent) -> Table | None:
    """A row per ticket with a position after the session, the largest first; None where there is none."""
    positions = content.frame("desk_positions")
    if positions.is_empty():
        return None
    empty = TABLES[_REALIZED].frame([])
    found = ticket_pnls(positions, pl.concat([content.earlier.get(_REALIZED, empty), content.frame(_REALIZED)]))
    stops = dict(content.frame("ticket_snapshots").select("ticket_id", "time_stop_days").iter_rows())
    held = {
        str(name[0]): legs.sort("leg").to_dicts() for name, legs in positions.partition_by("ticket_id", as_dict=True).items()
    }
    reach = _reach(content)
    known = {name: pnl if _entered(held[name]) >= reach else replace(pnl, since_entry=None) for name, pnl in found.items()}
    day, entries = summed(known, content.session)
    lines = [
        _line(name, held[name], stops.get(name), known[name], content.session)
        for name in sorted(held, key=lambda name: (-_gross(held[name]), name))
    ]
    foot = (
        "Sum",
        "",
        cents(sum(map(_gross, held.values()))),
        "",
        "",
        "",
        dollars(day, signed=True),
        dollars(entries, signed=True),
    )
    short = any(pnl.since_entry is None and pnl.last is not None for pnl in known.values())
    return Table(
        name="held",
        caption="What each held ticket made, the largest first",
        source=f"{_REALIZED}, desk_positions, ticket_snapshots",
        columns=_COLUMNS,
        rows=lines,
        total=[Cell(text) for text in foot],
        note=f"{_NOTE} A position older than {CHART_SESSIONS} sessions has no P&L since entry here: riskdesk book has it."
        if short
        else _NOTE,
    )


def _line(name: str, legs: list[dict[str, Any]], stop: int | None, pnl: TicketPnl, session: date) -> tuple[Cell, ...]:
    age = max(row["age_sessions"] for row in legs)
    left = sessions_left(stop, age)
    return (
        Cell(name),
        Cell(", ".join(f"{row['symbol']} {count(row['shares'], signed=True)}" for row in legs), "dim"),
        Cell(cents(_gross(legs))),
        Cell(_entered(legs).isoformat(), "dim"),
        Cell(count(age)),
        Cell(NOTHING) if left is None else Cell("due" if left == 0 else count(left), "" if left else "amber"),
        _day(pnl, session),
        Cell(dollars(pnl.since_entry, signed=True), _tone(pnl.since_entry)),
    )


def _day(pnl: TicketPnl, session: date) -> Cell:
    """What became known on the session; where the newest is older, with its day."""
    if pnl.last is None:
        return Cell("pending", "dim")
    beside = "" if pnl.known_on == session else f" on {pnl.known_on}"
    return Cell(f"{dollars(pnl.last, signed=True)}{beside}", _tone(pnl.last))


def _reach(content: PageContent) -> date:
    """The first session whose P&L the page knows of."""
    return min(row["as_of_date"] for row in content.history("desk_state"))  # type: ignore[type-var, return-value]


def _entered(legs: list[dict[str, Any]]) -> date:
    entered: date = min(row["entered_on"] for row in legs)
    return entered


def _gross(legs: list[dict[str, Any]]) -> int:
    return sum(abs(row["notional_cents"]) for row in legs)


def _tone(value: float | None) -> str:
    return "" if not value else "good" if value > 0 else "bad"
