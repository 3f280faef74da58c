from __future__ import annotations

import warnings
from collections.abc import Callable

import cvxpy as cp
import numpy as np
import pytest

from riskdesk_assets.optimizer.compiled import compile_program

EXACT = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
Values = dict[cp.Parameter, np.ndarray]
Draw = Callable[[np.random.Generator], Values]
Case = tuple[cp.Problem, Draw]
N = 7


def quadratic() -> Case:
    """Variance and a kinked cost, an equality, bounds, an absolute sum."""
    w, z = cp.Variable(N), cp.Variable(N)
    mu, root, before, cost = cp.Parameter(N), cp.Parameter((N, N)), cp.Parameter(N), cp.Parameter(N, nonneg=True)
    goal = mu @ w - cp.sum_squares(root @ w) - cost @ cp.abs(z)
    rules = [cp.sum(w) == 1, z == w - before, w >= 0, w <= 0.4, cp.norm1(w - 1 / N) <= 0.7]

    def draw(rng: np.random.Generator) -> Values:
        return {
            mu: rng.normal(size=N),
            root: rng.normal(size=(N, N)),
            before: rng.dirichlet(np.ones(N)),
            cost: rng.uniform(0, 0.5, N) * (rng.random(N) < 0.7),
        }

    return cp.Problem(cp.Maximize(goal), rules), draw


def second_order() -> Case:
    """A norm in the objective and norms as limits, one written as a cone; linear otherwise."""
    w, t = cp.Variable(N), cp.Variable()
    mu, root, other, bound = cp.Parameter(N), cp.Parameter((N, N)), cp.Parameter((3, N)), cp.Parameter(nonneg=True)
    rules = [cp.sum(w) == 0, cp.norm(other @ w) <= bound, w <= 1, w >= -1, cp.SOC(t, root @ w)]

    def draw(rng: np.random.Generator) -> Values:
        return {
            mu: rng.normal(size=N),
            root: np.eye(N) + 0.3 * rng.normal(size=(N, N)),
            other: rng.normal(size=(3, N)),
            bound: np.array(rng.uniform(0.1, 1)),
        }

    return cp.Problem(cp.Minimize(t - mu @ w), rules), draw


def powers() -> Case:
    """Impact with the power 3/2 beside a variance, and a matrix variable."""
    w, z, m = cp.Variable(N), cp.Variable(N), cp.Variable((2, 3))
    mu, root, impact = cp.Parameter(N), cp.Parameter((3, N)), cp.Parameter(N, nonneg=True)
    floor = cp.Parameter((2, 3))
    goal = mu @ w - cp.sum_squares(root @ w) - impact @ cp.power(cp.abs(z), 1.5) - cp.sum_squares(m)
    rules = [z == w - 0.1, w <= 1, w >= -1, m >= floor]

    def draw(rng: np.random.Generator) -> Values:
        return {
            mu: rng.normal(size=N),
            root: rng.normal(size=(3, N)),
            impact: rng.uniform(0.3, 2.0, N),
            floor: rng.uniform(0.2, 1.0, (2, 3)),
        }

    return cp.Problem(cp.Maximize(goal), rules), draw


CASES = (quadratic, second_order, powers)


def dual_of(rule: cp.Constraint) -> np.ndarray:
    return np.concatenate([np.ravel(variable.value, order="F") for variable in rule.dual_variables])


