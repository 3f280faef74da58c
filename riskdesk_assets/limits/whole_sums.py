"""Many limits measured on one book of whole ticks: its sums are taken once, and integers add up the same in any order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import mul

from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Leg, Limit, Measure

# A member looked up on its class costs more than all that is done with it here (Python 3.11).
_LEG, _TICKET_GROSS, _BUCKET_GROSS = Measure.LEG, Measure.TICKET_GROSS, Measure.BUCKET_GROSS
_NAME_GROSS, _NET, _GROSS = Measure.NAME_GROSS, Measure.NET, Measure.GROSS
_EXPOSURE, _LOSS, _ADDITIONS, _COUNT = Measure.EXPOSURE, Measure.LOSS, Measure.ADDITIONS, Measure.COUNT


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
        # Many limits with coefficients are about the same names.
        self._nets: dict[tuple[str, ...], list[int]] = {}

    def measured(self, limit: Limit, held: Sequence[Leg[int]] = ()) -> int:
        """Exactly ``limit.measured`` of the book; what needs more than the sums is measured by the limit itself."""
        measure, members = limit.measure, limit.members
        if measure is _LEG:
            return self._leg.get(members, 0)
        if measure is _NAME_GROSS:
            return _added(self._size, members)
        if measure is _TICKET_GROSS or measure is _BUCKET_GROSS:
            return _added(self._ticket, members)
        if measure is _NET:
            return abs(_added(self._net, members))
        if measure is _GROSS:
            net = self._net
            return sum([abs(net.get(symbol, 0)) for symbol in members])
        if measure is _EXPOSURE:
            # Rounded up to a whole tick, as the limit does: an audited quantity is never understated.
            return -(-abs(self.signed(limit)) // COEFFICIENT_UNIT)
        if measure is _LOSS:
            return max(0, -(self.signed(limit) // COEFFICIENT_UNIT))
        if measure is _ADDITIONS:
            return self._additions(held)
        if measure is _COUNT:
            return sum([1 for gross in self._ticket.values() if gross])
        return limit.measured(self._legs, held)

    def signed(self, limit: Limit) -> int:
        """Of a NET the sum before its sign is dropped; of an EXPOSURE or LOSS the same in ticks of COEFFICIENT_UNIT."""
        net, members = self._net, limit.members
        if not limit.coefficients:
            return _added(net, members)
        nets = self._nets.get(members)
        if nets is None:
            nets = self._nets[members] = [net.get(symbol, 0) for symbol in members]
        return sum(map(mul, limit.coefficients[0], nets))

    def nets(self) -> dict[str, int]:
        """Signed net per name; a copy."""
        return dict(self._net)

    def _additions(self, held: Sequence[Leg[int]]) -> int:
        """What the tickets have beyond what is held in the same direction."""
        before: dict[str, int] = {}
        sides: dict[tuple[str, str], int] = {}
        for ticket_id, symbol, amount in held:
            before[ticket_id] = before.get(ticket_id, 0) + abs(amount)
            sides[ticket_id, symbol] = amount
        for ticket_id, symbol, amount in self._legs:
            if amount * sides.get((ticket_id, symbol), 0) < 0:
                before[ticket_id] = 0
        return sum([max(0, gross - before.get(ticket_id, 0)) for ticket_id, gross in self._ticket.items()])


def _added(amounts: dict[str, int], members: tuple[str, ...]) -> int:
    if len(members) == 1:
        return amounts.get(members[0], 0)
    return sum([amounts.get(member, 0) for member in members])
