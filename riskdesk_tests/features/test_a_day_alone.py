"""A session computed alone, in a range, or from less history has the same bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl
import pytest

from riskdesk_assets.common.feature_settings import FeatureSettings
from riskdesk_assets.features.correlations import CORRELATION_SESSIONS, return_correlations
from riskdesk_assets.features.instrument_state import instrument_state
from riskdesk_assets.features.market_regime import market_regime
from riskdesk_assets.features.pair_state import pair_state
from riskdesk_assets.features.panel import build_panel
from riskdesk_tests.features.market import (
    COSTS,
    DESK,
    PAIRS,
    SHORT,
    SYMBOLS,
    bits,
    made_up_bars,
    made_up_volatility,
    needs_real_bars,
    real_bars,
    universe,
    weekdays,
)

DAYS = weekdays(320)


def every_feature(
    bars: pl.DataFrame,
    volatility: pl.DataFrame,
    sessions: Sequence[date],
    first: date,
    last: date,
    settings: FeatureSettings = SHORT,
) -> Mapping[str, pl.DataFrame]:
    panel = build_panel(bars, sessions, SYMBOLS)
    regime = market_regime(panel, volatility, universe(), settings, first, last)
    pairs = pair_state(panel, PAIRS, settings, "v1", first, last)
    return {
        "market_regime": regime,
        "pair_state": pairs,
        "instrument_state": instrument_state(panel, universe(), settings, COSTS, regime, "v1", first, last),
        "return_correlations": return_correlations(panel, universe(), PAIRS, pairs, settings, first, last),
    }


@pytest.mark.parametrize("missing", [0.0, 0.03, 0.3])
def test_a_day_alone_on_just_its_lookback_equals_the_day_in_the_range(missing: float) -> None:
    bars, volatility = made_up_bars(DAYS, missing=missing), made_up_volatility(DAYS)
    whole = every_feature(bars, volatility, DAYS, DAYS[0], DAYS[-1])
    assert all(whole[name].height > 0 for name in whole if missing < 0.1)
    for row in (*range(255, 320, 13), 319):
        # return_correlations has a longer reach of its own than the shortened lookback.
        reach = max(SHORT.lookback_sessions, CORRELATION_SESSIONS + 1)
        sessions = DAYS[row - reach + 1 : row + 1]
        alone = every_feature(bars, volatility, sessions, DAYS[row], DAYS[row])
        short = DAYS[row - SHORT.lookback_sessions + 1 : row + 1]
        shortest = every_feature(bars, volatility, short, DAYS[row], DAYS[row])
        for name, frame in whole.items():
            in_range = frame.filter(pl.col("as_of_date") == DAYS[row])
            assert bits(alone[name]) == bits(in_range), (name, DAYS[row])
            if name != "return_correlations":
                assert bits(shortest[name]) == bits(in_range), (name, DAYS[row])


# Markets so full of holes that the windows hardly fit into the lookback: there a window that reads too far would show.
@pytest.mark.parametrize("missing", [0.42, 0.8])
def test_a_regime_alone_equals_the_one_in_the_range_in_a_market_full_of_holes(missing: float) -> None:
    bars, no_index = made_up_bars(DAYS, missing=missing), made_up_volatility(DAYS).head(0)
    whole = market_regime(build_panel(bars, DAYS, SYMBOLS), no_index, universe(), SHORT, DAYS[0], DAYS[-1])
    for row in range(119, 320, 3):
        alone = build_panel(bars, DAYS[row - SHORT.lookback_sessions + 1 : row + 1], SYMBOLS)
        got = market_regime(alone, no_index, universe(), SHORT, DAYS[row], DAYS[row])
        assert bits(got) == bits(whole.filter(pl.col("as_of_date") == DAYS[row])), DAYS[row]


@pytest.mark.parametrize("missing", [0.5, 0.6])
def test_a_pair_alone_equals_the_one_in_the_range_in_a_market_full_of_holes(missing: float) -> None:
    bars = made_up_bars(DAYS, missing=missing)
    whole = pair_state(build_panel(bars, DAYS, SYMBOLS), PAIRS, SHORT, "v1", DAYS[0], DAYS[-1])
    for row in range(119, 320, 5):
        alone = build_panel(bars, DAYS[row - SHORT.lookback_sessions + 1 : row + 1], SYMBOLS)
        got = pair_state(alone, PAIRS, SHORT, "v1", DAYS[row], DAYS[row])
        assert bits(got) == bits(whole.filter(pl.col("as_of_date") == DAYS[row])), DAYS[row]


def test_the_order_of_bars_and_of_symbols_changes_no_bit() -> None:
    bars, volatility = made_up_bars(DAYS, missing=0.03), made_up_volatility(DAYS)
    one = every_feature(bars, volatility, DAYS, DAYS[250], DAYS[-1])
    shuffled = bars.sample(fraction=1.0, shuffle=True, seed=3)
    other = every_feature(shuffled, volatility.reverse(), DAYS[::-1], DAYS[250], DAYS[-1])
    assert {name: bits(frame) for name, frame in one.items()} == {name: bits(frame) for name, frame in other.items()}


def test_no_table_ever_holds_a_nan_or_an_infinity() -> None:
    for missing in (0.0, 0.2):
        for name, frame in every_feature(
            made_up_bars(DAYS, missing=missing), made_up_volatility(DAYS), DAYS, DAYS[0], DAYS[-1]
        ).items():
            for column in frame.select(pl.selectors.float()).iter_columns():
                assert column.drop_nulls().is_finite().all(), (name, column.name)


@needs_real_bars
def test_the_desks_own_windows_on_real_bars_give_the_same_bits_alone_and_in_a_range() -> None:
    names = ("FITB", "HBAN", "JPM", "BAC", "GS")
    renamed = dict(zip(names, SYMBOLS, strict=True))
    bars = real_bars().filter(pl.col("symbol").is_in(names)).with_columns(pl.col("symbol").replace_strict(renamed))
    sessions = bars["as_of_date"].unique().sort().to_list()
    start, end = sessions.index(date(2022, 12, 1)), sessions.index(date(2023, 3, 31))
    volatility = made_up_volatility(sessions)
    whole = every_feature(bars, volatility, sessions, sessions[start], sessions[end], DESK.features)
    for row in (start, start + 17, start + 50, end):
        lookback = sessions[row - DESK.features.lookback_sessions + 1 : row + 1]
        alone = every_feature(bars, volatility, lookback, sessions[row], sessions[row], DESK.features)
        for name, frame in whole.items():
            assert bits(alone[name]) == bits(frame.filter(pl.col("as_of_date") == sessions[row])), name
        assert alone["pair_state"].null_count().select("beta_stability", "corr_60", "coint_pvalue").row(0) == (0, 0, 0)
        assert alone["instrument_state"].drop_nulls().height == 5
