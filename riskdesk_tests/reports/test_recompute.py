"""The tables of a range made stretch by stretch, and those alone that a walk is decided on, are those of the whole range."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.prepare import WALK_TABLES
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.market.history import History
from riskdesk_assets.reports.recompute import day_tables, decided_on
from riskdesk_assets.research.shared_inputs import INPUT_TABLES
from riskdesk_assets.risk_model.scenario_rows import scenario_rows
from riskdesk_assets.strategy.budgets import BUDGET_INPUTS, strategy_budgets
from riskdesk_assets.strategy.library import strategy_library
from riskdesk_assets.strategy.scores import instrument_scores
from riskdesk_assets.strategy.strategy_file import Strategy
from riskdesk_tests.desk_builder import (
    changed,
    desk_config,
    history_of_bars,
    sessions_from,
    shipped_strategies,
    shipped_tickets,
    snapshots_of,
)

# More than two stretches, the last one short.
DAYS = sessions_from(date(2025, 3, 3), 45)
NOTHING = TABLES["engine_configs"].frame([])
Frames = Mapping[str, pl.DataFrame]


@cache
def desk() -> tuple[Config, History, pl.DataFrame, Mapping[date, tuple[Strategy, ...]]]:
    config = changed(desk_config(), "desk.features.coint_refresh", "never")
    history = history_of_bars(config, DAYS[0], DAYS[-1])
    return config, history, snapshots_of(shipped_tickets(), history.wanted), dict.fromkeys(DAYS, shipped_strategies())


@cache
def of_a_run() -> Frames:
    config, history, tickets, strategies = desk()
    return day_tables(history, panel_of(history, config), config, tickets, strategies, NOTHING)


@cache
def of_a_backtest() -> Frames:
    config, history, tickets, strategies = desk()
    return decided_on(history, panel_of(history, config), config, tickets, strategies, NOTHING)


def test_rows_made_stretch_by_stretch_are_those_of_all_sessions_at_once() -> None:
    config, history, tickets, strategies = desk()
    run = of_a_run()
    scores, _ = instrument_scores(
        config, None, run["pair_state"], run["instrument_state"], tickets, DAYS, history.calendar.sessions
    )
    exposures, states = run["instrument_factors_daily"], run["instrument_state"]
    wanted = {
        "strategy_library": strategy_library(config, strategies, tickets, run["market_regime"]),
        "instrument_scores": scores,
        "scenarios": scenario_rows(config, exposures, states, history.replay_bars, DAYS),
        **strategy_budgets(config, *(run[name] for name in BUDGET_INPUTS)),
    }
    for name, frame in wanted.items():
        assert frame.height >= len(DAYS), name
        assert_frame_equal(run[name], frame)


@pytest.mark.parametrize("name", sorted({*WALK_TABLES, *INPUT_TABLES}))
def test_a_backtest_decides_on_the_rows_of_a_run(name: str) -> None:
    rows = of_a_run()[name]
    if name == "return_correlations":
        assert rows["kind"].n_unique() == 2
        rows = rows.filter(pl.col("kind") == "pair")
    if name == "correlation_panels":
        assert rows["panel_id"].n_unique() == 2
        rows = rows.filter(pl.col("panel_id") == "factor")
    assert_frame_equal(of_a_backtest()[name], rows)


def test_a_backtest_computes_nothing_that_only_people_read() -> None:
    beside = {"daily_bars", "trading_sessions", "models", "strategy_sizes", "strategy_correlations", "engine_configs"}
    assert beside <= {name for name, frame in of_a_run().items() if frame.height}
    assert beside.isdisjoint(of_a_backtest())
