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
Ratio = tuple[int, int]


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
        way, scale = self.ratios
        return self._leg(0, way, scale), self._leg(1, way, scale)

    @property
    def adds(self) -> bool:
        """Whether the move asks for more of any leg than it starts from."""
        return self.kind in (Kind.ADDS, Kind.MIXED, Kind.TURNS)

    @cached_property
    def legs(self) -> tuple[Leg[int], Leg[int]]:
        """Both legs in ticks."""
        first, second = (
            Leg(self.ticket_id, symbol, count * price)
            for symbol, count, price in zip(self.symbols, self.shares, self.prices, strict=True)
        )
        return first, second

    def gross(self, shares: Shares) -> int:
        """|A| + |B| in ticks at today's prices."""
        return sum(abs(count) * price for count, price in zip(shares, self.prices, strict=True))

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

    def at(self, way: Ratio, scale: Ratio) -> tuple[Leg[int], Leg[int]]:
        """Both legs in ticks, were the move to go ``way`` of its way and shrink to ``scale``; ratios need not be reduced."""
        first, second = (
            Leg(self.ticket_id, symbol, self._leg(place, way, scale) * price)
            for place, (symbol, price) in enumerate(zip(self.symbols, self.prices, strict=True))
        )
        return first, second

    @cached_property
    def ratios(self) -> tuple[Ratio, Ratio]:
        """``way`` and ``scale`` as numerator and denominator."""
        return self.way.as_integer_ratio(), self.scale.as_integer_ratio()

    def _leg(self, place: int, way_ratio: Ratio, scale_ratio: Ratio) -> int:
        """Signed whole shares; in whole numbers throughout, for a point of the way is a fraction of a share."""
        start, aim, lot = self.start[place], self.aim[place], self.lots[place]
        (way, of_way), (scale, of_scale) = way_ratio, scale_ratio
        if scale == of_scale and way in (of_way, 0):
            return start if way == 0 else self.goal[place]
        point = start * of_way + way * (aim - start)
        size = scale * abs(point) // (of_scale * of_way * lot) * lot
        if scale == of_scale and abs(aim) > abs(start):
            size = max(size, abs(start))
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
