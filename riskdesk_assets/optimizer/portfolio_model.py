"""The portfolio problem in CVXPY: one disciplined parametrized program per shape, compiled once per process.

    maximize    mu'w - ||R e||^2 - ||d o w||^2 - rate't - impact't^1.5      (SOCP: - ||(R e, d o w)|| in place of the squares)
    subject to  e = B'w,  z = w - previous,  |z| <= t,  |w| <= u
                L w <= a,  G u <= g,  T t <= b,  ||V_j w|| <= v_j           named rows and cones
                lower <= w <= upper,  sum w = budget

z is a variable of its own because c'|w - previous| with both parameters would not be DPP. Nothing of an earlier solve
reaches a later one: every parameter is set each time and the solver starts cold.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from riskdesk_assets.optimizer.compiled import CompiledProgram, compile_program
from riskdesk_assets.optimizer.cvxpy_protocols import Constraint, Leaf
from riskdesk_assets.optimizer.limit_rows import Array

# Row counts are rounded up to this, so that days share compiled shapes; what is added says 0 <= 1.
SHAPE_STEP = 8
# Daily volatility is about a hundredth of what a weight is: cones are given to the solver in hundredths.
CONE_SCALE = 100.0


@dataclass(frozen=True, eq=False)
class PortfolioNumbers:
    """The numbers of one program, n names, k factors; the objective is already scaled.

    ``mu``, ``rate``, ``impact``, ``specific``, ``previous``, ``lower``, ``upper`` (n,), ``exposures`` B (n, k), ``root`` R
    (k, k); row matrices (rows, n) and bounds (rows,); ``cones`` the matrices V (n, n) and ``cone_bounds`` their bounds.
    ``volatility``: risk is a volatility and not a variance. ``budget`` is None where nothing fixes the sum.
    """

    mu: Array
    rate: Array
    impact: Array
    exposures: Array
    root: Array
    specific: Array
    previous: Array
    lower: Array
    upper: Array
    linear: Array
    linear_bounds: Array
    gross: Array
    gross_bounds: Array
    traded: Array
    traded_bounds: Array
    cones: tuple[Array, ...]
    cone_bounds: tuple[float, ...]
    budget: float | None
    volatility: bool


@dataclass(frozen=True, eq=False)
class PortfolioAnswer:
    """What a solver said: ``w`` (n,), None where it gave no point, and its duals in units of the scaled objective.

    ``linear``, ``gross``, ``traded`` (rows,) and ``cones`` are prices of the rows, ``lower`` and ``upper`` (n,) of the bounds,
    ``budget`` of the sum. ``direction`` (k + n,) is the slope of the volatility in (R e, d o w), no longer than 1; zeros where
    risk is a variance.
    """

    status: str
    w: Array | None
    linear: Array
    gross: Array
    traded: Array
    cones: Array
    lower: Array
    upper: Array
    budget: float
    direction: Array


class _Value(Leaf, Protocol):
    value: Array | None


class _Priced(Constraint, Protocol):
    dual_value: Array | float | list[Array] | None


class _Problem(Protocol):
    status: str

    def solve(self, **options: object) -> float: ...


@dataclass(frozen=True)
class _Shape:
    names: int
    factors: int
    linear: int
    gross: int
    traded: int
    cones: int
    impact: bool
    budget: bool
    volatility: bool


@dataclass(frozen=True)
class _Compiled:
    problem: _Problem
    program: CompiledProgram
    w: _Value
    given: Mapping[str, _Value]
    rules: Mapping[str, _Priced]


class _Read(Protocol):
    def __call__(self, rule: str, size: int) -> Array: ...


def portfolio_answer(numbers: PortfolioNumbers, solver: str, options: Mapping[str, float | int | bool]) -> PortfolioAnswer:
    """Solve one problem with one solver, cold.

    A solver that raises gives an answer with its message as status and no point: the chain tries the next.
    """
    shape = _Shape(
        len(numbers.mu),
        max(1, len(numbers.root)),
        _stepped(len(numbers.linear_bounds)),
        _stepped(len(numbers.gross_bounds)),
        _stepped(len(numbers.traded_bounds)),
        len(numbers.cones),
        bool((numbers.impact > 0).any()),
        numbers.budget is not None,
        numbers.volatility,
    )
    compiled = _compiled(shape)
    values = _values(numbers, shape)
    if solver == "CLARABEL":
        solved = compiled.program.solve({compiled.given[name]: value for name, value in values.items()}, options)
        w, status = solved.value(compiled.w), solved.status
        duals: dict[str, Array | float | None] = {name: solved.dual(rule) for name, rule in compiled.rules.items()}
    else:
        w, status = _through_cvxpy(compiled, values, solver, options)
        duals = {name: _joined(rule.dual_value) for name, rule in compiled.rules.items()}

    def dual(rule: str, size: int) -> Array:
        value = duals.get(rule)
        if value is None or not np.isfinite(value).all():
            return np.zeros(size)
        return np.asarray(value, dtype=np.float64).reshape(-1)[:size]

    return _answer(numbers, status, w if w is not None and np.isfinite(w).all() else None, dual)


def _answer(numbers: PortfolioNumbers, status: str, w: Array | None, dual: _Read) -> PortfolioAnswer:
    n = len(numbers.mu)
    return PortfolioAnswer(
        status=status,
        w=w,
        linear=np.maximum(dual("linear", len(numbers.linear_bounds)), 0.0),
        gross=np.maximum(dual("gross", len(numbers.gross_bounds)), 0.0),
        traded=np.maximum(dual("traded", len(numbers.traded_bounds)), 0.0),
        cones=CONE_SCALE * np.array([max(float(dual(f"cone{j}", 1)[0]), 0.0) for j in range(len(numbers.cones))]),
        lower=np.maximum(dual("lower", n), 0.0),
        upper=np.maximum(dual("upper", n), 0.0),
        budget=float(dual("budget", 1)[0]),
        direction=_direction(dual("risk", 1 + max(1, len(numbers.root)) + n), len(numbers.root), n),
    )


def _direction(dual: Array, factors: int, names: int) -> Array:
    """The volatility's slope from its cone's dual: the vector's part without padding, cut to length 1."""
    if len(dual) < 1 + factors + names:
        return np.zeros(factors + names)
    slope = -np.concatenate([dual[1 : 1 + factors], dual[len(dual) - names :]])
    return slope / max(1.0, float(np.linalg.norm(slope)))


