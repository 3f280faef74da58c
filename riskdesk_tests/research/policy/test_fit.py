from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.policy_settings import PolicySettings
from riskdesk_assets.controllers.policy_features import FEATURES
from riskdesk_assets.research.policy.fit import fitted, predicted, ridge_regression, thresholds
from riskdesk_tests.desk_builder import desk_config

SETTINGS: PolicySettings = desk_config().desk.policy
WIDE = SETTINGS.model_copy(update={"feature_clip": 1e9})


@dataclass(frozen=True)
class Case:
    rows: pl.DataFrame

    @property
    def values(self) -> np.ndarray:
        return self.rows.select(FEATURES).to_numpy()

    @property
    def target(self) -> np.ndarray:
        return self.rows["net_return"].to_numpy()


def made_up(count: int = 600, seed: int = 1) -> Case:
    """Correlated features of different sizes, and a target that three of them move."""
    draws = np.random.Generator(np.random.Philox(key=seed))
    base = draws.standard_normal((count, len(FEATURES)))
    values = base @ draws.uniform(-0.5, 1.0, (len(FEATURES), len(FEATURES))) * np.geomspace(1e-3, 10, len(FEATURES)) + 3.0
    target = 0.002 * base[:, 0] - 0.001 * base[:, 3] + 0.004 * draws.standard_normal(count) + 0.0005
    days = [date(2020, 1, 1) + timedelta(days=place // 4) for place in range(count)]
    frame = pl.DataFrame({"as_of_date": days, "pair_id": [f"P{place % 4}" for place in range(count)]})
    columns = [pl.Series(name, values[:, place]) for place, name in enumerate(FEATURES)]
    return Case(frame.with_columns(*columns, pl.Series("net_return", target), pl.Series("cost", np.full(count, 0.0006))))


CASE = made_up()


@pytest.mark.parametrize("ridge_lambda", [0.001, 1.0, 1000.0, 1e6])
def test_it_is_scikit_learns_ridge(ridge_lambda: float) -> None:
    from sklearn.linear_model import Ridge

    fit = fitted(CASE.rows, WIDE.model_copy(update={"ridge_lambda": ridge_lambda}))
    standard = (CASE.values - CASE.values.mean(axis=0)) / CASE.values.std(axis=0)
    other = Ridge(alpha=ridge_lambda, fit_intercept=True, solver="svd").fit(standard, CASE.target)
    assert fit.coefficients == pytest.approx(other.coef_.tolist(), rel=1e-7, abs=1e-12)
    assert fit.intercept == pytest.approx(float(other.intercept_), rel=1e-9)
    assert predicted(fit, CASE.rows) == pytest.approx(other.predict(standard).tolist(), abs=1e-12)


def test_with_clipped_features_it_is_still_scikit_learns_ridge() -> None:
    from sklearn.linear_model import Ridge

    fit = fitted(CASE.rows, SETTINGS.model_copy(update={"feature_clip": 1.0, "ridge_lambda": 50.0}))
    standard = np.clip((CASE.values - CASE.values.mean(axis=0)) / CASE.values.std(axis=0), -1.0, 1.0)
    other = Ridge(alpha=50.0, fit_intercept=True, solver="svd").fit(standard, CASE.target)
    assert fit.coefficients == pytest.approx(other.coef_.tolist(), rel=1e-7, abs=1e-12)
    assert predicted(fit, CASE.rows) == pytest.approx(other.predict(standard).tolist(), abs=1e-12)


def test_one_feature_by_hand() -> None:
    """x = -1, 0, 1 and y = 1, 2, 6: b0 = 3, x'y = 5, x'x = 2; with lambda 3 b = 5 / 5."""
    found = ridge_regression(np.array([[-1.0, 0.0, 1.0]]), np.array([1.0, 2.0, 6.0]), 3.0)
    assert (found.intercept, found.coefficients) == (3.0, (1.0,))


def test_the_batch_predicts_the_same_bits_as_one_row_at_a_time() -> None:
    fit = fitted(CASE.rows, SETTINGS)
    assert predicted(fit, CASE.rows) == [fit.predict(row) for row in CASE.rows.select(FEATURES).iter_rows()]


def test_a_row_without_a_feature_has_no_prediction() -> None:
    fit = fitted(CASE.rows, SETTINGS)
    rows = CASE.rows.head(3).with_columns(pl.Series("corr_60", [0.5, None, 0.5], dtype=pl.Float64))
    assert [value is None for value in predicted(fit, rows)] == [False, True, False]


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_changes_no_bit(seed: int) -> None:
    mixed = CASE.rows.sample(fraction=1.0, shuffle=True, seed=seed)
    assert fitted(mixed, SETTINGS) == fitted(CASE.rows, SETTINGS)


def test_thresholds_are_zero_a_quantile_of_the_gains_predicted_and_the_cost_already_paid() -> None:
    found = thresholds(np.array([-0.5, 0.4, 0.1, 0.3, 0.2, -0.1]), mean_cost=0.06, full_quantile=0.5)
    assert (found.hold, found.half, found.full) == (-0.06, 0.0, 0.2)
    nothing = thresholds(np.array([-0.5, -0.1]), mean_cost=0.06, full_quantile=0.5)
    assert (nothing.hold, nothing.half, nothing.full) == (-0.06, 0.0, 0.0)


def test_too_few_rows_and_a_feature_that_never_changes_are_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        fitted(CASE.rows.head(20), SETTINGS)
    with pytest.raises(InputError, match="corr_60: never changes"):
        fitted(CASE.rows.with_columns(corr_60=pl.lit(0.5)), SETTINGS)
