"""What the gatekeeper is asked and what it answers (document 003, "Schemas").

Named tuples: thousands are made a second, and a frozen dataclass takes three times as long. ``to_dict`` gives JSON of the
documented shape; keys beyond it are ours. Units: ``position_units`` shares, or units of a pair's base currency;
``risk_per_trade`` of an approved trade is DOLLARS, as in the document's response, and ``risk_capital`` the same number (X-10).
"""

from __future__ import annotations

import math
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from riskdesk_assets.gatekeeper.portfolio_state import PortfolioState
from riskdesk_assets.gatekeeper.position_sizing import Sizing
from riskdesk_assets.gatekeeper.trail import CheckRecord


class TradeApprovalStatus(StrEnum):
    """APPROVED: the size of the formula (shares in whole lots); ADJUSTED: approved, smaller; REJECTED: do not execute."""

    APPROVED = "APPROVED"
    ADJUSTED = "ADJUSTED"
    REJECTED = "REJECTED"


class RejectionReason(StrEnum):
    """Why a trade was rejected: document 003's six, and ours for a manual halt, unusable input and stale state."""

    DRAWDOWN = "DRAWDOWN"
    LOSS_LIMIT = "LOSS_LIMIT"
    EXPOSURE = "EXPOSURE"
    VOLATILITY = "VOLATILITY"
    REGIME = "REGIME"
    CONFIDENCE = "CONFIDENCE"
    MANUAL_HALT = "MANUAL_HALT"
    INVALID_INPUT = "INVALID_INPUT"
    STALE_STATE = "STALE_STATE"


class Intent(NamedTuple):
    """A trade a signal proposes. ``direction`` 1 long, -1 short; ``atr`` and ``current_price`` in the quote currency.

    ``realized_vol`` and ``baseline_vol`` go together (any one unit: the ratio counts); ``at`` is when it was proposed.
    """

    symbol: str
    direction: int
    confidence_score: float
    regime: str
    atr: float
    vol_percentile: float
    current_price: float
    realized_vol: float | None = None
    baseline_vol: float | None = None
    client_order_id: str | None = None
    at: datetime | None = None

    @property
    def content(self) -> tuple[object, ...]:
        """What has to be the same for two intents with one ``client_order_id`` to be one intent: everything but ``at``.

        The type of each value counts: True is not 1.
        """
        return tuple((type(value).__name__, repr(value)) for value in self[:9])

    def to_dict(self) -> dict[str, object]:
        """JSON of what was asked; a value JSON cannot hold is given as text."""
        return {name: _plain(value) for name, value in self._asdict().items()}


class ApprovedTrade(NamedTuple):
    """An execution-ready trade: ``position_units`` > 0 in ``direction``, with the breakdown of its size.

    ``unit_value``: dollars of exposure per unit. ``binding_constraint``: what set the size below the formula's, "" if nothing.
    """

    intent: Intent
    position_units: float
    sizing: Sizing
    unit_value: float
    binding_constraint: str

    @property
    def symbol(self) -> str:
        """The intent's symbol."""
        return self.intent.symbol

    @property
    def direction(self) -> int:
        """1 long, -1 short."""
        return self.intent.direction

    @property
    def risk_per_trade(self) -> float:
        """Dollars put at risk: total_capital x the configured fraction."""
        return self.sizing.risk_capital

    @property
    def risk_capital(self) -> float:
        """As ``risk_per_trade``: the same dollars under the formula's name."""
        return self.sizing.risk_capital

    @property
    def notional(self) -> float:
        """Dollars of exposure."""
        return self.position_units * self.unit_value

    def to_dict(self) -> dict[str, object]:
        """The documented keys, then ours."""
        intent = self.intent
        return {
            "symbol": intent.symbol,
            "direction": intent.direction,
            "position_units": self.position_units,
            "confidence_score": intent.confidence_score,
            "regime": intent.regime,
            "atr": intent.atr,
            "risk_per_trade": self.risk_per_trade,
            "risk_capital": self.risk_capital,
            "vol_percentile": intent.vol_percentile,
            "current_price": intent.current_price,
            "notional": self.notional,
            "binding_constraint": self.binding_constraint,
            "sizing": self.sizing._asdict(),
        }


