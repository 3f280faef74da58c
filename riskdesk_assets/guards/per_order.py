"""The second guard, for tickets: the largest order of a leg, whole lots, and dust."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from riskdesk_assets.guards.ticket_move import ZERO, Kind, Move
from riskdesk_assets.guards.ticket_types import GuardRules, TicketReason
from riskdesk_assets.guards.types import Layer


def sized(move: Move, rules: GuardRules) -> Move:
    """The move with each leg's order within ``per_trade``, both legs by the smaller ratio; what only reduces is not cut.

    A turn's exit is not an order to be cut: only what is built on the other side is. Where one lot of a growing leg is above
    ``per_trade`` nothing is added (reading X-28).
    """
    if not move.adds or not move.way:
        return move
    way, by = move.way, TicketReason.MAX_NOTIONAL
    for place, symbol in enumerate(move.symbols):
        change = abs(move.aim[place] - move.start[place])
        most = rules.most_per_order(symbol)
        if change == 0:
            continue
        if move.lots[place] * move.prices[place] > most and abs(move.goal[place]) > abs(move.start[place]):
            way, by = ZERO, TicketReason.LOT_EXCEEDS_MAX_NOTIONAL
            break
        if change * move.prices[place] > most:
            way = min(way, Fraction(most, change * move.prices[place]))
    return move if way == move.way else move.cut(Layer.PER_TRADE, by, way=way)


def without_dust(move: Move, rules: GuardRules) -> Move:
    """The ticket staying where it is if its order, both legs together, is below ``min_order``; exits, stops and turns pass."""
    if move.kind is Kind.TURNS or not any(move.goal) or not move.way:
        return move
    if 0 < move.traded() < rules.min_order:
        return replace(move, way=ZERO, reason=TicketReason.BELOW_MIN_ORDER, layer=Layer.PER_TRADE, cut_by="")
    return move
