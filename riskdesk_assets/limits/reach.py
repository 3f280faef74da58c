"""The most a limit's quantity can come to while no leg grows: it tells a limit far away before any sum nets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import mul

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Leg, Limit, Measure

# A limit over several names or tickets sums in an order of its own: so much room, relative, is beyond any rounding of that.
_ROUNDING = 1e-9


class Reach:
    """A book's gross by leg, ticket and name, summed in the legs' order as a limit on one of them does.

    A leg that is scaled by anything in [0, 1], or is on its way to its largest size, makes no term larger; and rounding is
    monotone: no such sum can grow by a bit.

    Args:
        legs: every leg, at its largest.
        unit: ticks in one of the legs' amounts, which are dollars where it is not given; 1 where they are ticks themselves,
            whose sums are exact.
    """

    def __init__(self, legs: Iterable[Leg[float]] | Iterable[Leg[int]], unit: int = TICKS_PER_DOLLAR) -> None:
        names: dict[str, float] = {}
        tickets: dict[str, float] = {}
        by_leg: dict[tuple[str, ...], float] = {}
        for ticket_id, symbol, notional in legs:
            size = abs(notional)
            both = (ticket_id, symbol)
            names[symbol] = names.get(symbol, 0.0) + size
            tickets[ticket_id] = tickets.get(ticket_id, 0.0) + size
            by_leg[both] = by_leg.get(both, 0.0) + size
        self._names, self._tickets, self._legs, self._unit = names, tickets, by_leg, unit
        self._room = 1.0 if unit == 1 else 1 + _ROUNDING

    def within(self, limit: Limit) -> bool:
        """Whether the book keeps a limit however small its legs become; False also where sizes alone do not tell."""
        most = _MOST.get(limit.measure)
        return most is not None and most(self, limit) <= limit.bound / self._unit

    def _leg(self, limit: Limit) -> float:
        return self._legs.get(limit.members, 0.0)

    def _of_tickets(self, limit: Limit) -> float:
        return self._added(self._tickets, limit.members)

    def _of_names(self, limit: Limit) -> float:
        return self._added(self._names, limit.members)

    def _of_nets(self, limit: Limit) -> float:
        return sum([self._names.get(symbol, 0.0) for symbol in limit.members]) * self._room

    def _weighted(self, limit: Limit) -> float:
        sizes = [self._names.get(symbol, 0.0) for symbol in limit.members]
        most: float = sum(map(mul, map(abs, limit.coefficients[0]), sizes))
        return most / COEFFICIENT_UNIT * (1 + _ROUNDING)

    def _whole(self, _limit: Limit) -> float:
        return sum(self._tickets.values()) * self._room

    def _added(self, sizes: Mapping[str, float], members: tuple[str, ...]) -> float:
        if len(members) == 1:
            return sizes.get(members[0], 0.0)
        return sum([sizes.get(member, 0.0) for member in members]) * self._room


_MOST: Mapping[Measure, Callable[[Reach, Limit], float]] = {
    Measure.LEG: Reach._leg,
    Measure.TICKET_GROSS: Reach._of_tickets,
    Measure.BUCKET_GROSS: Reach._of_tickets,
    Measure.NAME_GROSS: Reach._of_names,
    Measure.NET: Reach._of_nets,
    Measure.GROSS: Reach._of_nets,
    Measure.EXPOSURE: Reach._weighted,
    Measure.LOSS: Reach._weighted,
    Measure.ADDITIONS: Reach._whole,
}
