"""What is worth telling about tickets though nothing is wrong with any one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Literal

from riskdesk_assets.strategy.ticket import Ticket

Severity = Literal["INFO", "WARNING"]


@dataclass(frozen=True, order=True)
class Notice:
    """One thing to know; ``file`` and ``ticket_ids`` say whom it concerns. It stops nothing."""

    severity: Severity
    file: str
    ticket_ids: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.file}: {self.message}" if self.file else f"{self.severity}: {self.message}"


def opposite_tickets(tickets: Sequence[tuple[str, Ticket]]) -> tuple[Notice, ...]:
    """A WARNING for each two tickets (file, ticket) in force together that may hold one pair against each other.

    That is the same legs in the other order (their signs and hedge ratios differ), or the same order with one ticket
    LONG_SPREAD and the other SHORT_SPREAD.
    """
    found = []
    for (file, one), (other_file, other) in combinations(sorted(tickets, key=lambda item: item[1].ticket_id), 2):
        why = _why_opposite(one, other)
        overlap = _overlap(one, other)
        if why and overlap:
            start, end = overlap
            span = f"until {end}" if start == date.min else f"from {start} until {end}"
            message = (
                f"{one.ticket_id} ({one.pair_id} {one.orientation}) and {other.ticket_id} ({other.pair_id} {other.orientation})"
            )
            found.append(
                Notice(
                    "WARNING",
                    file,
                    (one.ticket_id, other.ticket_id),
                    f"{message} in {other_file} {why}; in force together {span}",
                )
            )
    return tuple(found)


def _why_opposite(one: Ticket, other: Ticket) -> str:
    if (one.leg_a, one.leg_b) == (other.leg_b, other.leg_a):
        return "are one pair in opposite order"
    same_order = (one.leg_a, one.leg_b) == (other.leg_a, other.leg_b)
    if same_order and {one.orientation, other.orientation} == {"LONG_SPREAD", "SHORT_SPREAD"}:
        return "are opposite sides of one pair"
    return ""


def _overlap(one: Ticket, other: Ticket) -> tuple[date, date] | None:
    start = max(one.effective_from or date.min, other.effective_from or date.min)
    end = min(one.expires_on, other.expires_on)
    return (start, end) if start <= end else None
