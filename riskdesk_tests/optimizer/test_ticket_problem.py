from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from riskdesk_assets.common.version import library_versions
from riskdesk_assets.limits.limit import Leg, Limit, Measure
from riskdesk_assets.optimizer import model
from riskdesk_assets.optimizer.solver_chain import CHAIN, Solver
from riskdesk_assets.optimizer.ticket_problem import TicketProblem, scaled_legs, solve
from riskdesk_tests.optimizer.random_desks import NAV, SETTINGS, Shape, limit, random_problem


def book(problem: TicketProblem, x: Mapping[str, float]) -> list[Leg[float]]:
    return [*scaled_legs(problem, x), *problem.fixed]


def objective(problem: TicketProblem, x: Mapping[str, float]) -> float:
    """methods.md section 7 written out once more, ticket by ticket and name by name."""
    horizon = {t: min(float(h), 252.0) for t, h in zip(problem.ticket_ids, problem.horizons, strict=True)}
    weight, before = dict.fromkeys(problem.symbols, 0.0), dict.fromkeys(problem.symbols, 0.0)
    for leg in book(problem, x):
        weight[leg.symbol] += leg.notional / problem.nav
    for leg in problem.held:
        before[leg.symbol] += leg.notional / problem.nav
    gross = {t: sum(abs(leg.notional) for leg in problem.legs if leg.ticket_id == t) / problem.nav for t in problem.ticket_ids}
    w = np.array([weight[s] for s in problem.symbols])
    value = sum(float(mu) * x[t] for mu, t in zip(problem.reversion, problem.ticket_ids, strict=True))
    value -= problem.risk_aversion * float(w @ problem.covariance @ w)
    mean = sum(horizon.values()) / len(horizon)
    value -= sum(float(c) * abs(weight[s] - before[s]) / mean for c, s in zip(problem.cost_rate, problem.symbols, strict=True))
    gamma = problem.settings.tracking_bp * 1e-4
    return value - gamma * sum(gross[t] * (x[t] - 1) ** 2 / horizon[t] for t in problem.ticket_ids)


def worst_breach(problem: TicketProblem, x: Mapping[str, float]) -> float:
    made = book(problem, x)
    return max((item.measured(made, problem.held) - item.bound / 10_000) / problem.nav for item in problem.limits)


def plainly_modelled(problem: TicketProblem) -> float:
    """The optimum of a second, naive model: built afresh, every limit with its absolute values, nothing left out."""
    import cvxpy as cp

    place = {s: i for i, s in enumerate(problem.symbols)}
    column = {t: k for k, t in enumerate(problem.ticket_ids)}
    signed, size = np.zeros((len(place), len(column))), np.zeros((len(place), len(column)))
    for leg in problem.legs:
        signed[place[leg.symbol], column[leg.ticket_id]] += leg.notional / problem.nav
        size[place[leg.symbol], column[leg.ticket_id]] += abs(leg.notional) / problem.nav
    fixed, fixed_size, before = np.zeros(len(place)), np.zeros(len(place)), np.zeros(len(place))
    for leg in problem.fixed:
        fixed[place[leg.symbol]] += leg.notional / problem.nav
        fixed_size[place[leg.symbol]] += abs(leg.notional) / problem.nav
    for leg in problem.held:
        before[place[leg.symbol]] += leg.notional / problem.nav
    x = cp.Variable(len(column))
    w = signed @ x + fixed
    gross, horizons = size.sum(axis=0), np.minimum(problem.horizons, 252)
    rules = [x >= 0, x <= 1]
    for item in problem.limits:
        rows, bound = [place[s] for s in item.members], item.bound / 10_000 / problem.nav
        if item.measure is Measure.NAME_GROSS:
            rules.append(cp.sum((size @ x + fixed_size)[rows]) <= bound)
        elif item.measure is Measure.NET:
            rules.append(cp.abs(cp.sum(w[rows])) <= bound)
        elif item.measure is Measure.GROSS:
            rules.append(cp.norm1(w[rows]) <= bound if rows else True)
        elif item.measure is Measure.EXPOSURE:
            rules.append(cp.abs(np.array(item.coefficients[0]) / 1e6 @ w[rows]) <= bound)
        elif item.measure is Measure.LOSS:
            rules.append(-(np.array(item.coefficients[0]) / 1e6) @ w[rows] <= bound)
        else:
            same = []
            for t in problem.ticket_ids:
                old = {leg.symbol: leg.notional for leg in problem.held if leg.ticket_id == t}
                turned = any(leg.notional * old.get(leg.symbol, 0) < 0 for leg in problem.legs if leg.ticket_id == t)
                same.append(0.0 if turned else sum(map(abs, old.values())) / problem.nav)
            rules.append(cp.sum(cp.pos(cp.multiply(gross, x) - np.array(same))) <= bound)
    values, vectors = np.linalg.eigh(problem.covariance)
    spread = (np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T) @ w
    risk = cp.norm(spread) if problem.optimizer_type == "SOCP" else cp.sum_squares(spread)
    goal = problem.reversion @ x - problem.risk_aversion * risk
    goal -= problem.cost_rate @ cp.abs(w - before) / horizons.mean()
    goal -= problem.settings.tracking_bp * 1e-4 * cp.sum(cp.multiply(gross / horizons, cp.square(x - 1)))
    return float(cp.Problem(cp.Maximize(1e4 * goal), rules).solve(solver="CLARABEL") / 1e4)


