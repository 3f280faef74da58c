"""The Engle-Granger p-value of a pair, refreshed once a week (methods.md section 2: a warning, never a gate)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.features.own_bars import OwnBars
from riskdesk_assets.features.windows import Array

FIXED_LAG = 1
"""Lags of the augmented Dickey-Fuller regression: choosing them by AIC costs a hundred times more."""

# MacKinnon (1994), "Approximate Asymptotic Distribution Functions for Unit-Root and Cointegration Tests", Journal of Business
# & Economic Statistics 12(2), two series and a constant: beyond LEAST and MOST the p-value is 0 and 1; up to BEND the first
# polynomial in the statistic gives its normal quantile, above it the second. Lowest power first.
_LEAST, _BEND, _MOST = -18.86, -2.62, 0.92
_UP_TO_BEND = (2.92, 1.5012, 3.9796 * 1e-2)
_ABOVE_BEND = (2.1945, 6.4695 * 1e-1, -2.9198 * 1e-1, -4.2377 * 1e-2)
_ONE_SERIES = 1 - 100 * math.sqrt(np.finfo(np.float64).eps)
"""From this R-squared on the two legs are one series, and what is left of their regression is rounding."""


def weekly_pvalues(
    sessions: Sequence[date],
    bars: OwnBars,
    log_a: Array,
    log_b: Array,
    window: int,
    wanted: npt.NDArray[np.bool_],
) -> Array:
    """P-values as of the first session of each row's ISO week, a function of the row's own session alone.

    Args:
        sessions: the panel's sessions, ascending.
        bars: the pair's common bars.
        log_a: log adj_close of leg A on the common bars, shape (bars,).
        log_b: log adj_close of leg B on the common bars, shape (bars,).
        window: common bars behind one test.
        wanted: the rows asked for, shape (bars,).

    Returns:
        Shape (bars,); NaN where not wanted, where fewer than ``window`` common bars up to the week's first session lie
        within the lookback of the row, or where the test has no answer (a leg stands still, the legs are one series).
    """
    week_start = _week_starts(sessions)
    out = np.full(len(bars.rows), np.nan)
    known: dict[int, float] = {}
    with single_threaded():
        for row in np.flatnonzero(wanted).tolist():
            position = int(bars.rows[row])
            end = int(np.searchsorted(bars.rows, week_start[position], side="right"))
            start = end - window
            if start < 0 or bars.rows[start] <= position - bars.lookback:
                continue
            if end not in known:
                known[end] = engle_granger_pvalue(log_a[start:end], log_b[start:end])
            out[row] = known[end]
    return out


def engle_granger_pvalue(log_a: Array, log_b: Array) -> float:
    """P-value of the Engle-Granger test of two log price series with a constant; NaN where the test has no answer.

    The numbers are those of statsmodels' ``coint(..., maxlag=FIXED_LAG, autolag=None)`` to the bit, at a quarter of its time:
    a backtest asks for thousands.

    Args:
        log_a, log_b: shape (bars,).

    Source: Engle and Granger (1987), "Co-Integration and Error Correction", Econometrica 55(2); MacKinnon (1994).
    """
    if np.ptp(log_a) == 0.0 or np.ptp(log_b) == 0.0:
        return math.nan
    with np.errstate(all="ignore"):
        together = _least_squares(np.column_stack([log_b, np.ones(len(log_b))]), log_a)
        deviations = log_a - log_a.mean()
        if not 1 - np.dot(together.residuals, together.residuals) / np.dot(deviations, deviations) < _ONE_SERIES:
            return math.nan
        spread, changes = together.residuals, np.diff(together.residuals)
        earlier = [changes[FIXED_LAG - lag : -lag] for lag in range(1, FIXED_LAG + 1)]
        reversion = _least_squares(np.column_stack([spread[FIXED_LAG:-1], *earlier]), changes[FIXED_LAG:])
        return _mackinnon_pvalue(reversion.first_t_value)


@dataclass(frozen=True, eq=False)
class _Regression:
    """An ordinary least squares fit: parameters, residuals, the inverse of X'X, and the degrees of freedom left."""

    parameters: Array
    residuals: Array
    inverse: Array
    degrees: int

    @property
    def first_t_value(self) -> float:
        """The first parameter over its standard error."""
        scale = np.dot(self.residuals, self.residuals) / self.degrees
        return float(self.parameters[0] / np.sqrt(self.inverse[0, 0] * scale))


def _least_squares(regressors: Array, values: Array) -> _Regression:
    """Regress ``values``, shape (rows,), on ``regressors``, shape (rows, columns), by the pseudoinverse."""
    left, sizes, right = np.linalg.svd(regressors, full_matrices=False)
    inverted = np.where(sizes > 1e-15 * sizes.max(), 1.0 / sizes, 0.0)
    pseudoinverse = np.dot(right.T, inverted[:, None] * left.T)
    parameters = np.dot(pseudoinverse, values)
    rank = int(np.count_nonzero(sizes > sizes.max() * len(sizes) * np.finfo(np.float64).eps))
    residuals = values - np.dot(regressors, parameters)
    return _Regression(parameters, residuals, np.dot(pseudoinverse, pseudoinverse.T), len(values) - rank)


def _mackinnon_pvalue(statistic: float) -> float:
    """The asymptotic p-value of the test's statistic; NaN where it is not finite."""
    from scipy.special import ndtr

    if not math.isfinite(statistic):
        return math.nan
    if statistic > _MOST:
        return 1.0
    if statistic < _LEAST:
        return 0.0
    quantile = 0.0
    for coefficient in reversed(_UP_TO_BEND if statistic <= _BEND else _ABOVE_BEND):
        quantile = quantile * statistic + coefficient
    return float(ndtr(quantile))


def _week_starts(sessions: Sequence[date]) -> list[int]:
    """For each session, the position of the first session of its ISO week."""
    starts: list[int] = []
    for position, session in enumerate(sessions):
        same_week = position > 0 and session.isocalendar()[:2] == sessions[position - 1].isocalendar()[:2]
        starts.append(starts[-1] if same_week else position)
    return starts
