from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.features.panel import build_panel, nullable
from riskdesk_tests.features.market import bars_from_prices, made_up_bars, weekdays

DAYS = weekdays(3)


def test_a_bar_lands_on_its_session_and_symbol_and_a_missing_one_is_nan() -> None:
    bars = bars_from_prices(DAYS, {"AAA": [1, 2, 3], "BBB": [4, 5, 6]}).filter(
        ~((pl.col("symbol") == "BBB") & (pl.col("as_of_date") == DAYS[1]))
    )
    panel = build_panel(bars, DAYS, ["BBB", "AAA", "ZZZ"])
    assert panel.symbols == ("AAA", "BBB", "ZZZ")
    assert panel.close[:, panel.column("AAA")].tolist() == [1, 2, 3]
    assert np.isnan(panel.close[1, panel.column("BBB")])
    assert np.isnan(panel.volume[:, panel.column("ZZZ")]).all()


def test_the_order_of_rows_sessions_and_symbols_changes_nothing() -> None:
    days = weekdays(40)
    bars = made_up_bars(days, missing=0.1)
    panel = build_panel(bars, days, ["AAA", "CCC"])
    other = build_panel(bars.sample(fraction=1.0, shuffle=True, seed=1), days[::-1], ["CCC", "AAA"])
    assert (panel.sessions, panel.symbols) == (other.sessions, other.symbols)
    for name in ("open", "high", "low", "close", "adj_close", "volume"):
        assert getattr(panel, name).tobytes() == getattr(other, name).tobytes()


def test_bars_off_the_sessions_or_of_other_symbols_are_left_out() -> None:
    bars = bars_from_prices([*DAYS, date(2021, 1, 9)], {"AAA": [1, 2, 3, 9], "BBB": [1, 1, 1, 1]})
    panel = build_panel(bars, DAYS, ["AAA"])
    assert panel.close.tolist() == [[1], [2], [3]]


def test_two_bars_of_one_session_are_refused_by_name() -> None:
    bars = bars_from_prices(DAYS, {"AAA": [1, 2, 3]})
    with pytest.raises(InputError, match=rf"AAA: has two bars on {DAYS[0]}"):
        build_panel(pl.concat([bars, bars.head(1)]), DAYS, ["AAA"])


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf"), None])
def test_a_price_that_is_no_price_is_refused_by_name(price: float | None) -> None:
    bars = bars_from_prices(DAYS, {"AAA": [1, 2, 3]})
    second = pl.col("as_of_date") == DAYS[1]
    broken = bars.with_columns(adj_close=pl.when(second).then(pl.lit(price, pl.Float64)).otherwise(pl.col("adj_close")))
    with pytest.raises(InputError, match=rf"AAA: has a bar without a usable price on {DAYS[1]}"):
        build_panel(broken, DAYS, ["AAA"])


def test_between_keeps_the_lookback_that_ends_at_the_first_session() -> None:
    days = weekdays(30)
    panel = build_panel(made_up_bars(days), days, ["AAA"])
    assert panel.between(days[20], days[22], 5).sessions == tuple(days[16:23])
    assert panel.between(days[2], days[3], 5).sessions == tuple(days[:4])
    assert panel.between(date(2030, 1, 1), date(2030, 2, 1), 5).rows(date(2030, 1, 1), date(2030, 2, 1)) == range(4, 4)


def test_nothing_but_finite_numbers_leaves_as_a_number() -> None:
    assert nullable(np.array([1.0, np.nan, np.inf, -np.inf])).to_list() == [1.0, None, None, None]
