"""The ticket problem in CVXPY: one disciplined parametrized program per shape, compiled once per process.

    maximize    mu'x - c'e - ||R x + q||^2 - ||C x + d||      the norm only where volatility is in the objective
    subject to  L x + E e <= b         one named row per limit
                |A x + a| <= e         what is traded, what nets, what is added
                0 <= x <= 1

Nothing of an earlier solve reaches a later one: every parameter is set each time and the solver starts cold.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Protocol

import numpy as np

from riskdesk_assets.optimizer.compiled import CompiledProgram, Constraint, Parameter, Problem, compile_program
from riskdesk_assets.optimizer.limit_rows import Array

# Row and term counts are rounded up to this, so that days share compiled shapes; what is added says 0 <= 1 or e >= 0.
SHAPE_STEP = 8


@dataclass(frozen=True)
class Coefficients:
    """The numbers of one problem, K tickets, m rows, p absolute terms: mu (K,), c (p,), root R (K, K), shift q (K,),
    rows L (m, K), weights E (m, p), bounds b (m,), slopes A (p, K), offsets a (p,). The objective is already scaled.

    ``norm_root`` C (K + 1, K) and ``norm_shift`` d (K + 1,) are of the norm; None without one.
    """

    mu: Array
    cost: Array
    root: Array
    shift: Array
    rows: Array
    weights: Array
    bounds: Array
    slopes: Array
    offsets: Array
    norm_root: Array | None = None
    norm_shift: Array | None = None


@dataclass(frozen=True)
class Answer:
    """What a solver said: ``x`` (K,), ``prices`` (m,) of the rows, ``signs`` (p,) in [-1, 1] of the terms and ``direction``
    (K + 1,) of the norm's slope, no longer than 1 (empty without a norm).

    ``x`` is None where it gave no point.
    """

    status: str
    x: Array | None
    prices: Array
    signs: Array
    direction: Array


class _Variable(Protocol):
    value: Array | None

    @property
    def id(self) -> int: ...

    @property
    def shape(self) -> tuple[int, ...]: ...


class _Dual(Constraint, Protocol):
    dual_variables: Sequence[_Variable]


class _Solvable(Problem, Protocol):
    status: str

    def solve(self, **options: object) -> float: ...


@dataclass(frozen=True)
class _Compiled:
    problem: _Solvable
    program: CompiledProgram
    x: _Variable
    given: Parameter
    limits: _Dual
    above: _Dual
    below: _Dual
    norm: _Dual | None


def answer(numbers: Coefficients, solver: str, options: Mapping[str, float | int | bool]) -> Answer:
    """Solve one problem with one solver, cold.

    A solver that raises gives an Answer with its message as status and no point: the chain tries the next.

    Args:
        numbers: the problem.
        solver: CLARABEL, called directly on the compiled program, or another by its CVXPY name.
        options: the solver's.
    """
    tickets, rows, terms = len(numbers.mu), len(numbers.bounds), len(numbers.offsets)
    full_rows, full_terms = _stepped(rows), _stepped(terms)
    compiled = _compiled(tickets, full_rows, full_terms, numbers.norm_root is not None)
    values = _values(numbers, full_rows, full_terms)
    try:
        if solver == "CLARABEL":
            status, x, duals = _directly(compiled, values, options)
        else:
            status, x, duals = _through_cvxpy(compiled, values, solver, options)
    except (ValueError, ArithmeticError) as error:
        status, x, duals = f"error: {error}", None, {}
    nothing = np.zeros(0 if compiled.norm is None else tickets + 1)
    if x is None or not np.isfinite(x).all():
        return Answer(status, None, np.zeros(rows), np.zeros(terms), nothing)
    above, below = _prices(duals["above"], full_terms), _prices(duals["below"], full_terms)
    total = above + below
    signs = np.divide(above - below, total, out=np.zeros(full_terms), where=total > 0)
    direction = nothing if compiled.norm is None else _direction(duals["norm"], tickets + 1)
    return Answer(status, np.array(x), _prices(duals["limits"], full_rows)[:rows], signs[:terms], direction)


_Said = tuple[str, Array | None, Mapping[str, Array | None]]


def _directly(compiled: _Compiled, values: Array, options: Mapping[str, float | int | bool]) -> _Said:
    solved = compiled.program.solve({compiled.given: values}, options)
    return solved.status, solved.value(compiled.x), {name: solved.dual(rule) for name, rule in _rules(compiled).items()}


def _through_cvxpy(compiled: _Compiled, values: Array, solver: str, options: Mapping[str, float | int | bool]) -> _Said:
    from cvxpy.error import SolverError

    compiled.given.value = values
    with warnings.catch_warnings():
        # CVXPY warns of an inaccurate answer; the acceptance test judges it by its numbers.
        warnings.simplefilter("ignore")
        try:
            compiled.problem.solve(solver=solver, enforce_dpp=True, warm_start=False, **options)
        except SolverError as error:
            return f"error: {error}", None, {}
    duals: dict[str, Array | None] = {}
    for name, rule in _rules(compiled).items():
        parts = [variable.value for variable in rule.dual_variables]
        known = [np.ravel(part) for part in parts if part is not None]
        duals[name] = np.concatenate(known) if len(known) == len(parts) else None
    return compiled.problem.status, compiled.x.value, duals


def _rules(compiled: _Compiled) -> dict[str, _Dual]:
    named = {"limits": compiled.limits, "above": compiled.above, "below": compiled.below}
    return named if compiled.norm is None else {**named, "norm": compiled.norm}


def _shapes(tickets: int, rows: int, terms: int, norm: bool) -> dict[str, tuple[int, ...]]:
    """What the problem's one vector of coefficients holds, in its order."""
    shapes: dict[str, tuple[int, ...]] = {
        "mu": (tickets,),
        "cost": (terms,),
        "root": (tickets, tickets),
        "shift": (tickets,),
        "rows": (rows, tickets),
        "weights": (rows, terms),
        "bounds": (rows,),
        "slopes": (terms, tickets),
        "offsets": (terms,),
    }
    if norm:
        shapes |= {"norm_root": (tickets + 1, tickets), "norm_shift": (tickets + 1,)}
    return shapes


