"""Many limits measured on one book of whole ticks: its sums are taken once, and integers add up the same in any order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Leg, Limit, Measure


class WholeSums:
    """A book's net and gross by name, and its gross by leg and ticket, in whole ticks."""

    def __init__(self, legs: Iterable[Leg[int]]) -> None:
        self._legs = tuple(legs)
        net: dict[str, int] = {}
        size: dict[str, int] = {}
        leg_size: dict[tuple[str, ...], int] = {}
        ticket: dict[str, int] = {}
        for leg in self._legs:
            symbol, ticket_id, amount = leg.symbol, leg.ticket_id, leg.notional
            whole = abs(amount)
            net[symbol] = net.get(symbol, 0) + amount
            size[symbol] = size.get(symbol, 0) + whole
            ticket[ticket_id] = ticket.get(ticket_id, 0) + whole
            both = (ticket_id, symbol)
            leg_size[both] = leg_size.get(both, 0) + whole
        self._net, self._size, self._leg, self._ticket = net, size, leg_size, ticket

    def measured(self, limit: Limit, held: Sequence[Leg[int]] = ()) -> int:
        """Exactly ``limit.measured`` of the book; what needs more than the sums is measured by the limit itself."""
        measure, members = limit.measure, limit.members
        if measure is Measure.LEG:
            return self._leg.get(members, 0)
        if measure is Measure.TICKET_GROSS:
            return sum([self._ticket.get(ticket_id, 0) for ticket_id in members])
        if measure is Measure.NAME_GROSS:
            return sum([self._size.get(symbol, 0) for symbol in members])
        net = self._net
        if measure is Measure.NET:
            return abs(sum([net.get(symbol, 0) for symbol in members]))
        if measure is Measure.GROSS:
            return sum([abs(net.get(symbol, 0)) for symbol in members])
        if measure is Measure.EXPOSURE or measure is Measure.LOSS:
            (row,) = limit.coefficients
            total = sum([c * net.get(symbol, 0) for symbol, c in zip(members, row, strict=True)])
            # Rounded up to a whole tick, as the limit does: an audited quantity is never understated.
            quantity = abs(total) if measure is Measure.EXPOSURE else max(0, -total)
            return -(-quantity // COEFFICIENT_UNIT)
        return limit.measured(self._legs, held)
