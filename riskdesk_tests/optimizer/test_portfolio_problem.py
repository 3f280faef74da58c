from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from riskdesk_assets.limits.fact_limits import SessionFacts
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_assets.limits.mandate_limits import mandate_limits
from riskdesk_assets.optimizer.portfolio_chain import worst_violation
from riskdesk_assets.optimizer.portfolio_model import portfolio_answer
from riskdesk_assets.optimizer.portfolio_problem import Kind, PortfolioProblem, PortfolioSolution, factor_form, solve_portfolio
from riskdesk_assets.optimizer.solver_chain import CHAIN, Solver
from riskdesk_assets.risk_model.covariance import Covariance
from riskdesk_tests.desk_builder import desk_config
from riskdesk_tests.optimizer.random_mandates import (
    NAV,
    Array,
    limit,
    mandate,
    names,
    objective,
    plain_optimum,
    random_factors,
    random_mandate,
)

COVARIANCE = np.array(
    [
        [2.25e-4, 0.9e-4, 0.6e-4, 0.5e-4],
        [0.9e-4, 1.44e-4, 0.5e-4, 0.4e-4],
        [0.6e-4, 0.5e-4, 1.96e-4, 0.7e-4],
        [0.5e-4, 0.4e-4, 0.7e-4, 1.0e-4],
    ]
)
MU = np.array([6e-4, 2e-4, -1e-4, 3e-4])
FOUR = names(4)


def solved(problem: PortfolioProblem) -> tuple[PortfolioSolution, Array]:
    solution = solve_portfolio(problem)
    assert solution.status == "OPTIMAL", solution
    return solution, np.array([solution.weights[symbol] for symbol in problem.symbols])


def test_without_limits_or_budget_the_weights_are_those_of_markowitz() -> None:
    # First-order condition of mu'w - lambda w'Sw: w = S^-1 mu / (2 lambda) (Markowitz 1952).
    _, w = solved(mandate(MU, COVARIANCE, kind="long_short", risk_aversion=5.0))
    np.testing.assert_allclose(w, np.linalg.solve(COVARIANCE, MU) / 10.0, rtol=1e-6)


def test_without_views_a_fully_invested_book_is_the_one_of_least_variance() -> None:
    # S^-1 1 / (1'S^-1 1), all positive for this covariance.
    _, w = solved(mandate(np.zeros(4), COVARIANCE, risk_aversion=5.0))
    inverse = np.linalg.solve(COVARIANCE, np.ones(4))
    assert (inverse > 0).all()
    np.testing.assert_allclose(w, inverse / inverse.sum(), atol=1e-7)


def test_a_market_neutral_book_is_markowitz_less_its_mean_return() -> None:
    # With sum w = 0: w = S^-1 (mu - nu 1) / (2 lambda), nu = 1'S^-1 mu / 1'S^-1 1.
    solution, w = solved(mandate(MU, COVARIANCE, kind="market_neutral", risk_aversion=5.0))
    inverse = np.linalg.inv(COVARIANCE)
    nu = (inverse @ MU).sum() / inverse.sum()
    np.testing.assert_allclose(w, inverse @ (MU - nu) / 10.0, atol=1e-6)
    assert abs(sum(solution.weights.values())) < 1e-12


def test_of_two_names_the_capped_one_sits_at_its_cap_and_the_other_takes_the_rest() -> None:
    cap = limit("name:N000", Measure.NAME_GROSS, ("N000",), 0.3)
    spread = np.diag([1e-4, 4e-4])
    problem = mandate(np.array([1e-3, 0.0]), spread, limits=[cap], risk_aversion=1.0)
    solution, w = solved(problem)
    np.testing.assert_allclose(w, [0.3, 0.7], atol=2e-6)
    # d/dw of 1e-3 w - 1e-4 w^2 - 4e-4 (1 - w)^2 at 0.3.
    assert solution.prices["name:N000"] == pytest.approx(1e-3 - 2e-4 * 0.3 + 8e-4 * 0.7, rel=1e-4)


