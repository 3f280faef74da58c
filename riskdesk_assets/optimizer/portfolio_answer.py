"""A solver's weights made exact, and the bound on how far they are from the best: nothing a solver says is believed.

Weights within DUST of 0 become 0 and trades within DUST become none; then the sum is put right to rounding by names with
room inside their bounds, those that trade first, the largest first. What moves is of the order of DUST, far below the
violation a limit is accepted with, and every limit is measured after it.
"""

from __future__ import annotations

import numpy as np

from riskdesk_assets.optimizer.limit_rows import Array
from riskdesk_assets.optimizer.portfolio_model import PortfolioAnswer, PortfolioNumbers

# A weight or trade this small is the interior-point method's distance from 0: 1e-9 of 25 million dollars is 2.5 cents.
DUST = 1e-9
# Where nothing bounds a weight, the optimality bound looks this far from it, in navs.
REACH = 100.0


def settled(w: Array, numbers: PortfolioNumbers) -> Array:
    """Weights (n,) inside their bounds, without dust, summing to the budget to rounding where the bounds allow it."""
    made = np.clip(w, numbers.lower, np.maximum(numbers.lower, numbers.upper))
    for level in (numbers.previous, np.zeros(len(made))):
        near = (np.abs(made - level) < DUST) & (level >= numbers.lower) & (level <= numbers.upper)
        made[near] = level[near]
    if numbers.budget is None:
        return made
    trades = made != numbers.previous
    for i in sorted(range(len(made)), key=lambda i: (made[i] == 0.0, not trades[i], -abs(made[i]), i)):
        missing = numbers.budget - float(made.sum())
        if missing == 0.0:
            break
        made[i] = min(max(made[i] + missing, numbers.lower[i]), numbers.upper[i])
    return made


def optimality_gap(numbers: PortfolioNumbers, w: Array, answer: PortfolioAnswer) -> float:
    """A bound on how much better than ``w`` (n,) any feasible weights could be, in units of the scaled objective.

    Weak duality: any prices not below 0 and signs in [-1, 1] give a bound, whatever the solver thought, because the concave
    objective lies below its tangent at w (less the specific variance of the step), -|z| below -s z, and a cone above its
    tangent. Good prices make the bound tight.
    """
    z = w - numbers.previous
    gradient, curvature = _tangent(numbers, w, z)
    sizes = numbers.gross.T @ answer.gross
    trades = numbers.rate + numbers.traded.T @ answer.traded
    slope = (
        gradient - numbers.linear.T @ answer.linear - sizes * answer.size_signs - trades * answer.trade_signs - answer.budget
    )
    slack = float(answer.linear @ (numbers.linear_bounds - numbers.linear @ w))
    slack += float(answer.gross @ numbers.gross_bounds) - float(sizes @ (answer.size_signs * w))
    slack += (
        float(answer.traded @ numbers.traded_bounds)
        + float(numbers.rate @ np.abs(z))
        - float(trades @ (answer.trade_signs * z))
    )
    for matrix, bound, price in zip(numbers.cones, numbers.cone_bounds, answer.cones, strict=True):
        along = matrix @ w
        length = float(np.linalg.norm(along))
        if length > 0:
            slope = slope - price * (matrix.T @ along) / length
        slack += float(price) * (bound - length)
    if numbers.budget is not None:
        slack += answer.budget * (numbers.budget - float(w.sum()))
    up, down = np.minimum(numbers.upper - w, REACH), np.maximum(numbers.lower - w, -REACH)
    return slack + float(_most(slope, curvature, down, up).sum())


def _most(slope: Array, curvature: Array, down: Array, up: Array) -> Array:
    """Per name, the largest slope x d - curvature x d^2 over down <= d <= up."""
    best = np.divide(slope, 2.0 * curvature, out=np.sign(slope) * np.inf, where=curvature > 0)
    step = np.clip(np.where(np.isnan(best), 0.0, best), np.minimum(down, up), np.maximum(down, up))
    found: Array = slope * step - curvature * step**2
    return found


def _tangent(numbers: PortfolioNumbers, w: Array, z: Array) -> tuple[Array, Array]:
    """Gradient (n,) of what is smooth in the objective, and the curvature (n,) every step loses for certain."""
    systematic = numbers.root @ (numbers.exposures.T @ w)
    specific = numbers.specific * w
    stretch = numbers.exposures @ (numbers.root.T @ systematic) + numbers.specific * specific
    gradient = numbers.mu - 1.5 * numbers.impact * np.sqrt(np.abs(z)) * np.sign(z)
    if not numbers.volatility:
        return gradient - 2.0 * stretch, numbers.specific**2
    length = float(np.sqrt(systematic @ systematic + specific @ specific))
    none = np.zeros(len(w))
    if length > DUST:
        return gradient - stretch / length, none
    # At no risk the cone has its tip: any direction no longer than 1 is a tangent, and the one nearest the gradient is best.
    stack = np.vstack([numbers.root @ numbers.exposures.T, np.diag(numbers.specific)])
    direction = np.linalg.lstsq(stack.T, gradient, rcond=None)[0]
    return gradient - stack.T @ (direction / max(1.0, float(np.linalg.norm(direction)))), none
