"""The page's section Guards: every decision with its figures, the counters, and whether the desk follows them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from riskdesk_assets.reports.page.content import PageContent
from riskdesk_assets.reports.page.page import desk_page
from riskdesk_tests.desk_builder import changed as with_value
from riskdesk_tests.reports.page.pages import HOSTILE, Reader, changed, emptied, with_rows


def test_every_decision_of_the_session_is_on_the_page_with_its_figures(content: PageContent) -> None:
    rows = content.rows("guard_decisions")
    assert rows
    shown = Reader(desk_page(content)).tables["table-guards"][1:]
    told = [
        [
            str(row["ticket_id"]),
            str(row["symbol"]),
            str(row["action"]),
            str(row["layer"] or "–").replace("_", " "),
            str(row["reason"]).replace("_", " "),
            *(f"{row[f'shares_{when}']:,}".replace("-", "−") for when in ("before", "wanted", "after")),
        ]
        for row in rows
    ]
    assert shown == told


def test_the_counters_of_the_session_are_on_the_page(content: PageContent) -> None:
    counters = {str(row["counter"]): row["value"] for row in content.rows("guard_counters")}
    assert counters
    shown = Reader(desk_page(content)).rows("guard-counters")
    assert {name: float(cells[0]) for name, cells in shown.items()} == pytest.approx(counters, abs=0.005)
    clipped = content.rows("guard_counters")[0] | {"counter": "avg_clip_ratio", "value": 0.4567}
    shown = Reader(desk_page(with_rows(content, "guard_counters", [clipped]))).rows("guard-counters")
    assert shown == {"avg_clip_ratio": ["0.46"]}


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("shadow", "shadow: nothing follows them."),
        ("paper", "paper: the desk's positions follow them, the blotter leads to the ideal portfolio."),
        ("enforce", "enforce: positions and blotter follow them."),
    ],
)
def test_the_section_says_whether_the_desk_follows_them(content: PageContent, mode: str, said: str) -> None:
    told = replace(content, config=with_value(content.config, "desk.guards.mode", mode))
    read = Reader(desk_page(told))
    assert said in read.words
    assert ("would have left" in read.words) == (mode == "shadow")


def test_a_session_in_which_the_guards_were_not_asked_has_no_such_section(content: PageContent) -> None:
    assert "table-guards" not in Reader(desk_page(emptied(content, "guard_decisions", "guard_counters"))).tables


def test_hostile_text_of_a_decision_stays_text(content: PageContent) -> None:
    page = desk_page(changed(content, "guard_decisions", ticket_id=HOSTILE, reason=HOSTILE))
    assert "<script" not in page.lower()
    assert "<img" not in page
