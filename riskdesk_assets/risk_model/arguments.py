"""What the risk numbers accept: a value out of range is refused by its argument's name, with what is allowed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from operator import index

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]


def exact_probability(name: str, value: float, *, above: float = 0.0) -> Fraction:
    """The decimal that was written, as a fraction: 0.95 is 19/20, not the binary number nearest to it.

    Raises:
        ValueError: not a number strictly between ``above`` and 1.
    """
    number = _real(name, value)
    if not above < number < 1.0:
        raise ValueError(f"{name} is {number:g} (allowed: above {above:g} and below 1)")
    return Fraction(repr(number))


def whole_number(name: str, value: int, *, least: int, most: int | None = None) -> int:
    """The value as an int; ValueError unless it is an integer from ``least`` to ``most``."""
    allowed = f"an integer of {least} or more" if most is None else f"an integer from {least} to {most}"
    try:
        number = index(value)
    except TypeError:
        raise ValueError(f"{name} is {value!r} (allowed: {allowed})") from None
    if isinstance(value, (bool, np.bool_)) or number < least or (most is not None and number > most):
        raise ValueError(f"{name} is {value!r} (allowed: {allowed})")
    return number


def finite_number(name: str, value: float, *, least: float | None = None, above: float | None = None) -> float:
    """The value as a float; ValueError unless it is finite, ``least`` or more, and more than ``above``."""
    number = _real(name, value)
    limit = f" of {least:g} or more" if least is not None else f" above {above:g}" if above is not None else ""
    if not math.isfinite(number) or (least is not None and number < least) or (above is not None and number <= above):
        raise ValueError(f"{name} is {number:g} (allowed: a finite number{limit})")
    return number


def finite_vector(name: str, values: Sequence[float] | Vector, *, least_length: int = 1) -> Vector:
    """The values as an array of shape (length,); ValueError unless all are finite and there are enough."""
    vector = _floats(name, values)
    if vector.ndim != 1 or len(vector) < least_length:
        raise ValueError(f"{name} has shape {vector.shape} (allowed: one dimension, {least_length} or more values)")
    _require_finite(name, vector)
    return vector


def finite_matrix(name: str, values: Sequence[Sequence[float]] | Matrix, *, columns: int, rows: int | None = None) -> Matrix:
    """The values as an array of shape (rows, columns), any positive number of rows when not given; ValueError otherwise."""
    matrix = _floats(name, values)
    if matrix.ndim != 2 or matrix.shape[1] != columns or len(matrix) == 0 or (rows is not None and len(matrix) != rows):
        wanted = "any positive number of" if rows is None else str(rows)
        raise ValueError(f"{name} has shape {matrix.shape} (allowed: {wanted} rows of {columns} values)")
    _require_finite(name, matrix)
    return matrix


def _real(name: str, value: float) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} is {value!r} (allowed: a number)") from None


def _floats(name: str, values: Sequence[float] | Sequence[Sequence[float]] | Matrix) -> Matrix:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} does not hold numbers in equal rows (allowed: finite numbers)") from None


def _require_finite(name: str, values: Matrix) -> None:
    if not np.isfinite(values).all():
        place = tuple(np.argwhere(~np.isfinite(values))[0].tolist())
        raise ValueError(f"{name} is {values[place]} at {', '.join(map(str, place))} (allowed: finite numbers)")
