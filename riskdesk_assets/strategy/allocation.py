"""Summaries of one session's sizes (document 002, section 4.3): capital by bucket, by conviction, the correlation matrix."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskdesk_assets.common.sizing import BUCKETS, TIERS, SizingRules

Row = Mapping[str, Any]


@dataclass(frozen=True)
class BucketLine:
    """One bucket: dollars its strategies would have on their own, have allocated, and have in the end; ``cap`` is its most."""

    bucket: str
    strategies: int
    recommended: float
    allocated: float
    final: float
    cap: float


@dataclass(frozen=True)
class TierLine:
    """One conviction tier: how many strategies have capital in it, and their dollars; ``share`` of all capital."""

    tier: str
    strategies: int
    final: float
    share: float


def bucket_lines(sizes: Sequence[Row], rules: SizingRules, nav: float) -> tuple[BucketLine, ...]:
    """Capital by bucket, in document 002's order; buckets without a strategy are left out.

    Args:
        sizes: rows of strategy_sizes of one session.
        rules: the caps, fractions of nav.
        nav: dollars.
    """
    found = []
    for bucket in BUCKETS:
        rows = [row for row in sizes if row["bucket"] == bucket]
        taking = [row for row in rows if row["status"] == "active" and row["ticket_count"]]
        if rows:
            found.append(
                BucketLine(
                    bucket,
                    len(taking),
                    recommended=_sum(taking, "recommended_size"),
                    allocated=_sum(taking, "capital_allocation"),
                    final=_sum(taking, "final_size"),
                    cap=rules.max_allocation_pct[bucket] * nav,
                )
            )
    return tuple(found)


def tier_lines(sizes: Sequence[Row], library: Iterable[Row]) -> tuple[TierLine, ...]:
    """Capital by conviction, lowest first.

    Args:
        sizes: rows of strategy_sizes of one session.
        library: rows of strategy_library of the same session.
    """
    tiers = {row["strategy_name"]: row["conviction"] for row in library}
    total = _sum(sizes, "final_size")
    found = []
    for tier in TIERS:
        rows = [row for row in sizes if tiers.get(row["strategy_name"]) == tier and row["final_size"]]
        final = _sum(rows, "final_size")
        found.append(TierLine(tier, len(rows), final, final / total if total else 0.0))
    return tuple(found)


def correlation_matrix(correlations: Iterable[Row]) -> tuple[tuple[str, ...], dict[tuple[str, str], float]]:
    """Names in order, and the correlation of every two of them, in both orders and each with itself.

    Args:
        correlations: rows of strategy_correlations of one session.
    """
    rows = list(correlations)
    names = tuple(sorted({row[column] for row in rows for column in ("strategy_a", "strategy_b")}))
    matrix = {(name, name): 1.0 for name in names}
    for row in rows:
        matrix[row["strategy_a"], row["strategy_b"]] = matrix[row["strategy_b"], row["strategy_a"]] = row["correlation"]
    return names, matrix


def _sum(rows: Sequence[Row], column: str) -> float:
    return math.fsum(row[column] for row in rows)
