from __future__ import annotations

from datetime import date

import pytest

from riskdesk_assets.book.clips import (
    BOOK,
    FROZEN,
    GATEKEEPER,
    OPTIMIZER,
    SPLIT,
    TICKET_CAPS,
    VOL_TARGET,
    Clip,
    enlarges,
    ledger_rows,
    of_whole_ticket,
    where,
)
from riskdesk_assets.common.tables import TABLES

SESSION = date(2024, 3, 1)


def test_the_ledger_numbers_the_touches_in_the_order_they_happened() -> None:
    clips = [
        Clip("T2", "", OPTIMIZER, "portfolio_net", 200_000.0, 500_000.0, 300_000.0, "scaled"),
        Clip("T1", "JPM", BOOK, "group:money_center", None, 100.0, 90.0, "one lot"),
    ]
    frame = TABLES["clip_ledger"].frame(ledger_rows("run", SESSION, clips))
    assert frame["sequence"].to_list() == [1, 2]
    assert frame["ticket_id"].to_list() == ["T2", "T1"]
    assert frame["bound"].to_list() == [200_000.0, None]


def test_a_leg_that_decided_for_the_ticket_is_told_from_one_that_was_touched_alone() -> None:
    for stage in (TICKET_CAPS, GATEKEEPER):
        assert of_whole_ticket(stage, "JPM")
        assert where(stage, "JPM") == "by JPM"
    assert not of_whole_ticket(BOOK, "JPM")
    assert where(BOOK, "JPM") == "JPM"
    for stage in (BOOK, OPTIMIZER, GATEKEEPER):
        assert of_whole_ticket(stage, "")
        assert where(stage, "") == ""


@pytest.mark.parametrize(
    ("stage", "value_in", "value_out", "larger"),
    [
        (VOL_TARGET, 100.0, 150.0, True),
        (BOOK, -100.0, -150.0, True),
        (VOL_TARGET, 100.0, 100.0, False),
        (OPTIMIZER, 100.0, 90.0, False),
        (FROZEN, -5_000.0, 0.0, False),  # a dead name's short, written off
        (SPLIT, 100.0, 200.0, False),  # shares
    ],
)
def test_larger_is_what_is_larger_in_size_whichever_side_it_is_on(
    stage: str, value_in: float, value_out: float, larger: bool
) -> None:
    assert enlarges(stage, value_in, value_out) is larger


def test_a_stage_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="'BOOKS' is not a stage"):
        Clip("T1", "", "BOOKS", "x", None, 1.0, 0.0, "")


def test_no_touch_gives_an_empty_ledger_with_its_columns() -> None:
    assert TABLES["clip_ledger"].frame(ledger_rows("run", SESSION, [])).height == 0
