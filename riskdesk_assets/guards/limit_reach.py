"""The limits that a session's tickets can breach at some point of their ways: all others need no second look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from riskdesk_assets.guards.ticket_move import Route
from riskdesk_assets.limits.limit import Limit, Measure

# Bound by what the ideal portfolio adds; a position between yesterday's and the ideal one adds no more.
_OF_ADDITIONS = frozenset((Measure.ADDITIONS, Measure.COUNT, Measure.TRADED))


def within_reach(routes: Iterable[Route], limits: Iterable[Limit]) -> Iterator[Limit]:
    """The limits that some point of the tickets' ways may breach, in their order, and those of which sizes do not tell.

    No net is larger than the sizes behind it, and no size than the largest on its ticket's route; so a limit without
    coefficients that the largest sizes keep is kept by all. What is bound by additions alone is no limit of the guards.

    Args:
        routes: every ticket.
        limits: every limit.
    """
    sizes = _Sizes(routes)
    of_name, of_one = sizes.largest_name, sizes.largest
    for limit in limits:
        measure, bound = limit.measure, limit.bound
        # The largest of its kind comes first: it settles nine limits of ten.
        if not limit.coefficients and (
            of_one.get(measure, of_name) * len(limit.members) <= bound or sizes.most(measure, limit.members) <= bound
        ):
            continue
        if measure not in _OF_ADDITIONS:
            yield limit


class _Sizes:
    """The largest sizes in ticks that legs, tickets and names reach."""

    def __init__(self, routes: Iterable[Route]) -> None:
        leg: dict[tuple[str, ...], int] = {}
        ticket: dict[str, int] = {}
        name: dict[str, int] = {}
        for route in routes:
            ticket_id, (first, second), (size_a, size_b) = route.ticket_id, route.symbols, route.widest
            ticket[ticket_id] = size_a + size_b
            leg[ticket_id, first] = size_a
            leg[ticket_id, second] = size_b if first != second else size_a + size_b
            name[first] = name.get(first, 0) + size_a
            name[second] = name.get(second, 0) + size_b
        self._leg, self._ticket, self._name = leg, ticket, name
        self.largest_name = max(name.values(), default=0)
        largest_ticket = max(ticket.values(), default=0)
        # Per member of a limit; one on a leg has two, the ticket and the name.
        self.largest = {
            Measure.LEG: (max(leg.values(), default=0) + 1) // 2,
            Measure.TICKET_GROSS: largest_ticket,
            Measure.BUCKET_GROSS: largest_ticket,
        }

    def most(self, measure: Measure, members: tuple[str, ...]) -> int:
        """What a quantity without coefficients never exceeds."""
        if measure is Measure.LEG:
            return self._leg.get(members, 0)
        sizes = self._ticket if measure in self.largest else self._name
        return sum([sizes.get(member, 0) for member in members])
