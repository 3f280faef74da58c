"""The exact audit: every limit of a book measured in integers. Shares no code with any solver; no tolerance anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from riskdesk_assets.limits.limit import Leg, Limit
from riskdesk_assets.limits.whole_sums import WholeSums

Status = Literal["OK", "AMBER", "BREACH"]


class AuditRow(NamedTuple):
    """One limit measured on one book; ``measured`` and ``limit.bound`` in ticks of 1e-4 dollars or as a count."""

    limit: Limit
    measured: int
    status: Status

    @property
    def utilization(self) -> float | None:
        """measured / bound; None when the bound is 0 and something is measured (no ratio says how much)."""
        if self.limit.bound == 0:
            return None if self.measured else 0.0
        return self.measured / self.limit.bound

    def sentence(self) -> str:
        """What the row says, in words with numbers."""
        verb = {"OK": "is within", "AMBER": "is close to", "BREACH": "breaches"}[self.status]
        return f"{self.limit.name}: {self._amount(self.measured)} {verb} {self._amount(self.limit.bound)} ({self.limit.source})"

    def _amount(self, value: int) -> str:
        return str(value) if self.limit.unit == "count" else f"${value / 10_000:,.2f}"


def audit(limits: Sequence[Limit], legs: Sequence[Leg[int]], held: Sequence[Leg[int]], amber_at: float) -> tuple[AuditRow, ...]:
    """Measure every limit on a book of ticket legs in integer ticks.

    Args:
        limits: the session's limits.
        legs: the book; ``notional`` = shares x price ticks.
        held: yesterday's book at today's prices, for what only bounds additions.
        amber_at: share of the bound from which a row is AMBER, 0 to 1.
    """
    rows: list[AuditRow] = []
    book = WholeSums(legs)
    for limit in limits:
        measured, bound = book.measured(limit, held), limit.bound
        if measured > bound:
            status: Status = "BREACH"
        else:
            status = "AMBER" if measured and measured >= amber_at * bound else "OK"
        rows.append(AuditRow(limit, measured, status))
    return tuple(rows)


def breaches(rows: Sequence[AuditRow]) -> tuple[AuditRow, ...]:
    """The rows whose limit is breached."""
    return tuple([row for row in rows if row.status == "BREACH"])
