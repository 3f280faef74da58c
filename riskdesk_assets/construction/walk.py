"""The walk: one desk day after another, each starting from the state the one before left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.book_risk import BookRisk, ReturnHistory, book_risk
from riskdesk_assets.construction.day_sources import DaySources, WalkInputs
from riskdesk_assets.construction.desk_day import DayResult, desk_day
from riskdesk_assets.construction.inputs import DayInputs, desk_context
from riskdesk_assets.construction.rows import day_rows, merged
from riskdesk_assets.limits.limit import net_by_symbol

CONSTRUCTION_TABLES = (
    "proposals",
    "gate_decisions",
    "target_portfolios",
    "decisions",
    "limit_audit",
    "ideal_portfolio",
    "guard_decisions",
    "guard_counters",
    "portfolio_blotter",
    "desk_positions",
    "clip_ledger",
    "desk_state",
    "engine_decisions",
)


@dataclass(frozen=True)
class Walk:
    """Frames per construction table, and every day's result in order."""

    frames: Mapping[str, pl.DataFrame]
    days: tuple[DayResult, ...]


def walk(inputs: WalkInputs, progress: Callable[[int, int], None] = lambda done, total: None) -> Walk:
    """Run every session in order and gather the rows.

    Args:
        inputs: frames, configuration and starting state.
        progress: told (sessions done, sessions in all) after each one.
    """
    context = desk_context(inputs.config)
    sources = DaySources.of(inputs)
    history = ReturnHistory.of(inputs.panel)
    state = inputs.start
    results: list[DayResult] = []
    rows: list[dict[str, list[dict[str, object]]]] = []
    for place, session in enumerate(inputs.sessions, start=1):
        day, hashes = sources.day(session, state)
        result = desk_day(day, state, context)
        rows.append(day_rows(result, day, context, hashes, _risk(result, day, history, inputs.config)))
        results.append(result)
        state = result.state
        progress(place, len(inputs.sessions))
    gathered = merged(rows)
    frames = {name: TABLES[name].frame(gathered.get(name, [])) for name in CONSTRUCTION_TABLES}
    return Walk(frames, tuple(results))


def _risk(result: DayResult, day: DayInputs, history: ReturnHistory, config: Config) -> BookRisk:
    nets = net_by_symbol(result.state.legs)
    weights = {symbol: ticks / TICKS_PER_DOLLAR / config.desk.nav for symbol, ticks in nets.items()}
    return book_risk(weights, result.session, day.covariance, history, config.desk.risk_report)
