from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.book.portfolio import ideal_portfolio, net_zero
from riskdesk_assets.book.share_legs import ShareLeg
from riskdesk_assets.common.tables import TABLES

SESSION = date(2024, 3, 1)


def rows(*legs: ShareLeg, codes: dict[str, set[str]] | None = None) -> list[dict[str, object]]:
    return ideal_portfolio(SESSION, "bank_pairs", legs, codes or {})


def test_two_tickets_in_one_name_are_summed_and_both_named() -> None:
    book = rows(
        ShareLeg("T2", "JPM", 100, 1_850_000),
        ShareLeg("T2", "BAC", -500, 340_000),
        ShareLeg("T1", "JPM", -30, 1_850_000),
        ShareLeg("T1", "C", 99, 560_001),
        codes={"JPM": {"LEG_CLAMP_A", "GROSS_CLAMP"}},
    )
    jpm = next(row for row in TABLES["ideal_portfolio"].frame(book).to_dicts() if row["symbol"] == "JPM")
    # 70 shares x $185.00 = $12,950.00
    assert (jpm["shares"], jpm["price"], jpm["notional_cents"]) == (70, 185.0, 1_295_000)
    assert (jpm["source_ticket_ids"], jpm["clamp_codes"]) == ("T1,T2", "GROSS_CLAMP,LEG_CLAMP_A")


def test_cash_is_minus_the_sum_of_the_others_to_the_cent() -> None:
    # 99 x $56.0001 = $5,544.0099 -> 554401 cents; 500 x $34 short = -1700000 cents; CASH is minus their sum.
    book = rows(ShareLeg("T1", "C", 99, 560_001), ShareLeg("T1", "BAC", -500, 340_000))
    assert [row["notional_cents"] for row in book] == [-1_700_000, 554_401, 1_145_599]
    assert book[-1]["symbol"] == "CASH"
    assert book[-1]["is_cash"] is True
    assert net_zero(book) == 0


def test_a_name_whose_tickets_cancel_stays_visible_with_no_shares() -> None:
    book = rows(ShareLeg("T1", "JPM", 10, 10_000), ShareLeg("T2", "JPM", -10, 10_000))
    assert [(row["symbol"], row["shares"], row["source_ticket_ids"]) for row in book] == [("JPM", 0, "T1,T2"), ("CASH", 0, "")]


def test_a_leg_without_shares_has_no_row_and_an_empty_book_is_cash_of_zero() -> None:
    assert [(row["symbol"], row["notional_cents"]) for row in rows(ShareLeg("T1", "JPM", 0, 10_000))] == [("CASH", 0)]


def test_two_prices_for_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="JPM has 2 prices"):
        rows(ShareLeg("T1", "JPM", 1, 10_000), ShareLeg("T2", "JPM", 1, 10_001))


def test_a_float_among_the_cents_is_refused() -> None:
    with pytest.raises(TypeError, match="whole cents"):
        net_zero([{"notional_cents": 1.0}])


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(-(10**7), 10**7), st.integers(1, 10**10)), max_size=8))
def test_the_sum_is_exactly_zero_for_any_book(entries: list[tuple[str, int, int]]) -> None:
    prices = {symbol: ticks for symbol, _, ticks in entries}
    assert net_zero(rows(*(ShareLeg(f"T{i}", s, n, prices[s]) for i, (s, n, _) in enumerate(entries)))) == 0
