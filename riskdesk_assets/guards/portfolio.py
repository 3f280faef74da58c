"""The fourth guard: gross and net of the whole portfolio."""

from __future__ import annotations

from riskdesk_assets.guards.clipping import clipped, notional_after
from riskdesk_assets.guards.lots import most_lots
from riskdesk_assets.guards.types import Layer, PolicyContext, PolicyDecision, Proposal, Reason


class PortfolioGuard:
    """Caps sum of |position| and |sum of position|; one that is breached already is never made worse (document 004)."""

    def evaluate(self, context: PolicyContext, proposal: Proposal) -> Proposal | PolicyDecision:
        """The most lots that keep gross and net within their caps; the tighter of the two is named."""
        policy, state = context.config.risk.portfolio, context.portfolio_state
        gross, net, current = state["gross_exposure"], state["net_exposure"], context.current_notional
        gross_bound, net_bound = max(policy.gross_cap, gross), max(policy.net_cap, abs(net))

        def gross_allowed(lots: int) -> bool:
            return gross + (abs(notional_after(context, lots)) - abs(current)) <= gross_bound

        def net_allowed(lots: int) -> bool:
            return abs(net + (notional_after(context, lots) - current)) <= net_bound

        net_is_tighter = abs(most_lots(proposal.lots, net_allowed)) < abs(most_lots(proposal.lots, gross_allowed))
        reason = Reason.NET_CAP if net_is_tighter else Reason.GROSS_CAP
        return clipped(context, proposal, Layer.PORTFOLIO, reason, lambda lots: gross_allowed(lots) and net_allowed(lots))
