"""A pair's spread as each session sees it: every value of a window with that session's beta (methods.md section 2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from riskdesk_assets.features.own_bars import OwnBars
from riskdesk_assets.features.windows import Array, aligned, lags, last_rows, log, ratio, total, windowed_mean

MEAN_CROSS_SESSIONS = 252
"""How far back no_mean_cross_days counts: a fixed window, so that the count does not depend on where history begins."""
SMALLEST_SD = 1e-12
"""A standard deviation of log prices or returns below this is rounding: the series does not move."""


def spread_moments(log_a: Array, log_b: Array, beta: Array, window: int) -> tuple[Array, Array]:
    """Mean and sd (ddof 1) of the window's spreads ln A - beta ln B with the last row's beta, each of shape (bars,)."""
    mean = total(_spreads(log_a, log_b, beta, window)) / window
    variance = total((spread - mean) ** 2 for spread in _spreads(log_a, log_b, beta, window)) / (window - 1)
    return aligned(mean, len(beta)), aligned(np.sqrt(variance), len(beta))


def half_life(log_a: Array, log_b: Array, beta: Array, window: int) -> Array:
    """-ln 2 / ln(1 + phi) in sessions; phi by least squares of the spread's change on its level over ``window`` spreads.

    NaN where the window is not full, the spread stands still, or phi >= 0 (it does not revert); 1 where phi <= -1.
    """

    def steps() -> Iterator[tuple[Array, Array]]:
        spreads = _spreads(log_a, log_b, beta, window)
        level = next(spreads)
        for following in spreads:
            yield level, following - level
            level = following

    count = window - 1
    mean_level = total(level for level, _ in steps()) / count
    mean_change = total(change for _, change in steps()) / count
    covariance = total((level - mean_level) * (change - mean_change) for level, change in steps())
    variance = total((level - mean_level) ** 2 for level, _ in steps())
    moving = np.sqrt(variance / count) > SMALLEST_SD
    phi = ratio(covariance, np.where(moving, variance, np.nan))
    reverting = (phi < 0) & (phi > -1)
    days = ratio(np.full_like(phi, -np.log(2.0)), log(np.where(reverting, 1.0 + phi, np.nan)))
    return aligned(np.where(phi <= -1, 1.0, days), len(beta))


def no_mean_cross_days(log_a: Array, log_b: Array, beta: Array, window: int, bars: OwnBars) -> npt.NDArray[np.int64]:
    """Consecutive sessions, today's included and at most MEAN_CROSS_SESSIONS, in which z has today's sign, shape (bars,).

    z at s with today's beta has the sign of (a_s - mean_s a) - beta (b_s - mean_s b), so each mean is needed once. Counting
    stops where a mean would read beyond the lookback of ``bars``.
    """
    deviation_a = log_a - windowed_mean(log_a, window)
    deviation_b = log_b - windowed_mean(log_b, window)
    today = np.sign(deviation_a - beta * deviation_b)
    running = np.abs(today) == 1.0
    days = np.zeros(len(beta), dtype=np.int64)
    for age in range(min(MEAN_CROSS_SESSIONS, len(beta))):
        earlier = slice(0, len(beta) - age)
        sign = np.sign(deviation_a[earlier] - beta[age:] * deviation_b[earlier])
        running[age:] &= (sign == today[age:]) & bars.reaches(age + window)[age:]
        running[:age] = False
        days += running
    return days


def _spreads(log_a: Array, log_b: Array, beta: Array, window: int) -> Iterator[Array]:
    today = last_rows(beta, window)
    for lag_a, lag_b in zip(lags(log_a, window), lags(log_b, window), strict=True):
        yield lag_a - today * lag_b
