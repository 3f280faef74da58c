from __future__ import annotations

import pytest

from riskdesk_assets.limits.catalogue import TicketCaps, book_limits, for_session, ticket_limits
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_tests.desk_builder import changed, desk_config

DOLLAR = 10_000
COUNT = Limit("position_count", Family.POSITION_COUNT, Measure.COUNT, (), 2, "test")
TURNOVER = Limit("turnover", Family.TURNOVER, Measure.ADDITIONS, (), 500 * DOLLAR, "test")


def pair(ticket_id: str, size: float) -> tuple[Leg[float], Leg[float]]:
    """A ticket long ``size`` of A and short as much of B."""
    return Leg(ticket_id, "A", size), Leg(ticket_id, "B", -size)


def bounds(approved: tuple[Leg[float], ...], held: tuple[Leg[float], ...]) -> tuple[int, int]:
    count, turnover = for_session((COUNT, TURNOVER), approved, held)
    return count.bound, turnover.bound


def test_count_and_turnover_are_as_written_where_nothing_is_held() -> None:
    assert bounds((*pair("T1", 10.0), *pair("T2", 10.0), *pair("T3", 10.0)), ()) == (2, 500 * DOLLAR)


def test_a_cut_count_never_throws_out_tickets_that_stay() -> None:
    held = (*pair("T1", 10.0), *pair("T2", 10.0), *pair("T3", 10.0))
    assert bounds(held, held)[0] == 3
    # one leaves by its own rule: two stay, and two is the limit
    assert bounds((*pair("T1", 10.0), *pair("T2", 10.0), *pair("T3", 0.0)), held)[0] == 2


def test_what_forced_exits_trade_is_taken_from_what_may_be_added_and_no_more_than_all_of_it() -> None:
    # T1 gives up 200 - 80 = 120; T2 grows
    held = (*pair("T1", 100.0), *pair("T2", 10.0))
    approved = (*pair("T1", 40.0), *pair("T2", 50.0))
    assert bounds(approved, held)[1] == 380 * DOLLAR
    # an exit larger than the whole turnover bound leaves nothing to add, and is itself allowed
    large = pair("T1", 400.0)
    assert bounds((*pair("T1", 0.0), *pair("T2", 50.0)), large)[1] == 0
    assert TURNOVER.measured(pair("T1", 0.0), large) == 0


def test_turning_around_gives_up_all_that_is_held_and_adds_all_that_is_new() -> None:
    assert bounds(pair("T1", -30.0), pair("T1", 50.0))[1] == 400 * DOLLAR
    assert TURNOVER.measured(pair("T1", -30.0), pair("T1", 50.0)) == 60.0


def test_ticket_limits_come_from_the_tickets_own_numbers() -> None:
    limits = ticket_limits([TicketCaps("t", "JPM", "BAC", 1_000.5, 600.0)])
    assert [(limit.name, limit.bound) for limit in limits] == [
        ("ticket_gross:t", 10_005_000),
        ("leg_notional:t:JPM", 6_000_000),
        ("leg_notional:t:BAC", 6_000_000),
    ]


def test_the_desk_profile_bounds_are_the_fractions_of_nav_that_are_written() -> None:
    limits = {limit.name: limit for limit in book_limits(desk_config())}
    # nav 2,500,000: 24% and 20% of it, 40%, 8%, 100%, 60% (methods.md section 14)
    expected = {
        "name_gross:JPM": 600_000,
        "symbol_net:JPM": 500_000,
        "group:regional": 1_000_000,
        "portfolio_net": 200_000,
        "portfolio_gross": 2_500_000,
        "turnover": 1_500_000,
    }
    assert {name: limits[name].bound / DOLLAR for name in expected} == expected
    assert limits["position_count"].bound == 8
    # the outer mandate is looser than both, so the tighter name stands for the quantity
    assert "mandate_name_gross:JPM" not in limits
    assert "mandate_gross" not in limits


def test_a_mandate_tighter_than_the_desks_own_limit_takes_its_place() -> None:
    config = desk_config("desk", {"PORTFOLIO_MAX_GROSS_NOTIONAL": "1000000", "PORTFOLIO_MAX_NAME_GROSS_NOTIONAL": "100000.55"})
    limits = {limit.name: limit for limit in book_limits(config)}
    assert limits["mandate_gross"].bound == 1_000_000 * DOLLAR
    assert "portfolio_gross" not in limits
    assert limits["mandate_name_gross:JPM"].bound == 1_000_005_500


def test_a_member_of_a_family_may_have_its_own_bound() -> None:
    config = changed(desk_config(), "limits.group.overrides", {"trust": 0.1})
    limits = {limit.name: limit for limit in book_limits(config)}
    assert limits["group:trust"].bound == 250_000 * DOLLAR
    assert limits["group:trust"].source == "limits.group.overrides.trust"
    assert limits["group:regional"].source == "limits.group.max"


@pytest.mark.parametrize("profile", ["desk", "seed", "classic"])
def test_every_profile_gives_limits_with_names_of_their_own(profile: str) -> None:
    names = [limit.name for limit in book_limits(desk_config(profile))]
    assert len(names) == len(set(names)) > 0
