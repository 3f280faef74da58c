from __future__ import annotations

import pytest

from riskdesk_assets.limits.governor import govern
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure

ALL = ("A", "B", "C", "D")


def limit(family: Family, measure: Measure, members: tuple[str, ...], dollars: float, mode: str = "construct") -> Limit:
    return Limit(f"{family.value}:{','.join(members)}", family, measure, members, round(dollars * 10_000), "test", mode)  # type: ignore[arg-type]


def pair(ticket_id: str, long: str, short: str, size: float) -> tuple[Leg[float], Leg[float]]:
    return Leg(ticket_id, long, size), Leg(ticket_id, short, -size)


def sizes(legs: tuple[Leg[float], ...]) -> dict[str, float]:
    return {f"{leg.ticket_id} {leg.symbol}": leg.notional for leg in legs}


def test_a_book_within_its_limits_is_left_as_it_is() -> None:
    legs = pair("T1", "A", "B", 100.0)
    assert govern(legs, (), [limit(Family.NAME_GROSS, Measure.NAME_GROSS, ("A",), 100)]) == (legs, ())


def test_a_name_cap_shrinks_both_legs_of_every_ticket_on_the_name() -> None:
    # A carries 100 + 60 = 160 gross although it nets to 40; the cap of 80 is a half
    legs, scalings = govern(
        (*pair("T1", "A", "B", 100.0), *pair("T2", "C", "A", 60.0), *pair("T3", "C", "D", 10.0)),
        (),
        [limit(Family.NAME_GROSS, Measure.NAME_GROSS, ("A",), 80)],
    )
    assert sizes(legs) == {"T1 A": 50.0, "T1 B": -50.0, "T2 C": 30.0, "T2 A": -30.0, "T3 C": 10.0, "T3 D": -10.0}
    assert [(item.ticket_id, item.ratio) for item in scalings] == [("T1", 0.5), ("T2", 0.5)]


def test_a_ticket_over_two_tight_names_takes_the_smaller_ratio_once() -> None:
    caps = [limit(Family.NAME_GROSS, Measure.NAME_GROSS, (name,), dollars) for name, dollars in (("A", 80), ("B", 50))]
    legs, scalings = govern(pair("T1", "A", "B", 100.0), (), caps)
    assert sizes(legs) == {"T1 A": 50.0, "T1 B": -50.0}
    assert [item.limit.members for item in scalings] == [("B",)]


def test_portfolio_gross_is_the_sum_of_net_sizes_and_scales_every_ticket() -> None:
    # nets: A 100 - 60 = 40, B -100, C 60: gross 200; a bound of 150 is three quarters
    legs, _ = govern(
        (*pair("T1", "A", "B", 100.0), *pair("T2", "C", "A", 60.0)),
        (),
        [limit(Family.PORTFOLIO_GROSS, Measure.GROSS, ALL, 150)],
    )
    assert sizes(legs) == pytest.approx({"T1 A": 75.0, "T1 B": -75.0, "T2 C": 45.0, "T2 A": -45.0})


def test_name_gross_comes_before_portfolio_gross() -> None:
    # document 000's order: T1 to 80 by the name cap first, then gross 80 + 80 + 60 + 60 = 280 to 210: x 0.75
    legs, scalings = govern(
        (*pair("T1", "A", "B", 100.0), *pair("T2", "C", "D", 60.0)),
        (),
        [limit(Family.PORTFOLIO_GROSS, Measure.GROSS, ALL, 210), limit(Family.NAME_GROSS, Measure.NAME_GROSS, ("A",), 80)],
    )
    assert sizes(legs) == pytest.approx({"T1 A": 60.0, "T1 B": -60.0, "T2 C": 45.0, "T2 D": -45.0})
    assert [item.limit.family for item in scalings] == [Family.NAME_GROSS, Family.PORTFOLIO_GROSS, Family.PORTFOLIO_GROSS]


