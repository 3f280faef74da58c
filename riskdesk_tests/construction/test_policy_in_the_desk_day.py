from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from functools import cache

import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_assets.common.hashing import digest_frame
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.prepare import walk_inputs
from riskdesk_assets.construction.state import GENESIS, DeskState
from riskdesk_assets.construction.walk import Walk, walk
from riskdesk_assets.controllers.policy_files import GivenPolicy
from riskdesk_assets.controllers.policy_model import PolicyModel, sealed
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.market.history import History
from riskdesk_assets.reports.recompute import day_tables
from riskdesk_assets.research.comparison import compare
from riskdesk_assets.research.variants import Variant, variant_config
from riskdesk_tests.controllers.policy_models import FAILED, PASSED, content_for, model_for, verdict
from riskdesk_tests.desk_builder import (
    CODE,
    changed,
    desk_config,
    history_of_bars,
    sessions_from,
    shipped_strategies,
    shipped_tickets,
    snapshots_of,
)

DAYS = sessions_from(date(2025, 9, 2), 6)
BASELINE = changed(desk_config(), "desk.features.coint_refresh", "never")
POLICY = changed(BASELINE, "desk.controller.kind", "policy")
MODEL = model_for(POLICY, DAYS[0])


@cache
def before_the_walk(first: date, last: date) -> tuple[History, Panel, dict[str, pl.DataFrame]]:
    """What does not depend on who decides."""
    history = history_of_bars(BASELINE, first, last)
    panel = panel_of(history, BASELINE)
    tickets = snapshots_of(shipped_tickets(), DAYS).filter(pl.col("as_of_date").is_in(history.wanted))
    strategies = dict.fromkeys(history.wanted, shipped_strategies())
    return history, panel, day_tables(history, panel, BASELINE, tickets, strategies, TABLES["engine_configs"].frame([]))


def walked(config: Config, model: PolicyModel | None, days: Sequence[date] = DAYS, start: DeskState = GENESIS) -> Walk:
    history, panel, tables = before_the_walk(days[0], days[-1])
    given = None if model is None else GivenPolicy(model, "model.json")
    return walk(walk_inputs(history, panel, config, tables, start=start, code_version=CODE, policy=given))


@cache
def decided() -> Walk:
    return walked(POLICY, MODEL)


def test_the_desk_takes_what_the_model_says_within_the_tickets_limits() -> None:
    """The hand-made model predicts (|z| - 1) x 0.1%: half a unit from |z| = 1 on, a full one from 2, kept down to 0.5."""
    rows = decided().frames["proposals"].filter(pl.col("predicted_return").is_not_null())
    tickets = {ticket.ticket_id: ticket for ticket in shipped_tickets()}
    held: dict[str, float] = {}
    seen: set[str] = set()
    for row in rows.sort("as_of_date", "ticket_id").iter_rows(named=True):
        size, value = abs(row["zscore"]), row["predicted_return"]
        assert value == pytest.approx(0.001 * min(size, 4.0) - 0.001, abs=1e-15)
        keeps = row["reason"] == "HOLD"
        wanted = 1.0 if value >= 0.001 else 0.5 if value >= 0 or (keeps and value >= -0.0005) else 0.0
        assert abs(row["units"]) == min(wanted, tickets[row["ticket_id"]].max_units)
        assert row["units"] * row["zscore"] <= 0
        assert row["confidence"] == pytest.approx(0.5 + 0.5 * min(max((value + 0.0005) / 0.0015, 0.0), 1.0))
        held[row["ticket_id"]] = row["units"]
        seen.add(row["reason"])
    assert seen >= {"ENTER", "HOLD", "POLICY_FLAT"}
    assert any(0 < abs(units) < 1 for units in held.values())


def test_the_book_is_released_under_every_limit_and_names_the_model_that_decided() -> None:
    assert set(decided().frames["desk_state"]["release_status"]) == {"RELEASED"}
    assert "BREACH" not in set(decided().frames["limit_audit"]["status"])
    assert set(decided().frames["decisions"]["controller_version"]) == {f"policy-1:{MODEL.content_hash[:16]}"}
    for text in decided().frames["desk_state"]["inputs_json"]:
        assert json.loads(text)["model"]["content_hash"] == MODEL.content_hash


def test_it_trades_otherwise_than_the_baseline_and_below_its_entry_z() -> None:
    own, other = decided().frames["proposals"], walked(BASELINE, None).frames["proposals"]
    assert own.filter((pl.col("reason") == "ENTER") & (pl.col("zscore").abs() < 1.5)).height
    assert not own["units"].equals(other["units"])
    assert other["predicted_return"].is_null().all()
    assert other["confidence"].is_null().all()


def test_a_day_alone_is_the_day_in_the_range_bit_for_bit() -> None:
    before = decided().days[2].state
    alone = walked(POLICY, MODEL, DAYS[3:4], before)
    for name, frame in alone.frames.items():
        same = decided().frames[name].filter(pl.col("as_of_date") == DAYS[3])
        assert digest_frame(frame, TABLES[name].key) == digest_frame(same, TABLES[name].key), name


def test_another_model_makes_another_run() -> None:
    content = content_for(POLICY, DAYS[0])
    content["fit"]["intercept"] = -0.0011
    other = walked(POLICY, sealed(content, verdict(PASSED)), DAYS[:1])
    assert other.days[0].run_id != decided().days[0].run_id


def test_while_the_baseline_decides_a_model_lying_about_changes_nothing() -> None:
    one, other = walked(BASELINE, MODEL, DAYS[:1]), walked(BASELINE, None, DAYS[:1])
    assert [day.run_id for day in one.days] == [day.run_id for day in other.days]
    assert one.frames["proposals"].equals(other.frames["proposals"])


def test_a_session_is_not_decided_without_a_usable_model() -> None:
    with pytest.raises(StateError, match=f"controller.kind is policy, and no model was given to decide {DAYS[0]} with"):
        walked(POLICY, None, DAYS[:1])
    rejected = sealed(content_for(POLICY, DAYS[0]), verdict(PASSED, FAILED))
    with pytest.raises(InputError, match=r"model\.json: gate\.status: is rejected"):
        walked(POLICY, rejected, DAYS[:1])
    with pytest.raises(InputError, match="look ahead"):
        walked(POLICY, model_for(POLICY, DAYS[1]), DAYS[:1])
    with pytest.raises(InputError, match="trained on other prices"):
        walked(POLICY, model_for(POLICY, DAYS[0], "FILES"), DAYS[:1])


def test_both_controllers_are_compared_over_the_same_sessions() -> None:
    variants = (Variant("baseline", {}), Variant("policy", {"desk.controller.kind": "policy"}))
    done = compare(
        BASELINE,
        variants,
        lambda config: history_of_bars(config, DAYS[0], DAYS[1]),
        lambda history: snapshots_of(shipped_tickets(), history.wanted),
        lambda config: shipped_strategies(),
        CODE,
        policy_of=lambda config: GivenPolicy(MODEL, "model.json") if config.desk.controller.kind == "policy" else None,
    )
    gross = {row["variant"]: row["value"] for row in done.frame.to_dicts() if row["measure"] == "gross, mean"}
    assert gross["policy"] != gross["baseline"]


def test_a_variant_of_how_a_policy_is_trained_is_refused_for_it_changes_nothing_here() -> None:
    with pytest.raises(InputError, match="decides how a policy is trained"):
        variant_config(BASELINE, Variant("other", {"desk.policy.ridge_lambda": 5.0}))
