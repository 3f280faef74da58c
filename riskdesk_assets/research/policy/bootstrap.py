"""The stationary bootstrap: resampling a dependent series in blocks of random length.

Source: Politis and Romano (1994), "The stationary bootstrap", Journal of the American Statistical Association 89(428).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def bootstrap_means(values: Sequence[float] | Array, samples: int, mean_block: float, seed: int) -> Array:
    """Means of resampled series, shape (samples,).

    Each resampled series begins at a random place, goes on to the next value (the first follows the last) with probability
    1 - 1 / mean_block, and else begins again at a random place; it is as long as the given one.

    Args:
        values: the series, in order; at least one value.
        samples: how many series to draw.
        mean_block: mean length of a block, at least 1.
        seed: the same seed gives the same draws on any machine (Philox, counted, uniforms only).
    """
    series = np.asarray(values, dtype=np.float64)
    size = len(series)
    draws = np.random.Generator(np.random.Philox(key=seed))
    place = np.floor(draws.random(samples) * size).astype(np.intp)
    total = series[place].copy()
    for _ in range(size - 1):
        starts = draws.random(samples) * mean_block < 1.0
        place = np.where(starts, np.floor(draws.random(samples) * size).astype(np.intp), (place + 1) % size)
        total += series[place]
    means: Array = total / size
    return means


def lower_bound(means: Array, confidence: float) -> float:
    """The one-sided lower bound: the smallest mean with more than 1 - confidence of the means at or below it or equal share.

    Args:
        means: of the resampled series.
        confidence: such as 0.95: the 5th percentile, as an order statistic.
    """
    ordered = np.sort(means)
    # In decimals first: (1 - 0.95) x 2000 is 100 means, not 100.00000000000009.
    place = math.ceil(round((1.0 - confidence) * len(ordered), 9))
    return float(ordered[max(place - 1, 0)])
