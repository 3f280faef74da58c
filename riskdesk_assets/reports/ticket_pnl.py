"""What each held ticket made since its position was opened, and how long its time stop still leaves it.

A ticket's current position is the one it has held on one side without a break: it was opened on ``entered_on`` of its rows of
desk_positions. Its P&L is the sum of pnl_net of its rows of realized_pnl whose book is of that session or a later one, and
that became known by the session asked about. So the entry's own trading costs count, and so do those of later sessions and
borrow; where a position was turned around, the costs of closing the old side are in the same fill and count, its P&L does not.

What the newest book makes is pending until the next session has prices: neither its P&L nor the costs of today's trades and
of last night's borrow count yet. A book that was skipped for want of a price counts with its costs alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import fsum

import polars as pl


@dataclass(frozen=True)
class TicketPnl:
    """Dollars net of costs of one ticket's current position; None where nothing of it is known yet.

    Attributes:
        known_on: the newest session on which any of it became known.
        last: what became known on that session.
        since_entry: all of it so far.
        sessions: how many sessions' books that is.
        pending: how many sessions' books are still to be known, the newest one among them.
    """

    known_on: date | None
    last: float | None
    since_entry: float | None
    sessions: int
    pending: int


def ticket_pnls(positions: pl.DataFrame, realized: pl.DataFrame) -> dict[str, TicketPnl]:
    """Ticket id -> P&L of its current position.

    Args:
        positions: rows of desk_positions of one session.
        realized: rows of realized_pnl, from the first of the positions' entries to that session at least; rows that became
            known later are left out.
    """
    if positions.is_empty():
        return {}
    session: date = positions["as_of_date"][0]
    held = positions.group_by("ticket_id").agg(pl.col("entered_on").min(), pl.col("age_sessions").max())
    known = realized.filter(pl.col("realized_on") <= session).join(held, on="ticket_id")
    rows = known.filter(pl.col("as_of_date") >= pl.col("entered_on"))
    by_ticket = rows.partition_by("ticket_id", as_dict=True)
    return {
        ticket_id: _pnl(by_ticket.get((ticket_id,), rows.clear()), age + 1)
        for ticket_id, age in held.sort("ticket_id").select("ticket_id", "age_sessions").iter_rows()
    }


def first_entry(positions: pl.DataFrame) -> date | None:
    """From which session on realized_pnl is read for the positions of a session; None where nothing is held."""
    found: date | None = positions["entered_on"].drop_nulls().min()  # type: ignore[assignment]
    return found


def sessions_left(time_stop_days: int | None, age_sessions: int) -> int | None:
    """On the how-manyth session from now the time stop closes the position; 0: it is due. None: the ticket is gone."""
    return None if time_stop_days is None else max(0, time_stop_days - age_sessions)


def summed(found: Mapping[str, TicketPnl], session: date) -> tuple[float, float]:
    """Dollars of all of them: what became known on the session, and since their entries."""
    day = fsum(one.last for one in found.values() if one.last is not None and one.known_on == session)
    return day, fsum(one.since_entry or 0.0 for one in found.values())


def _pnl(rows: pl.DataFrame, held_sessions: int) -> TicketPnl:
    if rows.is_empty():
        return TicketPnl(None, None, None, 0, held_sessions)
    newest: date = rows["realized_on"].max()  # type: ignore[assignment]
    books = rows["as_of_date"].n_unique()
    return TicketPnl(
        newest,
        fsum(rows.filter(pl.col("realized_on") == newest)["pnl_net"]),
        fsum(rows["pnl_net"]),
        books,
        max(0, held_sessions - books),
    )
