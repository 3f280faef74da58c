from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.feature_settings import QualitySettings
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.universe import Instrument, Universe
from riskdesk_assets.market.quality import check_bars
from riskdesk_assets.market.sample import CRISIS_FIRST, CRISIS_LAST, FIRST_SESSION, SampleMarket

LAST = date(2026, 11, 19)


@pytest.fixture(scope="module")
def market(universe: Universe, calendar: SessionCalendar) -> SampleMarket:
    return SampleMarket(universe, calendar)


@pytest.fixture(scope="module")
def bars(market: SampleMarket, universe: Universe) -> pl.DataFrame:
    return market.bars(universe.watched, FIRST_SESSION, LAST)


@pytest.fixture(scope="module")
def levels(bars: pl.DataFrame) -> pl.DataFrame:
    """Log adj_close, a column per symbol."""
    return (
        bars.pivot(on="symbol", index="as_of_date", values="adj_close")
        .sort("as_of_date")
        .with_columns(pl.exclude("as_of_date").log())
    )


def ending(calendar: SessionCalendar, count: int) -> SessionCalendar:
    sessions, closes = calendar.sessions[:count], calendar.closes[:count]
    return SessionCalendar(calendar.first_day, sessions[-1], sessions, closes)


def test_every_session_has_every_name_and_says_simulated(
    bars: pl.DataFrame, universe: Universe, calendar: SessionCalendar
) -> None:
    sessions = calendar.between(FIRST_SESSION, LAST)
    assert bars.height == len(sessions) * len(universe.watched)
    assert bars["source"].unique().to_list() == ["SIMULATED"]


@pytest.mark.parametrize("cut", [1, 2, 7, 130, 1000, 1001])
def test_the_path_does_not_depend_on_where_the_calendar_ends(
    bars: pl.DataFrame, universe: Universe, calendar: SessionCalendar, cut: int
) -> None:
    shorter = ending(calendar, calendar.position(FIRST_SESSION) + cut)
    early = SampleMarket(universe, shorter).bars(universe.watched, FIRST_SESSION, LAST)
    assert early.equals(bars.filter(pl.col("as_of_date") <= shorter.last_day))
    index = SampleMarket(universe, shorter).volatility_index("^VIX", FIRST_SESSION, LAST)
    whole = SampleMarket(universe, calendar).volatility_index("^VIX", FIRST_SESSION, LAST)
    assert index.equals(whole.head(cut))


def test_the_path_does_not_depend_on_the_symbols_the_range_or_the_order_of_the_universe(
    bars: pl.DataFrame, universe: Universe, calendar: SessionCalendar
) -> None:
    turned = universe.model_copy(update={"symbols": dict(reversed(universe.symbols.items())), "context": []})
    some = SampleMarket(turned, calendar).bars(["WFC", "AXP", "KRE"], date(2020, 3, 2), date(2020, 3, 31))
    wanted = bars.filter(
        pl.col("symbol").is_in(["WFC", "AXP", "KRE"]) & pl.col("as_of_date").is_between(date(2020, 3, 2), date(2020, 3, 31))
    )
    assert some.equals(wanted)


def test_the_first_prices_are_these(bars: pl.DataFrame) -> None:
    # Recorded from this seed when it was chosen: whoever changes a number here changes every SIMULATED book.
    row = bars.filter((pl.col("symbol") == "JPM") & (pl.col("as_of_date") == date(2016, 1, 5))).row(0, named=True)
    assert (row["open"], row["close"], row["adj_close"], row["volume"]) == (40.51, 40.78, 40.7757, 5498976)


def test_there_is_no_finding_in_it(
    bars: pl.DataFrame, universe: Universe, calendar: SessionCalendar, settings: QualitySettings
) -> None:
    assert check_bars(bars, calendar, universe.watched, FIRST_SESSION, LAST, set(universe.watched), settings).is_empty()


def test_prices_are_whole_ticks_closes_whole_cents(bars: pl.DataFrame) -> None:
    for column, unit in (("open", 100), ("high", 100), ("low", 100), ("close", 100), ("adj_close", 10_000)):
        units = bars[column].to_numpy() * unit
        assert np.abs(units - np.round(units)).max() < 1e-4, column
    assert bars["close"].min() >= 5.0  # type: ignore[operator]
    assert bars["close"].max() <= 2000.0  # type: ignore[operator]
    assert bars["volume"].min() >= 10_000  # type: ignore[operator]


def test_the_spreads_of_one_group_revert_with_half_lives_of_8_to_40_sessions(levels: pl.DataFrame, universe: Universe) -> None:
    names = universe.tradable
    same = [
        (a, b)
        for n, a in enumerate(names)
        for b in names[n + 1 :]
        if universe.symbols[a].industry_group == universe.symbols[b].industry_group
    ]
    assert len(same) > 25
    for a, b in same:
        spread = levels[a].to_numpy() - np.polyfit(levels[b], levels[a], 1)[0] * levels[b].to_numpy()
        phi = np.polyfit(spread[:-1], np.diff(spread), 1)[0]  # methods.md section 2: half-life -ln 2 / ln(1 + phi)
        assert 8 <= -math.log(2) / math.log1p(phi) <= 40, (a, b)


