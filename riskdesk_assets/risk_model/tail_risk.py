"""Value at risk and expected shortfall of one day: parametric, historical and Monte Carlo (methods.md section 10).

Losses are positive. Everything is in the unit of the weights or the P&L, which on the desk is a fraction of NAV per day.
Levels are confidences: 0.95 leaves a tail of 0.05.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.risk_model.arguments import (
    Matrix,
    Vector,
    finite_number,
    finite_vector,
    whole_number,
)
from riskdesk_assets.risk_model.risk_contributions import checked_covariance
from riskdesk_assets.risk_model.tail_level import checked_degrees_of_freedom, tail_count, tail_multiples


class TailMethod(StrEnum):
    """How a tail was found."""

    NORMAL = "NORMAL"
    STUDENT_T = "STUDENT_T"
    HISTORICAL = "HISTORICAL"
    MONTE_CARLO = "MONTE_CARLO"


@dataclass(frozen=True)
class TailRisk:
    """The loss that is exceeded with probability 1 - ``level``, and the mean loss beyond it; positive numbers are losses.

    ``observations`` are the days or scenarios they were found in, None where a formula was used.
    """

    method: TailMethod
    level: float
    value_at_risk: float
    expected_shortfall: float
    observations: int | None = None


def historical_tail_risk(pnl: Sequence[float] | Vector, levels: Sequence[float]) -> tuple[TailRisk, ...]:
    """VaR and expected shortfall of a sample: with k the tail count, the k-th worst loss and the mean of the k worst.

    Args:
        pnl: daily P&L of the book, shape (days,), fractions of NAV; one day or more.
        levels: confidences, each between 0.5 and 1.

    Returns:
        One result per level, in their order.

    Raises:
        ValueError: an empty sample, a value that is not finite, a level out of its range.

    Source: methods.md section 10.
    """
    return _sample_tails(finite_vector("pnl", pnl), levels, TailMethod.HISTORICAL)


def parametric_tail_risk(
    volatility: float, levels: Sequence[float], *, mean: float = 0.0, degrees_of_freedom: float | None = None
) -> tuple[TailRisk, ...]:
    """VaR and expected shortfall of a normal P&L, or of a Student-t one with the same volatility.

    Normal: VaR = z sd - mean, ES = sd phi(z) / (1 - level) - mean, z the normal quantile of the level. Student-t with v degrees
    of freedom and scale s = sd sqrt((v - 2) / v): VaR = q s - mean, ES = s f(q) (v + q^2) / ((v - 1) (1 - level)) - mean.

    Args:
        volatility: standard deviation of the daily P&L, fractions of NAV, 0 or more; of a book, ``portfolio_volatility``.
        levels: confidences, each between 0.5 and 1.
        mean: expected daily P&L, fractions of NAV.
        degrees_of_freedom: of the Student-t, above 2 so that the volatility exists; None for the normal.

    Returns:
        One result per level, in their order.

    Raises:
        ValueError: an argument is out of its range.

    Source: methods.md section 10; McNeil, Frey and Embrechts, "Quantitative Risk Management", section 2.2.
    """
    spread = finite_number("volatility", volatility, least=0.0)
    centre = finite_number("mean", mean)
    method = TailMethod.NORMAL if degrees_of_freedom is None else TailMethod.STUDENT_T
    results = []
    for level in levels:
        quantile, shortfall = tail_multiples(level, degrees_of_freedom)
        var, es = quantile * spread - centre, shortfall * spread - centre
        results.append(TailRisk(method, float(level), var, es))
    return tuple(results)


def monte_carlo_tail_risk(
    weights: Sequence[float] | Vector,
    covariance: Sequence[Sequence[float]] | Matrix,
    levels: Sequence[float],
    *,
    scenarios: int,
    seed: int,
    degrees_of_freedom: float | None = None,
) -> tuple[TailRisk, ...]:
    """VaR and expected shortfall over simulated days of every name's return, jointly normal or Student-t, with mean 0.

    Args:
        weights: of the book, shape (names,), fractions of NAV.
        covariance: of daily returns, shape (names, names), positive semidefinite.
        levels: confidences, each between 0.5 and 1.
        scenarios: number of simulated days, 1 or more.
        seed: of the Philox generator, 0 or more; the same seed gives the same bits.
        degrees_of_freedom: of the Student-t (one chi-square per day for all names), above 2; None for the normal.

    Returns:
        One result per level, in their order, all from the same scenarios.

    Raises:
        ValueError: an argument is out of its range, the shapes disagree, the covariance is not symmetric and semidefinite.

    Source: methods.md section 10.
    """
    book = finite_vector("weights", weights)
    matrix = checked_covariance(covariance, len(book))
    count = whole_number("scenarios", scenarios, least=1)
    key = whole_number("seed", seed, least=0)
    freedom = None if degrees_of_freedom is None else checked_degrees_of_freedom(degrees_of_freedom)
    return _sample_tails(_simulated(book, matrix, count, key, freedom), levels, TailMethod.MONTE_CARLO)


_SCENARIOS_AT_ONCE = 8192


def _simulated(book: Vector, matrix: Matrix, count: int, seed: int, freedom: float | None) -> Vector:
    """P&L of ``count`` simulated days, shape (count,)."""
    normals = _standard_normals(seed, count, len(book))
    pnl = np.empty(count)
    with single_threaded():
        eigenvalues, vectors = np.linalg.eigh(matrix)
        # The symmetric root exists for a singular matrix too and, unlike eigenvectors, has no sign to choose.
        exposures = vectors @ (np.sqrt(np.maximum(eigenvalues, 0.0)) * (vectors.T @ book))
        for start in range(0, count, _SCENARIOS_AT_ONCE):
            rows = slice(start, start + _SCENARIOS_AT_ONCE)
            pnl[rows] = normals[rows] @ exposures
    return pnl if freedom is None else pnl * _mixing(seed, count, freedom)


# Every report of a range asks for the same draws again; they are what its seed gives, whether kept or drawn anew.
@lru_cache(maxsize=4)
def _standard_normals(seed: int, count: int, names: int) -> Matrix:
    """Standard normals, shape (count, names), read-only."""
    drawn = np.random.Generator(np.random.Philox(seed)).standard_normal((count, names))
    drawn.flags.writeable = False
    return drawn


@lru_cache(maxsize=4)
def _mixing(seed: int, count: int, freedom: float) -> Vector:
    """What makes a normal day a Student-t one of the same volatility, shape (count,), read-only."""
    # A stream of its own for the chi-squares: the normals of a seed are the same with and without fat tails.
    stream = np.random.Generator(np.random.Philox(seed).jumped())
    factors: Vector = np.sqrt((freedom - 2.0) / stream.chisquare(freedom, count))
    factors.flags.writeable = False
    return factors


def _sample_tails(pnl: Vector, levels: Sequence[float], method: TailMethod) -> tuple[TailRisk, ...]:
    losses = np.sort(0.0 - pnl)[::-1]
    results = []
    for level in levels:
        count = tail_count(len(losses), level)
        tail = losses[:count].tolist()
        results.append(TailRisk(method, float(level), tail[-1], math.fsum(tail) / count, len(losses)))
    return tuple(results)
