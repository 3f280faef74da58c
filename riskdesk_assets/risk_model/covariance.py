"""The covariance of daily returns, shrunk as Ledoit and Wolf (methods.md section 7)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.settings import OptimizerSettings
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.features.panel import Panel

Matrix = npt.NDArray[np.float64]
PSD_TOLERANCE = 1e-12
"""How far below 0 an eigenvalue may be, as a share of the largest: what rounding leaves of an exact 0."""


@dataclass(frozen=True, eq=False)
class Covariance:
    """Covariance of daily simple returns of ``symbols``: ``matrix`` of shape (symbols, symbols), from ``observations`` days.

    ``shrinkage`` in [0, 1] is the weight of the scaled identity in it.
    """

    symbols: tuple[str, ...]
    matrix: Matrix
    shrinkage: float
    observations: int

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {symbol: position for position, symbol in enumerate(self.symbols)}

    @cached_property
    def _rows(self) -> list[list[float]]:
        return self.matrix.tolist()  # type: ignore[no-any-return]

    def covers(self, *symbols: str) -> bool:
        """Whether it has a row for every one of these symbols."""
        return all(symbol in self._positions for symbol in symbols)

    def volatility(self, weights: Mapping[str, float]) -> float:
        """Daily standard deviation of a portfolio, in the unit of its weights (fractions of NAV, or dollars).

        Raises:
            StateError: a weight other than 0 on a name the covariance does not cover.
        """
        held = {symbol: weight for symbol, weight in weights.items() if weight != 0.0}
        if not held:
            return 0.0
        self._require(held)
        placed = [(self._positions[symbol], weight) for symbol, weight in held.items()]
        # Plain floats: a book is two to some thirty names, where an array's overhead is more than the work.
        terms = [one * row[j] * other for i, one in placed for row in (self._rows[i],) for j, other in placed]
        # fsum is exact, so the order in which the weights were given cannot change the last bit.
        return math.sqrt(max(math.fsum(terms), 0.0))

    def submatrix(self, symbols: Sequence[str]) -> Matrix:
        """Rows and columns of these symbols in their order, shape (symbols, symbols); StateError for one not covered."""
        self._require(symbols)
        rows = [self._positions[symbol] for symbol in symbols]
        return self.matrix[np.ix_(rows, rows)]

    def _require(self, symbols: Sequence[str] | Mapping[str, float]) -> None:
        if self._positions.keys() >= set(symbols):
            return
        missing = sorted(set(symbols) - set(self.symbols))
        if missing:
            raise StateError(f"no covariance for {', '.join(missing)}: too few returns in the window")


def ledoit_wolf(panel_returns: Matrix, symbols: Sequence[str], min_coverage: float) -> Covariance:
    """Ledoit-Wolf covariance of the names with enough returns. Call it within single_threaded: BLAS threads change last bits.

    Args:
        panel_returns: daily returns, shape (window, symbols), NaN where there is none.
        symbols: names of the columns.
        min_coverage: share of the window's sessions on which a name must have a return; names below it are left out, then
            sessions on which one of the others has none.

    Returns:
        The covariance; without symbols when no name has enough returns.

    Raises:
        StateError: fewer than two sessions are left, or the estimate is not positive semidefinite.

    Source: methods.md section 7; Ledoit and Wolf (2004), "A well-conditioned estimator for large-dimensional covariance
    matrices", as in scikit-learn.
    """
    names, sample, _ = complete_sample(panel_returns, symbols, min_coverage)
    if not names:
        return Covariance((), np.empty((0, 0)), 0.0, 0)
    matrix, shrinkage = _shrunk(sample)
    symmetric = (matrix + matrix.T) / 2.0
    check_psd(symmetric)
    return Covariance(names, symmetric, shrinkage, len(sample))


def covariances(panel: Panel, settings: OptimizerSettings, sessions: Sequence[date]) -> Iterator[tuple[date, Covariance]]:
    """The covariance of every name of the panel at each of ``sessions``, from the covariance_window returns ending there.

    Give a panel of the tradable names alone (``Panel.select``): every name enters the shrinkage of all.

    Raises:
        StateError: a session is not in the panel, or as ``ledoit_wolf``.
    """
    returns = simple_returns(panel)
    row_of = {session: row for row, session in enumerate(panel.sessions)}
    window = settings.covariance_window
    for start in range(0, len(sessions), _SESSIONS_AT_ONCE):
        done: list[tuple[date, Covariance]] = []
        # The limit is lifted before anything is handed out: a caller's own work is not this function's to slow down.
        with single_threaded():
            for session in sessions[start : start + _SESSIONS_AT_ONCE]:
                if session not in row_of:
                    raise StateError(f"no bars for {session}, so no covariance")
                ending = last_rows_padded(returns, row_of[session], window)
                done.append((session, ledoit_wolf(ending, panel.symbols, settings.covariance_min_coverage)))
        yield from done


def simple_returns(panel: Panel) -> Matrix:
    """adj_close over the session before's, less 1, shape (sessions, symbols); NaN on the first and where either is missing."""
    returns = np.full_like(panel.adj_close, np.nan)
    returns[1:] = panel.adj_close[1:] / panel.adj_close[:-1] - 1.0
    return returns


