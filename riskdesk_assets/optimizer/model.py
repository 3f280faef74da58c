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
from functools import lru_cache, partial
from math import prod
from typing import Protocol

import numpy as np

from riskdesk_assets.optimizer.compiled import CompiledProgram, compile_program
from riskdesk_assets.optimizer.cvxpy_protocols import Constraint, Parameter, Problem
from riskdesk_assets.optimizer.sparse_columns import Array, Places

# Row and term counts are rounded up to this, so that days share compiled shapes; what is added says 0 <= 1 or e >= 0.
SHAPE_STEP = 8
# A program is made from that of a shape with these counts rounded up to this: one serves a desk of any day.
TEMPLATE_STEP = 32
# The rules whose duals are read; those of the box say nothing more.
_PRICED = frozenset(("limits", "above", "below", "norm"))


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
class _Shape:
    """Tickets, rows, absolute terms, and whether there is a norm."""

    tickets: int
    rows: int
    terms: int
    norm: bool

    def parts(self) -> dict[str, tuple[int, ...]]:
        """What the problem's one vector of coefficients holds, in its order."""
        tickets, rows, terms = self.tickets, self.rows, self.terms
        parts: dict[str, tuple[int, ...]] = {
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
        return parts | {"norm_root": (tickets + 1, tickets), "norm_shift": (tickets + 1,)} if self.norm else parts

    def entries(self) -> dict[str, int]:
        """How many numbers each variable and each rule has."""
        tickets, rows, terms = self.tickets, self.rows, self.terms
        entries = {"x": tickets, "e": terms, "limits": rows, "above": terms, "below": terms, "lower": tickets, "upper": tickets}
        return entries | {"t": 1, "norm": tickets + 2} if self.norm else entries


@dataclass(frozen=True)
class _Model:
    """The problem of one shape in CVXPY: its variables x, e and, with a norm, t, its one parameter, its rules by name."""

    problem: _Solvable
    variables: Mapping[str, _Variable]
    given: Parameter
    rules: Mapping[str, _Dual]


@dataclass(frozen=True)
class _Compiled:
    """A program and the model it is of: the model of its own shape, or a larger one's that it was made from."""

    program: CompiledProgram
    model: _Model


def answer(numbers: Coefficients, solver: str, options: Mapping[str, float | int | bool]) -> Answer:
    """Solve one problem with one solver, cold.

    A solver that raises gives an Answer with its message as status and no point: the chain tries the next.

    Args:
        numbers: the problem.
        solver: CLARABEL, called directly on the compiled program, or another by its CVXPY name.
        options: the solver's.
    """
    tickets, rows, terms = len(numbers.mu), len(numbers.bounds), len(numbers.offsets)
    shape = _Shape(tickets, _stepped(rows, SHAPE_STEP), _stepped(terms, SHAPE_STEP), numbers.norm_root is not None)
    ask = partial(_directly, _compiled(shape)) if solver == "CLARABEL" else partial(_through_cvxpy, _modelled(shape), solver)
    try:
        status, x, duals = ask(_values(numbers, shape), options)
    except (ValueError, ArithmeticError) as error:
        status, x, duals = f"error: {error}", None, {}
    nothing = np.zeros(tickets + 1 if shape.norm else 0)
    if x is None or not np.isfinite(x).all():
        return Answer(status, None, np.zeros(rows), np.zeros(terms), nothing)
    above, below = _prices(duals["above"], shape.terms), _prices(duals["below"], shape.terms)
    total = above + below
    signs = np.divide(above - below, total, out=np.zeros(shape.terms), where=total > 0)
    direction = _direction(duals["norm"], tickets + 1) if shape.norm else nothing
    return Answer(status, np.array(x), _prices(duals["limits"], shape.rows)[:rows], signs[:terms], direction)


_Said = tuple[str, Array | None, Mapping[str, Array | None]]


def _directly(compiled: _Compiled, values: Array, options: Mapping[str, float | int | bool]) -> _Said:
    model = compiled.model
    solved = compiled.program.solve({model.given: values}, options)
    duals = {name: solved.dual(rule) for name, rule in model.rules.items() if name in _PRICED}
    return solved.status, solved.value(model.variables["x"]), duals


def _through_cvxpy(model: _Model, solver: str, values: Array, options: Mapping[str, float | int | bool]) -> _Said:
    from cvxpy.error import SolverError

    model.given.value = values
    with warnings.catch_warnings():
        # CVXPY warns of an inaccurate answer; the acceptance test judges it by its numbers.
        warnings.simplefilter("ignore")
        try:
            model.problem.solve(solver=solver, enforce_dpp=True, warm_start=False, **options)
        except SolverError as error:
            return f"error: {error}", None, {}
    duals: dict[str, Array | None] = {}
    for name in _PRICED & model.rules.keys():
        rule = model.rules[name]
        parts = [variable.value for variable in rule.dual_variables]
        known = [np.ravel(part) for part in parts if part is not None]
        duals[name] = np.concatenate(known) if len(known) == len(parts) else None
    return model.problem.status, model.variables["x"].value, duals


def _values(numbers: Coefficients, shape: _Shape) -> Array:
    """Every coefficient in one vector; what pads it to the shape says 0 <= 1 or e >= 0."""
    parts = shape.parts()
    whole, start = np.zeros(sum(map(prod, parts.values()))), 0
    for name, size in parts.items():
        given = getattr(numbers, name)
        part = whole[start : start + prod(size)]
        if name in ("cost", "bounds"):
            part[len(given) :] = 1.0
        part.reshape(size)[tuple(map(slice, given.shape))] = given
        start += len(part)
    return whole


@lru_cache(maxsize=512)
def _compiled(shape: _Shape) -> _Compiled:
    """The shape's program, made from the one of a larger shape: CVXPY is asked for few programs, whatever the days' shapes."""
    larger = _Shape(
        _stepped(shape.tickets, SHAPE_STEP),
        _stepped(shape.rows, TEMPLATE_STEP),
        _stepped(shape.terms, TEMPLATE_STEP),
        shape.norm,
    )
    template, entries = _template(larger), shape.entries()
    model = template.model
    sizes = {variable.id: entries[name] for name, variable in model.variables.items()}
    sizes |= {rule.id: entries[name] for name, rule in model.rules.items()}
    # The squared vector R x + q is a variable and an equality of its own in the canonical program.
    return _Compiled(template.program.smaller(_kept(shape, larger), sizes, shape.tickets), model)


@lru_cache(maxsize=64)
def _template(shape: _Shape) -> _Compiled:
    model = _modelled(shape)
    return _Compiled(compile_program(model.problem), model)


def _kept(shape: _Shape, larger: _Shape) -> Places:
    """Where the coefficients of a shape stand among a larger one's."""
    kept, start, parts = [], 0, shape.parts()
    for name, size in larger.parts().items():
        places = np.arange(start, start + prod(size)).reshape(size)
        kept.append(places[tuple(map(slice, parts[name]))].ravel())
        start += prod(size)
    return np.concatenate(kept)


@lru_cache(maxsize=64)
def _modelled(shape: _Shape) -> _Model:
    import cvxpy as cp
    from cvxpy.atoms.affine.reshape import reshape
    from cvxpy.atoms.sum_squares import sum_squares

    x, e, t = cp.Variable(shape.tickets), cp.Variable(shape.terms), cp.Variable()
    parts = shape.parts()
    # One parameter holds them all: CVXPY checks and stacks each parameter at every solve.
    whole = cp.Parameter(sum(map(prod, parts.values())))
    given, start = {}, 0
    for name, size in parts.items():
        part = whole[start : start + prod(size)]
        given[name] = part if len(size) == 1 else reshape(part, size, order="C")
        start += prod(size)
    moved = given["slopes"] @ x + given["offsets"]
    rules = {
        "limits": given["rows"] @ x + given["weights"] @ e <= given["bounds"],
        "above": moved <= e,
        "below": -moved <= e,
        "lower": x >= 0,
        "upper": x <= 1,
    }
    variables = {"x": x, "e": e}
    objective = given["mu"] @ x - given["cost"] @ e - sum_squares(given["root"] @ x + given["shift"])
    if shape.norm:
        variables["t"], objective = t, objective - t
        rules["norm"] = cp.SOC(t, given["norm_root"] @ x + given["norm_shift"])
    return _Model(cp.Problem(cp.Maximize(objective), list(rules.values())), variables, whole, rules)


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


def _stepped(count: int, step: int) -> int:
    return max(1, -(-count // step)) * step
