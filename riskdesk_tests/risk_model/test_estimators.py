"""Every risk_model_id against a second library."""

from __future__ import annotations

import numpy as np
import pytest

from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_assets.features.panel import build_panel
from riskdesk_assets.risk_model.covariance import covariances
from riskdesk_assets.risk_model.estimators import MODEL_VERSIONS, covariance_of
from riskdesk_assets.risk_model.factors import factor_models
from riskdesk_tests.desk_builder import desk_config
from riskdesk_tests.features.market import SYMBOLS, made_up_bars, universe, weekdays

DAYS = weekdays(330)
CONFIG = desk_config().model_copy(update={"universe": universe()})
PANEL = build_panel(made_up_bars(DAYS, missing=0.005), DAYS, SYMBOLS)
RETURNS = (PANEL.adj_close[1:] / PANEL.adj_close[:-1] - 1)[-252:]
COMPLETE = np.isfinite(RETURNS).all(axis=1)


def test_oas_is_scikit_learns_on_the_sessions_on_which_all_names_have_a_return() -> None:
    from sklearn.covariance import OAS

    wanted, got = OAS().fit(RETURNS[COMPLETE]), covariance_of("oas", PANEL, CONFIG, DAYS[-1])
    np.testing.assert_allclose(got.matrix, wanted.covariance_, rtol=1e-12)
    assert (got.shrinkage, got.observations) == (pytest.approx(wanted.shrinkage_, rel=1e-12), COMPLETE.sum())
    assert COMPLETE.sum() < 252


def test_ewma_is_numpys_weighted_covariance_with_ages_in_sessions() -> None:
    weights = (0.5 ** (np.arange(251, -1, -1) / CONFIG.desk.risk_model.ewma_half_life))[COMPLETE]
    wanted = np.cov(RETURNS[COMPLETE], rowvar=False, aweights=weights)
    np.testing.assert_allclose(covariance_of("ewma", PANEL, CONFIG, DAYS[-1]).matrix, wanted, rtol=1e-12)


def test_ledoit_wolf_and_the_factor_model_are_the_rooms_own() -> None:
    ((_, shrunk),) = covariances(PANEL, CONFIG.desk.optimizer, DAYS[-1:])
    assert covariance_of("ledoit_wolf", PANEL, CONFIG, DAYS[-1]).matrix.tobytes() == shrunk.matrix.tobytes()
    (model,) = factor_models(PANEL, CONFIG, DAYS[-1:])
    assert covariance_of("factor", PANEL, CONFIG, DAYS[-1]).matrix.tobytes() == model.covariance().matrix.tobytes()


@pytest.mark.parametrize("model_id", MODEL_VERSIONS)
def test_each_is_positive_semidefinite_and_the_same_alone_on_its_window(model_id: str) -> None:
    whole = covariance_of(model_id, PANEL, CONFIG, DAYS[300])
    alone = build_panel(made_up_bars(DAYS, missing=0.005), DAYS[300 - 252 : 301], SYMBOLS)
    assert covariance_of(model_id, alone, CONFIG, DAYS[300]).matrix.tobytes() == whole.matrix.tobytes()
    assert whole.symbols == SYMBOLS
    assert np.array_equal(whole.matrix, whole.matrix.T)
    assert np.linalg.eigvalsh(whole.matrix)[0] > 0
    nothing = build_panel(made_up_bars(DAYS).head(0), DAYS, SYMBOLS)
    assert covariance_of(model_id, nothing, CONFIG, DAYS[300]).symbols == ()
    with pytest.raises(StateError, match=f"no bars for {DAYS[-1]}"):
        covariance_of(model_id, alone, CONFIG, DAYS[-1])


def test_an_unknown_risk_model_is_refused_with_the_nearest_and_the_allowed() -> None:
    with pytest.raises(
        InputError, match=r"risk_model_id: is 'ledoit-wolf'; did you mean 'ledoit_wolf'\? .*factor, ledoit_wolf"
    ):
        covariance_of("ledoit-wolf", PANEL, CONFIG, DAYS[-1])
