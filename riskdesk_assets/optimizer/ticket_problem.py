"""Stage 5: how much of each ticket's approved size the book takes. One column per ticket, so hedges stay whole."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

import numpy as np

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.settings import OptimizerSettings
from riskdesk_assets.limits.limit import Leg, Limit, Measure, gross_by_ticket
from riskdesk_assets.optimizer.expected_return import capped_horizon
from riskdesk_assets.optimizer.limit_rows import AbsoluteTerms, Array, Exposures, Row, exposures, limit_rows, settled_signs
from riskdesk_assets.optimizer.model import Coefficients
from riskdesk_assets.optimizer.solver_chain import CHAIN, Attempt, Solver, run_chain
from riskdesk_assets.optimizer.worst_limit import worst_limit

BASIS_POINT = 1e-4
# Prices below this, in dollars of objective per day per dollar of limit, are the solver's rounding.
PRICE_FLOOR = 1e-9
# One order of legs whatever order they came in: float sums are then the same to the bit.
_ORDER = attrgetter("symbol", "ticket_id", "notional")


@dataclass(frozen=True)
class TicketProblem:
    """One session's problem; K tickets over n symbols.

    ``ticket_ids`` (K,) and ``symbols`` (n,), every tradable name, are sorted. ``legs`` are the approved signed dollars per
    ticket leg; ``held`` yesterday's whole book at today's prices, closed and frozen tickets included; ``fixed`` the frozen
    legs, which cannot trade and count in every limit. ``nav`` in dollars, ``covariance`` (n, n) of daily returns,
    ``reversion`` (K,) expected return per day at full size as a fraction of NAV, ``horizons`` (K,) in sessions,
    ``cost_rate`` (n,) one way as a fraction of traded notional, ``risk_aversion`` per unit of daily variance (QP) or of daily
    volatility (SOCP, the volatility in place of the variance).
    """

    ticket_ids: tuple[str, ...]
    symbols: tuple[str, ...]
    legs: tuple[Leg[float], ...]
    held: tuple[Leg[float], ...]
    fixed: tuple[Leg[float], ...]
    nav: float
    covariance: Array
    reversion: Array
    horizons: Array
    cost_rate: Array
    limits: tuple[Limit, ...]
    risk_aversion: float
    settings: OptimizerSettings
    optimizer_type: Literal["QP", "SOCP"] = "QP"

    def __post_init__(self) -> None:
        for name, given in (("ticket_ids", self.ticket_ids), ("symbols", self.symbols)):
            if list(given) != sorted(set(given)):
                raise ValueError(f"{name} must be sorted and unique: {given}")
        n, tickets = len(self.symbols), len(self.ticket_ids)
        expected = {"covariance": (n, n), "reversion": (tickets,), "horizons": (tickets,), "cost_rate": (n,)}
        for name, shape in expected.items():
            value: Array = getattr(self, name)
            if value.shape != shape or not np.isfinite(value).all():
                raise ValueError(f"{name} must be finite numbers of shape {shape}, and has shape {value.shape}")
        if (self.cost_rate < 0).any():
            raise ValueError("cost_rate must not be negative")
        known = frozenset(self.symbols)
        for leg in (*self.legs, *self.held, *self.fixed):
            if leg.symbol not in known or not math.isfinite(leg.notional):
                raise ValueError(f"ticket {leg.ticket_id}: {leg.symbol} is no tradable name with a finite notional")
        unknown = {leg.ticket_id for leg in self.legs} - set(self.ticket_ids)
        if unknown:
            raise ValueError(f"legs of tickets not in ticket_ids: {sorted(unknown)}")


@dataclass(frozen=True)
class TicketSolution:
    """The answer: ``x`` per ticket in [0, 1].

    ``prices`` maps a limit that costs something to dollars of objective per day per dollar of the limit. ``expected_return``,
    ``variance`` and ``cost`` are per day, fractions of NAV (variance: of NAV squared). FAILED has x = 0 throughout:
    the caller uses the governor; ``unmet_by_fixed`` then names the limits that the frozen legs alone breach.
    """

    x: Mapping[str, float]
    status: Literal["OPTIMAL", "FAILED"]
    solver: str
    attempts: tuple[Attempt, ...]
    prices: Mapping[str, float]
    expected_return: float
    variance: float
    cost: float
    unmet_by_fixed: tuple[str, ...] = ()


def solve(problem: TicketProblem, chain: Sequence[Solver] = CHAIN) -> TicketSolution:
    """Solve methods.md section 7's ticket problem; every limit is recomputed from the answer before it is taken.

    Args:
        problem: the session's problem.
        chain: solvers in the order they are tried.
    """
    construct = [limit for limit in problem.limits if limit.mode == "construct" and limit.measure is not Measure.COUNT]
    gross = {**dict.fromkeys(problem.ticket_ids, 0.0), **gross_by_ticket(problem.legs)}
    # A ticket with nothing approved has nothing to shrink and no say in the mean horizon.
    active = tuple(ticket_id for ticket_id in problem.ticket_ids if gross[ticket_id] > 0)
    if not active:
        unmet = _unmet(problem, construct)
        status: Literal["OPTIMAL", "FAILED"] = "FAILED" if unmet else "OPTIMAL"
        return _solution(problem, active, dict.fromkeys(problem.ticket_ids, 1.0), status=status, unmet=unmet)
    legs = [leg for leg in problem.legs if gross[leg.ticket_id] > 0]
    book = exposures(
        symbols=problem.symbols,
        ticket_ids=active,
        legs=legs,
        held=problem.held,
        fixed=problem.fixed,
        nav=problem.nav,
    )
    pool = AbsoluteTerms()
    rows = limit_rows(construct, book, problem.nav, problem.settings.accept_violation_nav, pool)
    numbers = _coefficients(problem, active, book, rows, pool)
    accepted, attempts = run_chain(
        numbers,
        lambda x: _worst(problem, construct, active, x),
        problem.settings.accept_violation_nav,
        problem.settings.objective_scale,
        chain,
    )
    if accepted is None:
        unmet = _unmet(problem, construct)
        return _solution(problem, active, dict.fromkeys(problem.ticket_ids, 0.0), attempts=attempts, unmet=unmet)
    x = dict.fromkeys(problem.ticket_ids, 1.0)
    x.update(zip(active, map(float, accepted.x), strict=True))
    prices: dict[str, float] = {}
    for row, price in zip(rows, accepted.prices / problem.settings.objective_scale, strict=True):
        if price > PRICE_FLOOR:
            prices[row.name] = prices.get(row.name, 0.0) + float(price)
    return _solution(problem, active, x, solver=accepted.solver, attempts=attempts, prices=prices, status="OPTIMAL")


def scaled_legs(problem: TicketProblem, x: Mapping[str, float]) -> tuple[Leg[float], ...]:
    """The approved legs times their ticket's share, in the order given; the frozen legs are not among them."""
    return tuple(Leg(leg.ticket_id, leg.symbol, leg.notional * x[leg.ticket_id]) for leg in problem.legs)


