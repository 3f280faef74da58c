"""Whether a ticket moves today: its stop, its band, what was committed last, its cadence."""

from __future__ import annotations

from riskdesk_assets.guards.ticket_move import ZERO, Kind, Move, Route
from riskdesk_assets.guards.ticket_types import GuardRules, Shares, TicketMemory, TicketReason
from riskdesk_assets.guards.types import Layer

# A ticket stays where it is for these; a hard limit overrules them where going to the ideal position gives something up.
WAITING = frozenset((TicketReason.WITHIN_BAND, TicketReason.CADENCE_NOT_ELAPSED, TicketReason.BELOW_MIN_ORDER))


def triggered(move: Move, memory: TicketMemory | None, rules: GuardRules) -> Move:
    """The move, or the same ticket staying where it is, with the reason.

    What only reduces, an exit and a turn pass at once. Else: inside the band, measured by what would be traded as a share of
    the ideal gross, it stays; outside it moves if nothing was committed yet, if the target moved by more than the threshold
    from the last committed one, if an order is unfinished, or if the cadence has elapsed (readings X-15, X-32).
    """
    route = move.route
    if not route.adds or route.kind is Kind.TURNS:
        return move
    # Without the fractions' own arithmetic, which costs more than the rest: x <= p / q * y where q * x <= p * y.
    if route.distance(route.held, route.goal) * rules.band.denominator <= rules.band.numerator * route.gross(route.goal):
        return move.goes(ZERO, TicketReason.WITHIN_BAND, Layer.PER_SYMBOL)
    if memory is None or memory.unfinished or memory.sessions_since + 1 >= rules.cadence_sessions:
        return move
    changed = abs(signed_gross(route, route.goal) - memory.committed)
    if changed * rules.signal_change.denominator > rules.signal_change.numerator * abs(memory.committed):
        return move
    return move.goes(ZERO, TicketReason.CADENCE_NOT_ELAPSED, Layer.PER_SYMBOL)


def stopped(move: Move, memory: TicketMemory | None, stop: int) -> Move:
    """The ticket going flat once it has lost more than the stop since entry, and staying flat until its ideal has been flat."""
    route = move.route
    if memory is None or route.frozen:
        return move
    lost = -(memory.cash + _value(route, route.held)) if any(route.held) else 0
    if not memory.stopped and lost <= stop:
        return move
    if not any(route.wanted) and not memory.stopped:
        return move
    reason = TicketReason.STOP if any(route.held) else TicketReason.STOPPED_OUT
    kind = Kind.REDUCES if any(route.held) else Kind.NOTHING
    return route._replace(start=route.held, aim=(0, 0), goal=(0, 0), kind=kind).whole(reason, Layer.PER_SYMBOL)


def signed_gross(route: Route, shares: Shares) -> int:
    """Gross of a position in ticks at today's prices, signed by leg A (by leg B, turned, where A is nothing)."""
    lead = shares[0] or -shares[1]
    return route.gross(shares) if lead >= 0 else -route.gross(shares)


def _value(route: Route, shares: Shares) -> int:
    return sum(count * price for count, price in zip(shares, route.prices, strict=True))
