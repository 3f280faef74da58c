"""How fast the optimizer is: paired with Clarabel called directly, CVXPY as it comes and other libraries, in one run.

Every contender solves the same days, one after the other within a day, on one thread; what is reported is the median of the
days in processor time, which what else the machine does hardly touches. Milliseconds depend on the machine, the ratios much
less.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import TYPE_CHECKING, Protocol

import numpy as np

from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.interfaces.bench_peers import PEERS, Array, Contender, Market, Solve, installed
from riskdesk_assets.interfaces.bench_tickets import ticket_days
from riskdesk_assets.interfaces.failures import Failure
from riskdesk_assets.optimizer.compiled import CompiledProgram, compile_program, run_clarabel
from riskdesk_assets.optimizer.cvxpy_protocols import Constraint, Leaf, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

# Names and factors, and how many days each is measured on: the largest take the slowest contender a second a day.
SIZES = ((24, 5, 40), (100, 10, 15), (500, 20, 5))
TICKET_DAYS = 1_250
OBJECTIVE_SCALE = 1e4
# The most an optimum may fall short of the best one found, a fraction of the portfolio per day, and stray out of bounds.
SAME_OPTIMUM = 1e-6
SAME_BOUNDS = 1e-4
OURS, DIRECT, PLAIN = "riskdesk, compiled", "Clarabel, direct", "CVXPY, DPP"


@dataclass(frozen=True)
class Timed:
    """A contender at one size: median milliseconds of processor time per day, that over direct Clarabel's, and the most by
    which it fell short of the best optimum (a fraction of the portfolio per day)."""

    name: str
    names: int
    factors: int
    milliseconds: float
    ratio: float
    short: float


@dataclass(frozen=True)
class OptimizerBench:
    """The contenders at every size, the libraries not installed, and the processor time of a run of daily ticket solves."""

    timed: tuple[Timed, ...]
    missing: tuple[str, ...]
    ticket_days: int
    ticket_seconds: float

    @property
    def ticket_ms(self) -> float:
        """Milliseconds per daily ticket solve."""
        return 1000 * self.ticket_seconds / self.ticket_days


class _Variable(Leaf, Protocol):
    value: Array | None


class _Problem(Protocol):
    def solve(self, **options: object) -> float: ...


@dataclass(frozen=True)
class _Model:
    problem: _Problem
    program: CompiledProgram
    w: _Variable
    given: Mapping[str, Parameter]
    rules: Sequence[Constraint]


def bench_optimizer(sizes: Sequence[tuple[int, int, int]] = SIZES, tickets: int = TICKET_DAYS) -> OptimizerBench:
    """Measure mean-variance with cost and bounds at each size, coefficients changing daily, and the desk's ticket problem.

    Args:
        sizes: (names, factors, days) each.
        tickets: daily ticket solves.

    Raises:
        Failure: contenders disagree about the optimum, or a day had none.
    """
    missing = tuple(name for name, module, _ in PEERS if not installed(module))
    contenders: list[tuple[str, Contender]] = [(OURS, _compiled), (DIRECT, _direct), (PLAIN, _plain)]
    contenders += [(name, peer) for name, module, peer in PEERS if installed(module)]
    timed: list[Timed] = []
    for names, factors, days in sizes:
        timed += _measured(contenders, _days(names, factors, days))
    return OptimizerBench(tuple(timed), missing, tickets, _ticket_seconds(tickets))


def _measured(contenders: Sequence[tuple[str, Contender]], days: Sequence[Market]) -> list[Timed]:
    """Every contender on every day, interleaved; the first day is done once more beforehand to warm up."""
    solves = {name: build(days) for name, build in contenders}
    spent: dict[str, list[float]] = {name: [] for name in solves}
    values: dict[str, list[float]] = {name: [] for name in solves}
    with single_threaded():
        for solve in solves.values():
            solve[0]()
        for number, day in enumerate(days):
            for name, solve in solves.items():
                gc.collect(0)
                begun = time.process_time()
                w = solve[number]()
                spent[name].append(1000 * (time.process_time() - begun))
                values[name].append(_value(name, day, w))
    best = np.max(list(values.values()), axis=0)
    direct = median(spent[DIRECT])
    names, factors = days[0].exposures.shape
    found = []
    for name in solves:
        short = float(np.max(best - np.array(values[name])))
        if short > SAME_OPTIMUM:
            raise Failure(f"{name} at {names} names falls {short:.1e} a day short of the optimum")
        found.append(Timed(name, names, factors, median(spent[name]), median(spent[name]) / direct, short))
    return found


def _value(name: str, day: Market, w: Array) -> float:
    outside = max(abs(float(w.sum()) - 1.0), float(np.max(-w)), float(np.max(w - day.cap)))
    if not outside <= SAME_BOUNDS:
        raise Failure(f"{name} at {len(w)} names is {outside:.1e} outside the bounds")
    # what is left of a bound's tolerance is put back, so that none gains by it
    inside = np.clip(w, 0.0, day.cap)
    return day.objective(inside / inside.sum())


def _days(names: int, factors: int, count: int) -> list[Market]:
    """Days of one market, every coefficient moving; the weights before are those of a book that drifts."""
    rng = np.random.default_rng(names)
    exposures = rng.normal(size=(names, factors)) / np.sqrt(factors)
    previous = rng.dirichlet(np.full(names, 0.5))
    cap = max(0.08, 2.5 / names)
    found = []
    for _ in range(count):
        exposures = exposures + 0.02 * rng.normal(size=exposures.shape)
        sample = rng.normal(size=(factors, 4 * factors)) * 0.01
        previous = np.minimum(0.8 * previous + 0.2 * rng.dirichlet(np.full(names, 0.5)), cap)
        previous = previous / previous.sum()
        found.append(
            Market(
                mu=rng.normal(3e-4, 6e-4, names),
                exposures=exposures,
                factors=sample @ sample.T / (4 * factors),
                specific=rng.uniform(0.008, 0.03, names) ** 2,
                previous=previous,
                aversion=5.0,
                cost=2e-4,
                cap=cap,
            )
        )
    return found


@lru_cache(maxsize=8)
def _model(names: int, factors: int) -> _Model:
    import cvxpy as cp
    from cvxpy.atoms.affine.binary_operators import multiply
    from cvxpy.atoms.sum_squares import sum_squares

    w, e, z = cp.Variable(names), cp.Variable(factors), cp.Variable(names)
    shapes = {"mu": (names,), "exposures": (names, factors), "root": (factors, factors), "specific": (names,)}
    shapes |= {"previous": (names,), "cap": (names,)}
    given = {name: cp.Parameter(shape) for name, shape in shapes.items()}
    given["cost"] = cp.Parameter(names, nonneg=True)
    traded = cp.Variable(names)
    rules = [
        given["exposures"].T @ w == e,
        z == w - given["previous"],
        z <= traded,
        -z <= traded,
        np.ones((1, names)) @ w == 1,
        w >= 0,
        w <= given["cap"],
    ]
    goal = (
        given["mu"] @ w - sum_squares(given["root"] @ e) - sum_squares(multiply(given["specific"], w)) - given["cost"] @ traded
    )
    problem = cp.Problem(cp.Maximize(goal), rules)
    return _Model(problem, compile_program(problem), w, given, rules)


def _values(model: _Model, day: Market) -> dict[Parameter, Array]:
    n = len(day.mu)
    root = np.linalg.cholesky(day.factors).T
    numbers = {
        "mu": OBJECTIVE_SCALE * day.mu,
        "exposures": day.exposures,
        "root": np.sqrt(OBJECTIVE_SCALE * day.aversion) * root,
        "specific": np.sqrt(OBJECTIVE_SCALE * day.aversion * day.specific),
        "previous": day.previous,
        "cap": np.full(n, day.cap),
        "cost": np.full(n, OBJECTIVE_SCALE * day.cost),
    }
    return {model.given[name]: value for name, value in numbers.items()}


def _compiled(days: Sequence[Market]) -> list[Solve]:
    """The way the desk solves: today's coefficients through the compiled map, then Clarabel, then weights and duals."""
    model = _model(*days[0].exposures.shape)

    def prepared(day: Market) -> Solve:
        def solve() -> Array:
            solved = model.program.solve(_values(model, day))
            for rule in model.rules:
                solved.dual(rule)
            return _found(solved.value(model.w))

        return solve

    return [prepared(day) for day in days]


