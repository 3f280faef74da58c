"""How numbers are written and series drawn on a page."""

from __future__ import annotations

import pytest

from riskdesk_assets.reports.page.charts import Line, Panel, line_chart
from riskdesk_assets.reports.page.history import drawdowns, realized_volatility
from riskdesk_assets.reports.page.numerals import audited, cents, dollars, percent


def test_numbers_are_written_with_a_minus_and_without_a_negative_zero() -> None:
    assert [dollars(-78774.58), dollars(-0.2), dollars(1234.5, 2, signed=True), dollars(None)] == [
        "−$78,775",
        "$0",
        "+$1,234.50",
        "–",
    ]
    assert [cents(-5), cents(123456), cents(0)] == ["−$0.05", "$1,234.56", "$0.00"]
    assert [percent(-0.03151, signed=True), percent(1e-9, 2, signed=True)] == ["−3.2%", "0.00%"]
    assert [audited(9_342_343_900, "ticks"), audited(4, "count")] == ["$934,234", "4"]


def test_drawdown_and_realized_volatility_by_hand() -> None:
    assert drawdowns([100.0, 90.0, 120.0, 114.0]) == [0.0, -10.0, 0.0, -6.0]
    # Changes of 1 and 3: mean 2, variance (1 + 1) / 1 = 2.
    assert realized_volatility([10.0, 11.0, 14.0], nav=100.0, window=2) == [None, None, pytest.approx(2**0.5 / 100)]


@pytest.mark.parametrize("values", [[1.0, 1.0], [None, None], [0.0, None], [-1e-300, 1e-300], [1e12, -1e12], [5.0, None, 7.0]])
def test_a_chart_of_awkward_values_has_only_finite_coordinates(values: list[float | None]) -> None:
    dates = [f"<{place}>" for place in range(len(values))]
    drawn = line_chart(
        "c", "<t>", "d", dates, [Panel([Line("x", values, "area")], 50, lambda value: dollars(value), with_zero=True)]
    )
    assert "nan" not in drawn
    assert "inf" not in drawn
    assert "<t>" not in drawn
    assert "<0>" not in drawn


# -- expected P&L and regimes
