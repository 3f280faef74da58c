"""Which limit a book is nearest to breaching, or breaches most."""

from __future__ import annotations

from collections.abc import Sequence

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Leg, Limit, Measure

# Sums taken in another order differ by rounding: limits this near the worst, a fraction of NAV, are measured by their own
# arithmetic to tell them apart.
ROUNDING_NAV = 1e-12


def worst_limit(
    limits: Sequence[Limit], legs: Sequence[Leg[float]], held: Sequence[Leg[float]], nav: float
) -> tuple[float, str]:
    """The largest measured - bound over the limits as a fraction of NAV (negative: room), and that limit's name.

    A book's sums are taken once for all limits; the value returned is the limit's own measure.

    Args:
        limits: limits in dollars, not counts.
        legs: the book.
        held: yesterday's.
        nav: dollars.

    Returns:
        (0, "") without limits; of limits alike the first.
    """
    book = _Sums(legs)
    over = [(book.measured(limit, held) - limit.bound / TICKS_PER_DOLLAR) / nav for limit in limits]
    if not over:
        return 0.0, ""
    nearly = max(over) - ROUNDING_NAV
    worst, name = float("-inf"), ""
    for limit, about in zip(limits, over, strict=True):
        if about < nearly:
            continue
        exact = (limit.measured(legs, held) - limit.bound / TICKS_PER_DOLLAR) / nav
        if exact > worst:
            worst, name = exact, limit.name
    return worst, name


class _Sums:
    """A book's net and gross by name, and its gross by leg and ticket."""

    def __init__(self, legs: Sequence[Leg[float]]) -> None:
        self.legs = legs
        self.net: dict[str, float] = {}
        self.size: dict[str, float] = {}
        self.leg: dict[tuple[str, ...], float] = {}
        self.ticket: dict[str, float] = {}
        for leg in legs:
            amount, size = leg.notional, abs(leg.notional)
            self.net[leg.symbol] = self.net.get(leg.symbol, 0.0) + amount
            self.size[leg.symbol] = self.size.get(leg.symbol, 0.0) + size
            self.ticket[leg.ticket_id] = self.ticket.get(leg.ticket_id, 0.0) + size
            both = (leg.ticket_id, leg.symbol)
            self.leg[both] = self.leg.get(both, 0.0) + size

    def measured(self, limit: Limit, held: Sequence[Leg[float]]) -> float:
        """``limit.measured`` to rounding."""
        net, size, members = self.net, self.size, limit.members
        if limit.measure is Measure.NAME_GROSS:
            return sum([size.get(symbol, 0.0) for symbol in members])
        if limit.measure is Measure.NET:
            return abs(sum([net.get(symbol, 0.0) for symbol in members]))
        if limit.measure is Measure.GROSS:
            return sum([abs(net.get(symbol, 0.0)) for symbol in members])
        if limit.measure is Measure.LEG:
            return self.leg.get(members, 0.0)
        if limit.measure in (Measure.TICKET_GROSS, Measure.BUCKET_GROSS):
            return sum([self.ticket.get(ticket_id, 0.0) for ticket_id in members])
        if limit.measure in (Measure.EXPOSURE, Measure.LOSS):
            (row,) = limit.coefficients
            total = sum([c * net.get(symbol, 0.0) for symbol, c in zip(members, row, strict=True)]) / COEFFICIENT_UNIT
            return abs(total) if limit.measure is Measure.EXPOSURE else max(0.0, -total)
        return limit.measured(self.legs, held)
