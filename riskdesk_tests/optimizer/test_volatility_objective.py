from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from riskdesk_assets.limits.limit import Leg, Limit
from riskdesk_assets.optimizer.model import Answer, Coefficients
from riskdesk_assets.optimizer.solver_chain import CHAIN, optimality_gap
from riskdesk_assets.optimizer.ticket_problem import TicketProblem, solve
from riskdesk_tests.optimizer.random_desks import NAV, Shape, random_problem
from riskdesk_tests.optimizer.test_ticket_problem import book, plainly_modelled, with_bound, worst_breach
from riskdesk_tests.optimizer.test_ticket_problem import objective as with_variance

# A volatility is some hundred times its variance: aversions from next to nothing to a book kept flat.
AVERSIONS = (1e-4, 1e-3, 5e-3, 5e-2, 2.0)


def desk(seed: int, shape: Shape, tight: float = 0.6) -> TicketProblem:
    return replace(random_problem(seed, shape, tight), optimizer_type="SOCP", risk_aversion=AVERSIONS[seed % len(AVERSIONS)])


def variance(problem: TicketProblem, x: Mapping[str, float]) -> float:
    weight = dict.fromkeys(problem.symbols, 0.0)
    for leg in book(problem, x):
        weight[leg.symbol] += leg.notional / problem.nav
    w = np.array([weight[s] for s in problem.symbols])
    return float(w @ problem.covariance @ w)


def objective(problem: TicketProblem, x: Mapping[str, float]) -> float:
    return with_variance(replace(problem, risk_aversion=0.0), x) - problem.risk_aversion * variance(problem, x) ** 0.5


@pytest.mark.parametrize("seed", range(25))
def test_the_optimum_equals_that_of_a_second_plain_model(seed: int) -> None:
    problem = desk(seed, Shape(1 + seed % 9, 4 + seed % 12, 3))
    solution = solve(problem)
    assert (solution.status, solution.solver) == ("OPTIMAL", "CLARABEL")
    assert objective(problem, solution.x) == pytest.approx(plainly_modelled(problem), abs=1e-8)
    assert worst_breach(problem, solution.x) <= 0


@pytest.mark.parametrize(("seed", "tickets", "steps"), [(1, 2, 61), (2, 2, 61), (3, 3, 21), (6, 3, 21), (7, 4, 11), (8, 4, 11)])
def test_no_point_of_a_grid_is_better(seed: int, tickets: int, steps: int) -> None:
    problem = desk(seed, Shape(tickets, 5, 2))
    best = objective(problem, solve(problem).x)
    for point in product(np.linspace(0, 1, steps), repeat=tickets):
        x = dict(zip(problem.ticket_ids, map(float, point), strict=True))
        if objective(problem, x) > best + 1e-9:
            assert worst_breach(problem, x) > -1e-6


def test_a_price_is_what_one_more_dollar_of_the_limit_is_worth() -> None:
    compared, step = 0, 250.0
    for seed in range(10):
        problem = desk(seed, Shape(6, 8, 3), 0.5)
        solution = solve(problem)
        base = objective(problem, solution.x)
        for item in problem.limits:
            up, down = (
                (objective(moved, solve(moved).x) - base) * NAV / shift
                for shift in (step, -step)
                for moved in [with_bound(problem, item, item.bound + round(shift * 10_000))]
            )
            if abs(up - down) > 0.02 * abs(up) + 1e-7:
                continue  # a kink: the price of one more and of one less dollar differ
            assert solution.prices.get(item.name, 0.0) == pytest.approx((up + down) / 2, rel=0.02, abs=2e-7)
            compared += solution.prices.get(item.name, 0.0) > 1e-6
    assert compared >= 8


def test_an_aversion_beyond_every_gain_leaves_the_book_flat_and_the_answer_proven_best() -> None:
    for seed in range(8):
        problem = replace(desk(seed, Shape(6, 8, 3)), held=(), fixed=(), risk_aversion=50.0)
        problem = replace(problem, settings=problem.settings.model_copy(update={"tracking_bp": 0.0}))
        solution = solve(problem)
        assert solution.status == "OPTIMAL"
        assert max(solution.x.values()) <= 1e-5
        assert solution.prices == {}


def test_frozen_legs_that_no_ticket_can_hedge_count_in_the_volatility() -> None:
    base = desk(3, Shape(3, 8, 2))
    frozen = (Leg("frozen", "N000", 300_000.0), Leg("frozen", "N001", -200_000.0))
    free: tuple[Limit, ...] = tuple(replace(item, bound=10**12) for item in base.limits)
    problem = replace(base, fixed=frozen, held=frozen, limits=free, risk_aversion=5e-3)
    solution = solve(problem)
    assert objective(problem, solution.x) == pytest.approx(plainly_modelled(problem), abs=1e-9)
    assert solution.variance == pytest.approx(variance(problem, solution.x), rel=1e-12)


