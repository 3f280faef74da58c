from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.market.corporate_actions import restatement_ratio, splits
from riskdesk_assets.market.files import FilesVendor
from riskdesk_assets.market.sample import SampleMarket
from riskdesk_assets.market.simple_ratio import SIMPLE_RATIOS
from riskdesk_tests.market.bar_rows import frame, plain_rows

FIRST, LAST, DAY = date(2024, 3, 4), date(2024, 3, 28), date(2024, 3, 20)


@pytest.mark.parametrize("ratio", [2.0, 1.5, 3.0, 20.0, 0.1, 0.5, 1.25])
def test_a_raw_close_that_moves_by_a_simple_ratio_is_a_split(calendar: SessionCalendar, ratio: float) -> None:
    rows = plain_rows(calendar, "JPM", FIRST, LAST)
    for row in rows:
        if row["as_of_date"] < DAY:  # type: ignore[operator]
            row["close"] = round(float(str(row["close"])) * ratio, 2)
    assert splits(frame(rows)).rows() == [("JPM", DAY, ratio)]


def test_a_dividend_a_crash_and_a_spin_off_are_no_split(calendar: SessionCalendar) -> None:
    for paid, fallen in ((0.01, 1.0), (0.0, 0.5), (0.1877, 1.0)):  # 0.1877: XLF, 2016-09-19
        rows = plain_rows(calendar, "JPM", FIRST, LAST)
        for row in rows:
            if row["as_of_date"] < DAY:  # type: ignore[operator]
                row["adj_close"] = float(str(row["close"])) * (1 - paid)
            else:
                row.update({field: float(str(row[field])) * fallen for field in ("close", "adj_close")})
        assert splits(frame(rows)).is_empty()


def test_bars_that_are_split_adjusted_already_show_no_split(
    calendar: SessionCalendar, universe: Universe, real_bars: Path
) -> None:
    assert splits(FilesVendor(real_bars, calendar).bars(universe.watched, date(2015, 1, 2), date(2025, 12, 31))).is_empty()


def test_the_sample_market_has_dividends_and_no_split(calendar: SessionCalendar, universe: Universe) -> None:
    assert splits(SampleMarket(universe, calendar).bars(universe.watched, date(2016, 1, 4), date(2025, 12, 31))).is_empty()


@pytest.mark.parametrize(
    ("old", "new", "ratio"),
    [
        (100.0, 50.0, Fraction(2)),
        (4.52, 45.20, Fraction(1, 10)),  # Citigroup, 2011-05-09
        (4.52, 0.45, Fraction(10)),
        (31.17, 20.78, Fraction(3, 2)),
        (44.0, 40.0, Fraction(11, 10)),  # a stock dividend of 10%
        (21.0, 20.0, Fraction(21, 20)),
        (100.0, 100.0, None),
        (100.0, 99.2, None),
        (100.0, 61.3, None),
    ],
)
def test_a_restated_close_names_its_split(old: float, new: float, ratio: Fraction | None) -> None:
    assert restatement_ratio(old, new) == ratio


@settings(derandomize=True, deadline=None, max_examples=200)
@given(cents=st.integers(500, 90_000), ratio=st.sampled_from(SIMPLE_RATIOS))
def test_every_simple_ratio_survives_rounding_to_the_cent(cents: int, ratio: Fraction) -> None:
    old = cents / 100
    new = round(old / float(ratio), 2)
    if new >= 1.0:
        assert restatement_ratio(old, new) == ratio


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_a_restatement_of_no_price_is_refused(price: float) -> None:
    with pytest.raises(ValueError, match="is not a price"):
        restatement_ratio(price, 10.0)
