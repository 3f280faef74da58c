from __future__ import annotations

import time
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import linprog

from riskdesk_assets.limits.limit import Family, Limit, Measure
from riskdesk_assets.optimizer.infeasibility import FeasibilitySystem, Party
from riskdesk_assets.optimizer.portfolio_problem import PortfolioProblem, solve_portfolio
from riskdesk_assets.optimizer.portfolio_rows import shape_limits
from riskdesk_tests.optimizer.random_mandates import limit, mandate, names, plain_optimum, random_mandate

SIX = names(6)
COVARIANCE = np.diag(np.full(6, 1e-4)) + 0.5e-4


def system(problem: PortfolioProblem) -> FeasibilitySystem:
    shaped = shape_limits(problem.limits, problem.symbols, problem.previous, problem.nav)
    return FeasibilitySystem.of(problem.kind, shaped, problem.previous, problem.accept_violation_nav)


def parties(problem: PortfolioProblem) -> dict[str, Party]:
    conflict = system(problem).conflict()
    return {} if conflict is None else {party.name: party for party in conflict.parties}


def caps(fraction: float) -> list[Limit]:
    return [limit(f"name:{symbol}", Measure.NAME_GROSS, (symbol,), fraction) for symbol in SIX]


def test_caps_too_small_for_full_investment_are_named_with_the_budget() -> None:
    problem = mandate(np.zeros(6), COVARIANCE, limits=[*caps(0.10), limit("gross", Measure.GROSS, SIX, 2.0)])
    solution = solve_portfolio(problem)
    assert solution.status == "INFEASIBLE"
    assert solution.weights == {}
    found = parties(problem)
    assert set(found) == {"budget", *(f"name:{s}" for s in SIX)}
    # Five others hold 0.5 at most: one alone would have to take the other half. The sum alone would have to fall to 0.6.
    assert found["name:N000"].alone == pytest.approx(0.5, abs=1e-6)
    assert found["budget"].alone == pytest.approx(0.6, abs=1e-6)
    assert solution.reason == (
        "These cannot hold together: budget (weights sum to 1); "
        "name: <= 0.1 on each of 6 (N000, N001, N002, N003, N004, N005). "
        "Alone, the sum of weights from 1 to 0.6, name:N000 from 0.1 to 0.5, name:N001 from 0.1 to 0.5, "
        "name:N002 from 0.1 to 0.5, name:N003 from 0.1 to 0.5, name:N004 from 0.1 to 0.5 or name:N005 from 0.1 to 0.5 would do."
    )


def test_of_two_conflicts_the_smaller_is_named() -> None:
    # Six caps against the budget (7 parties), and the whole gross against the budget (2).
    problem = mandate(np.zeros(6), COVARIANCE, limits=[*caps(0.10), limit("gross", Measure.GROSS, SIX, 0.7)])
    found = parties(problem)
    assert set(found) == {"budget", "gross"}
    # Neither alone helps: the caps stand in the way of gross; the budget could fall to what the caps allow.
    assert found["gross"].alone is None
    assert found["budget"].alone == pytest.approx(0.6, abs=1e-6)


def test_of_two_conflicts_that_need_the_same_give_one_is_named_whole_and_nothing_idle_with_it() -> None:
    # Eight caps of 0.10 against the budget want 0.2 / 8 each, four groups of 0.225 want 0.1 / 4: the same 0.025, so that the
    # program in which all give the same prices both conflicts. Too large for the search over small sets, they are told apart
    # by the deletion filter alone.
    eight = names(8)
    pairs = [limit(f"group:{j}", Measure.NET, eight[2 * j : 2 * j + 2], 0.225, family=Family.GROUP) for j in range(4)]
    single = [limit(f"name:{symbol}", Measure.NAME_GROSS, (symbol,), 0.10) for symbol in eight]
    problem = mandate(np.zeros(8), np.eye(8) * 1e-4, limits=[*pairs, *single])
    found = tuple(parties(problem))
    assert set(found) == {"budget", *(each.name for each in pairs)}
    assert not _holds(problem, found)
    assert all(_holds(problem, tuple(other for other in found if other != name)) for name in found)


