"""Random sessions for the optimizer's and the book's tests: tickets, limits, a covariance, yesterday's book."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from riskdesk_assets.common.settings import OptimizerSettings
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_assets.optimizer.ticket_problem import TicketProblem

NAV = 2_500_000.0
RISK_AVERSION = 10.0
SETTINGS = OptimizerSettings(
    construction="optimizer",
    tracking_bp=20,
    kappa=0.2,
    default_half_life=252,
    objective_scale=10000,
    accept_violation_nav=1e-6,
    covariance_window=252,
    covariance_min_coverage=0.9,
)


@dataclass(frozen=True)
class Shape:
    """How large a random session is."""

    tickets: int
    names: int
    groups: int = 5


def names(count: int) -> tuple[str, ...]:
    return tuple(f"N{i:03d}" for i in range(count))


def dollars(value: float) -> int:
    return int(value * 10_000)


def limit(name: str, measure: Measure, members: tuple[str, ...], bound: float, mode: str = "construct") -> Limit:
    """A limit with its bound in dollars."""
    family = {
        Measure.LEG: Family.LEG_NOTIONAL,
        Measure.TICKET_GROSS: Family.TICKET_GROSS,
        Measure.BUCKET_GROSS: Family.BUCKET,
        Measure.NAME_GROSS: Family.NAME_GROSS,
        Measure.NET: Family.PORTFOLIO_NET,
        Measure.GROSS: Family.PORTFOLIO_GROSS,
        Measure.ADDITIONS: Family.TURNOVER,
        Measure.COUNT: Family.POSITION_COUNT,
    }[measure]
    return Limit(name, family, measure, members, dollars(bound), "test", mode)  # type: ignore[arg-type]


def desk_limits(symbols: tuple[str, ...], rng: np.random.Generator, groups: int, tight: float = 1.0) -> tuple[Limit, ...]:
    """The desk profile's families of limits, each scaled by a random number around ``tight``."""

    def bound(fraction: float) -> float:
        return float(fraction * NAV * tight * rng.uniform(0.4, 1.4))

    found = [limit(f"name_gross:{s}", Measure.NAME_GROSS, (s,), bound(0.24)) for s in symbols]
    found += [replace(limit(f"symbol_net:{s}", Measure.NET, (s,), bound(0.20))) for s in symbols]
    for group in range(groups):
        members = tuple(s for i, s in enumerate(symbols) if i % groups == group)
        if members:
            found.append(replace(limit(f"group:{group}", Measure.GROSS, members, bound(0.40)), family=Family.GROUP))
    found.append(limit("portfolio_net", Measure.NET, symbols, bound(0.08)))
    found.append(limit("portfolio_gross", Measure.GROSS, symbols, bound(1.0)))
    found.append(limit("turnover", Measure.ADDITIONS, (), bound(0.60)))
    return tuple(found)


def limits_of_facts(symbols: tuple[str, ...], rng: np.random.Generator, tight: float = 1.0) -> tuple[Limit, ...]:
    """Limits on two factors, on soft names and on three scenarios, one of them on two names alone."""

    def bound(fraction: float) -> int:
        return dollars(float(fraction * NAV * tight * rng.uniform(0.2, 1.4)))

    def whole(values: np.ndarray) -> tuple[tuple[int, ...], ...]:
        return (tuple(round(float(value) * 1e6) for value in values),)

    count = len(symbols)
    market, size = whole(rng.uniform(0.4, 1.6, count)), whole(rng.normal(size=count))
    falls, moves = whole(-rng.uniform(0.0, 0.4, count)), whole(rng.normal(size=count) * 0.1)
    soft = tuple(symbol for symbol in symbols if rng.random() < 0.3)
    named = tuple(sorted(map(str, rng.choice(symbols, min(2, count), replace=False))))
    factor, loss = Family.FACTOR, Family.SCENARIO_LOSS
    return (
        Limit("factor:market", factor, Measure.EXPOSURE, symbols, bound(0.08), "test", coefficients=market),
        Limit("factor:size", factor, Measure.EXPOSURE, symbols, bound(0.30), "test", coefficients=size),
        Limit("fragility", Family.FRAGILITY, Measure.GROSS, soft, bound(0.30), "test"),
        Limit("scenario_loss:falls", loss, Measure.LOSS, symbols, bound(0.02), "test", coefficients=falls),
        Limit("scenario_loss:moves", loss, Measure.LOSS, symbols, bound(0.03), "test", coefficients=moves),
        Limit(
            "scenario_loss:names", loss, Measure.LOSS, named, bound(0.02), "test", coefficients=whole(np.full(len(named), -0.3))
        ),
    )


