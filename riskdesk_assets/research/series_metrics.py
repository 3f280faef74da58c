"""The numbers of any backtest's time series, the desk's or a mandate's: days, P&L, risk, size (methods.md section 11)."""

from __future__ import annotations

import math

import polars as pl

from riskdesk_assets.common.sample_statistics import mean
from riskdesk_assets.reports.realized import OK, PENDING, SKIPPED_NO_COMMON_SESSION, SKIPPED_NO_PRICE
from riskdesk_assets.research.performance import annual_volatility, drawdown, hit_rate, sharpe_ratio
from riskdesk_assets.research.timeseries import FLAT

SKIPPED = (SKIPPED_NO_PRICE, SKIPPED_NO_COMMON_SESSION)
Metrics = dict[str, object]


def series_metrics(series: pl.DataFrame, nav: float) -> Metrics:
    """Metrics by name; dollars, but for what is named otherwise.

    Days: ``total_trading_days`` = ``days_with_pnl`` (a book, or its costs, that became known whole) + ``days_flat`` +
    ``days_skipped_due_to_prices`` + ``days_pending`` (not known by the last session). ``volatility`` (annual, of nav),
    ``sharpe_ratio``, ``max_drawdown`` (fraction of the peak) and ``return_over_drawdown`` are of net P&L over static nav of
    every session but the pending ones, so a skipped session counts with what it cost; ``hit_rate`` is the share of gains
    among the sessions with a book that days_with_pnl counts.

    Args:
        series: rows with the columns that the desk's and a mandate's TIMESERIES share, oldest first.
        nav: static, in dollars.
    """
    statuses: list[str] = series["status"].to_list()
    known = series.filter(pl.col("status") != PENDING)["pnl_net"].to_list()
    returns = [value / nav for value in known]
    held = series.filter((pl.col("status") == OK) & (pl.col("equity_gross") > 0))["pnl_net"].to_list()
    fall = drawdown(known, nav)
    skipped = series.filter(pl.col("status").is_in(SKIPPED))
    return {
        "total_trading_days": series.height,
        "days_skipped_due_to_prices": skipped.height,
        "days_with_pnl": statuses.count(OK),
        "days_flat": statuses.count(FLAT),
        "days_pending": statuses.count(PENDING),
        **{f"total_{name}": math.fsum(series[name]) for name in ("pnl_gross", "pnl_net", "costs", "turnover")},
        "volatility": annual_volatility(returns),
        "sharpe_ratio": sharpe_ratio(returns),
        "max_drawdown": fall.fraction,
        "max_drawdown_dollars": fall.dollars,
        "hit_rate": hit_rate(held),
        "return_over_drawdown": math.fsum(known) / fall.dollars if fall.dollars else None,
        "mean_gross": mean(series["equity_gross"].to_list()),
        "most_gross": max(series["equity_gross"].to_list()),
        "mean_abs_net": mean([abs(value) for value in series["equity_net"]]),
        "final_equity": series["equity"][-1],
        "delisting_pnl": math.fsum(series["delisting_pnl"]),
        "skipped_days": skipped.select("as_of_date", "status", "missing_symbols").to_dicts(),
    }
