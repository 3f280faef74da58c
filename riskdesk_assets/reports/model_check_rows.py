"""Was the risk report right? Stored predictions against what happened next, as rows of model_checks (methods.md section 10).

A session's prediction is of the P&L that is known at the close of the next one, before costs. Sessions on which nothing was
held predict nothing and are left out, and counted. Everything is a fraction of the portfolio's nav.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import polars as pl

from riskdesk_assets.common.sample_statistics import deepest_fall
from riskdesk_assets.common.settings import Config, RiskReportSettings
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.risk_inputs import sessions_before
from riskdesk_assets.reports.risk_measures import estimated_drawdown
from riskdesk_assets.risk_model.model_checks import bias_ratio, conditional_coverage, traffic_light
from riskdesk_assets.risk_model.tail_level import tail_multiples

MODEL_CHECKS = "model_checks"
CHECKED_TABLES = ("desk_state", "engine_decisions", "limit_audit", "portfolio_limits")
"""Tables read of the sessions and of ``check_window`` before them."""
OK, REJECTED, TOO_FEW, BREACHED, TOLD = "OK", "REJECTED", "TOO_FEW", "BREACHED", "TOLD"
"""Outcomes: the traffic light's are GREEN, YELLOW and RED; TOLD is a figure that nothing is asked of."""
_LEVELS = (("95", 0.95), ("99", 0.99))
Row = dict[str, object]


@dataclass(frozen=True)
class Prediction:
    """What one session's row says: the P&L of the session, and the volatility and VaR of what it leaves held."""

    pnl: float | None
    volatility: float | None
    var_95: float | None
    var_99: float | None


@dataclass(frozen=True)
class Outcome:
    """One day: what was predicted the session before, and the P&L that came of it."""

    predicted: Prediction
    pnl: float


@dataclass(frozen=True)
class LimitDays:
    """Of the window's sessions with a released book: how many, on how many one limit was breached, and per family binding."""

    released: int
    breached: int
    binding: Mapping[str, int]


def model_checks(
    config: Config, tables: Mapping[str, pl.DataFrame], sessions: Sequence[date], calendar: Sequence[date]
) -> pl.DataFrame:
    """TABLES["model_checks"]: every check of every portfolio with a prediction, at each session over ``check_window`` before.

    Args:
        config: desk.risk_report; nav.
        tables: rows of CHECKED_TABLES of the sessions and of those before; of limit_audit before the sessions, rows of limits
            that bind or are breached are enough.
        sessions: the sessions wanted, ascending.
        calendar: every session, ascending.
    """
    predictions = _predictions(config, tables)
    limits = _limit_rows(config, tables)
    released = _released(config, tables)
    settings = config.desk.risk_report
    rows: list[Row] = []
    for portfolio_id, known in sorted(predictions.items()):
        for session in sessions:
            if session not in known:
                continue
            window = sessions_before(calendar, session, settings.check_window + 1)
            days = _limit_days(window[1:], limits.get(portfolio_id, {}), released.get(portfolio_id, frozenset()))
            rows.extend(
                {"as_of_date": session, "portfolio_id": portfolio_id, **row} for row in checks(known, window, days, settings)
            )
    return TABLES[MODEL_CHECKS].frame(rows)


def checks(
    known: Mapping[date, Prediction], window: Sequence[date], limits: LimitDays, settings: RiskReportSettings
) -> Iterator[Row]:
    """The rows of one portfolio and session, without both.

    Args:
        known: a session's prediction and P&L, where it has them.
        window: the sessions, ascending; each but the last predicts the next.
        limits: adherence over the window.
        settings: desk.risk_report.
    """
    pairs = [(known.get(before), known.get(after)) for before, after in pairwise(window)]
    days = [
        Outcome(left, right.pnl) for left, right in pairs if left is not None and right is not None and right.pnl is not None
    ]
    held = [day for day in days if day.predicted.volatility]
    flat = len(days) - len(held)
    yield _bias(held, flat, settings)
    for label, level in _LEVELS:
        historical = [(day.pnl, getattr(day.predicted, f"var_{label}")) for day in held]
        yield from _exceptions(label, level, [(pnl, var) for pnl, var in historical if var is not None], settings)
    normal = tail_multiples(_LEVELS[-1][1])[0]
    predicted = [(day.pnl, normal * (day.predicted.volatility or 0.0)) for day in held]
    yield from _exceptions(f"{_LEVELS[-1][0]}_normal", _LEVELS[-1][1], predicted, settings)
    yield _drawdown(days, held, settings)
    yield from _adherence(limits)


