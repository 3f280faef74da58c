"""The guards over the whole book: symbol, group and portfolio limits, kept by whole tickets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from riskdesk_assets.guards.ticket_move import ONE, ZERO, Kind, Move
from riskdesk_assets.guards.ticket_triggers import WAITING
from riskdesk_assets.guards.ticket_types import TicketReason
from riskdesk_assets.guards.types import Layer
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure

Moves = Mapping[str, Move]
# Cuts are made in this many steps: finer ones are below a lot.
_STEPS = 1 << 20
# Rounds over all limits with proportional cuts; after them what is over a limit is given up whole.
_ROUNDS = 24
# Bound by what the ideal portfolio adds; a position between yesterday's and the ideal one adds no more.
_OF_ADDITIONS = frozenset((Measure.ADDITIONS, Measure.COUNT, Measure.TRADED))
_OF_SYMBOLS = frozenset((Family.NAME_GROSS, Family.LEG_NOTIONAL, Family.TICKET_GROSS))
_OF_GROUPS = frozenset((Family.GROUP, Family.SECTOR, Family.COUNTRY, Family.CURRENCY, Family.FRAGILITY, Family.BUCKET))


def layer_of(limit: Limit) -> Layer:
    """The guard that keeps a limit."""
    if limit.family in _OF_SYMBOLS or (limit.measure is Measure.NET and len(limit.members) == 1):
        return Layer.PER_SYMBOL
    return Layer.GROUP if limit.family in _OF_GROUPS else Layer.PORTFOLIO


def within_layer(moves: Moves, limits: Sequence[Limit], layer: Layer) -> Moves:
    """The book with every limit of one layer kept, as far as frozen legs let it."""
    return _in_turn(moves, [one for one in limits if layer_of(one) is layer and one.measure not in _OF_ADDITIONS], whole=False)


def within_all(moves: Moves, limits: Sequence[Limit]) -> tuple[Moves, tuple[str, ...]]:
    """The book with every limit kept, and the names of those that frozen legs alone breach.

    Keeping one limit can break another, where tickets hedge one another; so it is done over until none is broken.
    """
    bounding = [limit for limit in limits if limit.measure not in _OF_ADDITIONS]
    for number in range(_ROUNDS + len(moves)):
        before = moves
        moves = _in_turn(moves, bounding, whole=number >= _ROUNDS)
        if moves == before:
            break
    legs = _legs(moves.values())
    return moves, tuple(limit.name for limit in bounding if limit.measured(legs) > limit.bound)


def _in_turn(moves: Moves, limits: Sequence[Limit], *, whole: bool) -> Moves:
    """The book with one limit after the other kept; most hold already, and are only measured."""
    legs = _legs(moves.values())
    for limit in limits:
        if limit.measured(legs) > limit.bound:
            moves = _kept(moves, limit, whole=whole)
            legs = _legs(moves.values())
    return moves


def _kept(moves: Moves, limit: Limit, *, whole: bool) -> Moves:
    """First the tickets that wait go to their ideal position where that gives something up; then additions are cut, pro rata;
    then positions. Each only where it lowers the limit's quantity."""
    moves = _released(moves, limit)
    for candidates, cut in ((_added, _way), (_held, _scale)):
        while (now := _measured(moves, limit)) > limit.bound:
            able = [move for move in moves.values() if candidates(move) and limit.touches(move.ticket_id, move.symbols)]
            chosen = [
                move.ticket_id for move in able if _measured({**moves, move.ticket_id: cut(move, ZERO, limit)}, limit) < now
            ]
            if not chosen and cut is _scale:
                # Tickets that hedge one another: none alone lowers it, all together do.
                chosen = [move.ticket_id for move in able]
            if not chosen:
                break
            moves = _cut(moves, chosen, limit, cut, whole=whole)
    return moves


def _cut(
    moves: Moves, chosen: Sequence[str], limit: Limit, cut: Callable[[Move, Fraction, Limit], Move], *, whole: bool
) -> Moves:
    """The chosen tickets cut by the largest common factor that keeps the limit; given up whole where none does."""

    def at(step: int) -> Moves:
        factor = Fraction(step, _STEPS)
        return {key: cut(move, factor, limit) if key in chosen else move for key, move in moves.items()}

    good, bad = 0, _STEPS
    if whole or _measured(at(0), limit) > limit.bound:
        return at(0)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if _measured(at(middle), limit) <= limit.bound else (good, middle)
    return at(good)


def _released(moves: Moves, limit: Limit) -> Moves:
    """A limit is not kept breached for a band, a cadence or the size of an order."""
    return {
        key: replace(move, way=ONE, reason=TicketReason.HARD_LIMIT, layer=layer_of(limit), cut_by="")
        if move.reason in WAITING
        and move.way == ZERO
        and move.kind in (Kind.REDUCES, Kind.MIXED)
        and limit.touches(key, move.symbols)
        and _measured({**moves, key: replace(move, way=ONE)}, limit) < _measured(moves, limit)
        else move
        for key, move in moves.items()
    }


def _added(move: Move) -> bool:
    return move.adds and move.way > ZERO and not move.frozen


def _held(move: Move) -> bool:
    return any(move.shares) and not move.frozen


def _way(move: Move, factor: Fraction, limit: Limit) -> Move:
    return move.cut(layer_of(limit), limit.name, way=move.way * factor)


def _scale(move: Move, factor: Fraction, limit: Limit) -> Move:
    return move.cut(layer_of(limit), limit.name, scale=move.scale * factor)


def _measured(moves: Moves, limit: Limit) -> int:
    return limit.measured(_legs(moves.values()))


def _legs(moves: Iterable[Move]) -> list[Leg[int]]:
    return [leg for move in moves for leg in move.legs]
