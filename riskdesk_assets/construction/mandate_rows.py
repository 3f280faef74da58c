"""A research mandate's day as rows of target_portfolios, engine_decisions and portfolio_limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.common.settings import Config
from riskdesk_assets.construction.book_risk import BookRisk
from riskdesk_assets.construction.engine_rows import ENGINE, attempts_json
from riskdesk_assets.limits.limit import Leg, Limit
from riskdesk_assets.optimizer.portfolio_problem import PortfolioSolution

_MANDATE_VERSION = 1
Row = dict[str, object]


@dataclass(frozen=True)
class MandateDay:
    """One mandate on one session.

    ``weights`` are what it holds after the session, ``before`` what its book had become by the close, both fractions of its
    nav; ``solution`` is the optimizer's answer, None where it was not asked. ``left`` are names that can no longer be traded
    and were sold at their last print, ``universe`` those that can. ``pnl`` is the session's, a fraction of nav.
    """

    mandate: PortfolioConfig
    session: date
    run_id: str
    status: str
    reason: str
    solution: PortfolioSolution | None
    weights: Mapping[str, float]
    before: Mapping[str, float]
    limits: tuple[Limit, ...]
    left: tuple[str, ...]
    universe: tuple[str, ...]
    pnl: float
    risk: BookRisk

    @property
    def model_id(self) -> str:
        """Which construction and which risk model, with the version."""
        return f"portfolio_{self.mandate.optimizer_type.lower()}_{self.mandate.risk_model_id}_{_MANDATE_VERSION}"

    @property
    def answered(self) -> bool:
        """Whether the weights are the optimizer's, and not yesterday's."""
        return self.solution is not None and bool(self.solution.weights)


def mandate_rows(day: MandateDay, config: Config) -> dict[str, list[Row]]:
    """Rows per table of one mandate's session."""
    limits = _limits(day, config.limits.amber_at, config.desk.optimizer.accept_violation_nav)
    return {"target_portfolios": _targets(day), "engine_decisions": [_decision(day, limits)], "portfolio_limits": limits}


def _targets(day: MandateDay) -> list[Row]:
    metadata = canonical_json({"run_id": day.run_id, "status": day.status, "research": True})
    return [
        {
            "portfolio_id": day.mandate.portfolio_id,
            "as_of_date": day.session,
            "instrument_id": symbol,
            "target_weight": weight,
            "model_id": day.model_id,
            "metadata": metadata,
        }
        for symbol, weight in day.weights.items()
    ]


def _decision(day: MandateDay, limits: list[Row]) -> Row:
    solution = day.solution
    answer = solution if day.answered else None
    return {
        "as_of_date": day.session,
        "engine_name": ENGINE,
        "portfolio_id": day.mandate.portfolio_id,
        "run_id": day.run_id,
        "model_id": day.model_id,
        "config_hash": day.mandate.hash,
        "status": day.status,
        "solver": answer.solver if answer is not None else "",
        "attempts": attempts_json(solution.attempts if solution is not None else ()),
        "reason": day.reason,
        "expected_return": answer.expected_return if answer is not None else None,
        "expected_volatility": answer.volatility if answer is not None else day.risk.ex_ante_volatility,
        "var_95": day.risk.var_95,
        "var_99": day.risk.var_99,
        "pnl": day.pnl,
        "cost": answer.cost * day.mandate.cost_horizon_sessions if answer is not None else 0.0,
        "turnover": _turnover(day),
        "constraints_status": canonical_json({str(row["limit_name"]): row["price_of_limit"] is not None for row in limits}),
        "metadata": canonical_json(
            {
                "left_the_universe": list(day.left),
                "optimizer_type": day.mandate.optimizer_type,
                "prices": dict(solution.prices) if solution is not None else {},
                "research": True,
                "risk_model_id": day.mandate.risk_model_id,
                "softened": dict(solution.softened) if solution is not None else {},
                "universe": list(day.universe),
            }
        ),
    }


def _turnover(day: MandateDay) -> float:
    """Sum of |change of weight|, names that were sold because they left the universe included."""
    names = sorted({*day.weights, *day.before})
    return sum(abs(day.weights.get(symbol, 0.0) - day.before.get(symbol, 0.0)) for symbol in names)


def _limits(day: MandateDay, amber_at: float, tolerance: float) -> list[Row]:
    """Every limit measured on the weights the mandate ends the session with, in dollars of its nav."""
    nav = day.mandate.own_nav
    legs = _legs(day.weights, nav)
    held = _legs({symbol: weight for symbol, weight in day.before.items() if symbol not in day.left}, nav)
    rows: list[Row] = []
    for limit in day.limits:
        measured, bound = limit.measured(legs, held), limit.bound / TICKS_PER_DOLLAR
        softened = day.solution.softened.get(limit.name) if day.solution is not None else None
        rows.append(
            {
                "as_of_date": day.session,
                "portfolio_id": day.mandate.portfolio_id,
                "limit_name": limit.name,
                "family": limit.family.value,
                "unit": "dollars",
                "measured": float(measured),
                "bound": bound,
                "utilization": measured / bound if bound else (None if measured else 0.0),
                "softened_to": softened,
                "price_of_limit": day.solution.prices.get(limit.name) if day.solution is not None else None,
                "status": _status(float(measured), bound, softened, amber_at, tolerance * nav),
                "source": limit.source,
            }
        )
    return rows


def _status(measured: float, bound: float, softened: float | None, amber_at: float, tolerance: float) -> str:
    if measured > bound + tolerance:
        return "SOFTENED" if softened is not None and measured <= softened + tolerance else "BREACH"
    return "AMBER" if measured and measured >= amber_at * bound else "OK"


def _legs(weights: Mapping[str, float], nav: float) -> list[Leg[float]]:
    return [Leg(symbol, symbol, weight * nav) for symbol, weight in sorted(weights.items())]
