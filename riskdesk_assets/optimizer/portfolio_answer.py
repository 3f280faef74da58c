"""A solver's weights made exact, and the bound on how far they are from the best: nothing a solver says is believed.

Weights within DUST of 0 become 0 and trades within DUST become none; then the sum is put right to rounding by names with
room inside their bounds, those that trade first, the largest first. What moves is of the order of DUST, far below the
violation a limit is accepted with, and every limit is measured after it.
"""

from __future__ import annotations

import math

import numpy as np

from riskdesk_assets.optimizer.limit_rows import Array
from riskdesk_assets.optimizer.portfolio_model import PortfolioAnswer, PortfolioNumbers

# A weight or trade this small is the interior-point method's distance from 0: 1e-9 of 25 million dollars is 2.5 cents.
DUST = 1e-9
# What the sum of weights may miss its budget by: rounding, which no trade mends.
ROUNDING = 1e-14
# Where nothing bounds a weight, the optimality bound looks this far from it, in navs.
REACH = 100.0
# A weight this small may stand on either side of the kink of its absolute value.
KINK = 1e-7


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
        missing = numbers.budget - math.fsum(made.tolist())
        if abs(missing) <= ROUNDING:
            break
        made[i] = min(max(made[i] + missing, numbers.lower[i]), numbers.upper[i])
    return made


def optimality_gap(numbers: PortfolioNumbers, w: Array, answer: PortfolioAnswer) -> float:
    """A bound on how much better than ``w`` (n,) any feasible weights could be, in units of the scaled objective.

    Weak duality: any prices not below 0 give a bound, whatever the solver thought, because the concave objective lies below
    its tangent at w (less the specific variance of the step), a cone lies above its tangent, and an absolute value or a
    trading cost above any of its own: of these the tangents that make the bound tightest are taken.
    """
    z = w - numbers.previous
    slope, curvature, slack = _tangent(numbers, w, answer.direction)
    slope = slope - numbers.linear.T @ answer.linear - answer.budget
    slack += float(answer.linear @ (numbers.linear_bounds - numbers.linear @ w))
    slack += float(answer.gross @ numbers.gross_bounds) + float(answer.traded @ numbers.traded_bounds)
    for matrix, bound, price in zip(numbers.cones, numbers.cone_bounds, answer.cones, strict=True):
        along = matrix @ w
        length = float(np.linalg.norm(along))
        if length > 0:
            slope = slope - price * (matrix.T @ along) / length
        slack += float(price) * (bound - length)
    if numbers.budget is not None:
        slack += answer.budget * (numbers.budget - float(w.sum()))
    sizes = numbers.gross.T @ answer.gross
    small = np.abs(w) < KINK
    slope = slope - np.where(small, 0.0, sizes * np.sign(w))
    trades = numbers.rate + numbers.traded.T @ answer.traded
    # Where the size has its kink and the trade has none, the size's tangent is the one to choose.
    fixed = np.where(small & (np.abs(z) > KINK), z, np.nan)
    touch, lost = _cost_tangent(slope, trades, np.where(small, sizes, 0.0), numbers, fixed)
    slope = slope - touch
    signed = np.where(small, np.clip(slope, -sizes, sizes), sizes * np.sign(w))
    slope = slope - np.where(small, signed, 0.0)
    paid = numbers.rate * np.abs(z) + numbers.impact * np.abs(z) ** 1.5
    slack += float((paid - touch * z + lost).sum()) - float(signed @ w)
    up, down = np.minimum(numbers.upper - w, REACH), np.maximum(numbers.lower - w, -REACH)
    return slack + float(_most(slope, curvature, down, up).sum())


def _cost_tangent(slope: Array, trades: Array, spare: Array, numbers: PortfolioNumbers, fixed: Array) -> tuple[Array, Array]:
    """Per name the tangent to trades x |z| + impact x |z|^1.5 whose slope is nearest ``slope``, and its depth at no trade.

    Both kinks of a name that is neither held nor traded hold the slope before a trade does: ``spare`` (n,) is what the size's
    takes. Where ``fixed`` (n,) is a number, it is the tangent at that trade.
    """
    excess = np.maximum(np.abs(slope) - trades - spare, 0.0)
    steep = np.divide(excess, 1.5 * numbers.impact, out=np.zeros(len(slope)), where=numbers.impact > 0)
    at = np.clip(np.sign(slope) * steep**2, numbers.lower - numbers.previous, numbers.upper - numbers.previous)
    at = np.where(np.isnan(fixed), at, fixed)
    curved = 1.5 * numbers.impact * np.sqrt(np.abs(at))
    touch = np.where(at == 0.0, np.clip(slope, -trades, trades), np.sign(at) * (trades + curved))
    lost: Array = 0.5 * numbers.impact * np.abs(at) ** 1.5
    return touch, lost


def _most(slope: Array, curvature: Array, down: Array, up: Array) -> Array:
    """Per name, the largest slope x d - curvature x d^2 over down <= d <= up."""
    end = np.where(slope > 0, np.inf, np.where(slope < 0, -np.inf, 0.0))
    best = np.divide(slope, 2.0 * curvature, out=end, where=curvature > 0)
    step = np.clip(best, np.minimum(down, up), np.maximum(down, up))
    found: Array = slope * step - curvature * step**2
    return found


def _tangent(numbers: PortfolioNumbers, w: Array, direction: Array) -> tuple[Array, Array, float]:
    """Slope (n,) of expected return less risk, the curvature (n,) every step loses for certain, and the tangent's depth at w.

    The volatility lies above v'(R B'w, d o w) for every v no longer than 1, also at a flat book, where it has no gradient;
    the solver's own v is the one that goes with its prices.
    """
    stack = np.vstack([numbers.root @ numbers.exposures.T, np.diag(numbers.specific)])
    risk = stack @ w
    if not numbers.volatility:
        return numbers.mu - 2.0 * (stack.T @ risk), numbers.specific**2, 0.0
    length = float(np.linalg.norm(risk))
    return numbers.mu - stack.T @ direction, np.zeros(len(w)), length - float(direction @ risk)
