"""Solvers in order, and the test each answer must pass: every limit recomputed, and the distance to the optimum bounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from riskdesk_assets.optimizer.limit_rows import Array
from riskdesk_assets.optimizer.model import Answer, Coefficients, answer

# A share of a ticket this near to none or all of it is the interior-point method's distance from its boundary: a millionth
# of an approved size is less than one share, and left in it would clip every ticket by one.
DUST = 1e-6
# How far outside [0, 1] an answer may lie before it counts as wrong.
BOX_TOLERANCE = 1e-5
# The most an accepted answer may fall short of the optimum: a fraction of NAV per day.
GAP_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Solver:
    """A solver by its CVXPY name, with its options: iterations are limited, time never is."""

    name: str
    options: Mapping[str, float | int | bool] = field(default_factory=dict)


CHAIN = (
    Solver("CLARABEL", {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}),
    Solver("SCS", {"eps_abs": 1e-9, "eps_rel": 1e-9, "max_iters": 50_000}),
)


@dataclass(frozen=True)
class Attempt:
    """One solver's try: what it said, the worst limit recomputed from its answer, and why it was taken or not."""

    solver: str
    status: str
    worst_violation_nav: float
    worst_limit: str
    message: str


@dataclass(frozen=True)
class Accepted:
    """An answer that passed: ``x`` (K,) in [0, 1] and ``prices`` (m,) of the rows, in units of the scaled objective."""

    solver: str
    x: Array
    prices: Array


def run_chain(
    numbers: Coefficients,
    worst: Callable[[Array], tuple[float, str]],
    accept_violation_nav: float,
    scale: float,
    chain: Sequence[Solver],
) -> tuple[Accepted | None, tuple[Attempt, ...]]:
    """The first answer that passes, and every attempt made.

    Args:
        numbers: the problem.
        worst: from x (K,) the largest violation over all limits, a fraction of NAV, and that limit's name.
        accept_violation_nav: the largest violation taken, a fraction of NAV.
        scale: the objective's scale.
        chain: solvers in the order they are tried.
    """
    attempts: list[Attempt] = []
    for solver in chain:
        given = answer(numbers, solver.name, solver.options)
        if given.x is None:
            attempts.append(Attempt(solver.name, given.status, float("inf"), "", "no point"))
            continue
        x = _settled(given.x)
        violation, limit = worst(x)
        outside = float(np.max(np.maximum(given.x - 1.0, -given.x), initial=0.0))
        gap = optimality_gap(numbers, x, given) / scale
        message = "accepted"
        if outside > BOX_TOLERANCE:
            message = f"x lies {outside:.1e} outside 0 to 1"
        elif violation > accept_violation_nav:
            message = f"{limit} is breached by {violation:.1e} NAV, {accept_violation_nav:.1e} is allowed"
        elif not gap <= GAP_TOLERANCE:
            message = f"up to {gap:.1e} NAV a day short of the optimum, {GAP_TOLERANCE:.1e} is allowed"
        attempts.append(Attempt(solver.name, given.status, violation, limit, message))
        if message == "accepted":
            return Accepted(solver.name, x, given.prices), tuple(attempts)
    return None, tuple(attempts)


def optimality_gap(numbers: Coefficients, x: Array, given: Answer) -> float:
    """A bound on how much better than ``x`` any feasible point could be, in units of the scaled objective.

    Weak duality: any prices y >= 0, signs in [-1, 1] and direction v no longer than 1 give a bound, whatever the solver
    thought, because the concave objective lies below its tangent at x, -|u| below -s u and -||u|| below -v'u. Good prices
    make the bound tight; so does v where the norm is 0 and has no tangent.
    """
    residual = numbers.root @ x + numbers.shift
    smooth = float(numbers.mu @ x - residual @ residual)
    gradient = numbers.mu - 2.0 * numbers.root.T @ residual
    slack = 0.0
    if numbers.norm_root is not None and numbers.norm_shift is not None:
        risk = numbers.norm_root @ x + numbers.norm_shift
        gradient = gradient - numbers.norm_root.T @ given.direction
        slack = float(np.linalg.norm(risk) - given.direction @ risk)
    kinks = (numbers.cost + numbers.weights.T @ given.prices) * given.signs
    reduced = gradient - numbers.rows.T @ given.prices - numbers.slopes.T @ kinks
    most = smooth - float(gradient @ x) + float(given.prices @ numbers.bounds) - float(kinks @ numbers.offsets)
    most += float(np.maximum(reduced, 0.0).sum())
    here = smooth - float(numbers.cost @ np.abs(numbers.slopes @ x + numbers.offsets))
    return most + slack - here


def _settled(x: Array) -> Array:
    clipped = np.clip(x, 0.0, 1.0)
    clipped[clipped < DUST] = 0.0
    clipped[clipped > 1.0 - DUST] = 1.0
    return clipped
