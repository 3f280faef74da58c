"""What each ticket holds after a session, and why the others hold nothing: as plain data, from tables alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from riskdesk_assets.interfaces.run_summary import CENTS_PER_DOLLAR, Tables
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
    """A ticket with a position: shares of each leg by symbol, gross in dollars, z (None: not known), and since when."""

    ticket_id: str
    legs: Mapping[str, int]
    gross: float
    zscore: float | None
    since: date
    age_sessions: int
    frozen: bool


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
    for row in tables.read("desk_positions", session, session).iter_rows(named=True):
        legs.setdefault(row["ticket_id"], []).append(row)
    proposals = {row["ticket_id"]: row for row in tables.read("proposals", session, session).iter_rows(named=True)}
    gated = {row["ticket_id"]: row for row in tables.read("gate_decisions", session, session).iter_rows(named=True)}
    held = [_held(ticket_id, rows, proposals.get(ticket_id, {})) for ticket_id, rows in legs.items()]
    flat: dict[str, list[str]] = {}
    for row in tables.read("ticket_snapshots", session, session).iter_rows(named=True):
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


def _held(ticket_id: str, rows: list[Row], proposal: Row) -> HeldTicket:
    return HeldTicket(
        ticket_id=ticket_id,
        legs={row["symbol"]: row["shares"] for row in sorted(rows, key=lambda row: str(row["leg"]))},
        gross=sum(abs(row["notional_cents"]) for row in rows) / CENTS_PER_DOLLAR,
        zscore=proposal.get("zscore"),
        since=min(row["entered_on"] for row in rows),
        age_sessions=max(row["age_sessions"] for row in rows),
        frozen=any(row["frozen"] for row in rows),
    )


def _why_flat(snapshot: Row, proposal: Row | None, gate: Row) -> str:
    """The controller's reason; where it asked for something, what refused it; where it was not asked, the ticket's status."""
    if proposal is None or snapshot["status"] != IN_FORCE:
        return str(snapshot["status"]).replace("_", " ").lower()
    if proposal["units"]:
        return f"rejected by {gate['binding_check']}" if gate.get("status") == "REJECTED" else NOTHING_LEFT
    return _REASONS.get(proposal["reason"], str(proposal["reason"]).replace("_", " ").lower())