def test_turnover_and_a_cut_cap_are_named_with_what_each_alone_would_give() -> None:
    previous = np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.1])
    limits = [limit("name:N000", Measure.NAME_GROSS, ("N000",), 0.2), limit("turnover", Measure.TRADED, SIX, 0.4)]
    found = parties(mandate(np.zeros(6), COVARIANCE, limits=limits, previous=previous))
    # 0.3 must be sold and, with the sum at 1, bought elsewhere: 0.6 against 0.4. Of 0.4, 0.1 is left to buy with: sum 0.8.
    assert set(found) == {"budget", "name:N000", "turnover"}
    assert found["turnover"].alone == pytest.approx(0.6, abs=1e-6)
    assert found["name:N000"].alone == pytest.approx(0.3, abs=1e-6)
    assert found["budget"].alone == pytest.approx(0.8, abs=1e-6)


def test_the_ban_on_shorts_is_a_party_where_it_matters() -> None:
    exposure = limit("factor:f", Measure.EXPOSURE, SIX, 0.1, coefficients=np.array([[1.0, 1.0, 1.0, 1.0, 1.0, 0.5]]))
    found = parties(mandate(np.zeros(6), COVARIANCE, limits=[exposure]))
    assert set(found) == {"budget", "long_only", "factor:f"}
    assert found["factor:f"].alone == pytest.approx(0.5, abs=1e-6)
    # a + b = 1, a + b/2 = 0.1 (a over five names): b = 1.8, a = -0.8, spread evenly -0.16 each.
    assert found["long_only"].alone == pytest.approx(-0.16, abs=1e-3)


def test_a_volatility_limit_below_the_least_variance_is_named_with_the_least_volatility() -> None:
    vol = limit("volatility", Measure.VOLATILITY, SIX, 0.005, coefficients=COVARIANCE)
    problem = mandate(np.zeros(6), COVARIANCE, limits=[vol], optimizer_type="SOCP", risk_aversion=0.05)
    found = parties(problem)
    # Equal weights: (1e-4 + 5 x 0.5e-4 ... ) = 1.5e-4 / 6 + 0.5e-4 x 5 / 6, sd 0.008165.
    least = np.sqrt(np.full(6, 1 / 6) @ COVARIANCE @ np.full(6, 1 / 6))
    assert set(found) == {"budget", "volatility"}
    assert found["volatility"].alone == pytest.approx(least, rel=1e-5)
    assert solve_portfolio(problem).status == "INFEASIBLE"


def test_a_shortfall_limit_takes_part() -> None:
    losses = -np.array([[0.2] * 6, [0.3] * 6, [0.1] * 6])
    tail = limit("scenario_shortfall", Measure.SHORTFALL, SIX, 0.2, coefficients=losses, worst=2)
    found = parties(mandate(np.zeros(6), COVARIANCE, limits=[tail]))
    assert set(found) == {"budget", "scenario_shortfall"}
    assert found["scenario_shortfall"].alone == pytest.approx(0.25, abs=1e-6)
    assert found["budget"].alone == pytest.approx(0.8, abs=1e-6)


def test_what_can_hold_together_is_no_conflict() -> None:
    for seed in range(5):
        assert system(random_mandate(seed)).conflict() is None


def _linear(seed: int) -> PortfolioProblem:
    """Nine limits over five names, linear in buys and sells, about half of the seeds infeasible."""
    rng = np.random.default_rng(seed)
    symbols = names(5)
    limits = [limit(f"name:{s}", Measure.NAME_GROSS, (s,), rng.uniform(0.1, 0.5)) for s in symbols]
    limits += [
        limit("group:a", Measure.NET, symbols[:3], rng.uniform(0.2, 0.8), family=Family.GROUP),
        limit("group:b", Measure.NET, symbols[2:], rng.uniform(0.2, 0.8), family=Family.GROUP),
        limit("turnover", Measure.TRADED, symbols, rng.uniform(0.05, 0.8)),
        limit("factor:f", Measure.EXPOSURE, symbols, rng.uniform(0.1, 0.8), coefficients=rng.uniform(0.3, 1.2, (1, 5))),
    ]
    return mandate(np.zeros(5), np.eye(5) * 1e-4, limits=limits, previous=rng.dirichlet(np.ones(5)))


