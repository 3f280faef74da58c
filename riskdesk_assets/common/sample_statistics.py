"""Statistics of a sample that every room means alike: the trading year, the mean, the standard deviation, the deepest fall.

Means and deviations sum exactly (math.fsum): the order of the values changes no bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

SESSIONS_A_YEAR = 252
"""What a figure of one session is annualised by: volatility by its root (methods.md)."""


def mean(values: Sequence[float]) -> float | None:
    """Arithmetic mean; None of nothing."""
    return math.fsum(values) / len(values) if values else None


def deviation(values: Sequence[float]) -> float | None:
    """Standard deviation with ddof 1; None of fewer than two values."""
    if len(values) < 2:
        return None
    center = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - center) ** 2 for value in values) / (len(values) - 1))


def deepest_fall(pnl: Iterable[float]) -> float:
    """The deepest fall of cumulated P&L below its highest point, both counted from 0; in the P&L's own unit, 0 or more.

    No drawdown of equity: it has no nav to fall from, and so no fraction of a peak (research.performance.drawdown).
    """
    total = peak = fall = 0.0
    for amount in pnl:
        total += amount
        peak = max(peak, total)
        fall = max(fall, peak - total)
    return fall
