"""Document 003's answers as JSON bytes; parts that many answers share are rendered once."""

from __future__ import annotations

from functools import lru_cache

from riskdesk_assets.gatekeeper.config import RPMConfig
from riskdesk_assets.gatekeeper.health import health_status
from riskdesk_assets.gatekeeper.schemas import TradeDecision
from riskdesk_assets.gatekeeper.trail import CheckRecord
from riskdesk_assets.interfaces.api_gate import View
from riskdesk_assets.interfaces.api_json import rendered

_CHECKS_KEPT = 2048


def decided(decision: TradeDecision, portfolio: bytes, metrics: bytes) -> bytes:
    """``{"decision", "portfolio_state", "risk_metrics"}``, from the decision and two rendered parts."""
    trail = b",".join(_check(record) for record in decision.audit_trail)
    head = rendered(_without_trail(decision))[:-1]
    return b'{"decision":%b,"audit_trail":[%b]},"portfolio_state":%b,"risk_metrics":%b}' % (head, trail, portfolio, metrics)


def health(view: View, status: dict[str, object]) -> dict[str, object]:
    """Document 003's health, and every halt that stands, the desk's among them."""
    halts = {
        one.account: {
            "state": one.state,
            "trigger": one.trigger,
            "reason": one.reason,
            "by": one.by,
            "automatic": one.automatic,
            "since": one.at.isoformat(),
            "resume_from": None if one.resume_from is None else one.resume_from.isoformat(),
        }
        for one in view.halts
    }
    return {**status, "halts": halts, "journal_sequence": view.sequence, "at": view.at.isoformat()}


def switched(view: View, config: RPMConfig, done: str, account: str) -> dict[str, object]:
    """The answer to a halt or a resume: what was done, and what stands now."""
    status = health(view, health_status(view.portfolio, view.metrics, config, view.volatility))
    return {
        "status": done,
        "account": account,
        "trading_state": view.portfolio.switches.state.value,
        "kill_switches": status["kill_switches"],
        "halts": status["halts"],
        "at": view.at.isoformat(),
    }


def _without_trail(decision: TradeDecision) -> dict[str, object]:
    trade, refused = decision.approved_trade, decision.rejected_trade
    return {
        "status": decision.status.value,
        "may_execute": decision.may_execute,
        "approved_trade": None if trade is None else trade.to_dict(),
        "rejected_trade": None if refused is None else refused.to_dict(),
        "binding_constraint": decision.binding_constraint,
        "client_order_id": decision.intent.client_order_id,
        "at": None if decision.intent.at is None else decision.intent.at.isoformat(),
        "config_hash": decision.config_hash,
    }


@lru_cache(maxsize=_CHECKS_KEPT)
def _check(record: CheckRecord) -> bytes:
    return rendered(record.to_dict())
