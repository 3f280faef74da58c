"""How fast the gatekeeper decides in one process: a day of mixed intents against an account that fills and empties."""

from __future__ import annotations

import gc
import time
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np
from numpy.typing import NDArray

from riskdesk_assets.gatekeeper.config import TAPE_REGIMES
from riskdesk_assets.gatekeeper.engine import RiskPortfolioManager
from riskdesk_assets.gatekeeper.schemas import ApprovedTrade, TradeApprovalStatus
from riskdesk_assets.gatekeeper.trail import CHECKS

PRICES = {"EURUSD": 1.1, "GBPUSD": 1.25, "USDJPY": 150.0, "JPM": 300.0, "BAC": 50.0, "WFC": 80.0, "C": 95.0, "GS": 700.0}
PRICES |= {"MS": 160.0, "USB": 48.0, "PNC": 190.0, "TFC": 44.0}
WAITING = 1  # approved trades that wait for their fill; the next approval has the oldest filled
STANDING = 5  # approved trades left standing; older ones are closed, or soon every intent would meet a full book
OPENED = datetime(2026, 1, 26, 14, 30, tzinfo=UTC)
SEED = 8005


@dataclass(frozen=True)
class GatekeeperBench:
    """Times of this thread's processor; ``wall_per_second`` alone is by the clock on the wall, a median over rounds.

    Every round decides the same intents. ``per_second``, ``p50_ms`` and ``p99_ms`` are of each intent's median over the rounds:
    what other programs do to the caches falls out of it. The ``_round`` figures are of whole rounds as they went.
    ``shares``: of each status among all decisions.
    """

    rounds: int
    decisions: int
    checks: int
    per_second: float
    per_second_median_round: float
    per_second_worst_round: float
    wall_per_second: float
    p50_ms: float
    p99_ms: float
    p99_ms_median_round: float
    p99_ms_worst_round: float
    shares: dict[str, float]


@dataclass(frozen=True)
class _Asked:
    symbol: str
    direction: int
    confidence: float
    regime: str
    atr: float
    percentile: float
    price: float
    volatility: float


def bench_gatekeeper(decisions: int = 5000, rounds: int = 7) -> GatekeeperBench:
    """Decide the same intents in every round, each with a fresh account, an order id and a time; the first round warms up.

    Args:
        decisions: of a round.
        rounds: that are measured.
    """
    asked = _intents(decisions)
    _round(asked)
    gc.freeze()  # what the process imported is no part of a decision: a server does the same once it is up
    try:
        return _measured(asked, decisions, rounds)
    finally:
        gc.unfreeze()


def _measured(asked: list[_Asked], decisions: int, rounds: int) -> GatekeeperBench:
    spent, walls, counted = [], [], Counter[str]()
    for _ in range(rounds):
        nanoseconds, wall, statuses = _round(asked)
        spent.append(nanoseconds)
        walls.append(wall / 1e9)
        counted += statuses
    times = np.array(spent) / 1e9
    typical, sums = np.median(times, axis=0), times.sum(axis=1)
    return GatekeeperBench(
        rounds=rounds,
        decisions=decisions,
        checks=len(CHECKS),
        per_second=decisions / float(typical.sum()),
        per_second_median_round=decisions / float(np.median(sums)),
        per_second_worst_round=decisions / float(sums.max()),
        wall_per_second=decisions / median(walls),
        p50_ms=1000 * _quantile(typical, 0.5),
        p99_ms=1000 * _quantile(typical, 0.99),
        p99_ms_median_round=1000 * median(_quantile(one, 0.99) for one in times),
        p99_ms_worst_round=1000 * max(_quantile(one, 0.99) for one in times),
        shares={status.value: counted[status.value] / (rounds * decisions) for status in TradeApprovalStatus},
    )


def _quantile(times: NDArray[np.float64], share: float) -> float:
    return float(np.quantile(times, share, method="higher"))


def _round(asked: list[_Asked]) -> tuple[list[int], int, Counter[str]]:
    """Nanoseconds of each decision, of all by the wall, and how many had which status; the time between them is not counted."""
    names = sorted(PRICES)
    correlations = {(a, b): 0.3 for a in names for b in names if a < b} | {("BAC", "JPM"): 0.9}
    gatekeeper = RiskPortfolioManager(correlations=correlations)
    spent: list[int] = []
    wall = 0
    counted: Counter[str] = Counter()
    standing: deque[ApprovedTrade] = deque()
    for number, one in enumerate(asked):
        at, order = OPENED + timedelta(milliseconds=number), f"bench-{number}"
        started, begun = time.perf_counter_ns(), time.thread_time_ns()
        output = gatekeeper.process_trade_intent(
            one.symbol,
            one.direction,
            one.confidence,
            one.regime,
            one.atr,
            one.percentile,
            one.price,
            realized_vol=one.volatility,
            baseline_vol=0.2,
            client_order_id=order,
            at=at,
        )
        spent.append(time.thread_time_ns() - begun)
        wall += time.perf_counter_ns() - started
        counted[output.decision.status.value] += 1
        trade = output.decision.approved_trade
        if trade is not None:
            standing.append(trade)
            if len(standing) > WAITING:
                _settle(gatekeeper, standing[-1 - WAITING], at)
        if len(standing) > STANDING:
            oldest = standing.popleft()
            gatekeeper.report_position(oldest.symbol, 0.0, oldest.intent.current_price, at)
    return spent, wall, counted


def _settle(gatekeeper: RiskPortfolioManager, trade: ApprovedTrade, at: datetime) -> None:
    """What waits in a symbol becomes held, at its own price: fills would earn and lose, and in the end halt the account."""
    position = gatekeeper.state.account.positions.get(trade.symbol)
    if position is not None and position.pending:
        gatekeeper.report_position(trade.symbol, position.units + position.pending, trade.intent.current_price, at)


def _intents(count: int) -> list[_Asked]:
    rng = np.random.default_rng(SEED)
    names = sorted(PRICES)
    found = []
    for _ in range(count):
        symbol = names[int(rng.integers(len(names)))]
        price = PRICES[symbol] * float(np.exp(0.01 * rng.normal()))
        found.append(
            _Asked(
                symbol,
                1 if rng.random() < 0.5 else -1,
                float(rng.uniform(0.55, 1.0)),
                TAPE_REGIMES[int(rng.integers(len(TAPE_REGIMES)))],
                price * float(rng.uniform(0.005, 0.04)),
                float(rng.random()),
                price,
                float(rng.uniform(0.1, 0.62)),
            )
        )
    return found
