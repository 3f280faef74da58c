"""The Engle-Granger p-value of a pair, refreshed once a week (methods.md section 2: a warning, never a gate)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.features.own_bars import OwnBars
from riskdesk_assets.features.windows import Array

FIXED_LAG = 1
"""Lags of the augmented Dickey-Fuller regression: choosing them by AIC costs a hundred times more."""


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
    import statsmodels.tsa.stattools  # noqa: F401  # before the thread limit, which reaches only what is loaded

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
    """P-value of the Engle-Granger test of two log price series, shape (bars,); NaN where the test has no answer."""
    from statsmodels.tsa.stattools import coint

    if np.ptp(log_a) == 0.0 or np.ptp(log_b) == 0.0:
        return math.nan
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        statistic, pvalue, _ = coint(log_a, log_b, trend="c", maxlag=FIXED_LAG, autolag=None)
    return float(pvalue) if math.isfinite(statistic) else math.nan


def _week_starts(sessions: Sequence[date]) -> list[int]:
    """For each session, the position of the first session of its ISO week."""
    starts: list[int] = []
    for position, session in enumerate(sessions):
        same_week = position > 0 and session.isocalendar()[:2] == sessions[position - 1].isocalendar()[:2]
        starts.append(starts[-1] if same_week else position)
    return starts