def _holds(problem: PortfolioProblem, chosen: tuple[str, ...]) -> bool:
    """Whether these parties can hold together, by HiGHS on weights, buys and sells."""
    n = len(problem.symbols)
    upper, right, equal, total = [], [], [np.hstack([np.eye(n), -np.eye(n), np.eye(n)])], [problem.previous]
    for item in problem.limits:
        if item.name not in chosen:
            continue
        row = np.zeros(3 * n)
        mask = np.isin(problem.symbols, item.members).astype(float)
        if item.coefficients:
            mask = np.array(item.coefficients[0]) / 1e6
        if item.measure is Measure.TRADED:
            row[n:] = 1.0
            upper.append(row)
            right.append(item.bound / 1e4 / problem.nav)
        else:
            row[:n] = mask
            upper += [row, -row]
            right += [item.bound / 1e4 / problem.nav] * 2
    if "budget" in chosen:
        equal.append(np.concatenate([np.ones(n), np.zeros(2 * n)])[None, :])
        total.append(np.ones(1))
    low = 0.0 if "long_only" in chosen else -50.0
    answer = linprog(
        np.zeros(3 * n),
        A_ub=np.array(upper) if upper else None,
        b_ub=right if upper else None,
        A_eq=np.vstack(equal),
        b_eq=np.concatenate(total),
        bounds=[(low, 50.0)] * n + [(0.0, 100.0)] * (2 * n),
    )
    assert answer.status in (0, 2)
    return bool(answer.status == 0)


def test_the_set_named_is_the_smallest_there_is() -> None:
    """By brute force over all subsets, with another solver: the set conflicts, none of its parts does, no smaller set does."""
    checked = 0
    for seed in range(16):
        problem = _linear(seed)
        everything = system(problem).parties
        found = tuple(parties(problem))
        assert bool(found) != _holds(problem, everything), seed
        if not found:
            continue
        checked += 1
        assert not _holds(problem, found)
        for size in range(1, len(found)):
            for fewer in combinations(everything if size <= 2 else found, size):
                assert _holds(problem, fewer), (seed, found, fewer)
    assert checked >= 5


def test_giving_what_is_said_makes_the_mandate_feasible_and_a_little_less_does_not() -> None:
    checked = 0
    for seed in range(16):
        problem = _linear(seed)
        for name, party in parties(problem).items():
            if name in ("budget", "long_only") or party.alone is None:
                continue
            for share, feasible in ((1.0 + 1e-5, True), (1.0 - 1e-3, False)):
                bound = int(party.alone * share * problem.nav * 10_000)
                eased = tuple(replace(item, bound=bound) if item.name == name else item for item in problem.limits)
                assert _holds(replace(problem, limits=eased), system(problem).parties) is feasible
            checked += 1
    assert checked >= 3


def test_limits_give_in_the_order_of_their_classes_and_no_more_than_needed() -> None:
    previous = np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.1])
    limits = [limit("name:N000", Measure.NAME_GROSS, ("N000",), 0.2), limit("turnover", Measure.TRADED, SIX, 0.4)]
    limits.append(limit("group:a", Measure.GROSS, SIX[:3], 0.9, family=Family.GROUP))
    problem = mandate(np.zeros(6), COVARIANCE, limits=limits, previous=previous, softening={"group": 2, "turnover": 1})
    solution = solve_portfolio(problem)
    assert solution.status == "SOFTENED"
    assert set(solution.softened) == {"turnover"}
    assert solution.softened["turnover"] == pytest.approx(0.6 * problem.nav, abs=5e-6 * problem.nav)
    assert solution.turnover <= solution.softened["turnover"] / problem.nav + 1e-6
    assert solution.weights["N000"] <= 0.2 + 1e-6
    assert "turnover from 0.4 to 0.6" in solution.reason
    assert solution.reason.startswith("These cannot hold together: ")