@pytest.mark.parametrize("case", CASES)
def test_answer_and_prices_are_those_of_cvxpy_itself(case: Callable[[], Case]) -> None:
    problem, draw = case()
    program = compile_program(problem)
    for seed in range(15):
        values = draw(np.random.default_rng(seed))
        solved = program.solve(values, EXACT)
        for parameter, value in values.items():
            parameter.value = value
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            best = problem.solve(solver="CLARABEL", enforce_dpp=True, warm_start=False, **EXACT)
        assert solved.status == problem.status
        assert solved.objective == pytest.approx(best, abs=1e-9)
        for variable in problem.variables():
            np.testing.assert_allclose(solved.value(variable), variable.value, rtol=0, atol=1e-9)
        for rule in problem.constraints:
            np.testing.assert_allclose(np.ravel(solved.dual(rule), order="F"), dual_of(rule), rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_a_solve_alone_equals_the_same_solve_after_fifty_others_to_the_bit(case: Callable[[], Case]) -> None:
    problem, draw = case()
    days = [draw(np.random.default_rng(seed)) for seed in range(51)]
    alone = compile_program(problem).solve(days[-1], EXACT)
    program = compile_program(problem)
    for day in days[:-1]:
        program.solve(day, EXACT)
    after = program.solve(days[-1], EXACT)
    for item in problem.variables():
        assert alone.value(item).tobytes() == after.value(item).tobytes()
    for rule in problem.constraints:
        assert np.asarray(alone.dual(rule)).tobytes() == np.asarray(after.dual(rule)).tobytes()
    assert (alone.status, alone.objective, alone.iterations) == (after.status, after.objective, after.iterations)


def test_a_coefficient_that_is_zero_today_is_back_tomorrow() -> None:
    problem, draw = quadratic()
    program = compile_program(problem)
    full = draw(np.random.default_rng(1))
    empty = {parameter: np.zeros(parameter.shape) for parameter in full}
    before = program.solve(full, EXACT)
    assert program.canonical(empty)[0].matrix.nnz < program.canonical(full)[0].matrix.nnz
    program.solve(empty, EXACT)
    assert program.solve(full, EXACT).objective == before.objective


def test_what_cannot_be_met_and_what_has_no_end_are_said_and_give_no_point() -> None:
    w, bound, slope = cp.Variable(3), cp.Parameter(), cp.Parameter(3)
    program = compile_program(cp.Problem(cp.Maximize(slope @ w), [w >= 0, cp.sum(w) <= bound]))
    assert program.solve({bound: np.array(-1.0), slope: np.ones(3)}).status == "infeasible"
    held = cp.Problem(cp.Maximize(slope @ w), [w >= 0, bound * w[0] <= 1])
    free = compile_program(held).solve({bound: np.array(1.0), slope: np.ones(3)})
    assert free.status == "unbounded"
    assert free.value(w) is None
    assert np.isnan(free.objective)


def test_iterations_end_a_solve_and_the_answer_says_so() -> None:
    problem, draw = quadratic()
    solved = compile_program(problem).solve(draw(np.random.default_rng(0)), {"max_iter": 2})
    assert (solved.status, solved.iterations) == ("user_limit", 2)


def test_a_problem_that_would_be_compiled_anew_every_day_is_refused() -> None:
    w, a, b = cp.Variable(3), cp.Parameter(3), cp.Parameter(3)
    with pytest.raises(ValueError, match="not DPP"):
        compile_program(cp.Problem(cp.Minimize(cp.sum_squares(w) + cp.multiply(a, b) @ w), [w >= 0]))


def test_bounds_that_are_attributes_are_refused_for_they_have_no_price() -> None:
    w, a = cp.Variable(3, nonneg=True), cp.Parameter(3)
    with pytest.raises(ValueError, match="state a variable's bounds as constraints"):
        compile_program(cp.Problem(cp.Minimize(cp.sum_squares(w) + a @ w), [cp.sum(w) == 1]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no value"),
        ({"a": np.ones(2), "b": np.array(1.0)}, r"shape \(3,\) was given a value of shape \(2,\)"),
        ({"a": np.array([1.0, np.nan, 0.0]), "b": np.array(1.0)}, "not a finite number"),
        ({"a": np.ones(3), "b": np.array(-1.0)}, "against its declared sign"),
    ],
)
def test_a_parameter_that_is_missing_misshapen_infinite_or_of_the_wrong_sign_is_named(
    given: dict[str, np.ndarray], message: str
) -> None:
    w, a, b = cp.Variable(3), cp.Parameter(3), cp.Parameter(nonneg=True)
    program = compile_program(cp.Problem(cp.Minimize(a @ w + b * cp.norm1(w)), [w >= -1, w <= 1]))
    named = {"a": a, "b": b}
    with pytest.raises(ValueError, match=message):
        program.solve({named[name]: value for name, value in given.items()})


def test_a_constraint_of_another_problem_has_no_dual_here() -> None:
    w, a = cp.Variable(3), cp.Parameter(3)
    other = cp.sum(w) <= 2
    solved = compile_program(cp.Problem(cp.Minimize(a @ w), [w >= -1, w <= 1])).solve({a: np.ones(3)})
    with pytest.raises(ValueError, match="no part of the problem"):
        solved.dual(other)
