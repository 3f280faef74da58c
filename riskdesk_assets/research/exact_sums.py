"""Sums of floats rounded once (math.fsum), so that the order of their terms changes no bit: per group, and up to each term."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

_ROWS = "rows of the group"


def exact_sums(rows: pl.DataFrame, by: Sequence[str], columns: Sequence[str], *more: pl.Expr) -> pl.DataFrame:
    """The exact sum of every column per group.

    Args:
        rows: with ``by`` and ``columns``; columns of floats without nulls.
        by: what makes a group.
        columns: what is summed.
        more: other aggregations of the same groups.

    Returns:
        ``by``, ``columns`` and ``more``, one row per group, in no order.
    """
    groups = rows.group_by(by).agg(pl.len().alias(_ROWS), *columns, *more)
    ends = [0, *accumulate(groups[_ROWS])]
    sums = [pl.Series(name, _sums(groups[name].explode().to_list(), ends), pl.Float64) for name in columns]
    return groups.drop(_ROWS).with_columns(sums)


def exact_sums_at(places: npt.NDArray[np.intp], amounts: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    """The exact sum of the amounts at every place from 0 to ``count`` - 1; places in any order, shapes alike."""
    order = np.argsort(places, kind="stable")
    ends = np.searchsorted(places[order], np.arange(count + 1)).tolist()
    return np.array(_sums(amounts[order].tolist(), ends), dtype=np.float64)


def running_sums(values: Sequence[float]) -> list[float]:
    """The exact sum of the values up to each one of them: math.fsum of every beginning, in one pass.

    Finite floats are whole multiples of a common power of two, whole numbers add without rounding, and Python divides them to
    the nearest float.
    """
    ratios = [value.as_integer_ratio() for value in values]
    common = max((below for _, below in ratios), default=1)
    return [total / common for total in accumulate(above * (common // below) for above, below in ratios)]


def _sums(values: Sequence[float], ends: Sequence[int]) -> list[float]:
    return [math.fsum(values[begin:end]) for begin, end in pairwise(ends)]
