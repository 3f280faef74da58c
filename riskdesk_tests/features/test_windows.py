"""Each windowed statistic against the textbook call on that window alone, and its bits against the range around it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from riskdesk_assets.features import windows
from riskdesk_assets.features.windows import Array

VALUES = np.random.default_rng(3).normal(0.01, 1.0, 80)
OTHERS = 0.5 * VALUES + np.random.default_rng(4).normal(0, 1.0, 80)
W = 13


def wilder_loop(window: Array) -> float:
    average = float(np.mean(window[:5]))
    for value in window[5:]:
        average = (average * 4 + value) / 5
    return average


CASES: dict[str, tuple[Callable[[Array], Array], Callable[[Array], float]]] = {
    "sum": (lambda x: windows.windowed_sum(x, W), np.sum),
    "mean": (lambda x: windows.windowed_mean(x, W), np.mean),
    "sd": (lambda x: windows.windowed_sd(x, W), lambda w: np.std(w, ddof=1)),
    "max": (lambda x: windows.windowed_max(x, W), np.max),
    "median": (lambda x: windows.windowed_median(x, W), np.median),
    "zscore": (lambda x: windows.windowed_zscore(x, W), lambda w: (w[-1] - np.mean(w)) / np.std(w, ddof=1)),
    "rank": (lambda x: windows.windowed_rank(x, W), lambda w: float(sum(v < w[-1] for v in w)) / (W - 1)),
    "wilder": (lambda x: windows.wilder(x, 5, W), wilder_loop),
}


@pytest.mark.parametrize("case", CASES)
def test_a_windowed_statistic_equals_the_plain_one_of_each_window(case: str) -> None:
    windowed, plain = CASES[case]
    got = windowed(VALUES)
    assert np.isnan(got[: W - 1]).all()
    for row in range(W - 1, len(VALUES)):
        assert got[row] == pytest.approx(plain(VALUES[row - W + 1 : row + 1]), rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("case", CASES)
def test_a_value_has_the_same_bits_alone_and_in_any_range(case: str) -> None:
    windowed, _ = CASES[case]
    whole = windowed(VALUES)
    for row in range(W - 1, len(VALUES)):
        for before in (0, 1, 5):
            for after in (0, 3):
                part = VALUES[max(row - W + 1 - before, 0) : row + 1 + after]
                at = row - max(row - W + 1 - before, 0)
                assert windowed(part)[at].tobytes() == whole[row].tobytes()


@pytest.mark.parametrize("case", CASES)
def test_a_gap_in_the_window_gives_no_value_and_leaves_the_others_alone(case: str) -> None:
    windowed, _ = CASES[case]
    holed = VALUES.copy()
    holed[30] = np.nan
    got, whole = windowed(holed), windowed(VALUES)
    assert np.isnan(got[30 : 30 + W]).all()
    assert np.array_equal(got[30 + W :], whole[30 + W :])
    assert np.array_equal(got[W - 1 : 30], whole[W - 1 : 30])


def test_columns_of_a_matrix_are_treated_one_by_one() -> None:
    both = np.stack([VALUES, OTHERS], axis=1)
    for windowed, _ in CASES.values():
        assert np.array_equal(windowed(both)[:, 1], windowed(OTHERS), equal_nan=True)


def test_covariance_and_correlation_equal_numpys() -> None:
    covariance, correlation = (f(VALUES, OTHERS, W) for f in (windows.windowed_covariance, windows.windowed_correlation))
    for row in range(W - 1, len(VALUES)):
        part = slice(row - W + 1, row + 1)
        assert covariance[row] == pytest.approx(np.cov(VALUES[part], OTHERS[part])[0, 1], rel=1e-11, abs=1e-14)
        assert correlation[row] == pytest.approx(np.corrcoef(VALUES[part], OTHERS[part])[0, 1], rel=1e-11, abs=1e-13)


def test_a_window_longer_than_the_series_gives_no_value_at_all() -> None:
    for windowed, _ in CASES.values():
        assert np.isnan(windowed(VALUES[: W - 1])).all()
        assert len(windowed(VALUES[:0])) == 0


def test_equal_values_have_no_zscore_and_no_correlation() -> None:
    flat = np.full(20, 0.1)
    assert np.isnan(windows.windowed_zscore(flat, W)).all()
    assert np.isnan(windows.windowed_correlation(np.zeros(20), OTHERS[:20], W)).all()


def test_a_span_shorter_than_its_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="does not hold"):
        windows.wilder(VALUES, 14, 13)


def test_ewma_weights_halve_every_half_life() -> None:
    weights = windows.ewma_weights(10.0, 21)
    assert weights[-1] == 1.0
    assert weights[10] == 0.5
    assert weights[0] == 0.25