def limits_of_buckets(ticket_ids: tuple[str, ...], seed: int, tight: float = 1.0) -> tuple[Limit, ...]:
    """Every third ticket in a bucket of its own, the others in another, and frozen ones with them; a few buckets are tight."""
    rng = np.random.default_rng([seed, 3])
    members = {"A": tuple(ticket_ids[::3]), "B": ("frozen", *(t for k, t in enumerate(ticket_ids) if k % 3))}
    return tuple(
        limit(f"bucket:{name}", Measure.BUCKET_GROSS, tuple(sorted(found)), float(NAV * tight * rng.uniform(0.02, 1.2)))
        for name, found in members.items()
    )


def random_problem(seed: int, shape: Shape, tight: float = 1.0, *, facts: bool = False, buckets: bool = False) -> TicketProblem:
    """One session: overlapping pairs, a book held from yesterday, sometimes a frozen ticket; limits on facts and buckets if
    asked."""
    rng = np.random.default_rng(seed)
    symbols = names(shape.names)
    ticket_ids = tuple(f"T{k:02d}" for k in range(shape.tickets))
    legs: list[Leg[float]] = []
    held: list[Leg[float]] = []
    for ticket_id in ticket_ids:
        a, b = rng.choice(shape.names, 2, replace=False)
        gross, beta, side = rng.uniform(0.05, 0.32) * NAV, rng.uniform(0.4, 1.6), rng.choice([-1.0, 1.0])
        pair = [(symbols[a], side * gross / (1 + beta)), (symbols[b], -side * beta * gross / (1 + beta))]
        legs += [Leg(ticket_id, symbol, float(size)) for symbol, size in pair]
        if rng.random() < 0.5:
            share = rng.uniform(0.2, 1.1) * rng.choice([1.0, 1.0, -1.0])
            held += [Leg(ticket_id, symbol, float(size * share)) for symbol, size in pair]
    if rng.random() < 0.3:
        held += [Leg("closed", symbols[0], 40_000.0), Leg("closed", symbols[-1], -38_000.0)]
    fixed: list[Leg[float]] = []
    if rng.random() < 0.2:
        fixed = [Leg("frozen", symbols[0], 30_000.0), Leg("frozen", symbols[-1], -29_000.0)]
    noise = rng.normal(size=(shape.names, 60)) * 0.01
    covariance = noise @ noise.T / 60 + 0.012**2
    gross_of = {t: sum(abs(leg.notional) for leg in legs if leg.ticket_id == t) / NAV for t in ticket_ids}
    return TicketProblem(
        ticket_ids=ticket_ids,
        symbols=symbols,
        legs=tuple(legs),
        held=(*held, *fixed),
        fixed=tuple(fixed),
        nav=NAV,
        covariance=covariance,
        reversion=np.array([gross_of[t] * rng.choice([0.0, rng.uniform(0, 3e-4)]) for t in ticket_ids]),
        horizons=rng.integers(5, 60, shape.tickets).astype(float),
        cost_rate=rng.uniform(1e-4, 4e-4, shape.names),
        limits=(
            *desk_limits(symbols, rng, shape.groups, tight),
            *(limits_of_facts(symbols, rng, tight) if facts else ()),
            *(limits_of_buckets(ticket_ids, seed, tight) if buckets else ()),
        ),
        risk_aversion=RISK_AVERSION,
        settings=SETTINGS,
    )
