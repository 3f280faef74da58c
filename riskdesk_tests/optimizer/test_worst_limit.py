from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskdesk_assets.interfaces.bench_tickets import ticket_days
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_assets.optimizer.ticket_problem import TicketProblem, scaled_legs
from riskdesk_assets.optimizer.worst_limit import _Sums, worst_limit
from riskdesk_tests.optimizer.random_desks import NAV, Shape, limit, names, random_problem

SYMBOLS = names(9)


def every_measure(rng: np.random.Generator) -> tuple[Limit, ...]:
    """A limit of every measure in dollars, a member or two of which the book may not hold."""
    whole = tuple(tuple(int(c) for c in row) for row in rng.integers(-900_000, 900_000, (3, 10)))
    members = (*SYMBOLS, "ABSENT")

    def weighted(name: str, measure: Measure, rows: tuple[tuple[int, ...], ...], worst: int = 1) -> Limit:
        return Limit(name, Family.FACTOR, measure, members, 10_000, "test", coefficients=rows, worst=worst)

    root = rng.integers(-900, 900, (10, 10))
    covariance = tuple(tuple(int(c) for c in row) for row in root @ root.T * 1000)
    return (
        limit("leg", Measure.LEG, ("T01", SYMBOLS[2]), 1.0),
        limit("ticket", Measure.TICKET_GROSS, ("T02",), 1.0),
        limit("bucket", Measure.BUCKET_GROSS, ("T00", "T03", "absent", "frozen"), 1.0),
        limit("name", Measure.NAME_GROSS, (SYMBOLS[0],), 1.0),
        limit("net", Measure.NET, members, 1.0),
        limit("gross", Measure.GROSS, members[3:], 1.0),
        limit("additions", Measure.ADDITIONS, (), 1.0),
        Limit("traded", Family.TURNOVER, Measure.TRADED, members, 10_000, "test"),
        weighted("exposure", Measure.EXPOSURE, whole[:1]),
        weighted("loss", Measure.LOSS, whole[:1]),
        weighted("shortfall", Measure.SHORTFALL, whole, 2),
        weighted("volatility", Measure.VOLATILITY, covariance),
    )


def a_book(seed: int) -> tuple[TicketProblem, list[Leg[float]]]:
    problem = random_problem(seed, Shape(6, 9, 3), 0.6)
    share = dict(zip(problem.ticket_ids, np.random.default_rng(seed).uniform(0, 1, 6).tolist(), strict=True))
    return problem, [*scaled_legs(problem, share), *problem.fixed]


def test_every_measure_is_what_the_limit_itself_measures() -> None:
    for seed in range(30):
        problem, legs = a_book(seed)
        for item in (*every_measure(np.random.default_rng(seed)), *problem.limits):
            assert _Sums(legs).measured(item, problem.held) == pytest.approx(
                item.measured(legs, problem.held), rel=1e-13, abs=1e-8
            )
    assert {item.measure for item in every_measure(np.random.default_rng(0))} == set(Measure) - {Measure.COUNT}


def test_the_worst_limit_is_the_one_that_measuring_each_alone_finds() -> None:
    for seed in range(60):
        problem, legs = a_book(seed)
        limits = (*every_measure(np.random.default_rng(seed)), *problem.limits) if seed % 2 else problem.limits
        alone = [((item.measured(legs, problem.held) - item.bound / 10_000) / NAV, item.name) for item in limits]
        worst = max(over for over, _ in alone)
        assert worst_limit(limits, legs, problem.held, NAV) == next(found for found in alone if found[0] == worst)


def test_of_two_limits_breached_alike_the_first_is_named() -> None:
    problem, legs = a_book(3)
    item = limit("first", Measure.GROSS, SYMBOLS, 1.0)
    assert worst_limit((item, replace(item, name="second")), legs, (), NAV)[1] == "first"
    assert worst_limit((), legs, problem.held, NAV) == (0.0, "")


def test_a_book_of_nothing_has_all_the_room_of_its_tightest_limit() -> None:
    limits = ticket_days(1)[0].limits
    nav = ticket_days(1)[0].nav
    tightest = min(limits, key=lambda item: item.bound)
    assert worst_limit(limits, [], [], nav) == (-tightest.bound / 10_000 / nav, tightest.name)
