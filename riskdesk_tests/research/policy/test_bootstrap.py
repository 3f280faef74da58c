from __future__ import annotations

import math

import numpy as np
import pytest

from riskdesk_assets.research.policy.bootstrap import bootstrap_means, lower_bound


def dependent(size: int, keep: float, seed: int = 7) -> np.ndarray:
    """An AR(1) series."""
    shocks = np.random.Generator(np.random.Philox(key=seed)).standard_normal(size)
    series = np.zeros(size)
    for place in range(1, size):
        series[place] = keep * series[place - 1] + shocks[place]
    return series


def exact_variance(series: np.ndarray, mean_block: float) -> float:
    """Var of the resampled mean given the series: Politis and Romano (1994), Lemma 1, with circular autocovariances.

    n Var = c(0) + 2 sum_{i=1}^{n-1} (1 - i/n) (1 - p)^i c(i), p = 1 / mean_block, c(i) = mean of d_t d_{t+i} around the circle.
    """
    size, centred = len(series), series - series.mean()
    circular = [float((centred * np.roll(centred, -lag)).mean()) for lag in range(size)]
    keep = 1.0 - 1.0 / mean_block
    total = circular[0] + 2.0 * sum((1.0 - lag / size) * keep**lag * circular[lag] for lag in range(1, size))
    return total / size


@pytest.mark.parametrize("mean_block", [1.0, 5.0, 20.0])
def test_the_variance_of_the_resampled_means_is_that_of_politis_and_romano(mean_block: float) -> None:
    series = dependent(400, 0.5)
    means = bootstrap_means(series, 20_000, mean_block, seed=3)
    expected = exact_variance(series, mean_block)
    # The variance of 20,000 nearly normal means has a relative error of about sqrt(2 / 20,000) = 1%.
    assert means.var() == pytest.approx(expected, rel=0.05)
    assert means.mean() == pytest.approx(series.mean(), abs=4 * math.sqrt(expected / 20_000))


@pytest.mark.parametrize("mean_block", [1.0, 20.0])
def test_its_quantiles_are_those_of_the_arch_package(mean_block: float) -> None:
    from arch.bootstrap import StationaryBootstrap

    series = dependent(300, 0.4)
    theirs = StationaryBootstrap(mean_block, series, seed=11).apply(np.mean, 4000).ravel()
    ours = bootstrap_means(series, 4000, mean_block, seed=5)
    spread = math.sqrt(exact_variance(series, mean_block))
    for level in (0.05, 0.5, 0.95):
        # A quantile of 4,000 draws has a standard error of about 0.03 of their deviation.
        assert np.quantile(ours, level) == pytest.approx(np.quantile(theirs, level), abs=0.17 * spread)


def test_dependence_widens_the_bound_only_where_blocks_are_kept() -> None:
    series = dependent(800, 0.7)
    loose, kept = (bootstrap_means(series, 2000, block, seed=1).std() for block in (1.0, 20.0))
    assert kept > 1.7 * loose


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    series = dependent(100, 0.2)
    assert np.array_equal(bootstrap_means(series, 50, 20, seed=1), bootstrap_means(series.tolist(), 50, 20, seed=1))
    assert not np.array_equal(bootstrap_means(series, 50, 20, seed=1), bootstrap_means(series, 50, 20, seed=2))


def test_a_constant_series_has_no_spread() -> None:
    assert set(bootstrap_means([0.25] * 64, 20, 20, seed=1).tolist()) == {0.25}


def test_the_lower_bound_is_an_order_statistic_counted_exactly() -> None:
    """0.05 x 2000 is 100, not 101: in floats (1 - 0.95) x 2000 is a little more than 100."""
    values = np.arange(2000, dtype=np.float64)[::-1]
    assert lower_bound(values, 0.95) == 99.0
    assert lower_bound(values, 0.9999) == 0.0
    assert lower_bound(np.arange(1000, dtype=np.float64), 0.99) == 9.0
