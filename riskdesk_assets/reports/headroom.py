"""How much more of a name or a ticket each limit would let through.

More of something is a ray: the book plus x dollars of gross along fixed legs, x from 0 on. Every limited quantity is convex
along a ray, so what a limit allows is an interval and its right end is the headroom. It is found by Newton's method from the
right on the straight pieces of the quantity, in integers of ticks and fractions: after as many steps as there are kinks it is
exact. Only a volatility limit is curved; its root is rounded down to a tick.

More of a symbol is a ticket of one leg on its own, so limits of one ticket and the number of tickets do not touch it. More of
a ticket keeps the ratio of its legs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from operator import mul

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.limits.limit import (
    COEFFICIENT_UNIT,
    COVARIANCE_UNIT,
    Leg,
    Limit,
    Measure,
    gross_by_ticket,
    held_in_direction,
    net_by_symbol,
)

ALONE = ""
"""The ticket id of more of a symbol: no ticket of the desk."""
Number = int | Fraction
Line = tuple[Number, Number]
"""Height at x = 0, and slope."""
_OF_TICKETS = (Measure.LEG, Measure.TICKET_GROSS, Measure.BUCKET_GROSS, Measure.COUNT)


@dataclass(frozen=True)
class Step:
    """What one more tick of gross along the ray adds to one leg."""

    ticket_id: str
    symbol: str
    share: Number


@dataclass(frozen=True)
class Room:
    """What one limit leaves: ``room`` more dollars of gross; ``bound`` and ``measured`` in dollars (a count of tickets)."""

    limit_name: str
    family: str
    mode: str
    source: str
    bound: float
    measured: float
    room: float


@dataclass(frozen=True)
class StandingBook:
    """A book and the limits of its session; amounts in ticks. ``held`` is yesterday's book at today's prices."""

    limits: tuple[Limit, ...]
    legs: tuple[Leg[int], ...]
    held: tuple[Leg[int], ...] = ()

    @cached_property
    def nets(self) -> Mapping[str, int]:
        """Signed net per symbol."""
        return net_by_symbol(self.legs)

    @cached_property
    def held_nets(self) -> Mapping[str, int]:
        """Signed net per symbol of yesterday's book."""
        return net_by_symbol(self.held)

    @cached_property
    def ticket_gross(self) -> Mapping[str, int]:
        """Gross per ticket."""
        return gross_by_ticket(self.legs)

    @cached_property
    def same_side(self) -> Mapping[str, int]:
        """Per ticket, the gross held before in the same direction."""
        return held_in_direction(self.legs, self.held)

    @cached_property
    def measured(self) -> Mapping[str, int]:
        """Every limit's quantity."""
        return {limit.name: limit.measured(self.legs, self.held) for limit in self.limits}

    @cached_property
    def heights(self) -> Mapping[str, tuple[int, ...]]:
        """Of every limit with coefficients: what each row of them makes of the nets."""
        found: dict[str, tuple[int, ...]] = {}
        for limit in self.limits:
            if limit.coefficients:
                nets = [self.nets.get(symbol, 0) for symbol in limit.members]
                found[limit.name] = tuple(sum(map(mul, row, nets)) for row in limit.coefficients)
        return found

    @cached_property
    def columns(self) -> Mapping[str, Mapping[str, int]]:
        """Of every limit with coefficients: the column of each of its members."""
        return {
            limit.name: {symbol: column for column, symbol in enumerate(limit.members)}
            for limit in self.limits
            if limit.coefficients
        }

    @cached_property
    def _by_symbol(self) -> Mapping[str, tuple[Limit, ...]]:
        found: dict[str, list[Limit]] = {}
        for limit in self.limits:
            if limit.measure in _OF_TICKETS or limit.measure is Measure.ADDITIONS:
                continue
            for symbol in limit.members:
                found.setdefault(symbol, []).append(limit)
        return {symbol: tuple(limits) for symbol, limits in found.items()}

    @cached_property
    def _everywhere(self) -> tuple[Limit, ...]:
        return tuple(limit for limit in self.limits if limit.measure is Measure.ADDITIONS)

    def touching(self, symbol: str) -> tuple[Limit, ...]:
        """The limits that more of a symbol on its own counts in."""
        return (*self._by_symbol.get(symbol, ()), *self._everywhere)


