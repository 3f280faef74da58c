from __future__ import annotations

import pytest

from riskdesk_assets.reports.order_words import order_words


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("TIME_STOP", "time stop"),
        ("trading_state", "halt"),
        ("objective", "risk and cost against reversion"),
        ("factor:market", "limit factor:market"),
        ("name_gross", "name gross"),
    ],
)
def test_a_code_is_told_in_words(code: str, said: str) -> None:
    assert order_words(code) == said
