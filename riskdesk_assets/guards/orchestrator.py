"""The four guards, asked in the order of document 004."""

from __future__ import annotations

from datetime import datetime

from riskdesk_assets.guards.group import GroupGuard
from riskdesk_assets.guards.per_symbol import PerSymbolGuard, capped_target
from riskdesk_assets.guards.per_trade import PerTradeGuard
from riskdesk_assets.guards.portfolio import PortfolioGuard
from riskdesk_assets.guards.types import Action, Layer, PolicyContext, PolicyDecision, PositionIntent, Proposal


class PolicyOrchestrator:
    """Per symbol, per trade, group, portfolio; each may only take away from what the one before left (document 004)."""

    def __init__(self) -> None:
        self.per_symbol = PerSymbolGuard()
        self.after = (PerTradeGuard(), GroupGuard(), PortfolioGuard())

    def evaluate(self, context: PolicyContext, intent: PositionIntent | None, now: datetime) -> PolicyDecision:
        """The decision on one symbol; nothing is remembered.

        Args:
            context: what is asked, and the configuration.
            intent: what was committed last for the symbol; None: nothing yet.
            now: timezone-aware time of the decision.

        Raises:
            ValueError: a time without a time zone, or an intent of another symbol.
        """
        if now.tzinfo is None:
            raise ValueError(f"{context.symbol}: a time without a time zone")
        if intent is not None and intent.symbol != context.symbol:
            raise ValueError(f"the intent is of {intent.symbol}, the question of {context.symbol}")
        outcome = self.per_symbol.evaluate(context, intent, now)
        for guard in self.after:
            if isinstance(outcome, PolicyDecision):
                return outcome
            outcome = guard.evaluate(context, outcome)
        return outcome if isinstance(outcome, PolicyDecision) else _decision(context, outcome)


def intent_after(
    context: PolicyContext, decision: PolicyDecision, intent: PositionIntent | None, now: datetime
) -> PositionIntent | None:
    """What is remembered once a decision has been acted on: a new intent where something is traded, else the old one."""
    if decision.action not in (Action.ALLOW, Action.CLIP):
        return intent
    return PositionIntent(context.symbol, capped_target(context), now)


def _decision(context: PolicyContext, proposal: Proposal) -> PolicyDecision:
    quantity = proposal.lots * context.config.risk.per_trade.lot_size
    if proposal.clipped_by is None:
        return PolicyDecision(Action.ALLOW, quantity, proposal.reason, Layer.PER_SYMBOL, proposal.metadata)
    metadata = {
        **proposal.metadata,
        "wanted_shares": proposal.wanted,
        "wanted_notional": proposal.wanted * context.price,
        "clip_ratio": min(1.0, quantity / proposal.wanted) if proposal.wanted else 1.0,
    }
    return PolicyDecision(Action.CLIP, quantity, proposal.reason, proposal.clipped_by, metadata)
