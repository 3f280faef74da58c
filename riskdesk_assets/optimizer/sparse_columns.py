"""Sparse matrices whose pattern stays while their numbers change by the day, and the map that gives the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy import sparse

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Columns(Protocol):
    """A sparse matrix by columns, under the names Clarabel reads one by: SciPy's arrays are one too."""

    @property
    def data(self) -> Sequence[float]:
        """Its numbers, column by column."""

    @property
    def indices(self) -> Sequence[int]:
        """Their rows."""

    @property
    def indptr(self) -> Sequence[int]:
        """Where each column starts, and the last one's end."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    @property
    def nnz(self) -> int:
        """How many numbers."""

    @property
    def has_canonical_format(self) -> bool:
        """Whether rows rise within each column, none of them twice."""


@dataclass(frozen=True)
class _Filled:
    """A day's matrix; see ``Columns``. SciPy's own would take longer to make than all else a day needs before the solver.

    Clarabel reads number by number, and a list gives one sooner than an array does.
    """

    data: list[float]
    indices: list[int]
    indptr: list[int]
    shape: tuple[int, int]
    has_canonical_format: bool = True

    @property
    def nnz(self) -> int:
        return len(self.data)


@dataclass(frozen=True)
class Pattern:
    """A sparse matrix without its numbers, by columns: rows rise within each."""

    indices: Places
    starts: Places
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        rises = np.diff(self.indices) > 0
        rises[self.starts[1:-1][(self.starts[1:-1] > 0) & (self.starts[1:-1] <= len(rises))] - 1] = True
        if not rises.all():
            raise ValueError("a canonical matrix has a coefficient twice, or not in the order of its rows")

    def part(self, rows: Mask, columns: Mask) -> tuple[Pattern, Mask]:
        """The pattern of these rows and columns alone, and which of the numbers it has."""
        column = np.repeat(np.arange(self.shape[1]), np.diff(self.starts))
        inside = rows[self.indices] & columns[column]
        counts = np.bincount(column[inside], minlength=self.shape[1])[columns]
        starts = np.concatenate([[0], np.cumsum(counts)])
        shape = (int(rows.sum()), int(columns.sum()))
        return Pattern((np.cumsum(rows) - 1)[self.indices[inside]], starts, shape), inside

    def filled(self, numbers: Array) -> Columns:
        """The matrix with these numbers, what is zero left out."""
        kept = np.flatnonzero(numbers)
        starts = np.searchsorted(kept, self.starts)
        return _Filled(numbers[kept].tolist(), self.indices[kept].tolist(), starts.tolist(), self.shape)


@dataclass(frozen=True)
class LinearMap:
    """A matrix (M, N) times a vector (N,).

    Where no row has two entries, as of a problem that multiplies a parameter by variables alone, the product is a choice of
    the vector's numbers and is taken as one: ``factors * vector[places]``.
    """

    matrix: sparse.csr_array | None
    places: Places
    factors: Array

    @classmethod
    def of(cls, matrix: sparse.csr_array) -> LinearMap:
        """The map of a matrix (M, N)."""
        counts = np.diff(matrix.indptr)
        places, factors = np.zeros(len(counts), dtype=np.int64), np.zeros(len(counts))
        if (counts > 1).any():
            return cls(matrix, places, factors)
        places[counts == 1], factors[counts == 1] = matrix.indices, matrix.data
        return cls(None, places, factors)

    def times(self, vector: Array) -> Array:
        """The product for a vector of finite numbers; a zero in it has no sign, as in a sum."""
        product: Array = self.factors * vector[self.places] + 0.0 if self.matrix is None else self.matrix @ vector
        return product