def test_a_second_class_gives_only_when_the_first_cannot_suffice() -> None:
    groups = [limit("group:a", Measure.GROSS, SIX[:3], 0.3, family=Family.GROUP)]
    groups += [
        limit("country:b", Measure.GROSS, SIX[3:], 0.4, family=Family.COUNTRY),
        limit("turnover", Measure.TRADED, SIX, 0.9),
    ]
    problem = mandate(
        np.zeros(6), COVARIANCE, limits=groups, previous=np.full(6, 1 / 6), softening={"turnover": 1, "country": 2}
    )
    solution = solve_portfolio(problem)
    assert solution.status == "SOFTENED"
    assert set(solution.softened) == {"country:b"}
    assert solution.softened["country:b"] == pytest.approx(0.7 * problem.nav, rel=1e-5)


def test_where_softening_is_not_enough_there_are_no_weights() -> None:
    problem = mandate(np.zeros(6), COVARIANCE, limits=caps(0.10), softening={"turnover": 1, "fragility": 2})
    solution = solve_portfolio(problem)
    assert (solution.status, solution.weights, solution.softened) == ("INFEASIBLE", {}, {})


def test_softened_days_agree_with_an_independent_model_of_the_eased_limits() -> None:
    checked = 0
    for seed in range(8):
        soft = {"turnover": 1, "liquidity": 1, "group": 2, "scenario_loss": 3, "volatility": 4}
        problem = replace(random_mandate(seed, kind="long_only", tight=0.45), softening=soft)
        solution = solve_portfolio(problem)
        assert solution.status in ("OPTIMAL", "SOFTENED", "INFEASIBLE")
        status, _, _ = plain_optimum(problem)
        assert (solution.status == "OPTIMAL") == status.startswith("optimal")
        if solution.status == "SOFTENED":
            eased = {name: int(bound * 10_000) + 1 for name, bound in solution.softened.items()}
            changed = replace(problem, limits=tuple(replace(i, bound=eased.get(i.name, i.bound)) for i in problem.limits))
            assert plain_optimum(changed)[0].startswith("optimal")
            checked += 1
    assert checked >= 2


def test_a_conflict_among_twenty_four_names_is_named_within_a_blink() -> None:
    problem = random_mandate(1, kind="long_only", optimizer_type="QP", tight=0.35)
    system(problem).conflict()
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        assert system(problem).conflict() is not None
        taken.append(time.perf_counter() - start)
    # 20-40 ms alone on the machine; the bound leaves room for a busy one.
    assert min(taken) < 0.5


def test_the_first_class_gives_alone_where_it_can_though_the_second_would_give_less() -> None:
    # Turnover must double (a give of 1 of its bound) where the cap would need three quarters of its own.
    limits = [limit("name:N000", Measure.NAME_GROSS, ("N000",), 0.2), limit("turnover", Measure.TRADED, SIX, 0.3)]
    previous = np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.1])
    problem = mandate(np.zeros(6), COVARIANCE, limits=limits, previous=previous, softening={"turnover": 1, "name_gross": 2})
    assert set(solve_portfolio(problem).softened) == {"turnover"}
    turned = replace(problem, softening={"turnover": 2, "name_gross": 1})
    assert set(solve_portfolio(turned).softened) == {"name:N000"}


def test_no_party_named_is_idle_whatever_the_filter_starts_from() -> None:
    problem = mandate(np.zeros(6), COVARIANCE, limits=[*caps(0.10), limit("gross", Measure.GROSS, SIX, 2.0)])
    found = system(problem)
    kept = found._irreducible(found.parties)
    assert set(kept) == {"budget", *(f"name:{s}" for s in SIX)}
