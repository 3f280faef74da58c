"""The factor model read back from its tables, and a covariance for every session of a range."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_assets.features.panel import Panel, build_panel
from riskdesk_assets.risk_model.estimators import MODEL_VERSIONS, covariance_of, covariances_of
from riskdesk_assets.risk_model.factors import FactorModel, factor_models
from riskdesk_assets.risk_model.rows import correlation_panels, factors_daily, instrument_factors_daily, models_of
from riskdesk_tests.desk_builder import desk_config, sample_bars, sessions_from
from riskdesk_tests.features.market import SYMBOLS, made_up_bars, universe, weekdays

SAMPLE = desk_config()
SESSIONS = sessions_from(date(2025, 9, 2), 40)
MADE_UP = SAMPLE.model_copy(update={"universe": universe()})
DAYS = weekdays(330)
PANEL = build_panel(made_up_bars(DAYS, missing=0.005), DAYS, SYMBOLS)


def sample_models() -> list[FactorModel]:
    bars = sample_bars().filter(pl.col("as_of_date").is_between(date(2024, 6, 3), SESSIONS[-1]))
    sessions = sorted(bars["as_of_date"].unique())
    return list(factor_models(build_panel(bars, sessions, SAMPLE.universe.watched), SAMPLE, SESSIONS))


def frames_of(models: list[FactorModel]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    return instrument_factors_daily(models), factors_daily(models), correlation_panels(models)


def bits(model: FactorModel) -> tuple[object, ...]:
    arrays = (model.exposures, model.factor_covariance, model.specific_variance, model.factor_returns)
    return (model.session, model.symbols, model.factors, *(array.tobytes() for array in arrays))


def test_the_tables_give_the_model_back() -> None:
    models = sample_models()
    read = models_of(*frames_of(models))
    assert list(read) == list(SESSIONS)
    for model in models:
        again = read[model.session]
        assert (again.symbols, again.factors) == (model.symbols, model.factors)
        assert again.exposures.tobytes() == model.exposures.tobytes()
        np.testing.assert_array_equal(again.factor_returns, model.factor_returns)
        wanted, got = model.covariance().matrix, again.covariance().matrix
        spread = np.sqrt(np.diag(wanted))
        assert np.abs((got - wanted) / np.outer(spread, spread)).max() < 1e-12
        weights = {symbol: (-1.0) ** place * 0.1 for place, symbol in enumerate(model.symbols)}
        assert again.systematic_risk(weights) == pytest.approx(model.systematic_risk(weights), rel=1e-9)


def test_a_session_read_alone_has_the_bits_it_has_among_others_whatever_the_order_of_rows() -> None:
    frames = frames_of(sample_models())
    whole = models_of(*frames)
    for session in SESSIONS[::13]:
        cut = [frame.filter(pl.col("as_of_date") == session).reverse() for frame in frames]
        ((_, alone),) = models_of(*cut).items()
        assert bits(alone) == bits(whole[session])
        assert bits(models_of(*frames, [session])[session]) == bits(alone)


def test_a_group_without_returns_and_a_name_without_a_group_come_back_too() -> None:
    models = list(factor_models(PANEL, MADE_UP, DAYS[-2:]))
    assert any(group not in models[0].factors for group in ("group:x", "group:y", "group:z"))
    for model, again in zip(models, models_of(*frames_of(models)).values(), strict=True):
        np.testing.assert_allclose(again.covariance().matrix, model.covariance().matrix, rtol=1e-12)


def test_no_rows_are_no_models_and_rows_of_another_version_are_refused() -> None:
    frames = frames_of(sample_models()[:1])
    assert models_of(*(frame.clear() for frame in frames)) == {}
    other = frames[0].with_columns(model_id=pl.lit("factor-v0"))
    with pytest.raises(StateError, match=rf"of {SESSIONS[0]} is of version factor-v0, .*riskdesk run --start {SESSIONS[0]}"):
        models_of(other, *frames[1:])


def covariance_bits(model_id: str, panel: Panel, sessions: list[date]) -> dict[date, bytes]:
    models = models_of(*frames_of(list(factor_models(panel, MADE_UP, sessions)))) if model_id == "factor" else {}
    found = covariances_of(model_id, panel, MADE_UP, sessions, models)
    assert list(found) == sessions
    return {session: covariance.matrix.tobytes() for session, covariance in found.items()}


@pytest.mark.parametrize("model_id", MODEL_VERSIONS)
def test_a_covariance_alone_is_that_of_the_range_bit_for_bit(model_id: str) -> None:
    sessions = DAYS[300:320]
    whole = covariance_bits(model_id, PANEL, sessions)
    for session in sessions[::6]:
        place = DAYS.index(session)
        alone = build_panel(made_up_bars(DAYS, missing=0.005), DAYS[place - 252 : place + 1], SYMBOLS)
        assert covariance_bits(model_id, alone, [session])[session] == whole[session]


@pytest.mark.parametrize("model_id", ["ledoit_wolf", "oas", "ewma"])
def test_a_range_of_covariances_is_one_after_another(model_id: str) -> None:
    found = covariances_of(model_id, PANEL, MADE_UP, DAYS[300:303], {})
    for session, covariance in found.items():
        assert covariance.matrix.tobytes() == covariance_of(model_id, PANEL, MADE_UP, session).matrix.tobytes()


def test_a_session_the_factor_tables_do_not_cover_has_no_covariance() -> None:
    assert covariances_of("factor", PANEL, MADE_UP, DAYS[-1:], {})[DAYS[-1]].symbols == ()
    with pytest.raises(InputError, match="did you mean 'ewma'"):
        covariances_of("ewm", PANEL, MADE_UP, DAYS[-1:], {})
