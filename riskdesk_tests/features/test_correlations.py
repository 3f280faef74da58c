"""return_correlations against a weighted correlation written with whole windows."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.features.correlations import return_correlations
from riskdesk_assets.features.pair_state import pair_state
from riskdesk_assets.features.panel import build_panel
from riskdesk_tests.features.market import PAIRS, SHORT, SYMBOLS, bits, made_up_bars, universe, weekdays

DAYS = weekdays(300)
SETTINGS = SHORT.model_copy(update={"coint_refresh": "never"})


def correlations(bars: pl.DataFrame, first: int = 250, last: int = 299, symbols: tuple[str, ...] = SYMBOLS) -> pl.DataFrame:
    panel = build_panel(bars, DAYS, symbols)
    states = pair_state(panel, PAIRS, SETTINGS, "v1", DAYS[first], DAYS[last])
    return return_correlations(panel, universe(), PAIRS, states, SETTINGS, DAYS[first], DAYS[last])


def value(frame: pl.DataFrame, day: int, left: str, right: str) -> float:
    found = frame.filter((pl.col("as_of_date") == DAYS[day]) & (pl.col("id_a") == left) & (pl.col("id_b") == right))
    return float(found["correlation"].item())


def returns(bars: pl.DataFrame, symbol: str) -> np.ndarray:
    """Log returns to each of DAYS, NaN where the day or the one before has no bar."""
    path = dict(bars.filter(pl.col("symbol") == symbol).select("as_of_date", "adj_close").iter_rows())
    logs = np.log([path.get(day, np.nan) for day in DAYS])
    return np.diff(logs, prepend=np.nan)


def weighted_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Half-life 60 over the last 252 values; numpy's weighted covariance of the days on which both exist."""
    weights = 0.5 ** (np.arange(251, -1, -1) / 60)
    both = np.isfinite(x[-252:]) & np.isfinite(y[-252:])
    covariance = np.cov(x[-252:][both], y[-252:][both], aweights=weights[both], ddof=0)
    return float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


def test_names_correlate_as_the_weighted_formula_says() -> None:
    bars = made_up_bars(DAYS)
    frame = correlations(bars)
    for day in (252, 299):
        for left, right in (("AAA", "BBB"), ("BBB", "EEE"), ("CCC", "DDD")):
            wanted = weighted_correlation(returns(bars, left)[: day + 1], returns(bars, right)[: day + 1])
            assert value(frame, day, left, right) == pytest.approx(wanted, rel=1e-11)


def test_pairs_correlate_by_the_profit_of_one_unit_of_long_spread_at_todays_beta() -> None:
    bars = made_up_bars(DAYS)
    frame = correlations(bars)
    panel = build_panel(bars, DAYS, SYMBOLS)
    states = pair_state(panel, PAIRS, SETTINGS, "v1", DAYS[299], DAYS[299])
    beta = dict(states.select("pair_id", "beta").iter_rows())
    stream = {f"{a}__{b}": returns(bars, a) - beta[f"{a}__{b}"] * returns(bars, b) for a, b in PAIRS}
    for left, right in (("AAA__BBB", "CCC__AAA"), ("AAA__BBB", "EEE__DDD"), ("CCC__AAA", "EEE__DDD")):
        assert value(frame, 299, left, right) == pytest.approx(weighted_correlation(stream[left], stream[right]), rel=1e-11)


def test_a_name_missing_one_bar_keeps_its_correlation_over_the_other_sessions() -> None:
    whole = made_up_bars(DAYS)
    bars = whole.filter(~((pl.col("symbol") == "BBB") & (pl.col("as_of_date") == DAYS[270])))
    frame, undisturbed = correlations(bars), correlations(whole)
    x, y = returns(bars, "AAA"), returns(bars, "BBB")
    # Each side's mean and variance are over its own sessions, the products over those of both.
    weights = 0.5 ** (np.arange(251, -1, -1) / 60)
    wx, wy = x[-252:], y[-252:]
    seen = np.isfinite(wy)
    dx = wx - np.average(wx, weights=weights)
    dy = np.where(seen, wy - np.average(wy[seen], weights=weights[seen]), 0.0)
    covariance = np.sum(weights * dx * dy) / np.sum(weights * seen)
    variances = np.average(dx**2, weights=weights) * np.sum(weights * dy**2) / np.sum(weights * seen)
    assert value(frame, 299, "AAA", "BBB") == pytest.approx(covariance / np.sqrt(variances), rel=1e-11)
    others = pl.col("id_a").is_in(["AAA", "CCC", "DDD"]) & pl.col("id_b").is_in(["CCC", "DDD", "EEE"])
    assert bits(frame.filter(others)) == bits(undisturbed.filter(others))


def test_a_side_without_a_bar_today_has_no_row_today() -> None:
    bars = made_up_bars(DAYS).filter(~((pl.col("symbol") == "BBB") & (pl.col("as_of_date") == DAYS[270])))
    today = correlations(bars).filter(pl.col("as_of_date") == DAYS[270])
    named = [*today["id_a"], *today["id_b"]]
    assert not any("BBB" in name for name in named)
    assert "CCC__AAA" in named
    assert today.filter(pl.col("kind") == "instrument").height == 6


def test_too_few_sessions_give_no_correlation() -> None:
    bars = made_up_bars(DAYS)
    first = correlations(bars, first=0)["as_of_date"].min()
    # 0.9 of 252 is 226.8: the 227th return is that of day 227.
    assert first == DAYS[227]


def test_ids_stand_in_order_and_every_couple_appears_once_a_session() -> None:
    frame = correlations(made_up_bars(DAYS))
    assert frame.filter(pl.col("id_a") >= pl.col("id_b")).height == 0
    assert frame.height == 50 * (10 + 3)
    assert frame.select("as_of_date", "kind", "id_a", "id_b").is_duplicated().sum() == 0


def test_a_name_that_mirrors_another_is_exactly_minus_one_at_most() -> None:
    bars = made_up_bars(DAYS)
    mirror = bars.filter(pl.col("symbol") == "AAA").with_columns(symbol=pl.lit("BBB"), adj_close=1.0 / pl.col("adj_close"))
    frame = correlations(pl.concat([bars.filter(pl.col("symbol") != "BBB"), mirror]))
    assert frame["correlation"].is_between(-1, 1).all()
    assert value(frame, 299, "AAA", "BBB") == pytest.approx(-1.0, abs=1e-12)
