"""Many limits measured on one book of whole ticks: its sums are taken once, and integers add up the same in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import mul

from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Leg, Limit, Measure


class WholeSums:
    """A book's net and gross by name, and its gross by leg and ticket, in whole ticks."""

    def __init__(self, legs: Iterable[Leg[int]]) -> None:
        self._legs = tuple(legs)
        net: dict[str, int] = {}
        size: dict[str, int] = {}
        leg_size: dict[tuple[str, ...], int] = {}
        ticket: dict[str, int] = {}
        for ticket_id, symbol, amount in self._legs:
            whole = abs(amount)
            net[symbol] = net.get(symbol, 0) + amount
            size[symbol] = size.get(symbol, 0) + whole
            ticket[ticket_id] = ticket.get(ticket_id, 0) + whole
            both = (ticket_id, symbol)
            leg_size[both] = leg_size.get(both, 0) + whole
        self._net, self._size, self._leg, self._ticket = net, size, leg_size, ticket

    def measured(self, limit: Limit, held: Sequence[Leg[int]] = ()) -> int:
        """Exactly ``limit.measured`` of the book; what needs more than the sums is measured by the limit itself."""
        read = _READ.get(limit.measure)
        return limit.measured(self._legs, held) if read is None else read(self, limit)

    def signed(self, limit: Limit) -> int:
        """Of a NET the sum before its sign is dropped; of an EXPOSURE or LOSS the same in ticks of COEFFICIENT_UNIT."""
        net = self._net
        nets = [net.get(symbol, 0) for symbol in limit.members]
        return sum(map(mul, limit.coefficients[0], nets)) if limit.coefficients else sum(nets)

    def _of_leg(self, limit: Limit) -> int:
        return self._leg.get(limit.members, 0)

    def _of_tickets(self, limit: Limit) -> int:
        return _added(self._ticket, limit.members)

    def _of_names(self, limit: Limit) -> int:
        return _added(self._size, limit.members)

    def _net_of(self, limit: Limit) -> int:
        return abs(self.signed(limit))

    def _gross_of(self, limit: Limit) -> int:
        net = self._net
        return sum([abs(net.get(symbol, 0)) for symbol in limit.members])

    def _exposure(self, limit: Limit) -> int:
        # Rounded up to a whole tick, as the limit does: an audited quantity is never understated.
        return -(-abs(self.signed(limit)) // COEFFICIENT_UNIT)

    def _loss(self, limit: Limit) -> int:
        return max(0, -(self.signed(limit) // COEFFICIENT_UNIT))


def _added(amounts: Mapping[str, int], members: tuple[str, ...]) -> int:
    if len(members) == 1:
        return amounts.get(members[0], 0)
    return sum([amounts.get(member, 0) for member in members])


_READ: Mapping[Measure, Callable[[WholeSums, Limit], int]] = {
    Measure.LEG: WholeSums._of_leg,
    Measure.TICKET_GROSS: WholeSums._of_tickets,
    Measure.BUCKET_GROSS: WholeSums._of_tickets,
    Measure.NAME_GROSS: WholeSums._of_names,
    Measure.NET: WholeSums._net_of,
    Measure.GROSS: WholeSums._gross_of,
    Measure.EXPOSURE: WholeSums._exposure,
    Measure.LOSS: WholeSums._loss,
}
