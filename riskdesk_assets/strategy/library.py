"""Strategies and their budgets. Every ticket stands alone: the pass-through that design.md allows stage 1 for now.

Document 002's sizing (methods.md section 5) groups tickets into strategies and gives each its capital. Without it a ticket
is a strategy of its own, in bucket RV, and its budget is its own ``max_gross_notional``.
"""

from __future__ import annotations

import polars as pl

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.strategy.snapshots import IN_FORCE
from riskdesk_assets.strategy.ticket import TIER_NAMES

LONE_BUCKET = "RV"
LONE_SIGNAL = "mean_reversion"
LONE_REASON = "stands alone: budget is the ticket's own max_gross_notional"


def strategy_library(snapshots: pl.DataFrame) -> pl.DataFrame:
    """The table ``strategy_library``: one active strategy per ticket in force, named after it.

    Args:
        snapshots: rows of ``ticket_snapshots`` of one or more sessions.
    """
    in_force = snapshots.filter(pl.col("status") == IN_FORCE)
    return TABLES["strategy_library"].conform(
        in_force.select(
            "as_of_date",
            pl.col("ticket_id").alias("strategy_name"),
            pl.lit(LONE_BUCKET).alias("bucket"),
            pl.lit(LONE_SIGNAL).alias("signal_type"),
            pl.lit("active").alias("status"),
            pl.col("conviction").replace_strict(dict(TIER_NAMES), return_dtype=pl.String()),
            pl.lit(1).alias("ticket_count"),
        )
    )


def strategy_budgets(snapshots: pl.DataFrame) -> pl.DataFrame:
    """The table ``strategy_budgets``: dollars each ticket in force may use, here its own ``max_gross_notional``.

    Args:
        snapshots: rows of ``ticket_snapshots`` of one or more sessions.
    """
    in_force = snapshots.filter(pl.col("status") == IN_FORCE)
    return TABLES["strategy_budgets"].conform(
        in_force.select(
            "as_of_date",
            pl.col("ticket_id").alias("strategy_name"),
            "ticket_id",
            "max_gross_notional",
            pl.col("max_gross_notional").alias("budget"),
            pl.lit(LONE_REASON).alias("reason"),
        )
    )
