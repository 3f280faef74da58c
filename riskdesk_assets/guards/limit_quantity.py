"""One limit's quantity of a book in which one ticket after another changes, or might."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import mul

from riskdesk_assets.guards.ticket_move import STEPS, Cut, LegPath, Move, sizes
from riskdesk_assets.guards.ticket_types import Shares
from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Leg, Limit, Measure

_OF_TICKETS = frozenset((Measure.TICKET_GROSS, Measure.BUCKET_GROSS))
_OF_SIZES = _OF_TICKETS | {Measure.LEG, Measure.NAME_GROSS}
_OF_ONE_SUM = _OF_SIZES | {Measure.NET, Measure.EXPOSURE, Measure.LOSS}
# How a quantity follows from the sums; rounded up to a whole tick, as the limit does.
_FROM_SUMS: Mapping[Measure, Callable[[Sequence[int]], int]] = {
    **dict.fromkeys(_OF_SIZES, lambda sums: sums[0]),
    Measure.NET: lambda sums: abs(sums[0]),
    Measure.GROSS: lambda sums: sum(map(abs, sums)),
    Measure.EXPOSURE: lambda sums: -(-abs(sums[0]) // COEFFICIENT_UNIT),
    Measure.LOSS: lambda sums: -(min(0, sums[0]) // COEFFICIENT_UNIT),
}


class Quantity:
    """A limit's quantity, for every measure that looks at nothing but the book, and the tickets that can change it.

    It follows from sums over legs: one of sizes, one of signed ticks times a coefficient, or a net per name. A leg is on one
    side all the way, so that each of its shares adds the same to its sum; and whole numbers add up the same in any order, so
    that the sums change by one ticket at a time.

    Args:
        limit: the limit.
        moves: the book's tickets. Those that cannot change the quantity are left out: what they hold is none of it.
    """

    def __init__(self, limit: Limit, moves: Iterable[Move]) -> None:
        self.limit = limit
        self._names = ("",) if limit.measure in _OF_ONE_SUM else limit.members
        self._of = _FROM_SUMS.get(limit.measure, self._measured)
        self._sums = [0] * len(self._names)
        # Per ticket the legs that count: the place in the ticket, the sum it adds to, and what a share adds.
        self._counted: dict[str, list[tuple[int, int, int]]] = {}
        self._moves: dict[str, Move] = {}
        tickets, weights, signed = _tickets(limit), _weights(limit), limit.measure not in _OF_SIZES
        numbers = {name: number for number, name in enumerate(self._names)}
        for move in moves:
            route, shares = move.route, move.shares
            if tickets is not None and route.ticket_id not in tickets:
                continue
            legs: list[tuple[int, int, int]] = []
            for place, symbol in enumerate(route.symbols):
                weight = 1 if weights is None else weights.get(symbol, 0)
                if weight:
                    value = weight * route.prices[place] * (route.sign(place) if signed else 1)
                    into = numbers.get(symbol, 0)
                    legs.append((place, into, value))
                    self._sums[into] += value * abs(shares[place])
            if legs:
                self._counted[route.ticket_id], self._moves[route.ticket_id] = legs, move

    @property
    def moves(self) -> Sequence[Move]:
        """The tickets as they are now, in the order in which they were given."""
        return tuple(self._moves.values())

    @property
    def now(self) -> int:
        """The quantity of the book: exactly ``limit.measured`` of it."""
        return self._of(self._sums)

    def put(self, move: Move) -> None:
        """Have the move in place of the ticket's present one."""
        self._exchange(self._sums, move.ticket_id, move.shares)
        self._moves[move.ticket_id] = move

    def given(self, ticket_id: str, shares: Shares) -> int:
        """The quantity, had a ticket these shares."""
        sums = self._sums.copy()
        self._exchange(sums, ticket_id, shares)
        return self._of(sums)

    def last_step(self, moves: Sequence[Move], cut: Cut) -> int:
        """To how many of STEPS some moves can be cut by one factor, the bound kept; 0 where giving them up is not enough."""
        rest, none = self._sums.copy(), self._sums.copy()
        paths: list[LegPath] = []
        values: list[int] = []
        sums_of: list[int] = []
        for move in moves:
            given_up, legs = move.given_up(cut), move.paths(cut)
            for place, into, value in self._counted[move.ticket_id]:
                present = value * abs(move.shares[place])
                rest[into] -= present
                none[into] += value * abs(given_up[place]) - present
                paths.append(legs[place])
                values.append(value)
                sums_of.append(into)
        quantity, bound, one_sum = self._of, self.limit.bound, len(rest) == 1
        if quantity(none) > bound:
            return 0
        good, bad = 0, STEPS
        while bad - good > 1:
            middle = (good + bad) // 2
            amounts = map(mul, values, sizes(paths, middle))
            if one_sum:
                sums = [rest[0] + sum(amounts)]
            else:
                sums = rest.copy()
                for into, amount in zip(sums_of, amounts, strict=True):
                    sums[into] += amount
            good, bad = (middle, bad) if quantity(sums) <= bound else (good, middle)
        return good

    def _exchange(self, sums: list[int], ticket_id: str, shares: Shares) -> None:
        """Exchange a ticket's present shares in the sums for others."""
        present = self._moves[ticket_id].shares
        for place, into, value in self._counted[ticket_id]:
            sums[into] += value * (abs(shares[place]) - abs(present[place]))

    def _measured(self, sums: Sequence[int]) -> int:
        """The quantity that follows from nets by name, as the limit itself says."""
        return self.limit.measured([Leg("", name, net) for name, net in zip(self._names, sums, strict=True)])


def _tickets(limit: Limit) -> tuple[str, ...] | None:
    """The tickets whose legs count; None: all."""
    if limit.measure is Measure.LEG:
        return limit.members[:1]
    return limit.members if limit.measure in _OF_TICKETS else None


def _weights(limit: Limit) -> Mapping[str, int] | None:
    """How often a leg counts, by its name; None: every leg once. A name that moves nothing does not count."""
    measure, members = limit.measure, limit.members
    if measure in _OF_TICKETS:
        return None
    if measure is Measure.LEG:
        return {members[1]: 1}
    if measure in (Measure.EXPOSURE, Measure.LOSS):
        return dict(zip(members, limit.coefficients[0], strict=True))
    if limit.coefficients:
        columns = zip(*limit.coefficients, strict=True)
        return {name: int(any(column)) for name, column in zip(members, columns, strict=True)}
    return dict.fromkeys(members, 1)
