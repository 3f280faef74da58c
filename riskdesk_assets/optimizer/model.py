"""The ticket problem in CVXPY: one disciplined parametrized program per shape, compiled once per process.

    maximize    mu'x - c'e - ||R x + q||^2
    subject to  L x + E e <= b         one named row per limit
                |A x + d| <= e         what is traded, what nets, what is added
                0 <= x <= 1

Nothing of an earlier solve reaches a later one: every parameter is set each time and the solver starts cold.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Protocol

import numpy as np

from riskdesk_assets.optimizer.limit_rows import Array

# Row and term counts are rounded up to this, so that days share compiled shapes; what is added says 0 <= 1 or e >= 0.
SHAPE_STEP = 8


@dataclass(frozen=True)
class Coefficients:
    """The numbers of one problem, K tickets, m rows, p absolute terms: mu (K,), c (p,), root R (K, K), shift q (K,),
    rows L (m, K), weights E (m, p), bounds b (m,), slopes A (p, K), offsets d (p,). The objective is already scaled."""

    mu: Array
    cost: Array
    root: Array
    shift: Array
    rows: Array
    weights: Array
    bounds: Array
    slopes: Array
    offsets: Array


@dataclass(frozen=True)
class Answer:
    """What a solver said: ``x`` (K,), ``prices`` (m,) of the rows and ``signs`` (p,) in [-1, 1] of the terms.

    ``x`` is None where it gave no point.
    """

    status: str
    x: Array | None
    prices: Array
    signs: Array


class _Value(Protocol):
    value: Array | None


class _Constraint(Protocol):
    dual_value: Array | None


class _Problem(Protocol):
    status: str

    def solve(self, **options: object) -> float: ...


@dataclass(frozen=True)
class _Compiled:
    problem: _Problem
    x: _Value
    given: _Value
    limits: _Constraint
    above: _Constraint
    below: _Constraint


def answer(numbers: Coefficients, solver: str, options: Mapping[str, float | int | bool]) -> Answer:
    """Solve one problem with one solver, cold.

    A solver that raises gives an Answer with its message as status and no point: the chain tries the next.
    """
    import cvxpy as cp

    tickets, rows, terms = len(numbers.mu), len(numbers.bounds), len(numbers.offsets)
    full_rows, full_terms = _stepped(rows), _stepped(terms)
    compiled = _compiled(tickets, full_rows, full_terms)
    compiled.given.value = np.concatenate(
        [
            numbers.mu,
            _padded(numbers.cost, (full_terms,), 1.0),
            numbers.root.ravel(),
            numbers.shift,
            _padded(numbers.rows, (full_rows, tickets), 0.0).ravel(),
            _padded(numbers.weights, (full_rows, full_terms), 0.0).ravel(),
            _padded(numbers.bounds, (full_rows,), 1.0),
            _padded(numbers.slopes, (full_terms, tickets), 0.0).ravel(),
            _padded(numbers.offsets, (full_terms,), 0.0),
        ]
    )
    try:
        with warnings.catch_warnings():
            # CVXPY warns of an inaccurate answer; the acceptance test judges it by its numbers.
            warnings.simplefilter("ignore")
            compiled.problem.solve(solver=solver, enforce_dpp=True, warm_start=False, **options)
    except (cp.error.SolverError, ValueError, ArithmeticError) as error:
        return Answer(f"error: {error}", None, np.zeros(rows), np.zeros(terms))
    x = compiled.x.value
    if x is None or not np.isfinite(x).all():
        return Answer(compiled.problem.status, None, np.zeros(rows), np.zeros(terms))
    above, below = _dual(compiled.above, full_terms), _dual(compiled.below, full_terms)
    total = above + below
    signs = np.divide(above - below, total, out=np.zeros(full_terms), where=total > 0)
    return Answer(compiled.problem.status, np.array(x), _dual(compiled.limits, full_rows)[:rows], signs[:terms])


@lru_cache(maxsize=512)
def _compiled(tickets: int, rows: int, terms: int) -> _Compiled:
    import cvxpy as cp
    from cvxpy.atoms.affine.reshape import reshape
    from cvxpy.atoms.sum_squares import sum_squares

    x, e = cp.Variable(tickets), cp.Variable(terms)
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
    # One parameter holds them all, in this order: CVXPY checks and stacks each parameter at every solve.
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
    problem = cp.Problem(cp.Maximize(objective), [limits, above, below, x >= 0, x <= 1])
    return _Compiled(problem, x, whole, limits, above, below)


def _dual(constraint: _Constraint, size: int) -> Array:
    value = constraint.dual_value
    if value is None or not np.isfinite(value).all():
        return np.zeros(size)
    return np.maximum(np.asarray(value, dtype=np.float64).reshape(size), 0.0)


def _stepped(count: int) -> int:
    return max(1, -(-count // SHAPE_STEP)) * SHAPE_STEP


def _padded(values: Array, shape: tuple[int, ...], fill: float) -> Array:
    full = np.full(shape, fill)
    full[tuple(slice(size) for size in values.shape)] = values
    return full
