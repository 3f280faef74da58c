"""Limits as rows over the tickets: L x + E |A x + d| <= b, every row with the name of its limit.

All quantities are fractions of NAV, x is each ticket's share of its approved size. An absolute value whose sign is settled
by 0 <= x <= 1 is written without one, and a limit no x can reach is left out, so the problem stays small and exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, mul

import numpy as np
import numpy.typing as npt

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Leg, Limit, Measure, gross_by_ticket, held_in_direction

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Exposures:
    """A problem's legs as arrays, fractions of NAV; n symbols, K tickets.

    ``net`` (n, K) signed and ``size`` (n, K) absolute leg weights at x = 1; ``fixed_net`` and ``fixed_size`` (n,) of the legs
    that cannot trade; ``previous`` (n,) yesterday's net book; ``gross`` (K,) sum of |leg weights|; ``held`` (K,) gross held
    in the direction of the approved legs. ``tickets`` (K,) are the ids, ``fixed_gross`` that of each ticket that cannot trade.
    """

    symbols: tuple[str, ...]
    net: Array
    size: Array
    fixed_net: Array
    fixed_size: Array
    previous: Array
    gross: Array
    held: Array
    tickets: tuple[str, ...]
    fixed_gross: Mapping[str, float]


@dataclass
class AbsoluteTerms:
    """The pool of |A x + d| that rows and costs share; one entry per distinct (A, d)."""

    slopes: list[Array] = field(default_factory=list)
    offsets: list[float] = field(default_factory=list)
    _places: dict[tuple[object, ...], int] = field(default_factory=dict)

    def place(self, key: tuple[object, ...], slope: Array, offset: float) -> int:
        """Index of the term, entered on first use; terms with the same key and offset are one."""
        full = (*key, offset)
        if full not in self._places:
            self._places[full] = len(self.slopes)
            self.slopes.append(slope)
            self.offsets.append(offset)
        return self._places[full]


@dataclass(frozen=True)
class Row:
    """One row: ``slope'x + sum(weight |term|) <= bound``, named after its limit."""

    name: str
    slope: Array
    weights: Mapping[int, float]
    bound: float


def exposures(
    *,
    symbols: Sequence[str],
    ticket_ids: Sequence[str],
    legs: Sequence[Leg[float]],
    held: Sequence[Leg[float]],
    fixed: Sequence[Leg[float]],
    nav: float,
) -> Exposures:
    """Legs in dollars as arrays of fractions of NAV, whatever order they come in."""
    row = {symbol: i for i, symbol in enumerate(symbols)}
    column = {ticket_id: k for k, ticket_id in enumerate(ticket_ids)}
    shape = (len(row), len(column))
    net, size = np.zeros(shape), np.zeros(shape)
    for leg in _in_order(legs):
        net[row[leg.symbol], column[leg.ticket_id]] += leg.notional / nav
        size[row[leg.symbol], column[leg.ticket_id]] += abs(leg.notional) / nav
    fixed_net, fixed_size, previous = np.zeros(len(row)), np.zeros(len(row)), np.zeros(len(row))
    for leg in _in_order(fixed):
        fixed_net[row[leg.symbol]] += leg.notional / nav
        fixed_size[row[leg.symbol]] += abs(leg.notional) / nav
    for leg in _in_order(held):
        previous[row[leg.symbol]] += leg.notional / nav
    gross, same = gross_by_ticket(legs), held_in_direction(legs, held)
    return Exposures(
        tuple(symbols),
        net,
        size,
        fixed_net,
        fixed_size,
        previous,
        np.array([gross.get(ticket_id, 0.0) / nav for ticket_id in ticket_ids]),
        np.array([same.get(ticket_id, 0.0) / nav for ticket_id in ticket_ids]),
        tuple(ticket_ids),
        {ticket_id: amount / nav for ticket_id, amount in gross_by_ticket(fixed).items()},
    )


