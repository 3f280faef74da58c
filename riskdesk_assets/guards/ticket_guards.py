"""Stage 7: from yesterday's desk positions to the ideal portfolio, ticket by ticket, both legs together.

Document 004 in its order (per symbol, per trade, group, portfolio), read for pairs (X-15, X-16, X-28, X-31, X-32): what is
cut from one leg is cut from the other by the same ratio, to one lot, and what is left over goes to CASH. No ticket goes
beyond the larger of yesterday's and its ideal position, and no hard limit is kept breached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from riskdesk_assets.guards.book_caps import CappedBook
from riskdesk_assets.guards.guard_counters import counters_of
from riskdesk_assets.guards.per_order import sized, without_dust
from riskdesk_assets.guards.ticket_move import ONE, ZERO, Kind, Move, Route, move_of
from riskdesk_assets.guards.ticket_triggers import signed_gross, stopped, triggered
from riskdesk_assets.guards.ticket_types import (
    GuardMemory,
    GuardResult,
    GuardRules,
    Shares,
    TicketDecision,
    TicketMemory,
    TicketReason,
    TicketShares,
)
from riskdesk_assets.guards.types import Action, Layer, MetadataValue
from riskdesk_assets.limits.limit import Limit

_NOOPS = frozenset(
    (
        TicketReason.WITHIN_BAND,
        TicketReason.CADENCE_NOT_ELAPSED,
        TicketReason.LOT_ROUNDS_TO_ZERO,
        TicketReason.FROZEN,
        TicketReason.FLAT,
    )
)
_ACTS = frozenset((Action.ALLOW, Action.CLIP))
_STOPS = frozenset((TicketReason.STOP, TicketReason.STOPPED_OUT))


def guard_book(
    previous: Sequence[TicketShares],
    ideal: Sequence[TicketShares],
    prices: Mapping[str, int],
    rules: GuardRules,
    memory: GuardMemory,
    session: date,
    limits: Sequence[Limit] = (),
) -> GuardResult:
    """One session's decisions; the order of tickets changes nothing.

    Args:
        previous: yesterday's desk positions, after splits and closings.
        ideal: the ideal portfolio per ticket; a ticket that is not in it is to be flat.
        prices: ticks of 1e-4 dollars per symbol; the last print for a frozen leg.
        rules: desk.guards in integers, with the guards' own caps.
        memory: what the session before remembered.
        session: the session decided on.
        limits: the session's hard limits, kept beside the guards' own caps.

    Raises:
        ValueError: a ticket appears twice, or holds other symbols than it wants.
        KeyError: a symbol has no price.
    """
    held, wanted = _by_ticket(previous), _by_ticket(ideal)
    whole = [move_of(held.get(key), wanted.get(key), prices, rules) for key in sorted({*held, *wanted})]
    known = memory.by_ticket
    book = CappedBook([_started(move, known.get(move.route.ticket_id), rules) for move in whole], (*rules.caps, *limits))
    book.keep_layer(Layer.PER_SYMBOL)
    book.change(lambda move: without_dust(sized(move, rules), rules))
    for layer in (Layer.GROUP, Layer.PORTFOLIO):
        book.keep_layer(layer)
        book.change(lambda move: _not_clipped_to_dust(move, rules))
    breaches = book.keep_all()
    moves = book.moves
    decisions = tuple(_decision(move) for move in moves)
    guarded = {move.ticket_id: move.shares for move in moves}
    positions = guarded if rules.mode != "shadow" else {move.ticket_id: move.route.wanted for move in whole}
    return GuardResult(
        positions=positions,
        guarded=guarded,
        decisions=decisions,
        memory=_remembered(moves, decisions, positions, known, session),
        counters=counters_of(decisions),
        breaches=breaches,
    )


def _by_ticket(tickets: Sequence[TicketShares]) -> dict[str, TicketShares]:
    found = {item.ticket_id: item for item in tickets}
    if len(found) != len(tickets):
        raise ValueError("a ticket appears twice")
    return found


def _started(move: Move, memory: TicketMemory | None, rules: GuardRules) -> Move:
    after_stop = move if rules.stop is None else stopped(move, memory, rules.stop)
    return after_stop if after_stop is not move else triggered(move, memory, rules)


def _not_clipped_to_dust(move: Move, rules: GuardRules) -> Move:
    """An order that a cap leaves below the smallest one is not sent at all; the cap is still what is named."""
    if not move.cut_by or move.route.kind not in (Kind.ADDS, Kind.MIXED):
        return move
    small = ZERO < move.way < ONE and move.scale == ONE and 0 < move.traded() < rules.min_order
    return move.cut(move.layer, move.cut_by, way=ZERO) if small else move


def _decision(move: Move) -> TicketDecision:
    route, after = move.route, move.shares
    metadata: dict[str, MetadataValue] = {"kind": route.kind.value}
    if after == route.held:
        if move.cut_by and move.way and move.scale == 1:
            action, layer, reason = Action.NOOP, move.layer, str(TicketReason.LOT_ROUNDS_TO_ZERO)
        elif move.cut_by:
            action, layer, reason = Action.DENY, move.layer, move.cut_by
        else:
            action = Action.NOOP if move.reason in _NOOPS else Action.DENY
            layer, reason = move.layer, str(move.reason)
            if route.kind is Kind.NOTHING and move.reason is not TicketReason.STOPPED_OUT:
                action = Action.NOOP
    elif after == route.goal:
        action, layer, reason = Action.ALLOW, move.layer or Layer.PER_SYMBOL, str(move.reason)
    else:
        action, layer, reason = Action.CLIP, move.layer, move.cut_by or str(move.reason)
        asked = route.distance(route.held, route.goal)
        metadata["clip_ratio"] = min(1.0, move.traded() / asked) if asked else 0.0
        metadata["moves_for"] = str(move.reason)
    return TicketDecision(route.ticket_id, route.symbols, action, layer, reason, route.held, route.wanted, after, metadata)


def _remembered(
    moves: Sequence[Move],
    decisions: Sequence[TicketDecision],
    positions: Mapping[str, Shares],
    memory: Mapping[str, TicketMemory],
    session: date,
) -> GuardMemory:
    kept: list[TicketMemory] = []
    for decision, move in zip(decisions, moves, strict=True):
        route = move.route
        known, after = memory.get(route.ticket_id), positions[route.ticket_id]
        if not any(after) and not any(route.wanted) and not any(move.shares):
            continue
        # A position that nothing is remembered of is its own commitment.
        old = known or TicketMemory(route.ticket_id, committed=signed_gross(route, route.held))
        acts = decision.action in _ACTS
        cut_short = decision.action is Action.CLIP and decision.layer is Layer.PER_TRADE
        kept.append(
            TicketMemory(
                route.ticket_id,
                committed=signed_gross(route, route.goal) if acts else old.committed,
                rebalanced_on=session if acts else old.rebalanced_on,
                sessions_since=0 if acts else old.sessions_since + 1,
                unfinished=cut_short if acts else old.unfinished,
                cash=_cash(known, route, after),
                stopped=move.reason in _STOPS or (route.frozen and old.stopped),
            )
        )
    return GuardMemory(tuple(kept))


def _cash(old: TicketMemory | None, route: Route, after: Shares) -> int:
    """Ticks paid and received since the position was entered; an entry or a turn begins anew, and a position that nothing is
    remembered of begins at today's value."""
    (held_a, held_b), (after_a, after_b), (price_a, price_b) = route.held, after, route.prices
    if old is None or not any(route.held) or held_a * after_a < 0 or held_b * after_b < 0:
        return -(after_a * price_a + after_b * price_b)
    return old.cash - (after_a - held_a) * price_a - (after_b - held_b) * price_b