def test_volatility_in_the_objective_gives_the_book_whose_return_covers_its_risk() -> None:
    # mu'w - lambda sd(w) with sum w = 1, two independent names: stationarity in the one free weight.
    spread, mu, lam = np.diag([1e-4, 4e-4]), np.array([1e-3, 1.5e-3]), 0.1
    _, w = solved(mandate(mu, spread, risk_aversion=lam, optimizer_type="SOCP"))
    sd = math.sqrt(1e-4 * w[0] ** 2 + 4e-4 * w[1] ** 2)
    assert 0 < w[0] < 1
    assert mu[0] - mu[1] == pytest.approx(lam * (1e-4 * w[0] - 4e-4 * w[1]) / sd, abs=1e-7)


def test_the_three_halves_cost_stops_a_trade_where_its_marginal_cost_meets_its_worth() -> None:
    # One name, no risk: mu = rate + 1.5 impact sqrt(z), so z = ((mu - rate) / (1.5 impact))^2 by hand: 0.0625.
    problem = mandate(
        np.array([8e-4]), np.zeros((1, 1)), kind="long_short", rate=2e-4, impact=1.6e-3, previous=np.array([0.01])
    )
    solution, w = solved(problem)
    assert w[0] - 0.01 == pytest.approx(0.0625, rel=1e-5)
    assert solution.cost == pytest.approx(2e-4 * 0.0625 + 1.6e-3 * 0.0625**1.5, rel=1e-5)
    assert solution.turnover == pytest.approx(0.0625, rel=1e-5)


def test_nothing_trades_when_costs_exceed_what_any_trade_could_earn() -> None:
    previous = np.array([0.1, -0.2, 0.15, -0.05])
    solution, w = solved(mandate(MU, COVARIANCE, kind="market_neutral", previous=previous, rate=0.01))
    np.testing.assert_array_equal(w, previous)
    assert solution.turnover == 0.0


def test_a_name_nobody_wants_has_a_weight_of_exactly_zero() -> None:
    for seed in range(4):
        solution, w = solved(random_mandate(seed, kind="long_only", optimizer_type="QP"))
        assert (w == 0.0).any()
        assert not ((np.abs(w) > 0) & (np.abs(w) < 1e-9)).any()
        assert abs(sum(solution.weights.values()) - 1.0) < 1e-12


@pytest.mark.parametrize("kind", ["long_only", "market_neutral", "long_short"])
@pytest.mark.parametrize("optimizer_type", ["QP", "SOCP"])
def test_every_limit_holds_when_measured_from_the_weights(kind: Kind, optimizer_type: str) -> None:
    for seed in range(4):
        problem = random_mandate(seed, kind=kind, optimizer_type=optimizer_type)
        solution, w = solved(problem)
        legs = [Leg(s, s, x * NAV) for s, x in solution.weights.items()]
        held = [Leg(s, s, float(x) * NAV) for s, x in zip(problem.symbols, problem.previous, strict=True)]
        over = {item.name: (item.measured(legs, held) - item.bound / 10_000) / NAV for item in problem.limits}
        assert max(over.values()) <= 1e-6, max(over, key=lambda name: over[name])
        assert np.isfinite(w).all()
        assert set(solution.prices) <= set(over)
        # What costs something binds (complementary slackness); bounds are tightened by 1e-6.
        assert all(over[name] > -1e-4 for name, price in solution.prices.items() if price > 1e-7)


def test_the_solution_tells_its_own_figures() -> None:
    problem = random_mandate(1)
    solution, w = solved(problem)
    assert solution.expected_return == pytest.approx(float(problem.expected_return @ w), rel=1e-12)
    assert solution.volatility == pytest.approx(math.sqrt(w @ problem.covariance @ w), rel=1e-9)
    value = solution.expected_return - problem.risk_aversion * solution.volatility - solution.cost
    assert value == pytest.approx(objective(problem, w), rel=1e-9)