def _bias(held: Sequence[Outcome], flat: int, settings: RiskReportSettings) -> Row:
    left_out = f"; {_sessions(flat)} without a position {'is' if flat == 1 else 'are'} left out"
    if len(held) < settings.check_minimum:
        return _too_few("bias_ratio", len(held), settings, 1.0)
    found = bias_ratio([day.pnl for day in held], [day.predicted.volatility or 0.0 for day in held])
    message = f"realized volatility is {found.ratio:.2f} of the predicted one over {found.observations} sessions{left_out}"
    outcome = _judged(found.p_value, settings)
    return _row("bias_ratio", found.observations, None, found.ratio, found.p_value, 1.0, outcome, message)


def _exceptions(label: str, level: float, days: Sequence[tuple[float, float]], settings: RiskReportSettings) -> Iterator[Row]:
    """Number, order, and both together; Basel's zones at 99%, which they are made for."""
    names = [f"{kind}_{label}" for kind in ("kupiec", "christoffersen", "conditional_coverage")]
    names += [f"traffic_light_{label}"] if level == _LEVELS[-1][1] else []
    share = round(1.0 - level, 10)
    expected = share * len(days)
    if len(days) < settings.check_minimum:
        yield from (_too_few(name, len(days), settings, None) for name in names)
        return
    hits = [-pnl > var for pnl, var in days]
    count = sum(hits)
    found = conditional_coverage(hits, share)
    moved = found.transitions
    told = f"{count} of {len(days)} losses were larger than the VaR, {expected:.1f} were to be expected"
    again, others = (moved.n11, moved.n10 + moved.n11), (moved.n01, moved.n00 + moved.n01)
    order = f"{again[0]} of {again[1]} sessions after an exception had one, {others[0]} of {others[1]} others"
    tests = (
        (found.unconditional.statistic, found.unconditional.p_value, told),
        (found.independence.statistic, found.independence.p_value, order),
        (found.statistic, found.p_value, f"{told}; {order}"),
    )
    for name, (statistic, p_value, message) in zip(names, tests, strict=False):
        yield _row(name, len(days), count, statistic, p_value, expected, _judged(p_value, settings), message)
    if len(names) > len(tests):
        light = traffic_light(len(days), count, share)
        said = f"{told}: so many or more have a probability of {light.p_value:.2%}"
        yield _row(names[-1], len(days), count, light.statistic, light.p_value, expected, light.zone.value, said)


def _drawdown(days: Sequence[Outcome], held: Sequence[Outcome], settings: RiskReportSettings) -> Row:
    """Largest fall of cumulated P&L before costs against that of a Brownian motion of the mean predicted variance."""
    if len(held) < settings.check_minimum:
        return _too_few("drawdown", len(held), settings, None)
    fall = deepest_fall(day.pnl for day in days)
    variance = sum((day.predicted.volatility or 0.0) ** 2 for day in held) / len(held)
    expected = estimated_drawdown(variance**0.5, len(held))
    message = f"the largest fall before costs was {fall:.2%} of nav, {expected:.2%} were to be expected without drift"
    return _row("drawdown", len(held), None, fall, None, expected, TOLD, message)


def _adherence(limits: LimitDays) -> Iterator[Row]:
    message = f"{limits.breached} of {limits.released} released books breached a limit"
    outcome = BREACHED if limits.breached else OK
    yield _row("limit_adherence", limits.released, limits.breached, None, None, 0.0, outcome, message)
    for family, count in sorted(limits.binding.items()):
        message = f"a limit of the family bound on {count} of {limits.released} sessions"
        yield _row(f"binding:{family}", limits.released, count, None, None, None, TOLD, message)


