"""One limit's quantity of many books that differ by a few tickets: what a leg adds to it is found once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from riskdesk_assets.guards.ticket_move import Cut, LegPath, Move, Route
from riskdesk_assets.guards.ticket_types import Shares
from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Leg, Limit, Measure

_OF_TICKETS = frozenset((Measure.TICKET_GROSS, Measure.BUCKET_GROSS))
_OF_SIZES = _OF_TICKETS | {Measure.LEG, Measure.NAME_GROSS}
_OF_ONE_SUM = _OF_SIZES | {Measure.NET, Measure.EXPOSURE, Measure.LOSS}

Sums = list[int]
# What a limit knows a leg by: its ticket, its name, or both.
_Key = str | tuple[str, ...]


class _CountedLeg(NamedTuple):
    """A leg's place in its ticket, the sum it adds to, and what each share of it adds: a leg is on one side all the way."""

    place: int
    into: int
    value: int


class CountedPath(NamedTuple):
    """Such a leg while its move is cut."""

    into: int
    value: int
    path: LegPath


class Quantity:
    """A limit's quantity of one book after another, for every measure that looks at nothing but the book.

    It follows from sums over legs: one of sizes, one of signed ticks times a coefficient, or a net per name. Whole numbers
    add up the same in any order, so that a ticket's part of the sums can be exchanged for another one.

    Args:
        limit: the limit.
        routes: the tickets of all the books.
    """

    def __init__(self, limit: Limit, routes: Iterable[Route]) -> None:
        self._limit = limit
        self._names = ("",) if limit.measure in _OF_ONE_SUM else limit.members
        weights, signed = _weights(limit), limit.measure not in _OF_SIZES
        sums = {name: number for number, name in enumerate(self._names)}
        self._counted: dict[str, list[_CountedLeg]] = {}
        for route in routes:
            legs: list[_CountedLeg] = []
            for place, symbol in enumerate(route.symbols):
                weight = weights.get(_key(limit, route.ticket_id, symbol), 0)
                if weight:
                    value = weight * route.prices[place] * (route.sign(place) if signed else 1)
                    legs.append(_CountedLeg(place, sums.get(symbol, 0), value))
            if legs:
                self._counted[route.ticket_id] = legs

    def touched_by(self, move: Move) -> bool:
        """Whether the move can change the quantity: what the others hold is none of it."""
        return move.ticket_id in self._counted

    def sums(self, moves: Iterable[Move]) -> Sums:
        """The sums of a book of moves that touch the limit."""
        sums = [0] * len(self._names)
        for move in moves:
            for place, into, value in self._counted[move.ticket_id]:
                sums[into] += value * abs(move.shares[place])
        return sums

    def exchanged(self, sums: Sums, move: Move, shares: Shares) -> Sums:
        """The sums of the book with other shares in place of a move's."""
        after = sums.copy()
        for place, into, value in self._counted[move.ticket_id]:
            after[into] += value * (abs(shares[place]) - abs(move.shares[place]))
        return after

    def paths(self, move: Move, cut: Cut) -> list[CountedPath]:
        """The legs that count, while the move is cut."""
        return [CountedPath(into, value, move.path(place, cut)) for place, into, value in self._counted[move.ticket_id]]

    def beside(self, rest: Sums, paths: Iterable[CountedPath], step: int) -> int:
        """The quantity of the rest of a book beside legs that are cut to ``step`` of STEPS."""
        sums = rest.copy()
        for into, value, path in paths:
            sums[into] += value * path.size(step)
        return self.of(sums)

    def of(self, sums: Sums) -> int:
        """The quantity that follows from the sums: exactly ``limit.measured`` of their book."""
        measure = self._limit.measure
        if measure in _OF_SIZES:
            return sums[0]
        if measure is Measure.NET:
            return abs(sums[0])
        if measure is Measure.GROSS:
            return sum(map(abs, sums))
        if measure in _OF_ONE_SUM:
            # Rounded up to a whole tick, as the limit does.
            quantity = abs(sums[0]) if measure is Measure.EXPOSURE else max(0, -sums[0])
            return -(-quantity // COEFFICIENT_UNIT)
        return self._limit.measured([Leg("", name, net) for name, net in zip(self._names, sums, strict=True)])


def _key(limit: Limit, ticket_id: str, symbol: str) -> _Key:
    if limit.measure is Measure.LEG:
        return ticket_id, symbol
    return ticket_id if limit.measure in _OF_TICKETS else symbol


def _weights(limit: Limit) -> Mapping[_Key, int]:
    """How often a leg counts, by what the limit knows it by; a name that moves nothing does not count."""
    if limit.measure is Measure.LEG:
        return {limit.members: 1}
    if limit.measure in _OF_ONE_SUM and limit.coefficients:
        return dict(zip(limit.members, limit.coefficients[0], strict=True))
    if limit.coefficients:
        columns = zip(*limit.coefficients, strict=True)
        return {name: int(any(column)) for name, column in zip(limit.members, columns, strict=True)}
    return dict.fromkeys(limit.members, 1)