def limit_rows(limits: Sequence[Limit], book: Exposures, nav: float, margin: float, pool: AbsoluteTerms) -> list[Row]:
    """The rows of the limits that some x in [0, 1] could breach, in the limits' order.

    Args:
        limits: construct-mode limits on names, buckets, nets, grosses, additions, exposures and losses (any other measure
            gives no row).
        book: the session's legs.
        nav: dollars.
        margin: fraction of NAV by which bounds are tightened, so that an answer within tolerance obeys the limit itself; never
            below what the fixed legs alone use.
        pool: absolute terms; entries are added.
    """
    rows: list[Row] = []
    reach = _Reach.of(book)
    for limit in limits:
        measure, members = limit.measure, limit.members
        if measure is Measure.LEG or measure is Measure.TICKET_GROSS:
            continue  # approved sizes obey these, and so does every share of them
        bound = limit.bound / TICKS_PER_DOLLAR / nav
        # No tightened bound is less: a quantity that cannot come to more needs no row.
        least = bound - margin
        if measure is Measure.NAME_GROSS:
            most = sum(map(reach.size, members))
            if most > least:
                rows += _size_row(limit, bound, margin, book, reach, most)
        elif measure is Measure.NET:
            most = sum(map(reach.net, members))
            if most > least:
                rows += _net_rows(limit, bound, margin, book, reach, most)
        elif measure is Measure.EXPOSURE or measure is Measure.LOSS:
            weights = [number / COEFFICIENT_UNIT for number in limit.coefficients[0]]
            most = sum(map(mul, map(abs, weights), map(reach.net, members)))
            if most > least:
                rows += _weighted_rows(limit, weights, bound, margin, book, reach, most)
        elif measure is Measure.GROSS:
            most = sum(map(reach.net, members))
            if most > least:
                rows += _gross_row(limit, bound, margin, book, reach, most, pool)
        elif measure is Measure.BUCKET_GROSS:
            rows += _tickets_row(limit, bound, margin, book)
        elif measure is Measure.ADDITIONS:
            rows += _additions_row(limit.name, _tightened(bound, 0.0, margin), book, pool)
    return rows


@dataclass(frozen=True)
class _Reach:
    """By symbol: its place among the book's names, its legs (ticket's place, signed weight), what its fixed legs come to, and
    the most it can come to, whatever x.

    Every other symbol has nothing.
    """

    place: Mapping[str, int]
    legs: Mapping[str, Sequence[tuple[int, float]]]
    fixed_net: Callable[[str], float]
    fixed_size: Callable[[str], float]
    net: Callable[[str], float]
    size: Callable[[str], float]

    @classmethod
    def of(cls, book: Exposures) -> _Reach:
        def by_symbol(values: Array) -> Callable[[str], float]:
            return defaultdict(float, zip(book.symbols, values.tolist(), strict=True)).__getitem__

        legs: dict[str, list[tuple[int, float]]] = {}
        held = np.nonzero(book.net)
        for i, k, amount in zip(*(place.tolist() for place in held), book.net[held].tolist(), strict=True):
            legs.setdefault(book.symbols[i], []).append((k, amount))
        up, down = np.maximum(book.net, 0.0).sum(axis=1), np.minimum(book.net, 0.0).sum(axis=1)
        return cls(
            {symbol: i for i, symbol in enumerate(book.symbols)},
            legs,
            by_symbol(book.fixed_net),
            by_symbol(book.fixed_size),
            by_symbol(np.maximum(np.abs(book.fixed_net + up), np.abs(book.fixed_net + down))),
            by_symbol(book.fixed_size + book.size.sum(axis=1)),
        )

    def places(self, members: Sequence[str]) -> list[int]:
        """Where those of the members stand that are among the book's names."""
        return [self.place[symbol] for symbol in members if symbol in self.place]


def settled_signs(slopes: Array, offsets: Array) -> Array:
    """The sign of each slope'x + offset where it is the same for all x in [0, 1], else 0.

    Args:
        slopes: (p, K).
        offsets: (p,).

    Returns:
        (p,) of 1, -1 and 0; what is 0 throughout has the sign 1.
    """
    # Sums in the order of the tickets: what cancels must cancel to the bit, or a sign that is settled would seem not to be.
    low = offsets + np.add.accumulate(np.minimum(slopes, 0.0), axis=1)[:, -1]
    high = offsets + np.add.accumulate(np.maximum(slopes, 0.0), axis=1)[:, -1]
    signs: Array = np.where(low >= 0, 1.0, np.where(high <= 0, -1.0, 0.0))
    return signs


def _size_row(limit: Limit, bound: float, margin: float, book: Exposures, reach: _Reach, most: float) -> list[Row]:
    alone = sum(map(reach.fixed_size, limit.members))
    tight = _tightened(bound, alone, margin)
    if most <= tight:
        return []
    return _upper_row(limit.name, _summed(book.size, reach.places(limit.members)), tight - alone)


def _net_rows(limit: Limit, bound: float, margin: float, book: Exposures, reach: _Reach, most: float) -> list[Row]:
    alone = sum(map(reach.fixed_net, limit.members))
    tight = _tightened(bound, abs(alone), margin)
    if most <= tight:
        return []
    slope = _summed(book.net, reach.places(limit.members))
    return _upper_row(limit.name, slope, tight - alone) + _upper_row(limit.name, -slope, tight + alone)


