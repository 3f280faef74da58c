"""Whatever happens after a session's close changes nothing of what the desk knew at it."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.settings import OptimizerSettings
from riskdesk_assets.features.panel import build_panel
from riskdesk_assets.risk_model.covariance import covariances
from riskdesk_tests.features.market import DESK, SYMBOLS, bits, made_up_bars, made_up_volatility, weekdays
from riskdesk_tests.features.test_a_day_alone import every_feature

DAYS = weekdays(290)
BARS = made_up_bars(DAYS, missing=0.01)
VOLATILITY = made_up_volatility(DAYS)
TRUTH = every_feature(BARS, VOLATILITY, DAYS, DAYS[200], DAYS[-1])


def corrupted(bars: pl.DataFrame, after: int, seed: int, drop: float) -> pl.DataFrame:
    """Every price and volume after a session changed beyond recognition, some bars gone."""
    rng = np.random.default_rng(seed)
    later = bars["as_of_date"].to_numpy() > np.datetime64(DAYS[after])
    factor = np.where(later, rng.uniform(0.2, 5.0, bars.height), 1.0)
    prices = [(pl.col(name) * pl.Series(factor)).alias(name) for name in ("open", "high", "low", "close", "adj_close")]
    volume = (pl.col("volume") * pl.Series(np.where(later, rng.integers(0, 9, bars.height), 1))).alias("volume")
    return bars.with_columns(*prices, volume).filter(pl.Series(~later | (rng.random(bars.height) >= drop)))


@settings(derandomize=True, deadline=None, max_examples=25)
@given(after=st.integers(205, 288), seed=st.integers(0, 2**32 - 1), drop=st.sampled_from([0.0, 0.3, 1.0]))
def test_corrupting_every_later_bar_changes_no_bit_of_any_feature_up_to_the_session(after: int, seed: int, drop: float) -> None:
    noise = pl.Series(np.random.default_rng(seed).uniform(1, 90, VOLATILITY.height))
    volatility = VOLATILITY.with_columns(
        close=pl.when(pl.col("as_of_date") > DAYS[after]).then(noise).otherwise(pl.col("close"))
    )
    changed = every_feature(corrupted(BARS, after, seed, drop), volatility, DAYS, DAYS[200], DAYS[-1])
    known = pl.col("as_of_date") <= DAYS[after]
    for name, frame in TRUTH.items():
        assert bits(changed[name].filter(known)) == bits(frame.filter(known)), name


def test_the_corruption_would_be_seen_if_anything_looked_one_session_ahead() -> None:
    changed = every_feature(corrupted(BARS, 260, 1, 0.0), VOLATILITY, DAYS, DAYS[200], DAYS[-1])
    tomorrow = pl.col("as_of_date") == DAYS[261]
    for name, frame in TRUTH.items():
        assert bits(changed[name].filter(tomorrow)) != bits(frame.filter(tomorrow)), name


@settings(derandomize=True, deadline=None, max_examples=10)
@given(after=st.integers(255, 288), seed=st.integers(0, 2**32 - 1))
def test_corrupting_every_later_bar_changes_no_bit_of_the_covariance(after: int, seed: int) -> None:
    optimizer: OptimizerSettings = DESK.optimizer
    sessions = DAYS[after - 2 : after + 1]
    honest = covariances(build_panel(BARS, DAYS, SYMBOLS), optimizer, sessions)
    changed = covariances(build_panel(corrupted(BARS, after, seed, 0.3), DAYS, SYMBOLS), optimizer, sessions)
    for (_, one), (_, other) in zip(honest, changed, strict=True):
        assert (one.symbols, one.shrinkage, one.observations) == (other.symbols, other.shrinkage, other.observations)
        assert one.matrix.tobytes() == other.matrix.tobytes()
