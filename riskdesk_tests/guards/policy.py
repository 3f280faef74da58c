"""Document 004's own policy and questions to it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.guards.config import PolicyConfig, load_policy
from riskdesk_assets.guards.orchestrator import PolicyOrchestrator
from riskdesk_assets.guards.types import PolicyContext, PolicyDecision, PositionIntent

AT = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


@cache
def seed_policy() -> PolicyConfig:
    """config/policy/seed.yaml."""
    return load_policy(ROOT / "config" / "policy" / "seed.yaml")


def question(
    symbol: str = "AAPL", price: float = 150.0, shares: int = 0, target: float = 15_000.0, **given: object
) -> PolicyContext:
    """A context; the account around it is empty but for the symbol's own position unless told otherwise."""
    own = abs(shares * price)
    vol = given.get("realized_daily_vol")
    return PolicyContext(
        symbol=symbol,
        price=price,
        current_shares=shares,
        signal_target_notional=target,
        config=given.get("config", seed_policy()),  # type: ignore[arg-type]
        portfolio_state={
            "gross_exposure": float(given.get("gross", own)),  # type: ignore[arg-type]
            "net_exposure": float(given.get("net", shares * price)),  # type: ignore[arg-type]
            "realized_daily_vol": vol,  # type: ignore[typeddict-item]
        },
        group_state={
            "group": str(given.get("group", "Technology")),
            "exposure": float(given.get("group_exposure", own)),  # type: ignore[arg-type]
        },
    )


def decide(context: PolicyContext, intent: PositionIntent | None = None, now: datetime = AT) -> PolicyDecision:
    """The guards' answer."""
    return PolicyOrchestrator().evaluate(context, intent, now)
