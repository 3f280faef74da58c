"""The risk desk; functions for other people's programs are imported from here, and loaded when first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from riskdesk_assets.gatekeeper.config import RPMConfig
    from riskdesk_assets.gatekeeper.engine import RiskPortfolioManager
    from riskdesk_assets.gatekeeper.schemas import TradeApprovalStatus
    from riskdesk_assets.guards.config import PolicyConfig, load_policy
    from riskdesk_assets.guards.evaluate import (
        HierarchicalPolicyIntegration,
        OrderManager,
        PortfolioManager,
        evaluate_trading_decision,
    )
    from riskdesk_assets.guards.orchestrator import PolicyOrchestrator
    from riskdesk_assets.guards.types import PolicyContext, PolicyDecision, PositionIntent
    from riskdesk_assets.reports.expected_pnl_engine import (
        classify_regime,
        expected_pnl,
        expected_return,
        total_expected_pnl,
    )
    from riskdesk_assets.reports.portfolio_engine import PortfolioEngine, TargetPortfolio
    from riskdesk_assets.reports.risk_report import RiskReport
    from riskdesk_assets.risk_model.model_checks import (
        bias_ratio,
        christoffersen_independence,
        conditional_coverage,
        kupiec_pof,
        traffic_light,
    )

__all__ = [
    "HierarchicalPolicyIntegration",
    "OrderManager",
    "PolicyConfig",
    "PolicyContext",
    "PolicyDecision",
    "PolicyOrchestrator",
    "PortfolioEngine",
    "PortfolioManager",
    "PositionIntent",
    "RPMConfig",
    "RiskPortfolioManager",
    "RiskReport",
    "TargetPortfolio",
    "TradeApprovalStatus",
    "bias_ratio",
    "christoffersen_independence",
    "classify_regime",
    "conditional_coverage",
    "evaluate_trading_decision",
    "expected_pnl",
    "expected_return",
    "kupiec_pof",
    "load_policy",
    "total_expected_pnl",
    "traffic_light",
]

_HOME = dict.fromkeys(__all__, "riskdesk_assets.risk_model.model_checks") | {
    "HierarchicalPolicyIntegration": "riskdesk_assets.guards.evaluate",
    "OrderManager": "riskdesk_assets.guards.evaluate",
    "PolicyConfig": "riskdesk_assets.guards.config",
    "PolicyContext": "riskdesk_assets.guards.types",
    "PolicyDecision": "riskdesk_assets.guards.types",
    "PolicyOrchestrator": "riskdesk_assets.guards.orchestrator",
    "PortfolioManager": "riskdesk_assets.guards.evaluate",
    "PositionIntent": "riskdesk_assets.guards.types",
    "load_policy": "riskdesk_assets.guards.config",
    "RPMConfig": "riskdesk_assets.gatekeeper.config",
    "RiskPortfolioManager": "riskdesk_assets.gatekeeper.engine",
    "PortfolioEngine": "riskdesk_assets.reports.portfolio_engine",
    "RiskReport": "riskdesk_assets.reports.risk_report",
    "TradeApprovalStatus": "riskdesk_assets.gatekeeper.schemas",
    "classify_regime": "riskdesk_assets.reports.expected_pnl_engine",
    "evaluate_trading_decision": "riskdesk_assets.guards.evaluate",
    "expected_pnl": "riskdesk_assets.reports.expected_pnl_engine",
    "expected_return": "riskdesk_assets.reports.expected_pnl_engine",
    "total_expected_pnl": "riskdesk_assets.reports.expected_pnl_engine",
    "TargetPortfolio": "riskdesk_assets.reports.portfolio_engine",
}

if not TYPE_CHECKING:  # else a misspelled import would pass the type checker

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
