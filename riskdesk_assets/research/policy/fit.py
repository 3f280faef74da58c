"""Ridge regression with an unpenalised intercept, in closed form and in one fixed order of operations.

No BLAS: sums run over the rows in their order and the small system is solved by a Cholesky factor written out, so neither the
number of threads nor a library's kernels can change a bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.policy_settings import PolicySettings
from riskdesk_assets.controllers.policy_features import FEATURES
from riskdesk_assets.controllers.policy_model import Fit, Thresholds

Array = npt.NDArray[np.float64]
SMALLEST_SD = 1e-12


@dataclass(frozen=True)
class Ridge:
    """Intercept and coefficients on columns whose mean is 0, one coefficient a column."""

    intercept: float
    coefficients: tuple[float, ...]


def fitted(rows: pl.DataFrame, settings: PolicySettings) -> Fit:
    """Fit the policy on learnable rows, in the order of their keys.

    Args:
        rows: training_set.learnable rows; their order does not matter.
        settings: lambda, clip and quantile.

    Raises:
        InputError: fewer rows than features can be told apart by, or a feature that never changes.
    """
    ordered = rows.sort("as_of_date", "pair_id")
    values = np.ascontiguousarray(ordered.select(FEATURES).to_numpy().T.astype(np.float64))
    target = np.ascontiguousarray(ordered["net_return"].to_numpy())
    if len(target) <= 2 * len(FEATURES):
        raise InputError(Problem("policy_training_set", None, "", f"has {len(target)} rows to learn from: too few"))
    means = [_mean(column) for column in values]
    sds = [math.sqrt(_mean((column - mean) ** 2)) for column, mean in zip(values, means, strict=True)]
    still = [name for name, sd, mean in zip(FEATURES, sds, means, strict=True) if sd <= SMALLEST_SD * max(1.0, abs(mean))]
    if still:
        raise InputError(Problem("policy_training_set", None, ", ".join(still), "never changes: nothing can be learned of it"))
    standard = standardised(values, means, sds, settings.feature_clip)
    centres = [_mean(column) for column in standard]
    ridge = ridge_regression(standard - np.array(centres)[:, None], target, settings.ridge_lambda)
    # Clipping moves a column's mean a little off 0: the intercept takes it back, so that prediction needs no second centre.
    shift = math.fsum(coefficient * centre for coefficient, centre in zip(ridge.coefficients, centres, strict=True))
    intercept = ridge.intercept - shift
    predicted = predictions(standard, intercept, ridge.coefficients)
    return Fit.model_validate(
        {
            "features": FEATURES,
            "means": means,
            "sds": sds,
            "coefficients": ridge.coefficients,
            "intercept": intercept,
            "lambda": settings.ridge_lambda,
            "clip": settings.feature_clip,
            "thresholds": thresholds(predicted, _mean(ordered["cost"].to_numpy()), settings.full_quantile),
        }
    )


def ridge_regression(columns: Array, target: Array, ridge_lambda: float) -> Ridge:
    """Minimise |y - b0 - X b|^2 + lambda |b|^2.

    Args:
        columns: X', shape (features, rows); every column's mean is 0.
        target: y, shape (rows,).
        ridge_lambda: at least 0; the intercept is not penalised.

    Source: Hoerl and Kennard (1970), "Ridge regression", Technometrics 12(1); with centred columns b0 is the mean of y.
    """
    intercept = _mean(target)
    residual = target - intercept
    size = len(columns)
    gram = [[_total(columns[i] * columns[j]) + (ridge_lambda if i == j else 0.0) for j in range(i + 1)] for i in range(size)]
    return Ridge(intercept, _solved(gram, [_total(column * residual) for column in columns]))


def thresholds(predicted: Array, mean_cost: float, full_quantile: float) -> Thresholds:
    """From predictions to sizes: half a unit from 0, the expected gain of going in now and out after the horizon; a full one
    from a quantile of the training predictions above 0; what is held is kept down to 0 before the mean cost of both ways."""
    above = np.sort(predicted[predicted > 0.0])
    place = max(math.ceil(full_quantile * len(above)) - 1, 0)
    full = float(above[place]) if len(above) else 0.0
    return Thresholds(hold=-mean_cost, half=0.0, full=full)


def standardised(columns: Array, means: Sequence[float], sds: Sequence[float], clip: float) -> Array:
    """(x - mean) / sd, cut at plus and minus ``clip``; shape as given, (features, rows)."""
    rows = [(column - mean) / sd for column, mean, sd in zip(columns, means, sds, strict=True)]
    cut: Array = np.minimum(np.maximum(np.array(rows), -clip), clip)
    return cut


def predictions(standard: Array, intercept: float, coefficients: Sequence[float]) -> Array:
    """Predicted values of standardised columns, added up feature by feature as Fit.predict does: the same bits."""
    total = np.full(standard.shape[1], intercept)
    for column, coefficient in zip(standard, coefficients, strict=True):
        total += coefficient * column
    return total


def predicted(fit: Fit, rows: pl.DataFrame) -> list[float | None]:
    """The fit's prediction of each row; None where a feature is missing."""
    values = np.ascontiguousarray(
        np.array([rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in fit.features], dtype=np.float64)
    )
    found = predictions(standardised(values, fit.means, fit.sds, fit.clip), fit.intercept, fit.coefficients)
    return [None if math.isnan(value) else value for value in found.tolist()]


def _solved(lower: list[list[float]], right: list[float]) -> tuple[float, ...]:
    """x of A x = right for a positive definite A given by its lower triangle, by a Cholesky factor."""
    size = len(right)
    factor = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = lower[i][j] - math.fsum(factor[i][k] * factor[j][k] for k in range(j))
            factor[i][j] = math.sqrt(rest) if i == j else rest / factor[j][j]
    forward: list[float] = []
    for i in range(size):
        forward.append((right[i] - math.fsum(factor[i][k] * forward[k] for k in range(i))) / factor[i][i])
    solution = [0.0] * size
    for i in reversed(range(size)):
        solution[i] = (forward[i] - math.fsum(factor[k][i] * solution[k] for k in range(i + 1, size))) / factor[i][i]
    return tuple(solution)


def _total(values: Array) -> float:
    return float(np.add.reduce(np.ascontiguousarray(values)))


def _mean(values: Array) -> float:
    return _total(values) / len(values)
