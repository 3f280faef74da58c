"""What OpenAPI says of the answer to a trade: the three statuses, which of them carry a trade, and every enum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from riskdesk_assets.gatekeeper.schemas import RejectionReason, TradeApprovalStatus
from riskdesk_assets.gatekeeper.trail import Check, Outcome, Stage

MEANING = (
    "APPROVED: execute approved_trade, the formula's size (shares in whole lots). ADJUSTED: execute approved_trade, smaller "
    "than the formula's size; binding_constraint says what made it so. REJECTED: do not execute; rejected_trade says why."
)
DESCRIPTION = (
    "Decide a trade intent; an approved trade counts as a position until a fill or a cancel is reported. APPROVED and ADJUSTED "
    "both carry approved_trade, with may_execute true: who looks for APPROVED alone drops every trade that a limit made "
    "smaller. Document 003's own example (EURUSD, atr 0.0010) is one of those: the formula gives 600,000 units, 30% of capital "
    "in one symbol leaves 27,272.73, ADJUSTED. The 26,666.67 it prints belong to an atr of 0.0225, APPROVED."
)


def decision_answer() -> dict[str, Any]:
    """JSON Schema of the answer to POST /process_trade."""
    return _object(
        {
            "decision": _decision(),
            "portfolio_state": {"type": "object", "description": "As GET /portfolio, after the decision."},
            "risk_metrics": {"type": "object", "description": "As GET /metrics, after the decision."},
        }
    )


def _decision() -> dict[str, Any]:
    return _object(
        {
            "status": {**_enum(TradeApprovalStatus), "description": MEANING},
            "may_execute": {"type": "boolean", "description": "Whether there is an approved_trade: APPROVED or ADJUSTED."},
            "approved_trade": _or_null(_approved()),
            "rejected_trade": _or_null(_rejected()),
            "binding_constraint": {
                "type": "string",
                "enum": ["", *(check.value for check in Check)],
                "description": "The check that made the size smaller or refused the trade; empty when nothing bound.",
            },
            "client_order_id": {"type": ["string", "null"]},
            "at": {"type": ["string", "null"], "format": "date-time"},
            "config_hash": {"type": "string"},
            "audit_trail": {"type": "array", "items": _check(), "description": "Every check, in the order it is made."},
        }
    )


def _approved() -> dict[str, Any]:
    numbers = ("confidence_score", "atr", "vol_percentile", "current_price", "notional")
    return _object(
        {
            "symbol": {"type": "string"},
            "direction": {"type": "integer", "enum": [1, -1]},
            "position_units": {
                "type": "number",
                "exclusiveMinimum": 0,
                "description": "Shares, in whole lots, or units of a pair's base currency.",
            },
            "regime": {"type": "string"},
            "risk_per_trade": {"type": "number", "description": "Dollars at risk."},
            "risk_capital": {"type": "number", "description": "The same dollars."},
            "binding_constraint": {"type": "string"},
            "sizing": {"type": "object", "description": "The formula's factors and its units, before any constraint."},
            **{name: {"type": "number"} for name in numbers},
        }
    )


def _rejected() -> dict[str, Any]:
    return _object(
        {
            "symbol": {"type": "string"},
            "rejection_reason": _enum(RejectionReason),
            "check": _enum(Check),
            "detail": {"type": "string", "description": "The refusal in words."},
        }
    )


def _check() -> dict[str, Any]:
    return _object(
        {
            "name": _enum(Check),
            "stage": _enum(Stage),
            "outcome": _enum(Outcome),
            "measured": {"type": ["number", "null"]},
            "bound": {"type": ["number", "null"]},
            "size_before": {"type": "number"},
            "size_after": {"type": "number"},
            "subject": {"type": "string"},
            "sentence": {"type": "string"},
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    """Every field named is there; more may be."""
    return {"type": "object", "required": list(properties), "properties": properties}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _enum(values: Iterable[TradeApprovalStatus | RejectionReason | Check | Stage | Outcome]) -> dict[str, Any]:
    return {"type": "string", "enum": [value.value for value in values]}
