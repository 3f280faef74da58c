"""Was the risk model right? Realized against predicted volatility, and exceptions of VaR against their number and order.

An exception is a day whose loss was larger than the VaR of the day before; p is the probability the model gave it (0.01 for a
VaR at 99%). Statistics are asymptotically chi-square, so a small p-value speaks against the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from riskdesk_assets.risk_model.arguments import Vector, exact_probability, finite_vector, whole_number

YELLOW_FROM = 0.95
"""Basel: a zone begins at the number of exceptions whose cumulative probability reaches its bound."""
RED_FROM = 0.9999


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test: ``statistic`` >= 0, ``p_value`` in [0, 1], both without a unit."""

    statistic: float
    p_value: float


class Zone(StrEnum):
    """Basel's three zones."""

    GREEN = "GREEN"
    YELLOW = "YELLOW"
    RED = "RED"


@dataclass(frozen=True)
class TrafficLight:
    """Basel's traffic light: ``statistic`` is the number of exceptions.

    ``cumulative_probability`` is P(X <= exceptions) and ``p_value`` is P(X >= exceptions), were the model right.
    """

    zone: Zone
    statistic: float
    p_value: float
    cumulative_probability: float


@dataclass(frozen=True)
class Transitions:
    """How often each pair of consecutive days occurred; 1 is an exception, and ``n10`` counts an exception then none."""

    n00: int
    n10: int
    n01: int
    n11: int


@dataclass(frozen=True)
class ConditionalCoverage:
    """Number and order of the exceptions together: the sum of the two statistics, chi-square with two degrees of freedom."""

    statistic: float
    p_value: float
    unconditional: LikelihoodRatio
    independence: LikelihoodRatio
    transitions: Transitions


@dataclass(frozen=True)
class BiasRatio:
    """Realized over predicted volatility: ``ratio`` is 1 for a right model, above 1 for one that predicts too little risk.

    ``statistic`` is (observations - 1) x ratio squared, chi-square with that many degrees of freedom for normal P&L;
    ``p_value`` is two-sided.
    """

    ratio: float
    statistic: float
    p_value: float
    observations: int


def kupiec_pof(observations: int, exceptions: int, p: float) -> LikelihoodRatio:
    """Kupiec's test of the proportion of failures: were there as many exceptions as the model said?

    Args:
        observations: number of days, 1 or more.
        exceptions: number of days with an exception, 0 to ``observations``.
        p: probability of an exception by the model, between 0 and 1.

    Returns:
        -2 ln of the likelihood ratio, chi-square with one degree of freedom; 0 log 0 is read as 0.

    Raises:
        ValueError: an argument is out of its range.

    Source: methods.md section 10; Kupiec (1995), "Techniques for verifying the accuracy of risk measurement models".
    """
    days, hits, probability = _counts(observations, exceptions, p)
    expected = probability * days
    return _chi_square_1(_deviance([(hits, Fraction(hits) / expected), (days - hits, (days - hits) / (days - expected))]))


def christoffersen_independence(n00: int, n10: int, n01: int, n11: int) -> LikelihoodRatio:
    """Christoffersen's test of independence: is an exception as likely after an exception as after none?

    Args:
        n00: days without an exception after a day without one.
        n10: days without an exception after a day with one (from 1 to 0).
        n01: days with an exception after a day without one (from 0 to 1).
        n11: days with an exception after a day with one.

    Returns:
        -2 ln of the likelihood ratio, chi-square with one degree of freedom; 0 log 0 is read as 0, so the statistic is 0 where
        the counts cannot tell (no transitions, no exceptions, nothing but exceptions).

    Raises:
        ValueError: a count is not an integer of 0 or more.

    Source: methods.md section 10; Christoffersen (1998), "Evaluating interval forecasts".
    """
    counts = {"n00": n00, "n10": n10, "n01": n01, "n11": n11}
    stay, leave, enter, again = (whole_number(name, count, least=0) for name, count in counts.items())
    total = stay + leave + enter + again
    # Each cell is count x ln(count / what independence gives): the likelihood ratio with its logarithms gathered.
    cells = [
        (stay, stay + enter, stay + leave),
        (enter, stay + enter, enter + again),
        (leave, leave + again, stay + leave),
        (again, leave + again, enter + again),
    ]
    return _chi_square_1(_deviance((n, Fraction(n * total, before * after)) for n, before, after in cells if n > 0))


