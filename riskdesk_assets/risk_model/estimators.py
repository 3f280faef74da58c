"""The covariance a risk_model_id stands for (methods.md section 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import numpy as np

from riskdesk_assets.common.errors import InputError, Problem, StateError, nearest
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.features.own_bars import Rows
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.features.windows import Array, ewma_weights
from riskdesk_assets.risk_model.covariance import (
    Covariance,
    check_psd,
    complete_sample,
    covariances,
    last_rows_padded,
    simple_returns,
)
from riskdesk_assets.risk_model.factors import FactorModel, ewma_covariance, factor_models

FACTOR, LEDOIT_WOLF, OAS, EWMA = "factor", "ledoit_wolf", "oas", "ewma"
MODEL_VERSIONS: Mapping[str, str] = {
    FACTOR: "factor-v1",
    LEDOIT_WOLF: "ledoit_wolf-v1",
    OAS: "oas-v1",
    EWMA: "ewma-v1",
}
"""risk_model_id -> the model_id its rows carry; a change of method is a new version."""


def covariances_of(
    model_id: str, panel: Panel, config: Config, sessions: Sequence[date], models: Mapping[date, FactorModel]
) -> dict[date, Covariance]:
    """Covariance of daily simple returns of the tradable names at the close of each of ``sessions``, in their order.

    Args:
        model_id: "factor", "ledoit_wolf", "oas" or "ewma".
        panel: bars of at least the tradable names, reaching the model's window of sessions back from the first.
        config: as ``covariance_of``.
        sessions: the sessions wanted; one alone gives the bits it has among others.
        models: of "factor", the models as read from their tables (``rows.models_of``); a session without one has a covariance
            without symbols. The other estimators do not look at it.

    Raises:
        InputError: an unknown model_id.
        StateError: as ``covariance_of``.
    """
    if model_id == FACTOR:
        nothing = Covariance((), np.empty((0, 0)), 0.0, 0)
        with single_threaded():
            return {session: models[session].covariance() if session in models else nothing for session in sessions}
    if model_id == LEDOIT_WOLF:
        return dict(covariances(panel.select(config.universe.tradable), config.desk.optimizer, sessions))
    return {session: covariance_of(model_id, panel, config, session) for session in sessions}


def covariance_of(model_id: str, panel: Panel, config: Config, session: date) -> Covariance:
    """Covariance of daily simple returns of the tradable names at the close of ``session``.

    Args:
        model_id: "factor", "ledoit_wolf", "oas" or "ewma".
        panel: bars of at least the tradable names, reaching the model's window of sessions back.
        config: universe; desk.risk_model, and for Ledoit-Wolf desk.optimizer, as construction reads it.
        session: the session, the newest the numbers read.

    Returns:
        The covariance of the names with enough returns; without symbols when there are none. ``shrinkage`` is the weight of the
        scaled identity where the estimator has one, else 0.

    Raises:
        InputError: an unknown model_id.
        StateError: the session is not in the panel, too few returns, or the estimate is not positive semidefinite.

    Source: methods.md section 7; OAS: Chen, Wiesel, Eldar and Hero (2010), "Shrinkage algorithms for MMSE covariance
    estimation", as in scikit-learn.
    """
    estimators: Mapping[str, Callable[[Panel, Config, date], Covariance]] = {
        FACTOR: _factor,
        LEDOIT_WOLF: _ledoit_wolf,
        OAS: _oas,
        EWMA: _ewma,
    }
    if model_id not in estimators:
        message = f"is {model_id!r}{nearest(model_id, estimators)}"
        raise InputError(Problem("risk model", None, "risk_model_id", message, ", ".join(estimators)))
    return estimators[model_id](panel, config, session)


def _factor(panel: Panel, config: Config, session: date) -> Covariance:
    (model,) = factor_models(panel, config, [session])
    return model.covariance()


def _ledoit_wolf(panel: Panel, config: Config, session: date) -> Covariance:
    ((_, covariance),) = covariances(panel.select(config.universe.tradable), config.desk.optimizer, [session])
    return covariance


def _oas(panel: Panel, config: Config, session: date) -> Covariance:
    from sklearn.covariance import oas

    names, sample, _ = _sample(panel, config, session)
    if not names:
        return Covariance((), np.empty((0, 0)), 0.0, 0)
    with single_threaded():
        matrix, shrinkage = oas(sample)
        return _checked(names, matrix, float(shrinkage), len(sample))


def _ewma(panel: Panel, config: Config, session: date) -> Covariance:
    names, sample, rows = _sample(panel, config, session)
    if not names:
        return Covariance((), np.empty((0, 0)), 0.0, 0)
    settings = config.desk.risk_model
    weights = np.array(ewma_weights(settings.ewma_half_life, settings.window))[rows]
    with single_threaded():
        return _checked(names, ewma_covariance(sample, weights), 0.0, len(sample))


def _sample(panel: Panel, config: Config, session: date) -> tuple[tuple[str, ...], Array, Rows]:
    """The tradable names with enough returns in the window, and the returns and window rows on which all have one."""
    names, settings = panel.select(config.universe.tradable), config.desk.risk_model
    if session not in names.sessions:
        raise StateError(f"no bars for {session}, so no covariance")
    window = last_rows_padded(simple_returns(names), names.sessions.index(session), settings.window)
    return complete_sample(window, names.symbols, settings.min_coverage)


def _checked(names: tuple[str, ...], matrix: Array, shrinkage: float, observations: int) -> Covariance:
    symmetric = (matrix + matrix.T) / 2.0
    check_psd(symmetric)
    return Covariance(names, symmetric, shrinkage, observations)
