"""Random sessions of research mandates for the portfolio problem's tests, and the problem written out once more, plainly."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, COVARIANCE_UNIT, Family, Limit, Measure
from riskdesk_assets.optimizer.portfolio_problem import Kind, PortfolioProblem

Array = npt.NDArray[np.float64]
NAV = 25_000_000.0
FAMILIES = {
    Measure.NAME_GROSS: Family.NAME_GROSS,
    Measure.NET: Family.PORTFOLIO_NET,
    Measure.GROSS: Family.PORTFOLIO_GROSS,
    Measure.TRADED: Family.TURNOVER,
    Measure.EXPOSURE: Family.FACTOR,
    Measure.LOSS: Family.SCENARIO_LOSS,
    Measure.SHORTFALL: Family.SCENARIO_LOSS,
    Measure.VOLATILITY: Family.VOLATILITY,
}


def names(count: int) -> tuple[str, ...]:
    return tuple(f"N{i:03d}" for i in range(count))


def limit(
    name: str,
    measure: Measure,
    members: Sequence[str],
    fraction: float,
    *,
    coefficients: Array | None = None,
    worst: int = 1,
    family: Family | None = None,
    nav: float = NAV,
) -> Limit:
    """A limit whose bound is a fraction of nav, with coefficients (rows, members) as they are."""
    unit = COVARIANCE_UNIT if measure is Measure.VOLATILITY else COEFFICIENT_UNIT
    rows = () if coefficients is None else tuple(tuple(round(float(c) * unit) for c in row) for row in coefficients)
    bound = int(round(fraction * nav * 10_000, 3))
    return Limit(name, family or FAMILIES[measure], measure, tuple(members), bound, "test", "construct", rows, worst)


def mandate(
    mu: Array,
    covariance: Array | None = None,
    *,
    kind: Kind = "long_only",
    limits: Sequence[Limit] = (),
    previous: Array | None = None,
    rate: float | Array = 0.0,
    impact: float | Array = 0.0,
    risk_aversion: float = 5.0,
    optimizer_type: str = "QP",
    softening: Mapping[str, int] | None = None,
    nav: float = NAV,
    factors: tuple[Array, Array, Array] | None = None,
) -> PortfolioProblem:
    """A problem from a dense covariance (its root as exposures), or from (B, F, D)."""
    n = len(mu)
    if factors is None:
        values, vectors = np.linalg.eigh(np.zeros((n, n)) if covariance is None else covariance)
        factors = (vectors * np.sqrt(np.maximum(values, 0.0)), np.eye(n), np.zeros(n))
    return PortfolioProblem(
        symbols=names(n),
        nav=nav,
        expected_return=np.asarray(mu, dtype=np.float64),
        exposures=factors[0],
        factor_covariance=factors[1],
        specific_variance=factors[2],
        previous=np.zeros(n) if previous is None else previous,
        cost_rate=np.full(n, rate) if isinstance(rate, float) else rate,
        impact=np.full(n, impact) if isinstance(impact, float) else impact,
        risk_aversion=risk_aversion,
        optimizer_type=optimizer_type,  # type: ignore[arg-type]
        kind=kind,
        limits=tuple(limits),
        softening=softening or {},
        objective_scale=10_000.0,
        accept_violation_nav=1e-6,
    )


def random_factors(rng: np.random.Generator, n: int, k: int) -> tuple[Array, Array, Array]:
    """Exposures, factor covariance and specific variance of banks: a market of 1.2% a day, styles, specific 1% a day."""
    exposures = rng.normal(0.0, 0.5, (n, k))
    exposures[:, 0] = rng.uniform(0.7, 1.4, n)
    noise = rng.normal(0.0, 1.0, (k, 4 * k)) * np.concatenate([[0.012], np.full(k - 1, 0.004)])[:, None]
    return exposures, noise @ noise.T / (4 * k), rng.uniform(0.006, 0.02, n) ** 2


def random_mandate(
    seed: int, n: int = 24, k: int = 5, kind: Kind = "market_neutral", optimizer_type: str = "SOCP", tight: float = 1.0
) -> PortfolioProblem:
    """A mandate with every family of limits, as config/portfolios ships them, each bound scaled at random."""
    rng = np.random.default_rng(seed)
    factors = random_factors(rng, n, k)
    covariance = factors[0] @ factors[1] @ factors[0].T + np.diag(factors[2])
    symbols = names(n)
    previous = rng.dirichlet(np.full(n, 5.0)) if kind == "long_only" else rng.normal(0.0, 0.03, n)
    if kind == "market_neutral":
        previous = previous - previous.mean()

    def bound(fraction: float) -> float:
        return float(fraction * tight * rng.uniform(0.8, 1.3))

    # At least half of what full investment needs on average, so that most days have an answer.
    cap = max(0.15, 2.5 / n)
    limits = [limit(f"name:{s}", Measure.NAME_GROSS, (s,), bound(cap)) for s in symbols]
    limits += [limit(f"liquidity:{s}", Measure.TRADED, (s,), bound(0.08), family=Family.LIQUIDITY) for s in symbols]
    third = [tuple(s for i, s in enumerate(symbols) if i % 3 == g) for g in range(3)]
    limits += [
        limit(f"group:{g}", Measure.NET if g == 2 else Measure.GROSS, m, bound(0.6), family=Family.GROUP)
        for g, m in enumerate(third)
        if m
    ]
    limits.append(limit("gross", Measure.GROSS, symbols, max(1.001, bound(1.4)) if kind == "long_only" else bound(1.2)))
    if kind != "long_only":
        limits.append(limit("net", Measure.NET, symbols, bound(0.1)))
    limits.append(limit("turnover", Measure.TRADED, symbols, bound(0.5)))
    if kind != "long_only":
        limits += [
            limit(f"factor:{f}", Measure.EXPOSURE, symbols, bound(0.1), coefficients=factors[0][None, :, f])
            for f in range(min(k, 3))
        ]
    scenarios = rng.normal(-0.02, 0.05, (10, n))
    most = 0.03 if kind != "long_only" else 0.06
    limits.append(limit("shortfall", Measure.SHORTFALL, symbols, bound(most), coefficients=scenarios, worst=3))
    limits.append(limit("loss:0", Measure.LOSS, symbols, bound(most), coefficients=scenarios[:1]))
    if optimizer_type == "SOCP":
        most = 0.006 if kind != "long_only" else 0.02
        limits.append(limit("volatility", Measure.VOLATILITY, symbols, bound(most), coefficients=covariance))
    return mandate(
        rng.normal(0.0, 5e-4, n),
        kind=kind,
        limits=limits,
        previous=previous,
        rate=rng.uniform(1e-5, 3e-5, n),
        impact=rng.uniform(0.0, 3e-4, n) if seed % 2 else 0.0,
        risk_aversion=5.0 if optimizer_type == "QP" else 0.05,
        optimizer_type=optimizer_type,
        factors=factors,
    )


def objective(problem: PortfolioProblem, w: Array) -> float:
    """mu'w - lambda x risk - cost, written out name by name; a fraction of nav per day."""
    variance = float(w @ problem.covariance @ w)
    risk = variance if problem.optimizer_type == "QP" else math.sqrt(max(variance, 0.0))
    value = sum(float(m) * float(x) for m, x in zip(problem.expected_return, w, strict=True)) - problem.risk_aversion * risk
    for rate, impact, now, before in zip(problem.cost_rate, problem.impact, w, problem.previous, strict=True):
        value -= float(rate) * abs(now - before) + float(impact) * abs(now - before) ** 1.5
    return float(value)


