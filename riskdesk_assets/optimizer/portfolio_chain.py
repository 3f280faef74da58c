"""The solver chain of the portfolio problem: rows and cuts, the test each answer must pass, the prices of the limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.limits.limit import Leg
from riskdesk_assets.optimizer.infeasibility import BUDGET, BUDGETS, LONG_ONLY
from riskdesk_assets.optimizer.limit_rows import Array
from riskdesk_assets.optimizer.portfolio_answer import optimality_gap, settled
from riskdesk_assets.optimizer.portfolio_model import PortfolioAnswer, PortfolioNumbers, portfolio_answer
from riskdesk_assets.optimizer.portfolio_rows import PortfolioRows, ShapedLimit, portfolio_rows, tightened
from riskdesk_assets.optimizer.solver_chain import GAP_TOLERANCE, Attempt, Solver
from riskdesk_assets.optimizer.ticket_problem import PRICE_FLOOR

if TYPE_CHECKING:
    from riskdesk_assets.optimizer.portfolio_problem import PortfolioProblem

ACCEPTED = "accepted"
UNBOUNDED = "unbounded"
# What a solver says that another solver need not be asked about.
SETTLED = ("infeasible", UNBOUNDED)
# Rounds of cutting planes before a solver's try counts as failed; a round adds a set of scenarios not seen before.
MOST_CUTS = 64
# The budget's share of the violation a limit is accepted with: a sum of weights is exact but for rounding.
BUDGET_SHARE = 1e-3
# Bounds are tightened by what an answer may violate, so that it obeys the limit itself. Where the limits leave no room for
# that they are taken as given, and at last loosened by half of it: the answer still obeys them to within what is accepted.
TIGHT = (1.0,)
LOOSE = (0.0, -0.5)
# The most the price of a violation may add to the gap accepted, a fraction of nav per day.
MOST_PRICED_GAP = 1e-7
# The largest expected return the scaled objective shows the solver.
LARGEST_SCORE = 1e3


@dataclass(frozen=True, eq=False)
class Optimum:
    """Weights (n,) that passed every test, who found them, and the price of each limit."""

    weights: Array
    solver: str
    prices: Mapping[str, float]


def optimum(
    problem: PortfolioProblem,
    shaped: Sequence[ShapedLimit],
    margins: Sequence[float],
    chain: Sequence[Solver],
    attempts: list[Attempt],
) -> Optimum | None:
    """The first answer that passes; None where none does. Attempts are added.

    Args:
        problem: the mandate's problem.
        shaped: its limits.
        margins: shares of the violation accepted by which bounds are tightened, in the order they are tried.
        chain: solvers in the order they are tried; one that says there is no answer is believed for this margin.
        attempts: every try is appended.
    """
    for margin in margins:
        for solver in chain:
            found = _cut_and_solved(problem, shaped, margin * problem.accept_violation_nav, solver, attempts)
            if found is not None:
                return found
            if attempts[-1].status in SETTLED:
                break
        if attempts[-1].status == UNBOUNDED:
            break
    return None


def _cut_and_solved(
    problem: PortfolioProblem, shaped: Sequence[ShapedLimit], margin: float, solver: Solver, attempts: list[Attempt]
) -> Optimum | None:
    """One solver's optimum, with cuts added until the worst scenarios of its weights are within their limits."""
    allowed = problem.accept_violation_nav
    cuts: dict[str, list[Array]] = {}
    for _ in range(MOST_CUTS):
        rows = portfolio_rows(shaped, cuts, names=len(problem.symbols), long_only=problem.kind == "long_only", margin=margin)
        crossed = rows.lower - rows.upper
        if crossed.max() > 0:
            i = int(crossed.argmax())
            message = f"{rows.lower_names[i] or LONG_ONLY} and {rows.upper_names[i]} leave {problem.symbols[i]} no weight"
            attempts.append(Attempt(solver.name, "infeasible", float(crossed[i]), rows.upper_names[i], message))
            return None
        numbers, scale = _numbers(problem, rows)
        answer = portfolio_answer(numbers, solver.name, solver.options)
        if answer.w is None:
            attempts.append(Attempt(solver.name, answer.status, float("inf"), "", "no point"))
            return None
        weights = settled(answer.w, numbers)
        beyond = [
            limit
            for limit in shaped
            if limit.form == "worst"
            and limit.measured(weights, problem.previous) > min(tightened(limit.bound, margin), limit.bound) + allowed
        ]
        if not beyond:
            message, violation, worst = _judged(problem, numbers, scale, weights, answer)
            attempts.append(Attempt(solver.name, answer.status, violation, worst, message))
            return Optimum(weights, solver.name, _prices(rows, answer, scale)) if message == ACCEPTED else None
        for limit in beyond:
            cuts.setdefault(limit.name, []).append(limit.matrix[limit.worst_rows(weights)].mean(axis=0))
    attempts.append(Attempt(solver.name, "cuts", float("inf"), beyond[0].name, f"{MOST_CUTS} rounds of cuts did not settle it"))
    return None