def symbol_headroom(book: StandingBook, symbol: str, side: int) -> tuple[Room, ...]:
    """What each limit leaves for more of a symbol, the smallest first.

    Args:
        book: the book, and the session's limits.
        symbol: a name of the universe.
        side: 1 for buying, -1 for selling.
    """
    ray = (Step(ALONE, symbol, side),)
    return _sorted(book, [(limit, _room(limit, book, ray)) for limit in book.touching(symbol)])


def ticket_headroom(book: StandingBook, legs: Sequence[Leg[int]]) -> tuple[Room, ...]:
    """What each limit leaves for more of a ticket, both legs in proportion, in dollars of gross, the smallest first.

    Args:
        book: the book, and the session's limits.
        legs: the ticket's legs as held, or as approved where it holds nothing; only their signs and ratio count.

    Raises:
        ValueError: legs of nothing have no direction.
    """
    gross = sum(abs(leg.notional) for leg in legs)
    if not gross:
        raise ValueError("the legs are 0 (allowed: a ticket with a side)")
    ray = tuple(Step(leg.ticket_id, leg.symbol, Fraction(leg.notional, gross)) for leg in legs if leg.notional)
    return _sorted(book, [(limit, _room(limit, book, ray)) for limit in book.limits])


def smallest_headroom(book: StandingBook, symbol: str, side: int) -> tuple[float | None, str]:
    """The smallest room of ``symbol_headroom`` in dollars, and its limit; (None, "") where nothing bounds."""
    ray = (Step(ALONE, symbol, side),)
    rooms = [
        (math.floor(ticks), limit.name) for limit in book.touching(symbol) if (ticks := _room(limit, book, ray)) is not None
    ]
    ticks, name = min(rooms, default=(None, ""))
    return None if ticks is None else ticks / TICKS_PER_DOLLAR, name


def _sorted(book: StandingBook, found: Sequence[tuple[Limit, Number | None]]) -> tuple[Room, ...]:
    rooms = []
    for limit, ticks in found:
        if ticks is None:
            continue
        unit = 1 if limit.unit == "count" else TICKS_PER_DOLLAR
        rooms.append(
            Room(
                limit.name,
                limit.family.value,
                limit.mode,
                limit.source,
                limit.bound / unit,
                book.measured[limit.name] / unit,
                math.floor(ticks) / TICKS_PER_DOLLAR,
            )
        )
    return tuple(sorted(rooms, key=lambda room: (room.room, room.limit_name)))


def _room(limit: Limit, book: StandingBook, ray: Sequence[Step]) -> Number | None:
    """Ticks of gross along the ray until the bound; None where the limit does not see it, 0 where more of it only breaches."""
    if limit.coefficients:
        return _weighted_room(limit, book, ray)
    members = set(limit.members)
    terms: list[Line]
    if limit.measure is Measure.COUNT:
        held = book.ticket_gross.get(ray[0].ticket_id, 0)
        return None if held or book.measured[limit.name] < limit.bound else 0
    if limit.measure is Measure.ADDITIONS:
        ticket = ray[0].ticket_id
        spare = max(0, book.same_side.get(ticket, 0) - book.ticket_gross.get(ticket, 0))
        return max(0, limit.bound - book.measured[limit.name] + spare)
    if limit.measure is Measure.NET:
        terms = [(_sum(book.nets, members), sum(step.share for step in ray if step.symbol in members))]
    elif limit.measure is Measure.GROSS:
        terms = [(book.nets.get(step.symbol, 0), step.share) for step in ray if step.symbol in members]
    elif limit.measure is Measure.TRADED:
        before, now = book.held_nets, book.nets
        terms = [(now.get(step.symbol, 0) - before.get(step.symbol, 0), step.share) for step in ray if step.symbol in members]
    else:
        terms = [(_own(book, step), step.share) for step in ray if _counts(limit, step)]
    terms = [(start, slope) for start, slope in terms if slope]
    if not terms:
        return None
    rest = book.measured[limit.name] - sum(start if start > 0 else -start for start, _ in terms)
    return _alone(terms[0], limit.bound - rest) if len(terms) == 1 else _most(_absolute(terms, rest), limit.bound)


def _alone(term: Line, bound: Number) -> int:
    """The most whole ticks x >= 0 with |start + slope x| at most ``bound``, 0 where there are none."""
    start, slope = term
    if bound < 0:
        return 0
    most = (bound - start) // slope if slope > 0 else (bound + start) // -slope
    return max(0, math.floor(most))


