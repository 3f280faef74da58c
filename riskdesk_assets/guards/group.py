"""The third guard: what a sector or factor group may hold."""

from __future__ import annotations

from riskdesk_assets.guards.clipping import clipped, notional_after
from riskdesk_assets.guards.types import Layer, PolicyContext, PolicyDecision, Proposal, Reason


class GroupGuard:
    """Caps the sum of |position| of the symbol's group; a group above its cap already is never made larger (document 004)."""

    def evaluate(self, context: PolicyContext, proposal: Proposal) -> Proposal | PolicyDecision:
        """The most lots that keep the group within its cap."""
        state = context.group_state
        bound = max(context.config.risk.groups.cap(state["group"]), state["exposure"])

        def allowed(lots: int) -> bool:
            return state["exposure"] + (abs(notional_after(context, lots)) - abs(context.current_notional)) <= bound

        return clipped(context, proposal, Layer.GROUP, Reason.GROUP_CAP, allowed)
