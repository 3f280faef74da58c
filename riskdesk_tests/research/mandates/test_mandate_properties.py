"""What no mandate's backtest may do: look ahead, depend on an order, differ from the live walk, or earn by costing."""

from __future__ import annotations

import math
import random

import polars as pl
import pytest

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.mandates import MANDATE_TABLES
from riskdesk_assets.construction.state import GENESIS
from riskdesk_assets.market.history import sessions_behind
from riskdesk_assets.reports.recompute import Inputs, recompute
from riskdesk_assets.research.mandates.backtest import MandateBacktest, mandate_backtest
from riskdesk_assets.research.mandates.inputs import MandateShared
from riskdesk_tests.desk_builder import (
    CODE,
    PRIOR,
    calendar,
    desk_config,
    history_of_bars,
    library_of,
    sample_bars,
    shipped_tickets,
    snapshots_of,
)
from riskdesk_tests.research.mandates.mandate_backtests import (
    DAYS,
    LONG,
    MANDATES,
    NEUTRAL,
    backtested,
    config_with,
    digests,
    plain,
    prepared,
    shared,
)

CUT = 12
FREE = {"desk.costs.cost_bps": 0.0, "desk.costs.use_half_spread": False, "desk.costs.charge_borrow": False}


def test_a_sessions_id_is_of_every_bar_that_it_may_read_and_of_those_that_say_which_bars_count() -> None:
    config, first = desk_config(), DAYS[0]
    ids = prepared(LONG).walk.run_ids
    for behind in (0, config.desk.features.lookback_sessions, sessions_behind(config)):
        day = calendar().before(first, behind)
        other = sample_bars().with_columns(
            volume=pl.when((pl.col("as_of_date") == day) & (pl.col("symbol") == "JPM")).then(1).otherwise(pl.col("volume"))
        )
        assert prepared(LONG, bars=other).walk.run_ids[first] != ids[first], behind


def test_the_live_walk_writes_the_same_rows() -> None:
    """A desk that began on the first session with nothing: every table of its mandates but the ids of the desk's own runs."""
    config, last = desk_config(), DAYS[3]
    history = history_of_bars(config, DAYS[0], last)
    rows = snapshots_of(shipped_tickets(), history.wanted)
    prior = {name: TABLES[name].frame([]) for name in PRIOR}
    live = recompute(Inputs(history, config, rows, GENESIS, prior, CODE, library_of(config, history.wanted)))
    ids = pl.col("metadata").str.replace(r'"run_id":"[^"]*"', "")
    for mandate in MANDATES:
        for name in (*MANDATE_TABLES, "instrument_scores"):
            mine = plain(mandate).frames[name].filter(pl.col("as_of_date") <= last)
            theirs = live[name].filter(pl.col("portfolio_id") == mandate)
            assert not theirs.is_empty(), name
            if name == "target_portfolios":
                mine, theirs = mine.with_columns(ids), theirs.with_columns(ids)
            dropped = ["run_id"] if "run_id" in mine.columns else []
            assert mine.drop(dropped).equals(theirs.drop(dropped)), (mandate, name)
        scenarios = plain(mandate).frames["scenarios"].filter(pl.col("as_of_date") <= last)
        assert scenarios.equals(live["scenarios"])


@pytest.mark.parametrize("mandate", MANDATES)
def test_nothing_of_the_future_changes_a_weight_or_a_pnl_that_is_known(mandate: str) -> None:
    """Every bar after the cut is another one: prices shaken, volumes gone."""
    rng = random.Random(11)
    after = pl.col("as_of_date") > DAYS[CUT]
    shake = pl.Series([rng.uniform(0.6, 1.6) for _ in range(sample_bars().height)])
    prices = ("open", "high", "low", "close", "adj_close")
    corrupt = sample_bars().with_columns(
        *(pl.when(after).then(pl.col(name) * shake).otherwise(pl.col(name)).alias(name) for name in prices),
        volume=pl.when(after).then(pl.lit(1_000, pl.Int64)).otherwise(pl.col("volume")),
    )
    corrupt = corrupt.with_columns(
        high=pl.max_horizontal("open", "high", "low", "close"), low=pl.min_horizontal("open", "high", "low", "close")
    )
    done, before = backtested(mandate, bars=corrupt), plain(mandate)
    here, known = pl.col("as_of_date") <= DAYS[CUT], pl.col("next_date") <= DAYS[CUT]
    at_the_close = ("target_portfolios", "engine_decisions", "portfolio_limits", "instrument_scores", "scenarios")
    for name in (*at_the_close, "exposures", "limit_slack", "scenario_days"):
        assert done.frames[name].filter(here).equals(before.frames[name].filter(here)), name
    # what a book earned is known one session later
    for name in ("timeseries", "benchmark", "name_pnl"):
        assert done.frames[name].filter(known).equals(before.frames[name].filter(known)), name
        assert before.frames[name].filter(known).height >= CUT
    assert not done.frames["timeseries"].equals(before.frames["timeseries"])
    assert not done.frames["target_portfolios"].equals(before.frames["target_portfolios"])


