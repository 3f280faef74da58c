"""What each name adds to the risk of a book: Euler contributions, which sum to the total (methods.md section 10).

Losses are positive; everything is in the unit of the weights, which on the desk is a fraction of NAV per day.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.risk_model.arguments import Matrix, Vector, finite_matrix, finite_vector
from riskdesk_assets.risk_model.covariance import PSD_TOLERANCE
from riskdesk_assets.risk_model.tail_level import tail_count, tail_multiples


@dataclass(frozen=True)
class RiskContributions:
    """A risk of the book and what each name adds to it, in the order of the weights.

    ``marginal`` is the change of ``total`` per unit of weight added to the name; ``component`` is weight x marginal, and the
    components sum to ``total``.
    """

    total: float
    marginal: tuple[float, ...]
    component: tuple[float, ...]

    def times(self, multiple: float) -> RiskContributions:
        """Contributions to a risk that is a multiple of this one: parametric VaR and ES are multiples of volatility."""
        return RiskContributions(
            self.total * multiple,
            tuple(value * multiple for value in self.marginal),
            tuple(value * multiple for value in self.component),
        )


@dataclass(frozen=True)
class TailContributions:
    """VaR and expected shortfall at ``level`` by name."""

    level: float
    value_at_risk: RiskContributions
    expected_shortfall: RiskContributions


def risk_contributions(weights: Sequence[float] | Vector, covariance: Sequence[Sequence[float]] | Matrix) -> RiskContributions:
    """Contributions to volatility: marginal = covariance x weights / volatility, all 0 for a book without risk.

    Args:
        weights: of the book, shape (names,), fractions of NAV.
        covariance: of daily returns, shape (names, names), positive semidefinite.

    Raises:
        ValueError: the shapes disagree, a value is not finite, the covariance is not symmetric and semidefinite.

    Source: methods.md section 10; Jorion, "Value at Risk", chapter 7.
    """
    book = finite_vector("weights", weights)
    return _volatility_contributions(book, checked_covariance(covariance, len(book)))


def parametric_contributions(
    volatility: RiskContributions, level: float, *, degrees_of_freedom: float | None = None
) -> TailContributions:
    """Component and marginal VaR and expected shortfall of a normal P&L of mean 0, or of a Student-t one.

    Args:
        volatility: ``risk_contributions`` of the book.
        level: confidence, between 0.5 and 1.
        degrees_of_freedom: of the Student-t, above 2; None for the normal.

    Raises:
        ValueError: the level or the degrees of freedom are out of their range.

    Source: methods.md section 10; Jorion, "Value at Risk", chapter 7.
    """
    quantile, shortfall = tail_multiples(level, degrees_of_freedom)
    return TailContributions(float(level), volatility.times(quantile), volatility.times(shortfall))


def historical_contributions(
    returns: Sequence[Sequence[float]] | Matrix, weights: Sequence[float] | Vector, level: float
) -> TailContributions:
    """Component and marginal VaR and expected shortfall of today's book over past returns.

    A name's marginal VaR is its loss on the day that is the VaR, its marginal expected shortfall its mean loss over the days of
    the tail. Of days with the same loss of the book the earlier is the worse.

    Args:
        returns: daily returns, shape (days, names).
        weights: of the book, shape (names,), fractions of NAV.
        level: confidence, between 0.5 and 1.

    Raises:
        ValueError: the shapes disagree, a value is not finite, the level is out of its range.

    Source: methods.md section 10; Tasche (2000), "Risk contributions and performance measurement".
    """
    book = finite_vector("weights", weights)
    past = finite_matrix("returns", returns, columns=len(book))
    count = tail_count(len(past), level)
    tail = np.argsort(book_pnl(past, book), kind="stable")[:count]
    means = [math.fsum((0.0 - past[tail, name]).tolist()) / count for name in range(len(book))]
    return TailContributions(float(level), _euler(book, 0.0 - past[tail[-1]]), _euler(book, np.array(means)))


def portfolio_volatility(weights: Sequence[float] | Vector, covariance: Sequence[Sequence[float]] | Matrix) -> float:
    """Standard deviation of a book's daily P&L; arguments and errors as ``risk_contributions``."""
    return risk_contributions(weights, covariance).total


def book_pnl(returns: Sequence[Sequence[float]] | Matrix, weights: Sequence[float] | Vector) -> Vector:
    """Daily P&L a book of constant weights would have had, shape (days,), fractions of NAV.

    Args:
        returns: daily returns, shape (days, names).
        weights: shape (names,), fractions of NAV.

    Raises:
        ValueError: the shapes disagree or a value is not finite.
    """
    book = finite_vector("weights", weights)
    past = finite_matrix("returns", returns, columns=len(book))
    # fsum is exact, so the order of the names cannot change the last bit.
    return np.array([math.fsum(day) for day in (past * book).tolist()])


def checked_covariance(covariance: Sequence[Sequence[float]] | Matrix, names: int) -> Matrix:
    """The covariance as an array of shape (names, names); ValueError unless it is symmetric and positive semidefinite."""
    matrix = finite_matrix("covariance", covariance, columns=names, rows=names)
    largest = float(np.abs(matrix).max())
    if float(np.abs(matrix - matrix.T).max()) > PSD_TOLERANCE * largest:
        raise ValueError("covariance is not symmetric (allowed: a symmetric positive semidefinite matrix)")
    with single_threaded():
        smallest = float(np.linalg.eigvalsh(matrix)[0])
    # Rounding moves an eigenvalue by about the matrix's size times machine precision.
    if smallest < -PSD_TOLERANCE * names * largest:
        raise ValueError(f"covariance has the eigenvalue {smallest:.3g} (allowed: a symmetric positive semidefinite matrix)")
    return matrix


def _volatility_contributions(book: Vector, matrix: Matrix) -> RiskContributions:
    products = (matrix * book).tolist()
    pulls = [math.fsum(row) for row in products]
    volatility = math.sqrt(max(math.fsum((np.array(pulls) * book).tolist()), 0.0))
    if volatility == 0.0:
        zeros = (0.0,) * len(book)
        return RiskContributions(0.0, zeros, zeros)
    return _euler(book, np.array(pulls) / volatility)


def _euler(book: Vector, marginal: Vector) -> RiskContributions:
    component = (marginal * book).tolist()
    return RiskContributions(math.fsum(component), tuple(marginal.tolist()), tuple(component))
