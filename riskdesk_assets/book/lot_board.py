"""A book of whole lots with every limit kept measured while single lots come and go. Integers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from riskdesk_assets.book.share_legs import LotRange, ShareLeg, lot_range
from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Leg, Limit, Measure, gross_by_ticket
from riskdesk_assets.limits.whole_sums import WholeSums

_LINEAR = frozenset((Measure.NET, Measure.EXPOSURE, Measure.LOSS))
_OF_TICKETS = frozenset((Measure.LEG, Measure.TICKET_GROSS, Measure.BUCKET_GROSS))
_MEASURES = _LINEAR | _OF_TICKETS | {Measure.NAME_GROSS, Measure.GROSS, Measure.ADDITIONS}


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
        self._tickets: dict[str, list[int]] = {}
        for j, leg in enumerate(legs):
            self._tickets.setdefault(leg.ticket_id, []).append(j)
        self._held_sides = {(leg.ticket_id, leg.symbol): leg.notional for leg in held}
        self._held_gross: Mapping[str, int] = gross_by_ticket(held)
        book = [*(leg.share_leg(lots).leg() for leg, lots in zip(legs, self.lots, strict=True)), *fixed]
        self._net: dict[str, int] = {}
        for _, symbol, notional in book:
            self._net[symbol] = self._net.get(symbol, 0) + notional
        sums = WholeSums(book)
        self.values = [sums.measured(limit, held) for limit in limits]
        self.broken = {i for i, limit in enumerate(limits) if self.values[i] > limit.bound}
        # Of linear quantities the signed sum, in ticks or in ticks of COEFFICIENT_UNIT.
        self._sums = [sums.signed(limit) if limit.measure in _LINEAR else 0 for limit in limits]
        self._adds = _added_to(self.legs, self.limits)

    @property
    def excess(self) -> int:
        """Ticks by which limits are breached, summed."""
        return sum(self.values[i] - self.limits[i].bound for i in self.broken)

    def siblings(self, chosen: int) -> list[int]:
        """The legs of the chosen leg's ticket, itself included."""
        return self._tickets[self.legs[chosen].ticket_id]

    def touching(self, chosen: int) -> frozenset[int]:
        """The limits that a leg adds to."""
        return self._adds[chosen].limits

    def needed(self, i: int, chosen: int) -> int:
        """Lots whose removal from the leg would end a broken limit's excess; 0 where removing them only adds to it."""
        limit, lot_value = self.limits[i], self.legs[chosen].range.lot_value
        if limit.measure not in _LINEAR:
            return -(-(self.values[i] - limit.bound) // lot_value)
        total, each = self._sums[i], self._adds[chosen].linear.get(i, 0) * lot_value
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
        leg, adds = self.legs[chosen], self._adds[chosen]
        size = lots * leg.range.lot_value
        net, after = self._net[leg.symbol], self._net[leg.symbol] + leg.sign * size
        added = -self._addition(leg.ticket_id) if adds.additions else 0
        self.lots[chosen] += lots
        self._net[leg.symbol] = after
        for i, weight in adds.linear.items():
            self._sums[i] += weight * size
            self._set(i, self._linear_value(i))
        for i in adds.by_size:
            self._set(i, self.values[i] + size)
        for i in adds.gross:
            self._set(i, self.values[i] + abs(after) - abs(net))
        if adds.additions:
            added += self._addition(leg.ticket_id)
            for i in adds.additions:
                self._set(i, self.values[i] + added)

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


@dataclass(frozen=True)
class _Adds:
    """What one leg adds to, by places of limits: to a linear sum ``linear`` (signed) ticks for every tick of its size, to a
    ``gross`` what its name's net grows by, to ``additions`` what its ticket's grows by, to the others its size."""

    linear: Mapping[int, int]
    by_size: Sequence[int]
    gross: Sequence[int]
    additions: Sequence[int]

    @cached_property
    def limits(self) -> frozenset[int]:
        """All of them."""
        return frozenset((*self.linear, *self.by_size, *self.gross, *self.additions))


def _added_to(legs: Sequence[LotLeg], limits: Sequence[Limit]) -> list[_Adds]:
    """Of every leg what it adds to; limits are looked up by what moves them, and most are about one leg, ticket or name."""
    by_symbol: dict[str, list[int]] = {}
    by_ticket: dict[str, list[int]] = {}
    additions = [i for i, limit in enumerate(limits) if limit.measure is Measure.ADDITIONS]
    for i, limit in enumerate(limits):
        movers = by_ticket if limit.measure in _OF_TICKETS else by_symbol
        for mover in limit.movers:
            movers.setdefault(mover, []).append(i)
    found: list[_Adds] = []
    for leg in legs:
        linear: dict[int, int] = {}
        by_size: list[int] = []
        gross: list[int] = []
        for i in by_symbol.get(leg.symbol, ()):
            limit = limits[i]
            if limit.measure in _LINEAR:
                linear[i] = leg.sign * _weight(limit, leg.symbol)
            else:
                (gross if limit.measure is Measure.GROSS else by_size).append(i)
        for i in by_ticket.get(leg.ticket_id, ()):
            if limits[i].measure is not Measure.LEG or limits[i].members[1] == leg.symbol:
                by_size.append(i)
        found.append(_Adds(linear, by_size, gross, additions))
    return found


def _weight(limit: Limit, symbol: str) -> int:
    """What a tick of the symbol adds to a linear limit's sum."""
    return limit.coefficients[0][limit.members.index(symbol)] if limit.coefficients else 1


def _unit(limit: Limit) -> int:
    return COEFFICIENT_UNIT if limit.coefficients else 1
