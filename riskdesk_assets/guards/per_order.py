"""The second guard, for tickets: the largest order of a leg, whole lots, and dust."""

from __future__ import annotations

from fractions import Fraction

from riskdesk_assets.guards.ticket_move import ZERO, Kind, Move
from riskdesk_assets.guards.ticket_types import GuardRules, TicketReason
from riskdesk_assets.guards.types import Layer


def sized(move: Move, rules: GuardRules) -> Move:
    """The move with each leg's order within ``per_trade``, both legs by the smaller ratio; what only reduces is not cut.

    A turn's exit is not an order to be cut: only what is built on the other side is. Where one lot of a growing leg is above
    ``per_trade`` nothing is added (reading X-28).
    """
    route = move.route
    if not route.adds or not move.way:
        return move
    way, by = move.way, TicketReason.MAX_NOTIONAL
    for place, symbol in enumerate(route.symbols):
        change = abs(route.aim[place] - route.start[place])
        most = rules.most_per_order(symbol)
        if change == 0:
            continue
        if route.lots[place] * route.prices[place] > most and abs(route.goal[place]) > abs(route.start[place]):
            way, by = ZERO, TicketReason.LOT_EXCEEDS_MAX_NOTIONAL
            break
        if change * route.prices[place] > most:
            way = min(way, Fraction(most, change * route.prices[place]))
    return move if way == move.way else move.cut(Layer.PER_TRADE, by, way=way)


def without_dust(move: Move, rules: GuardRules) -> Move:
    """The ticket staying where it is if its order, both legs together, is below ``min_order``; exits, stops and turns pass."""
    if move.route.kind is Kind.TURNS or not any(move.route.goal) or not move.way:
        return move
    if 0 < move.traded() < rules.min_order:
        return move.goes(ZERO, TicketReason.BELOW_MIN_ORDER, Layer.PER_TRADE)
    return move