PRICED = {
    "name": limit("name:N000", Measure.NAME_GROSS, ("N000",), 0.3),
    "net of one name": limit("symbol_net:N000", Measure.NET, ("N000",), 0.3),
    "gross": limit("gross", Measure.GROSS, FOUR, 0.8),
    "net": limit("net", Measure.NET, FOUR, 0.2),
    "group": limit("group:g", Measure.GROSS, ("N000", "N003"), 0.4, family=Family.GROUP),
    "factor": limit("factor:f", Measure.EXPOSURE, FOUR, 0.1, coefficients=np.array([[1.2, 0.9, 1.1, 0.7]])),
    "factor from below": limit("factor:f", Measure.EXPOSURE, FOUR, 0.1, coefficients=-np.array([[1.2, 0.9, 1.1, 0.7]])),
    "turnover": limit("turnover", Measure.TRADED, FOUR, 0.3),
    "liquidity": limit("liquidity:N000", Measure.TRADED, ("N000",), 0.05),
    "loss": limit("scenario_loss:s", Measure.LOSS, FOUR, 0.05, coefficients=np.array([[-0.25, -0.2, -0.1, -0.3]])),
    "shortfall": limit(
        "scenario_shortfall",
        Measure.SHORTFALL,
        FOUR,
        0.04,
        coefficients=np.array(
            [[-0.25, -0.2, -0.1, -0.3], [-0.2, 0.1, 0.1, -0.1], [0.1, 0.1, -0.2, 0.1], [-0.1, -0.3, 0.2, -0.2]]
        ),
        worst=2,
    ),
    "volatility": limit("volatility", Measure.VOLATILITY, FOUR, 0.004, coefficients=COVARIANCE),
}


@pytest.mark.parametrize("optimizer_type", ["QP", "SOCP"])
@pytest.mark.parametrize("which", list(PRICED))
def test_the_price_of_a_limit_is_what_a_dollar_more_of_it_earns(which: str, optimizer_type: str) -> None:
    bound = PRICED[which]
    risk_aversion = 1.0 if optimizer_type == "QP" else 0.02
    # A cap on the sum of |w| keeps the SOCP from having no optimum.
    limits = [bound] if optimizer_type == "QP" else [bound, limit("leverage", Measure.GROSS, FOUR, 1.0)]
    problem = mandate(
        MU,
        COVARIANCE,
        kind="long_short",
        limits=limits,
        previous=np.array([0.05, 0.1, 0.0, -0.02]),
        rate=2e-5,
        risk_aversion=risk_aversion,
        optimizer_type=optimizer_type,
    )
    solution, _ = solved(problem)
    step = 2e-5

    def best(by: float) -> float:
        moved = replace(bound, bound=bound.bound + round(by * NAV * 10_000))
        changed = replace(problem, limits=tuple(moved if item.name == bound.name else item for item in problem.limits))
        return objective(changed, solved(changed)[1])

    slope = (best(step) - best(-step)) / (2 * step)
    assert solution.prices[bound.name] > 1e-5
    assert solution.prices[bound.name] == pytest.approx(slope, rel=1e-4)


def test_the_order_of_names_and_limits_changes_nothing_but_the_order() -> None:
    for seed in range(3):
        problem = random_mandate(seed)
        order = np.random.default_rng(seed).permutation(len(problem.symbols))
        shuffled = replace(
            problem,
            symbols=tuple(problem.symbols[i] for i in order),
            limits=tuple(reversed(problem.limits)),
            **{
                name: getattr(problem, name)[order]
                for name in ("expected_return", "exposures", "specific_variance", "previous", "cost_rate", "impact")
            },
        )
        first, second = solve_portfolio(problem), solve_portfolio(shuffled)
        assert list(second.weights) == list(shuffled.symbols)
        assert all(abs(first.weights[s] - second.weights[s]) <= 1e-9 for s in problem.symbols)
        assert first.prices == pytest.approx(second.prices, rel=1e-9)


def test_a_book_ten_times_as_large_with_limits_ten_times_as_large_has_the_same_weights() -> None:
    problem = random_mandate(2)
    grown = tuple(replace(item, bound=item.bound * 10) for item in problem.limits)
    small, large = solve_portfolio(problem), solve_portfolio(replace(problem, nav=problem.nav * 10, limits=grown))
    assert large.weights == pytest.approx(small.weights, abs=1e-9)
    assert large.prices == pytest.approx(small.prices, rel=1e-6)