def last_rows_padded(values: Matrix, row: int, window: int) -> Matrix:
    """The ``window`` rows ending at ``row``, NaN before the first, shape (window, columns)."""
    known = values[max(row - window + 1, 0) : row + 1]
    out = np.full((window, values.shape[1]), np.nan)
    out[window - len(known) :] = known
    return out


_SESSIONS_AT_ONCE = 64


def _shrunk(sample: Matrix) -> tuple[Matrix, float]:
    """The sample covariance drawn toward the identity times its mean variance, and how far, in [0, 1].

    scikit-learn's ``ledoit_wolf`` to the bit (up to the 1000 names it sums at once): its import alone takes 110 MB, more than
    every bar and table of a five-year backtest.
    """
    rows, names = sample.shape
    deviations = sample - sample.mean(axis=0)
    squares = deviations**2
    if names == 1:
        return np.atleast_2d(squares.mean()), 0.0
    products = np.dot(deviations.T, deviations)
    variances = np.sum(squares, axis=0) / rows
    mean = np.sum(variances) / names
    size = np.sum(products**2) / rows**2
    error = 1.0 / (names * rows) * (np.sum(np.dot(squares.T, squares)) / rows - size)
    distance = (size - 2.0 * mean * variances.sum() + names * mean**2) / names
    # Never more than all the way: that would invert the covariances.
    error = min(error, distance)
    shrinkage = 0.0 if error == 0 else float(error / distance)
    covariance = products / rows
    shrunk: Matrix = (1.0 - shrinkage) * covariance
    shrunk.flat[:: names + 1] += shrinkage * (np.sum(np.trace(covariance)) / names)
    return shrunk, shrinkage


def complete_sample(
    returns: Matrix, symbols: Sequence[str], min_coverage: float
) -> tuple[tuple[str, ...], Matrix, npt.NDArray[np.intp]]:
    """The names with enough returns, their returns on the rows on which all of them have one, and those rows.

    Raises:
        StateError: there are such names, but fewer than two such rows.
    """
    present = np.isfinite(returns)
    kept = np.flatnonzero(present.sum(axis=0) >= min_coverage * len(returns))
    names = tuple(symbols[column] for column in kept.tolist())
    rows = np.flatnonzero(present[:, kept].all(axis=1))
    if names and len(rows) < 2:
        raise StateError(f"only {len(rows)} sessions on which all of {', '.join(names)} have a return")
    return names, np.ascontiguousarray(returns[rows][:, kept]), rows


def check_psd(matrix: Matrix) -> None:
    """Raise StateError for a matrix with an eigenvalue below 0 by more than rounding."""
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        eigenvalues = np.linalg.eigvalsh(matrix)
        if not eigenvalues[0] >= -PSD_TOLERANCE * max(eigenvalues[-1], 0.0):
            raise StateError(f"the covariance has the negative eigenvalue {eigenvalues[0]:.3g}") from None
