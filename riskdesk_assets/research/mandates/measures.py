"""The numbers of a mandate's backtest, each counted from the rows of its tables; the desk's names where they mean the same."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import polars as pl

from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.common.sample_statistics import SESSIONS_A_YEAR, deviation, mean
from riskdesk_assets.reports.realized import DELISTED, PENDING
from riskdesk_assets.research.bound_sessions import bound_sessions
from riskdesk_assets.research.mandates.adherence import soft_gross, softened_sessions
from riskdesk_assets.research.mandates.series import EQUAL_WEIGHT
from riskdesk_assets.research.performance import (
    annual_volatility,
    drawdown,
    sharpe_ratio,
)
from riskdesk_assets.research.series_metrics import Metrics, series_metrics


def mandate_metrics(frames: Mapping[str, pl.DataFrame], mandate: PortfolioConfig) -> Metrics:
    """Every metric by name, those of ``series_metrics`` first; dollars, but for what is named otherwise.

    ``days_with_features``: sessions with a score. ``compounded_return``: the same daily returns, reinvested.
    ``predicted_volatility``: root mean square of the ex-ante volatilities, a year; ``bias_ratio``: realized over predicted
    (risk_checks). ``mean_turnover``: fraction of nav a session. ``tracking_error``,
    ``information_ratio`` and ``beta`` are against the benchmark's net P&L, ``active_pnl_net`` what was earned beyond it.

    Args:
        frames: the range's tables by name.
        mandate: its nav and soft classes.
    """
    nav, series, limits = mandate.own_nav, frames["timeseries"], frames["portfolio_limits"]
    known = series.filter(pl.col("status") != PENDING)
    soft = soft_gross(frames["exposures"], mandate.soft_classes, series["as_of_date"].to_list())
    return {
        **series_metrics(series, nav),
        "days_with_features": _days_with_scores(frames["instrument_scores"]),
        "total_impact_costs": math.fsum(series["impact_costs"]),
        "total_borrow_costs": math.fsum(series["borrow_costs"]),
        "mean_turnover": mean([value / nav for value in series["turnover"]]),
        "compounded_return": _compounded([value / nav for value in known["pnl_net"]]),
        "predicted_volatility": _predicted(known),
        "bias_ratio": _check(frames["risk_checks"], "bias_ratio"),
        "mean_names": mean([float(value) for value in series["names"]]),
        "mean_soft_gross": mean(soft),
        "most_soft_gross": max(soft),
        **_against(series, frames["benchmark"], nav),
        "decision_statuses": dict(sorted(Counter(series["decision"]).items())),
        "softened_sessions": series.filter(pl.col("decision") == "SOFTENED").height,
        "unanswered_sessions": series.filter(~pl.col("decision").is_in(["OPTIMAL", "SOFTENED"])).height,
        "bound": bound_sessions(limits),
        "softened": softened_sessions(limits),
        "released_breaches": int(frames["limit_use"]["released_breached"].sum()),
        **_worst_scenario(frames["scenario_pnl"], nav),
        "by_name": _by_name(frames["name_pnl"]),
    }


def _days_with_scores(scores: pl.DataFrame) -> int:
    said = scores.filter((pl.col("score") != 0) & (pl.col("confidence") > 0) & pl.col("expected_return").is_not_null())
    return said["as_of_date"].n_unique()


def _compounded(returns: Sequence[float]) -> float:
    return math.prod(1.0 + value for value in returns) - 1.0


def _predicted(known: pl.DataFrame) -> float | None:
    """Root mean square of the daily volatilities that were predicted, a year."""
    daily = known["ex_ante_volatility"].drop_nulls().to_list()
    return math.sqrt(math.fsum(value**2 for value in daily) / len(daily) * SESSIONS_A_YEAR) if daily else None


def _check(checks: pl.DataFrame, name: str) -> float | None:
    found = checks.filter(pl.col("check_name") == name)["statistic"].to_list()
    return found[0] if found else None


def _against(series: pl.DataFrame, benchmark: pl.DataFrame, nav: float) -> Metrics:
    """The mandate beside its benchmark, on the sessions whose P&L both know."""
    both = series.select("as_of_date", "pnl_net", "status").join(
        benchmark.select("as_of_date", rival="pnl_net", other="status"), on="as_of_date"
    )
    known = both.filter((pl.col("status") != PENDING) & (pl.col("other") != PENDING)).sort("as_of_date")
    mine, theirs = ([value / nav for value in known[name]] for name in ("pnl_net", "rival"))
    active = [left - right for left, right in zip(mine, theirs, strict=True)]
    fall = drawdown(known["rival"].to_list(), nav)
    name = benchmark["benchmark"][0]
    return {
        "benchmark": {
            "name": name,
            "total_pnl_gross": math.fsum(benchmark["pnl_gross"]),
            "total_pnl_net": math.fsum(benchmark["pnl_net"]),
            "total_costs": math.fsum(benchmark["costs"]),
            "total_turnover": math.fsum(benchmark["turnover"]),
            "volatility": annual_volatility(theirs),
            "sharpe_ratio": sharpe_ratio(theirs),
            "max_drawdown": fall.fraction,
            "mean_gross": mean(benchmark["gross"].to_list()),
        },
        "active_pnl_net": math.fsum(series["pnl_net"]) - math.fsum(benchmark["pnl_net"]),
        "tracking_error": annual_volatility(active),
        "information_ratio": sharpe_ratio(active),
        "beta": _beta(mine, theirs) if name == EQUAL_WEIGHT else None,
    }


def _beta(mine: Sequence[float], theirs: Sequence[float]) -> float | None:
    """cov / var of daily net returns, ddof 1; None where the benchmark never moved."""
    spread = deviation(theirs)
    if not spread:
        return None
    center, other = math.fsum(mine) / len(mine), math.fsum(theirs) / len(theirs)
    joint = math.fsum((left - center) * (right - other) for left, right in zip(mine, theirs, strict=True))
    return joint / (len(mine) - 1) / spread**2


def _worst_scenario(rows: pl.DataFrame, nav: float) -> Metrics:
    """The scenario that would have cost most on any session, in dollars and of nav."""
    if rows.is_empty():
        return dict.fromkeys(("worst_scenario", "worst_scenario_pnl", "worst_scenario_return"))
    worst = rows.sort("worst_pnl", "scenario_id").row(0, named=True)
    lost = worst["worst_pnl"]
    return {"worst_scenario": worst["scenario_id"], "worst_scenario_pnl": lost, "worst_scenario_return": lost / nav}


def _by_name(rows: pl.DataFrame) -> dict[str, Metrics]:
    """P&L, costs, sessions held and mean weight while held, by symbol."""
    found: dict[str, Metrics] = {}
    for (symbol,), group in sorted(rows.partition_by("symbol", as_dict=True).items()):
        weights = group.filter((pl.col("status") != DELISTED) & (pl.col("weight") != 0))["weight"].to_list()
        found[str(symbol)] = {
            "days_held": len(weights),
            "mean_weight": mean(weights),
            "pnl_gross": math.fsum(group["pnl_gross"]),
            "costs": math.fsum(group["costs"]),
            "pnl_net": math.fsum(group["pnl_gross"]) - math.fsum(group["costs"]),
        }
    return found
