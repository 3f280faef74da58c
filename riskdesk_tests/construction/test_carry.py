"""Positions brought from yesterday's close to today's: splits, marks, and names that stop printing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from riskdesk_assets.common.settings import FrozenSettings
from riskdesk_assets.construction.carry import Carried, Mark, carry
from riskdesk_assets.construction.state import Position
from riskdesk_tests.desk_builder import held, marks, sessions_from, state_of

DAYS = sessions_from(date(2026, 3, 2), 12)
SETTINGS = FrozenSettings(close_after_sessions=5, delisting_return=-1.0)


def carried(position: Position, prints: dict[date, dict[str, Mark]], splits: dict[str, Fraction] | None = None) -> Carried:
    return carry(state_of(DAYS[0], position), DAYS[1], prints, splits or {}, SETTINGS)


def legs(found: Carried) -> list[tuple[int, int]]:
    return [(leg.shares, leg.price) for leg in found.positions[0].legs]


LONG_SHORT = held("t", {"JPM": (100, 50.0), "BAC": (-200, 25.0)}, DAYS[0])


def test_a_position_is_marked_at_todays_close_and_earns_its_simple_return() -> None:
    found = carried(LONG_SHORT, {DAYS[0]: marks(JPM=50.0, BAC=25.0), DAYS[1]: marks(JPM=51.0, BAC=25.5)})
    assert legs(found) == [(100, 510_000), (-200, 255_000)]
    # 5,000 x 2% - 5,000 x 2% = 0 on both sides of the pair
    assert found.pnl_gross_cents == 0
    assert found.positions[0].age == 4


def test_a_dividend_is_earned_by_the_long_and_paid_by_the_short() -> None:
    prints = {
        DAYS[0]: {"JPM": Mark(500_000, 49.0), "BAC": Mark(250_000, 24.5)},
        DAYS[1]: {"JPM": Mark(500_000, 50.0), "BAC": Mark(250_000, 25.0)},
    }
    found = carried(LONG_SHORT, prints)
    # long: 5,000 x (50 / 49 - 1) = 102.0408; short: -5,000 x (25 / 24.5 - 1) = -102.0408
    assert found.pnl_gross_cents == 0
    only_long = held("t", {"JPM": (100, 50.0), "BAC": (0, 25.0)}, DAYS[0])
    assert carried(only_long, prints).pnl_gross_cents == 10_204


def test_a_raw_split_rescales_shares_with_the_price_to_the_cent() -> None:
    # 2 for 1: 100 x 50.00 -> 200 x 25.00; the adjusted close says nothing happened but a rise of 1%
    prints = {
        DAYS[0]: {"JPM": Mark(500_000, 25.0), "BAC": Mark(250_000, 25.0)},
        DAYS[1]: {"JPM": Mark(252_500, 25.25), "BAC": Mark(250_000, 25.0)},
    }
    found = carried(LONG_SHORT, prints, {"JPM": Fraction(2)})
    assert legs(found)[0] == (200, 252_500)
    assert found.pnl_gross_cents == 5_000  # 1% of 5,000.00
    assert [(clip.stage, clip.limit_name, clip.symbol, clip.value_in, clip.value_out) for clip in found.clips] == [
        ("SPLIT", "split", "JPM", 100.0, 200.0)
    ]


def test_a_restated_history_rescales_the_shares_once() -> None:
    # the vendor now says yesterday closed at 25.00 where it said 50.00
    prints = {DAYS[0]: marks(JPM=25.0, BAC=25.0), DAYS[1]: marks(JPM=25.5, BAC=25.0)}
    found = carried(LONG_SHORT, prints)
    assert legs(found)[0] == (200, 255_000)
    assert found.pnl_gross_cents == 10_000  # 2% of 5,000.00
    assert "restated the close" in found.clips[0].reason


def test_a_reverse_split_leaves_whole_shares_and_a_short_keeps_its_side() -> None:
    # 1 for 10: 100 -> 10, and -205 -> -20 (toward zero: the half share is cash)
    position = held("t", {"JPM": (100, 5.0), "BAC": (-205, 4.0)}, DAYS[0])
    prints = {DAYS[0]: marks(JPM=50.0, BAC=40.0), DAYS[1]: marks(JPM=50.0, BAC=40.0)}
    assert legs(carried(position, prints)) == [(10, 500_000), (-20, 400_000)]


def test_a_three_for_two_split_gives_half_again_as_many() -> None:
    prints = {DAYS[0]: marks(JPM=50.0, BAC=25.0), DAYS[1]: {"JPM": Mark(333_300, 50.0), "BAC": Mark(250_000, 25.0)}}
    assert legs(carried(LONG_SHORT, prints, {"JPM": Fraction(3, 2)}))[0][0] == 150


def test_a_corrected_close_that_is_no_split_moves_the_mark_and_no_share() -> None:
    prints = {DAYS[0]: marks(JPM=50.37, BAC=25.0), DAYS[1]: marks(JPM=50.37, BAC=25.0)}
    found = carried(LONG_SHORT, prints)
    assert legs(found)[0] == (100, 503_700)
    assert found.clips[0].limit_name == "restated"
    assert "from 50.0000 to 50.3700: +0.74% is no split, so 100 shares stay" in found.clips[0].reason
    assert found.messages == (f"ticket t: {found.clips[0].reason}",)


def test_a_stock_dividend_of_a_tenth_gives_a_tenth_more_shares() -> None:
    # 10% in shares: 44.00 became 40.00, 100 shares 110
    position = held("t", {"JPM": (100, 44.0), "BAC": (-200, 25.0)}, DAYS[0])
    found = carried(position, {DAYS[0]: marks(JPM=40.0, BAC=25.0), DAYS[1]: marks(JPM=40.0, BAC=25.0)})
    assert (legs(found)[0], found.pnl_gross_cents) == ((110, 400_000), 0)


def test_a_leg_without_a_print_keeps_its_last_real_price_and_counts_the_sessions() -> None:
    found = carried(LONG_SHORT, {DAYS[0]: marks(JPM=50.0, BAC=25.0), DAYS[1]: marks(BAC=26.0)})
    position = found.positions[0]
    assert (position.leg_a.price, position.leg_a.priced_on, position.missing) == (500_000, DAYS[0], 1)
    assert found.pnl_gross_cents == -20_000  # the other leg goes on: -200 x 1.00
    assert "no print of JPM" in found.messages[0]


def test_a_print_ends_the_silence_and_earns_what_happened_in_between() -> None:
    position = held("t", {"JPM": (100, 50.0), "BAC": (-200, 25.0)}, DAYS[0], missing=4)
    found = carried(position, {DAYS[0]: marks(JPM=50.0, BAC=25.0), DAYS[1]: marks(JPM=45.0, BAC=25.0)})
    assert (found.positions[0].missing, found.pnl_gross_cents) == (0, -50_000)


@pytest.mark.parametrize(("shares", "loss"), [(100, -500_000), (-100, 0)])
def test_after_five_silent_sessions_a_long_is_worth_nothing_and_a_short_gains_nothing(shares: int, loss: int) -> None:
    position = held("t", {"JPM": (shares, 50.0), "BAC": (0, 25.0)}, DAYS[0], missing=4)
    found = carried(position, {DAYS[1]: marks(BAC=25.0)})
    assert legs(found) == [(0, 500_000), (0, 250_000)]
    assert found.pnl_gross_cents == loss
    clip = found.clips[0]
    assert (clip.stage, clip.limit_name, clip.value_in, clip.value_out) == ("FROZEN", "delisted", shares * 50.0, 0.0)


def test_a_session_without_any_print_is_the_vendors_silence_and_kills_no_name() -> None:
    position = held("t", {"JPM": (100, 50.0), "BAC": (-200, 25.0)}, DAYS[0], missing=4)
    found = carried(position, {DAYS[0]: marks(JPM=50.0, BAC=25.0)})
    assert (legs(found), found.pnl_gross_cents, found.clips) == ([(100, 500_000), (-200, 250_000)], 0, ())
    assert (found.positions[0].missing, found.positions[0].age) == (4, position.age + 1)
    assert found.messages == (f"no name has a print on {DAYS[1]}: nothing is marked, and none is dead",)


def test_four_silent_sessions_are_not_five() -> None:
    position = held("t", {"JPM": (100, 50.0), "BAC": (0, 25.0)}, DAYS[0], missing=3)
    assert legs(carried(position, {DAYS[1]: marks(BAC=25.0)}))[0][0] == 100


def test_a_split_of_a_silent_name_is_seen_when_its_history_is_restated() -> None:
    position = held("t", {"JPM": (100, 50.0), "BAC": (-200, 25.0)}, DAYS[0], missing=2)
    found = carried(position, {DAYS[0]: marks(JPM=25.0, BAC=25.0), DAYS[1]: marks(BAC=25.0)})
    assert legs(found)[0] == (200, 250_000)
    assert found.pnl_gross_cents == 0


def test_each_leg_has_its_own_silence_so_a_leg_that_printed_yesterday_is_not_closed() -> None:
    # JPM was silent for four sessions and prints again on the day BAC falls silent: nobody has been silent for five.
    position = held("t", {"JPM": (-100, 50.0), "BAC": (200, 25.0)}, DAYS[0], missing=4)
    position = replace(position, leg_b=replace(position.leg_b, silent=0))
    back = carried(position, {DAYS[1]: marks(JPM=50.0)})
    assert (legs(back), back.pnl_gross_cents, back.positions[0].missing) == ([(-100, 500_000), (200, 250_000)], 0, 1)
    # Both silent today: only JPM reaches five.
    dead = carried(position, {DAYS[1]: marks(WFC=60.0)})
    assert legs(dead) == [(0, 500_000), (200, 250_000)]
    assert [clip.symbol for clip in dead.clips] == ["JPM"]