def test_spreads_of_one_group_are_cointegrated_by_a_second_library_and_names_of_two_groups_mostly_not(
    levels: pl.DataFrame,
) -> None:
    from statsmodels.tsa.stattools import coint

    for a, b in (("JPM", "BAC"), ("GS", "MS"), ("FITB", "HBAN")):
        assert coint(levels[a].to_numpy(), levels[b].to_numpy(), maxlag=1, autolag=None)[1] < 0.01
    others = [("JPM", "BLK"), ("GS", "KEY"), ("SCHW", "AXP")]
    assert max(coint(levels[a].to_numpy(), levels[b].to_numpy(), maxlag=1, autolag=None)[1] for a, b in others) > 0.05


def test_there_is_one_crisis_of_a_third_with_three_times_the_volatility(levels: pl.DataFrame, universe: Universe) -> None:
    days = levels["as_of_date"].to_list()
    moves = np.diff(levels.select(universe.tradable).to_numpy(), axis=0).mean(axis=1)
    market = np.concatenate([[1.0], np.exp(np.cumsum(moves))])
    fallen = market / np.maximum.accumulate(market) - 1
    worst = days[int(fallen.argmin())]
    assert CRISIS_FIRST <= worst <= CRISIS_LAST
    assert -0.45 < fallen.min() < -0.28
    within = np.array([CRISIS_FIRST <= day <= CRISIS_LAST for day in days[1:]])
    before = np.array([date(2019, 8, 1) <= day < CRISIS_FIRST for day in days[1:]])
    assert within.sum() == 40
    assert 2.2 < moves[within].std() / moves[before].std() < 6
    rest = np.array([day < CRISIS_FIRST for day in days])
    assert fallen[rest].min() > -0.2


def test_volatility_clusters(levels: pl.DataFrame, universe: Universe) -> None:
    moves = np.diff(levels.select(universe.tradable).to_numpy(), axis=0).mean(axis=1)
    calm = np.abs(moves[:1000])  # before the crisis, which alone would do it
    assert np.corrcoef(calm[:-1], calm[1:])[0, 1] > 0.05
    assert np.corrcoef(calm[:-5], calm[5:])[0, 1] > 0.03


def test_the_volatility_index_follows_the_market(market: SampleMarket, levels: pl.DataFrame, universe: Universe) -> None:
    index = market.volatility_index("^VIX", FIRST_SESSION, LAST)
    assert index["as_of_date"].to_list() == levels["as_of_date"].to_list()
    moves = levels.select(universe.tradable).to_numpy()
    realized = pl.Series(np.diff(moves, axis=0).mean(axis=1)).rolling_std(20).to_numpy()[40:]
    assert np.corrcoef(realized, index["close"].to_numpy()[41:])[0, 1] > 0.7
    assert 10 < float(index["close"].median()) < 22  # type: ignore[arg-type]
    crisis = index.filter(pl.col("as_of_date").is_between(CRISIS_FIRST, CRISIS_LAST))
    assert crisis["close"].max() > 40  # type: ignore[operator]


def test_dividends_are_paid_four_times_a_year(bars: pl.DataFrame) -> None:
    jpm = bars.filter((pl.col("symbol") == "JPM") & (pl.col("as_of_date").dt.year() == 2018)).sort("as_of_date")
    paid = 1 - 1 / ((jpm["adj_close"] / jpm["close"]).to_numpy()[1:] / (jpm["adj_close"] / jpm["close"]).to_numpy()[:-1])
    days = [day for day, part in zip(jpm["as_of_date"].to_list()[1:], paid, strict=True) if part > 0.002]
    assert [day.month for day in days] == [2, 5, 8, 11]


def test_any_universe_can_be_simulated(calendar: SessionCalendar, settings: QualitySettings) -> None:
    strange = {
        symbol: Instrument(name=symbol, sector="X", industry_group=group, country="US", currency="USD")
        for symbol, group in (("A", "none at all"), ("ZZ.Z", "none at all"), ("Q-1", "alone"))
    }
    universe = Universe(symbols=strange, context=["^GSPC"], pairs=[], volatility_index=None)
    bars = SampleMarket(universe, calendar).bars(universe.watched, FIRST_SESSION, LAST)
    assert check_bars(bars, calendar, universe.watched, FIRST_SESSION, LAST, set(universe.watched), settings).is_empty()


def test_before_the_first_session_there_is_nothing(market: SampleMarket) -> None:
    assert market.bars(["JPM"], date(2015, 1, 1), date(2016, 1, 3)).is_empty()
    assert market.bars([], FIRST_SESSION, LAST).is_empty()
