"""MaxAllocationPct as a limit of the book: who counts in it, where it binds, who is told of a change."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.settings import ROOT, load_config, load_paths
from riskdesk_assets.construction.walk import walk
from riskdesk_assets.limits.bucket_limits import bucket_limits
from riskdesk_assets.limits.changes import limit_changes, required_approval
from riskdesk_assets.limits.four_eyes import require_approved
from riskdesk_assets.limits.governor import govern
from riskdesk_assets.limits.limit import Family, Leg, Measure, gross_by_ticket
from riskdesk_assets.limits.register import engine_configs
from riskdesk_assets.optimizer.ticket_problem import scaled_legs, solve
from riskdesk_tests.desk_builder import changed, desk_config, inputs_of, sessions_from, shipped_tickets
from riskdesk_tests.desk_on_disk import edit
from riskdesk_tests.optimizer.random_desks import NAV, Shape, limit, random_problem

DAY = date(2026, 3, 2)
CONFIG = desk_config()


def test_a_bucket_holds_its_tickets_and_those_without_a_strategy_are_in_rv() -> None:
    found = bucket_limits(CONFIG, {"a": "Spread", "b": "RV", "c": "Spread"}, ["z", "b"])
    assert [(one.name, one.members, one.bound) for one in found] == [
        ("bucket:RV", ("b", "z"), 3_750_000 * 10_000),
        ("bucket:Spread", ("a", "c"), 3_750_000 * 10_000),
    ]
    assert {(one.family, one.measure, one.mode) for one in found} == {(Family.BUCKET, Measure.BUCKET_GROSS, "construct")}
    assert bucket_limits(desk_config("classic"), {"a": "RV"}) == ()
    assert [one.bound for one in bucket_limits(desk_config("seed"), {"a": "RV"})] == [40_000 * 10_000]


def test_the_optimizer_fills_a_bucket_to_its_cap_and_no_further_and_prices_it() -> None:
    bound = 0
    for seed in range(30):
        problem = random_problem(seed, Shape(6, 10), 3.0)
        members = problem.ticket_ids[:3]
        cap = 0.15 * NAV
        tight = replace(
            problem,
            limits=(*problem.limits, limit("bucket:A", Measure.BUCKET_GROSS, members, cap)),
            # nothing but the cap speaks against a full book
            covariance=problem.covariance * 1e-6,
            cost_rate=np.zeros_like(problem.cost_rate),
        )
        solution = solve(tight)
        if solution.status != "OPTIMAL":
            continue
        gross = gross_by_ticket(scaled_legs(tight, solution.x))
        used = sum(gross[name] for name in members)
        assert used <= cap
        if "bucket:A" in solution.prices:
            bound += 1
            assert used == pytest.approx(cap, abs=2e-6 * NAV)
    assert bound > 10


def test_the_governor_scales_the_tickets_of_a_full_bucket_alone() -> None:
    legs = [Leg(t, s, x) for t, x in (("a", 60.0), ("b", 40.0), ("c", 50.0)) for s, x in (("X", x), ("Y", -x))]
    cap = limit("bucket:A", Measure.BUCKET_GROSS, ("a", "b"), 100.0)
    built, scalings = govern(legs, (), [cap])
    assert gross_by_ticket(built) == pytest.approx({"a": 60.0, "b": 40.0, "c": 100.0})
    assert {(item.ticket_id, item.ratio) for item in scalings} == {("a", 0.5), ("b", 0.5)}
    # a frozen ticket of the bucket leaves the others what it does not use
    frozen = [Leg("b", "X", 30.0), Leg("b", "Y", -30.0)]
    built, _ = govern([leg for leg in legs if leg.ticket_id != "b"], frozen, [cap], frozen)
    assert gross_by_ticket(built) == pytest.approx({"a": 40.0, "c": 100.0})


@pytest.mark.parametrize("construction", ["optimizer", "governor"])
def test_the_book_obeys_a_cap_that_the_budgets_alone_would_have_let_it_pass(construction: str) -> None:
    # Budgets fit into 20% of nav; the volatility target then raises the whole proposal by half.
    config = changed(changed(CONFIG, "desk.controller.entry_z", 0.6), "desk.optimizer.construction", construction)
    config = changed(changed(config, "sizing.max_allocation_pct.RV", 0.2), "desk.vol_target.target_daily_vol", 0.05)
    sessions = sessions_from(DAY, 8)
    inputs = inputs_of(config, shipped_tickets(), sessions[0], sessions[-1])
    done = walk(inputs)
    cap = 0.2 * config.desk.nav
    rv = inputs.strategy_budgets.filter(pl.col("bucket") == "RV").select("as_of_date", "ticket_id")
    proposed = done.frames["proposals"].join(rv, on=["as_of_date", "ticket_id"])
    asked = proposed.group_by("as_of_date").agg((pl.col("capped_a").abs() + pl.col("capped_b").abs()).sum().alias("gross"))
    assert asked["gross"].max() > cap * 1.05
    audit = done.frames["limit_audit"].filter(pl.col("limit_name") == "bucket:RV")
    assert audit.height == len(sessions)
    assert (audit["measured"] <= audit["bound"]).all()
    assert audit["bound"].unique().to_list() == [int(cap * 10_000)]
    held = done.frames["desk_positions"].join(rv, on=["as_of_date", "ticket_id"])
    stands = held.group_by("as_of_date").agg(pl.col("notional_cents").abs().sum())
    assert stands["notional_cents"].max() <= cap * 100
    assert stands["notional_cents"].max() > cap * 95
    stage = {"optimizer": "OPTIMIZER", "governor": "GOVERNOR"}[construction]
    clips = done.frames["clip_ledger"].filter((pl.col("limit_name") == "bucket:RV") & (pl.col("stage") == stage))
    assert not clips.is_empty()
    assert all(day.release.status == "RELEASED" for day in done.days)


def test_a_raised_cap_is_a_loosened_limit_that_needs_its_second_name(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    folder = tmp_path / "config"
    edit(folder / "limits.yaml", "required: none", "required: loosening")
    edit(folder / "sizing_rules.csv", "MaxAllocationPct,RV,1.5", "MaxAllocationPct,RV,1.6")
    edit(folder / "sizing_rules.csv", "MaxAllocationPct,Spread,1.5", "MaxAllocationPct,Spread,1.4")
    paths = load_paths({"RISKDESK_CONFIG_DIR": str(folder)})
    config, earlier = load_config(paths, {}), engine_configs(CONFIG, [DAY])
    changes = limit_changes(earlier, engine_configs(config, [DAY]))
    said = [change.sentence() for change in changes if change.limit.startswith("bucket")]
    assert said == ["bucket:RV LOOSENED from 1.5 to 1.6", "bucket:Spread TIGHTENED from 1.5 to 1.4"]
    with pytest.raises(InputError) as caught:
        require_approved(changes, required_approval(config.limits.approval, earlier), paths, "desk", {})
    told = [str(problem) for problem in caught.value.problems]
    assert any(f"{folder / 'sizing_rules.csv'}:12: max_allocation_pct.RV: bucket:RV LOOSENED" in problem for problem in told)