def _gross_row(
    limit: Limit, bound: float, margin: float, book: Exposures, reach: _Reach, most: float, pool: AbsoluteTerms
) -> list[Row]:
    tight = _tightened(bound, sum(map(abs, map(reach.fixed_net, limit.members))), margin)
    if most <= tight:
        return []
    slope, const, weights = np.zeros(book.net.shape[1]), 0.0, dict[int, float]()
    places = reach.places(limit.members)
    for i, sign in zip(places, settled_signs(book.net[places], book.fixed_net[places]).tolist(), strict=True):
        offset = float(book.fixed_net[i])
        if sign:
            slope, const = slope + sign * book.net[i], const + sign * offset
        else:
            weights[pool.place(("net", i), book.net[i], offset)] = 1.0
    return _reachable(Row(limit.name, slope, weights, tight - const), pool)


def _tickets_row(limit: Limit, bound: float, margin: float, book: Exposures) -> list[Row]:
    """The gross of several tickets, before any of it nets."""
    members = set(limit.members)
    alone = sum(amount for ticket_id, amount in book.fixed_gross.items() if ticket_id in members)
    slope = np.array(
        [amount if ticket_id in members else 0.0 for ticket_id, amount in zip(book.tickets, book.gross, strict=True)]
    )
    return _upper_row(limit.name, slope, _tightened(bound, alone, margin) - alone)


def _weighted_rows(
    limit: Limit, weights: Sequence[float], bound: float, margin: float, book: Exposures, reach: _Reach, most: float
) -> list[Row]:
    """|exposure| as two rows, a loss as one: what a scenario earns is bounded by nothing."""
    alone = sum(map(mul, weights, map(reach.fixed_net, limit.members)))
    loses = limit.measure is Measure.LOSS
    tight = _tightened(bound, max(0.0, -alone) if loses else abs(alone), margin)
    if most <= tight:
        return []
    sums = [0.0] * len(book.tickets)
    for symbol, weight in zip(limit.members, weights, strict=True):
        for k, amount in reach.legs.get(symbol, ()):
            sums[k] += weight * amount
    slope = np.array(sums)
    rows = [] if loses else _upper_row(limit.name, slope, tight - alone)
    return rows + _upper_row(limit.name, -slope, tight + alone)


def _additions_row(name: str, bound: float, book: Exposures, pool: AbsoluteTerms) -> list[Row]:
    if float(np.maximum(book.gross - book.held, 0.0).sum()) <= bound:
        return []
    slope, const, weights = np.zeros(len(book.gross)), 0.0, dict[int, float]()
    for k, (gross, held) in enumerate(zip(book.gross, book.held, strict=True)):
        if held >= gross:
            continue
        line = np.zeros(len(book.gross))
        line[k] = gross
        if held == 0:
            slope += line
            continue
        # max(0, y) = (y + |y|) / 2: one kind of term for every kink.
        slope, const = slope + line / 2, const - float(held) / 2
        weights[pool.place(("addition", k), line, -float(held))] = 0.5
    return _reachable(Row(name, slope, weights, bound - const), pool)


def _upper_row(name: str, slope: Array, bound: float) -> list[Row]:
    """slope'x <= bound, or nothing where no x in [0, 1] breaks it."""
    return [] if _range(slope, 0.0)[1] <= bound else [Row(name, slope, {}, bound)]


def _reachable(row: Row, pool: AbsoluteTerms) -> list[Row]:
    """The row, or nothing where no x in [0, 1] breaks it."""
    reach = _range(row.slope, 0.0)[1]
    for term, weight in row.weights.items():
        reach += weight * max(map(abs, _range(pool.slopes[term], pool.offsets[term])))
    return [] if reach <= row.bound else [row]


def _summed(matrix: Array, members: Sequence[int]) -> Array:
    """The sum of the members' rows; most limits have one."""
    total: Array = matrix[members[0]] if len(members) == 1 else matrix[members].sum(axis=0)
    return total


def _range(slope: Array, offset: float) -> tuple[float, float]:
    # A dozen numbers: a plain loop is several times faster than array calls.
    down, up = 0.0, 0.0
    for value in slope.tolist():
        if value > 0.0:
            up += value
        else:
            down += value
    return offset + down, offset + up


def _tightened(bound: float, alone: float, margin: float) -> float:
    return max(bound - margin, min(bound, alone))


def _in_order(legs: Sequence[Leg[float]]) -> list[Leg[float]]:
    return sorted(legs, key=attrgetter("symbol", "ticket_id", "notional"))
