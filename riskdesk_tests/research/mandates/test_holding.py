"""A book of weights by hand: drift, trades, both kinds of cost, borrow, a silent name, and one that never prints again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.common.settings import FrozenSettings
from riskdesk_assets.construction.carry import Mark
from riskdesk_assets.features.windows import Array
from riskdesk_assets.research.mandates.holding import BookDay, Target, held_books
from riskdesk_assets.research.mandates.realized import RealizedDay, realized_days
from riskdesk_tests.desk_builder import calendar, sessions_from

DAYS = sessions_from(date(2024, 9, 3), 9)
FROZEN = FrozenSettings(close_after_sessions=2, delisting_return=-1.0)
NAV = 1_000_000.0
Prices = Mapping[str, Sequence[float | None]]


def prints(prices: Prices) -> dict[date, dict[str, Mark]]:
    """Prices by name, one per session of DAYS; None: no print."""
    days: dict[date, dict[str, Mark]] = {day: {} for day in DAYS}
    for symbol, values in prices.items():
        for day, value in zip(DAYS, values, strict=False):
            if value is not None:
                days[day][symbol] = Mark(round(value * 10_000), value)
    return days


def costs_of(session: date, symbols: Sequence[str]) -> tuple[Array, Array]:
    """10 bp and, of the name A, 0.02 x |z|^1.5."""
    return np.full(len(symbols), 0.001), np.array([0.02 if symbol == "A" else 0.0 for symbol in symbols])


def walked(targets: Sequence[Mapping[str, float] | None], prices: Prices, borrow: float = 0.0) -> list[BookDay]:
    wanted: list[Target] = list(zip(DAYS, targets, strict=False))
    return held_books(wanted, prints(prices), costs_of, dict.fromkeys(prices, borrow), FROZEN)


def earned(books: Sequence[BookDay], prices: Prices, patience: int = 4) -> list[RealizedDay]:
    return realized_days(books, calendar().sessions, prints(prices), NAV, patience)


def test_weights_drift_with_the_returns_and_what_is_traded_is_the_difference() -> None:
    prices = {"A": (100.0, 110.0, 110.0), "B": (50.0, 45.0, 45.0)}
    first, second, third = walked([{"A": 0.6, "B": 0.4}, {"A": 0.5, "B": 0.5}, None], prices)
    assert first.traded == {"A": 0.6, "B": 0.4}
    # 0.6 x 10% - 0.4 x 10% = 2%; A is 0.66 / 1.02 and B 0.36 / 1.02 of what there is then
    assert second.marked == pytest.approx(0.02, abs=1e-15)
    assert second.traded == pytest.approx({"A": 0.66 / 1.02 - 0.5, "B": 0.5 - 0.36 / 1.02}, abs=1e-15)
    assert third.held == {"A": 0.5, "B": 0.5}
    assert third.traded == {}


def test_trading_costs_a_rate_and_an_impact_and_a_short_pays_for_the_night() -> None:
    prices = {"A": (100.0, 100.0), "B": (50.0, 50.0)}
    first, second = walked([{"A": 0.36, "B": -0.36}, None], prices, borrow=0.0001)
    assert first.costs == pytest.approx({"A": 0.00036 + 0.02 * 0.216, "B": 0.00036}, abs=1e-15)
    assert first.borrow == {}
    assert second.costs == {"B": pytest.approx(0.36 * 0.0001, abs=1e-18)}


def test_a_book_earns_weight_times_return_to_the_next_session_and_the_last_one_is_pending() -> None:
    prices = {"A": (100.0, 110.0, 99.0), "B": (50.0, 50.0, 51.0)}
    days = earned(walked([{"A": 0.5, "B": 0.5}, {"A": 0.2}, {"A": 0.2}], prices), prices)
    assert [day.status for day in days] == ["OK", "OK", "PENDING"]
    assert days[0].pnl_gross == pytest.approx(0.5 * 0.10 * NAV)
    assert days[1].pnl_gross == pytest.approx(0.2 * -0.10 * NAV)
    assert days[1].next_date == DAYS[2]
    assert days[2].pnl_gross == 0.0
    assert days[0].costs == pytest.approx((0.001 + 0.02 * 0.5**1.5) * NAV)


def test_a_name_without_a_print_can_not_be_sold_and_the_days_it_costs_are_skipped_whole() -> None:
    """B is silent on the second session: the mandate wants to be out of it, and gets out on the third."""
    prices = {"A": (100.0, 110.0, 110.0, 121.0), "B": (50.0, None, 40.0, 40.0)}
    wanted = [{"A": 0.5, "B": 0.5}, {"A": 1.0}, {"A": 1.0}, {"A": 1.0}]
    books = walked(wanted, prices)
    assert books[1].held["B"] == pytest.approx(0.5 / 1.05)
    assert "B" not in books[1].traded
    # B's fall of a fifth comes with the print it is sold at: 0.5 / 1.05 x 0.8 is traded
    before = 0.5 / 1.05
    loss = before * -0.2
    assert books[2].marked == pytest.approx(loss)
    assert books[2].traded["B"] == pytest.approx(before * 0.8 / (1.0 + loss))
    assert "B" not in books[2].held
    days = earned(books, prices)
    assert [day.status for day in days] == ["OK", "SKIPPED_NO_PRICE", "OK", "PENDING"]
    # the first book waits for the one session on which both print again: no day counts half, and none twice
    assert days[0].next_date == DAYS[2]
    assert days[0].pnl_gross == pytest.approx((0.5 * 0.10 + 0.5 * -0.20) * NAV)
    assert (days[1].pnl_gross, days[1].missing) == (0.0, ("B",))
    assert days[1].costs > 0
    assert days[2].pnl_gross == pytest.approx(0.10 * NAV)


@pytest.mark.parametrize(("weight", "lost"), [(0.25, -0.25), (-0.25, 0.0)])
def test_a_dead_name_is_closed_at_the_delisting_return_whatever_the_mandate_wanted(weight: float, lost: float) -> None:
    prices = {"A": (100.0,) * 7, "B": (50.0, None, None, None, None, None, None)}
    books = walked([{"A": 0.5, "B": weight}, *[{"A": 0.5}] * 6], prices)
    assert [sorted(book.delisted) for book in books] == [[], [], ["B"], [], [], [], []]
    assert books[2].delisted["B"] == pytest.approx(lost)
    assert books[2].marked == pytest.approx(lost)
    assert books[1].held["B"] == pytest.approx(weight)
    assert all("B" not in book.held for book in books[2:])
    days = earned(books, prices)
    assert [day.status for day in days[:3]] == ["SKIPPED_NO_COMMON_SESSION", "SKIPPED_NO_PRICE", "OK"]
    assert days[2].delisting_pnl == days[2].pnl_gross == pytest.approx(lost * NAV)


def test_a_name_that_comes_back_from_the_dead_starts_anew() -> None:
    prices = {"A": (100.0,) * 6, "B": (50.0, None, None, 60.0, None, 66.0)}
    wanted = [{"A": 0.5, "B": 0.5}, None, None, {"A": 0.5, "B": 0.5}, None, None]
    books = walked(wanted, prices)
    assert "B" in books[2].delisted
    # all there is after the loss is A: half of it goes into B again, at its new price
    assert books[2].held == {"A": pytest.approx(1.0)}
    assert books[3].traded == {"A": pytest.approx(0.5), "B": pytest.approx(0.5)}
    assert books[4].delisted == {}
    assert books[5].marked == pytest.approx(0.5 * 0.1)


def test_nothing_held_and_nothing_paid_is_flat() -> None:
    days = earned(walked([{}, {}, {}], {"A": (1.0, 1.0, 1.0)}), {"A": (1.0, 1.0, 1.0)})
    assert [day.status for day in days] == ["FLAT", "FLAT", "PENDING"]


weights = st.dictionaries(st.sampled_from("ABC"), st.floats(-0.5, 0.5).filter(lambda value: abs(value) > 1e-3), max_size=3)
quotes = st.lists(st.one_of(st.none(), st.floats(10.0, 200.0)), min_size=6, max_size=6)


@given(
    wanted=st.lists(st.one_of(st.none(), weights), min_size=6, max_size=6),
    listed=st.fixed_dictionaries(dict.fromkeys("ABC", quotes)),
)
def test_no_name_is_traded_without_a_print_and_no_session_is_counted_twice(
    wanted: list[Mapping[str, float] | None], listed: dict[str, list[float | None]]
) -> None:
    books = walked(wanted, listed)
    seen = prints(listed)
    for book in books:
        assert set(book.traded) <= set(seen[book.session])
        assert set(book.trading) == set(book.traded)
    covered: list[date] = []
    for day in earned(books, listed):
        if day.status == "OK" and day.next_date is not None and any(item.weight for item in day.names):
            covered += [session for session in DAYS if day.session < session <= day.next_date]
    assert len(covered) == len(set(covered))


@given(
    wanted=st.lists(weights, min_size=6, max_size=6),
    listed=st.fixed_dictionaries({name: st.lists(st.floats(10.0, 200.0), min_size=6, max_size=6) for name in "ABC"}),
)
def test_where_everything_prints_what_is_marked_is_what_the_book_before_earned(
    wanted: list[Mapping[str, float]], listed: dict[str, list[float | None]]
) -> None:
    books = walked(wanted, listed)
    for before, after in zip(earned(books, listed), books[1:], strict=False):
        assert before.pnl_gross == pytest.approx(after.marked * NAV, abs=1e-6)


def test_the_order_of_names_changes_no_bit() -> None:
    prices = {"A": (100.0, 101.3, 99.7), "B": (50.0, 50.7, 50.2), "C": (20.0, 19.1, 21.4)}
    wanted = [{"A": 0.3, "B": 0.3, "C": 0.4}, {"A": 0.1, "B": 0.5, "C": 0.4}, None]
    turned = [None if item is None else dict(reversed(item.items())) for item in wanted]
    assert walked(wanted, prices) == walked(turned, dict(reversed(prices.items())))
