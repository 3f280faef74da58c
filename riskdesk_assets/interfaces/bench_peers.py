"""The benchmark's problem as other libraries state it: each gets the day's data in its own form, only the solve is timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Solve = Callable[[], Array]


@dataclass(frozen=True)
class Market:
    """One day of n names and k factors: maximize mu'w - aversion w'(B F B' + diag D)w - cost sum|w - previous|, with
    sum w = 1 and 0 <= w <= cap.

    ``mu`` (n,) per day, ``exposures`` B (n, k), ``factors`` F (k, k), ``specific`` D (n,), ``previous`` (n,) weights.
    """

    mu: Array
    exposures: Array
    factors: Array
    specific: Array
    previous: Array
    aversion: float
    cost: float
    cap: float

    @property
    def covariance(self) -> Array:
        """B F B' + diag(D), shape (n, n)."""
        systematic: Array = self.exposures @ self.factors @ self.exposures.T
        return systematic + np.diag(self.specific)

    def objective(self, w: Array) -> float:
        """What ``w`` (n,) earns net of risk and cost, a fraction of the portfolio per day."""
        loads = self.exposures.T @ w
        risk = float(loads @ self.factors @ loads + self.specific @ (w * w))
        return float(self.mu @ w) - self.aversion * risk - self.cost * float(np.abs(w - self.previous).sum())


Contender = Callable[[Sequence[Market]], list[Solve]]


def pyportfolioopt(days: Sequence[Market]) -> list[Solve]:
    """PyPortfolioOpt: quadratic utility with its transaction cost, a new frontier object each day."""
    from pypfopt import EfficientFrontier, objective_functions

    def prepared(day: Market) -> Solve:
        covariance = day.covariance

        def solve() -> Array:
            frontier = EfficientFrontier(day.mu, covariance, weight_bounds=(0, day.cap), solver="CLARABEL")
            frontier.add_objective(objective_functions.transaction_cost, w_prev=day.previous, k=day.cost)
            # its utility halves the risk aversion
            frontier.max_quadratic_utility(risk_aversion=2 * day.aversion)
            return np.asarray(frontier.weights, dtype=np.float64)

        return solve

    return [prepared(day) for day in days]


def skfolio(days: Sequence[Market]) -> list[Solve]:
    """skfolio: mean-risk utility over a prior that is given its mean and covariance."""
    from skfolio import RiskMeasure
    from skfolio.optimization import MeanRisk, ObjectiveFunction
    from skfolio.prior import BasePrior, ReturnDistribution

    class Given(BasePrior):  # type: ignore[misc]
        """A prior that knows the day's numbers."""

        def __init__(self, mu: Array | None = None, covariance: Array | None = None) -> None:
            self.mu = mu
            self.covariance = covariance

        def fit(self, X: Array, y: object = None, **_: object) -> Given:  # noqa: N803 - the library's name
            self.return_distribution_ = ReturnDistribution(mu=self.mu, covariance=self.covariance, returns=X)
            return self

    def prepared(day: Market) -> Solve:
        given = Given(day.mu, day.covariance)
        returns = np.random.default_rng(0).normal(size=(30, len(day.mu))) * 0.01  # read for its shape alone

        def solve() -> Array:
            model = MeanRisk(
                objective_function=ObjectiveFunction.MAXIMIZE_UTILITY,
                risk_measure=RiskMeasure.VARIANCE,
                risk_aversion=day.aversion,
                min_weights=0.0,
                max_weights=day.cap,
                transaction_costs=day.cost,
                previous_weights=day.previous,
                prior_estimator=given,
                solver="CLARABEL",
            )
            model.fit(returns)
            return np.asarray(model.weights_, dtype=np.float64)

        return solve

    return [prepared(day) for day in days]


def cvxportfolio(days: Sequence[Market]) -> list[Solve]:
    """cvxportfolio: a single-period policy over factor risk, compiled once and given the day's forecasts."""
    import cvxportfolio as cvx
    import pandas as pd

    n, k = days[0].exposures.shape
    names = [f"N{i:03d}" for i in range(n)]
    factors = [f"F{j:02d}" for j in range(k)]
    times = pd.date_range("2020-01-01", periods=len(days), freq="D")

    def by_time(frames: Sequence[Array], rows: Sequence[str], columns: Sequence[str]) -> object:
        return pd.concat([pd.DataFrame(f, index=rows, columns=columns) for f in frames], keys=times)

    first = days[0]
    policy = cvx.SinglePeriodOptimization(
        cvx.ReturnsForecast(r_hat=pd.DataFrame([day.mu for day in days], index=times, columns=names))
        - first.aversion
        * cvx.FactorModelCovariance(
            F=by_time([day.exposures.T for day in days], factors, names),
            d=pd.DataFrame([day.specific for day in days], index=times, columns=names),
            Sigma_F=by_time([day.factors for day in days], factors, factors),
        )
        - cvx.TransactionCost(a=first.cost, b=None),
        [cvx.LongOnly(), cvx.NoCash(), cvx.MaxWeights(first.cap)],
        include_cash_return=False,
        solver="CLARABEL",
    )
    universe = pd.Index([*names, "cash"])
    policy.initialize_estimator_recursive(universe=universe, trading_calendar=times)

    def prepared(time: object, day: Market) -> Solve:
        current = pd.Series(np.append(day.previous, 1.0 - day.previous.sum()), universe)
        nothing = pd.DataFrame(np.zeros((2, n + 1)), index=times[:1].append(times[:1]), columns=universe)

        def solve() -> Array:
            weights = policy.values_in_time_recursive(
                t=time,
                current_weights=current,
                current_portfolio_value=1e6,
                past_returns=nothing,
                past_volumes=None,
                current_prices=None,
            )
            return np.asarray(weights.iloc[:-1], dtype=np.float64)

        return solve

    return [prepared(time, day) for time, day in zip(times, days, strict=True)]


# Name, the module it needs, and how it states the problem.
PEERS: tuple[tuple[str, str, Contender], ...] = (
    ("PyPortfolioOpt", "pypfopt", pyportfolioopt),
    ("skfolio", "skfolio", skfolio),
    ("cvxportfolio", "cvxportfolio", cvxportfolio),
)


def installed(module: str) -> bool:
    """Whether a library can be imported."""
    return find_spec(module) is not None
