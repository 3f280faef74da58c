from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from riskdesk_assets.controllers.baseline import Proposal, Rules, Signal, Stance, leg_notionals, propose

TODAY = date(2026, 3, 2)
RULES = Rules(
    orientation="BOTH",
    max_units=1.0,
    entry_z=1.5,
    exit_z=0.2,
    time_stop_sessions=20,
    flatten_on_breakdown=True,
    rearm_after_breakdown=True,
    min_beta=0.2,
    effective_from=None,
    expires_on=date(2026, 12, 31),
)
FLAT = Stance(0, 0, armed=True)
LONG = Stance(1, 3, armed=True)
SHORT = Stance(-1, 3, armed=True)


def decide(
    z: float | None, stance: Stance = FLAT, *, beta: float = 1.0, block: str | None = None, on: date = TODAY, **rules: object
) -> Proposal:
    signal = None if z is None else Signal(z, beta, abs(z) >= 3.0)
    return propose(replace(RULES, **rules), signal, stance, on, block)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("z", "units"), [(1.5, -1.0), (-1.5, 1.0), (2.9999, -1.0), (1.4999999, 0.0), (-1.4999999, 0.0), (0.0, 0.0)]
)
def test_a_flat_ticket_enters_against_z_from_entry_z_on(z: float, units: float) -> None:
    assert decide(z).units == units


def test_an_entry_is_called_so_and_may_grow() -> None:
    found = decide(2.0)
    assert (found.reason, found.never_add, found.armed) == ("ENTER", False, True)


@pytest.mark.parametrize(("z", "units"), [(0.2, -1.0), (0.1999999, 0.0), (0.0, 0.0), (-0.5, 0.0), (1.4, -1.0)])
def test_a_short_spread_is_held_down_to_exit_z_and_no_further(z: float, units: float) -> None:
    assert decide(z, SHORT).units == units


@pytest.mark.parametrize(("z", "units"), [(-0.2, 1.0), (-0.1999999, 0.0), (0.5, 0.0), (-1.4, 1.0)])
def test_a_long_spread_is_held_down_to_exit_z_and_no_further(z: float, units: float) -> None:
    assert decide(z, LONG).units == units


def test_between_exit_and_entry_what_was_held_decides() -> None:
    assert [decide(1.0, stance).units for stance in (FLAT, SHORT, LONG)] == [0.0, -1.0, 0.0]


@pytest.mark.parametrize(("z", "stance", "units"), [(1.5, LONG, -1.0), (-1.5, SHORT, 1.0)])
def test_a_z_that_crossed_to_the_other_entry_reverses_in_the_same_session(z: float, stance: Stance, units: float) -> None:
    found = decide(z, stance)
    assert (found.units, found.reason) == (units, "REVERSE")


def test_a_z_that_crossed_but_not_to_the_other_entry_is_an_exit() -> None:
    found = decide(1.4999, LONG)
    assert (found.units, found.reason) == (0.0, "EXIT")


def test_orientation_lets_through_only_its_own_direction() -> None:
    assert decide(-2.0, orientation="LONG_SPREAD").units == 1.0
    assert decide(2.0, orientation="LONG_SPREAD").reason == "ORIENTATION"
    assert decide(2.0, orientation="SHORT_SPREAD").units == -1.0
    assert decide(-2.0, orientation="SHORT_SPREAD").units == 0.0
    # a crossing cannot reverse into a direction the ticket does not take: it exits
    assert decide(2.0, LONG, orientation="LONG_SPREAD").units == 0.0
    # the ticket was edited while it held the side it no longer takes
    assert decide(2.0, SHORT, orientation="LONG_SPREAD").reason == "ORIENTATION_CHANGED"


def test_the_time_stop_ends_a_position_once_it_was_held_so_many_sessions() -> None:
    assert decide(2.0, Stance(-1, 19, armed=True)).reason == "HOLD"
    stopped = decide(2.0, Stance(-1, 20, armed=True))
    assert (stopped.units, stopped.reason, stopped.armed) == (0.0, "TIME_STOP", False)
    assert decide(2.0, Stance(-1, 21, armed=True)).reason == "TIME_STOP"


def test_after_a_time_stop_re_entry_waits_until_z_was_seen_inside_exit_z() -> None:
    stance = Stance(0, 0, armed=False)
    for z in (2.0, 1.0, 0.2, -2.0):
        assert decide(z, stance) == Proposal(0.0, decide(z, stance).reason, never_add=False, armed=False)
    assert decide(2.0, stance).reason == "NOT_REARMED"
    home = decide(0.1999, stance)
    assert (home.units, home.armed) == (0.0, True)
    assert decide(2.0, replace(stance, armed=home.armed)).units == -1.0


def test_a_time_stop_inside_exit_z_leaves_the_ticket_armed() -> None:
    assert decide(0.1, Stance(-1, 20, armed=True)).armed


def test_breakdown_begins_exactly_at_its_z_and_flattens() -> None:
    assert decide(2.9999999, SHORT).reason == "HOLD"
    found = decide(3.0, SHORT)
    assert (found.units, found.reason, found.armed) == (0.0, "BREAKDOWN_FLATTEN", False)
    assert decide(-3.0, FLAT).reason == "BREAKDOWN_FLATTEN"


