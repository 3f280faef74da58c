"""Did the range keep its limits, how often did each bind, and was the risk model right (PE-72, PE-73, PE-74)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from riskdesk_assets.book.clips import TICKET_CAPS
from riskdesk_assets.common.settings import Config
from riskdesk_assets.reports.model_check_rows import LimitDays, Prediction, checks
from riskdesk_assets.research.backtest_tables import LIMIT_USE, RISK_CHECKS
from riskdesk_assets.research.performance import mean

_OF_CAPS = {"GROSS_CLAMP": "ticket_gross", "LEG_CLAMP_A": "leg_notional", "LEG_CLAMP_B": "leg_notional"}
POSITION_COUNT = "position_count"


def label(name: str) -> str:
    """A limit's name without its member: ``group`` for ``group:regional``."""
    return name.split(":", 1)[0]


def limit_use(audit: pl.DataFrame, clips: pl.DataFrame) -> pl.DataFrame:
    """LIMIT_USE of a range, from limit_audit and clip_ledger: a limit bound where it had a price, or a clip names it."""
    sessions: dict[str, set[date]] = {}
    bound: dict[str, set[date]] = {}
    amber: dict[str, set[date]] = {}
    breached: dict[str, set[date]] = {}
    kept_breached: dict[str, set[date]] = {}
    most: dict[str, dict[date, float]] = {}
    prices: dict[str, list[float]] = {}
    families: dict[str, tuple[str, str]] = {}
    columns = ("as_of_date", "limit_name", "family", "mode", "utilization", "status", "price_of_limit", "released")
    for day, name, family, mode, utilization, status, price, released in audit.select(columns).iter_rows():
        key = label(name)
        families.setdefault(key, (family, mode))
        sessions.setdefault(key, set()).add(day)
        if utilization is not None:
            days = most.setdefault(key, {})
            days[day] = max(days.get(day, 0.0), utilization)
        if price is not None and price > 0:
            bound.setdefault(key, set()).add(day)
            prices.setdefault(key, []).append(price)
        if status == "AMBER":
            amber.setdefault(key, set()).add(day)
        if status == "BREACH":
            breached.setdefault(key, set()).add(day)
            if released:
                kept_breached.setdefault(key, set()).add(day)
    for day, name, stage in clips.select("as_of_date", "limit_name", "stage").iter_rows():
        key = _OF_CAPS.get(name, "") if stage == TICKET_CAPS else label(name)
        if key in families or key == POSITION_COUNT:
            bound.setdefault(key, set()).add(day)
    for key in bound.keys() - families.keys():
        families[key] = (key, "construct")
    return LIMIT_USE.frame(
        [
            {
                "limit_name": key,
                "family": family,
                "mode": mode,
                "sessions": len(sessions.get(key, ())),
                "bound": len(bound.get(key, ())),
                "amber": len(amber.get(key, ())),
                "breached": len(breached.get(key, ())),
                "released_breached": len(kept_breached.get(key, ())),
                "mean_utilization": mean([value for _, value in sorted(most.get(key, {}).items())]),
                "most_utilization": max(most.get(key, {}).values(), default=None),
                "mean_price": mean(prices.get(key, [])),
            }
            for key, (family, mode) in sorted(families.items())
        ]
    )


def risk_checks(frames: Mapping[str, pl.DataFrame], config: Config) -> pl.DataFrame:
    """RISK_CHECKS of a range: each session's prediction (desk_state) against the P&L marked on the next one, all of them.

    Bias ratio, VaR exceptions (Kupiec, Christoffersen, Basel's traffic light), drawdown and adherence as in model_checks; there
    over a window that rolls, here over the whole range once.
    """
    nav = config.desk.nav
    states = frames["desk_state"].sort("as_of_date")
    known = {
        row["as_of_date"]: Prediction(row["pnl_gross"] / nav, row["ex_ante_volatility"], row["var_95"], row["var_99"])
        for row in states.iter_rows(named=True)
    }
    window = list(known)
    released = set(states.filter("released")["as_of_date"])
    audit = frames["limit_audit"].filter(pl.col("as_of_date").is_in(sorted(released)))
    breached = set(audit.filter(pl.col("status") == "BREACH")["as_of_date"])
    binding: dict[str, set[date]] = {}
    for day, family in audit.filter(pl.col("price_of_limit") > 0).select("as_of_date", "family").iter_rows():
        binding.setdefault(family, set()).add(day)
    days = LimitDays(len(released), len(breached), {family: len(found) for family, found in sorted(binding.items())})
    return RISK_CHECKS.frame(list(checks(known, window, days, config.desk.risk_report)))
