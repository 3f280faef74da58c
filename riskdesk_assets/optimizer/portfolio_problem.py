"""A research mandate's portfolio problem: weights per name within every named limit, for the most net of risk and cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.limits.limit import Limit, Measure
from riskdesk_assets.optimizer.infeasibility import FeasibilitySystem, Kind, conflict_sentence
from riskdesk_assets.optimizer.limit_rows import Array
from riskdesk_assets.optimizer.portfolio_chain import LOOSE, TIGHT, UNBOUNDED, Optimum, optimum
from riskdesk_assets.optimizer.portfolio_rows import shape_limits
from riskdesk_assets.optimizer.softening import soften, softening_sentence
from riskdesk_assets.optimizer.solver_chain import CHAIN, Attempt, Solver

if TYPE_CHECKING:
    from riskdesk_assets.risk_model.covariance import Covariance

Status = Literal["OPTIMAL", "SOFTENED", "INFEASIBLE", "FAILED"]
# What a limit of a mandate may measure: its legs are one per name, so tickets and counts mean nothing here.
MEASURES = frozenset(
    {
        Measure.NAME_GROSS,
        Measure.NET,
        Measure.GROSS,
        Measure.TRADED,
        Measure.EXPOSURE,
        Measure.LOSS,
        Measure.SHORTFALL,
        Measure.VOLATILITY,
    }
)
# How far below 0 an eigenvalue may be, as a share of the largest: what rounding leaves of an exact 0.
PSD_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class PortfolioProblem:
    """One session's problem of one mandate; n names, k factors; weights are fractions of ``nav`` (dollars).

    The covariance of daily returns is B F B' + diag(D): ``exposures`` B (n, k), ``factor_covariance`` F (k, k),
    ``specific_variance`` D (n,). ``expected_return`` (n,) per day; ``previous`` (n,) the weights before; ``cost_rate`` and
    ``impact`` (n,) per day: changing weights by z costs rate'|z| + impact'|z|^1.5. ``risk_aversion`` is per unit of daily
    variance (QP) or of daily volatility (SOCP). ``kind`` gives the budget: long_only sum w = 1 and w >= 0, market_neutral
    sum w = 0, long_short none. ``limits`` are dollars of ``nav``; those of mode "gate" are not built toward. ``softening``
    maps a family of limits to its class, 1 giving first. ``accept_violation_nav`` is a fraction of ``nav``.
    """

    symbols: tuple[str, ...]
    nav: float
    expected_return: Array
    exposures: Array
    factor_covariance: Array
    specific_variance: Array
    previous: Array
    cost_rate: Array
    impact: Array
    risk_aversion: float
    optimizer_type: Literal["QP", "SOCP"]
    kind: Kind
    limits: tuple[Limit, ...]
    softening: Mapping[str, int]
    objective_scale: float
    accept_violation_nav: float

    def __post_init__(self) -> None:
        if not self.symbols or len(set(self.symbols)) != len(self.symbols):
            raise ValueError(f"symbols must be at least one, each once: {self.symbols}")
        n, k = len(self.symbols), len(self.factor_covariance)
        expected: dict[str, tuple[int, ...]] = {"exposures": (n, k), "factor_covariance": (k, k)}
        expected |= dict.fromkeys(("expected_return", "specific_variance", "previous", "cost_rate", "impact"), (n,))
        for name, shape in expected.items():
            value: Array = getattr(self, name)
            if value.shape != shape or not np.isfinite(value).all():
                raise ValueError(f"{name} must be finite numbers of shape {shape}, and has shape {value.shape}")
        for name in ("specific_variance", "cost_rate", "impact"):
            if (getattr(self, name) < 0).any():
                raise ValueError(f"{name} must not be negative")
        for name in ("nav", "objective_scale", "accept_violation_nav"):
            if not 0 < getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be a positive number, and is {getattr(self, name)}")
        if not 0 <= self.risk_aversion < np.inf:
            raise ValueError(f"risk_aversion must be a number not below 0, and is {self.risk_aversion}")
        if k:
            values = np.linalg.eigvalsh(self.factor_covariance)
            if values[0] < -PSD_TOLERANCE * max(values[-1], 0.0) or not np.allclose(
                self.factor_covariance, self.factor_covariance.T, rtol=1e-9, atol=0.0
            ):
                raise ValueError("factor_covariance must be symmetric and positive semidefinite")
        names = [limit.name for limit in self.limits]
        if len(set(names)) != len(names):
            raise ValueError(f"limits must have one name each: {sorted(names)}")
        for limit in self.limits:
            if limit.mode == "construct" and limit.measure not in MEASURES:
                raise ValueError(f"{limit.name} measures {limit.measure}: a mandate can be held to {sorted(MEASURES)}")

    @property
    def covariance(self) -> Array:
        """B F B' + diag(D), shape (n, n), of daily returns."""
        systematic: Array = self.exposures @ self.factor_covariance @ self.exposures.T
        return systematic + np.diag(self.specific_variance)


@dataclass(frozen=True)
class PortfolioSolution:
    """The answer: ``weights`` per symbol, a fraction of nav each; empty where there is none (INFEASIBLE, FAILED).

    ``prices`` maps a limit that costs something to dollars of objective per day per dollar of the limit; ``softened`` a
    limit that gave way to its new bound in dollars. ``reason`` says in a sentence what could not hold, or why there is no
    answer. ``expected_return``, ``volatility`` and ``cost`` are per day, ``turnover`` is the sum of |change of weight|:
    fractions of nav.
    """

    weights: Mapping[str, float]
    status: Status
    solver: str = ""
    attempts: tuple[Attempt, ...] = ()
    prices: Mapping[str, float] = field(default_factory=dict)
    softened: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    expected_return: float = 0.0
    volatility: float = 0.0
    cost: float = 0.0
    turnover: float = 0.0


