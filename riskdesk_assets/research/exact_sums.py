"""Sums of floats rounded once (math.fsum), so that the order of their terms changes no bit: per group, and up to each term."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt
import polars as pl


def exact_sums(rows: pl.DataFrame, by: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
    """The exact sum of every column per group.

    Args:
        rows: with ``by`` and ``columns``; columns of floats without nulls.
        by: what makes a group.
        columns: what is summed.

    Returns:
        ``by`` and ``columns``, one row per group, in no order.
    """
    groups = rows.group_by(by).agg(columns)
    sums = [pl.Series(name, [math.fsum(values) for values in groups[name].to_list()], pl.Float64) for name in columns]
    return groups.with_columns(sums)


def exact_sums_at(places: npt.NDArray[np.intp], amounts: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    """The exact sum of the amounts at every place from 0 to ``count`` - 1; places in any order, shapes alike."""
    order = np.argsort(places, kind="stable")
    ends = np.searchsorted(places[order], np.arange(count + 1)).tolist()
    ordered = amounts[order].tolist()
    return np.array([math.fsum(ordered[begin:end]) for begin, end in pairwise(ends)], dtype=np.float64)


def running_sums(values: Sequence[float]) -> list[float]:
    """The exact sum of the values up to each one of them: math.fsum of every beginning, in one pass.

    Finite floats are whole multiples of a common power of two, whole numbers add without rounding, and Python divides them to
    the nearest float.
    """
    ratios = [value.as_integer_ratio() for value in values]
    common = max((below for _, below in ratios), default=1)
    return [total / common for total in accumulate(above * (common // below) for above, below in ratios)]
