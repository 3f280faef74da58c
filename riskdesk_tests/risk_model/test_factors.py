"""The factor model against statsmodels, against a market of known factors, and its bits against ranges and later bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.universe import Instrument, Universe
from riskdesk_assets.features.instrument_state import instrument_state
from riskdesk_assets.features.market_regime import market_regime
from riskdesk_assets.features.panel import Panel, build_panel
from riskdesk_assets.risk_model.exposures import fit
from riskdesk_assets.risk_model.factors import STYLES, FactorModel, factor_models
from riskdesk_assets.risk_model.rows import correlation_panels, factors_daily, instrument_factors_daily
from riskdesk_tests.desk_builder import changed, desk_config
from riskdesk_tests.features.market import (
    SYMBOLS,
    bars_from_prices,
    made_up_bars,
    made_up_volatility,
    needs_real_bars,
    real_bars,
    universe,
    weekdays,
)

DAYS = weekdays(330)
CONFIG = desk_config().model_copy(update={"universe": universe()})
RISK = CONFIG.desk.risk_model


def names_in_groups(groups: Mapping[str, str]) -> Universe:
    shared = {"sector": "Financials", "country": "US", "currency": "USD"}
    return Universe(symbols={s: Instrument(name=s, industry_group=group, **shared) for s, group in groups.items()})


def with_risk_model(config: Config, **values: object) -> Config:
    risk = config.desk.risk_model.model_copy(update=values)
    return config.model_copy(update={"desk": config.desk.model_copy(update={"risk_model": risk})})


def model_at(panel: Panel, session: date, config: Config = CONFIG) -> FactorModel:
    (model,) = factor_models(panel, config, [session])
    return model


def bytes_of(model: FactorModel) -> tuple[object, ...]:
    arrays = (model.exposures, model.factor_covariance, model.specific_variance, model.factor_returns)
    return (model.session, model.symbols, model.factors, model.observations, *(array.tobytes() for array in arrays))


def priced(returns: np.ndarray, symbols: Sequence[str]) -> tuple[pl.DataFrame, list[date]]:
    """Bars whose daily returns are the given ones, shape (sessions, symbols)."""
    days = weekdays(len(returns) + 1)
    paths = 100 * np.cumprod(np.vstack([np.ones(len(symbols)), 1 + returns]), axis=0)
    return bars_from_prices(days, {symbol: paths[:, i].tolist() for i, symbol in enumerate(symbols)}), days


@pytest.mark.parametrize("missing", [0.0, 0.08])
def test_exposures_to_market_and_group_are_the_regression_of_statsmodels(missing: float) -> None:
    import statsmodels.api as sm

    panel = build_panel(made_up_bars(DAYS, missing=missing / 2), DAYS, SYMBOLS)
    config = with_risk_model(CONFIG, min_coverage=0.5)
    model = model_at(panel, DAYS[-1], config)
    returns = (panel.adj_close[1:] / panel.adj_close[:-1] - 1)[-252:]
    market = np.nanmean(returns, axis=1)
    assert model.factors == ("group:x", "group:y", "market", "momentum", "size")
    for i, group in enumerate(("x", "x", "y", "y", "z")):
        own = [market]
        if group != "z":  # alone in its group: no factor of its own
            members = [j for j, other in enumerate(("x", "x", "y", "y", "z")) if other == group]
            seen = np.isfinite(returns[:, members])
            together = np.where(seen, returns[:, members], 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
            own.append(together - market)
        known = np.isfinite(returns[:, i])
        wanted = sm.OLS(returns[known, i], sm.add_constant(np.column_stack(own)[known])).fit().params
        assert model.exposures[i, 2] == pytest.approx(wanted[1], rel=1e-9)
        if group != "z":
            assert model.exposures[i, {"x": 0, "y": 1}[group]] == pytest.approx(wanted[2], rel=1e-9)
    np.testing.assert_array_equal(model.exposures[:, :2] != 0, [[1, 0], [1, 0], [0, 1], [0, 1], [0, 0]])


def test_style_returns_are_the_regression_across_names_of_what_market_and_group_leave() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(4)
    returns = rng.normal(0, 0.01, (60, 6))
    returns[7, 2] = returns[33, 5] = np.nan
    styles = rng.normal(0, 1, (6, 2))
    found = fit(returns, ["a", "a", "a", "b", "b", "b"], STYLES, styles, 2)
    left = returns - np.nan_to_num(found.factor_returns[:, :3]) @ found.exposures[:, :3].T
    for row in range(60):
        known = np.isfinite(returns[row])
        wanted = sm.OLS(left[row, known], styles[known]).fit()
        np.testing.assert_allclose(found.factor_returns[row, 3:], wanted.params, rtol=1e-8, atol=1e-14)
        np.testing.assert_allclose(found.residuals[row, known], wanted.resid, rtol=1e-7, atol=1e-14)
        assert np.isnan(found.residuals[row, ~known]).all()
    complete = np.isfinite(returns).all(axis=1)
    np.testing.assert_allclose(
        returns[complete] @ found.estimator.T, found.factor_returns[complete], rtol=1e-9, atol=1e-14
    )  # P makes the factor returns out of returns


def test_a_market_whose_b_f_and_d_are_known_is_recovered_pairs_of_two_included() -> None:
    """Eight groups of two names, where a residual is half a spread: without the corrections D is half and F half too much."""
    groups = {f"S{i:02}": f"g{i // 2}" for i in range(16)}
    config = CONFIG.model_copy(update={"universe": names_in_groups(groups)})
    config = with_risk_model(config, window=504, factor_half_life=1e6, specific_half_life=1e6, factor_shrinkage=0.0)
    truth = np.full((16, 16), 0.01**2) + np.kron(np.eye(8), np.full((2, 2), 0.004**2)) + np.diag(np.full(16, 0.006**2))
    found, specific, spreads = [], [], []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        common, group = rng.normal(0, 0.01, (600, 1)), np.repeat(rng.normal(0, 0.004, (600, 8)), 2, axis=1)
        bars, days = priced(common + group + rng.normal(0, 0.006, (600, 16)), list(groups))
        model = model_at(build_panel(bars, days, list(groups)), days[-1], config)
        sigma = model.covariance().matrix
        found.append(sigma)
        specific.append(model.specific_variance.mean())
        spreads.append(np.mean([sigma[i, i] + sigma[i + 1, i + 1] - 2 * sigma[i, i + 1] for i in range(0, 16, 2)]))
    mean = np.mean(found, axis=0)
    assert np.linalg.norm(mean - truth) / np.linalg.norm(truth) < 0.04
    assert np.mean(specific) == pytest.approx(0.006**2, rel=0.05)
    assert np.mean(spreads) == pytest.approx(2 * 0.006**2, rel=0.05)
    assert np.diag(mean).mean() == pytest.approx(0.01**2 + 0.004**2 + 0.006**2, rel=0.03)
    within = np.mean([mean[i, i + 1] for i in range(0, 16, 2)])
    assert within == pytest.approx(0.01**2 + 0.004**2, rel=0.04)


@needs_real_bars
def test_sigma_is_close_to_the_sample_covariance_on_the_real_bars() -> None:
    model, returns = real_model(date(2024, 6, 28), factor_half_life=1e6, specific_half_life=1e6, factor_shrinkage=0.0)
    sample = np.cov(returns, rowvar=False)
    sigma = model.covariance().matrix
    np.testing.assert_allclose(np.sqrt(np.diag(sigma)), np.sqrt(np.diag(sample)), rtol=0.06)
    assert np.linalg.norm(sigma - sample) / np.linalg.norm(sample) < 0.15


def real_model(session: date, **values: object) -> tuple[FactorModel, np.ndarray]:
    config = with_risk_model(desk_config(), **values)
    bars = real_bars().filter(pl.col("as_of_date") <= session)
    days = bars["as_of_date"].unique().sort().to_list()[-260:]
    panel = build_panel(bars, days, config.universe.tradable)
    return model_at(panel, session, config), (panel.adj_close[1:] / panel.adj_close[:-1] - 1)[-252:]


def test_newer_returns_weigh_more_with_the_half_life_of_the_settings() -> None:
    """Alternating returns of one name alone, twice as large in the newest 90 sessions: the EWMA variance in closed form."""
    size = np.where(np.arange(252) < 252 - 90, 0.01, 0.02)
    bars, days = priced((size * np.where(np.arange(252) % 2, 1, -1))[:, None], ["ONE"])
    config = CONFIG.model_copy(update={"universe": names_in_groups({"ONE": "g"})})
    model = model_at(build_panel(bars, days, ["ONE"]), days[-1], config)
    decay = 0.5 ** (1 / 90)
    # sum of 0.5 ** (age / 90) over ages 0..89 is (1 - 1/2) / (1 - decay); over 0..251, (1 - decay ** 252) / (1 - decay)
    newest = 0.5 / (1 - decay**252)
    second_moment = newest * 0.02**2 + (1 - newest) * 0.01**2
    shares = (1 - decay**504) / (1 - decay**2) * ((1 - decay) / (1 - decay**252)) ** 2
    assert model.factors == ("market", "momentum", "size")
    assert model.factor_covariance[0, 0] == pytest.approx(second_moment / (1 - shares), rel=1e-3)
    assert model.specific_variance[0] == RISK.specific_vol_floor**2


@pytest.mark.parametrize("missing", [0.0, 0.03])
def test_a_session_alone_on_its_window_has_the_bits_it_has_in_a_range(missing: float) -> None:
    bars = made_up_bars(DAYS, missing=missing)
    whole = {model.session: model for model in factor_models(build_panel(bars, DAYS, SYMBOLS), CONFIG, DAYS[240:])}
    assert len(whole) == 90
    for row in (240, 252, 253, 271, 300, 329):
        known = DAYS[max(row - 252, 0) : row + 1]
        alone = model_at(build_panel(bars, known, SYMBOLS), DAYS[row])
        assert bytes_of(alone) == bytes_of(whole[DAYS[row]]), row
        assert alone.covariance().matrix.tobytes() == whole[DAYS[row]].covariance().matrix.tobytes()


@settings(derandomize=True, deadline=None, max_examples=15)
@given(after=st.integers(254, 327), seed=st.integers(0, 2**32 - 1), drop=st.sampled_from([0.0, 0.3, 1.0]))
def test_later_bars_change_no_bit_of_the_model(after: int, seed: int, drop: float) -> None:
    rng = np.random.default_rng(seed)
    bars = made_up_bars(DAYS, missing=0.01)
    later = bars["as_of_date"].to_numpy() > np.datetime64(DAYS[after])
    factor = pl.Series(np.where(later, rng.uniform(0.2, 5.0, bars.height), 1.0))
    prices = [pl.col(name) * factor for name in ("open", "high", "low", "close", "adj_close")]
    wild = bars.with_columns(*prices, volume=pl.when(pl.Series(later)).then(1).otherwise(pl.col("volume")))
    wild = wild.filter(pl.Series(~later | (rng.random(bars.height) >= drop)))
    sessions = DAYS[after - 1 : after + 1]
    honest = [bytes_of(model) for model in factor_models(build_panel(bars, DAYS, SYMBOLS), CONFIG, sessions)]
    changed_later = build_panel(wild, DAYS, SYMBOLS)
    assert [bytes_of(model) for model in factor_models(changed_later, CONFIG, sessions)] == honest
    if drop < 1:
        tomorrow = DAYS[after + 1]
        assert bytes_of(model_at(changed_later, tomorrow)) != bytes_of(model_at(build_panel(bars, DAYS, SYMBOLS), tomorrow))


def test_other_names_for_the_same_bars_change_their_order_and_nothing_else() -> None:
    bars = made_up_bars(DAYS, missing=0.01)
    renamed = dict(zip(SYMBOLS, reversed(SYMBOLS), strict=True))
    other = bars.with_columns(pl.col("symbol").replace_strict(renamed)).sample(fraction=1.0, shuffle=True, seed=2)
    mirrored = CONFIG.model_copy(update={"universe": universe(groups=("z", "y", "y", "x", "x"))})
    one = model_at(build_panel(bars, DAYS, SYMBOLS), DAYS[-1])
    two = model_at(build_panel(other, DAYS, SYMBOLS), DAYS[-1], mirrored)
    np.testing.assert_allclose(two.covariance().matrix[::-1, ::-1], one.covariance().matrix, rtol=1e-9, atol=1e-16)
    np.testing.assert_allclose(two.factor_covariance, one.factor_covariance, rtol=1e-9, atol=1e-16)


def test_a_name_below_the_coverage_is_left_out_and_one_silent_today_stays() -> None:
    bars = made_up_bars(DAYS)
    young = bars.filter((pl.col("symbol") != "CCC") | (pl.col("as_of_date") > DAYS[-1 - 226]))
    assert model_at(build_panel(young, DAYS, SYMBOLS), DAYS[-1]).symbols == ("AAA", "BBB", "DDD", "EEE")
    silent = build_panel(bars.filter((pl.col("symbol") != "CCC") | (pl.col("as_of_date") < DAYS[-1])), DAYS, SYMBOLS)
    model = model_at(silent, DAYS[-1])
    assert model.symbols == SYMBOLS
    assert model.exposures[2, 4] == 0.0  # no adv_20 today: the average name's size
    today = silent.adj_close[-1] / silent.adj_close[-2] - 1
    assert model.factor_returns[2] == pytest.approx(np.nanmean(today), rel=1e-12)
    assert model.factor_returns[1] == pytest.approx(today[3] - np.nanmean(today), rel=1e-12)
    assert model.observations == 252
    gone = build_panel(bars.filter(~pl.col("symbol").is_in(["CCC", "DDD"]) | (pl.col("as_of_date") < DAYS[-1])), DAYS, SYMBOLS)
    assert np.isnan(model_at(gone, DAYS[-1]).factor_returns).tolist() == [False, True, False, False, False]
    nobody = model_at(build_panel(bars.head(0), DAYS, SYMBOLS), DAYS[-1])
    assert (nobody.symbols, nobody.factors, nobody.covariance().volatility({})) == ((), (), 0.0)


def test_size_is_the_z_score_of_the_logarithm_of_the_adv_that_instrument_state_has() -> None:
    panel = build_panel(made_up_bars(DAYS), DAYS, SYMBOLS)
    volatility = made_up_volatility(DAYS)
    regime = market_regime(panel, volatility, CONFIG.universe, CONFIG.desk.features, DAYS[-1], DAYS[-1])
    states = instrument_state(
        panel, CONFIG.universe, CONFIG.desk.features, CONFIG.desk.costs, regime, "v1", DAYS[-1], DAYS[-1]
    ).sort("symbol")
    size = np.log(states["adv_20"].to_numpy())
    model = model_at(panel, DAYS[-1])
    np.testing.assert_allclose(model.exposures[:, 4], (size - size.mean()) / size.std(ddof=1), rtol=1e-9)
    grown = panel.adj_close[-1 - 21] / panel.adj_close[-1 - 252] - 1
    np.testing.assert_allclose(model.exposures[:, 3], (grown - grown.mean()) / grown.std(ddof=1), rtol=1e-9)
    narrow = model_at(panel, DAYS[-1], with_risk_model(CONFIG, style_clip=0.5))
    assert np.abs(narrow.exposures[:, 3:]).max() == 0.5


def test_twins_flat_names_and_wild_prices_leave_a_positive_definite_matrix_within_the_condition_number() -> None:
    rng = np.random.default_rng(3)
    base = rng.normal(0, 0.01, (260, 3))
    cases = {
        "twins": np.column_stack([base, base[:, 0], base[:, 0]]),
        "flat": np.column_stack([base, np.zeros((260, 2))]),
        "dead": np.zeros((260, 5)),
        "one": np.repeat(base[:, :1], 5, axis=1),
        "wild": np.column_stack([base, 10 * np.abs(base[:, :2])]),
        "hundredfold": np.where(np.arange(260)[:, None] == 200, [0, 0, 0, 99.0, 0], np.column_stack([base, base[:, :2]])),
    }
    for name, returns in cases.items():
        bars, days = priced(returns, SYMBOLS)
        model = model_at(build_panel(bars, days, SYMBOLS), days[-1])
        eigenvalues = np.linalg.eigvalsh(model.covariance().matrix)
        assert eigenvalues[0] >= 0.99 * RISK.specific_vol_floor**2, name
        assert eigenvalues[-1] / eigenvalues[0] <= 1.01 * RISK.max_condition, name
        assert np.linalg.eigvalsh(model.factor_covariance)[0] >= -1e-12 * max(eigenvalues[-1], 1e-12), name
    tight = with_risk_model(CONFIG, max_condition=1e3)
    bars, days = priced(cases["hundredfold"], SYMBOLS)
    kept = np.linalg.eigvalsh(model_at(build_panel(bars, days, SYMBOLS), days[-1], tight).covariance().matrix)
    assert kept[-1] / kept[0] <= 1.01e3


def test_risk_splits_into_factors_and_names_worked_by_hand() -> None:
    # One factor of variance 0.0004, exposures 1 and 0.5, specific variances 0.0001 and 0.0009; w = (2, -1).
    # x = 2 - 0.5 = 1.5: systematic 1.5 x 0.02 = 0.03; specific 4 x 0.0001 + 0.0009 = 0.0013; total 0.0009 + 0.0013.
    model = FactorModel(
        date(2026, 3, 2),
        ("A", "B"),
        ("market",),
        np.array([[1.0], [0.5]]),
        np.array([[0.0004]]),
        np.array([0.0001, 0.0009]),
        np.array([0.01]),
        252,
    )
    weights = {"A": 2.0, "B": -1.0, "GONE": 0.0}
    assert model.factor_exposures(weights) == {"market": 1.5}
    assert model.systematic_risk(weights) == pytest.approx(0.03, rel=1e-14)
    assert model.residual_risk(weights) == pytest.approx(math.sqrt(0.0013), rel=1e-14)
    assert model.covariance().volatility(weights) == pytest.approx(math.sqrt(0.0022), rel=1e-14)
    assert (model.systematic_risk({}), model.residual_risk({})) == (0.0, 0.0)
    with pytest.raises(StateError, match="no factor model for GONE"):
        model.residual_risk({"GONE": 0.1})
    with pytest.raises(StateError, match="no factor model for GONE"):
        model.factor_exposures({"GONE": 0.1})


def test_the_three_tables_hold_the_whole_covariance() -> None:
    panel = build_panel(made_up_bars(DAYS, missing=0.01), DAYS, SYMBOLS)
    models = list(factor_models(panel, CONFIG, DAYS[-3:]))
    exposures, factors, panels = instrument_factors_daily(models), factors_daily(models), correlation_panels(models)
    assert panels.filter(pl.col("id_a") >= pl.col("id_b")).is_empty()
    assert panels["panel_id"].value_counts().sort("panel_id").rows() == [("factor", 30), ("instrument", 30)]
    for model in models:
        today = pl.col("as_of_date") == model.session
        loads = {(n, f): x for n, f, x in exposures.filter(today).select("instrument_id", "factor_id", "exposure").iter_rows()}
        spread = dict(factors.filter(today).select("factor_id", "factor_volatility").iter_rows())
        assert dict(factors.filter(today).select("factor_id", "factor_return").iter_rows()) == dict(
            zip(model.factors, model.factor_returns.tolist(), strict=True)
        )
        rows = panels.filter(today & (pl.col("panel_id") == "factor")).select("id_a", "id_b", "correlation")
        related = {(a, b): value for a, b, value in rows.iter_rows()}
        b = np.array([[loads.get((name, factor), 0.0) for factor in spread] for name in SYMBOLS])
        f = np.array(
            [[spread[i] * spread[j] * (1 if i == j else related[min(i, j), max(i, j)]) for j in spread] for i in spread]
        )
        sigma = b @ f @ b.T + np.diag([loads[name, "specific"] ** 2 for name in SYMBOLS])
        np.testing.assert_allclose(sigma, model.covariance().matrix, rtol=1e-9)
        deviations = np.sqrt(np.diag(sigma))
        for a, other, value in (
            panels.filter(today & (pl.col("panel_id") == "instrument")).select("id_a", "id_b", "correlation").iter_rows()
        ):
            i, j = SYMBOLS.index(a), SYMBOLS.index(other)
            assert value == pytest.approx(sigma[i, j] / (deviations[i] * deviations[j]), rel=1e-9)


def test_a_factor_that_says_nothing_today_is_null_in_the_table_and_no_table_holds_a_nan() -> None:
    bars = made_up_bars(DAYS).filter(~pl.col("symbol").is_in(["CCC", "DDD"]) | (pl.col("as_of_date") < DAYS[-1]))
    models = [
        model_at(build_panel(bars, DAYS, SYMBOLS), DAYS[-1]),
        model_at(build_panel(bars.head(0), DAYS, SYMBOLS), DAYS[-1]),
    ]
    factors = factors_daily(models)
    assert factors.filter(pl.col("factor_return").is_null())["factor_id"].to_list() == ["group:y"]
    for frame in (factors, instrument_factors_daily(models), correlation_panels(models)):
        assert all(column.drop_nulls().is_finite().all() for column in frame.select(pl.selectors.float()).iter_columns())


def test_a_session_without_bars_and_a_window_beyond_the_lookback_are_refused() -> None:
    panel = build_panel(made_up_bars(DAYS), DAYS[:-1], SYMBOLS)
    with pytest.raises(StateError, match=f"no bars for {DAYS[-1]}"):
        model_at(panel, DAYS[-1])
    with pytest.raises(ValueError, match=r"risk_model\.window 252 needs more bars than lookback_sessions 252 loads"):
        changed(desk_config(), "desk.features.lookback_sessions", 252)


def test_a_group_too_silent_for_a_factor_covariance_is_refused_in_words() -> None:
    bars = made_up_bars(DAYS)
    odd = {day for place, day in enumerate(DAYS) if place // 5 % 2}
    halves = bars.filter(pl.col("symbol").is_in(["AAA", "BBB"]) ^ pl.col("as_of_date").is_in(odd))
    with pytest.raises(StateError, match="only 0 sessions on which every factor of the model has a return"):
        model_at(build_panel(halves, DAYS, SYMBOLS), DAYS[-1], with_risk_model(CONFIG, min_coverage=1e-9))