def _values(numbers: Coefficients, rows: int, terms: int) -> Array:
    """Every coefficient in one vector, padded to full rows and terms."""
    shapes = _shapes(len(numbers.mu), rows, terms, numbers.norm_root is not None)
    whole, start = np.zeros(sum(map(prod, shapes.values()))), 0
    for name, shape in shapes.items():
        size, given = prod(shape), getattr(numbers, name)
        part = whole[start : start + size]
        if name in ("cost", "bounds"):
            part[len(given) :] = 1.0
        part.reshape(shape)[tuple(map(slice, given.shape))] = given
        start += size
    return whole


@lru_cache(maxsize=512)
def _compiled(tickets: int, rows: int, terms: int, norm: bool) -> _Compiled:
    import cvxpy as cp
    from cvxpy.atoms.affine.reshape import reshape
    from cvxpy.atoms.sum_squares import sum_squares

    x, e, t = cp.Variable(tickets), cp.Variable(terms), cp.Variable()
    shapes = _shapes(tickets, rows, terms, norm)
    # One parameter holds them all: CVXPY checks and stacks each parameter at every solve.
    whole = cp.Parameter(sum(prod(shape) for shape in shapes.values()))
    given, start = {}, 0
    for name, shape in shapes.items():
        part = whole[start : start + prod(shape)]
        given[name] = part if len(shape) == 1 else reshape(part, shape, order="C")
        start += prod(shape)
    limits = given["rows"] @ x + given["weights"] @ e <= given["bounds"]
    moved = given["slopes"] @ x + given["offsets"]
    above, below = moved <= e, -moved <= e
    objective = given["mu"] @ x - given["cost"] @ e - sum_squares(given["root"] @ x + given["shift"])
    rules = [limits, above, below, x >= 0, x <= 1]
    cone = None
    if norm:
        cone = cp.SOC(t, given["norm_root"] @ x + given["norm_shift"])
        objective, rules = objective - t, [*rules, cone]
    problem = cp.Problem(cp.Maximize(objective), rules)
    return _Compiled(problem, compile_program(problem), x, whole, limits, above, below, cone)


def _prices(dual: Array | None, size: int) -> Array:
    if dual is None or not np.isfinite(dual).all():
        return np.zeros(size)
    return np.maximum(np.asarray(dual, dtype=np.float64).reshape(size), 0.0)


def _direction(dual: Array | None, size: int) -> Array:
    """The slope of a norm from its cone's dual: the vector's against the bound's, cut to length 1."""
    if dual is None or not np.isfinite(dual).all():
        return np.zeros(size)
    slope = -np.asarray(dual, dtype=np.float64)[1:]
    return slope / max(1.0, float(np.linalg.norm(slope)))


def _stepped(count: int) -> int:
    return max(1, -(-count // SHAPE_STEP)) * SHAPE_STEP