def traffic_light(observations: int, exceptions: int, p: float) -> TrafficLight:
    """Basel's traffic light: how unusual would so many exceptions be, were the model right?

    Args:
        observations: number of days, 1 or more; Basel's table is for 250.
        exceptions: number of days with an exception, 0 to ``observations``.
        p: probability of an exception by the model, between 0 and 1; Basel's table is for 0.01.

    Returns:
        YELLOW from the number of exceptions whose cumulative binomial probability reaches 0.95, RED from 0.9999, else GREEN.

    Raises:
        ValueError: an argument is out of its range.

    Source: methods.md section 10; Basel Committee (1996), "Supervisory framework for the use of backtesting in conjunction
    with the internal models approach to market risk capital requirements".
    """
    from scipy.special import bdtr, bdtrc

    days, hits, probability = _counts(observations, exceptions, p)
    at_most = float(bdtr(hits, days, float(probability)))
    at_least = float(bdtrc(hits - 1, days, float(probability)))
    zone = Zone.RED if at_most >= RED_FROM else Zone.YELLOW if at_most >= YELLOW_FROM else Zone.GREEN
    return TrafficLight(zone, float(hits), at_least, at_most)


def exception_transitions(exceptions: Iterable[bool]) -> Transitions:
    """Count the pairs of consecutive days in a series of days, oldest first, true where there was an exception."""
    counts = {(False, False): 0, (True, False): 0, (False, True): 0, (True, True): 0}
    days = [bool(day) for day in exceptions]
    for pair in pairwise(days):
        counts[pair] += 1
    return Transitions(counts[False, False], counts[True, False], counts[False, True], counts[True, True])


def conditional_coverage(exceptions: Sequence[bool], p: float) -> ConditionalCoverage:
    """Christoffersen's test of conditional coverage: the right number of exceptions, and not in clusters.

    Args:
        exceptions: one per day, oldest first, true where the loss was larger than the VaR; one day or more.
        p: probability of an exception by the model, between 0 and 1.

    Returns:
        The sum of ``kupiec_pof`` over all days and ``christoffersen_independence`` over their transitions, with both parts.

    Raises:
        ValueError: no days, or p out of its range.

    Source: methods.md section 10; Christoffersen (1998), "Evaluating interval forecasts".
    """
    days = [bool(day) for day in exceptions]
    if not days:
        raise ValueError("exceptions is empty (allowed: one day or more)")
    moved = exception_transitions(days)
    unconditional = kupiec_pof(len(days), sum(days), p)
    independence = christoffersen_independence(moved.n00, moved.n10, moved.n01, moved.n11)
    statistic = unconditional.statistic + independence.statistic
    # With two degrees of freedom the chi-square's tail is an exponential.
    return ConditionalCoverage(statistic, math.exp(-statistic / 2.0), unconditional, independence, moved)


def bias_ratio(realized: Sequence[float] | Vector, predicted: Sequence[float] | Vector) -> BiasRatio:
    """The bias statistic: the standard deviation (ddof 1) of each day's P&L over the volatility predicted for it.

    Args:
        realized: daily P&L, shape (days,), fractions of NAV, two days or more.
        predicted: daily volatility predicted for the same days, shape (days,), fractions of NAV, above 0.

    Raises:
        ValueError: other lengths, fewer than two days, a value that is not finite, a prediction of 0 or less.

    Source: methods.md section 10 (realized / predicted volatility).
    """
    from scipy.special import chdtr, chdtrc

    outcomes = finite_vector("realized", realized, least_length=2)
    forecasts = finite_vector("predicted", predicted, least_length=2)
    if len(forecasts) != len(outcomes):
        raise ValueError(f"predicted has {len(forecasts)} values (allowed: {len(outcomes)}, as many as realized)")
    if not forecasts.min() > 0.0:
        raise ValueError(f"predicted is {forecasts.min():g} on one day (allowed: above 0)")
    scores = (outcomes / forecasts).tolist()
    mean = math.fsum(scores) / len(scores)
    statistic = math.fsum((score - mean) ** 2 for score in scores)
    freedom = len(scores) - 1
    p_value = min(1.0, 2.0 * min(float(chdtr(freedom, statistic)), float(chdtrc(freedom, statistic))))
    return BiasRatio(math.sqrt(statistic / freedom), statistic, p_value, len(scores))


def _counts(observations: int, exceptions: int, p: float) -> tuple[int, int, Fraction]:
    days = whole_number("observations", observations, least=1)
    return days, whole_number("exceptions", exceptions, least=0, most=days), exact_probability("p", p)


def _deviance(cells: Iterable[tuple[int, Fraction]]) -> float:
    # Counts and ratios are exact, so a sample that agrees with the model gives 0 and not the rounding of two logarithms.
    return max(0.0, 2.0 * math.fsum(count * _log(ratio) for count, ratio in cells if count > 0))


def _log(ratio: Fraction) -> float:
    # Near 1 the difference of logarithms would lose its digits; far from 1 the quotient may overflow a float.
    if abs(ratio - 1) < Fraction(1, 2):
        return math.log1p(float(ratio - 1))
    return math.log(ratio.numerator) - math.log(ratio.denominator)


def _chi_square_1(statistic: float) -> LikelihoodRatio:
    # With one degree of freedom the chi-square's tail is that of a squared normal.
    return LikelihoodRatio(statistic, math.erfc(math.sqrt(statistic / 2.0)))