class RejectedTrade(NamedTuple):
    """A trade that must not be executed, and the record of the check that refused it.

    ``check``: the check that bound: where a size was reduced until too little was left, the one that reduced it.
    """

    intent: Intent
    rejection_reason: RejectionReason
    check: str
    record: CheckRecord

    @property
    def detail(self) -> str:
        """The refusal in words."""
        return self.record.sentence

    @property
    def symbol(self) -> str:
        """The intent's symbol."""
        return self.intent.symbol

    def to_dict(self) -> dict[str, object]:
        """Reason and context."""
        return {
            **self.intent.to_dict(),
            "rejection_reason": self.rejection_reason.value,
            "check": self.check,
            "detail": self.detail,
        }


class TradeDecision(NamedTuple):
    """The decision on one intent: exactly one of ``approved_trade`` and ``rejected_trade``, and every check in order."""

    status: TradeApprovalStatus
    intent: Intent
    approved_trade: ApprovedTrade | None
    rejected_trade: RejectedTrade | None
    audit_trail: tuple[CheckRecord, ...]
    config_hash: str

    @property
    def may_execute(self) -> bool:
        """Whether there is a trade to execute: APPROVED or ADJUSTED."""
        return self.approved_trade is not None

    @property
    def binding_constraint(self) -> str:
        """The check that set an adjusted size or rejected the trade; "" when nothing bound."""
        if self.approved_trade is not None:
            return self.approved_trade.binding_constraint
        return "" if self.rejected_trade is None else self.rejected_trade.check

    def to_dict(self) -> dict[str, object]:
        """The documented keys, then ours; the trade that does not exist is null."""
        at = self.intent.at
        return {
            "status": self.status.value,
            "may_execute": self.may_execute,
            "approved_trade": None if self.approved_trade is None else self.approved_trade.to_dict(),
            "rejected_trade": None if self.rejected_trade is None else self.rejected_trade.to_dict(),
            "binding_constraint": self.binding_constraint,
            "client_order_id": _plain(self.intent.client_order_id),
            "at": at.isoformat() if isinstance(at, datetime) else None,
            "config_hash": self.config_hash,
            "audit_trail": [record.to_dict() for record in self.audit_trail],
        }


class RiskMetrics(NamedTuple):
    """Decision statistics. ``fraction_of_formula``: sum over approvals of approved over formula size."""

    total_decisions: int = 0
    approved: int = 0
    adjusted: int = 0
    rejected: int = 0
    rejections: tuple[tuple[RejectionReason, int], ...] = ()
    total_units: float = 0.0
    total_notional: float = 0.0
    fraction_of_formula: float = 0.0

    @property
    def trades_approved(self) -> int:
        """Approved trades, adjusted ones among them."""
        return self.approved + self.adjusted

    @property
    def approval_rate(self) -> float:
        """Approved (adjusted ones too) over decided: a FRACTION; 0 before the first decision."""
        return self.trades_approved / self.total_decisions if self.total_decisions else 0.0

    def to_dict(self) -> dict[str, object]:
        """Counts, the rate, the breakdown by reason (every reason, 0 included), and sizing means over approvals."""
        counted = dict(self.rejections)
        approvals = max(1, self.trades_approved)
        return {
            "total_decisions": self.total_decisions,
            "trades_approved": self.trades_approved,
            "trades_adjusted": self.adjusted,
            "trades_rejected": self.rejected,
            "approval_rate": self.approval_rate,
            "rejections": {reason.value: counted.get(reason, 0) for reason in RejectionReason},
            "sizing": {
                "mean_position_units": self.total_units / approvals,
                "mean_notional": self.total_notional / approvals,
                "mean_fraction_of_formula": self.fraction_of_formula / approvals,
            },
        }


class RPMOutput(NamedTuple):
    """The decision, and the portfolio and statistics after it."""

    decision: TradeDecision
    portfolio_state: PortfolioState
    risk_metrics: RiskMetrics

    def to_dict(self) -> dict[str, object]:
        """JSON of document 003's response."""
        return {
            "decision": self.decision.to_dict(),
            "portfolio_state": self.portfolio_state.to_dict(),
            "risk_metrics": self.risk_metrics.to_dict(),
        }


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):  # a lone surrogate has no UTF-8
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float) and math.isfinite(value):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)