def _coefficients(
    problem: TicketProblem, active: Sequence[str], book: Exposures, rows: Sequence[Row], pool: AbsoluteTerms
) -> Coefficients:
    settings, scale = problem.settings, problem.settings.objective_scale
    place = {ticket_id: k for k, ticket_id in enumerate(problem.ticket_ids)}
    chosen = [place[ticket_id] for ticket_id in active]
    horizons = _horizons(problem, active)
    rates = scale * problem.cost_rate / horizons.mean()
    paid = np.flatnonzero(rates * np.abs(book.net).sum(axis=1))
    moved = (book.fixed_net - book.previous)[paid]
    signs = settled_signs(book.net[paid], moved)
    # A name that trades one way whatever x costs a fixed amount for each ticket: it is taken off what the ticket earns.
    settled = (rates[paid] * signs)[:, None] * book.net[paid]
    mu = np.subtract.accumulate(np.vstack([scale * problem.reversion[chosen], settled]))[-1]
    costs: dict[int, float] = {}
    for i, offset in zip(paid[signs == 0].tolist(), moved[signs == 0].tolist(), strict=True):
        term = pool.place(("net", i), book.net[i], offset)
        costs[term] = costs.get(term, 0.0) + float(rates[i])
    tracking = np.sqrt(scale * settings.tracking_bp * BASIS_POINT * book.gross / horizons)
    factor = _root(problem.covariance)
    norm: tuple[Array, Array] | tuple[None, None] = (None, None)
    if problem.optimizer_type == "SOCP":
        root, shift = np.diag(tracking), -tracking
        norm = _small_norm(scale * problem.risk_aversion * factor, book)
    else:
        factor = np.sqrt(scale * problem.risk_aversion) * factor
        # Risk and tracking are one sum of squares, ||S x + r||^2; its triangular factor is the least program saying the same.
        orthogonal, root = np.linalg.qr(np.vstack([factor @ book.net, np.diag(tracking)]))
        shift = orthogonal.T @ np.concatenate([factor @ book.fixed_net, -tracking])
    weights = np.zeros((len(rows), len(pool.offsets)))
    for r, row in enumerate(rows):
        for term, weight in row.weights.items():
            weights[r, term] = weight
    tickets = len(active)
    return Coefficients(
        mu=mu,
        cost=np.array([costs.get(term, 0.0) for term in range(len(pool.offsets))]),
        root=root,
        shift=shift,
        rows=np.array([row.slope for row in rows]).reshape(len(rows), tickets),
        weights=weights,
        bounds=np.array([row.bound for row in rows]),
        slopes=np.array(pool.slopes).reshape(len(pool.offsets), tickets),
        offsets=np.array(pool.offsets),
        norm_root=norm[0],
        norm_shift=norm[1],
    )


