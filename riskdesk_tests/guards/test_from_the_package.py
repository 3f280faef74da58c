"""Document 004 from the package's top alone: what another program needs to ask the guards, and nothing else of the house."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import riskdesk_assets
from riskdesk_assets import (
    HierarchicalPolicyIntegration,
    PolicyConfig,
    PolicyContext,
    PolicyDecision,
    PolicyOrchestrator,
    PositionIntent,
    evaluate_trading_decision,
    load_policy,
)

SEED = Path(riskdesk_assets.__file__).parents[1] / "config" / "policy" / "seed.yaml"
AT = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


class Account:
    """Both of document 004's managers: an empty account that remembers what was committed and placed."""

    def __init__(self, policy: PolicyConfig) -> None:
        self.policy_config = policy
        self.intents: dict[str, PositionIntent] = {}
        self.placed: list[tuple[str, int]] = []

    def portfolio_state(self) -> dict[str, float]:
        return {"gross_exposure": 0.0, "net_exposure": 0.0}

    def group_state(self, symbol: str) -> dict[str, object]:
        return {"group": "Financials", "exposure": 0.0}

    def now(self) -> datetime:
        return AT

    def pending_shares(self, symbol: str) -> int:
        return 0

    def position_intent(self, symbol: str) -> PositionIntent | None:
        return self.intents.get(symbol)

    def commit_intent(self, intent: PositionIntent) -> None:
        self.intents[intent.symbol] = intent

    def place(self, symbol: str, qty_delta: int) -> None:
        self.placed.append((symbol, qty_delta))


def test_the_names_stand_in_what_the_package_offers() -> None:
    names = {"HierarchicalPolicyIntegration", "OrderManager", "PolicyConfig", "PolicyContext", "PolicyDecision"}
    names |= {"PolicyOrchestrator", "PortfolioManager", "PositionIntent", "evaluate_trading_decision", "load_policy"}
    assert names <= set(riskdesk_assets.__all__)
    assert all(getattr(riskdesk_assets, name).__name__ == name for name in riskdesk_assets.__all__)


def test_a_policy_is_loaded_and_one_decision_asked_for() -> None:
    account = Account(load_policy(SEED))
    decision = evaluate_trading_decision("JPM", 200.0, 0, 10_000.0, account, account)
    assert isinstance(decision, PolicyDecision)
    assert (decision.action, decision.qty_delta, account.placed) == ("CLIP", 5, [])  # 1,500 an order, lots of 5


def test_a_context_is_built_and_put_to_the_orchestrator_with_what_was_decided_last() -> None:
    context = PolicyContext(
        symbol="JPM",
        price=200.0,
        current_shares=40,
        signal_target_notional=10_000.0,
        config=load_policy(SEED),
        portfolio_state={"gross_exposure": 8_000.0, "net_exposure": 8_000.0},
        group_state={"group": "Financials", "exposure": 8_000.0},
    )
    waits = PolicyOrchestrator().evaluate(context, PositionIntent("JPM", 10_000.0, AT - timedelta(minutes=10)), AT)
    ticked = PolicyOrchestrator().evaluate(context, PositionIntent("JPM", 10_000.0, AT - timedelta(minutes=30)), AT)
    assert (waits.qty_delta, ticked.qty_delta) == (0, 5)


@pytest.mark.parametrize(("mode", "placed"), [("shadow", []), ("enforce", [("JPM", 5)])])
def test_an_engines_signals_are_decided_counted_and_in_enforce_placed(mode: str, placed: list[tuple[str, int]]) -> None:
    account = Account(load_policy(SEED))
    guards = HierarchicalPolicyIntegration(account, account, mode)
    assert guards.process("JPM", 200.0, 0, 10_000.0).qty_delta == 5
    assert account.placed == placed
    assert account.intents == {"JPM": PositionIntent("JPM", 10_000.0, AT)}
