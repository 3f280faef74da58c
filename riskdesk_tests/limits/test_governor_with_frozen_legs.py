from __future__ import annotations

import pytest

from riskdesk_assets.limits.governor import govern
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_tests.optimizer.random_desks import Shape, random_problem

FROZEN = (Leg("F", "A", 600.0), Leg("F", "B", -600.0))
TICKET = (Leg("T", "A", 800.0), Leg("T", "C", -800.0))


def name_gross(dollars: int) -> Limit:
    return Limit("name_gross:A", Family.NAME_GROSS, Measure.NAME_GROSS, ("A",), dollars * 10_000, "test")


def test_frozen_legs_use_their_room_and_the_others_share_the_rest() -> None:
    legs, scalings = govern(TICKET, FROZEN, [name_gross(1_000)], FROZEN)
    # 1000 - 600 leaves 400 of the 800 asked for
    assert [leg.notional for leg in legs] == pytest.approx([400.0, -400.0])
    assert [(s.ticket_id, s.ratio) for s in scalings] == [("T", pytest.approx(0.5))]


def test_where_frozen_legs_use_all_of_a_limit_nothing_else_stays() -> None:
    legs, _ = govern(TICKET, FROZEN, [name_gross(500)], FROZEN)
    assert [leg.notional for leg in legs] == [0.0, 0.0]


def test_every_limit_that_frozen_legs_leave_open_holds_afterwards() -> None:
    checked = 0
    for seed in range(200):
        problem = random_problem(seed, Shape(6, 8, 3), 0.5, facts=seed % 2 == 1)
        if not problem.fixed:
            continue
        legs, _ = govern(problem.legs, problem.held, problem.limits, problem.fixed)
        for item in problem.limits:
            bound = item.bound / 10_000
            if item.measured(problem.fixed, problem.held) <= bound:
                assert item.measured((*legs, *problem.fixed), problem.held) <= bound * (1 + 1e-12) + 1e-6
                checked += 1
    assert checked > 500
