"""A research mandate's backtest: the live mandate's own days over a range of history, from no book, and what came of them.

Every session is ``construction.mandates.mandate_days``, the function the live walk makes its rows of, with yesterday's weights
carried; nothing here decides a weight (PE-71).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import polars as pl

from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.carry import prints_of
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.construction.mandate_rows import mandate_rows
from riskdesk_assets.construction.mandates import MANDATE_TABLES, MandateSources, mandate_days
from riskdesk_assets.reports.realized import patience_sessions
from riskdesk_assets.research.mandates.adherence import limit_slack, limit_use, risk_checks
from riskdesk_assets.research.mandates.holding import Target, held_books
from riskdesk_assets.research.mandates.inputs import PreparedMandate
from riskdesk_assets.research.mandates.measures import mandate_metrics
from riskdesk_assets.research.mandates.realized import name_rows, realized_days
from riskdesk_assets.research.mandates.series import DecidedDay, benchmark_frame, benchmark_of, benchmark_targets, timeseries
from riskdesk_assets.research.mandates.shocks import exposure_frame, scenario_days, scenario_pnl
from riskdesk_assets.research.mandates.tables import NAME_PNL
from riskdesk_assets.research.series_metrics import Metrics

# Sessions whose rows are held as dictionaries before they become frames.
_STRETCH = 63


@dataclass(frozen=True)
class MandateBacktest:
    """What a range came to: the rows of every table by name, and the metrics (see ``mandate_metrics``)."""

    mandate: PortfolioConfig
    first: date
    last: date
    frames: Mapping[str, pl.DataFrame]
    metrics: Metrics


def mandate_backtest(
    prepared: PreparedMandate, progress: Callable[[int, int], None] = lambda done, total: None
) -> MandateBacktest:
    """Walk a mandate over its sessions and measure what came of it.

    Args:
        prepared: bars, tables before the walk, and the walk's inputs from no book on.
        progress: told (sessions walked, sessions in all).
    """
    (mandate,) = prepared.walk.config.mandates
    with single_threaded():
        days, rows = _walked(prepared, progress)
        frames = rows | _earned(prepared, mandate, days, rows)
    metrics = mandate_metrics(frames, mandate)
    return MandateBacktest(mandate, prepared.history.wanted[0], prepared.history.wanted[-1], frames, metrics)


def _walked(
    prepared: PreparedMandate, progress: Callable[[int, int], None]
) -> tuple[list[DecidedDay], dict[str, pl.DataFrame]]:
    """What was decided, and the rows a live mandate would have written."""
    decided: list[DecidedDay] = []
    parts: dict[str, list[pl.DataFrame]] = {name: [TABLES[name].frame([])] for name in MANDATE_TABLES}
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in MANDATE_TABLES}
    for day in mandate_days(prepared.walk, progress):
        decided.append(DecidedDay(day.session, dict(day.weights) if day.answered else None, day.universe))
        for name, found in mandate_rows(day, prepared.walk.config).items():
            rows[name].extend(found)
        if len(decided) % _STRETCH == 0 or day.session == prepared.walk.sessions[-1]:
            for name in MANDATE_TABLES:
                parts[name].append(TABLES[name].frame(rows[name]))
                rows[name] = []
    frames = {name: TABLES[name].conform(pl.concat(parts[name])) for name in MANDATE_TABLES}
    return decided, {name: prepared.tables[name] for name in ("instrument_scores", "scenarios")} | frames


def _earned(
    prepared: PreparedMandate, mandate: PortfolioConfig, days: Sequence[DecidedDay], rows: Mapping[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    inputs, history, nav = prepared.walk, prepared.history, mandate.own_nav
    config = inputs.config
    prints, calendar = prints_of(history.usable), history.calendar.sessions
    costs_of = partial(MandateSources.of(config, inputs.scores, inputs.states).trading_costs, mandate)
    borrow, frozen, patience = desk_context(config).borrow_rates, config.desk.frozen, patience_sessions(config)
    targets: list[Target] = [(day.session, day.weights) for day in days]
    books = held_books(targets, prints, costs_of, borrow, frozen)
    beside = held_books(benchmark_targets(mandate.kind, days), prints, costs_of, borrow, frozen)
    earned, rivals = (realized_days(item, calendar, prints, nav, patience) for item in (books, beside))
    decisions = {row["as_of_date"]: row for row in rows["engine_decisions"].iter_rows(named=True)}
    series = timeseries(books, earned, decisions, nav)
    benchmark = benchmark_frame(benchmark_of(mandate.kind), beside, rivals, nav)
    limits = rows["portfolio_limits"]
    slack = limit_slack(limits, nav)
    shocked = scenario_days(books, beside, inputs, inputs.covariances[mandate.risk_model_id], nav)
    return {
        "timeseries": series,
        "benchmark": benchmark,
        "name_pnl": NAME_PNL.frame(name_rows(earned)),
        "exposures": exposure_frame(books, inputs, nav),
        "limit_slack": slack,
        "limit_use": limit_use(limits, slack, rows["engine_decisions"]),
        "risk_checks": risk_checks(series, limits, nav, config.desk.risk_report),
        "scenario_days": shocked,
        "scenario_pnl": scenario_pnl(shocked, series, benchmark, config),
    }