def _joined(dual: Array | float | list[Array] | None) -> Array | float | None:
    """A cone's dual in one piece: CVXPY gives the bound's and the vector's apart."""
    return np.concatenate([np.atleast_1d(part).ravel() for part in dual]) if isinstance(dual, list) else dual


def _through_cvxpy(
    compiled: _Compiled, values: Mapping[str, Array], solver: str, options: Mapping[str, float | int | bool]
) -> tuple[Array | None, str]:
    import cvxpy as cp

    for name, value in values.items():
        compiled.given[name].value = value
    try:
        with warnings.catch_warnings():
            # CVXPY warns of an inaccurate answer; the acceptance test judges it by its numbers.
            warnings.simplefilter("ignore")
            compiled.problem.solve(solver=solver, enforce_dpp=True, warm_start=False, **options)
    except (cp.error.SolverError, ValueError, ArithmeticError) as error:
        return None, f"error: {error}"
    return (None if compiled.w.value is None else np.array(compiled.w.value)), compiled.problem.status


def _values(numbers: PortfolioNumbers, shape: _Shape) -> dict[str, Array]:
    n, k = shape.names, shape.factors
    below, above = np.isfinite(numbers.lower), np.isfinite(numbers.upper)
    values = {
        "mu": numbers.mu,
        "rate": numbers.rate,
        "exposures": _padded(numbers.exposures, (n, k), 0.0),
        "root": _padded(numbers.root, (k, k), 0.0),
        "specific": numbers.specific,
        "previous": numbers.previous,
        "has_lower": below.astype(np.float64),
        "lower": np.where(below, numbers.lower, -1.0),
        "has_upper": above.astype(np.float64),
        "upper": np.where(above, numbers.upper, 1.0),
    }
    for name in ("linear", "gross", "traded"):
        rows = int(getattr(shape, name))
        if rows:
            values[name] = _padded(getattr(numbers, name), (rows, n), 0.0)
            values[f"{name}_bounds"] = _padded(getattr(numbers, f"{name}_bounds"), (rows,), 1.0)
    for j, (matrix, bound) in enumerate(zip(numbers.cones, numbers.cone_bounds, strict=True)):
        values[f"cone{j}"] = CONE_SCALE * matrix
        values[f"cone_bound{j}"] = np.array([CONE_SCALE * bound])
    if shape.impact:
        values["impact"] = numbers.impact
    if numbers.budget is not None:
        values["budget"] = np.array([numbers.budget])
    return values


