"""One limit's quantity of many books that differ by a few tickets: what a leg adds to it is found once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from riskdesk_assets.guards.ticket_move import Cut, LegPath, Move
from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Leg, Limit, Measure

_OF_TICKETS = frozenset((Measure.TICKET_GROSS, Measure.BUCKET_GROSS))
_OF_SIZES = _OF_TICKETS | {Measure.LEG, Measure.NAME_GROSS}
_OF_ONE_SUM = _OF_SIZES | {Measure.NET, Measure.EXPOSURE, Measure.LOSS}

Sums = list[int]


class CountedPath(NamedTuple):
    """A leg that a limit counts while its move is cut: which sum it adds to, how often, and its ticks."""

    into: int
    weight: int
    path: LegPath


class Quantity:
    """A limit's quantity of one book after another, for every measure that looks at nothing but the book.

    It follows from sums over legs: one of sizes, one of signed ticks times a coefficient, or a net per name. Whole numbers
    add up the same in any order, so that a ticket's part of the sums can be exchanged for another one.

    Args:
        limit: the limit.
        moves: the tickets of all the books.
    """

    def __init__(self, limit: Limit, moves: Iterable[Move]) -> None:
        self._limit = limit
        self._sizes = limit.measure in _OF_SIZES
        self._names = ("",) if limit.measure in _OF_ONE_SUM else limit.members
        places = {symbol: place for place, symbol in enumerate(self._names)}
        weights = _weights(limit)
        # Per ticket the legs that count: the leg's place in the ticket, the sum it adds to, and how often.
        self._counted: dict[str, list[tuple[int, int, int]]] = {}
        for move in moves:
            legs = [
                (place, places.get(symbol, 0), weight)
                for place, symbol in enumerate(move.symbols)
                if (weight := weights.get(_counted_by(limit, move.ticket_id, symbol), 0))
            ]
            if legs:
                self._counted[move.ticket_id] = legs

    def touched_by(self, move: Move) -> bool:
        """Whether the move can change the quantity: what the others hold is none of it."""
        return move.ticket_id in self._counted

    def sums(self, moves: Iterable[Move]) -> Sums:
        """The sums of a book of moves that touch the limit."""
        return self.exchanged([0] * len(self._names), (), moves)

    def exchanged(self, sums: Sums, without: Iterable[Move], beside: Iterable[Move] = ()) -> Sums:
        """The sums of the book without some of its moves, and with some others."""
        after = sums.copy()
        for sign, moves in ((-1, without), (1, beside)):
            for move in moves:
                for place, into, weight in self._counted[move.ticket_id]:
                    ticks = move.ticks[place]
                    after[into] += sign * weight * (abs(ticks) if self._sizes else ticks)
        return after

    def paths(self, move: Move, cut: Cut) -> list[CountedPath]:
        """The legs that count, while the move is cut."""
        return [CountedPath(into, weight, move.path(place, cut)) for place, into, weight in self._counted[move.ticket_id]]

    def cut_to(self, step: int, paths: Iterable[CountedPath], rest: Sums) -> int:
        """The quantity of ``rest`` beside the legs of ``paths`` after so many steps."""
        sums = rest.copy()
        for into, weight, path in paths:
            ticks = path.ticks(step)
            sums[into] += weight * (abs(ticks) if self._sizes else ticks)
        return self.of(sums)

    def of(self, sums: Sums) -> int:
        """The quantity that follows from the sums: exactly ``limit.measured`` of their book."""
        measure = self._limit.measure
        if self._sizes:
            return sums[0]
        if measure is Measure.NET:
            return abs(sums[0])
        if measure is Measure.GROSS:
            return sum(map(abs, sums))
        if measure in (Measure.EXPOSURE, Measure.LOSS):
            # Rounded up to a whole tick, as the limit does.
            quantity = abs(sums[0]) if measure is Measure.EXPOSURE else max(0, -sums[0])
            return -(-quantity // COEFFICIENT_UNIT)
        return self._limit.measured([Leg("", symbol, net) for symbol, net in zip(self._names, sums, strict=True)])


def _counted_by(limit: Limit, ticket_id: str, symbol: str) -> str | tuple[str, ...]:
    """What a limit knows a leg by."""
    if limit.measure is Measure.LEG:
        return ticket_id, symbol
    return ticket_id if limit.measure in _OF_TICKETS else symbol


def _weights(limit: Limit) -> Mapping[str | tuple[str, ...], int]:
    """How often a leg counts, by what the limit knows it by."""
    if limit.measure is Measure.LEG:
        return {limit.members: 1}
    if limit.measure in (Measure.EXPOSURE, Measure.LOSS):
        return dict(zip(limit.members, limit.coefficients[0], strict=True))
    if limit.coefficients:
        columns = zip(*limit.coefficients, strict=True)
        return {symbol: int(any(column)) for symbol, column in zip(limit.members, columns, strict=True)}
    return dict.fromkeys(limit.members, 1)