def test_a_name_cut_to_what_a_later_step_left_of_it_may_come_out_higher_but_never_above_the_cut() -> None:
    # Document 000 scales names first and the whole book after them, and its portfolio gross nets tickets per symbol. T1 and T2
    # oppose each other in A; T3 hedges half of what they hold in B and E: nets A 0, B -50, E 50, gross 100.
    book = (*pair("T1", "A", "B", 100.0), *pair("T2", "E", "A", 100.0), *pair("T3", "B", "E", 50.0))
    whole = limit(Family.PORTFOLIO_GROSS, Measure.GROSS, ("A", "B", "E"), 60)

    def gross_in_a(bound: float) -> float:
        name = limit(Family.NAME_GROSS, Measure.NAME_GROSS, ("A",), bound)
        return name.measured(govern(book, (), [name, whole])[0])

    # A cap of 200 takes nothing: gross 100 is scaled to 60, A from 200 to 120.
    assert gross_in_a(200) == pytest.approx(120)
    # A cap of 150 scales T1 and T2 by 0.75: now T3 hedges more of them, B -25, E 25, gross 50 is within 60: A stays at 150.
    # No step can know what a later one would have taken, and none may give back: that is the order's own, no fault of a step.
    assert gross_in_a(150) == pytest.approx(150)
    # At 100 T3 hedges all of them; a cut below what was built takes effect as it is.
    assert gross_in_a(100) == pytest.approx(100)
    assert gross_in_a(119) == pytest.approx(119)


def test_turnover_scales_what_a_ticket_adds_and_not_what_it_holds() -> None:
    # T1 holds 160 gross and wants 200: 40 added; T2 is new: 60 added; together 100, the bound 50: a half of each addition
    legs, _ = govern(
        (*pair("T1", "A", "B", 100.0), *pair("T2", "C", "D", 30.0)),
        pair("T1", "A", "B", 80.0),
        [limit(Family.TURNOVER, Measure.ADDITIONS, (), 50)],
    )
    assert sizes(legs) == pytest.approx({"T1 A": 90.0, "T1 B": -90.0, "T2 C": 15.0, "T2 D": -15.0})


def test_a_turnover_bound_of_nothing_leaves_what_is_held() -> None:
    legs, _ = govern(
        (*pair("T1", "A", "B", 100.0), *pair("T2", "C", "D", 30.0)),
        pair("T1", "A", "B", 80.0),
        [limit(Family.TURNOVER, Measure.ADDITIONS, (), 0)],
    )
    assert sizes(legs) == pytest.approx({"T1 A": 80.0, "T1 B": -80.0, "T2 C": 0.0, "T2 D": 0.0})


def test_what_a_shrunk_hedge_uncovers_is_scaled_at_the_end() -> None:
    # T1 short 100 of A hedges T2's long 100 of A; a cap on B halves T1 and leaves A 50 net: over its 30
    legs, scalings = govern(
        (*pair("T1", "B", "A", 100.0), *pair("T2", "A", "C", 100.0)),
        (),
        [
            limit(Family.NAME_GROSS, Measure.NAME_GROSS, ("B",), 50),
            limit(Family.PORTFOLIO_NET, Measure.NET, ("A",), 30),
        ],
    )
    net = sum(leg.notional for leg in legs if leg.symbol == "A")
    assert net == pytest.approx(30.0)
    assert {item.ticket_id for item in scalings} == {"T1", "T2"}


def test_gate_limits_and_the_position_count_shape_nothing() -> None:
    legs = (*pair("T1", "A", "B", 100.0), *pair("T2", "C", "D", 30.0))
    limits = [
        limit(Family.PORTFOLIO_GROSS, Measure.GROSS, ALL, 10, "gate"),
        Limit("position_count", Family.POSITION_COUNT, Measure.COUNT, (), 1, "test"),
    ]
    assert govern(legs, (), limits) == (legs, ())


