from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.controllers.policy_features import FEATURES, SCHEMA, policy_features, session_features
from riskdesk_assets.features.market_regime import market_regime
from riskdesk_assets.features.pair_state import pair_state
from riskdesk_assets.features.panel import Panel, build_panel
from riskdesk_tests.features.market import SHORT, SYMBOLS, bits, made_up_bars, made_up_volatility, universe, weekdays

DAYS = weekdays(290)
BARS = made_up_bars(DAYS, missing=0.01)
VOLATILITY = made_up_volatility(DAYS)
PAIRS = [(SYMBOLS[0], SYMBOLS[1]), (SYMBOLS[1], SYMBOLS[2])]
UNIVERSE = universe()
QUIET = SHORT.model_copy(update={"coint_refresh": "never"})


def read(bars: pl.DataFrame, volatility: pl.DataFrame, first: date, last: date) -> tuple[pl.DataFrame, pl.DataFrame, Panel]:
    panel = build_panel(bars, DAYS, SYMBOLS)
    states = pair_state(panel, PAIRS, QUIET, "v1", first, last)
    regimes = market_regime(panel, volatility, UNIVERSE, QUIET, first, last)
    return policy_features(states, regimes, panel, QUIET.lookback_sessions), states, panel


def corrupted(bars: pl.DataFrame, after: int, seed: int) -> pl.DataFrame:
    """Every price after a session changed beyond recognition."""
    rng = np.random.default_rng(seed)
    later = bars["as_of_date"].to_numpy() > np.datetime64(DAYS[after])
    factor = pl.Series(np.where(later, rng.uniform(0.2, 5.0, bars.height), 1.0))
    return bars.with_columns((pl.col(name) * factor).alias(name) for name in ("open", "high", "low", "close", "adj_close"))


TRUTH, STATES, PANEL = read(BARS, VOLATILITY, DAYS[200], DAYS[-1])


def test_every_feature_is_what_its_words_say_by_hand() -> None:
    state = STATES.row(-1, named=True)
    found = TRUTH.filter((pl.col("as_of_date") == state["as_of_date"]) & (pl.col("pair_id") == state["pair_id"])).row(
        0, named=True
    )
    common = (
        BARS.filter(pl.col("symbol") == state["leg_a"])
        .join(BARS.filter(pl.col("symbol") == state["leg_b"]), on="as_of_date")
        .filter(pl.col("as_of_date") <= state["as_of_date"])
        .sort("as_of_date")
    )
    log_a, log_b = (np.log(common[name].to_numpy()) for name in ("adj_close", "adj_close_right"))
    z, sd, beta, half_life = (state[name] for name in ("zscore", "spread_sd", "beta", "half_life_days"))
    moved = (log_a[-1] - log_a[-6]) - beta * (log_b[-1] - log_b[-6])
    regime = market_regime(PANEL, VOLATILITY, UNIVERSE, QUIET, state["as_of_date"], state["as_of_date"]).row(0, named=True)
    life = 252.0 if half_life is None else half_life
    assert found["side"] == -np.sign(z)
    assert found["abs_zscore"] == abs(z)
    assert found["stretch_change_5"] == pytest.approx(np.sign(z) * moved / sd, rel=1e-9)
    assert found["expected_reversion_5"] == pytest.approx(abs(z) * sd * (1 - 2 ** (-5 / life)) / (1 + abs(beta)), rel=1e-12)
    assert found["log_half_life"] == pytest.approx(math.log(life))
    assert found["log_no_cross_days"] == pytest.approx(math.log1p(state["no_mean_cross_days"]))
    for name in ("beta_stability", "corr_60", "spread_sd"):
        assert found[name] == state[name]
    for name in ("volatility_z", "dispersion_z"):
        assert found[name] == regime[name]


def test_the_order_of_the_features_is_frozen() -> None:
    """A stored model names this order; changing it here makes every stored model unusable, on purpose."""
    assert FEATURES == (
        "abs_zscore",
        "stretch_change_5",
        "expected_reversion_5",
        "beta_stability",
        "log_half_life",
        "corr_60",
        "log_no_cross_days",
        "spread_sd",
        "volatility_z",
        "dispersion_z",
    )
    assert tuple(SCHEMA)[-len(FEATURES) :] == FEATURES


def test_a_day_alone_reads_the_same_bits_as_in_a_range() -> None:
    for place in (200, 231, 289):
        alone, _, _ = read(BARS, VOLATILITY, DAYS[place], DAYS[place])
        assert bits(alone) == bits(TRUTH.filter(pl.col("as_of_date") == DAYS[place]))


@settings(max_examples=10)
@given(after=st.integers(205, 288), seed=st.integers(0, 2**32 - 1))
def test_corrupting_every_later_bar_changes_no_bit_up_to_the_session(after: int, seed: int) -> None:
    changed, _, _ = read(corrupted(BARS, after, seed), VOLATILITY, DAYS[200], DAYS[-1])
    known = pl.col("as_of_date") <= DAYS[after]
    assert bits(changed.filter(known)) == bits(TRUTH.filter(known))
    later = pl.col("as_of_date") == DAYS[after + 1]
    assert bits(changed.filter(later)) != bits(TRUTH.filter(later))


def test_the_order_of_the_rows_changes_nothing() -> None:
    regimes = market_regime(PANEL, VOLATILITY, UNIVERSE, QUIET, DAYS[200], DAYS[-1])
    mixed = policy_features(STATES.reverse(), regimes.reverse(), PANEL, QUIET.lookback_sessions)
    assert bits(mixed) == bits(TRUTH)


def test_a_feature_that_does_not_exist_is_null_and_its_pair_has_no_vector() -> None:
    regimes = TABLES["market_regime"].frame([])
    found = policy_features(STATES, regimes, PANEL, QUIET.lookback_sessions)
    assert found["volatility_z"].is_null().all()
    assert set(session_features(found)[DAYS[-1]].values()) == {None}
    vectors = session_features(TRUTH)[STATES["as_of_date"][-1]]
    assert all(vector is None or len(vector) == len(FEATURES) for vector in vectors.values())
    assert any(vectors.values())
