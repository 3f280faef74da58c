"""What each ticket holds after a session, and why the others hold nothing: as plain data, from tables alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from riskdesk_assets.interfaces.run_summary import CENTS_PER_DOLLAR, Tables
from riskdesk_assets.reports.ticket_pnl import TicketPnl, first_entry, sessions_left, ticket_pnls
from riskdesk_assets.strategy.snapshots import IN_FORCE

_REASONS: Mapping[str, str] = {
    "FLAT": "z within entry",
    "EXIT": "reverted",
    "NOT_REARMED": "not re-armed",
    "ORIENTATION": "z on the other side",
    "EXPIRED_SKIP": "expired",
}
NOTHING_LEFT = "cut to nothing"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class HeldTicket:
    """A ticket with a position: shares of each leg by symbol, gross in dollars, z (None: not known), and since when.

    ``pnl`` is that of the current position (reports/ticket_pnl.py says exactly what counts); ``sessions_left`` on the
    how-manyth session from now its time stop closes it, 0 where it is due, None where the ticket is gone from its folder.
    """

    ticket_id: str
    legs: Mapping[str, int]
    gross: float
    zscore: float | None
    since: date
    age_sessions: int
    frozen: bool
    pnl: TicketPnl
    sessions_left: int | None


@dataclass(frozen=True)
class FlatTickets:
    """The tickets that hold nothing for one and the same reason."""

    reason: str
    tickets: tuple[str, ...]


@dataclass(frozen=True)
class TicketsAfter:
    """Every ticket known on a session: those that hold something, the largest first, and the others by reason."""

    held: tuple[HeldTicket, ...]
    flat: tuple[FlatTickets, ...]


def tickets_after(tables: Tables, session: date) -> TicketsAfter:
    """What the tickets hold after a session that was computed."""
    legs: dict[str, list[Row]] = {}
    positions = tables.read("desk_positions", session, session)
    earned = pnl_of(tables, positions, session)
    for row in positions.iter_rows(named=True):
        legs.setdefault(row["ticket_id"], []).append(row)
    proposals = {row["ticket_id"]: row for row in tables.read("proposals", session, session).iter_rows(named=True)}
    gated = {row["ticket_id"]: row for row in tables.read("gate_decisions", session, session).iter_rows(named=True)}
    snapshots = tables.read("ticket_snapshots", session, session)
    stops = dict(snapshots.select("ticket_id", "time_stop_days").iter_rows())
    held = [
        _held(ticket_id, rows, proposals.get(ticket_id, {}), earned[ticket_id], stops.get(ticket_id))
        for ticket_id, rows in legs.items()
    ]
    flat: dict[str, list[str]] = {}
    for row in snapshots.iter_rows(named=True):
        ticket_id = row["ticket_id"] or row["file"]
        if ticket_id not in legs:
            reason = _why_flat(row, proposals.get(ticket_id), gated.get(ticket_id, {}))
            flat.setdefault(reason, []).append(ticket_id)
    return TicketsAfter(
        tuple(sorted(held, key=lambda one: (-one.gross, one.ticket_id))),
        tuple(
            FlatTickets(why, tuple(sorted(names)))
            for why, names in sorted(flat.items(), key=lambda one: (-len(one[1]), one[0]))
        ),
    )


def pnl_of(tables: Tables, positions: pl.DataFrame, session: date) -> dict[str, TicketPnl]:
    """Ticket id -> P&L of what it holds after a session, for these rows of its desk_positions."""
    entry = first_entry(positions)
    return {} if entry is None else ticket_pnls(positions, tables.read("realized_pnl", entry, session))


def _held(ticket_id: str, rows: list[Row], proposal: Row, pnl: TicketPnl, time_stop_days: int | None) -> HeldTicket:
    age = max(row["age_sessions"] for row in rows)
    return HeldTicket(
        ticket_id=ticket_id,
        legs={row["symbol"]: row["shares"] for row in sorted(rows, key=lambda row: str(row["leg"]))},
        gross=sum(abs(row["notional_cents"]) for row in rows) / CENTS_PER_DOLLAR,
        zscore=proposal.get("zscore"),
        since=min(row["entered_on"] for row in rows),
        age_sessions=age,
        frozen=any(row["frozen"] for row in rows),
        pnl=pnl,
        sessions_left=sessions_left(time_stop_days, age),
    )


def _why_flat(snapshot: Row, proposal: Row | None, gate: Row) -> str:
    """The controller's reason; where it asked for something, what refused it; where it was not asked, the ticket's status."""
    if proposal is None or snapshot["status"] != IN_FORCE:
        return str(snapshot["status"]).replace("_", " ").lower()
    if proposal["units"]:
        return f"rejected by {gate['binding_check']}" if gate.get("status") == "REJECTED" else NOTHING_LEFT
    return _REASONS.get(proposal["reason"], str(proposal["reason"]).replace("_", " ").lower())
