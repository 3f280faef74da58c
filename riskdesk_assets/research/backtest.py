"""A backtest: the desk's own days over a range of history, and what they would have earned.

Every session runs through ``construction.desk_day``, the function the live desk calls, from an empty book on; nothing here
decides a position. What is read, in which order, and what the result says is the same alone, in a sweep and in a replay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from riskdesk_assets.common.settings import Config
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.market.history import History
from riskdesk_assets.research.adherence import limit_use, risk_checks
from riskdesk_assets.research.attribution import attribution
from riskdesk_assets.research.backtest_metrics import backtest_metrics
from riskdesk_assets.research.backtest_settings import BacktestSettings
from riskdesk_assets.research.buckets import Buckets
from riskdesk_assets.research.challengers import challengers
from riskdesk_assets.research.long_walk import LongWalk, long_walk
from riskdesk_assets.research.scenario_losses import scenario_pnl
from riskdesk_assets.research.series_metrics import Metrics
from riskdesk_assets.research.shared_inputs import INPUT_TABLES, Prepared
from riskdesk_assets.research.timeseries import realized_rows, timeseries


@dataclass(frozen=True)
class Backtest:
    """What a range came to.

    ``frames``: the rows of every table, by name: INPUT_TABLES, the construction tables, realized_pnl, and those of
    BACKTEST_TABLES. ``metrics``: see ``backtest_metrics``.
    """

    config: Config
    first: date
    last: date
    frames: Mapping[str, pl.DataFrame]
    metrics: Metrics


def backtest(
    prepared: Prepared,
    settings: BacktestSettings,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Backtest:
    """Walk a configuration over its sessions and measure what came of it.

    Args:
        prepared: bars, tables before the walk, and the walk's inputs.
        settings: what the report looks back over.
        progress: told (sessions walked, sessions in all).
    """
    return measured(prepared.history, prepared.tables, prepared.walk.config, long_walk(prepared.walk, progress), settings)


def measured(
    history: History, tables: Mapping[str, pl.DataFrame], config: Config, walked: LongWalk, settings: BacktestSettings
) -> Backtest:
    """What a walk came to.

    Args:
        history: the bars it was walked on.
        tables: the tables before the walk.
        config: the configuration walked, or the one a walk of several began with.
        walked: the walk's tables.
        settings: what the report looks back over.
    """
    sessions, prints = history.wanted, history.prints
    frames = {**{name: tables[name] for name in INPUT_TABLES}, **walked.frames}
    context = desk_context(config)
    realized = realized_rows(sessions, frames, prints, context)
    series = timeseries(sessions, frames, realized, prints, context)
    buckets = Buckets.of(tables["strategy_library"], tables["strategy_budgets"])
    attributed = attribution(series, frames, realized, prints, buckets)
    rivals = challengers(series, frames["proposals"], prints, history.splits, context, settings.challenger_vol_sessions)
    frames |= {
        "realized_pnl": realized,
        "timeseries": series,
        "attribution": attributed,
        "challengers": rivals,
        "limit_use": limit_use(frames["limit_audit"], frames["clip_ledger"]),
        "risk_checks": risk_checks(frames, config),
        "scenario_pnl": scenario_pnl(frames),
    }
    metrics = backtest_metrics(series, frames, realized, attributed, context, buckets)
    return Backtest(config, sessions[0], sessions[-1], frames, metrics)
