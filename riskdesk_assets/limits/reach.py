"""The most a limit's quantity can come to while tickets are scaled down: what a limit far away is told by, before any sum nets."""

from __future__ import annotations

from collections.abc import Iterable
from operator import mul

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Leg, Limit, Measure

# A limit's own sums may be taken in another order: so much room, relative, is beyond any rounding of them.
_ROUNDING = 1e-9


class Reach:
    """A book's gross by leg, ticket and name, in dollars; scaling tickets by anything in [0, 1] makes each of them smaller."""

    def __init__(self, legs: Iterable[Leg[float]]) -> None:
        names: dict[str, float] = {}
        tickets: dict[str, float] = {}
        by_leg: dict[tuple[str, ...], float] = {}
        for ticket_id, symbol, notional in legs:
            size = abs(notional)
            both = (ticket_id, symbol)
            names[symbol] = names.get(symbol, 0.0) + size
            tickets[ticket_id] = tickets.get(ticket_id, 0.0) + size
            by_leg[both] = by_leg.get(both, 0.0) + size
        self._names, self._tickets, self._legs = names, tickets, by_leg

    def within(self, limit: Limit) -> bool:
        """Whether the book keeps a limit however its tickets are scaled down; False also where sizes alone do not tell."""
        most = self._most(limit)
        return most is not None and most * (1.0 + _ROUNDING) <= limit.bound / TICKS_PER_DOLLAR

    def _most(self, limit: Limit) -> float | None:
        measure, members = limit.measure, limit.members
        if measure is Measure.LEG:
            return self._legs.get(members, 0.0)
        if measure in _OF_TICKETS:
            return sum([self._tickets.get(ticket_id, 0.0) for ticket_id in members])
        if measure in _OF_NAMES:
            return sum([self._names.get(symbol, 0.0) for symbol in members])
        if measure in _WEIGHTED:
            sizes = [self._names.get(symbol, 0.0) for symbol in members]
            return sum(map(mul, map(abs, limit.coefficients[0]), sizes)) / COEFFICIENT_UNIT
        if measure is Measure.ADDITIONS:
            return sum(self._tickets.values())
        return None


_OF_TICKETS = frozenset((Measure.TICKET_GROSS, Measure.BUCKET_GROSS))
_OF_NAMES = frozenset((Measure.NAME_GROSS, Measure.NET, Measure.GROSS))
_WEIGHTED = frozenset((Measure.EXPOSURE, Measure.LOSS))