def test_tightening_a_limit_never_helps_and_keeps_the_quantity_within_it() -> None:
    problem = random_mandate(4, n=12, kind="market_neutral")
    before = objective(problem, solved(problem)[1])
    for item in problem.limits:
        if item.name.startswith(("liquidity", "name")) and not item.name.endswith(("0", "5")):
            continue
        tight = replace(item, bound=int(item.bound * 0.9))
        changed = replace(problem, limits=tuple(tight if other is item else other for other in problem.limits))
        _, w = solved(changed)
        assert objective(changed, w) <= before + 1e-12
        assert worst_violation(changed, dict(zip(changed.symbols, map(float, w), strict=True)))[0] <= 1e-6


def test_a_day_alone_is_the_day_after_fifty_others_to_the_last_bit() -> None:
    problem = random_mandate(7, n=10, k=3)
    alone = solve_portfolio(problem)
    for seed in range(50):
        solve_portfolio(random_mandate(100 + seed, n=10, k=3))
    assert solve_portfolio(problem) == alone


def test_a_solver_that_stops_early_is_not_believed_and_the_next_one_answers() -> None:
    problem = random_mandate(0, optimizer_type="QP")
    solution = solve_portfolio(problem, (Solver("CLARABEL", {"max_iter": 2}), Solver("SCS", {"max_iters": 1}), CHAIN[0]))
    assert solution.status == "OPTIMAL"
    assert [attempt.solver for attempt in solution.attempts] == ["CLARABEL", "SCS", "CLARABEL"]
    assert solution.attempts[-1].message == "accepted"
    assert all(attempt.message != "accepted" for attempt in solution.attempts[:-1])
    assert solution.weights == solve_portfolio(problem).weights


def test_when_every_solver_fails_there_are_no_weights_and_a_reason() -> None:
    solution = solve_portfolio(random_mandate(0), (Solver("CLARABEL", {"max_iter": 1}),))
    assert solution.status == "FAILED"
    assert solution.weights == {}
    assert solution.reason.startswith("no solver's answer passed: CLARABEL")


def test_an_objective_without_a_maximum_is_said_to_have_none() -> None:
    solution = solve_portfolio(mandate(MU, COVARIANCE, kind="market_neutral", risk_aversion=0.0))
    assert (solution.status, solution.weights) == ("FAILED", {})
    assert "no maximum" in solution.reason


def test_a_gate_limit_is_not_built_toward() -> None:
    cap = replace(limit("name:N000", Measure.NAME_GROSS, ("N000",), 0.01), mode="gate")
    with_gate, _ = solved(mandate(MU, COVARIANCE, limits=[cap]))
    assert with_gate.weights == solve_portfolio(mandate(MU, COVARIANCE)).weights


def test_the_compiled_program_and_cvxpys_own_path_give_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_mandate(2)
    ours = solve_portfolio(problem)
    seen: list[str] = []

    def through_cvxpy(numbers, solver, options):  # type: ignore[no-untyped-def]
        seen.append(solver)
        # Any other name of a solver goes by CVXPY; it takes names in upper case only.
        return portfolio_answer(numbers, "SCS", {"eps_abs": 1e-9, "eps_rel": 1e-9, "max_iters": 200_000})

    monkeypatch.setattr("riskdesk_assets.optimizer.portfolio_chain.portfolio_answer", through_cvxpy)
    theirs = solve_portfolio(problem, CHAIN[:1])
    assert seen
    assert theirs.status == "OPTIMAL", theirs.attempts
    w, v = (np.array(list(solution.weights.values())) for solution in (ours, theirs))
    assert abs(objective(problem, w) - objective(problem, v)) <= 1e-8


