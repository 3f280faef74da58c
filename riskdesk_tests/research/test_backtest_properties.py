"""What no backtest may do: look ahead, depend on an order, differ from the walk, or earn by costing."""

from __future__ import annotations

import random
from datetime import date
from functools import cache

import polars as pl
import pytest

from riskdesk_assets.common.hashing import digest_frame
from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.construction.walk import walk
from riskdesk_assets.research.backtest import Backtest, backtest
from riskdesk_assets.research.backtest_files import DECLARED
from riskdesk_assets.research.long_walk import long_walk
from riskdesk_assets.research.shared_inputs import SharedInputs
from riskdesk_assets.strategy.library import filed_strategies
from riskdesk_tests.desk_builder import CODE, history_of_bars, sample_bars, sessions_from, shipped_tickets, snapshots_of
from riskdesk_tests.research.backtests import backtested, prepared, quiet, settings

DAYS = sessions_from(date(2024, 9, 3), 40)
CUT = 25


def digests(done: Backtest) -> dict[str, str]:
    return {name: DECLARED.digest(name, frame) for name, frame in done.frames.items()}


@cache
def plain() -> Backtest:
    return backtested(quiet(), shipped_tickets(), DAYS[0], DAYS[-1])


@pytest.mark.parametrize("profile", ["desk", "classic"])
def test_a_walk_in_stretches_is_the_walk(profile: str) -> None:
    inputs = prepared(quiet(profile), shipped_tickets(), DAYS[0], DAYS[16]).walk
    whole, pieces = walk(inputs), long_walk(inputs, stretch=5)
    assert pieces.state == whole.days[-1].state
    for name, frame in whole.frames.items():
        assert pieces.frames[name].equals(frame), name


def test_nothing_of_the_future_changes_a_decision_or_a_pnl_that_is_known() -> None:
    """Every bar after the 25th session is another one: prices doubled and shaken, volumes gone."""
    rng = random.Random(7)
    after = pl.col("as_of_date") > DAYS[CUT]
    shake = pl.Series([rng.uniform(0.5, 2.0) for _ in range(sample_bars().height)])
    prices = ("open", "high", "low", "close", "adj_close")
    corrupt = sample_bars().with_columns(
        *(pl.when(after).then(pl.col(name) * shake).otherwise(pl.col(name)).alias(name) for name in prices)
    )
    corrupt = corrupt.with_columns(
        high=pl.max_horizontal("open", "high", "low", "close"), low=pl.min_horizontal("open", "high", "low", "close")
    )
    done = backtested(quiet(), shipped_tickets(), DAYS[0], DAYS[-1], corrupt)
    by_session = [
        name
        for name, frame in plain().frames.items()
        if "as_of_date" in frame.columns and name not in ("timeseries", "challengers", "attribution", "realized_pnl")
    ]
    assert len(by_session) >= 15
    for name in by_session:
        here = pl.col("as_of_date") <= DAYS[CUT]
        assert done.frames[name].filter(here).equals(plain().frames[name].filter(here)), name
    # what a book earned is known one session later
    for name in ("timeseries", "attribution", "realized_pnl"):
        known = pl.col("next_date") <= DAYS[CUT]
        assert done.frames[name].filter(known).equals(plain().frames[name].filter(known)), name
        assert plain().frames[name].filter(known).height >= CUT
    assert not done.frames["timeseries"].equals(plain().frames["timeseries"])


def test_the_order_of_tickets_and_of_bars_changes_no_byte() -> None:
    tickets = list(shipped_tickets())
    random.Random(3).shuffle(tickets)
    bars = sample_bars().sample(fraction=1.0, shuffle=True, seed=5)
    shared = SharedInputs(
        lambda item: history_of_bars(item, DAYS[0], DAYS[-1], bars),
        lambda history: snapshots_of(tickets, history.wanted),
        CODE,
        lambda item: filed_strategies(item, ROOT / "config"),
    )
    done = backtest(shared.prepared(quiet()), settings())
    assert digests(done) == digests(plain())
    assert done.metrics == plain().metrics


def test_without_costs_net_is_gross_and_decisions_that_ignore_costs_stay() -> None:
    """Classic decides nothing by costs; the desk's optimizer does, so only its own net and gross are compared."""
    free = {"desk.costs.cost_bps": 0.0, "desk.costs.use_half_spread": False, "desk.costs.charge_borrow": False}
    last = DAYS[20]
    paid, unpaid = (backtested(quiet("classic", item), shipped_tickets(), DAYS[0], last) for item in ({}, free))
    desk = backtested(quiet("desk", free), shipped_tickets(), DAYS[0], last)
    for done in (unpaid, desk):
        series = done.frames["timeseries"]
        assert series["pnl_net"].equals(series["pnl_gross"], check_names=False)
        assert done.metrics["total_costs"] == 0.0
        assert done.metrics["attribution"]["costs"] == 0.0  # type: ignore[index]
    assert unpaid.frames["timeseries"]["pnl_gross"].equals(paid.frames["timeseries"]["pnl_gross"])
    assert paid.metrics["total_costs"] > 0.0  # type: ignore[operator]
    rate = paid.metrics["total_costs"] / paid.metrics["total_turnover"]  # type: ignore[operator]
    assert rate == pytest.approx(1e-4)


def test_the_attribution_of_the_whole_funnel_sums_to_realized_pnl() -> None:
    rows, realized = plain().frames["attribution"], plain().frames["realized_pnl"]
    parts = rows.select("intent", "sizing", "clipping", "optimizer", "delisting", "costs")
    assert (parts.sum_horizontal() == rows["pnl_net"]).all()
    assert rows["pnl_net"].sum() / 1_000_000 == pytest.approx(realized["pnl_net"].sum(), abs=1.6e-6 * rows.height)
    # every stage had a say
    assert all(rows[name].abs().sum() > 0 for name in ("intent", "sizing", "clipping", "optimizer", "costs"))
    said = plain().metrics["attribution"]
    assert sum(round(value * 1_000_000) for name, value in said.items() if name != "pnl_net") == round(
        said["pnl_net"] * 1_000_000
    )  # type: ignore[attr-defined,index]


def test_days_add_up_and_buckets_tickets_and_names_are_the_whole() -> None:
    metrics = plain().metrics
    kinds = ("days_with_pnl", "days_flat", "days_skipped_due_to_prices", "days_pending")
    assert sum(int(str(metrics[name])) for name in kinds) == metrics["total_trading_days"] == len(DAYS)
    total = metrics["total_pnl_net"]
    for name in ("by_ticket", "by_name", "by_bucket"):
        assert sum(item["pnl_net"] for item in metrics[name].values()) == pytest.approx(total, abs=0.1), name  # type: ignore[attr-defined]
    assert metrics["final_equity"] == pytest.approx(metrics["final_desk_equity"], abs=0.01 * len(DAYS))


def test_the_desks_runs_are_those_of_the_live_desk() -> None:
    """Same run ids as a walk of the live composition: the same inputs went through the same function."""
    inputs = prepared(quiet(), shipped_tickets(), DAYS[0], DAYS[5]).walk
    live = [day.run_id for day in walk(inputs).days]
    assert plain().frames["desk_state"]["run_id"].to_list()[:6] == live
    assert digest_frame(plain().frames["desk_state"].head(6), ()) == digest_frame(walk(inputs).frames["desk_state"], ())
