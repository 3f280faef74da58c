"""How far out a confidence lies: days in the tail of a sample, standard deviations under a distribution."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

from riskdesk_assets.risk_model.arguments import exact_probability, finite_number, whole_number


@lru_cache(maxsize=64)  # a walk asks for the same few lengths of history on every session
def tail_count(observations: int, level: float) -> int:
    """How many of the worst observations make the tail: (1 - level) x observations, rounded up, never fewer than one.

    The product is exact: 0.05 x 1000 is 50, where floats make 1 - 0.95 a little more than 0.05 and round up to 51.

    Raises:
        ValueError: fewer than one observation, or a level not between 0.5 and 1.

    Source: methods.md section 10.
    """
    days = whole_number("observations", observations, least=1)
    return math.ceil((1 - exact_probability("level", level, above=0.5)) * days)


def tail_multiples(level: float, degrees_of_freedom: float | None = None) -> tuple[float, float]:
    """VaR and expected shortfall at ``level`` of a P&L of mean 0 and volatility 1; ValueError out of range.

    Multiply ``risk_contributions`` by them for component and marginal VaR and expected shortfall.
    """
    exact = exact_probability("level", level, above=0.5)
    tail = float(1 - exact)
    if degrees_of_freedom is None:
        quantile = -NormalDist().inv_cdf(tail)
        return quantile, NormalDist().pdf(quantile) / tail
    from scipy.special import stdtrit

    freedom = checked_degrees_of_freedom(degrees_of_freedom)
    scale = math.sqrt((freedom - 2.0) / freedom)
    quantile = -float(stdtrit(freedom, tail))
    log_constant = math.lgamma((freedom + 1.0) / 2.0) - math.lgamma(freedom / 2.0) - 0.5 * math.log(freedom * math.pi)
    density = math.exp(log_constant - (freedom + 1.0) / 2.0 * math.log1p(quantile * quantile / freedom))
    shortfall = density * (freedom + quantile * quantile) / ((freedom - 1.0) * tail)
    return scale * quantile, scale * shortfall


def checked_degrees_of_freedom(value: float) -> float:
    """Degrees of freedom of a Student-t that has a variance; ValueError unless finite and above 2."""
    return finite_number("degrees_of_freedom", value, above=2.0)