def test_both_solvers_find_the_same_optimum() -> None:
    for seed in range(6):
        problem = desk(seed, Shape(6, 8, 3))
        second = solve(problem, CHAIN[1:])
        assert second.solver == "SCS"
        assert objective(problem, second.x) == pytest.approx(objective(problem, solve(problem).x), abs=2e-8)


def test_a_covariance_of_nothing_and_twins_are_answered() -> None:
    problem = desk(4, Shape(6, 8, 3))
    nothing = replace(problem, covariance=np.zeros_like(problem.covariance))
    twins = problem.covariance.copy()
    twins[1], twins[:, 1] = twins[0], twins[:, 0]
    twins[1, 1] = twins[0, 0]
    for odd in (nothing, replace(problem, covariance=twins)):
        assert objective(odd, solve(odd).x) == pytest.approx(plainly_modelled(odd), abs=1e-8)


def test_a_day_alone_equals_the_same_day_after_others_bit_for_bit() -> None:
    problems = [desk(seed, Shape(1 + seed % 12, 12, 4)) for seed in range(20)]
    alone = solve(problems[-1])
    for problem in problems:
        solve(problem)
    assert solve(problems[-1]) == alone


def random_numbers(rng: np.random.Generator, norm: bool) -> Coefficients:
    return Coefficients(
        mu=rng.normal(size=5),
        cost=rng.uniform(0, 1, 3),
        root=rng.normal(size=(5, 5)),
        shift=rng.normal(size=5),
        rows=rng.normal(size=(4, 5)),
        weights=rng.uniform(0, 1, (4, 3)),
        bounds=rng.uniform(2, 5, 4),
        slopes=rng.normal(size=(3, 5)),
        offsets=rng.normal(size=3),
        norm_root=rng.normal(size=(6, 5)) if norm else None,
        norm_shift=rng.normal(size=6) if norm else None,
    )


def value(numbers: Coefficients, point: np.ndarray) -> float:
    residual = numbers.root @ point + numbers.shift
    found = numbers.mu @ point - residual @ residual - numbers.cost @ np.abs(numbers.slopes @ point + numbers.offsets)
    if numbers.norm_root is not None and numbers.norm_shift is not None:
        found -= np.linalg.norm(numbers.norm_root @ point + numbers.norm_shift)
    return float(found)


@pytest.mark.parametrize("norm", [False, True])
def test_the_gap_bounds_every_feasible_point_whatever_the_solver_said_of_prices_and_directions(norm: bool) -> None:
    rng, compared = np.random.default_rng(5), 0
    for _ in range(200):
        numbers = random_numbers(rng, norm)
        direction = rng.normal(size=6 if norm else 0)
        direction /= max(1.0, float(np.linalg.norm(direction)))
        given = Answer("", None, rng.uniform(0, 2, 4), rng.uniform(-1, 1, 3), direction)
        x = rng.uniform(0, 1, 5)
        gap = optimality_gap(numbers, x, given)
        for other in rng.uniform(0, 1, (40, 5)):
            used = numbers.rows @ other + numbers.weights @ np.abs(numbers.slopes @ other + numbers.offsets)
            if (used <= numbers.bounds).all():
                assert gap >= value(numbers, other) - value(numbers, x) - 1e-12
                compared += 1
    assert compared > 1_000


def test_the_gap_of_a_flat_book_is_closed_by_the_direction_and_by_nothing_else() -> None:
    flat = np.zeros(2)
    numbers = Coefficients(
        mu=np.array([0.6, 0.8]),
        cost=np.zeros(0),
        root=np.zeros((2, 2)),
        shift=flat,
        rows=np.zeros((0, 2)),
        weights=np.zeros((0, 0)),
        bounds=np.zeros(0),
        slopes=np.zeros((0, 2)),
        offsets=np.zeros(0),
        norm_root=np.eye(3, 2),
        norm_shift=np.zeros(3),
    )
    # mu'x - |x| with |mu| = 1: no x is better than 0, and only v = mu proves it
    told = Answer("", flat, np.zeros(0), np.zeros(0), np.array([0.6, 0.8, 0.0]))
    assert optimality_gap(numbers, flat, told) == pytest.approx(0.0, abs=1e-15)
    assert optimality_gap(numbers, flat, replace(told, direction=np.zeros(3))) == pytest.approx(1.4)
