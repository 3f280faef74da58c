"""Ticks of an axis: told apart at every scale, and none of them said with more digits than it has."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.reports.page.charts import Line, line_chart
from riskdesk_assets.research.tear_sheet.axes import dollar_panel, percent_panel, ratio_panel
from riskdesk_tests.reports.page.pages import Reader

SIZES = st.floats(-1e9, 1e9).filter(lambda value: value == 0 or abs(value) > 1e-3)


def ticks(values: Sequence[float], panel: object) -> list[str]:
    made = panel([Line("line", values)], 100) if callable(panel) else None
    assert made is not None
    words = Reader(str(line_chart("x", "t", "d", ["first", "last"], [made]))).text
    return [word for word in words if word not in {"t", "d", "first", "last"}]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.0], ["$0"]),
        ([0.0, -162.0], ["−$100", "$0"]),
        ([0.0, 8_000.0], ["$0", "$5,000"]),
        ([0.0, 70_000.0], ["$0k", "$25k", "$50k"]),
        ([2_500_000.0, 2_500_000.0], ["$2,480k", "$2,500k", "$2,520k"]),
        ([2_500_000.0, 2_500_030.0], ["$2,500,000", "$2,500,010", "$2,500,020", "$2,500,030"]),
    ],
)
def test_dollars_by_hand(values: list[float], expected: list[str]) -> None:
    assert sorted(ticks(values, dollar_panel)) == sorted(expected)


@given(SIZES, SIZES)
def test_no_two_ticks_read_alike(one: float, other: float) -> None:
    for panel in (dollar_panel, ratio_panel, lambda lines, height: percent_panel(lines, height, 0)):
        found = ticks([one, other], panel)
        assert len(found) == len(set(found)), found
        assert found
