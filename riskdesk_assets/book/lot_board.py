"""A book of whole lots with every limit kept measured while single lots come and go. Integers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from riskdesk_assets.book.share_legs import LotRange, ShareLeg, lot_range
from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Leg, Limit, Measure, gross_by_ticket

_LINEAR = (Measure.NET, Measure.EXPOSURE, Measure.LOSS)
_BY_SIZE = (Measure.LEG, Measure.TICKET_GROSS, Measure.BUCKET_GROSS, Measure.NAME_GROSS)
_MEASURES = (*_LINEAR, *_BY_SIZE, Measure.GROSS, Measure.ADDITIONS)


@dataclass(frozen=True)
class LotLeg:
    """One tradable leg: ``sign`` of its target, ``lot_size`` shares a lot, and the lots it may have."""

    ticket_id: str
    symbol: str
    sign: int
    lot_size: int
    price_ticks: int
    range: LotRange

    def share_leg(self, lots: int) -> ShareLeg:
        """The leg at a number of lots."""
        return ShareLeg(self.ticket_id, self.symbol, self.sign * lots * self.lot_size, self.price_ticks)


class LotBoard:
    """Lots per leg, and each limit's measure of them. ``change`` is exact and its own inverse's inverse: -n undoes n."""

    def __init__(self, legs: Sequence[LotLeg], fixed: Sequence[Leg[int]], held: Sequence[Leg[int]], limits: Sequence[Limit]):
        for limit in limits:
            if limit.measure not in _MEASURES:
                raise ValueError(f"{limit.name}: {limit.measure.value} is no quantity of a ticket book")
        self.legs = tuple(legs)
        self.limits = tuple(limits)
        self.lots = [leg.range.most for leg in legs]
        self.values = [0] * len(limits)
        self.broken: set[int] = set()
        self._tickets: dict[str, list[int]] = {}
        for j, leg in enumerate(legs):
            self._tickets.setdefault(leg.ticket_id, []).append(j)
        self._held_sides = {(leg.ticket_id, leg.symbol): leg.notional for leg in held}
        self._held_gross: Mapping[str, int] = gross_by_ticket(held)
        self._touching = [
            [i for i, limit in enumerate(limits) if limit.touches(leg.ticket_id, (leg.symbol,)) and _own(limit, leg)]
            for leg in legs
        ]
        self._weights = [_weights(limit) for limit in limits]
        self._net: dict[str, int] = {}
        # Of linear quantities the signed sum, in ticks or in ticks of COEFFICIENT_UNIT.
        self._sums = [0] * len(limits)
        book = [*(leg.share_leg(lots).leg() for leg, lots in zip(legs, self.lots, strict=True)), *fixed]
        for entry in book:
            self._net[entry.symbol] = self._net.get(entry.symbol, 0) + entry.notional
        for i, limit in enumerate(limits):
            weights = self._weights[i]
            self._sums[i] = sum(weights.get(entry.symbol, 0) * entry.notional for entry in book)
            self._set(i, limit.measured(book, held))

    @property
    def excess(self) -> int:
        """Ticks by which limits are breached, summed."""
        return sum(self.values[i] - self.limits[i].bound for i in self.broken)

    def siblings(self, chosen: int) -> list[int]:
        """The legs of the chosen leg's ticket, itself included."""
        return self._tickets[self.legs[chosen].ticket_id]

    def touching(self, chosen: int) -> list[int]:
        """The limits that a leg adds to."""
        return self._touching[chosen]

    def needed(self, i: int, chosen: int) -> int:
        """Lots whose removal from the leg would end a broken limit's excess; 0 where removing them only adds to it."""
        limit, lot_value = self.limits[i], self.legs[chosen].range.lot_value
        if limit.measure not in _LINEAR:
            return -(-(self.values[i] - limit.bound) // lot_value)
        total, each = self._sums[i], self._weights[i].get(self.legs[chosen].symbol, 0) * self.legs[chosen].sign * lot_value
        if limit.measure is Measure.LOSS or total < 0:
            total, each = -total, -each
        return -(-(total - limit.bound * _unit(limit)) // each) if each > 0 else 0

    def whole_range(self, chosen: int) -> tuple[int, int]:
        """Fewest and most lots the leg may have with its ticket still whole."""
        mine = self.siblings(chosen)
        return lot_range([self.legs[j].range for j in mine], [self.lots[j] for j in mine], mine.index(chosen))

    def scale(self, chosen: int) -> Fraction:
        """The largest scale in [0, 1] that every leg of the chosen leg's ticket is within one lot of."""
        ranges = ((self.legs[j].range, self.lots[j]) for j in self.siblings(chosen))
        return min([Fraction(1), *((lots + 1) * leg.lot_value / leg.target for leg, lots in ranges if leg.target)])

    def change(self, chosen: int, lots: int) -> None:
        """Add lots to a leg (take away where negative) and measure anew what it touches."""
        leg = self.legs[chosen]
        added_before = self._addition(leg.ticket_id)
        net = self._net[leg.symbol]
        self.lots[chosen] += lots
        size = lots * leg.range.lot_value
        self._net[leg.symbol] = net + leg.sign * size
        for i in self._touching[chosen]:
            measure, value = self.limits[i].measure, self.values[i]
            if measure in _LINEAR:
                self._sums[i] += self._weights[i].get(leg.symbol, 0) * leg.sign * size
                value = self._linear_value(i)
            elif measure is Measure.GROSS:
                value += abs(net + leg.sign * size) - abs(net)
            elif measure is Measure.ADDITIONS:
                value += self._addition(leg.ticket_id) - added_before
            else:
                value += size
            self._set(i, value)

    def _linear_value(self, i: int) -> int:
        limit, total = self.limits[i], self._sums[i]
        # As the limit itself measures: rounded up to a whole tick.
        return -(-(abs(total) if limit.measure is not Measure.LOSS else max(0, -total)) // _unit(limit))

    def _set(self, i: int, value: int) -> None:
        self.values[i] = value
        if value > self.limits[i].bound:
            self.broken.add(i)
        else:
            self.broken.discard(i)

    def _addition(self, ticket_id: str) -> int:
        gross, same = 0, self._held_gross.get(ticket_id, 0)
        for j in self._tickets[ticket_id]:
            leg, lots = self.legs[j], self.lots[j]
            gross += lots * leg.range.lot_value
            if lots and leg.sign * self._held_sides.get((ticket_id, leg.symbol), 0) < 0:
                same = 0
        return max(0, gross - same)


def _unit(limit: Limit) -> int:
    return COEFFICIENT_UNIT if limit.coefficients else 1


def _weights(limit: Limit) -> dict[str, int]:
    """Of a linear limit, what a tick of each symbol adds to its sum."""
    if limit.measure not in _LINEAR:
        return {}
    row = limit.coefficients[0] if limit.coefficients else (1,) * len(limit.members)
    return dict(zip(limit.members, row, strict=True))


def _own(limit: Limit, leg: LotLeg) -> bool:
    return limit.measure is not Measure.LEG or limit.members[1] == leg.symbol
