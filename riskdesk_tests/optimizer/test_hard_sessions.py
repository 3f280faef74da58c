"""Sessions of real mandates that once had an answer nobody could prove: flat books, idle names, limits the budget implies."""

from __future__ import annotations

import numpy as np
import pytest

from riskdesk_assets.limits.limit import Measure
from riskdesk_assets.optimizer.portfolio_problem import PortfolioProblem, solve_portfolio
from riskdesk_tests.optimizer.random_mandates import limit, mandate, names

N = 12


def session(seed: int, **changes: object) -> PortfolioProblem:
    """A market-neutral book against its volatility, with scores, one market factor, costs, and a gross and turnover limit."""
    rng = np.random.default_rng(seed)
    idle = rng.random(N) < 0.4
    held = rng.normal(0, 0.05, N)
    previous = np.where(idle, 0.0, held - held[~idle].mean())
    options: dict[str, object] = {
        "kind": "market_neutral",
        "optimizer_type": "SOCP",
        "risk_aversion": 0.05,
        "rate": 1.2e-5,
        "impact": 1e-4,
        "previous": previous,
        "factors": (np.ones((N, 1)) + 0.2 * rng.normal(size=(N, 1)), np.array([[1.2e-4]]), rng.uniform(1e-5, 1e-4, N)),
        "limits": (
            limit("gross", Measure.GROSS, names(N), 0.5),
            limit("turnover", Measure.TRADED, names(N), 0.3),
            *(limit(f"name:{name}", Measure.NAME_GROSS, (name,), 0.15) for name in names(N)),
        ),
        **changes,
    }
    return mandate(rng.normal(0, 8e-5, N), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(40))
def test_a_book_with_idle_names_that_the_gross_limit_keeps_out_is_proven_best(seed: int) -> None:
    problem = session(seed)
    solution = solve_portfolio(problem)
    assert solution.status == "OPTIMAL", solution.reason
    weights = np.array([solution.weights[name] for name in problem.symbols])
    assert abs(weights.sum()) < 1e-9


@pytest.mark.parametrize("seed", range(10))
def test_a_book_that_is_best_flat_is_proven_best(seed: int) -> None:
    caps = [limit(f"name:{name}", Measure.NAME_GROSS, (name,), 0.15) for name in names(N)]
    flat = session(seed, risk_aversion=2.0, limits=caps)
    solution = solve_portfolio(flat)
    assert solution.status == "OPTIMAL", solution.reason
    # Against so much aversion any book costs more than it earns: |mu'w| <= |mu| |w|, the risk is at least 2 x 0.3% x |w|.
    assert max(map(abs, solution.weights.values())) == 0.0


def test_a_limit_on_a_whole_long_only_book_has_no_price_of_its_own() -> None:
    rng = np.random.default_rng(3)
    whole = [limit(name, Measure.GROSS, names(N), 1.0) for name in ("country:US", "leverage")]
    caps = [limit(f"name:{name}", Measure.NAME_GROSS, (name,), 0.2) for name in names(N)]
    problem = mandate(rng.normal(0, 1e-4, N), np.eye(N) * 1e-4, limits=[*whole, *caps])
    solution = solve_portfolio(problem)
    assert solution.status == "OPTIMAL", solution.reason
    assert len(solution.attempts) == 1
    assert not {"country:US", "leverage"} & set(solution.prices)
    assert solution.weights == solve_portfolio(mandate(problem.expected_return, np.eye(N) * 1e-4, limits=caps)).weights
