"""How a guard takes lots away from an order: the most that its bound allows, and nothing where that is dust."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from riskdesk_assets.guards.lots import most_lots
from riskdesk_assets.guards.types import Action, Layer, PolicyContext, PolicyDecision, Proposal, Reason


def clipped(
    context: PolicyContext, proposal: Proposal, layer: Layer, reason: Reason, allowed: Callable[[int], bool]
) -> Proposal | PolicyDecision:
    """The order with the most lots that are allowed; DENY where none are, or where what is left is dust.

    Args:
        context: what is asked.
        proposal: an order in whole lots.
        layer: the guard that asks.
        reason: the bound it asks for.
        allowed: whether so many signed lots keep the bound; true for 0 and then up to some number.
    """
    lots = most_lots(proposal.lots, allowed)
    if lots == proposal.lots:
        return proposal
    policy = context.config.risk.per_trade
    if lots == 0 or abs(lots) * policy.lot_size * context.price < policy.min_order_notional:
        return denied(context, proposal, layer, reason)
    return replace(proposal, lots=lots, clipped_by=layer, reason=reason)


def notional_after(context: PolicyContext, lots: int) -> float:
    """Signed dollars of the position after trading so many lots."""
    return (context.current_shares + lots * context.config.risk.per_trade.lot_size) * context.price


def denied(context: PolicyContext, proposal: Proposal, layer: Layer, reason: Reason) -> PolicyDecision:
    """DENY with what was asked for."""
    metadata = {**proposal.metadata, "wanted_shares": proposal.wanted, "wanted_notional": proposal.wanted * context.price}
    return PolicyDecision(Action.DENY, 0, reason, layer, metadata)