def factor_form(covariance: Covariance, symbols: Sequence[str]) -> tuple[Array, Array, Array]:
    """A covariance as B (n, n), F = I (n, n) and D = 0 (n,), in the order of ``symbols``: B is its eigenvalue root.

    Raises:
        StateError: a symbol the covariance does not cover.
    """
    values, vectors = np.linalg.eigh(covariance.submatrix(symbols))
    root: Array = vectors * np.sqrt(np.maximum(values, 0.0))
    return root, np.eye(len(symbols)), np.zeros(len(symbols))


def solve_portfolio(problem: PortfolioProblem, chain: Sequence[Solver] = CHAIN) -> PortfolioSolution:
    """Maximize mu'w - risk_aversion x risk - cost within every limit (methods.md section 7).

    Limits that cannot hold together are named in ``reason``; where ``softening`` lets some of them give, as little as will do,
    the solution is SOFTENED. The answer does not depend on the order of names or limits.

    Args:
        problem: the mandate's problem.
        chain: solvers in the order they are tried; no answer is taken before every limit was recomputed from it.
    """
    import cvxpy  # noqa: F401 - its libraries must be loaded before they can be told to use one thread

    with single_threaded():
        ordered = _in_symbol_order(problem)
        found = _solution(ordered, chain)
    by_symbol = {symbol: found.weights[symbol] for symbol in problem.symbols} if found.weights else {}
    return replace(found, weights=by_symbol)


def _solution(problem: PortfolioProblem, chain: Sequence[Solver]) -> PortfolioSolution:
    shaped = shape_limits(problem.limits, problem.symbols, problem.previous, problem.nav)
    attempts: list[Attempt] = []
    found = optimum(problem, shaped, TIGHT, chain, attempts)
    if found is not None:
        return _answered(problem, found, attempts)
    system = FeasibilitySystem.of(problem.kind, shaped, problem.previous, problem.accept_violation_nav)
    conflict = system.conflict()
    if conflict is None:
        if attempts[-1].status != UNBOUNDED:
            found = optimum(problem, shaped, LOOSE, chain, attempts)
        if found is not None:
            return _answered(problem, found, attempts)
        return PortfolioSolution({}, "FAILED", attempts=tuple(attempts), reason=_no_answer(attempts))
    reason = conflict_sentence(conflict)
    softened = soften(system, problem.softening)
    if softened is None:
        return PortfolioSolution({}, "INFEASIBLE", attempts=tuple(attempts), reason=reason)
    bounds = {name: math.ceil(bound * problem.nav * TICKS_PER_DOLLAR) for name, bound in softened.bounds.items()}
    limits = tuple(replace(limit, bound=bounds.get(limit.name, limit.bound)) for limit in problem.limits)
    eased = replace(problem, limits=limits)
    shaped = shape_limits(limits, problem.symbols, problem.previous, problem.nav)
    found = optimum(eased, shaped, TIGHT + LOOSE, chain, attempts)
    if found is None:
        told = f"{reason} Softened, {_no_answer(attempts)}"
        return PortfolioSolution({}, "FAILED", attempts=tuple(attempts), reason=told)
    return replace(
        _answered(eased, found, attempts),
        status="SOFTENED",
        softened={name: bound / TICKS_PER_DOLLAR for name, bound in bounds.items()},
        reason=f"{reason} {softening_sentence(softened)}",
    )


def _answered(problem: PortfolioProblem, found: Optimum, attempts: Sequence[Attempt]) -> PortfolioSolution:
    w = found.weights
    traded = np.abs(w - problem.previous)
    exposure = problem.exposures.T @ w
    variance = float(exposure @ problem.factor_covariance @ exposure) + float(problem.specific_variance @ w**2)
    return PortfolioSolution(
        weights=dict(zip(problem.symbols, map(float, w), strict=True)),
        status="OPTIMAL",
        solver=found.solver,
        attempts=tuple(attempts),
        prices=found.prices,
        expected_return=float(problem.expected_return @ w),
        volatility=math.sqrt(max(variance, 0.0)),
        cost=float(problem.cost_rate @ traded) + float(problem.impact @ traded**1.5),
        turnover=float(traded.sum()),
    )


def _in_symbol_order(problem: PortfolioProblem) -> PortfolioProblem:
    order = sorted(range(len(problem.symbols)), key=lambda i: problem.symbols[i])
    return replace(
        problem,
        symbols=tuple(problem.symbols[i] for i in order),
        expected_return=problem.expected_return[order],
        exposures=problem.exposures[order],
        specific_variance=problem.specific_variance[order],
        previous=problem.previous[order],
        cost_rate=problem.cost_rate[order],
        impact=problem.impact[order],
    )


def _no_answer(attempts: Sequence[Attempt]) -> str:
    if attempts[-1].status == UNBOUNDED:
        return "the objective has no maximum: no limit bounds what it gains from."
    told = "; ".join(f"{attempt.solver}: {attempt.status}, {attempt.message}" for attempt in attempts[-3:])
    return f"no solver's answer passed: {told}."
