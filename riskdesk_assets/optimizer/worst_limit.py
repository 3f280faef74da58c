"""Which limit a book is nearest to breaching, or breaches most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from operator import mul

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
    if not limits:
        return 0.0, ""
    measured = _Sums(legs).measured
    over = [measured(limit, held) - limit.bound / TICKS_PER_DOLLAR for limit in limits]
    nearly = max(over) - ROUNDING_NAV * nav
    worst, name = float("-inf"), ""
    for limit, about in zip(limits, over, strict=True):
        if about < nearly:
            continue
        exact = (limit.measured(legs, held) - limit.bound / TICKS_PER_DOLLAR) / nav
        if exact > worst:
            worst, name = exact, limit.name
    return worst, name


class _Sums:
    """A book's net and gross by name, and its gross by leg and ticket; what it does not hold comes to nothing."""

    def __init__(self, legs: Sequence[Leg[float]]) -> None:
        self.legs = legs
        net, size = defaultdict[str, float](float), defaultdict[str, float](float)
        leg_size, ticket = defaultdict[tuple[str, ...], float](float), defaultdict[str, float](float)
        for leg in legs:
            amount = abs(leg.notional)
            net[leg.symbol] += leg.notional
            size[leg.symbol] += amount
            ticket[leg.ticket_id] += amount
            leg_size[leg.ticket_id, leg.symbol] += amount
        # A limit's members are looked up a hundred times a book: the dictionaries' own methods are the quickest way.
        self.net, self.size, self.ticket, self.leg = net.__getitem__, size.__getitem__, ticket.__getitem__, leg_size.__getitem__

    def measured(self, limit: Limit, held: Sequence[Leg[float]]) -> float:
        """``limit.measured`` to rounding."""
        measure, members = limit.measure, limit.members
        if measure is Measure.LEG:
            return self.leg(members)
        if measure is Measure.NAME_GROSS:
            return sum(map(self.size, members))
        if measure is Measure.NET:
            return abs(sum(map(self.net, members)))
        if measure is Measure.TICKET_GROSS or measure is Measure.BUCKET_GROSS:
            return sum(map(self.ticket, members))
        if measure is Measure.EXPOSURE or measure is Measure.LOSS:
            (row,) = limit.coefficients
            total: float = sum(map(mul, row, map(self.net, members))) / COEFFICIENT_UNIT
            return abs(total) if measure is Measure.EXPOSURE else max(0.0, -total)
        if measure is Measure.GROSS:
            return sum(map(abs, map(self.net, members)))
        return limit.measured(self.legs, held)
