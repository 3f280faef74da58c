"""Document 004's interface to a program that trades: one question, and the layer that asks it for every order."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol

from riskdesk_assets.guards.config import PolicyConfig
from riskdesk_assets.guards.orchestrator import PolicyOrchestrator, intent_after
from riskdesk_assets.guards.telemetry import PolicyTelemetry
from riskdesk_assets.guards.types import Action, GroupState, PolicyContext, PolicyDecision, PortfolioState, PositionIntent

Mode = Literal["shadow", "paper", "enforce"]


class PortfolioManager(Protocol):
    """What the guards ask of whoever knows the positions. Exposures count pending orders as if they were filled."""

    @property
    def policy_config(self) -> PolicyConfig:
        """The policy in force."""

    def portfolio_state(self) -> PortfolioState:
        """Gross and net exposure in dollars, realized daily volatility as a fraction of capital."""

    def group_state(self, symbol: str) -> GroupState:
        """The symbol's group and its exposure in dollars."""


class OrderManager(Protocol):
    """What the guards ask of whoever places orders."""

    def now(self) -> datetime:
        """Timezone-aware time of the decision."""

    def pending_shares(self, symbol: str) -> int:
        """Signed shares ordered and not yet filled."""

    def position_intent(self, symbol: str) -> PositionIntent | None:
        """What was committed last for the symbol."""

    def commit_intent(self, intent: PositionIntent) -> None:
        """Remember a new intent."""

    def place(self, symbol: str, qty_delta: int) -> None:
        """Order so many signed shares."""


def evaluate_trading_decision(
    symbol: str,
    price: float,
    current_shares: int,
    signal_target_notional: float,
    portfolio_manager: PortfolioManager,
    order_manager: OrderManager,
) -> PolicyDecision:
    """What may be traded of one symbol now; nothing is placed and nothing is remembered (document 004).

    Args:
        symbol: the name.
        price: dollars a share.
        current_shares: signed shares filled; pending ones are added.
        signal_target_notional: signed dollars the signal wants to hold.
        portfolio_manager: positions, groups and the policy.
        order_manager: pending orders, memory and the time.

    Raises:
        ValueError: a price that is none, an amount that is not finite, a time without a time zone.
    """
    context = _context(symbol, price, current_shares, signal_target_notional, portfolio_manager, order_manager)
    return PolicyOrchestrator().evaluate(context, order_manager.position_intent(symbol), order_manager.now())


class HierarchicalPolicyIntegration:
    """Between an engine's signals and its orders: every signal is decided, counted and logged.

    In shadow nothing is placed; the memory goes on as if it were, so that cadence and changes of signal are those of a desk
    that follows the policy. In paper and enforce what passed is placed.
    """

    def __init__(
        self,
        portfolio_manager: PortfolioManager,
        order_manager: OrderManager,
        mode: Mode,
        telemetry: PolicyTelemetry | None = None,
    ) -> None:
        self.portfolio_manager = portfolio_manager
        self.order_manager = order_manager
        self.mode = mode
        self.telemetry = PolicyTelemetry() if telemetry is None else telemetry
        self._orchestrator = PolicyOrchestrator()

    def process(self, symbol: str, price: float, current_shares: int, signal_target_notional: float) -> PolicyDecision:
        """Decide one signal; arguments and errors as for :func:`evaluate_trading_decision`."""
        orders = self.order_manager
        context = _context(symbol, price, current_shares, signal_target_notional, self.portfolio_manager, orders)
        now, intent = orders.now(), orders.position_intent(symbol)
        decision = self._orchestrator.evaluate(context, intent, now)
        self.telemetry.record(symbol, decision, now)
        after = intent_after(context, decision, intent, now)
        if after is not None and after is not intent:
            orders.commit_intent(after)
        if self.mode != "shadow" and decision.action in (Action.ALLOW, Action.CLIP):
            orders.place(symbol, decision.qty_delta)
        return decision


def _context(
    symbol: str,
    price: float,
    current_shares: int,
    signal_target_notional: float,
    portfolio_manager: PortfolioManager,
    order_manager: OrderManager,
) -> PolicyContext:
    return PolicyContext(
        symbol=symbol,
        price=price,
        current_shares=current_shares + order_manager.pending_shares(symbol),
        signal_target_notional=signal_target_notional,
        config=portfolio_manager.policy_config,
        portfolio_state=portfolio_manager.portfolio_state(),
        group_state=portfolio_manager.group_state(symbol),
    )