@pytest.mark.parametrize("seed", range(24))
def test_the_optimum_equals_that_of_a_second_plain_model(seed: int) -> None:
    problem = random_problem(seed, Shape(1 + seed % 9, 4 + seed % 12, 3), 0.6, facts=seed % 2 == 1)
    solution = solve(problem)
    assert solution.status == "OPTIMAL"
    # bounds are drawn in by a millionth of NAV, which costs its price: below 1e-8 a day
    assert objective(problem, solution.x) == pytest.approx(plainly_modelled(problem), abs=1e-8)
    assert worst_breach(problem, solution.x) <= 0


@pytest.mark.parametrize("seed", range(6))
def test_no_point_of_a_fine_grid_is_better(seed: int) -> None:
    problem = random_problem(seed, Shape(2, 4, 2), 0.5)
    best = objective(problem, solve(problem).x)
    for point in product(np.linspace(0, 1, 41), repeat=2):
        x = dict(zip(problem.ticket_ids, map(float, point), strict=True))
        if worst_breach(problem, x) <= -1e-6:
            assert objective(problem, x) <= best + 1e-9


def test_the_reported_parts_add_up_to_the_objective() -> None:
    problem = random_problem(5, Shape(6, 10, 3))
    made = solve(problem)
    gross = {t: sum(abs(leg.notional) for leg in problem.legs if leg.ticket_id == t) / NAV for t in problem.ticket_ids}
    tracking = sum(
        20e-4 * gross[t] * (made.x[t] - 1) ** 2 / h for t, h in zip(problem.ticket_ids, problem.horizons, strict=True)
    )
    assert made.expected_return - 10 * made.variance - made.cost - tracking == pytest.approx(
        objective(problem, made.x), abs=1e-15
    )


def test_a_price_is_what_one_more_dollar_of_the_limit_is_worth() -> None:
    compared, step = 0, 250.0
    for seed in range(8):
        problem = random_problem(seed, Shape(6, 8, 3), 0.5)
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


@pytest.mark.parametrize("measure", ["name_gross", "symbol_net", "group", "portfolio_net", "portfolio_gross", "turnover"])
def test_a_limit_binds_below_what_the_book_would_be_and_not_above(measure: str) -> None:
    free = random_problem(11, Shape(5, 6, 2))
    free = replace(free, limits=tuple(replace(item, bound=10**12) for item in free.limits))
    wanted = solve(free)
    assert wanted.prices == {}
    item = next(i for i in free.limits if i.name.startswith(measure) and i.measured(book(free, wanted.x), free.held) > 1_000)
    level = item.measured(book(free, wanted.x), free.held)
    above = solve(with_bound(free, item, int(level * 10_001)))
    below_problem = with_bound(free, item, int(level * 9_000))
    below = solve(below_problem)
    assert above.prices == {}
    assert above.x == pytest.approx(dict(wanted.x), abs=1e-5)
    assert below.prices[item.name] > 0
    assert set(below.prices) == {item.name}
    assert item.measured(book(below_problem, below.x), free.held) == pytest.approx(0.9 * level, abs=2e-6 * NAV)


def test_a_tighter_limit_never_raises_the_optimum_nor_what_it_measures() -> None:
    for seed in range(5):
        problem = random_problem(seed, Shape(5, 8, 3), 0.7)
        for item in problem.limits[:: 1 + seed % 4]:
            value, level = np.inf, np.inf
            for share in (1.3, 1.0, 0.7, 0.3, 0.0):
                tighter = with_bound(problem, item, int(item.bound * share))
                solution = solve(tighter)
                if solution.status == "FAILED":
                    assert solution.unmet_by_fixed
                    break
                new_value = objective(problem, solution.x)
                new_level = item.measured(book(problem, solution.x), problem.held) / NAV
                assert new_value <= value + 1e-9
                assert new_level <= level + 3e-6
                value, level = new_value, new_level


def test_the_order_of_legs_and_books_changes_no_bit() -> None:
    for seed in range(10):
        problem = random_problem(seed, Shape(7, 9, 3), 0.5)
        turned = replace(problem, legs=problem.legs[::-1], held=problem.held[::-1], fixed=problem.fixed[::-1])
        assert solve(turned) == solve(problem)