def test_a_dense_covariance_enters_as_its_root() -> None:
    exposures, factors, specific = factor_form(Covariance(FOUR, COVARIANCE, 0.0, 250), ("N002", "N000"))
    made = exposures @ factors @ exposures.T + np.diag(specific)
    np.testing.assert_allclose(made, COVARIANCE[np.ix_([2, 0], [2, 0])], rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"symbols": ("N000", "N000", "N001", "N002")}, "each once"),
        ({"symbols": ("N000",)}, "exposures must be finite numbers of shape"),
        ({"expected_return": np.array([0.0, np.nan, 0.0, 0.0])}, "expected_return must be finite"),
        ({"specific_variance": np.array([0.0, -1e-4, 0.0, 0.0])}, "specific_variance must not be negative"),
        ({"impact": np.full(4, -1.0)}, "impact must not be negative"),
        ({"nav": 0.0}, "nav must be a positive number"),
        ({"risk_aversion": math.inf}, "risk_aversion"),
        ({"factor_covariance": np.diag([1.0, 1.0, 1.0, -1.0])}, "positive semidefinite"),
        ({"limits": (PRICED["net"], PRICED["net"])}, "one name each"),
        ({"limits": (Limit("count", Family.POSITION_COUNT, Measure.COUNT, (), 8, "test"),)}, "count measures count"),
    ],
)
def test_a_problem_that_means_nothing_is_refused_by_name(change: dict[str, object], told: str) -> None:
    problem = mandate(MU, COVARIANCE)
    with pytest.raises(ValueError, match=told):
        replace(problem, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("which", ["bank_long_only", "bank_market_neutral"])
def test_the_mandates_that_ship_have_an_answer_on_an_ordinary_day(which: str) -> None:
    config = desk_config()
    portfolio = config.portfolios[which]
    symbols = config.universe.tradable
    n = len(symbols)
    rng = np.random.default_rng(3)
    exposures, factors, specific = random_factors(rng, n, 3)
    covariance = exposures @ factors @ exposures.T + np.diag(specific)
    facts = SessionFacts(
        exposures={
            factor: dict(zip(symbols, map(float, exposures[:, f]), strict=True))
            for f, factor in enumerate(("market", "momentum", "size"))
        },
        fragility_classes={symbol: "SOFT" if i % 7 == 0 else "NONE" for i, symbol in enumerate(symbols)},
        scenario_returns={f"s{k}": dict(zip(symbols, map(float, rng.normal(-0.05, 0.05, n)), strict=True)) for k in range(8)},
    )
    limits = mandate_limits(
        config,
        portfolio,
        facts,
        adv=dict.fromkeys(symbols, 2e8),
        covariance=Covariance(symbols, covariance, 0.0, 252),
        has_book=False,
    )
    assert portfolio.nav is not None
    assert portfolio.kind != "pairs"
    problem = PortfolioProblem(
        symbols=symbols,
        nav=portfolio.nav,
        expected_return=rng.normal(0.0, 3e-4, n),
        exposures=exposures,
        factor_covariance=factors,
        specific_variance=specific,
        previous=np.zeros(n),
        cost_rate=np.full(n, 1e-5),
        impact=np.full(n, 2e-4),
        risk_aversion=portfolio.risk_aversion_lambda,
        optimizer_type=portfolio.optimizer_type,
        kind=portfolio.kind,
        limits=limits,
        softening=portfolio.softening,
        objective_scale=10_000.0,
        accept_violation_nav=1e-6,
    )
    solution, w = solved(problem)
    assert objective(problem, w) == pytest.approx(plain_optimum(problem)[1], abs=1e-8 + 1.1e-6 * sum(solution.prices.values()))


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ([0.25, 0.25, 0.25, 0.25], "a day short of the optimum"),
        ([0.7, 0.1, 0.1, 0.1], "group:a is breached by 3.0e-01 nav"),
    ],
)
def test_weights_called_optimal_that_are_not_are_refused(
    weights: list[float], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(numbers, solver, options):  # type: ignore[no-untyped-def]
        return replace(portfolio_answer(numbers, solver, options), w=np.array(weights))

    monkeypatch.setattr("riskdesk_assets.optimizer.portfolio_chain.portfolio_answer", mistaken)
    group = limit("group:a", Measure.GROSS, FOUR[:2], 0.5, family=Family.GROUP)
    solution = solve_portfolio(mandate(MU, COVARIANCE, limits=[group]))
    assert (solution.status, solution.weights) == ("FAILED", {})
    assert all(told in attempt.message for attempt in solution.attempts), solution.attempts
