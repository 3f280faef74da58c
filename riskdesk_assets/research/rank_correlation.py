"""Spearman's rank correlation: does one number put things in the order of another?"""

from __future__ import annotations

import math

import polars as pl


def spearman(left: pl.Series, right: pl.Series) -> float | None:
    """Pearson's correlation of the ranks, average ranks in ties, summed exactly; None where one side has no order.

    Args:
        left, right: values without nulls, alike in length.
    """
    center = (left.len() + 1) / 2
    ours, theirs = ([rank - center for rank in side.rank("average").to_list()] for side in (left, right))
    spread = math.sqrt(math.fsum(x * x for x in ours) * math.fsum(y * y for y in theirs))
    return math.fsum(x * y for x, y in zip(ours, theirs, strict=True)) / spread if spread else None
