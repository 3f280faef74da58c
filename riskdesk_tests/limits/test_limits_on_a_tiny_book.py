"""Each quantity measured by hand on one small book, and the audit on both sides of each bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from riskdesk_assets.limits.audit import audit, breaches
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure, held_in_direction

# dollars:  T1: long 100 JPM, short 80 BAC;  T2: short 60 JPM, long 50 C;  T3: long 30 BAC, short 30 WFC
BOOK = (
    Leg("T1", "JPM", 100),
    Leg("T1", "BAC", -80),
    Leg("T2", "JPM", -60),
    Leg("T2", "C", 50),
    Leg("T3", "BAC", 30),
    Leg("T3", "WFC", -30),
)
# T1 was smaller (50 + 40), T2 the other way round, T3 larger (40 + 40), T4 is gone
HELD = (
    Leg("T1", "JPM", 50),
    Leg("T1", "BAC", -40),
    Leg("T2", "JPM", 10),
    Leg("T2", "C", -10),
    Leg("T3", "BAC", 40),
    Leg("T3", "WFC", -40),
    Leg("T4", "C", 70),
)
ALL = ("BAC", "C", "JPM", "WFC")
MEASURED = [
    (Measure.LEG, ("T1", "BAC"), 80),
    (Measure.TICKET_GROSS, ("T1",), 180),
    (Measure.BUCKET_GROSS, ("T1", "T3", "T9"), 240),  # 180 + 60, nothing nets
    (Measure.NAME_GROSS, ("JPM",), 160),  # 100 + 60, before they net
    (Measure.NAME_GROSS, ("BAC",), 110),
    (Measure.NET, ("JPM",), 40),  # 100 - 60
    (Measure.NET, ("BAC",), 50),  # |-80 + 30|
    (Measure.NET, ALL, 10),  # 40 - 50 + 50 - 30 = 10
    (Measure.GROSS, ALL, 170),  # 40 + 50 + 50 + 30
    (Measure.GROSS, ("JPM", "C"), 90),
    (Measure.ADDITIONS, (), 200),  # T1 180 - 90 = 90; T2 turned: 110; T3 shrank: 0
    (Measure.COUNT, (), 3),
]


def limit(measure: Measure, members: tuple[str, ...], bound: int) -> Limit:
    return Limit("it", Family.PORTFOLIO_GROSS, measure, members, bound, "here")


@pytest.mark.parametrize(("measure", "members", "amount"), MEASURED)
def test_every_quantity_is_what_a_person_adds_up(measure: Measure, members: tuple[str, ...], amount: int) -> None:
    assert limit(measure, members, 0).measured(BOOK, HELD) == amount


@pytest.mark.parametrize(("measure", "members", "amount"), MEASURED)
def test_the_audit_breaches_one_tick_above_the_bound_and_not_at_it(
    measure: Measure, members: tuple[str, ...], amount: int
) -> None:
    at, below = limit(measure, members, amount), limit(measure, members, amount - 1)
    rows = audit([at, below], BOOK, HELD, 0.8)
    assert [row.status for row in rows] == ["AMBER", "BREACH"]
    assert breaches(rows) == (rows[1],)
    assert rows[0].utilization == 1.0


def test_a_limit_is_amber_from_its_share_of_the_bound_on() -> None:
    # 170 of 212.5 is 80%: with whole ticks 212 is just above, 213 just below
    statuses = [audit([limit(Measure.GROSS, ALL, bound)], BOOK, HELD, 0.8)[0].status for bound in (212, 213)]
    assert statuses == ["AMBER", "OK"]


def test_a_bound_of_zero_is_held_by_nothing_and_breached_by_a_tick() -> None:
    nothing = limit(Measure.LEG, ("T1", "C"), 0)
    assert audit([nothing], BOOK, HELD, 0.8)[0].status == "OK"
    row = audit([limit(Measure.LEG, ("T2", "C"), 0)], [Leg("T2", "C", 1)], (), 0.8)[0]
    assert (row.status, row.utilization) == ("BREACH", None)


def test_gate_limits_are_audited_like_the_others() -> None:
    assert audit([replace(limit(Measure.GROSS, ALL, 169), mode="gate")], BOOK, HELD, 0.8)[0].status == "BREACH"


def test_the_order_of_legs_changes_no_measure() -> None:
    for measure, members, amount in MEASURED:
        assert limit(measure, members, 0).measured(BOOK[::-1], HELD[::-1]) == amount


def test_what_is_held_in_the_other_direction_counts_for_nothing() -> None:
    assert held_in_direction(BOOK, HELD) == {"T1": 90, "T2": 0, "T3": 80}


def test_the_sentence_of_a_row_has_the_numbers_and_where_the_bound_was_written() -> None:
    row = audit([limit(Measure.GROSS, ALL, 169)], BOOK, HELD, 0.8)[0]
    assert row.sentence() == "it: $0.02 breaches $0.02 (here)"
