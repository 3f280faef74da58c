"""Why the desk trades: each order's reason stands in the proposal or the ledger of the same ticket, and is what decided it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from riskdesk_assets.book.clips import (
    BOOK,
    BUDGET,
    CONTROLLER,
    GATEKEEPER,
    OPTIMIZER,
    TICKET_CAPS,
    VOL_TARGET,
    WHOLE_LOTS,
    Clip,
)
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.construction.desk_day import DayResult, Fill
from riskdesk_assets.construction.order_reasons import REBALANCE, order_reasons
from riskdesk_assets.gatekeeper.trail import Check
from riskdesk_tests.construction.test_desk_events import CONFIG, ONE, TWO, today
from riskdesk_tests.construction.test_gating import STATE, morning, stopped
from riskdesk_tests.construction.test_guards_in_the_desk_day import of_mode
from riskdesk_tests.desk_builder import run_day

KEPT = today(ONE)  # the controller keeps $50,000 of JPM against $50,000 of BAC
SMALLER, LARGER = (400, -800), (600, -1200)
Move = tuple[str, str, float, float]


def reason(after: tuple[int, int], *moves: Move, result: DayResult = KEPT) -> str:
    """Why ticket one goes from 500 JPM, -1000 BAC to ``after``; moves: stage, limit, dollars in and out."""
    clips = tuple(Clip("one", "", stage, limit, None, first, last, "") for stage, limit, first, last in moves)
    orders = (
        Fill("one", "A", "JPM", 500, after[0], 100 * TICKS_PER_DOLLAR),
        Fill("one", "B", "BAC", -1000, after[1], 50 * TICKS_PER_DOLLAR),
    )
    (item,) = result.items
    later = tuple(clip for clip in clips if clip.stage in (OPTIMIZER, BOOK))
    earlier = tuple(clip for clip in clips if clip not in later)
    day = replace(result, items=(replace(item, clips=earlier),), release=replace(result.release, clips=later))
    return order_reasons(replace(day, fills=orders, orders=orders))["one"]


def test_where_the_controller_changed_the_position_it_is_the_reason() -> None:
    result = today(TWO)
    assert order_reasons(result) == {"one": "TICKET_REMOVED", "two": "ENTER"}


def test_after_a_halt_the_exits_say_the_halt_and_not_what_the_controller_wanted() -> None:
    result = run_day(morning(halts=stopped("HALTED")), STATE, CONFIG)
    assert next(item.proposal.reason for item in result.items if item.ticket_id == "one") == "HOLD"
    assert order_reasons(result) == {"one": Check.TRADING_STATE.value}


def test_of_several_cuts_the_one_that_took_most_of_what_was_held_decides() -> None:
    cuts = (
        (TICKET_CAPS, "GROSS_CLAMP", 300_000.0, 98_000.0),  # $202,000, but only $2,000 of what is held
        (GATEKEEPER, "position_size", 98_000.0, 85_000.0),
        (OPTIMIZER, "objective", 85_000.0, 80_000.0),
    )
    assert reason(SMALLER, *cuts) == "position_size"


def test_of_equal_cuts_the_first_stage_decides() -> None:
    cuts = ((GATEKEEPER, "position_size", 100_000.0, 90_000.0), (OPTIMIZER, "objective", 90_000.0, 80_000.0))
    assert reason(SMALLER, *cuts) == "position_size"


def test_what_a_later_stage_gave_back_was_not_cut() -> None:
    rows = ((BUDGET, "base_size", 200_000.0, 60_000.0), (VOL_TARGET, "vol_target", 60_000.0, 80_000.0))
    assert reason(SMALLER, *rows) == "vol_target"


def test_a_larger_size_was_set_by_the_stage_that_moved_it_last() -> None:
    rows = ((VOL_TARGET, "vol_target", 100_000.0, 150_000.0), (OPTIMIZER, "factor:market", 150_000.0, 120_000.0))
    assert reason(LARGER, *rows) == "factor:market"
    assert reason(LARGER, rows[0]) == "vol_target"


def test_legs_that_move_against_each_other_rebalance_the_hedge_whatever_cut() -> None:
    assert reason((510, -990), (OPTIMIZER, "objective", 200_000.0, 100_000.0)) == REBALANCE


@pytest.mark.parametrize("after", [SMALLER, LARGER])
def test_a_size_that_no_stage_moved_follows_hedge_and_prices(after: tuple[int, int]) -> None:
    assert reason(after) == REBALANCE
    assert reason(after, (BOOK, WHOLE_LOTS, 100_050.0, 100_000.0)) == REBALANCE


def test_a_ticket_that_may_not_grow_and_shrinks_is_not_told_that_it_may_not_grow() -> None:
    rows = ((CONTROLLER, "HOLD", 120_000.0, 100_000.0), (OPTIMIZER, "objective", 100_000.0, 80_000.0))
    assert reason(SMALLER, *rows) == "objective"


@pytest.mark.parametrize("mode", ["shadow", "paper", "enforce"])
def test_every_reason_of_a_walk_joins_the_ledger_or_the_proposal_of_its_ticket(mode: str) -> None:
    frames = of_mode(mode).frames
    keys = ("as_of_date", "ticket_id")
    known = {
        *frames["clip_ledger"].select(*keys, "limit_name").iter_rows(),
        *frames["proposals"].select(*keys, "reason").iter_rows(),
    }
    told = list(frames["portfolio_blotter"].select(*keys, "reason").iter_rows())
    assert told
    assert {row for row in told if row not in known and row[2] != REBALANCE} == set()
    assert "HOLD" not in {row[2] for row in told}
