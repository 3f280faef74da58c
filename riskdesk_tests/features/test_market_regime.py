"""The market regime at its boundaries, with and without a volatility index."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.features.market_regime import MEAN_VOLATILITY_SOURCE, classify_regime_values, market_regime
from riskdesk_assets.features.panel import build_panel
from riskdesk_assets.features.regime_known import unknown_regimes
from riskdesk_tests.features.market import DESK, SHORT, SYMBOLS, made_up_bars, made_up_volatility, universe, weekdays

DAYS = weekdays(140)
BARS = made_up_bars(DAYS)
VOLATILITY = made_up_volatility(DAYS)


def regimes(bars: pl.DataFrame = BARS, volatility: pl.DataFrame = VOLATILITY) -> pl.DataFrame:
    panel = build_panel(bars, DAYS, [*SYMBOLS, "KRE"])
    return market_regime(panel, volatility, universe(), SHORT, DAYS[0], DAYS[-1])


@pytest.mark.parametrize(
    ("v_z", "d_z", "regime"),
    [
        (-0.1, -0.1, "Calm"),
        (0.0, -0.1, "Normal"),
        (-0.1, 0.0, "Normal"),
        (0.0, 0.0, "Normal"),
        (1.0, -5.0, "Normal"),
        (-5.0, 1.0, "Normal"),
        (1.0, 1.0, "Normal"),
        (math.nextafter(1.0, 2.0), -5.0, "Event"),
        (-5.0, math.nextafter(1.0, 2.0), "Event"),
        (-5e-324, -5e-324, "Calm"),
    ],
)
def test_exactly_0_and_exactly_1_are_normal(v_z: float, d_z: float, regime: str) -> None:
    assert classify_regime_values(v_z, d_z, DESK.features) == regime


@pytest.mark.parametrize(("v_z", "d_z"), [(math.nan, 0.0), (0.0, math.nan), (math.nan, 9.0), (math.inf, 0.0)])
def test_a_nan_is_an_error_and_not_a_regime(v_z: float, d_z: float) -> None:
    with pytest.raises(InputError, match="allowed: a finite z-score"):
        classify_regime_values(v_z, d_z, DESK.features)


def test_both_z_scores_equal_the_plain_formula() -> None:
    got = regimes().tail(1).to_dicts()[0]
    index = VOLATILITY["close"].to_numpy()[-60:]
    assert got["volatility_source"] == "^VIX"
    assert got["volatility_z"] == pytest.approx((index[-1] - index.mean()) / index.std(ddof=1), rel=1e-10)
    returns = np.stack([np.diff(np.log(BARS.filter(pl.col("symbol") == s)["adj_close"].to_numpy())) for s in SYMBOLS])
    dispersion = returns.std(axis=0, ddof=1)
    smoothed = np.array([dispersion[e - 5 : e].mean() for e in range(len(dispersion) - 59, len(dispersion) + 1)])
    assert got["dispersion_z"] == pytest.approx((smoothed[-1] - smoothed.mean()) / smoothed.std(ddof=1), rel=1e-9)
    assert got["regime"] == classify_regime_values(got["volatility_z"], got["dispersion_z"], SHORT)


def test_without_a_volatility_index_the_mean_vol_20_takes_its_place_and_says_so() -> None:
    got = regimes(volatility=VOLATILITY.head(0)).tail(1).to_dicts()[0]
    assert got["volatility_source"] == MEAN_VOLATILITY_SOURCE
    returns = np.stack([np.diff(np.log(BARS.filter(pl.col("symbol") == s)["adj_close"].to_numpy())) for s in SYMBOLS])
    vols = [returns[:, e - 5 : e].std(axis=1, ddof=1).mean() for e in range(returns.shape[1] - 59, returns.shape[1] + 1)]
    assert got["volatility_z"] == pytest.approx((vols[-1] - np.mean(vols)) / np.std(vols, ddof=1), rel=1e-9)


def test_a_session_the_index_misses_falls_back_and_the_next_one_does_not() -> None:
    frame = regimes(volatility=VOLATILITY.filter(pl.col("as_of_date") != DAYS[120]))
    sources = dict(frame.select("as_of_date", "volatility_source").iter_rows())
    assert (sources[DAYS[119]], sources[DAYS[120]], sources[DAYS[121]]) == ("^VIX", MEAN_VOLATILITY_SOURCE, "^VIX")


def test_a_session_without_a_market_regime_is_told_with_its_name_and_why() -> None:
    days = [DAYS[0], DAYS[30], DAYS[-1]]
    frame = regimes().filter(pl.col("as_of_date").is_in(days[1:]))
    missing, short, known = unknown_regimes(frame, universe(), SHORT, days)
    assert (known.passed, known.message) == (True, "")
    for check in (missing, short):
        assert (check.check, check.passed, check.hard, check.told) == ("market_regime_known", False, False, True)
    assert missing.message == f"the market regime of {days[0]} is unknown: it was not computed"
    assert short.message == (
        f"the market regime of {days[1]} is unknown: no z-score over {SHORT.long_window} values of "
        "volatility (^VIX or universe mean vol_20) and of dispersion of the names' returns"
    )
    only = frame.with_columns(volatility_z=pl.lit(0.5))
    assert next(unknown_regimes(only, universe(), SHORT, days[1:])).message.endswith(
        "values of dispersion of the names' returns"
    )


def test_index_values_on_dates_that_are_no_session_change_nothing() -> None:
    saturday = VOLATILITY.head(1).with_columns(as_of_date=pl.lit(date(2021, 6, 5)), close=pl.lit(900.0))
    assert regimes(volatility=pl.concat([VOLATILITY, saturday])).equals(regimes())


def test_every_session_has_a_row_and_none_is_guessed_before_there_is_history() -> None:
    frame = regimes()
    assert frame["as_of_date"].to_list() == DAYS
    # 60 smoothed values need 64 dispersions, and the first session has none.
    assert frame.filter(pl.col("regime").is_not_null())["as_of_date"].min() == DAYS[64]
    early = frame.filter(pl.col("as_of_date") < DAYS[64])
    assert early["dispersion_z"].null_count() == early["regime"].null_count() == 64


def test_a_session_without_any_bar_has_no_regime_and_does_not_cost_the_next_ones_theirs() -> None:
    frame = regimes(bars=BARS.filter(pl.col("as_of_date") != DAYS[100]))
    known = dict(frame.select("as_of_date", "regime").iter_rows())
    assert known[DAYS[100]] is None
    assert known[DAYS[101]] is None  # its returns would span two sessions
    assert known[DAYS[102]] is not None


def test_context_symbols_take_no_part() -> None:
    kre = BARS.filter(pl.col("symbol") == "AAA").with_columns(symbol=pl.lit("KRE"), adj_close=pl.col("adj_close") ** 2)
    assert regimes(bars=pl.concat([BARS, kre])).equals(regimes())


def test_an_index_that_stands_still_has_no_z_score_so_the_names_own_volatility_speaks() -> None:
    frame = regimes(volatility=VOLATILITY.with_columns(close=pl.lit(17.3)))
    assert set(frame["volatility_source"]) == {MEAN_VOLATILITY_SOURCE}
