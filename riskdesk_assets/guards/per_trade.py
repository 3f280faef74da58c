"""The second guard: one order's size limits and whole lots."""

from __future__ import annotations

from dataclasses import replace

from riskdesk_assets.guards.clipping import clipped, denied
from riskdesk_assets.guards.lots import lots_of
from riskdesk_assets.guards.types import Action, Layer, PolicyContext, PolicyDecision, Proposal, Reason


class PerTradeGuard:
    """Size limits, lot rounding, clip, in that order (document 004; readings X-16, X-28). Lots bind reductions too."""

    def evaluate(self, context: PolicyContext, proposal: Proposal) -> Proposal | PolicyDecision:
        """The order in whole lots, at most ``max_notional`` and at least ``min_order_notional`` dollars."""
        policy = context.config.risk.per_trade
        lot_value = policy.lot_size * context.price
        if lot_value > policy.max_notional:
            return denied(context, proposal, Layer.PER_TRADE, Reason.LOT_EXCEEDS_MAX_NOTIONAL)
        lots = _rounded(context, proposal)
        if lots == 0:
            return PolicyDecision(Action.NOOP, 0, Reason.LOT_ROUNDS_TO_ZERO, Layer.PER_TRADE, proposal.metadata)
        whole = replace(proposal, lots=lots)
        if abs(lots) * lot_value < policy.min_order_notional:
            return denied(context, whole, Layer.PER_TRADE, Reason.BELOW_MIN_ORDER)
        return clipped(
            context, whole, Layer.PER_TRADE, Reason.MAX_NOTIONAL, lambda count: abs(count) * lot_value <= policy.max_notional
        )


def _rounded(context: PolicyContext, proposal: Proposal) -> int:
    lot_size, cap = context.config.risk.per_trade.lot_size, context.config.risk.per_symbol.cap(context.symbol)
    edge = proposal.edge / context.price
    lots = lots_of(context.current_shares, edge, lot_size, floor=proposal.floor)
    after = abs(context.current_shares + lots * lot_size) * context.price
    if after > cap and after > abs(context.current_notional):
        # The nearest lot would take the position over its cap: then the cap is what binds.
        lots = lots_of(context.current_shares, edge, lot_size, floor=True)
    return lots
