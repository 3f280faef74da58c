"""400 awkward days: on each the right answer, by an independent model, or a refusal that says why; never a NaN."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from riskdesk_assets.limits.limit import Limit, Measure
from riskdesk_assets.optimizer.portfolio_chain import worst_violation
from riskdesk_assets.optimizer.portfolio_problem import Kind, PortfolioProblem, PortfolioSolution, solve_portfolio
from riskdesk_tests.optimizer.random_mandates import (
    limit,
    mandate,
    names,
    objective,
    plain_optimum,
    random_factors,
    random_mandate,
)

EACH = 20
N = 6
SIX = names(N)


def _kind(seed: int) -> Kind:
    kinds: tuple[Kind, ...] = ("long_only", "market_neutral", "long_short")
    return kinds[seed % 3]


def _caps(fraction: float, nav: float = 25_000_000.0) -> list[Limit]:
    return [limit(f"name:{s}", Measure.NAME_GROSS, (s,), fraction, nav=nav) for s in SIX]


def _day(seed: int, kind: Kind | None = None, **changes: object) -> PortfolioProblem:
    rng = np.random.default_rng(seed)
    kind = kind or _kind(seed)
    previous = rng.dirichlet(np.ones(N))
    if kind != "long_only":
        previous = previous - previous.mean()
    day = mandate(
        rng.normal(0.0, 5e-4, N),
        kind=kind,
        limits=[*_caps(0.4), limit("turnover", Measure.TRADED, SIX, 1.5)],
        previous=previous,
        rate=2e-5,
        risk_aversion=5.0,
        factors=random_factors(rng, N, 2),
    )
    return replace(day, **changes)  # type: ignore[arg-type]


def dead_names(seed: int) -> PortfolioProblem:
    day = _day(seed)
    alive = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0])
    return replace(
        day,
        expected_return=day.expected_return * alive,
        exposures=day.exposures * alive[:, None],
        specific_variance=day.specific_variance * alive,
    )


def twins(seed: int) -> PortfolioProblem:
    day = _day(seed)
    order = [0, 0, 2, 2, 4, 4]
    return replace(
        day, exposures=day.exposures[order], specific_variance=np.zeros(N), expected_return=day.expected_return[order]
    )


def near_singular(seed: int) -> PortfolioProblem:
    return replace(_day(seed), specific_variance=np.full(N, 1e-16))


def no_turnover(seed: int) -> PortfolioProblem:
    day = _day(seed)
    return replace(day, limits=(limit("turnover", Measure.TRADED, SIX, 0.0),))


def limits_of_nothing(seed: int) -> PortfolioProblem:
    day = _day(seed)
    factor = limit("factor:f", Measure.EXPOSURE, SIX, 1e-9, coefficients=np.array([[1.0, -1.0, 0.5, -0.5, 0.2, -0.2]]))
    return replace(day, limits=(*day.limits, factor, limit("group:a", Measure.GROSS, SIX[:2], 1e-9)))


def bounds_of_zero(seed: int) -> PortfolioProblem:
    day = _day(seed)
    shut = [limit(f"symbol_net:{s}", Measure.NET, (s,), 0.0) for s in SIX[:3]]
    return replace(day, limits=(*day.limits, *shut))


def caps_that_cannot_sum(seed: int) -> PortfolioProblem:
    return _day(seed, "long_only", limits=tuple(_caps(0.166 - 0.005 * seed)))


def turnover_that_cannot_reach(seed: int) -> PortfolioProblem:
    previous = np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    turnover = limit("turnover", Measure.TRADED, SIX, 0.05 * seed)
    return _day(seed, "long_only", previous=previous, limits=(*_caps(0.49), turnover))


def volatility_below_the_least(seed: int) -> PortfolioProblem:
    day = _day(seed, "long_only", optimizer_type="SOCP", risk_aversion=0.05)
    # No long-only book has less than the least of x'Sx over sum x = 1, shorts allowed.
    least = math.sqrt(1.0 / np.linalg.inv(day.covariance).sum())
    tight = limit("volatility", Measure.VOLATILITY, SIX, least * (0.3 + 0.03 * seed), coefficients=day.covariance)
    return replace(day, limits=(tight,))


def shortfall_nobody_escapes(seed: int) -> PortfolioProblem:
    day = _day(seed, "long_only")
    returns = -np.random.default_rng(seed).uniform(0.1, 0.3, (5, N))
    return replace(day, limits=(limit("shortfall", Measure.SHORTFALL, SIX, 0.09, coefficients=returns, worst=2),))


def huge_scores(seed: int) -> PortfolioProblem:
    day = _day(seed)
    return replace(day, expected_return=day.expected_return * 10.0 ** (seed % 10))


def tiny_nav(seed: int) -> PortfolioProblem:
    return _day(seed, nav=1.0, limits=tuple(_caps(0.4, nav=1.0)))


def one_name(seed: int) -> PortfolioProblem:
    kind = _kind(seed)
    cap = () if kind == "long_only" else (limit("gross", Measure.GROSS, ("N000",), 0.3),)
    return mandate(np.array([1e-3 * (seed % 5 - 2)]), np.full((1, 1), 1e-4), kind=kind, limits=cap, rate=1e-5)


def no_factors(seed: int) -> PortfolioProblem:
    day = _day(seed)
    return replace(day, exposures=np.zeros((N, 0)), factor_covariance=np.zeros((0, 0)))


def crushing_costs(seed: int) -> PortfolioProblem:
    return _day(seed, impact=np.full(N, 10.0 ** (seed % 6 - 4)), cost_rate=np.full(N, 0.01))


def caps_that_just_sum(seed: int) -> PortfolioProblem:
    return _day(seed, "long_only", limits=tuple(_caps(1.0 / N)))


def no_risk_aversion(seed: int) -> PortfolioProblem:
    return _day(seed, risk_aversion=0.0)


def nothing_to_stop_it(seed: int) -> PortfolioProblem:
    return _day(seed, "market_neutral", risk_aversion=0.0, limits=())


def everything_at_once(seed: int) -> PortfolioProblem:
    return random_mandate(2 * seed, n=8, k=2, kind=_kind(seed), optimizer_type="SOCP")


def nothing_matters(seed: int) -> PortfolioProblem:
    none = np.zeros(N)
    return _day(seed, expected_return=none, specific_variance=none, exposures=np.zeros((N, 2)), cost_rate=none)


DAYS: tuple[tuple[Callable[[int], PortfolioProblem], str], ...] = (
    (dead_names, "OPTIMAL"),
    (twins, "OPTIMAL"),
    (near_singular, "OPTIMAL"),
    (no_turnover, "OPTIMAL"),
    (limits_of_nothing, "OPTIMAL"),
    (bounds_of_zero, "OPTIMAL"),
    (caps_that_cannot_sum, "INFEASIBLE"),
    (turnover_that_cannot_reach, "INFEASIBLE"),
    (volatility_below_the_least, "INFEASIBLE"),
    (shortfall_nobody_escapes, "INFEASIBLE"),
    (huge_scores, "OPTIMAL"),
    (tiny_nav, "OPTIMAL"),
    (one_name, "OPTIMAL"),
    (no_factors, "OPTIMAL"),
    (crushing_costs, "OPTIMAL"),
    (caps_that_just_sum, "OPTIMAL"),
    (no_risk_aversion, "OPTIMAL"),
    (nothing_to_stop_it, "FAILED"),
    (everything_at_once, "OPTIMAL"),
    (nothing_matters, "OPTIMAL"),
)


def test_four_hundred_awkward_days_have_the_right_answer_or_say_why_there_is_none() -> None:
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for made, expected in DAYS:
        for seed in range(EACH):
            problem = made(seed)
            solution = solve_portfolio(problem)
            counts[solution.status] += 1
            told = f"{made.__name__} {seed}: {solution.status} {solution.reason}"
            figures = [solution.expected_return, solution.volatility, solution.cost, solution.turnover]
            if not all(map(math.isfinite, [*figures, *solution.weights.values(), *solution.prices.values()])):
                wrong.append(f"{told}: not a number")
            if solution.status != expected:
                wrong.append(f"{told}: {expected} was expected")
            elif expected == "OPTIMAL":
                wrong += [f"{told}: {fault}" for fault in _faults(problem, solution)]
            elif solution.weights or not solution.reason:
                wrong.append(f"{told}: a refusal gives a reason and no weights")
            elif expected == "INFEASIBLE" and plain_optimum(problem)[0] not in ("infeasible", "infeasible_inaccurate"):
                wrong.append(f"{told}: an independent model finds weights")
    assert not wrong, "\n".join(wrong)
    assert counts == {"OPTIMAL": 300, "INFEASIBLE": 80, "FAILED": 20}


def _faults(problem: PortfolioProblem, solution: PortfolioSolution) -> list[str]:
    w = np.array([solution.weights[symbol] for symbol in problem.symbols])
    violation, name = worst_violation(problem, solution.weights)
    faults = [] if violation <= 1e-6 else [f"{name} is breached by {violation}"]
    status, best, _ = plain_optimum(problem)
    if not status.startswith("optimal"):
        return [*faults, f"the independent model says {status}"]
    # Bounds are tightened by 1e-6 of nav, which is worth its price.
    close = 1e-8 + 1.1e-6 * sum(solution.prices.values()) + 1e-8 * abs(best)
    if abs(objective(problem, w) - best) > close:
        faults.append(f"worth {objective(problem, w)}, the independent model finds {best}")
    return faults
