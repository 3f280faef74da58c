"""Document 004's scenarios and the rules beside them, as questions with answers: what `riskdesk demo guards` shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from riskdesk_assets.guards.config import PolicyConfig
from riskdesk_assets.guards.orchestrator import PolicyOrchestrator
from riskdesk_assets.guards.types import PolicyContext, PolicyDecision, PositionIntent

_AT = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


@dataclass(frozen=True)
class GuardScenario:
    """One question to the guards: dollars, shares, and what is around them; ``expects`` is what document 004 has to answer."""

    name: str
    symbol: str
    price: float
    current_shares: int
    signal_target: float
    expects: str
    group: str = "Technology"
    group_exposure: float = 0.0
    gross: float = 0.0
    net: float = 0.0
    realized_daily_vol: float | None = None
    committed: float | None = None
    minutes_since: int = 0


@dataclass(frozen=True)
class GuardAnswer:
    """A scenario and what the guards decided of it."""

    scenario: GuardScenario
    decision: PolicyDecision

    @property
    def text(self) -> str:
        """``CLIP +10 (per_trade: max_notional)``."""
        decision = self.decision
        return f"{decision.action} {decision.qty_delta:+d} ({decision.layer}: {decision.reason})"

    @property
    def as_expected(self) -> bool:
        """Whether the answer is the expected one."""
        return self.text == self.scenario.expects


SCENARIOS: tuple[GuardScenario, ...] = (
    GuardScenario("normal rebalancing", "AAPL", 150.5, 100, 15_000, "NOOP +0 (per_symbol: within_band)"),
    GuardScenario("buffer breach", "AAPL", 151.0, 90, 15_000, "ALLOW +5 (per_symbol: buy_to_lower_bound)"),
    GuardScenario("hierarchical clipping", "NVDA", 150.0, 0, 25_000, "CLIP +10 (per_trade: max_notional)"),
    GuardScenario(
        "price alone between ticks",
        "AAPL",
        151.0,
        90,
        15_000,
        "NOOP +0 (per_symbol: cadence_not_elapsed)",
        committed=15_000,
        minutes_since=10,
    ),
    GuardScenario(
        "changed signal between ticks",
        "AAPL",
        100.0,
        100,
        11_000,
        "ALLOW +5 (per_symbol: buy_to_lower_bound)",
        committed=10_000,
        minutes_since=10,
    ),
    GuardScenario(
        "two moves of four percent",
        "AAPL",
        100.0,
        120,
        12_979,
        "ALLOW +5 (per_symbol: buy_to_lower_bound)",
        committed=12_000,
        minutes_since=10,
    ),
    GuardScenario("dust", "KEY", 15.0, 0, 160, "DENY +0 (per_trade: below_min_order)", group="Financial"),
    GuardScenario("a lot above the largest order", "GS", 301.0, 0, 9_000, "DENY +0 (per_trade: lot_exceeds_max_notional)"),
    GuardScenario(
        "group cap",
        "BAC",
        40.0,
        0,
        5_000,
        "CLIP +25 (group: group_cap)",
        group="Financial",
        group_exposure=49_000,
        gross=49_000,
    ),
    GuardScenario("gross cap", "BAC", 40.0, 0, 5_000, "DENY +0 (portfolio: gross_cap)", group="Financial", gross=99_900),
    GuardScenario(
        "net cap", "BAC", 40.0, 0, 5_000, "CLIP +10 (portfolio: net_cap)", group="Financial", gross=30_000, net=19_500
    ),
    GuardScenario(
        "a cap breached between ticks",
        "AAPL",
        160.0,
        105,
        15_000,
        "CLIP -5 (per_trade: max_notional)",
        gross=16_800,
        net=16_800,
        group_exposure=16_800,
        committed=15_000,
        minutes_since=10,
    ),
    GuardScenario(
        "volatility target", "BAC", 40.0, 100, 10_000, "ALLOW +20 (per_symbol: buy_to_lower_bound)", realized_daily_vol=0.04
    ),
)


def guard_answers(config: PolicyConfig) -> tuple[GuardAnswer, ...]:
    """Every scenario put to the guards of a policy (document 004's own for the expected answers)."""
    orchestrator = PolicyOrchestrator()
    return tuple(GuardAnswer(item, orchestrator.evaluate(_context(item, config), _intent(item), _AT)) for item in SCENARIOS)


def _context(item: GuardScenario, config: PolicyConfig) -> PolicyContext:
    return PolicyContext(
        symbol=item.symbol,
        price=item.price,
        current_shares=item.current_shares,
        signal_target_notional=item.signal_target,
        config=config,
        portfolio_state={
            "gross_exposure": item.gross,
            "net_exposure": item.net,
            "realized_daily_vol": item.realized_daily_vol,
        },
        group_state={"group": item.group, "exposure": item.group_exposure},
    )


def _intent(item: GuardScenario) -> PositionIntent | None:
    if item.committed is None:
        return None
    return PositionIntent(item.symbol, item.committed, _AT - timedelta(minutes=item.minutes_since))
