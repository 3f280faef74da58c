"""Were the limits kept, how often did each bind, how close did it come, and was the risk model right (PE-72, PE-73)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from riskdesk_assets.common.sample_statistics import mean
from riskdesk_assets.common.settings import RiskReportSettings
from riskdesk_assets.limits.limit import Family, label_of
from riskdesk_assets.reports.model_check_rows import LimitDays, Prediction, checks
from riskdesk_assets.reports.risk_measures import UNKNOWN
from riskdesk_assets.research.backtest_tables import RISK_CHECKS
from riskdesk_assets.research.bound_sessions import bound_sessions
from riskdesk_assets.research.mandates.tables import LIMIT_SLACK, LIMIT_USE

ANSWERED = ("OPTIMAL", "SOFTENED")
"""Statuses of a session whose weights the optimizer chose; on any other yesterday's stand as the returns left them."""
# One limit per name: what matters of them is the tightest, whichever name it is.
_PER_NAME = (Family.NAME_GROSS.value, Family.LIQUIDITY.value)


def limit_key(name: str, family: str) -> str:
    """What a limit is called over a range: of one per name the label alone, else its own name."""
    return label_of(name) if family in _PER_NAME else name


def limit_slack(limits: pl.DataFrame, nav: float) -> pl.DataFrame:
    """LIMIT_SLACK of a range, from portfolio_limits (dollars).

    Args:
        limits: rows of one mandate.
        nav: its dollars.
    """
    tightest: dict[tuple[date, str], dict[str, object]] = {}
    prices: dict[tuple[date, str], float] = {}
    worst: dict[tuple[date, str], str] = {}
    for row in limits.sort("as_of_date", "limit_name").iter_rows(named=True):
        key = row["as_of_date"], limit_key(row["limit_name"], row["family"])
        price, status = row["price_of_limit"], row["status"]
        if price is not None:
            prices[key] = max(price, prices.get(key, 0.0))
        worst[key] = max(status, worst.get(key, "OK"), key=_SEVERITY.index)
        measured, bound = row["measured"] / nav, row["bound"] / nav
        used = row["utilization"]
        found = {
            "as_of_date": row["as_of_date"],
            "limit_name": key[1],
            "member": row["limit_name"].removeprefix(key[1]).removeprefix(":"),
            "family": row["family"],
            "measured": measured,
            "bound": bound,
            "slack": bound - measured,
            "utilization": used,
            "softened_to": None if row["softened_to"] is None else row["softened_to"] / nav,
        }
        standing = tightest.get(key)
        if standing is None or _use(found) > _use(standing):
            tightest[key] = found
    return LIMIT_SLACK.frame(
        [{**row, "price_of_limit": prices.get(key), "status": worst[key]} for key, row in sorted(tightest.items())]
    )


_SEVERITY = ("OK", "AMBER", "SOFTENED", "BREACH")


def _use(row: Mapping[str, object]) -> float:
    """Utilization; of a bound of 0 that is not kept, beyond any other."""
    used = row["utilization"]
    return float(used) if isinstance(used, float) else float("inf")


def limit_use(limits: pl.DataFrame, slack: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """LIMIT_USE of a range.

    Args:
        limits: portfolio_limits of one mandate.
        slack: LIMIT_SLACK of it.
        decisions: its engine_decisions.
    """
    answered = set(decisions.filter(pl.col("status").is_in(ANSWERED))["as_of_date"])
    gave: dict[str, set[date]] = {}
    for session, name, family in (
        limits.filter(pl.col("softened_to").is_not_null()).select("as_of_date", "limit_name", "family").iter_rows()
    ):
        gave.setdefault(limit_key(name, family), set()).add(session)
    rows: list[dict[str, object]] = []
    for (name,), days in sorted(slack.partition_by("limit_name", as_dict=True).items()):
        known = days.filter(pl.col("utilization").is_not_null())
        breached = days.filter(pl.col("status") == "BREACH")["as_of_date"].to_list()
        prices = days["price_of_limit"].drop_nulls().to_list()
        rows.append(
            {
                "limit_name": name,
                "family": days["family"][0],
                "sessions": days.height,
                "bound": len(prices),
                "amber": days.filter(pl.col("status") == "AMBER").height,
                "softened": len(gave.get(str(name), ())),
                "breached": len(breached),
                "released_breached": sum(session in answered for session in breached),
                "mean_utilization": mean(known["utilization"].to_list()),
                "most_utilization": max(known["utilization"].to_list(), default=None),
                "least_slack": min(days["slack"].to_list()),
                "mean_price": mean(prices),
            }
        )
    return LIMIT_USE.frame(rows)


def risk_checks(series: pl.DataFrame, limits: pl.DataFrame, nav: float, settings: RiskReportSettings) -> pl.DataFrame:
    """RISK_CHECKS of a range: each session's prediction against the P&L marked on the next one, all of them.

    Bias ratio, VaR exceptions, drawdown and adherence as in model_checks, over the whole range once. A name that is closed at
    the delisting return counts on the session it is closed.

    Args:
        series: TIMESERIES.
        limits: portfolio_limits of the mandate.
        nav: dollars.
        settings: desk.risk_report.
    """
    columns = ("as_of_date", "marked_pnl", "ex_ante_volatility", "var_95", "var_99")
    known = {
        session: Prediction(pnl / nav, volatility, var_95, var_99)
        for session, pnl, volatility, var_95, var_99 in series.select(columns).iter_rows()
    }
    answered = set(series.filter(pl.col("decision").is_in(ANSWERED))["as_of_date"])
    of_answered = limits.filter(pl.col("as_of_date").is_in(sorted(answered)))
    breached = set(of_answered.filter(pl.col("status") == "BREACH")["as_of_date"])
    days = LimitDays(len(answered), len(breached), bound_sessions(of_answered))
    return RISK_CHECKS.frame(list(checks(known, list(known), days, settings)))


def softened_sessions(limits: pl.DataFrame) -> dict[str, int]:
    """Family -> on how many sessions one of its limits gave way."""
    gave = limits.filter(pl.col("softened_to").is_not_null()).select("as_of_date", "family").unique()
    return dict(gave.group_by("family").len().sort("family").iter_rows())


def soft_gross(exposures: pl.DataFrame, soft_classes: Sequence[str], sessions: Sequence[date]) -> list[float]:
    """Gross over the classes a mandate calls soft and names without a class, per session, fractions of nav."""
    soft = exposures.filter((pl.col("dimension") == "fragility") & pl.col("member").is_in([*soft_classes, UNKNOWN]))
    by_day: dict[date, float] = {}
    for session, gross in soft.select("as_of_date", "gross").iter_rows():
        by_day[session] = by_day.get(session, 0.0) + gross
    return [by_day.get(session, 0.0) for session in sessions]