def _judged(
    problem: PortfolioProblem, numbers: PortfolioNumbers, scale: float, weights: Array, answer: PortfolioAnswer
) -> tuple[str, float, str]:
    """ACCEPTED or why not, the largest violation as a fraction of nav, and of which limit."""
    violation, worst = worst_violation(problem, dict(zip(problem.symbols, map(float, weights), strict=True)))
    if not violation <= problem.accept_violation_nav:
        return f"{worst} is breached by {violation:.1e} nav, {problem.accept_violation_nav:.1e} is allowed", violation, worst
    gap = optimality_gap(numbers, weights, answer) / scale
    allowed = GAP_TOLERANCE * max(1.0, float(np.abs(problem.expected_return) @ np.abs(weights)))
    # The violation accepted is worth its price: where limits are dear, an optimum is known no closer than that.
    prices = np.concatenate([answer.linear, answer.gross, answer.traded, answer.cones, answer.lower, answer.upper])
    allowed += min(problem.accept_violation_nav * float(prices.max(initial=0.0)) / scale, MOST_PRICED_GAP)
    if not gap <= allowed:
        return f"up to {gap:.1e} nav a day short of the optimum, {allowed:.1e} is allowed", violation, worst
    return ACCEPTED, violation, worst


def worst_violation(problem: PortfolioProblem, weights: Mapping[str, float]) -> tuple[float, str]:
    """The largest measured - bound over budget and limits, a fraction of nav (negative: room), and the limit's name.

    Args:
        problem: the mandate's problem.
        weights: fraction of nav per symbol.
    """
    legs = [Leg(symbol, symbol, weights[symbol] * problem.nav) for symbol in problem.symbols]
    held = [Leg(s, s, float(before) * problem.nav) for s, before in zip(problem.symbols, problem.previous, strict=True)]
    worst, name = -np.inf, ""
    budget = BUDGETS[problem.kind]
    if budget is not None:
        # The sum is held a thousand times closer than a limit: 1e-9 where a limit has 1e-6.
        worst, name = abs(sum(weights[symbol] for symbol in problem.symbols) - budget) / BUDGET_SHARE, BUDGET
    if problem.kind == "long_only" and -min(weights.values()) > worst:
        worst, name = -min(weights.values()), LONG_ONLY
    for limit in problem.limits:
        if limit.mode != "construct":
            continue
        over = (limit.measured(legs, held) - limit.bound / TICKS_PER_DOLLAR) / problem.nav
        if over > worst or np.isnan(over):
            worst, name = over, limit.name
    return (float(worst), name) if name else (0.0, "")


def _numbers(problem: PortfolioProblem, rows: PortfolioRows) -> tuple[PortfolioNumbers, float]:
    """The program's numbers, and what its objective is scaled by."""
    n, volatility = len(problem.symbols), problem.optimizer_type == "SOCP"
    # A score out of all proportion would leave the solver nothing but itself to see.
    scale = problem.objective_scale
    scale /= max(1.0, scale * float(np.abs(problem.expected_return).max()) / LARGEST_SCORE)
    risk = scale * problem.risk_aversion
    share = risk if volatility else math.sqrt(risk)
    budget = BUDGETS[problem.kind]
    numbers = PortfolioNumbers(
        mu=scale * problem.expected_return,
        rate=scale * problem.cost_rate,
        impact=scale * problem.impact,
        exposures=problem.exposures,
        root=share * _root(problem.factor_covariance),
        specific=share * np.sqrt(problem.specific_variance),
        previous=problem.previous,
        lower=rows.lower,
        upper=rows.upper,
        linear=_stack(rows.linear, n),
        linear_bounds=np.array([bound for _, _, bound in rows.linear]),
        gross=_stack(rows.gross, n),
        gross_bounds=np.array([bound for _, _, bound in rows.gross]),
        traded=_stack(rows.traded, n),
        traded_bounds=np.array([bound for _, _, bound in rows.traded]),
        cones=tuple(matrix for _, matrix, _ in rows.cones),
        cone_bounds=tuple(bound for _, _, bound in rows.cones),
        budget=budget,
        volatility=volatility,
    )
    return numbers, scale


def _prices(rows: PortfolioRows, answer: PortfolioAnswer, scale: float) -> dict[str, float]:
    """Duals by limit: rows of one limit summed, those that pull against each other taken from each other."""
    prices: dict[str, float] = {}
    sides: dict[str, list[tuple[Array, float]]] = {}
    for (name, row, _), price in zip(rows.linear, answer.linear, strict=True):
        sides.setdefault(name, []).append((row, float(price)))
    for name, priced in sides.items():
        if len(priced) == 2 and np.array_equal(priced[0][0], -priced[1][0]):
            # At a bound of 0 both sides bind, and only their difference is a price.
            prices[name] = abs(priced[0][1] - priced[1][1])
        else:
            prices[name] = sum(price for _, price in priced)
    for names, duals in ((rows.gross, answer.gross), (rows.traded, answer.traded), (rows.cones, answer.cones)):
        for (name, _, _), price in zip(names, duals, strict=True):
            prices[name] = prices.get(name, 0.0) + float(price)
    for i, pull in enumerate(answer.upper - answer.lower):
        name = rows.upper_names[i] if pull > 0 else rows.lower_names[i]
        if name:
            prices[name] = prices.get(name, 0.0) + abs(float(pull))
    return {name: price / scale for name, price in sorted(prices.items()) if price / scale > PRICE_FLOOR}


def _root(covariance: Array) -> Array:
    """A matrix whose square (root' root) is the covariance; a covariance without full rank has one too."""
    if not len(covariance):
        return np.zeros((0, 0))
    try:
        root = np.asarray(np.linalg.cholesky(covariance).T, dtype=np.float64)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    return root


def _stack(rows: Sequence[tuple[str, Array, float]], n: int) -> Array:
    return np.array([row for _, row, _ in rows]).reshape(len(rows), n)
