from __future__ import annotations

import numpy as np
import pytest

from riskdesk_assets.common.sample_statistics import deepest_fall, deviation, mean


def test_mean_and_deviation_by_hand_and_of_too_little() -> None:
    assert mean([1.0, 2.0, 6.0]) == 3.0
    assert deviation([1.0, 2.0, 4.0]) == pytest.approx(np.std([1, 2, 4], ddof=1), rel=1e-15)
    assert (mean([]), deviation([]), deviation([5.0]), deviation([5.0, 5.0])) == (None, None, None, 0.0)


def test_the_order_of_the_values_changes_no_bit() -> None:
    values = np.random.default_rng(1).normal(0, 0.01, 500).tolist()
    assert mean(values) == mean(sorted(values))
    assert deviation(values) == deviation(sorted(values))


def test_the_deepest_fall_of_cumulated_pnl_is_counted_from_nothing() -> None:
    assert deepest_fall([1.0, -3.0, 1.0, -1.0, 5.0, -2.0]) == 3.0
    assert deepest_fall([-1.0, -1.0]) == 2.0
    assert deepest_fall([]) == 0.0
