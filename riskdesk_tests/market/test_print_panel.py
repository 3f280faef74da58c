"""Prints as matrices: ticks, places and the wait for a common session, against their plain definitions."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.common.money import price_ticks
from riskdesk_assets.market.print_panel import NO_COMMON_SESSION, NOT_PRICED, PrintPanel
from riskdesk_tests.desk_builder import marks, print_panel, sessions_from

DAYS = sessions_from(date(2026, 3, 2), 9)
NAMES = ("BAC", "C", "JPM")
PATIENCE = 4


def panel_of_closes(closes: list[float]) -> PrintPanel:
    """One name, a close per session."""
    days = sessions_from(date(2026, 3, 2), len(closes))
    return PrintPanel.of(pl.DataFrame({"as_of_date": days, "symbol": "JPM", "close": closes, "adj_close": closes}), days)


@given(
    st.lists(st.floats(1e-4, 1e7) | st.integers(10, 10**9).map(lambda half_ticks: half_ticks / 20_000), min_size=1, max_size=40)
)
def test_ticks_are_those_of_every_price_alone(closes: list[float]) -> None:
    assert panel_of_closes(closes).ticks[:-1, 0].tolist() == [price_ticks(close) for close in closes]


@pytest.mark.parametrize("close", [0.0, -1.0, 0.00001, float("inf")])
def test_what_is_no_price_has_no_ticks(close: float) -> None:
    with pytest.raises(ValueError, match=r"is not a price|smallest price"):
        panel_of_closes([10.0, close]).ticks  # noqa: B018


def test_a_session_or_a_name_without_bars_has_no_print() -> None:
    panel = print_panel({DAYS[2]: marks(JPM=100.0), DAYS[4]: marks(JPM=110.0)})
    rows = panel.rows(panel.places(pl.Series(DAYS)))
    assert np.array_equal(
        panel.adj_close[rows, panel.column("JPM")], [np.nan] * 2 + [100.0, np.nan, 110.0] + [np.nan] * 4, equal_nan=True
    )
    assert np.isnan(panel.adj_close[rows, panel.column("WFC")]).all()
    assert panel.columns(pl.Series(["JPM", "WFC"])).tolist() == [panel.column("JPM"), panel.column("WFC")]


def test_a_day_that_is_no_session_has_no_place() -> None:
    with pytest.raises(KeyError, match="session of the exchange"):
        print_panel({}).places(pl.Series([date(2026, 3, 7)]))


@given(
    st.lists(st.sets(st.sampled_from(NAMES)), min_size=len(DAYS), max_size=len(DAYS)),
    st.lists(st.sets(st.sampled_from((*NAMES, "WFC"))), min_size=len(DAYS), max_size=len(DAYS)),
)
def test_a_book_waits_for_the_first_session_on_which_every_name_of_it_prints(
    printed: list[set[str]], books: list[set[str]]
) -> None:
    panel = print_panel({day: marks(**dict.fromkeys(sorted(names), 10.0)) for day, names in zip(DAYS, printed, strict=True)})
    places = panel.places(pl.Series(DAYS))
    lines = [(place, panel.column(name)) for place, book in zip(places, books, strict=True) for name in sorted(book)]
    at, columns = np.array(lines, dtype=np.intp).reshape(-1, 2).T
    found = panel.waits(places, at, columns, PATIENCE).tolist()
    after = [*printed, *[set[str]()] * PATIENCE]
    for number, book in enumerate(books):
        later = [wait for wait in range(1, PATIENCE + 1) if book <= after[number + wait]]
        expected = later[0] if later else NO_COMMON_SESSION
        assert found[number] == (expected if book <= printed[number] else NOT_PRICED)
