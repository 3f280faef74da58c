"""Return, risk and drawdown of a series of daily P&L: the usual ratios, each with its formula.

Daily returns are P&L over a static nav, so they add; a year has 252 sessions; sums are exact (math.fsum), so that their order
changes no bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from riskdesk_assets.common.sample_statistics import SESSIONS_A_YEAR, deviation, mean
from riskdesk_assets.research.exact_sums import running_sums


@dataclass(frozen=True)
class Drawdown:
    """The deepest fall of equity from its highest point so far: dollars, and as a fraction of that point; both 0 or more."""

    dollars: float
    fraction: float


def annual_volatility(returns: Sequence[float]) -> float | None:
    """sd(daily returns) x sqrt(252)."""
    daily = deviation(returns)
    return None if daily is None else daily * math.sqrt(SESSIONS_A_YEAR)


def sharpe_ratio(returns: Sequence[float]) -> float | None:
    """mean / sd of daily returns x sqrt(252), no risk-free rate: the book finances itself. None where nothing ever moved.

    Source: Sharpe (1994), "The Sharpe Ratio".
    """
    daily = deviation(returns)
    center = mean(returns)
    return None if not daily or center is None else center / daily * math.sqrt(SESSIONS_A_YEAR)


def drawdown(pnl: Sequence[float], nav: float) -> Drawdown:
    """The deepest fall of nav plus cumulated P&L.

    Args:
        pnl: dollars per session, oldest first.
        nav: dollars before the first.
    """
    peak, dollars, fraction = nav, 0.0, 0.0
    for total in running_sums(pnl):
        equity = nav + total
        peak = max(peak, equity)
        dollars, fraction = max(dollars, peak - equity), max(fraction, (peak - equity) / peak)
    return Drawdown(dollars, fraction)


def hit_rate(pnl: Sequence[float]) -> float | None:
    """Share of the sessions that earned something; None of none."""
    return sum(1 for value in pnl if value > 0) / len(pnl) if pnl else None


def rolling(values: Sequence[float], window: int, measure: str) -> list[float | None]:
    """``sharpe`` or ``volatility`` of the last ``window`` daily returns, at each session; None before there are as many."""
    of = {"sharpe": sharpe_ratio, "volatility": annual_volatility}[measure]
    return [None if end < window else of(values[end - window : end]) for end in range(1, len(values) + 1)]
