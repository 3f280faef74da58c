from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.controllers.policy_features import FEATURES, policy_features
from riskdesk_assets.features.market_regime import market_regime
from riskdesk_assets.features.pair_state import pair_state
from riskdesk_assets.features.panel import build_panel
from riskdesk_assets.research.policy.training_set import OUTCOMES, learnable, rows_hash, training_set
from riskdesk_tests.features.market import SHORT, SYMBOLS, bits, made_up_bars, made_up_volatility, universe, weekdays

DAYS = weekdays(290)
BARS = made_up_bars(DAYS, missing=0.01)
VOLATILITY = made_up_volatility(DAYS)
PAIRS = [(SYMBOLS[0], SYMBOLS[1]), (SYMBOLS[2], SYMBOLS[3])]
QUIET = SHORT.model_copy(update={"coint_refresh": "never"})
HORIZON = 5
COSTS = {symbol: 1e-4 * (place + 1) for place, symbol in enumerate(SYMBOLS)}
BORROW = {symbol: 1e-5 * (place + 1) for place, symbol in enumerate(SYMBOLS)}


def rows_of(bars: pl.DataFrame, last: date = DAYS[-1], pairs: list[tuple[str, str]] | None = None) -> pl.DataFrame:
    known = [day for day in DAYS if day <= last]
    panel = build_panel(bars.filter(pl.col("as_of_date") <= last), known, SYMBOLS)
    states = pair_state(panel, PAIRS if pairs is None else pairs, QUIET, "v1", DAYS[200], last)
    regimes = market_regime(panel, VOLATILITY, universe(), QUIET, DAYS[200], last)
    features = policy_features(states, regimes, panel, QUIET.lookback_sessions)
    return training_set(features, states, panel, HORIZON, COSTS, BORROW)


ROWS = rows_of(BARS)


def test_an_outcome_by_hand() -> None:
    """Long 1 / (1 + beta) of A against beta / (1 + beta) of B when the spread is below its mean, and the other way round."""
    prices = {(symbol, day): price for symbol, day, price in BARS.select("symbol", "as_of_date", "adj_close").iter_rows()}
    checked = 0
    for row in ROWS.filter(pl.col("net_return").is_not_null()).iter_rows(named=True):
        later = DAYS[DAYS.index(row["as_of_date"]) + HORIZON]
        unit = 1 / (1 + abs(row["beta"]))
        legs = [(row["leg_a"], row["side"] * unit), (row["leg_b"], -row["side"] * row["beta"] * unit)]
        gross = cost = 0.0
        for symbol, weight in legs:
            growth = prices[symbol, later] / prices[symbol, row["as_of_date"]]
            gross += weight * (growth - 1)
            cost += COSTS[symbol] * abs(weight) + COSTS[symbol] * abs(weight) * growth
            cost += HORIZON * BORROW[symbol] * abs(weight) if weight < 0 else 0.0
        assert sum(abs(weight) for _, weight in legs) == pytest.approx(1.0)
        assert (row["gross_return"], row["cost"]) == pytest.approx((gross, cost), rel=1e-12, abs=1e-15)
        assert row["net_return"] == row["gross_return"] - row["cost"]
        checked += 1
    assert checked > 120


def test_the_last_sessions_have_features_and_no_outcome_yet() -> None:
    late = ROWS.filter(pl.col("as_of_date") > DAYS[-1 - HORIZON])
    assert late.height > 4
    assert all(late[name].is_null().all() for name in OUTCOMES)
    assert late["abs_zscore"].is_not_null().all()
    assert learnable(ROWS)["as_of_date"].max() == DAYS[-1 - HORIZON]


def test_a_leg_without_a_bar_at_the_end_of_the_horizon_leaves_no_outcome() -> None:
    day, later = DAYS[240], DAYS[240 + HORIZON]
    gone = rows_of(BARS.filter((pl.col("as_of_date") != later) | (pl.col("symbol") != SYMBOLS[0])))
    own = gone.filter((pl.col("as_of_date") == day) & (pl.col("leg_a") == SYMBOLS[0]))
    assert own.height == 1
    assert own["net_return"].is_null().all()


@settings(max_examples=10)
@given(after=st.integers(206, 283), seed=st.integers(0, 2**32 - 1))
def test_corrupting_the_future_changes_no_feature_at_a_session_and_no_outcome_that_was_known(after: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    later = BARS["as_of_date"].to_numpy() > np.datetime64(DAYS[after])
    factor = pl.Series(np.where(later, rng.uniform(0.2, 5.0, BARS.height), 1.0))
    changed = rows_of(
        BARS.with_columns((pl.col(name) * factor).alias(name) for name in ("open", "high", "low", "close", "adj_close"))
    )
    seen = pl.col("as_of_date") <= DAYS[after]
    assert bits(changed.filter(seen).drop(OUTCOMES)) == bits(ROWS.filter(seen).drop(OUTCOMES))
    known = pl.col("as_of_date") <= DAYS[after - HORIZON]
    assert bits(changed.filter(known)) == bits(ROWS.filter(known))
    touched = pl.col("as_of_date") == DAYS[after - HORIZON + 1]
    assert bits(changed.filter(touched)) != bits(ROWS.filter(touched)) or not ROWS.filter(touched).height


def test_a_set_that_ends_earlier_is_the_same_up_to_there() -> None:
    earlier = rows_of(BARS, DAYS[260])
    known = pl.col("as_of_date") <= DAYS[260 - HORIZON]
    assert bits(earlier.filter(known)) == bits(ROWS.filter(known))


def test_the_order_of_pairs_and_rows_changes_no_byte() -> None:
    assert rows_hash(rows_of(BARS.reverse(), pairs=PAIRS[::-1])) == rows_hash(ROWS)
    assert rows_hash(ROWS.reverse()) == rows_hash(ROWS)


def test_only_whole_rows_with_a_side_to_take_are_learned_from() -> None:
    holed = ROWS.with_columns(
        corr_60=pl.when(pl.col("as_of_date") == DAYS[250]).then(None).otherwise(pl.col("corr_60")),
        side=pl.when(pl.col("as_of_date") == DAYS[251]).then(0).otherwise(pl.col("side")),
    )
    left = learnable(holed, DAYS[255])
    assert not {DAYS[250], DAYS[251]} & set(left["as_of_date"])
    assert left["as_of_date"].max() == DAYS[255]
    assert left.select(*FEATURES, "net_return").null_count().sum_horizontal()[0] == 0