def test_without_rearm_a_ticket_re_enters_as_soon_as_the_breakdown_is_over() -> None:
    broken = decide(3.5, SHORT, rearm_after_breakdown=False)
    assert broken.armed
    assert decide(2.5, Stance(0, 0, broken.armed), rearm_after_breakdown=False).units == -1.0


def test_with_rearm_a_broken_ticket_waits_for_z_to_come_home() -> None:
    broken = decide(3.5, SHORT)
    assert decide(2.5, Stance(0, 0, broken.armed)).reason == "NOT_REARMED"


def test_whoever_is_flat_after_a_breakdown_waits_for_z_to_come_home_or_does_not_as_the_rule_says() -> None:
    # Never entered; broken out on the other side, so its own has come and gone; a side that the ticket no longer takes.
    for stance, orientation in ((FLAT, "BOTH"), (LONG, "BOTH"), (SHORT, "LONG_SPREAD")):
        for rearm in (True, False):
            broken = decide(3.5, stance, flatten_on_breakdown=False, rearm_after_breakdown=rearm, orientation=orientation)
            assert (broken.units, broken.armed) == (0.0, not rearm)
            after = decide(2.9, Stance(0, 0, broken.armed), flatten_on_breakdown=False, rearm_after_breakdown=rearm)
            assert after.reason == ("NOT_REARMED" if rearm else "ENTER")


def test_a_ticket_held_through_a_breakdown_is_not_disarmed_by_it() -> None:
    assert decide(3.5, SHORT, flatten_on_breakdown=False).armed


def test_a_ticket_that_does_not_flatten_holds_through_a_breakdown_and_never_adds() -> None:
    found = decide(3.5, SHORT, flatten_on_breakdown=False)
    assert (found.units, found.reason, found.never_add) == (-1.0, "BREAKDOWN_HOLD", True)
    assert decide(3.5, FLAT, flatten_on_breakdown=False).units == 0.0


def test_a_breakdown_on_the_other_side_ends_what_is_held_and_so_does_a_side_the_ticket_no_longer_takes() -> None:
    crossed = decide(3.5, LONG, flatten_on_breakdown=False)
    assert (crossed.units, crossed.reason) == (0.0, "EXIT")
    edited = decide(3.5, SHORT, flatten_on_breakdown=False, orientation="LONG_SPREAD")
    assert (edited.units, edited.reason) == (0.0, "ORIENTATION_CHANGED")


def test_a_ticket_is_in_force_on_its_last_day_and_flat_after_it() -> None:
    last = RULES.expires_on
    assert decide(2.0, on=last).units == -1.0
    found = decide(2.0, SHORT, on=date(2027, 1, 1))
    assert (found.units, found.reason) == (0.0, "EXPIRED_SKIP")


def test_a_ticket_is_in_force_from_its_first_day_and_not_before() -> None:
    assert decide(2.0, effective_from=TODAY).units == -1.0
    assert decide(2.0, effective_from=date(2026, 3, 3)).reason == "NOT_YET_EFFECTIVE"


def test_beta_below_the_smallest_hedge_bars_an_entry_but_ends_no_position() -> None:
    assert decide(2.0, beta=0.2).units == -1.0
    assert decide(2.0, beta=0.1999999).reason == "BETA_TOO_LOW"
    assert decide(2.0, SHORT, beta=0.1).units == -1.0
    assert decide(2.0, beta=-0.5, min_beta=None).units == -1.0


def test_a_restricted_name_bars_entries_and_growth_and_ends_nothing() -> None:
    assert decide(2.0, block="RESTRICTED JPM") == Proposal(0.0, "RESTRICTED JPM", never_add=False, armed=True)
    held = decide(2.0, SHORT, block="RESTRICTED JPM")
    assert (held.units, held.never_add) == (-1.0, True)
    assert not decide(2.0, SHORT).never_add
    assert decide(-2.0, SHORT, block="RESTRICTED JPM").units == 0.0


def test_without_features_a_position_is_held_and_never_grows() -> None:
    found = decide(None, LONG)
    assert (found.units, found.reason, found.never_add) == (1.0, "HOLD_NO_FEATURES", True)
    assert decide(None).units == 0.0


def test_half_conviction_takes_half_units_on_entry_hold_and_reversal() -> None:
    assert [decide(z, s, max_units=0.5).units for z, s in ((2.0, FLAT), (2.0, SHORT), (2.0, LONG))] == [-0.5] * 3


def test_legs_split_the_budget_by_the_hedge_ratio() -> None:
    # N = 0.5 x 800,000 / (1 + 0.25) = 320,000; A = -N, B = +0.25 N
    assert leg_notionals(-0.5, 800_000, 0.25) == (-320_000.0, 80_000.0)
    # a negative hedge ratio: both legs on one side, gross still |u| G: 1,000 / (1 + 1) = 500 each
    assert leg_notionals(1.0, 1_000, -1.0) == (500.0, 500.0)
    assert leg_notionals(0.0, 1_000, 1.0) == (0.0, 0.0)


def test_the_time_stop_needs_no_features_and_leaves_the_ticket_to_be_rearmed() -> None:
    found = decide(None, Stance(1, 20, armed=True))
    assert (found.units, found.reason, found.armed) == (0.0, "TIME_STOP", False)
    assert decide(None, Stance(1, 19, armed=True)).reason == "HOLD_NO_FEATURES"
