"""A ticket on its way from yesterday's shares to its ideal ones: both legs together, whole lots at every point of the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from riskdesk_assets.guards.ticket_types import GuardRules, Shares, TicketReason, TicketShares
from riskdesk_assets.guards.types import Layer
from riskdesk_assets.limits.limit import Leg

ZERO, ONE = Fraction(0), Fraction(1)
# A cut is made in this many steps: finer ones are below a lot.
STEPS = 1 << 20


class Kind(StrEnum):
    """What a move does to the ticket."""

    NOTHING = "nothing"
    ADDS = "adds"
    REDUCES = "reduces"
    MIXED = "mixed"
    TURNS = "turns"


class Cut(StrEnum):
    """What of a move is cut: how far it goes, or its size."""

    WAY = "way"
    SCALE = "scale"


_ADDING = frozenset((Kind.ADDS, Kind.MIXED, Kind.TURNS))
_REASONS = {
    Kind.MIXED: TicketReason.REBALANCE,
    Kind.REDUCES: TicketReason.REDUCTION,
    Kind.TURNS: TicketReason.REVERSAL,
}


class Route(NamedTuple):
    """What one ticket's move is about, whatever is asked of it.

    It starts at ``start`` (yesterday's shares; nothing where the ticket turns around: its exit is never held back) and leads to
    ``aim``; ``goal`` is ``aim`` in lots. A tuple, as are moves: dozens are made for a session.
    """

    ticket_id: str
    symbols: tuple[str, str]
    held: Shares
    wanted: Shares
    start: Shares
    aim: Shares
    goal: Shares
    prices: tuple[int, int]
    lots: tuple[int, int]
    kind: Kind
    frozen: bool

    @property
    def adds(self) -> bool:
        """Whether the ideal position asks for more of any leg than the move starts from."""
        return self.kind in _ADDING

    @property
    def widest(self) -> tuple[Leg[int], Leg[int]]:
        """Both legs in ticks, without their signs, at a size that neither exceeds wherever on its way the move is cut."""
        (first, second), (start_a, start_b), (goal_a, goal_b) = self.symbols, self.start, self.goal
        size_a, size_b = max(abs(start_a), abs(goal_a)) * self.prices[0], max(abs(start_b), abs(goal_b)) * self.prices[1]
        return Leg(self.ticket_id, first, size_a), Leg(self.ticket_id, second, size_b)

    def gross(self, shares: Shares) -> int:
        """|A| + |B| in ticks at today's prices."""
        return abs(shares[0]) * self.prices[0] + abs(shares[1]) * self.prices[1]

    def distance(self, one: Shares, other: Shares) -> int:
        """Ticks between two positions, leg by leg."""
        return self.gross((one[0] - other[0], one[1] - other[1]))

    def whole(self, reason: TicketReason, layer: Layer | None = None) -> Move:
        """The move all the way to the goal."""
        return Move(self, self.goal, reason, layer=layer)

    def shares_at(self, way: Fraction, scale: Fraction) -> Shares:
        """Signed whole shares per leg after ``way`` of the way, shrunk to ``scale``."""
        if scale == 1:
            if not way:
                return self.start
            if way == 1:
                return self.goal
        first, second = sizes(self.paths(way, scale, Cut.WAY), STEPS)
        return self.sign(0) * first, self.sign(1) * second

    def sign(self, place: int) -> int:
        """1 long, -1 short: a leg is on one side all the way."""
        return -1 if (self.start[place] or self.aim[place]) < 0 else 1

    def paths(self, way: Fraction, scale: Fraction, cut: Cut) -> tuple[LegPath, LegPath]:
        """Both legs while ``way`` or ``scale`` is cut to some of its STEPS; in whole numbers throughout, for a point of the way
        is a fraction of a share."""
        (way_top, of_way), (scale_top, of_scale) = way.as_integer_ratio(), scale.as_integer_ratio()
        over, shrinks = of_way * of_scale * STEPS, cut is Cut.SCALE
        legs: list[LegPath] = []
        for start, aim, lot in zip(map(abs, self.start), map(abs, self.aim), self.lots, strict=True):
            if shrinks:
                legs.append(LegPath(0, scale_top * (start * of_way + way_top * (aim - start)), over * lot, lot, 0))
            else:
                # Where nothing shrinks the whole, rounding takes nothing away of what a leg that grows has already.
                least = start if aim > start and scale_top == of_scale else 0
                fixed, slope = scale_top * start * of_way * STEPS, scale_top * way_top * (aim - start)
                legs.append(LegPath(fixed, slope, over * lot, lot, least))
        return legs[0], legs[1]


class Move(NamedTuple):
    """How far a ticket goes on its route: a fraction ``way`` of the distance, each leg rounded toward zero to lots but not
    below the start where it grows; ``scale`` then shrinks the whole.

    Both are exact, so that however often a move is cut its legs are within one lot of one common path. ``shares`` are the
    signed whole shares per leg there. ``reason`` says why the ticket moves or stays, ``layer`` and ``cut_by`` who took
    something away last.
    """

    route: Route
    shares: Shares
    reason: TicketReason
    way: Fraction = ONE
    scale: Fraction = ONE
    layer: Layer | None = None
    cut_by: str = ""

    @property
    def ticket_id(self) -> str:
        """The ticket."""
        return self.route.ticket_id

    @property
    def legs(self) -> tuple[Leg[int], Leg[int]]:
        """Both legs in ticks."""
        route, (shares_a, shares_b) = self.route, self.shares
        (first, second), (price_a, price_b) = route.symbols, route.prices
        return Leg(route.ticket_id, first, shares_a * price_a), Leg(route.ticket_id, second, shares_b * price_b)

    def traded(self) -> int:
        """Ticks traded, both legs together."""
        return self.route.distance(self.route.held, self.shares)

    def goes(self, way: Fraction, reason: TicketReason, layer: Layer) -> Move:
        """The move going ``way`` of its way for another reason; nobody took anything away."""
        return Move(self.route, self.route.shares_at(way, self.scale), reason, way, self.scale, layer)

    def cut(self, layer: Layer | None, by: str, *, way: Fraction | None = None, scale: Fraction | None = None) -> Move:
        """The move going less far, or smaller, and who asked for it."""
        way, scale = self.way if way is None else way, self.scale if scale is None else scale
        return Move(self.route, self.route.shares_at(way, scale), self.reason, way, scale, layer, by)

    def given_up(self, cut: Cut) -> Shares:
        """Shares per leg where nothing is left of what is cut."""
        return (0, 0) if cut is Cut.SCALE else self.route.shares_at(ZERO, self.scale)

    def paths(self, cut: Cut) -> tuple[LegPath, LegPath]:
        """Both legs while the move is cut."""
        return self.route.paths(self.way, self.scale, cut)


class LegPath(NamedTuple):
    """The size of one leg while its move is cut: whole lots of a straight line, which after ``step`` of STEPS is at
    (``fixed`` + ``slope`` x step) / ``over`` lots; ``least`` shares stay."""

    fixed: int
    slope: int
    over: int
    lot: int
    least: int


def sizes(paths: Iterable[LegPath], step: int) -> list[int]:
    """The shares of each leg, without their sign, where its move is cut to ``step`` of STEPS."""
    return [
        size if (size := (fixed + slope * step) // over * lot) > least else least for fixed, slope, over, lot, least in paths
    ]


def move_of(held: TicketShares | None, ideal: TicketShares | None, prices: Mapping[str, int], rules: GuardRules) -> Move:
    """The whole move of one ticket, before anything is asked of it.

    Args:
        held: yesterday's desk position; None: none.
        ideal: the ideal position; None: none, the ticket is to be flat.
        prices: ticks per symbol.
        rules: lots.

    Raises:
        ValueError: neither is given, or they are in different symbols.
    """
    known = ideal or held
    if known is None:
        raise ValueError("a move needs a ticket")
    if held is not None and ideal is not None and held.symbols != ideal.symbols:
        raise ValueError(f"ticket {known.ticket_id} holds {held.symbols} and wants {ideal.symbols}: close it first")
    before: Shares = held.shares if held else (0, 0)
    wanted: Shares = ideal.shares if ideal else (0, 0)
    first, second = known.symbols
    sizes = (rules.lots.get(first, 1), rules.lots.get(second, 1))
    turns = before[0] * wanted[0] < 0 or before[1] * wanted[1] < 0
    start: Shares = (0, 0) if turns else before
    aim, goal = wanted, (_goal(start[0], wanted[0], sizes[0]), _goal(start[1], wanted[1], sizes[1]))
    kind = _kind(start, goal, turns=turns)
    reason = _reason(before, wanted, kind)
    frozen = known.frozen or (held is not None and held.frozen)
    if frozen:
        start = aim = goal = before
        kind, reason = Kind.NOTHING, TicketReason.FROZEN
    at = (prices[first], prices[second])
    return Route(known.ticket_id, known.symbols, before, wanted, start, aim, goal, at, sizes, kind, frozen).whole(reason)


def _goal(start: int, wanted: int, lot: int) -> int:
    """Whole lots of what is wanted; an odd lot that is held is not given up for being one."""
    size = abs(wanted) // lot * lot
    if abs(wanted) >= abs(start):
        size = max(size, abs(start))
    return -size if (wanted or start) < 0 else size


def _kind(start: Shares, goal: Shares, *, turns: bool) -> Kind:
    if turns:
        return Kind.TURNS
    first, second = abs(goal[0]) - abs(start[0]), abs(goal[1]) - abs(start[1])
    shrinks = first < 0 or second < 0
    if first > 0 or second > 0:
        return Kind.MIXED if shrinks else Kind.ADDS
    return Kind.REDUCES if shrinks else Kind.NOTHING


def _reason(before: Shares, wanted: Shares, kind: Kind) -> TicketReason:
    if not any(wanted):
        return TicketReason.EXIT if any(before) else TicketReason.FLAT
    if kind is Kind.NOTHING:
        return TicketReason.WITHIN_BAND if before == wanted else TicketReason.LOT_ROUNDS_TO_ZERO
    if kind is Kind.ADDS:
        return TicketReason.INCREASE if any(before) else TicketReason.ENTRY
    return _REASONS[kind]
