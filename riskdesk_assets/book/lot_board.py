"""A book of whole lots with every limit kept measured while single lots come and go. Integers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import repeat

from riskdesk_assets.book.share_legs import LotRange, ShareLeg, lot_range
from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Leg, Limit, Measure, gross_by_ticket
from riskdesk_assets.limits.whole_sums import WholeSums

_LEG, _GROSS, _LOSS, _ADDITIONS = Measure.LEG, Measure.GROSS, Measure.LOSS, Measure.ADDITIONS
_LINEAR = frozenset((Measure.NET, Measure.EXPOSURE, Measure.LOSS))
_OF_TICKETS = frozenset((Measure.LEG, Measure.TICKET_GROSS, Measure.BUCKET_GROSS))
_MEASURES = _LINEAR | _OF_TICKETS | {Measure.NAME_GROSS, Measure.GROSS, Measure.ADDITIONS}

# Lots, values, signed sums, nets by name and the limits that are broken.
Saved = tuple[list[int], list[int], list[int], dict[str, int], set[int]]


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
        self._adds = _added_to(self.legs, self.limits)
        self._bounds = [limit.bound for limit in limits]
        self._units = [COEFFICIENT_UNIT if limit.coefficients else 1 for limit in limits]
        self._lossy = [limit.measure is _LOSS for limit in limits]
        book = [*(leg.share_leg(lots).leg() for leg, lots in zip(legs, self.lots, strict=True)), *fixed]
        sums = WholeSums(book)
        self._net = sums.nets()
        # Of linear quantities the signed sum, in ticks or in ticks of COEFFICIENT_UNIT.
        self._sums = [sums.signed(limit) if limit.measure in _LINEAR else 0 for limit in limits]
        self.values = [sums.measured(limit, held) for limit in limits]
        self.broken = {i for i, bound in enumerate(self._bounds) if self.values[i] > bound}

    @property
    def excess(self) -> int:
        """Ticks by which limits are breached, summed."""
        return sum([self.values[i] - self._bounds[i] for i in self.broken])

    def siblings(self, chosen: int) -> list[int]:
        """The legs of the chosen leg's ticket, itself included."""
        return self._tickets[self.legs[chosen].ticket_id]

    def touching(self, chosen: int) -> frozenset[int]:
        """The limits that a leg adds to."""
        return self._adds[chosen].limits

    def needed(self, i: int, chosen: int) -> int:
        """Lots whose removal from the leg would end a broken limit's excess; 0 where removing them only adds to it."""
        bound, lot_value = self._bounds[i], self.legs[chosen].range.lot_value
        if self.limits[i].measure not in _LINEAR:
            return -(-(self.values[i] - bound) // lot_value)
        total, each = self._sums[i], self._adds[chosen].linear.get(i, 0) * lot_value
        if self._lossy[i] or total < 0:
            total, each = -total, -each
        return -(-(total - bound * self._units[i]) // each) if each > 0 else 0

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
        leg, adds, values, sums = self.legs[chosen], self._adds[chosen], self.values, self._sums
        size = lots * leg.range.lot_value
        before = self._net[leg.symbol]
        after = before + leg.sign * size
        added = -self._addition(leg.ticket_id) if adds.additions else 0
        self.lots[chosen] += lots
        self._net[leg.symbol] = after
        for i, weight in adds.linear.items():
            total = sums[i] + weight * size
            sums[i] = total
            # As the limit itself measures: rounded up to a whole tick.
            quantity = -total if total < 0 else 0 if self._lossy[i] else total
            values[i] = -(-quantity // self._units[i])
        for i in adds.by_size:
            values[i] += size
        for i in adds.gross:
            values[i] += abs(after) - abs(before)
        if adds.additions:
            added += self._addition(leg.ticket_id)
            for i in adds.additions:
                values[i] += added
        self.broken.difference_update(adds.limits)
        self.broken.update([i for i in adds.limits if values[i] > self._bounds[i]])

    def saved(self) -> Saved:
        """The board as it is, for :meth:`restore`: quicker than every change undone."""
        return self.lots[:], self.values[:], self._sums[:], self._net.copy(), self.broken.copy()

    def restore(self, saved: Saved) -> None:
        """The board as it was when saved; of one saving, once."""
        self.lots, self.values, self._sums, self._net, self.broken = saved

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
    """Of every leg what it adds to; limits are looked up by what they are about, for most are about one leg, ticket or name."""
    linear: dict[str, list[tuple[int, int]]] = {}
    # By (ticket, symbol), (ticket,) and symbol.
    by_size: dict[tuple[str, ...] | str, list[int]] = {}
    gross: dict[str, list[int]] = {}
    additions: list[int] = []
    for i, limit in enumerate(limits):
        measure, members = limit.measure, limit.members
        if measure in _LINEAR:
            for symbol, weight in zip(members, limit.coefficients[0] if limit.coefficients else repeat(1), strict=False):
                if weight:
                    linear.setdefault(symbol, []).append((i, weight))
        elif measure is _LEG:
            by_size.setdefault(members, []).append(i)
        elif measure in _OF_TICKETS:
            for ticket_id in members:
                by_size.setdefault((ticket_id,), []).append(i)
        elif measure is _ADDITIONS:
            additions.append(i)
        else:
            for symbol in members:
                (gross if measure is _GROSS else by_size).setdefault(symbol, []).append(i)
    return [
        _Adds(
            {i: leg.sign * weight for i, weight in linear.get(leg.symbol, ())},
            [*by_size.get((leg.ticket_id, leg.symbol), ()), *by_size.get((leg.ticket_id,), ()), *by_size.get(leg.symbol, ())],
            gross.get(leg.symbol, ()),
            additions,
        )
        for leg in legs
    ]