def _small_norm(factor: Array, book: Exposures) -> tuple[Array, Array]:
    """||factor (net x + fixed)|| as a norm of K + 1 entries; the last is what no x can hedge."""
    tickets = book.net.shape[1]
    orthogonal, upper = np.linalg.qr(factor @ book.net)
    given = factor @ book.fixed_net
    root, shift = np.zeros((tickets + 1, tickets)), np.zeros(tickets + 1)
    root[: len(upper)] = upper
    shift[: len(upper)] = orthogonal.T @ given
    shift[-1] = np.linalg.norm(given - orthogonal @ shift[: len(upper)])
    return root, shift


def _root(covariance: Array) -> Array:
    """A matrix whose square (root' root) is the covariance; a covariance without full rank has one too."""
    try:
        root = np.asarray(np.linalg.cholesky(covariance).T, dtype=np.float64)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    return root


def _horizons(problem: TicketProblem, active: Sequence[str]) -> Array:
    place = {ticket_id: k for k, ticket_id in enumerate(problem.ticket_ids)}
    chosen = [place[ticket_id] for ticket_id in active]
    return np.array([capped_horizon(float(problem.horizons[k])) for k in chosen])


def _worst(problem: TicketProblem, limits: Sequence[Limit], active: Sequence[str], x: Array) -> tuple[float, str]:
    legs = _book(problem, dict(zip(active, x.tolist(), strict=True)))
    return worst_limit(limits, legs, problem.held, problem.nav)


def _unmet(problem: TicketProblem, limits: Sequence[Limit]) -> tuple[str, ...]:
    legs = [leg for leg in problem.fixed if leg.notional]
    return tuple(limit.name for limit in limits if limit.measured(legs, problem.held) > limit.bound / TICKS_PER_DOLLAR)


def _book(problem: TicketProblem, x: Mapping[str, float]) -> list[Leg[float]]:
    scaled = [Leg(leg.ticket_id, leg.symbol, leg.notional * x.get(leg.ticket_id, 0.0)) for leg in problem.legs]
    return sorted([*scaled, *problem.fixed], key=_ORDER)


def _solution(
    problem: TicketProblem,
    active: Sequence[str],
    x: Mapping[str, float],
    *,
    solver: str = "",
    attempts: tuple[Attempt, ...] = (),
    prices: Mapping[str, float] | None = None,
    status: Literal["OPTIMAL", "FAILED"] = "FAILED",
    unmet: tuple[str, ...] = (),
) -> TicketSolution:
    held, sold = dict.fromkeys(problem.symbols, 0.0), dict.fromkeys(problem.symbols, 0.0)
    for leg in _book(problem, x):
        held[leg.symbol] += leg.notional / problem.nav
    for leg in sorted(problem.held, key=attrgetter("symbol", "ticket_id")):
        sold[leg.symbol] -= leg.notional / problem.nav
    weights, traded = np.array(list(held.values())), np.array(list(sold.values()))
    mean_horizon = float(_horizons(problem, active).mean()) if active else 1.0
    return TicketSolution(
        x=dict(x),
        status=status,
        solver=solver,
        attempts=attempts,
        prices=dict(prices or {}),
        expected_return=float(sum(problem.reversion[k] * x[t] for k, t in enumerate(problem.ticket_ids))),
        variance=float(weights @ problem.covariance @ weights),
        cost=float(problem.cost_rate @ np.abs(weights + traded)) / mean_horizon,
        unmet_by_fixed=unmet,
    )
