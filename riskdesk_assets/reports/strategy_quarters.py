"""Each strategy's calendar quarters: what it earned, what was expected of it, and how often it was right (PM-94)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import polars as pl

from riskdesk_assets.reports.expected_pnl_rows import STRATEGY, TOTAL


@dataclass(frozen=True)
class StrategyQuarter:
    """One strategy (or TOTAL) in one quarter; dollars.

    ``sessions`` are those with a row, ``active`` those on which P&L became known that was not zero; ``hit_rate`` is the share
    of the active ones with a gain; ``expected`` what was expected of the capital given, ``expected_employed`` of that
    employed; ``ratio`` and ``employed_ratio`` are realized of each.
    """

    quarter: str
    strategy: str
    bucket: str
    sessions: int
    active: int
    realized: float
    expected: float
    expected_employed: float
    ratio: float | None
    employed_ratio: float | None
    hit_rate: float | None
    best: float
    worst: float


def strategy_quarters(rows: pl.DataFrame) -> tuple[StrategyQuarter, ...]:
    """Every strategy and the total in every calendar quarter the rows touch, the newest quarter first, TOTAL last in each.

    Args:
        rows: of expected_pnl, of any sessions; the other scopes are left out.
    """
    known: dict[tuple[str, str, str], list[dict[str, object]]] = {}
    wanted = rows.filter(pl.col("scope").is_in([STRATEGY, TOTAL])).sort("as_of_date", "scope", "name")
    for row in wanted.iter_rows(named=True):
        known.setdefault((quarter_of(row["as_of_date"]), row["scope"], row["name"]), []).append(row)
    found = [_quarter(quarter, name, part) for (quarter, _, name), part in known.items()]
    ordered = sorted(found, key=lambda one: (one.strategy == TOTAL and not one.bucket, one.strategy))
    return tuple(sorted(ordered, key=lambda one: one.quarter, reverse=True))


def quarter_of(session: date) -> str:
    """``2026-Q1``."""
    return f"{session.year}-Q{(session.month + 2) // 3}"


def _quarter(quarter: str, name: str, rows: list[dict[str, object]]) -> StrategyQuarter:
    realized = [value for row in rows if isinstance(value := row["realized"], float)]
    active = [value for value in realized if value]
    expected, employed = (
        math.fsum(value for row in rows if isinstance(value := row[column], float))
        for column in ("forecast", "forecast_employed")
    )
    total = math.fsum(realized)
    return StrategyQuarter(
        quarter=quarter,
        strategy=name,
        bucket=str(rows[-1]["bucket"] or ""),
        sessions=len(rows),
        active=len(active),
        realized=total,
        expected=expected,
        expected_employed=employed,
        ratio=total / expected if expected > 0 else None,
        employed_ratio=total / employed if employed > 0 else None,
        hit_rate=sum(1 for value in active if value > 0) / len(active) if active else None,
        best=max(realized, default=0.0),
        worst=min(realized, default=0.0),
    )