def _counts(limit: Limit, step: Step) -> bool:
    if limit.measure is Measure.LEG:
        return limit.members == (step.ticket_id, step.symbol)
    if limit.measure in (Measure.TICKET_GROSS, Measure.BUCKET_GROSS):
        return step.ticket_id in limit.members
    return step.symbol in limit.members


def _own(book: StandingBook, step: Step) -> int:
    return sum(leg.notional for leg in book.legs if (leg.ticket_id, leg.symbol) == (step.ticket_id, step.symbol))


def _sum(nets: Mapping[str, int], members: set[str]) -> int:
    return sum(net for symbol, net in nets.items() if symbol in members)


def _weighted_room(limit: Limit, book: StandingBook, ray: Sequence[Step]) -> Number | None:
    place, heights = book.columns[limit.name], book.heights[limit.name]
    steps = [(place[step.symbol], step.share) for step in ray if step.symbol in place]
    if not steps:
        return None
    if limit.measure is Measure.VOLATILITY:
        nets = [book.nets.get(symbol, 0) for symbol in limit.members]
        return _within_volatility(limit, nets, heights, steps)
    lines: list[Line] = [
        (-height, -sum(row[column] * share for column, share in steps))
        for height, row in zip(heights, limit.coefficients, strict=True)
    ]
    if limit.measure is Measure.EXPOSURE:
        return _alone(lines[0], limit.bound * COEFFICIENT_UNIT) if lines[0][1] else None
    worst = 1 if limit.measure is Measure.LOSS else limit.worst
    return _most(_worst(lines, worst), limit.bound * COEFFICIENT_UNIT * min(worst, len(lines)))


def _absolute(terms: Sequence[Line], rest: Number) -> Callable[[Number | None], Line]:
    """The line that rest + sum of |start + step x| follows at x, at the end of the ray for None."""

    def line(x: Number | None) -> Line:
        height: Number = rest
        slope: Number = 0
        for start, step in terms:
            value = start + step * x if x is not None else step
            upward = value > 0 or (value == 0 and step > 0)
            height += start if upward else -start
            slope += step if upward else -step
        return height, slope

    return line


def _worst(lines: Sequence[Line], count: int) -> Callable[[Number | None], Line]:
    """The line that max(0, sum of the ``count`` largest lines) follows at x, at the end of the ray for None."""

    def line(x: Number | None) -> Line:
        def rank(each: Line) -> tuple[Number, Number]:
            return (each[1], each[0]) if x is None else (each[0] + each[1] * x, each[1])

        chosen = sorted(lines, key=rank, reverse=True)[:count]
        height: Number = sum(start for start, _ in chosen)
        slope: Number = sum(step for _, step in chosen)
        below = slope < 0 or (slope == 0 and height < 0) if x is None else height + slope * x < 0
        return (0, 0) if below else (height, slope)

    return line


def _most(line: Callable[[Number | None], Line], bound: int) -> Number | None:
    """The largest x >= 0 at which a convex function made of lines is at most ``bound``; None without end, 0 where none is."""
    height, slope = line(None)
    if slope <= 0:
        return None if height <= bound else 0
    x = _quotient(bound - height, slope)
    while x > 0:
        height, slope = line(x)
        if height + slope * x <= bound:
            return x
        if slope <= 0:
            return 0
        x = _quotient(bound - height, slope)
    return 0


def _quotient(amount: Number, slope: Number) -> Number:
    if isinstance(amount, int) and isinstance(slope, int):
        whole, rest = divmod(amount, slope)
        return whole if rest == 0 else Fraction(amount, slope)
    return Fraction(amount) / slope


def _within_volatility(
    limit: Limit, nets: Sequence[int], pulls: Sequence[int], steps: Sequence[tuple[int, Number]]
) -> Number | None:
    """The larger root of variance + 2 slope x + curve x^2 = bound^2, rounded down."""
    rows = limit.coefficients
    slope: Number = sum(share * pulls[column] for column, share in steps)
    curve: Number = sum(left * right * rows[i][j] for i, left in steps for j, right in steps)
    variance = sum(map(mul, nets, pulls))
    spare = limit.bound * limit.bound * COVARIANCE_UNIT - variance
    if curve <= 0:
        return _most(lambda _: (0, 2 * slope), spare)
    inside = Fraction(slope * slope + curve * spare)
    if inside < 0:
        return 0
    root = Fraction(math.isqrt(inside.numerator * inside.denominator), inside.denominator)
    return max(Fraction(0), (root - slope) / curve)
