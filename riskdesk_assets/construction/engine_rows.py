"""The desk's row of engine_decisions: what was asked of the optimizer, what it answered, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict

from riskdesk_assets.book.clips import GOVERNOR
from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.common.money import TICKS_PER_CENT, TICKS_PER_DOLLAR
from riskdesk_assets.construction.book_risk import BookRisk
from riskdesk_assets.construction.desk_day import DayResult
from riskdesk_assets.construction.inputs import DayInputs, DeskContext
from riskdesk_assets.construction.release import Release
from riskdesk_assets.limits.limit import net_by_symbol
from riskdesk_assets.optimizer.solver_chain import Attempt

ENGINE = "PORTFOLIO"


def engine_decision(result: DayResult, day: DayInputs, context: DeskContext, risk: BookRisk) -> dict[str, object]:
    """One row of TABLES["engine_decisions"]; numbers are fractions of nav.

    ``expected_return`` and ``expected_volatility`` are of the released targets, a day (null where nothing was released; the
    governor expects nothing of a return); ``cost`` and ``turnover`` of the session's trades; ``pnl`` gross, of the positions
    held into the session; ``var_95`` and ``var_99`` of those held after it.
    """
    release, own, nav = result.release, context.config.own, context.config.desk.nav
    solution = release.solution
    traded = {fill: abs(fill.traded) / TICKS_PER_DOLLAR for fill in result.fills}
    return {
        "as_of_date": result.session,
        "engine_name": ENGINE,
        "portfolio_id": own.portfolio_id,
        "run_id": result.run_id,
        "model_id": release.model_id,
        "config_hash": own.hash,
        "status": release.status,
        "solver": solution.solver if solution is not None and release.builder == "optimizer" else "",
        "attempts": attempts_json(solution.attempts if solution is not None else ()),
        "reason": release.reason,
        "expected_return": _expected_return(release),
        "expected_volatility": _expected_volatility(release, day, nav),
        "var_95": risk.var_95,
        "var_99": risk.var_99,
        "pnl": result.pnl_gross_cents * TICKS_PER_CENT / TICKS_PER_DOLLAR / nav,
        "cost": math.fsum(dollars * context.cost_rates[fill.symbol] for fill, dollars in traded.items()) / nav,
        "turnover": math.fsum(traded.values()) / nav,
        "constraints_status": canonical_json(_binding(release)),
        "metadata": canonical_json(
            {
                "builder": release.builder,
                "optimizer_type": own.optimizer_type,
                "prices": dict(release.prices),
                "risk_model_id": own.risk_model_id,
                "unmet_by_fixed": list(solution.unmet_by_fixed) if solution is not None else [],
            }
        ),
    }


def attempts_json(attempts: tuple[Attempt, ...]) -> str:
    """Every try of a solver chain, in order; a try without a point has no violation."""
    rows = [asdict(attempt) for attempt in attempts]
    finite = [row | {"worst_violation_nav": _finite(row["worst_violation_nav"])} for row in rows]
    return canonical_json(finite)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _expected_return(release: Release) -> float | None:
    if release.builder != "optimizer":
        return None
    return release.solution.expected_return if release.solution is not None else 0.0


def _expected_volatility(release: Release, day: DayInputs, nav: float) -> float | None:
    """By the optimizer's own covariance where it made the book, else by the desk's where that covers every name."""
    if not release.released:
        return None
    if release.builder == "optimizer" and release.solution is not None:
        return math.sqrt(max(release.solution.variance, 0.0))
    weights = {symbol: notional / nav for symbol, notional in net_by_symbol(release.legs).items() if notional}
    if not weights:
        return 0.0
    if day.covariance is None or not weights.keys() <= set(day.covariance.symbols):
        return None
    return day.covariance.volatility(weights)


def _binding(release: Release) -> Mapping[str, bool]:
    """Limit name -> whether it shaped the book: it has a price, or the governor cut for it."""
    shaped = {*release.prices, *(clip.limit_name for clip in release.clips if clip.stage == GOVERNOR)}
    return {row.limit.name: row.limit.name in shaped for row in release.audit}
