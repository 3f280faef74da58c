"""A ticket on its way from yesterday's shares to its ideal ones: both legs together, whole lots at every point of the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from riskdesk_assets.guards.ticket_types import GuardRules, Shares, TicketReason, TicketShares
from riskdesk_assets.guards.types import Layer
from riskdesk_assets.limits.limit import Leg

ZERO, ONE = Fraction(0), Fraction(1)
# A cut is made in this many steps: finer ones are below a lot.
STEPS = 1 << 20
Ratio = tuple[int, int]


class Cut(StrEnum):
    """What of a move is cut: how far it goes, or its size."""

    WAY = "way"
    SCALE = "scale"


class Kind(StrEnum):
    """What a move does to the ticket."""

    NOTHING = "nothing"
    ADDS = "adds"
    REDUCES = "reduces"
    MIXED = "mixed"
    TURNS = "turns"


@dataclass(frozen=True)
class Move:
    """One ticket's move.

    It starts at ``start`` (yesterday's shares; nothing where the ticket turns around: its exit is never held back) and goes a
    fraction ``way`` of the distance to ``aim``, each leg rounded toward zero to lots but not below ``start`` where it grows;
    ``scale`` then shrinks the whole; ``goal`` is ``aim`` in lots. All are exact, so that however often a move is cut its legs
    are within one lot of one common path. ``reason`` says why it moves or stays, ``layer`` and ``cut_by`` who took something
    away last.
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
    reason: TicketReason
    way: Fraction = ONE
    scale: Fraction = ONE
    frozen: bool = False
    layer: Layer | None = None
    cut_by: str = ""

    @cached_property
    def shares(self) -> Shares:
        """Signed whole shares per leg."""
        way, scale = self.way.as_integer_ratio(), self.scale.as_integer_ratio()
        return self._leg(0, way, scale), self._leg(1, way, scale)

    @property
    def adds(self) -> bool:
        """Whether the move asks for more of any leg than it starts from."""
        return self.kind in (Kind.ADDS, Kind.MIXED, Kind.TURNS)

    @cached_property
    def ticks(self) -> tuple[int, int]:
        """Signed ticks per leg at today's prices."""
        return self.shares[0] * self.prices[0], self.shares[1] * self.prices[1]

    @property
    def legs(self) -> tuple[Leg[int], Leg[int]]:
        """Both legs in ticks."""
        return self._legs(*self.ticks)

    @property
    def widest(self) -> tuple[Leg[int], Leg[int]]:
        """Both legs in ticks, none negative, as large as any point of the way makes them, however the move is cut."""
        (start_a, start_b), (goal_a, goal_b), (price_a, price_b) = self.start, self.goal, self.prices
        return self._legs(max(abs(start_a), abs(goal_a)) * price_a, max(abs(start_b), abs(goal_b)) * price_b)

    def gross(self, shares: Shares) -> int:
        """|A| + |B| in ticks at today's prices."""
        return abs(shares[0]) * self.prices[0] + abs(shares[1]) * self.prices[1]

    def traded(self) -> int:
        """Ticks traded, both legs together."""
        return self.distance(self.held, self.shares)

    def distance(self, one: Shares, other: Shares) -> int:
        """Ticks between two positions, leg by leg."""
        return self.gross((one[0] - other[0], one[1] - other[1]))

    def cut(self, layer: Layer, by: str, *, way: Fraction | None = None, scale: Fraction | None = None) -> Move:
        """The move going less far, or smaller, and who asked for it."""
        return replace(
            self,
            way=self.way if way is None else min(self.way, way),
            scale=self.scale if scale is None else min(self.scale, scale),
            layer=layer,
            cut_by=by,
        )

    def path(self, place: int, cut: Cut) -> LegPath:
        """One leg's ticks while ``way`` or ``scale`` is cut to some of its STEPS."""
        (way, of_way), (scale, of_scale) = self.way.as_integer_ratio(), self.scale.as_integer_ratio()
        start, change = self.start[place], self.aim[place] - self.start[place]
        over, lot, price = of_way * of_scale * STEPS, self.lots[place], self.prices[place]
        if cut is Cut.SCALE:
            return LegPath(0, 0, scale * (start * of_way + way * change), over, lot, 0, price)
        origin = self._leg(place, (0, 1), (scale, of_scale)) * price
        least = self._least(place, (scale, of_scale))
        return LegPath(origin, scale * start * of_way * STEPS, scale * way * change, over, lot, least, price)

    def _leg(self, place: int, way_ratio: Ratio, scale_ratio: Ratio) -> int:
        """Signed whole shares; in whole numbers throughout, for a point of the way is a fraction of a share."""
        start = self.start[place]
        (way, of_way), (scale, of_scale) = way_ratio, scale_ratio
        if scale == of_scale and way in (of_way, 0):
            return start if way == 0 else self.goal[place]
        point = scale * (start * of_way + way * (self.aim[place] - start))
        return _whole_lots(point, of_scale * of_way, self.lots[place], self._least(place, scale_ratio))

    def _least(self, place: int, scale_ratio: Ratio) -> int:
        """Shares that rounding to lots leaves at least: those at the start of a leg that grows, where nothing shrinks the whole."""
        start, aim = abs(self.start[place]), abs(self.aim[place])
        return start if aim > start and scale_ratio[0] == scale_ratio[1] else 0

    def _legs(self, first: int, second: int) -> tuple[Leg[int], Leg[int]]:
        return Leg(self.ticket_id, self.symbols[0], first), Leg(self.ticket_id, self.symbols[1], second)


@dataclass(frozen=True, slots=True)
class LegPath:
    """The ticks of one leg while its move is cut: ``origin`` where nothing is left, else whole lots of a straight line.

    After ``step`` of STEPS that line is at (``fixed`` + ``slope`` x step) / ``over`` shares; ``least`` shares stay.
    """

    origin: int
    fixed: int
    slope: int
    over: int
    lot: int
    least: int
    price: int

    def ticks(self, step: int) -> int:
        """Signed ticks after so many of STEPS, fewer than all of them."""
        if step == 0:
            return self.origin
        return _whole_lots(self.fixed + self.slope * step, self.over, self.lot, self.least) * self.price


def _whole_lots(point: int, over: int, lot: int, least: int) -> int:
    """``point`` / ``over`` shares rounded toward zero to lots, but not below ``least``."""
    size = max(abs(point) // (over * lot) * lot, least)
    return -size if point < 0 else size


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
    sizes = (rules.lots.get(known.symbols[0], 1), rules.lots.get(known.symbols[1], 1))
    turns = any(old * new < 0 for old, new in zip(before, wanted, strict=True))
    start: Shares = (0, 0) if turns else before
    goal = (_goal(start[0], wanted[0], sizes[0]), _goal(start[1], wanted[1], sizes[1]))
    frozen = known.frozen or (held is not None and held.frozen)
    kind = _kind(start, goal, turns=turns)
    return Move(
        ticket_id=known.ticket_id,
        symbols=known.symbols,
        held=before,
        wanted=wanted,
        start=before if frozen else start,
        aim=before if frozen else wanted,
        goal=before if frozen else goal,
        prices=(prices[known.symbols[0]], prices[known.symbols[1]]),
        lots=sizes,
        kind=Kind.NOTHING if frozen else kind,
        reason=TicketReason.FROZEN if frozen else _reason(before, wanted, goal, kind),
        frozen=frozen,
    )


def _goal(start: int, wanted: int, lot: int) -> int:
    """Whole lots of what is wanted; an odd lot that is held is not given up for being one."""
    size = abs(wanted) // lot * lot
    if abs(wanted) >= abs(start):
        size = max(size, abs(start))
    return -size if (wanted or start) < 0 else size


def _kind(start: Shares, goal: Shares, *, turns: bool) -> Kind:
    if turns:
        return Kind.TURNS
    grows = any(abs(new) > abs(old) for old, new in zip(start, goal, strict=True))
    shrinks = any(abs(new) < abs(old) for old, new in zip(start, goal, strict=True))
    if grows and shrinks:
        return Kind.MIXED
    if grows:
        return Kind.ADDS
    return Kind.REDUCES if shrinks else Kind.NOTHING


def _reason(before: Shares, wanted: Shares, goal: Shares, kind: Kind) -> TicketReason:
    if not any(wanted):
        return TicketReason.EXIT if any(before) else TicketReason.FLAT
    if kind is Kind.NOTHING:
        return TicketReason.WITHIN_BAND if before == wanted else TicketReason.LOT_ROUNDS_TO_ZERO
    if kind is Kind.ADDS:
        return TicketReason.INCREASE if any(before) else TicketReason.ENTRY
    reasons = {
        Kind.MIXED: TicketReason.REBALANCE,
        Kind.REDUCES: TicketReason.REDUCTION,
        Kind.TURNS: TicketReason.REVERSAL,
    }
    return reasons[kind]