def test_the_order_of_names_tickets_and_bars_changes_no_byte() -> None:
    config = desk_config()
    symbols = list(config.universe.symbols.items())
    random.Random(5).shuffle(symbols)
    universe = config.universe.model_copy(update={"symbols": dict(symbols)})
    tickets = list(shipped_tickets())
    random.Random(3).shuffle(tickets)
    bars = sample_bars().sample(fraction=1.0, shuffle=True, seed=5)
    turned = MandateShared(
        lambda item: history_of_bars(item, DAYS[0], DAYS[-1], bars),
        lambda history: snapshots_of(tickets, history.wanted),
        CODE,
    )
    done = mandate_backtest(turned.prepared(config.model_copy(update={"universe": universe}), NEUTRAL))
    assert digests(done) == digests(plain(NEUTRAL))


@pytest.mark.parametrize("mandate", MANDATES)
def test_without_costs_net_is_gross(mandate: str) -> None:
    done = backtested(mandate, {**FREE, f"portfolios.{mandate}.cost_model_id": "linear"})
    series = done.frames["timeseries"]
    assert series["pnl_net"].equals(series["pnl_gross"], check_names=False)
    assert done.metrics["total_costs"] == 0.0
    assert done.metrics["total_pnl_net"] == done.metrics["total_pnl_gross"] != 0.0
    assert math.fsum(plain(mandate).frames["timeseries"]["costs"]) > 0.0


@pytest.mark.parametrize("mandate", MANDATES)
def test_what_the_engine_said_of_each_session_is_what_the_book_did(mandate: str) -> None:
    """The walk's own P&L, turnover and cost, which the accounting does not read."""
    nav, series = plain(mandate).mandate.own_nav, plain(mandate).frames["timeseries"]
    said = plain(mandate).frames["engine_decisions"]
    assert ((series["marked_pnl"] / nav - said["pnl"]).abs() < 1e-14).all()
    assert ((series["turnover"] / nav - said["turnover"]).abs() < 1e-14).all()
    assert (((series["costs"] - series["borrow_costs"]) / nav - said["cost"]).abs() < 1e-14).all()
    assert series["ex_ante_volatility"].equals(said["expected_volatility"], check_names=False)


def test_a_walk_over_fewer_sessions_is_the_beginning_of_a_longer_one() -> None:
    last = DAYS[9]
    done = mandate_backtest(shared(last=last).prepared(desk_config(), LONG))
    for name in ("target_portfolios", "engine_decisions", "portfolio_limits"):
        assert done.frames[name].equals(plain(LONG).frames[name].filter(pl.col("as_of_date") <= last)), name


def test_variants_that_share_features_and_those_that_do_not_are_what_each_is_alone() -> None:
    """Inputs that were asked for another risk aversion and another window before give the same bytes."""
    changes = {f"portfolios.{LONG}.risk_aversion_lambda": 40.0}
    after_others = backtested(LONG, changes)
    alone = mandate_backtest(shared().prepared(config_with(changes), LONG))
    assert digests(after_others) == digests(alone)
    assert after_others.metrics["predicted_volatility"] < plain(LONG).metrics["predicted_volatility"]  # type: ignore[operator]


def total(done: MandateBacktest, column: str) -> float:
    return math.fsum(done.frames["timeseries"][column])


def test_days_names_and_equity_add_up() -> None:
    for mandate in MANDATES:
        done, metrics = plain(mandate), plain(mandate).metrics
        kinds = ("days_with_pnl", "days_flat", "days_skipped_due_to_prices", "days_pending")
        assert sum(int(metrics[kind]) for kind in kinds) == metrics["total_trading_days"] == len(DAYS)  # type: ignore[call-overload]
        by_name = metrics["by_name"].values()  # type: ignore[attr-defined]
        assert math.fsum(item["pnl_net"] for item in by_name) == pytest.approx(metrics["total_pnl_net"], abs=1e-6)
        assert metrics["final_equity"] == pytest.approx(done.mandate.own_nav + total(done, "pnl_net"))
        assert done.frames["timeseries"]["as_of_date"].to_list() == list(DAYS)