def _judged(p_value: float, settings: RiskReportSettings) -> str:
    return REJECTED if p_value < settings.check_significance else OK


def _too_few(name: str, observations: int, settings: RiskReportSettings, expected: float | None) -> Row:
    message = f"{_sessions(observations)} with a prediction, {settings.check_minimum} are needed"
    return _row(name, observations, None, None, None, expected, TOO_FEW, message)


def _sessions(number: int) -> str:
    return f"{number} session" if number == 1 else f"{number} sessions"


def _row(
    name: str,
    observations: int,
    exceptions: int | None,
    statistic: float | None,
    p_value: float | None,
    expected: float | None,
    outcome: str,
    message: str,
) -> Row:
    return {
        "check_name": name,
        "observations": observations,
        "exceptions": exceptions,
        "statistic": statistic,
        "p_value": p_value,
        "expected": expected,
        "outcome": outcome,
        "message": message,
    }


def _predictions(config: Config, tables: Mapping[str, pl.DataFrame]) -> dict[str, dict[date, Prediction]]:
    """Portfolio -> session -> its row: the desk's of desk_state, a mandate's of engine_decisions."""
    own, nav = config.desk.portfolio_id, config.desk.nav
    columns = ("as_of_date", "pnl_gross", "ex_ante_volatility", "var_95", "var_99")
    found: dict[str, dict[date, Prediction]] = {own: {}}
    for session, pnl, *rest in tables["desk_state"].sort("as_of_date").select(columns).iter_rows():
        found[own][session] = Prediction(None if pnl is None else pnl / nav, *rest)
    columns = ("as_of_date", "pnl", "expected_volatility", "var_95", "var_99")
    decisions = tables["engine_decisions"].filter(pl.col("portfolio_id").is_in([item.portfolio_id for item in config.mandates]))
    for portfolio_id, session, *rest in decisions.sort("as_of_date").select("portfolio_id", *columns).iter_rows():
        found.setdefault(portfolio_id, {})[session] = Prediction(*rest)
    return found


def _released(config: Config, tables: Mapping[str, pl.DataFrame]) -> dict[str, frozenset[date]]:
    found = {config.desk.portfolio_id: frozenset(tables["desk_state"].filter("released")["as_of_date"])}
    solved = tables["engine_decisions"].filter(pl.col("status").is_in(["OPTIMAL", "SOFTENED"]))
    for mandate in config.mandates:
        found[mandate.portfolio_id] = frozenset(solved.filter(pl.col("portfolio_id") == mandate.portfolio_id)["as_of_date"])
    return found


def _limit_rows(config: Config, tables: Mapping[str, pl.DataFrame]) -> dict[str, dict[date, list[tuple[str, bool, bool]]]]:
    """Portfolio -> session -> (family, breached, binding) of the limits that are either."""
    own = tables["limit_audit"].with_columns(portfolio_id=pl.lit(config.desk.portfolio_id))
    columns = ("portfolio_id", "as_of_date", "family", "status", "price_of_limit")
    rows = pl.concat([own.select(columns), tables["portfolio_limits"].select(columns)])
    found: dict[str, dict[date, list[tuple[str, bool, bool]]]] = {}
    for portfolio_id, session, family, status, price in rows.filter(binding_or_breached()).iter_rows():
        entry = (family, status == "BREACH", price is not None)
        found.setdefault(portfolio_id, {}).setdefault(session, []).append(entry)
    return found


def binding_or_breached() -> pl.Expr:
    """The rows of an audit that the checks read."""
    return pl.col("price_of_limit").is_not_null() | (pl.col("status") == "BREACH")


def _limit_days(
    window: Sequence[date], limits: Mapping[date, list[tuple[str, bool, bool]]], released: frozenset[date]
) -> LimitDays:
    days = [session for session in window if session in released]
    binding: dict[str, int] = {}
    breached = 0
    for session in days:
        rows = limits.get(session, [])
        breached += any(breach for _, breach, _ in rows)
        for family in {family for family, _, binds in rows if binds}:
            binding[family] = binding.get(family, 0) + 1
    return LimitDays(len(days), breached, binding)
