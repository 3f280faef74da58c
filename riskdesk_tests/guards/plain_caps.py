"""The guards' caps by their definition: every limit measured anew on the legs of the whole book, whatever changes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from riskdesk_assets.guards.book_caps import layer_of
from riskdesk_assets.guards.ticket_move import STEPS, Kind, Move, Route
from riskdesk_assets.guards.ticket_triggers import WAITING
from riskdesk_assets.guards.ticket_types import Shares, TicketReason
from riskdesk_assets.guards.types import Layer
from riskdesk_assets.limits.limit import Leg, Limit

ZERO, ONE = Fraction(0), Fraction(1)
Moves = Mapping[str, Move]


def shares_at(route: Route, way: Fraction, scale: Fraction) -> Shares:
    """Whole lots of a point of the way, shrunk; not below the start where a leg grows and nothing shrinks the whole."""
    return leg_at(route, 0, way, scale), leg_at(route, 1, way, scale)


def leg_at(route: Route, place: int, way: Fraction, scale: Fraction) -> int:
    start, aim, lot = route.start[place], route.aim[place], route.lots[place]
    if scale == 1 and way in (0, 1):
        return route.goal[place] if way else start
    point = start + way * (aim - start)
    size = math.floor(scale * abs(point) / lot) * lot
    if scale == 1 and abs(aim) > abs(start):
        size = max(size, abs(start))
    return -size if point < 0 else size


def changed(move: Move, **fields: object) -> Move:
    """The move with other fields, and the shares that follow from them."""
    after = move._replace(**fields)
    return after._replace(shares=shares_at(after.route, after.way, after.scale))


def measured(moves: Moves, limit: Limit) -> int:
    """The limit's own measure of every leg."""
    return limit.measured(
        [
            Leg(move.route.ticket_id, symbol, count * price)
            for move in moves.values()
            for symbol, count, price in zip(move.route.symbols, move.shares, move.route.prices, strict=True)
        ]
    )


def within_layer(moves: Moves, limits: Sequence[Limit], layer: Layer) -> Moves:
    """The book with one limit of the layer after the other kept."""
    return _in_turn(moves, [limit for limit in limits if layer_of(limit) is layer], whole=False)


def within_all(moves: Moves, limits: Sequence[Limit]) -> tuple[Moves, tuple[str, ...]]:
    """The book with every limit kept, over and over until nothing changes, and what stays breached."""
    for number in range(24 + len(moves)):
        before = moves
        moves = _in_turn(moves, limits, whole=number >= 24)
        if moves == before:
            break
    return moves, tuple(limit.name for limit in limits if measured(moves, limit) > limit.bound)


def _in_turn(moves: Moves, limits: Sequence[Limit], *, whole: bool) -> Moves:
    for limit in limits:
        if measured(moves, limit) > limit.bound:
            touched = {key: move for key, move in moves.items() if limit.touches(key, move.route.symbols)}
            moves = {**moves, **_kept(touched, limit, whole=whole)}
    return moves


def _kept(moves: Moves, limit: Limit, *, whole: bool) -> Moves:
    moves = {key: _released(moves, key, limit) for key in moves}
    for field in ("way", "scale"):
        while (now := measured(moves, limit)) > limit.bound:
            able = [key for key, move in moves.items() if not move.route.frozen and _has(move, field)]
            chosen = [key for key in able if measured(_cut(moves, [key], field, ZERO), limit) < now]
            if not chosen and field == "scale":
                chosen = able
            if not chosen:
                break
            factor = ZERO if whole else _factor(moves, chosen, field, limit)
            named = {
                key: move._replace(layer=layer_of(limit), cut_by=limit.name) if key in chosen else move
                for key, move in moves.items()
            }
            moves = _cut(named, chosen, field, factor)
    return moves


def _released(moves: Moves, key: str, limit: Limit) -> Move:
    move = moves[key]
    if move.reason not in WAITING or move.way or move.route.kind not in (Kind.REDUCES, Kind.MIXED):
        return move
    going = changed(move, way=ONE, reason=TicketReason.HARD_LIMIT, layer=layer_of(limit), cut_by="")
    return going if measured({**moves, key: going}, limit) < measured(moves, limit) else move


def _has(move: Move, field: str) -> bool:
    return any(move.shares) if field == "scale" else move.route.adds and move.way > 0


def _cut(moves: Moves, chosen: Sequence[str], field: str, factor: Fraction) -> Moves:
    return {
        key: changed(move, **{field: getattr(move, field) * factor}) if key in chosen else move for key, move in moves.items()
    }


def _factor(moves: Moves, chosen: Sequence[str], field: str, limit: Limit) -> Fraction:
    good, bad = 0, STEPS
    if measured(_cut(moves, chosen, field, ZERO), limit) > limit.bound:
        return ZERO
    while bad - good > 1:
        middle = (good + bad) // 2
        keeps = measured(_cut(moves, chosen, field, Fraction(middle, STEPS)), limit) <= limit.bound
        good, bad = (middle, bad) if keeps else (good, middle)
    return Fraction(good, STEPS)
