"""The portfolio problem against other people's solvers and libraries, and against plain search."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy.optimize import minimize

from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Measure
from riskdesk_assets.optimizer.portfolio_problem import Kind, PortfolioProblem, solve_portfolio
from riskdesk_tests.optimizer.random_mandates import Array, limit, mandate, names, objective, plain_optimum, random_mandate

# What tightening every bound by 1e-6 of nav may cost, at prices below 0.01 a day.
CLOSE = 1e-8


def weights(problem: PortfolioProblem) -> Array:
    solution = solve_portfolio(problem)
    assert solution.status == "OPTIMAL", solution
    return np.array([solution.weights[symbol] for symbol in problem.symbols])


@pytest.mark.parametrize("kind", ["long_only", "market_neutral", "long_short"])
@pytest.mark.parametrize("optimizer_type", ["QP", "SOCP"])
def test_an_independent_model_finds_the_same_optimum(kind: Kind, optimizer_type: str) -> None:
    for seed in range(6):
        problem = random_mandate(seed, kind=kind, optimizer_type=optimizer_type)
        status, best, _ = plain_optimum(problem)
        assert status in ("optimal", "optimal_inaccurate")
        assert objective(problem, weights(problem)) == pytest.approx(best, abs=CLOSE)


@pytest.mark.parametrize("seed", [0, 2])
def test_a_second_solver_finds_the_same_optimum(seed: int) -> None:
    problem = random_mandate(seed, n=12, kind="market_neutral")
    status, best, _ = plain_optimum(problem, solver="SCS", eps_abs=1e-9, eps_rel=1e-9, max_iters=200_000)
    assert status == "optimal"
    assert objective(problem, weights(problem)) == pytest.approx(best, abs=1e-7)


def test_a_general_nonlinear_solver_finds_the_same_optimum() -> None:
    # SLSQP on z split into buys and sells, so that every function it sees is smooth.
    for seed in range(3):
        problem = random_mandate(2 * seed, n=6, k=2, kind="long_only", optimizer_type="QP")
        n = len(problem.symbols)

        def cost(x: Array, problem: PortfolioProblem = problem, n: int = n) -> float:
            w = problem.previous + x[:n] - x[n:]
            value = problem.expected_return @ w - problem.risk_aversion * w @ problem.covariance @ w
            return -1e4 * float(value - problem.cost_rate @ (x[:n] + x[n:]))

        rows: list[dict[str, object]] = [
            {"type": "eq", "fun": lambda x, p=problem, n=n: (p.previous + x[:n] - x[n:]).sum() - 1}
        ]
        bounds = [(0.0, 2.0)] * (2 * n)
        rows.append({"type": "ineq", "fun": lambda x, p=problem, n=n: p.previous + x[:n] - x[n:]})
        for item in problem.limits:
            members = [problem.symbols.index(s) for s in item.members]
            top = item.bound / 10_000 / problem.nav
            if item.measure is Measure.TRADED:
                rows.append({"type": "ineq", "fun": lambda x, m=members, t=top, n=n: t - (x[:n] + x[n:])[m].sum()})
            elif item.measure in (Measure.NAME_GROSS, Measure.GROSS, Measure.NET):
                rows.append(
                    {
                        "type": "ineq",
                        "fun": lambda x, m=members, t=top, n=n, p=problem: t - (p.previous + x[:n] - x[n:])[m].sum(),
                    }
                )
            else:
                returns = np.array(item.coefficients) / COEFFICIENT_UNIT
                k = item.worst if item.measure is Measure.SHORTFALL else 1
                for chosen in product(range(len(returns)), repeat=1) if k == 1 else _subsets(len(returns), k):
                    mean = -returns[list(chosen)].mean(axis=0)
                    rows.append(
                        {"type": "ineq", "fun": lambda x, r=mean, t=top, n=n, p=problem: t - r @ (p.previous + x[:n] - x[n:])}
                    )
        ours = weights(problem)
        moved = ours - problem.previous
        start = np.concatenate([np.maximum(moved, 0.0), np.maximum(-moved, 0.0)]) + 1e-3
        found = minimize(cost, start, method="SLSQP", bounds=bounds, constraints=rows, options={"maxiter": 500, "ftol": 1e-13})
        assert found.success, found.message
        assert objective(problem, ours) == pytest.approx(-found.fun / 1e4, abs=1e-8)


def _subsets(count: int, size: int) -> list[tuple[int, ...]]:
    from itertools import combinations

    return list(combinations(range(count), size))


@pytest.mark.parametrize("optimizer_type", ["QP", "SOCP"])
@pytest.mark.parametrize("n", [2, 3, 4])
def test_no_point_of_a_fine_grid_is_better(n: int, optimizer_type: str) -> None:
    rng = np.random.default_rng(n)
    noise = rng.normal(0.0, 0.01, (n, 3 * n))
    problem = mandate(
        rng.normal(0.0, 4e-4, n),
        noise @ noise.T / (3 * n),
        limits=[limit("group:a", Measure.GROSS, names(n)[:1], 0.55), limit("turnover", Measure.TRADED, names(n), 0.9)],
        previous=np.full(n, 1.0 / n),
        rate=2e-5,
        impact=1e-4,
        risk_aversion=3.0 if optimizer_type == "QP" else 0.03,
        optimizer_type=optimizer_type,
    )
    best = objective(problem, weights(problem))
    step = {2: 1e-3, 3: 0.01, 4: 0.02}[n]
    points = np.array(
        [(*p, 1.0 - sum(p)) for p in product(np.arange(0.0, 1.0 + step / 2, step), repeat=n - 1) if sum(p) <= 1.0]
    )
    traded = np.abs(points - problem.previous)
    inside = (points[:, 0] <= 0.55) & (traded.sum(axis=1) <= 0.9)
    risk = np.einsum("ij,jk,ik->i", points, problem.covariance, points)
    risk = risk if optimizer_type == "QP" else np.sqrt(risk)
    values = points @ problem.expected_return - problem.risk_aversion * risk
    values -= traded @ problem.cost_rate + traded**1.5 @ problem.impact
    reached = float(values[inside].max())
    assert reached <= best + 1e-8
    # The grid comes within its own step of the optimum, so the optimum is no dream either.
    assert best - reached <= {2: 1e-6, 3: 1e-5, 4: 3e-5}[n]


def test_the_shortfall_limit_is_rockafellar_and_uryasevs() -> None:
    # Rockafellar and Uryasev (2000): ES = min over a of a + sum(max(0, loss - a)) / worst, solved as one program.
    import cvxpy as cp

    rng = np.random.default_rng(5)
    n, scenarios, worst, most = 8, 40, 8, 0.036
    returns = np.round(rng.normal(-0.01, 0.05, (scenarios, n)), 6)
    noise = rng.normal(0.0, 0.01, (n, 30))
    shortfall = limit("shortfall", Measure.SHORTFALL, names(n), most, coefficients=returns, worst=worst)
    problem = mandate(rng.normal(2e-4, 3e-4, n), noise @ noise.T / 30, limits=[shortfall])
    ours = weights(problem)
    w, level, beyond = cp.Variable(n), cp.Variable(), cp.Variable(scenarios, nonneg=True)
    value = problem.expected_return @ w - problem.risk_aversion * cp.quad_form(w, cp.psd_wrap(problem.covariance))
    rules = [cp.sum(w) == 1, w >= 0, beyond >= -returns @ w - level, level + cp.sum(beyond) / worst <= most]
    program = cp.Problem(cp.Maximize(1e4 * value), rules)
    program.solve(solver="CLARABEL")
    price = float(rules[-1].dual_value) / 1e4
    assert objective(problem, ours) == pytest.approx(program.value / 1e4 - 1e-6 * price, abs=CLOSE)
    tail = np.sort(-returns @ ours)[::-1][:worst].mean()
    assert most - 3e-6 <= tail <= most + 1e-9
    assert solve_portfolio(problem).prices["shortfall"] == pytest.approx(price, rel=1e-3)


def _sample() -> tuple[Array, Array]:
    from sklearn.covariance import LedoitWolf

    rng = np.random.default_rng(11)
    returns = rng.normal(3e-4, 0.01, (252, 10)) + rng.normal(0.0, 0.01, (252, 1))
    return returns, LedoitWolf().fit(returns).covariance_


def test_pyportfolioopt_finds_the_same_books() -> None:
    pypfopt = pytest.importorskip("pypfopt", reason="PyPortfolioOpt is a test-only oracle and is not installed")
    returns, covariance = _sample()
    mu = returns.mean(axis=0)
    least = pypfopt.EfficientFrontier(mu, covariance, solver="CLARABEL")
    ours, theirs = mandate(np.zeros(10), covariance), np.array(list(least.min_volatility().values()))
    assert objective(ours, weights(ours)) == pytest.approx(objective(ours, theirs), abs=1e-8)
    # Its max_quadratic_utility maximizes mu'w - delta / 2 w'Sw.
    utility = pypfopt.EfficientFrontier(mu, covariance, solver="CLARABEL")
    utility.max_quadratic_utility(risk_aversion=10.0)
    ours, theirs = mandate(mu, covariance, risk_aversion=5.0), np.array(list(utility.weights))
    assert objective(ours, weights(ours)) == pytest.approx(objective(ours, theirs), abs=1e-9)
    neutral = pypfopt.EfficientFrontier(mu, covariance, weight_bounds=(-0.15, 0.15), solver="CLARABEL")
    neutral.max_quadratic_utility(risk_aversion=2.0, market_neutral=True)
    caps = [limit(f"name:{s}", Measure.NAME_GROSS, (s,), 0.15) for s in names(10)]
    ours, theirs = (
        mandate(mu, covariance, kind="market_neutral", limits=caps, risk_aversion=1.0),
        np.array(list(neutral.weights)),
    )
    assert objective(ours, weights(ours)) == pytest.approx(objective(ours, theirs), abs=1e-8)


def test_skfolio_finds_the_same_books() -> None:
    pytest.importorskip("skfolio", reason="skfolio is a test-only oracle and is not installed")
    from skfolio.moments import EmpiricalCovariance
    from skfolio.optimization import MeanRisk, ObjectiveFunction
    from skfolio.prior import EmpiricalPrior

    returns, _ = _sample()
    covariance, mu = np.cov(returns.T), returns.mean(axis=0)
    prior = EmpiricalPrior(covariance_estimator=EmpiricalCovariance(nearest=False))
    least = MeanRisk(objective_function=ObjectiveFunction.MINIMIZE_RISK, prior_estimator=prior).fit(returns)
    book = mandate(np.zeros(10), covariance)
    assert objective(book, weights(book)) == pytest.approx(objective(book, least.weights_), abs=1e-8)
    # Its utility is mu'w - risk_aversion x variance.
    utility = MeanRisk(objective_function=ObjectiveFunction.MAXIMIZE_UTILITY, risk_aversion=4.0, prior_estimator=prior).fit(
        returns
    )
    book = mandate(mu, covariance, risk_aversion=4.0)
    assert objective(book, weights(book)) == pytest.approx(objective(book, utility.weights_), abs=1e-8)
    neutral = MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_UTILITY,
        risk_aversion=1.0,
        prior_estimator=prior,
        budget=0.0,
        min_weights=-0.15,
        max_weights=0.15,
    ).fit(returns)
    caps = [limit(f"name:{s}", Measure.NAME_GROSS, (s,), 0.15) for s in names(10)]
    book = mandate(mu, covariance, kind="market_neutral", limits=caps, risk_aversion=1.0)
    assert objective(book, weights(book)) == pytest.approx(objective(book, neutral.weights_), abs=1e-8)


def test_scikit_learns_shrunk_covariance_goes_in_and_its_volatility_comes_out() -> None:
    _, covariance = _sample()
    solution = solve_portfolio(mandate(np.zeros(10), covariance))
    w = np.array(list(solution.weights.values()))
    assert solution.volatility == pytest.approx(math.sqrt(w @ covariance @ w), rel=1e-9)
