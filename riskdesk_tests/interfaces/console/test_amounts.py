"""Dollars as people write them."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.interfaces.console.amounts import AMOUNT, AmountError, dollars


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500k", 500_000),
        ("500 k", 500_000),
        ("$500K", 500_000),
        ("$1.2m", 1_200_000),
        ("1.2mm", 1_200_000),
        ("2,000,000", 2_000_000),
        ("750 thousand", 750_000),
        ("2 million dollars", 2_000_000),
        ("$ 900", 900),
        ("900 dollars", 900),
        ("800000", 800_000),
        ("1000000.50", 1_000_000.5),
        ("0.5bn", 500_000_000),
        ("half a million", 500_000),
        ("a million dollars", 1_000_000),
        ("two million", 2_000_000),
    ],
)
def test_an_amount_in_any_of_the_usual_ways(text: str, value: float) -> None:
    assert dollars(text) == value
    assert re.fullmatch(AMOUNT, text.lower())


@pytest.mark.parametrize("text", ["", "k", "lots", "1,00", "1.2.3", "500 apples", "$", "-500k", "0", "$0", "1e6", "٣٠٠k"])
def test_what_is_no_amount_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(AmountError, match="allowed"):
        dollars(text)


def test_a_bare_small_number_may_have_meant_thousands() -> None:
    with pytest.raises(AmountError, match=r"500 could be dollars or thousands \(allowed: \$500, 500k\)"):
        dollars("500")


@given(st.integers(1000, 10**11))
def test_grouped_and_plain_numbers_say_the_same(value: int) -> None:
    assert dollars(f"{value:,}") == dollars(str(value)) == value


@given(st.text(max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    with contextlib.suppress(AmountError):
        assert dollars(text) > 0
