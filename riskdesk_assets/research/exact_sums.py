"""Sums of floats rounded once, so that the order of their terms changes no bit (math.fsum), per group and from the first on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import accumulate

import polars as pl


def exact_sums(rows: pl.DataFrame, by: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
    """The exact sum of every column per group.

    Args:
        rows: with ``by`` and ``columns``; columns of floats without nulls.
        by: what makes a group; groups come in no order.
        columns: what is summed.

    Returns:
        ``by`` and ``columns``, one row per group.
    """
    groups = rows.group_by(by).agg(columns)
    sums = [pl.Series(name, [math.fsum(values) for values in groups[name].to_list()], pl.Float64) for name in columns]
    return groups.with_columns(sums)


def running_sums(values: Iterable[float]) -> list[float]:
    """The exact sum of the values up to each one of them.

    A float is a fraction, sums of fractions are exact, and a fraction becomes the float next to it: what math.fsum gives for
    every beginning of the values, without adding each of them up again.
    """
    return [float(total) for total in accumulate(map(Fraction, values))]