@lru_cache(maxsize=256)
def _compiled(shape: _Shape) -> _Compiled:
    import cvxpy as cp
    from cvxpy.atoms.affine.binary_operators import multiply
    from cvxpy.atoms.affine.hstack import hstack
    from cvxpy.atoms.elementwise.power import power
    from cvxpy.atoms.pnorm import Pnorm
    from cvxpy.atoms.sum_squares import sum_squares

    n, k = shape.names, shape.factors
    w, z, t, e = cp.Variable(n), cp.Variable(n), cp.Variable(n), cp.Variable(k)
    given = {
        name: cp.Parameter(n) for name in ("mu", "rate", "previous", "specific", "has_lower", "lower", "has_upper", "upper")
    }
    given |= {"exposures": cp.Parameter((n, k)), "root": cp.Parameter((k, k))}
    rules = {
        "factors": given["exposures"].T @ w == e,
        "trades": z == w - given["previous"],
        "bought": z <= t,
        "sold": -z <= t,
        "lower": multiply(given["has_lower"], w) >= given["lower"],
        "upper": multiply(given["has_upper"], w) <= given["upper"],
    }
    sizes = {"linear": w, "traded": t}
    if shape.gross:
        u = cp.Variable(n)
        rules |= {"longer": w <= u, "shorter": -w <= u}
        sizes["gross"] = u
    for name, variable in sizes.items():
        if getattr(shape, name):
            given[name], given[f"{name}_bounds"] = cp.Parameter((getattr(shape, name), n)), cp.Parameter(getattr(shape, name))
            rules[name] = given[name] @ variable <= given[f"{name}_bounds"]
    for j in range(shape.cones):
        given[f"cone{j}"], given[f"cone_bound{j}"] = cp.Parameter((n, n)), cp.Parameter(1)
        rules[f"cone{j}"] = Pnorm(given[f"cone{j}"] @ w, 2) <= given[f"cone_bound{j}"]
    if shape.budget:
        given["budget"] = cp.Parameter(1)
        rules["budget"] = np.ones((1, n)) @ w == given["budget"]
    parts = (given["root"] @ e, multiply(given["specific"], w))
    if shape.volatility:
        # A cone of its own, for its dual is the volatility's slope, at a flat book too where no gradient is.
        risk = cp.Variable()
        rules["risk"] = cp.SOC(risk, hstack(parts))
    else:
        risk = sum_squares(parts[0]) + sum_squares(parts[1])
    objective = given["mu"] @ w - risk - given["rate"] @ t
    if shape.impact:
        given["impact"] = cp.Parameter(n, nonneg=True)
        objective = objective - given["impact"] @ power(t, 1.5, approx=False)
    problem = cp.Problem(cp.Maximize(objective), list(rules.values()))
    return _Compiled(problem, compile_program(problem), w, given, rules)


def _stepped(count: int) -> int:
    return -(-count // SHAPE_STEP) * SHAPE_STEP


def _padded(values: Array, shape: Sequence[int], fill: float) -> Array:
    full = np.full(tuple(shape), fill)
    full[tuple(slice(size) for size in values.shape)] = values
    return full
