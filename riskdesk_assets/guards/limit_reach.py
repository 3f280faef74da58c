"""The limits that a session's tickets can breach at some point of their ways: all others need no second look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from riskdesk_assets.guards.ticket_move import Route
from riskdesk_assets.limits.limit import Limit, Measure

# Bound by what the ideal portfolio adds; a position between yesterday's and the ideal one adds no more.
OF_ADDITIONS = frozenset((Measure.ADDITIONS, Measure.COUNT, Measure.TRADED))


class Reach:
    """The largest sizes in ticks that legs, tickets and names have at any point of their tickets' routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        leg: dict[tuple[str, ...], int] = {}
        ticket: dict[str, int] = {}
        name: dict[str, int] = {}
        for route in routes:
            first, second = route.widest
            ticket[route.ticket_id] = first + second
            for symbol, size in zip(route.symbols, (first, second), strict=True):
                key = (route.ticket_id, symbol)
                leg[key] = leg.get(key, 0) + size
                name[symbol] = name.get(symbol, 0) + size
        self._leg, self._ticket, self._name = leg, ticket, name

    def near(self, limits: Iterable[Limit]) -> Iterator[Limit]:
        """The limits that may be breached, in their order, and those of which sizes do not tell.

        What is bound by additions alone is no limit of the guards.
        """
        leg, ticket, name = (max(sizes.values(), default=0) for sizes in (self._leg, self._ticket, self._name))
        largest = {Measure.LEG: leg, Measure.TICKET_GROSS: ticket, Measure.BUCKET_GROSS: ticket}
        for limit in limits:
            measure, members = limit.measure, limit.members
            if not limit.coefficients:
                # The largest of its kind first: it settles nine limits of ten.
                most = largest.get(measure, name) * (1 if measure is Measure.LEG else len(members))
                if most <= limit.bound or self._most(measure, members) <= limit.bound:
                    continue
            if measure not in OF_ADDITIONS:
                yield limit

    def _most(self, measure: Measure, members: tuple[str, ...]) -> int:
        """Ticks that the quantity of a limit without coefficients never exceeds: no net is larger than the sizes behind it."""
        if measure is Measure.LEG:
            return self._leg.get(members, 0)
        of_tickets = measure in (Measure.TICKET_GROSS, Measure.BUCKET_GROSS)
        sizes: Mapping[str, int] = self._ticket if of_tickets else self._name
        return sum([sizes.get(member, 0) for member in members])
