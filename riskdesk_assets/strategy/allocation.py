"""Summaries of one session's sizes (document 002, section 4.3): capital by bucket, by conviction, the correlation matrix.

The page, the workbook and the morning all show these lines. A strategy counts where it takes part: active, with a ticket in
force, as the sizing has it. One that the regime or its correlations cut to 0 still counts, with no capital.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskdesk_assets.common.buckets import BUCKETS
from riskdesk_assets.common.sizing import TIERS, SizingRules
from riskdesk_assets.strategy.strategy_file import ACTIVE

Row = Mapping[str, Any]


@dataclass(frozen=True)
class BucketLine:
    """One bucket: its strategies, and dollars they were allocated and have after the adjustments; ``cap`` is its most."""

    bucket: str
    strategies: int
    allocated: float
    final: float
    cap: float

    @property
    def cap_used(self) -> float | None:
        """Allocated of the cap, as a fraction: the cap binds before the adjustments. None where the cap is 0."""
        return self.allocated / self.cap if self.cap else None


@dataclass(frozen=True)
class TierLine:
    """One conviction tier: its strategies, and their dollars after all adjustments; ``share`` of all capital."""

    tier: str
    strategies: int
    final: float
    share: float


def taking_part(sizes: Iterable[Row]) -> list[Row]:
    """The strategies that compete for capital.

    Args:
        sizes: rows of strategy_sizes of one session.
    """
    return [row for row in sizes if row["status"] == ACTIVE and row["ticket_count"]]


def bucket_lines(sizes: Iterable[Row], rules: SizingRules, nav: float) -> tuple[BucketLine, ...]:
    """Capital by bucket: every bucket, in document 002's order.

    Args:
        sizes: rows of strategy_sizes of one session.
        rules: the caps, fractions of nav.
        nav: dollars.
    """
    taking = taking_part(sizes)
    found = []
    for bucket in BUCKETS:
        rows = [row for row in taking if row["bucket"] == bucket]
        allocated, final = _sum(rows, "capital_allocation"), _sum(rows, "final_size")
        found.append(BucketLine(bucket, len(rows), allocated, final, rules.max_allocation_pct[bucket] * nav))
    return tuple(found)


def tier_lines(sizes: Iterable[Row], library: Iterable[Row]) -> tuple[TierLine, ...]:
    """Capital by conviction: every tier, lowest first.

    Args:
        sizes: rows of strategy_sizes of one session.
        library: rows of strategy_library of the same session.
    """
    tiers = {row["strategy_name"]: row["conviction"] for row in library}
    taking = taking_part(sizes)
    total = _sum(taking, "final_size")
    found = []
    for tier in TIERS:
        rows = [row for row in taking if tiers.get(row["strategy_name"]) == tier]
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