def _direct(days: Sequence[Market]) -> list[Solve]:
    """The floor: Clarabel on the identical canonical program, assembled beforehand; a new solver object each day."""
    model = _model(*days[0].exposures.shape)

    def prepared(day: Market) -> Solve:
        program, _ = model.program.canonical(_values(model, day))

        def solve() -> Array:
            return model.program.value(np.array(run_clarabel(program, {}).x), model.w)

        return solve

    return [prepared(day) for day in days]


def _plain(days: Sequence[Market]) -> list[Solve]:
    """CVXPY as it comes: the same DPP problem, parameters set and solved."""
    model = _model(*days[0].exposures.shape)

    def prepared(day: Market) -> Solve:
        def solve() -> Array:
            for parameter, value in _values(model, day).items():
                parameter.value = value
            model.problem.solve(solver="CLARABEL", enforce_dpp=True, warm_start=False)
            return _found(model.w.value)

        return solve

    return [prepared(day) for day in days]


def _found(w: Array | None) -> Array:
    if w is None:
        raise Failure("a day of the benchmark has no optimum")
    return w


def _ticket_seconds(count: int) -> float:
    from riskdesk_assets.optimizer.ticket_problem import solve

    problems = ticket_days(count)
    with single_threaded():
        solve(problems[0])
        begun = time.process_time()
        said = [solve(problem).status for problem in problems]
        spent = time.process_time() - begun
    if said.count("OPTIMAL") != count:
        raise Failure(f"{count - said.count('OPTIMAL')} of {count} daily ticket problems had no optimum")
    return spent
