"""Headroom of the tickets of one session: on which side more of each would be, and what every limit leaves of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.universe import PAIR_SEPARATOR
from riskdesk_assets.limits.limit import Leg
from riskdesk_assets.reports.headroom import Room, StandingBook, ticket_headroom

Approved = Mapping[str, tuple[Leg[int], ...]]
"""Ticket -> its legs as the controller asked for them within the ticket's caps; both 0 where it asked for nothing."""


@dataclass(frozen=True)
class Headroom:
    """How much more of a symbol (bought, sold) or of a ticket (on its side) each limit lets through, the smallest first.

    ``direction`` says what more of it is: "buy", "sell", or the ticket's legs with their share of a dollar of gross.
    """

    word: str
    direction: str
    rooms: tuple[Room, ...]


def approved_legs(proposals: pl.DataFrame) -> Approved:
    """From the session's rows of TABLES["proposals"]."""
    found: dict[str, tuple[Leg[int], ...]] = {}
    for ticket_id, pair, *capped in proposals.select("ticket_id", "pair_id", "capped_a", "capped_b").iter_rows():
        symbols = pair.split(PAIR_SEPARATOR)
        found[ticket_id] = tuple(
            Leg(ticket_id, symbol, round(notional * TICKS_PER_DOLLAR)) for symbol, notional in zip(symbols, capped, strict=True)
        )
    return found


def headroom_of_ticket(book: StandingBook, approved: Approved, ticket_id: str) -> Headroom | None:
    """Of a ticket on the side it holds, else the one it was approved for; None where it has neither: more of it has no side."""
    held = [leg for leg in book.legs if leg.ticket_id == ticket_id and leg.notional]
    legs = held or [leg for leg in approved.get(ticket_id, ()) if leg.notional]
    if not legs:
        return None
    gross = sum(abs(leg.notional) for leg in legs)
    said = ", ".join(f"{leg.notional / gross:+.1%} {leg.symbol}" for leg in legs)
    return Headroom(ticket_id, said, ticket_headroom(book, legs))