def test_a_limit_that_is_met_to_the_last_bit_is_not_told_twice() -> None:
    for size in (100.1, 333.3, 0.7, 12_345.67):
        _, scalings = govern(
            (*pair("T1", "A", "B", size), *pair("T2", "A", "C", size / 3)),
            (),
            [limit(Family.NAME_GROSS, Measure.NAME_GROSS, ("A",), size / 7)],
        )
        assert [item.ticket_id for item in scalings] == ["T1", "T2"]


def weighted(family: Family, measure: Measure, dollars: float, **shares_of_one: float) -> Limit:
    members = tuple(sorted(shares_of_one))
    row = tuple(round(shares_of_one[name] * 1_000_000) for name in members)
    return Limit(family.value, family, measure, members, round(dollars * 10_000), "test", coefficients=(row,))


def test_an_exposure_scales_the_tickets_that_have_one() -> None:
    # T1: 1.5 x 100 - 0.5 x 100 = 100; T2 is of names without exposure; a bound of 40 is two fifths
    factor = weighted(Family.FACTOR, Measure.EXPOSURE, 40, A=1.5, B=0.5, C=0.0)
    legs, scalings = govern((*pair("T1", "A", "B", 100.0), *pair("T2", "C", "D", 60.0)), (), [factor])
    assert sizes(legs) == {"T1 A": pytest.approx(40.0), "T1 B": pytest.approx(-40.0), "T2 C": 60.0, "T2 D": -60.0}
    assert [(item.ticket_id, item.limit.family) for item in scalings] == [("T1", Family.FACTOR)]


def test_a_scenarios_loss_scales_the_book_and_its_gain_does_not() -> None:
    fall = weighted(Family.SCENARIO_LOSS, Measure.LOSS, 10, A=-0.3, B=-0.1)
    # long A loses 30 and short B earns 10: 20, a bound of 10 is a half; the other way round it earns 20
    assert sizes(govern(pair("T1", "A", "B", 100.0), (), [fall])[0]) == {"T1 A": 50.0, "T1 B": -50.0}
    assert govern(pair("T1", "B", "A", 100.0), (), [fall]) == (pair("T1", "B", "A", 100.0), ())


def test_soft_names_are_a_gross_over_the_names_that_are_soft() -> None:
    soft = limit(Family.FRAGILITY, Measure.GROSS, ("A", "B"), 100)
    legs, _ = govern((*pair("T1", "A", "B", 100.0), *pair("T2", "C", "D", 60.0)), (), [soft])
    assert sizes(legs) == {"T1 A": 50.0, "T1 B": -50.0, "T2 C": 60.0, "T2 D": -60.0}


def test_what_frozen_legs_lose_leaves_less_for_the_tickets_and_what_they_earn_is_not_lent_to_them() -> None:
    fall = weighted(Family.SCENARIO_LOSS, Measure.LOSS, 10, A=-0.1, C=-0.1)
    # frozen long 40 of A loses 4 of the 10; T1 loses 10: 6 are left for it
    legs, _ = govern(pair("T1", "C", "B", 100.0), (), [fall], [Leg("F", "A", 40.0)])
    assert sizes(legs)["T1 C"] == pytest.approx(60.0)
    # a frozen short of 40 earns 4: together 6 are lost, within the bound
    assert govern(pair("T1", "C", "B", 100.0), (), [fall], [Leg("F", "A", -40.0)])[1] == ()


def test_frozen_legs_that_breach_an_exposure_alone_leave_nothing_to_the_tickets_that_touch_it() -> None:
    factor = weighted(Family.FACTOR, Measure.EXPOSURE, 10, A=1.0, C=1.0)
    legs, _ = govern(pair("T1", "C", "B", 100.0), (), [factor], [Leg("F", "A", 40.0)])
    assert sizes(legs) == {"T1 C": 0.0, "T1 B": 0.0}
