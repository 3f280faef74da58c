"""Rolling statistics whose value at a row depends on that row's window alone, to the last bit.

Every function takes values in time order along the first axis, shape (rows,) or (rows, columns), and returns an array of
the same shape: row t holds the statistic of rows t-window+1..t, NaN where the window is not full or holds a NaN.

Sums are accumulated lag by lag, oldest first, by elementwise additions over the whole range. Running totals, incremental
rolling kernels and BLAS reductions are avoided: their rounding depends on where the range begins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
ROUNDING = 1e-13  # a standard deviation below this share of the mean is what rounding leaves of equal values


def lags(values: Array, window: int) -> Iterator[Array]:
    """Views of ``values``, oldest lag first: together, row i of every view is the i-th full window."""
    full = max(len(values) - window + 1, 0)
    for offset in range(window):
        yield values[offset : offset + full]


def aligned(full_windows: Array, rows: int) -> Array:
    """Statistics of the full windows, shape (full, ...), put on their last row, shape (rows, ...); NaN before the first."""
    out = np.full((rows, *full_windows.shape[1:]), np.nan)
    out[rows - len(full_windows) :] = full_windows
    return out


def last_rows(values: Array, window: int) -> Array:
    """The rows of ``values`` at which a full window ends."""
    return values[window - 1 :]


def total(parts: Iterator[Array]) -> Array:
    """Sum of equally shaped arrays, in their order."""
    out = next(parts).copy()
    for part in parts:
        out += part
    return out


def windowed_sum(values: Array, window: int) -> Array:
    """Sum over the window."""
    return aligned(total(lags(values, window)), len(values))


def windowed_mean(values: Array, window: int) -> Array:
    """Mean over the window."""
    return aligned(total(lags(values, window)) / window, len(values))


def windowed_covariance(left: Array, right: Array, window: int) -> Array:
    """Sample covariance (ddof 1) over the window, in two passes: means first, then products of deviations."""
    left_mean = total(lags(left, window)) / window
    right_mean = total(lags(right, window)) / window
    products = ((a - left_mean) * (b - right_mean) for a, b in zip(lags(left, window), lags(right, window), strict=True))
    return aligned(total(products) / (window - 1), len(left))


def windowed_sd(values: Array, window: int) -> Array:
    """Sample standard deviation (ddof 1) over the window."""
    return np.sqrt(windowed_covariance(values, values, window))


def windowed_correlation(left: Array, right: Array, window: int) -> Array:
    """Pearson correlation over the window, clipped to [-1, 1]; NaN where either side does not move."""
    spread = windowed_sd(left, window) * windowed_sd(right, window)
    return np.clip(ratio(windowed_covariance(left, right, window), spread), -1.0, 1.0)


def windowed_zscore(values: Array, window: int) -> Array:
    """(value - mean) / sd (ddof 1), mean and sd over the window that ends at the value; NaN where nothing moves."""
    mean, sd = windowed_mean(values, window), windowed_sd(values, window)
    return ratio(values - mean, np.where(sd > ROUNDING * np.abs(mean), sd, 0.0))


def windowed_max(values: Array, window: int) -> Array:
    """Largest value of the window."""
    views = lags(values, window)
    out = next(views).copy()
    for view in views:
        np.maximum(out, view, out=out)
    return aligned(out, len(values))


def windowed_median(values: Array, window: int) -> Array:
    """Median of the window; the mean of the two middle values when the window is even."""
    if len(values) < window:
        return np.full_like(values, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(values, window, axis=0)
    low, high = (window - 1) // 2, window // 2
    ordered = np.partition(windows, (low, high), axis=-1)
    middle = (ordered[..., low] + ordered[..., high]) / 2.0
    has_nan = np.isnan(total(lags(values, window)))
    return aligned(np.where(has_nan, np.nan, middle), len(values))


def windowed_rank(values: Array, window: int) -> Array:
    """Share of the window's other values that lie below the newest one: 0 for the lowest, 1 for the highest."""
    newest = last_rows(values, window)
    below = total((view < newest).astype(np.float64) for view in lags(values, window))
    has_nan = np.isnan(total(lags(values, window)))
    return aligned(np.where(has_nan, np.nan, below / (window - 1)), len(values))


def wilder(values: Array, window: int, span: int) -> Array:
    """Wilder's average a = (a (window-1) + value) / window, restarted for every row over its own last ``span`` values.

    The seed is the mean of the oldest ``window`` values of the span, so where history begins makes no difference.
    """
    if span < window:
        raise ValueError(f"a span of {span} values does not hold the {window} values of the seed")
    views = list(lags(values, span))
    average = total(iter(views[:window])) / window
    for view in views[window:]:
        average = (average * (window - 1) + view) / window
    return aligned(average, len(values))


def ewma_weights(half_life: float, window: int) -> list[float]:
    """Weights 0.5 ** (age / half_life), oldest first, not normalised; ``half_life`` in rows."""
    return [0.5 ** (age / half_life) for age in range(window - 1, -1, -1)]


def ratio(numerator: Array, denominator: Array) -> Array:
    """Quotient, NaN where the denominator is 0 or not finite."""
    usable = np.isfinite(denominator) & (denominator != 0.0)
    return np.where(usable, numerator / np.where(usable, denominator, 1.0), np.nan)


def log(values: Array) -> Array:
    """Natural logarithm, NaN where the value is not positive."""
    return _by_element(lambda value: math.log(value) if value > 0 else math.nan, values)


def exp(values: Array) -> Array:
    """Exponential; NaN stays NaN."""
    return _by_element(math.exp, values)


def _by_element(function: Callable[[float], float], values: Array) -> Array:
    # A vectorized log may round an element of a full vector register and one of the remainder differently.
    return np.array([function(value) for value in values.ravel().tolist()], dtype=np.float64).reshape(values.shape)
