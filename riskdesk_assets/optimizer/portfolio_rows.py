"""A mandate's limits as arrays over its names: what each asks of the weights, and the rows the program is given.

All quantities are fractions of the portfolio's nav. A limit on one name is a bound on its weight; every row and every bound
carries the name of its limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, COVARIANCE_UNIT, Limit, Measure
from riskdesk_assets.optimizer.limit_rows import Array

Form = Literal["linear", "gross", "traded", "worst", "cone"]


@dataclass(frozen=True, eq=False)
class ShapedLimit:
    """One limit over n names, by ``form``.

    linear: ``matrix`` (r, n) @ w - ``offset`` (r,) <= bound, every row; gross: ``matrix`` (1, n) @ |w| <= bound; traded:
    ``matrix`` (1, n) @ |w - previous| <= bound; worst: the mean of the ``worst`` largest of ``matrix`` (S, n) @ w <= bound;
    cone: ||``matrix`` (n, n) @ w|| <= bound. ``place`` is the name's index where the limit is on one name alone.
    """

    name: str
    family: str
    form: Form
    matrix: Array
    offset: Array
    bound: float
    worst: int = 1
    place: int | None = None

    def measured(self, weights: Array, previous: Array) -> float:
        """The quantity for weights (n,), with ``previous`` (n,) the weights before."""
        if self.form == "gross":
            return float((self.matrix @ np.abs(weights))[0])
        if self.form == "traded":
            return float((self.matrix @ np.abs(weights - previous))[0])
        if self.form == "cone":
            return float(np.linalg.norm(self.matrix @ weights))
        values = self.matrix @ weights
        if self.form == "worst":
            return float(np.mean(values[self.worst_rows(weights)]))
        return float((values - self.offset).max())

    def worst_rows(self, weights: Array) -> list[int]:
        """Indices, ``worst`` of them, of the scenarios that cost these weights most, ties by their order."""
        order: list[int] = np.argsort(-(self.matrix @ weights), kind="stable").tolist()
        return order[: self.worst]


@dataclass(frozen=True, eq=False)
class PortfolioRows:
    """What the program is given: bounds (n,) on w and whose they are, and matrices (rows, n) with bounds and names of rows.

    ``lower`` and ``upper`` are infinite, with an empty name, where nothing bounds the weight.
    """

    lower: Array
    upper: Array
    lower_names: tuple[str, ...]
    upper_names: tuple[str, ...]
    linear: tuple[tuple[str, Array, float], ...]
    gross: tuple[tuple[str, Array, float], ...]
    traded: tuple[tuple[str, Array, float], ...]
    cones: tuple[tuple[str, Array, float], ...]


def shape_limits(limits: Sequence[Limit], symbols: Sequence[str], previous: Array, nav: float) -> tuple[ShapedLimit, ...]:
    """The construct-mode limits, in the order of their names; one that no name of the problem enters is left out.

    Args:
        limits: with bounds in ticks of 1e-4 dollars.
        symbols: the problem's n names.
        previous: weights before, shape (n,).
        nav: dollars.
    """
    place = {symbol: i for i, symbol in enumerate(symbols)}
    shaped: list[ShapedLimit] = []
    for limit in sorted(limits, key=lambda limit: limit.name):
        columns = [(j, place[symbol]) for j, symbol in enumerate(limit.members) if symbol in place]
        if limit.mode == "construct" and columns:
            shaped.append(_shaped(limit, columns, previous, nav))
    return tuple(shaped)


def portfolio_rows(
    shaped: Sequence[ShapedLimit],
    cuts: Mapping[str, Sequence[Array]],
    *,
    names: int,
    long_only: bool,
    margin: float,
) -> PortfolioRows:
    """The rows of a program. A row that weights of at least 0 with sum 1 cannot break is left out: the budget says it already.

    Args:
        shaped: the limits.
        cuts: per limit of form worst, the rows (n,) found so far: the mean loss over one set of scenarios each.
        names: n.
        long_only: whether weights are at least 0; then |w| is w.
        margin: fraction of nav by which bounds are tightened (never below 0), so that an answer within tolerance obeys the
            limit itself; negative to loosen them.
    """
    lower, upper = np.full(names, 0.0 if long_only else -np.inf), np.full(names, np.inf)
    lower_names, upper_names = [""] * names, [""] * names
    linear: list[tuple[str, Array, float]] = []
    gross: list[tuple[str, Array, float]] = []
    traded: list[tuple[str, Array, float]] = []
    cones: list[tuple[str, Array, float]] = []
    for limit in shaped:
        bound = tightened(limit.bound, margin)
        if limit.place is not None:
            i = limit.place
            high, low = bound + float(limit.offset[0]), -bound - float(limit.offset[1])
            if high < upper[i]:
                upper[i], upper_names[i] = high, limit.name
            if low > lower[i]:
                lower[i], lower_names[i] = low, limit.name
        elif limit.form == "linear":
            sides = zip(limit.matrix, limit.offset, strict=True)
            linear += [
                (limit.name, row, bound + float(offset))
                for row, offset in sides
                if not (long_only and row.max() <= limit.bound + float(offset))
            ]
        elif limit.form == "gross":
            if not long_only:
                gross.append((limit.name, limit.matrix[0], bound))
            elif limit.matrix[0].max() > limit.bound:
                linear.append((limit.name, limit.matrix[0], bound))
        elif limit.form == "traded":
            traded.append((limit.name, limit.matrix[0], bound))
        elif limit.form == "worst":
            linear += [(limit.name, row, bound) for row in cuts.get(limit.name, ())]
        else:
            cones.append((limit.name, limit.matrix, bound))
    return PortfolioRows(
        lower, upper, tuple(lower_names), tuple(upper_names), tuple(linear), tuple(gross), tuple(traded), tuple(cones)
    )


def tightened(bound: float, margin: float) -> float:
    """The bound less the margin; a bound of 0 or more never falls below 0."""
    return max(bound - margin, min(bound, 0.0))


def _shaped(limit: Limit, columns: Sequence[tuple[int, int]], previous: Array, nav: float) -> ShapedLimit:
    n = len(previous)
    base = ShapedLimit(
        limit.name, limit.family.value, "linear", np.zeros((1, n)), np.zeros(1), limit.bound / TICKS_PER_DOLLAR / nav
    )
    mask = np.zeros((1, n))
    mask[0, [i for _, i in columns]] = 1.0
    both = np.vstack([mask, -mask])
    alone = columns[0][1] if len(columns) == 1 else None
    if limit.measure is Measure.VOLATILITY:
        return replace(base, form="cone", matrix=_root(_spread(limit, columns, n), columns))
    if limit.coefficients:
        matrix = np.zeros((len(limit.coefficients), n))
        for j, i in columns:
            matrix[:, i] += [row[j] / COEFFICIENT_UNIT for row in limit.coefficients]
        if limit.measure is Measure.EXPOSURE:
            return replace(base, matrix=np.vstack([matrix, -matrix]), offset=np.zeros(2))
        if limit.measure is Measure.LOSS:
            return replace(base, matrix=-matrix)
        return replace(base, form="worst", matrix=-matrix, offset=np.zeros(len(matrix)), worst=min(limit.worst, len(matrix)))
    if limit.measure is Measure.TRADED:
        if alone is None:
            return replace(base, form="traded", matrix=mask)
        before = float(previous[alone])
        return replace(base, matrix=both, offset=np.array([before, -before]), place=alone)
    if limit.measure is Measure.NET or alone is not None:
        return replace(base, matrix=both, offset=np.zeros(2), place=alone)
    return replace(base, form="gross", matrix=mask)


def _spread(limit: Limit, columns: Sequence[tuple[int, int]], n: int) -> Array:
    covariance = np.zeros((n, n))
    for j, i in columns:
        for other, column in columns:
            covariance[i, column] += limit.coefficients[j][other] / COVARIANCE_UNIT
    return covariance


def _root(covariance: Array, columns: Sequence[tuple[int, int]]) -> Array:
    """A matrix V with V'V the covariance, zero outside the members' columns."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    root: Array = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    outside = sorted(set(range(len(covariance))) - {i for _, i in columns})
    root[:, outside] = 0.0
    return root
