"""The guards over the whole book: symbol, group and portfolio limits, kept by whole tickets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Literal

from riskdesk_assets.guards.ticket_move import ONE, ZERO, Kind, Move
from riskdesk_assets.guards.ticket_triggers import WAITING
from riskdesk_assets.guards.ticket_types import TicketReason
from riskdesk_assets.guards.types import Layer
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_assets.limits.whole_sums import WholeSums

Moves = Mapping[str, Move]
_Cut = Literal["way", "scale"]
_WAY: _Cut = "way"
_SCALE: _Cut = "scale"
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
    book = _sums(moves.values())
    return moves, tuple(limit.name for limit in bounding if book.measured(limit) > limit.bound)


def _in_turn(moves: Moves, limits: Sequence[Limit], *, whole: bool) -> Moves:
    """The book with one limit after the other kept; most hold already, and are only measured."""
    book = _sums(moves.values())
    for limit in limits:
        if book.measured(limit) > limit.bound:
            moves = {**moves, **_kept(_touched(moves, limit), limit, whole=whole)}
            book = _sums(moves.values())
    return moves


def _touched(moves: Moves, limit: Limit) -> Moves:
    """The tickets that can change a limit's quantity: what the others hold is none of it."""
    return {key: move for key, move in moves.items() if limit.touches(move.ticket_id, move.symbols)}


def _kept(moves: Moves, limit: Limit, *, whole: bool) -> Moves:
    """The tickets a limit is about, with the limit kept: first those that wait go to their ideal position where that gives
    something up; then additions are cut, pro rata; then positions. Each only where it lowers the limit's quantity."""
    moves = _released(moves, limit)
    for candidates, cut in ((_added, _WAY), (_held, _SCALE)):
        while (now := _measured(moves, limit)) > limit.bound:
            able = [move for move in moves.values() if candidates(move)]
            chosen = [move.ticket_id for move in able if limit.measured(_legs(moves, (move.ticket_id,), cut, 0)) < now]
            if not chosen and cut is _SCALE:
                # Tickets that hedge one another: none alone lowers it, all together do.
                chosen = [move.ticket_id for move in able]
            if not chosen:
                break
            moves = _cut(moves, chosen, limit, cut, whole=whole)
    return moves


def _cut(moves: Moves, chosen: Sequence[str], limit: Limit, cut: _Cut, *, whole: bool) -> Moves:
    """The chosen tickets cut by the largest common factor that keeps the limit; given up whole where none does."""
    good, bad = 0, _STEPS
    if not whole and limit.measured(_legs(moves, chosen, cut, 0)) <= limit.bound:
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if limit.measured(_legs(moves, chosen, cut, middle)) <= limit.bound else (good, middle)
    factor = Fraction(good, _STEPS)
    return {key: _made(move, factor, limit, cut) if key in chosen else move for key, move in moves.items()}


def _legs(moves: Moves, chosen: Sequence[str], cut: _Cut, step: int) -> list[Leg[int]]:
    """The book's legs with the chosen tickets cut to ``step`` of _STEPS, in ticks."""
    legs: list[Leg[int]] = []
    for key, move in moves.items():
        if key not in chosen:
            legs.extend(move.legs)
            continue
        (way, of_way), (scale, of_scale) = move.ratios
        if cut == _WAY:
            legs.extend(move.at((way * step, of_way * _STEPS), (scale, of_scale)))
        else:
            legs.extend(move.at((way, of_way), (scale * step, of_scale * _STEPS)))
    return legs


def _released(moves: Moves, limit: Limit) -> Moves:
    """A limit is not kept breached for a band, a cadence or the size of an order."""
    return {
        key: replace(move, way=ONE, reason=TicketReason.HARD_LIMIT, layer=layer_of(limit), cut_by="")
        if move.reason in WAITING
        and move.way == ZERO
        and move.kind in (Kind.REDUCES, Kind.MIXED)
        and _measured({**moves, key: replace(move, way=ONE)}, limit) < _measured(moves, limit)
        else move
        for key, move in moves.items()
    }


def _added(move: Move) -> bool:
    return move.adds and move.way > ZERO and not move.frozen


def _held(move: Move) -> bool:
    return any(move.shares) and not move.frozen


def _made(move: Move, factor: Fraction, limit: Limit, cut: _Cut) -> Move:
    if cut == _WAY:
        return move.cut(layer_of(limit), limit.name, way=move.way * factor)
    return move.cut(layer_of(limit), limit.name, scale=move.scale * factor)


def _measured(moves: Moves, limit: Limit) -> int:
    return limit.measured([leg for move in moves.values() for leg in move.legs])


def _sums(moves: Iterable[Move]) -> WholeSums:
    return WholeSums(leg for move in moves for leg in move.legs)
