"""What is told of stage 1 beside its tables: numbers to plot, and a warning for tickets whose strategy has no capital."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl

from riskdesk_assets.common.session_check import SessionCheck
from riskdesk_assets.strategy.budgets import BUDGETS, CORRELATIONS, SIZES
from riskdesk_assets.strategy.snapshots import IN_FORCE

HAVE_CAPITAL = "tickets_have_capital"


def budget_numbers(nav: float) -> dict[str, list[pl.Expr]]:
    """What is worth plotting of each table, a session at a time: aggregates by table."""
    cut = pl.col("budget") < pl.col("max_gross_notional")
    return {
        SIZES: [
            (pl.col("final_size").sum() / nav).alias("capital_of_nav"),
            (pl.col("capital_allocation").sum() / nav).alias("allocated_of_nav"),
            pl.col("regime_adjustment").min(),
            pl.col("correlation_adjustment").min().alias("least_correlation_adjustment"),
            pl.col("bucket_multiplier").min().alias("least_bucket_multiplier"),
            (pl.col("regime_fit") == 0).sum().alias("unfit"),
            pl.col("risk_contribution").max().alias("largest_risk_share"),
        ],
        BUDGETS: [
            pl.col("budget").sum(),
            (pl.col("budget").sum() / nav).alias("budget_of_nav"),
            (cut & (pl.col("budget") > 0)).sum().alias("cut"),
            ((pl.col("budget") == 0) & (pl.col("share").is_not_null())).sum().alias("at_nothing"),
        ],
        CORRELATIONS: [pl.col("correlation").mean().alias("mean"), pl.col("correlation").max().alias("highest")],
    }


def without_capital(budgets: pl.DataFrame, snapshots: pl.DataFrame) -> Iterator[SessionCheck]:
    """A warning for every session on which a ticket in force names a strategy that is unknown, or a candidate.

    Args:
        budgets: rows of strategy_budgets.
        snapshots: rows of ticket_snapshots of the same sessions.
    """
    in_force = snapshots.filter(pl.col("status") == IN_FORCE).select("as_of_date", "ticket_id")
    without = budgets.join(in_force, on=["as_of_date", "ticket_id"], how="semi")
    without = without.filter((pl.col("budget") == 0) & pl.col("base_size").is_null())
    days: dict[date, list[Mapping[str, Any]]] = {}
    for row in without.sort("as_of_date", "ticket_id").iter_rows(named=True):
        days.setdefault(row["as_of_date"], []).append(row)
    for session, rows in days.items():
        said = "; ".join(f"{row['ticket_id']}: {row['reason']}" for row in rows)
        tickets = ",".join(str(row["ticket_id"]) for row in rows)
        yield SessionCheck(HAVE_CAPITAL, session, passed=False, message=said, limit=tickets, hard=False)