def test_renaming_the_tickets_renames_the_answer() -> None:
    for seed in range(10):
        problem = random_problem(seed, Shape(6, 9, 3), 0.5)
        new = dict(zip(problem.ticket_ids, reversed(problem.ticket_ids), strict=True))

        def renamed(legs: tuple[Leg[float], ...], new: dict[str, str] = new) -> tuple[Leg[float], ...]:
            return tuple(leg._replace(ticket_id=new.get(leg.ticket_id, leg.ticket_id)) for leg in legs)

        other = replace(
            problem,
            legs=renamed(problem.legs),
            held=renamed(problem.held),
            reversion=problem.reversion[::-1],
            horizons=problem.horizons[::-1],
        )
        x = solve(other).x
        assert {t: x[new[t]] for t in problem.ticket_ids} == pytest.approx(dict(solve(problem).x), abs=1e-6)


def test_a_day_alone_equals_the_same_day_after_fifty_others_bit_for_bit() -> None:
    problems = [random_problem(seed, Shape(1 + seed % 12, 12, 4), 0.6) for seed in range(50)]
    model._compiled.cache_clear()
    alone = [solve(problem) for problem in problems[-3:]]
    model._compiled.cache_clear()
    for problem in problems:
        solve(problem)
    solve(problems[-1], CHAIN[1:])
    assert [solve(problem) for problem in problems[-3:]] == alone


