"""The Engle-Granger p-value against statsmodels, to the bit."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.features.cointegration import FIXED_LAG, engle_granger_pvalue


def by_statsmodels(log_a: np.ndarray, log_b: np.ndarray) -> float:
    from statsmodels.tsa.stattools import coint

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        statistic, pvalue, _ = coint(log_a, log_b, trend="c", maxlag=FIXED_LAG, autolag=None)
    return float(pvalue) if math.isfinite(statistic) else math.nan


@given(
    seed=st.integers(0, 2**32 - 1),
    bars=st.integers(20, 400),
    hedge=st.floats(-2.0, 3.0),
    pull=st.sampled_from([0.0, 0.02, 0.3, 1.0, 1.7]),
    noise=st.sampled_from([1e-9, 1e-4, 0.01, 1.0]),
)
@settings(max_examples=120, deadline=None)
def test_it_is_the_number_of_statsmodels_whether_the_legs_drift_apart_or_come_together(
    seed: int, bars: int, hedge: float, pull: float, noise: float
) -> None:
    rng = np.random.default_rng(seed)
    leg_b = 4.0 + np.cumsum(rng.normal(0, 0.015, bars))
    spread = np.zeros(bars)
    for bar, shock in enumerate(rng.normal(0, noise, bars)):
        spread[bar] = (1.0 - pull) * spread[bar - 1] + shock
    leg_a = 1.0 + hedge * leg_b + spread
    with single_threaded():
        wanted, got = by_statsmodels(leg_a, leg_b), engle_granger_pvalue(leg_a, leg_b)
    assert got.hex() == wanted.hex()


def test_p_values_of_both_polynomials_and_of_both_ends_are_among_them() -> None:
    rng = np.random.default_rng(3)
    walk = np.cumsum(rng.normal(0, 0.015, 252))
    certain = walk + rng.normal(0, 0.01, 252)
    for leg_a, low, high in ((certain, 0.0, 1e-6), (np.cumsum(rng.normal(0, 0.015, 252)), 0.02, 1.0)):
        assert low <= engle_granger_pvalue(leg_a, walk) <= high
        assert engle_granger_pvalue(leg_a, walk) == by_statsmodels(leg_a, walk)
    runaway = np.exp(np.arange(252) / 20.0)
    assert engle_granger_pvalue(runaway, walk) == by_statsmodels(runaway, walk) == 1.0
    long = np.cumsum(rng.normal(0, 0.015, 1500))
    bound = long + rng.normal(0, 0.01, 1500)
    assert engle_granger_pvalue(bound, long) == by_statsmodels(bound, long) == 0.0


@pytest.mark.parametrize("other", [2.0, 2.5])
def test_a_leg_that_stands_still_and_two_legs_that_are_one_have_no_answer(other: float) -> None:
    walk = np.cumsum(np.random.default_rng(4).normal(0, 0.01, 100))
    still = np.full(100, other)
    assert math.isnan(engle_granger_pvalue(walk, still))
    assert math.isnan(engle_granger_pvalue(still, walk))
    assert math.isnan(engle_granger_pvalue(other * walk + 1.0, walk))
