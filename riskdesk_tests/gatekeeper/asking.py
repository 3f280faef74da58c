"""Intents and times the gatekeeper's tests share."""

from __future__ import annotations

from datetime import UTC, datetime

from riskdesk_assets.gatekeeper.engine import RiskPortfolioManager
from riskdesk_assets.gatekeeper.schemas import RPMOutput
from riskdesk_assets.gatekeeper.trail import CheckRecord

MONDAY = datetime(2026, 1, 26, 15, 0, tzinfo=UTC)  # 10:00 in New York


def ask(gatekeeper: RiskPortfolioManager, **changes: object) -> RPMOutput:
    """Document 003's example, with the ATR its answer belongs to (X-01: 0.0225), and whatever is changed of it."""
    intent: dict[str, object] = {
        "symbol": "EURUSD",
        "direction": 1,
        "confidence_score": 0.75,
        "regime": "TRENDING",
        "atr": 0.0225,
        "vol_percentile": 0.50,
        "current_price": 1.10,
    }
    return gatekeeper.process_trade_intent(**(intent | changes))


def units(output: RPMOutput) -> float:
    """Approved units; 0 of a rejection."""
    trade = output.decision.approved_trade
    return 0.0 if trade is None else trade.position_units


def reason(output: RPMOutput) -> str:
    """Why it was rejected; "" of an approval."""
    refused = output.decision.rejected_trade
    return "" if refused is None else refused.rejection_reason.value


def record(output: RPMOutput, name: str) -> CheckRecord:
    """The one record of that check."""
    (found,) = [item for item in output.decision.audit_trail if item.name == name]
    return found