def test_one_and_two_threads_give_the_same_bits() -> None:
    code = (
        "from riskdesk_tests.optimizer.random_desks import *\n"
        "from riskdesk_assets.optimizer.ticket_problem import solve\n"
        "for seed in range(6):\n"
        "    made = solve(random_problem(seed, Shape(12, 24), 0.6))\n"
        "    print([v.hex() for v in made.x.values()], [(k, v.hex()) for k, v in made.prices.items()], made.variance.hex())\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, "PYTHONHASHSEED": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    ]
    assert said[0].count("\n") == 6
    assert said[0] == said[1]


def test_the_second_solver_answers_when_the_first_stops_early() -> None:
    for seed in range(10):
        problem = random_problem(seed, Shape(8, 12, 4), 0.6)
        broken = (Solver("CLARABEL", {"max_iter": 1}), CHAIN[1])
        solution = solve(problem, broken)
        assert (solution.status, solution.solver, len(solution.attempts)) == ("OPTIMAL", "SCS", 2)
        assert objective(problem, solution.x) == pytest.approx(objective(problem, solve(problem).x), abs=2e-8)
        assert solution.attempts[0].message != "accepted"


def test_an_answer_that_is_far_from_the_optimum_is_refused_whatever_its_status() -> None:
    problem = random_problem(2, Shape(8, 12, 4), 0.6)
    solution = solve(problem, (Solver("SCS", {"max_iters": 3}), Solver("CLARABEL", {"max_iter": 2})))
    assert solution.status == "FAILED"
    assert set(solution.x.values()) == {0.0}
    assert [attempt.solver for attempt in solution.attempts] == ["SCS", "CLARABEL"]


def test_a_solver_that_is_not_there_is_an_attempt_and_not_a_crash() -> None:
    solution = solve(random_problem(2, Shape(3, 5, 2)), (Solver("NO_SUCH_SOLVER"), *CHAIN))
    assert solution.status == "OPTIMAL"
    assert solution.attempts[0].message == "no point"


def test_frozen_legs_that_alone_breach_a_limit_are_named() -> None:
    problem = random_problem(4, Shape(3, 5, 2))
    frozen = (Leg("frozen", "N000", 300_000.0), Leg("frozen", "N001", -300_000.0))
    limits = (limit("name_gross:N000", Measure.NAME_GROSS, ("N000",), 299_000.0), *problem.limits)
    wide = tuple(replace(item, bound=10**12) if item is not limits[0] else item for item in limits)
    solution = solve(replace(problem, fixed=frozen, held=frozen, limits=wide))
    assert solution.status == "FAILED"
    assert solution.unmet_by_fixed == ("name_gross:N000",)


def test_a_net_that_frozen_legs_breach_is_cured_by_a_ticket_that_hedges_them() -> None:
    frozen = (Leg("frozen", "N000", 300_000.0),)
    net = limit("portfolio_net", Measure.NET, ("N000", "N001", "N002"), 200_000.0)
    base = random_problem(4, Shape(1, 3, 2))
    problem = replace(
        base, legs=(Leg("T00", "N001", 50_000.0), Leg("T00", "N002", -250_000.0)), fixed=frozen, held=frozen, limits=(net,)
    )
    solution = solve(problem)
    assert solution.status == "OPTIMAL"
    assert net.measured(book(problem, solution.x)) <= 200_000.0


def test_a_ticket_with_nothing_approved_changes_nothing() -> None:
    problem = random_problem(6, Shape(4, 6, 2), 0.5)
    silent = tuple(leg._replace(notional=0.0) if leg.ticket_id == "T03" else leg for leg in problem.legs)
    without = replace(
        problem,
        ticket_ids=problem.ticket_ids[:3],
        legs=tuple(leg for leg in problem.legs if leg.ticket_id != "T03"),
        reversion=problem.reversion[:3],
        horizons=problem.horizons[:3],
    )
    assert dict(solve(replace(problem, legs=silent)).x) == {**solve(without).x, "T03": 1.0}


def test_a_free_desk_with_no_cost_and_no_risk_takes_all_it_was_approved_for() -> None:
    for seed in range(8):
        problem = random_problem(seed, Shape(6, 8, 3))
        problem = replace(
            problem,
            covariance=np.zeros_like(problem.covariance),
            cost_rate=np.zeros(8),
            limits=tuple(replace(item, bound=10**12) for item in problem.limits),
        )
        # where nothing is gained by the last of it, the objective is flat there
        assert min(solve(problem).x.values()) >= 1 - 1e-4


@pytest.mark.parametrize("bound", [0.0, 1e-4, 0.0025])
def test_limits_of_nothing_and_next_to_nothing_are_met(bound: float) -> None:
    for seed in range(8):
        base = random_problem(seed, Shape(6, 8, 3))
        base = replace(base, fixed=())
        for item in (base.limits[0], base.limits[8], base.limits[-4], base.limits[-3], base.limits[-2], base.limits[-1]):
            solution = solve(with_bound(base, item, int(bound * 10_000)))
            assert solution.status == "OPTIMAL", (item.name, solution.attempts)


def test_twins_share_alike() -> None:
    base = random_problem(9, Shape(2, 2, 1), 0.4)
    legs = tuple(Leg(t, s, size) for t in base.ticket_ids for s, size in (("N000", 300_000.0), ("N001", -280_000.0)))
    twins = replace(base, legs=legs, held=(), fixed=(), reversion=np.array([1e-5, 1e-5]), horizons=np.array([20.0, 20.0]))
    x = solve(twins).x
    assert 0 < x["T00"] < 1
    assert x["T00"] == pytest.approx(x["T01"], abs=1e-7)


def test_without_tracking_cost_or_risk_the_program_is_linear_and_still_right() -> None:
    for seed in range(10):
        problem = random_problem(seed, Shape(5, 8, 3), 0.5)
        flat = replace(problem, risk_aversion=0.0, settings=SETTINGS.model_copy(update={"tracking_bp": 0.0}))
        solution = solve(flat)
        assert solution.status == "OPTIMAL"
        assert objective(flat, solution.x) == pytest.approx(plainly_modelled(flat), abs=1e-8)


def test_an_empty_session_has_an_empty_answer() -> None:
    base = random_problem(1, Shape(1, 3, 1))
    empty = replace(base, ticket_ids=(), legs=(), held=(), fixed=(), reversion=np.zeros(0), horizons=np.zeros(0))
    solution = solve(empty)
    assert (solution.status, dict(solution.x), solution.attempts) == ("OPTIMAL", {}, ())


def test_gate_limits_and_counts_do_not_shape_the_book() -> None:
    problem = random_problem(7, Shape(4, 6, 2))
    count = limit("position_count", Measure.COUNT, (), 0.0)
    gate = limit("gate", Measure.GROSS, problem.symbols, 1.0, mode="gate")
    assert solve(replace(problem, limits=(*problem.limits, count, gate))) == solve(problem)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ticket_ids": ("T01", "T00")}, "sorted"),
        ({"horizons": np.array([1.0])}, "horizons"),
        ({"reversion": np.array([np.nan, 0.0])}, "reversion"),
        ({"cost_rate": np.array([-1.0, 0, 0, 0])}, "cost_rate"),
        ({"legs": (Leg("T00", "XXX", 1.0),)}, "XXX"),
        ({"legs": (Leg("T99", "N000", 1.0),)}, "T99"),
    ],
)
def test_a_malformed_problem_is_refused_by_name(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(random_problem(1, Shape(2, 4, 2)), **change)  # type: ignore[arg-type]


def with_bound(problem: TicketProblem, item: Limit, bound: int) -> TicketProblem:
    return replace(problem, limits=tuple(replace(i, bound=max(0, bound)) if i.name == item.name else i for i in problem.limits))


def test_every_solver_of_the_chain_is_among_the_libraries_a_run_id_hashes() -> None:
    assert {solver.name.lower() for solver in CHAIN} <= set(library_versions())
