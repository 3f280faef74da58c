"""A run of daily ticket problems of the desk's size: 12 tickets on 24 names under 92 limits."""

from __future__ import annotations

import numpy as np

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.settings import load_config, load_paths
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_assets.optimizer.ticket_problem import TicketProblem

TICKETS = 12
NAMES = 24
GROUPS = 5
HOLDING = 30  # sessions of a ticket's horizon


def ticket_days(count: int) -> list[TicketProblem]:
    """That many days of one desk: prices move the legs, the covariance and what a ticket is expected to earn.

    NAV, settings and risk aversion are those of the configuration.
    """
    config = load_config(load_paths())
    desk, rng = config.desk, np.random.default_rng(TICKETS)
    symbols = tuple(f"N{i:02d}" for i in range(NAMES))
    pairs = [rng.choice(NAMES, 2, replace=False) for _ in range(TICKETS)]
    gross, beta = rng.uniform(0.06, 0.2, TICKETS) * desk.nav, rng.uniform(0.5, 1.4, TICKETS)
    share = rng.uniform(0.2, 1.0, TICKETS)
    limits = _limits(symbols, desk.nav)
    found = []
    for _ in range(count):
        moved = np.exp(0.01 * rng.normal(size=NAMES))
        legs = []
        for k, (a, b) in enumerate(pairs):
            long = gross[k] / (1 + beta[k])
            legs += [
                Leg(f"T{k:02d}", symbols[a], float(long * moved[a])),
                Leg(f"T{k:02d}", symbols[b], float(-beta[k] * long * moved[b])),
            ]
        held = tuple(leg._replace(notional=leg.notional * float(share[int(leg.ticket_id[1:])])) for leg in legs)
        share = np.clip(share + 0.05 * rng.normal(size=TICKETS), 0.0, 1.0)
        noise = rng.normal(size=(NAMES, 60)) * 0.01
        found.append(
            TicketProblem(
                ticket_ids=tuple(f"T{k:02d}" for k in range(TICKETS)),
                symbols=symbols,
                legs=tuple(legs),
                held=held,
                fixed=(),
                nav=desk.nav,
                covariance=noise @ noise.T / 60 + 0.008**2,
                reversion=gross / desk.nav * rng.uniform(0, 3e-4, TICKETS),
                horizons=np.full(TICKETS, float(HOLDING)),
                cost_rate=np.full(NAMES, 1.5e-4),
                limits=limits,
                risk_aversion=config.own.risk_aversion_lambda,
                settings=desk.optimizer,
            )
        )
    return found


def _limits(symbols: tuple[str, ...], nav: float) -> tuple[Limit, ...]:
    """The desk's families of limits: 24 gross and 24 net of names, 24 legs, 12 tickets, 5 groups, net, gross and turnover."""

    def limit(name: str, family: Family, measure: Measure, members: tuple[str, ...], share: float) -> Limit:
        return Limit(name, family, measure, members, int(share * nav) * TICKS_PER_DOLLAR, "benchmark")

    found = [limit(f"name_gross:{s}", Family.NAME_GROSS, Measure.NAME_GROSS, (s,), 0.16) for s in symbols]
    found += [limit(f"symbol_net:{s}", Family.PORTFOLIO_NET, Measure.NET, (s,), 0.12) for s in symbols]
    found += [limit(f"leg:{s}", Family.LEG_NOTIONAL, Measure.LEG, ("T00", s), 0.20) for s in symbols]
    found += [
        limit(f"ticket:T{k:02d}", Family.TICKET_GROSS, Measure.TICKET_GROSS, (f"T{k:02d}",), 0.30) for k in range(TICKETS)
    ]
    for group in range(GROUPS):
        found.append(limit(f"group:{group}", Family.GROUP, Measure.GROSS, symbols[group::GROUPS], 0.35))
    found.append(limit("portfolio_net", Family.PORTFOLIO_NET, Measure.NET, symbols, 0.05))
    found.append(limit("portfolio_gross", Family.PORTFOLIO_GROSS, Measure.GROSS, symbols, 0.9))
    return (*found, limit("turnover", Family.TURNOVER, Measure.ADDITIONS, (), 0.4))