def plain_optimum(problem: PortfolioProblem, *, solver: str = "CLARABEL", **options: float) -> tuple[str, float, Array]:
    """The problem modelled afresh with CVXPY's own atoms, limit by limit; status, objective and weights."""
    import cvxpy as cp

    n = len(problem.symbols)
    place = {symbol: i for i, symbol in enumerate(problem.symbols)}
    w = cp.Variable(n)
    moved = w - problem.previous
    rules = []
    if problem.kind == "long_only":
        rules += [cp.sum(w) == 1, w >= 0]
    elif problem.kind == "market_neutral":
        rules.append(cp.sum(w) == 0)
    for item in problem.limits:
        members = [place[s] for s in item.members]
        bound, held = item.bound / 10_000 / problem.nav, w[members]
        table = np.array(item.coefficients, dtype=float)
        if item.measure in (Measure.NAME_GROSS, Measure.GROSS):
            rules.append(cp.norm1(held) <= bound)
        elif item.measure is Measure.NET:
            rules.append(cp.abs(cp.sum(held)) <= bound)
        elif item.measure is Measure.TRADED:
            rules.append(cp.norm1(moved[members]) <= bound)
        elif item.measure is Measure.EXPOSURE:
            rules.append(cp.abs(table[0] / COEFFICIENT_UNIT @ held) <= bound)
        elif item.measure is Measure.LOSS:
            rules.append(-table[0] / COEFFICIENT_UNIT @ held <= bound)
        elif item.measure is Measure.SHORTFALL:
            rules.append(cp.sum_largest(-table / COEFFICIENT_UNIT @ held, item.worst) / item.worst <= bound)
        else:
            spread = np.linalg.eigh(table / COVARIANCE_UNIT)
            rules.append(cp.norm2(np.sqrt(np.maximum(spread[0], 0.0))[:, None] * spread[1].T @ held) <= bound)
    values, vectors = np.linalg.eigh(problem.covariance)
    root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    risk = cp.sum_squares(root @ w) if problem.optimizer_type == "QP" else cp.norm2(root @ w)
    cost = problem.cost_rate @ cp.abs(moved)
    if problem.impact.any():
        cost = cost + problem.impact @ cp.power(cp.abs(moved), 1.5)
    # Scores of any size are brought to the size of a day's.
    scale = 1e4 / max(1.0, 1e3 * float(np.abs(problem.expected_return).max()))
    value = (scale * problem.expected_return) @ w - (scale * problem.risk_aversion) * risk - scale * cost
    program = cp.Problem(cp.Maximize(value), rules)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "may be inaccurate": the tests compare values
        program.solve(solver=solver, **options)
    if w.value is None:
        return program.status, math.nan, np.full(n, math.nan)
    return program.status, float(program.value) / scale, np.array(w.value)
