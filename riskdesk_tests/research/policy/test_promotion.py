"""An honest gate: it turns the policy down on real history, and lets it through where reversion really pays."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.sample_statistics import deepest_fall
from riskdesk_assets.common.settings import ROOT, load_paths
from riskdesk_assets.controllers.policy_model import parse_policy, require_usable
from riskdesk_assets.market.files import FilesVendor
from riskdesk_assets.research.comparison_bars import comparison_history
from riskdesk_assets.research.policy.bootstrap import bootstrap_means, lower_bound
from riskdesk_assets.research.policy.gate import judged
from riskdesk_assets.research.policy.training import Trained, train, training_inputs
from riskdesk_assets.research.policy.training_set import learnable, rows_hash
from riskdesk_tests.desk_builder import calendar, desk_config, sessions_from, shipped_tickets
from riskdesk_tests.desk_on_disk import BANKS
from riskdesk_tests.research.policy.reverting_market import (
    LAST,
    reverting_bars,
    reverting_history,
    small_config,
    small_tickets,
    trained,
)

CRITERIA = ("n_days", "lower_bound", "lower_bound_stressed", "drawdown", "drawdown_stressed", "net_stressed")


@cache
def on_real_bars(folder: Path) -> Trained:
    config, paths = desk_config(), load_paths({"DATA_DIR": "/nowhere"})
    first, last = date(2016, 1, 4), date(2025, 12, 31)
    history = comparison_history(FilesVendor(folder, calendar()), paths, calendar(), config, first, last)
    return train(training_inputs(history, config, shipped_tickets()))


def test_on_ten_years_of_real_bars_the_policy_is_rejected(real_bars_dir: Path) -> None:
    """Bank pairs reverted too little in 2018-25 to pay for a linear policy: a gate that promotes it would be broken."""
    found = on_real_bars(real_bars_dir)
    gate = {item.name: item for item in found.model.gate.criteria}
    assert found.model.status == "rejected"
    assert gate["n_days"].passed
    assert found.model.gate.days > 1900
    assert not gate["lower_bound"].passed
    assert not gate["lower_bound_stressed"].passed
    assert set(found.model.data.pairs) == {ticket.pair_id for ticket in shipped_tickets()}
    with pytest.raises(InputError, match="is rejected"):
        require_usable(found.model, "model.json", desk_config(), "FILES", sessions_from(date(2025, 12, 31), 1), calendar())


def test_on_a_market_that_reverts_the_policy_is_promoted() -> None:
    found = trained()
    assert [(item.name, item.passed) for item in found.model.gate.criteria] == [(name, True) for name in CRITERIA]
    assert found.model.status == "promoted"
    require_usable(found.model, "model.json", small_config(), "FILES", sessions_from(LAST, 10), calendar())


def test_on_random_walks_it_is_rejected() -> None:
    """On these the baseline has bad luck and the policy trades less: better, at any bound, and still no way to earn."""
    gate = {item.name: item.passed for item in trained(reverting=False).model.gate.criteria}
    assert trained(reverting=False).model.status == "rejected"
    assert gate.pop("net_stressed") is False
    assert all(gate.values())


def test_every_criterion_follows_from_the_walk_forward() -> None:
    found = trained()
    assert found.walk is not None
    settings = small_config().desk.policy.promotion
    gate = {item.name: item for item in found.model.gate.criteria}
    there = np.isfinite(found.walk.scale)
    assert gate["n_days"].value == there.sum() == found.model.gate.days
    for name, fall, multiple in (("lower_bound", "drawdown", 1.0), ("lower_bound_stressed", "drawdown_stressed", 2.0)):
        own = (found.walk.scale * (found.walk.policy.gross - multiple * found.walk.policy.costs))[there]
        other = (found.walk.baseline.gross - multiple * found.walk.baseline.costs)[there]
        means = bootstrap_means(own - other, settings.bootstrap_samples, 20, settings.bootstrap_seed)
        assert gate[name].value == lower_bound(means, 0.95)
        assert (gate[fall].value, gate[fall].bound) == (deepest_fall(own.tolist()), deepest_fall(other.tolist()))
    assert gate["net_stressed"].value == pytest.approx(float(own.mean()), rel=1e-12)


def test_each_criterion_alone_is_enough_to_reject() -> None:
    walk = trained().walk
    assert walk is not None
    settings = small_config().desk.policy.promotion
    assert judged(walk, settings).content["status"] == "promoted"
    assert judged(walk, settings.model_copy(update={"min_days": 1027})).content["status"] == "rejected"
    assert judged(walk, settings.model_copy(update={"stressed_cost_multiple": 60.0})).content["status"] == "rejected"
    assert judged(walk, settings.model_copy(update={"confidence": 0.9999})).content["status"] == "rejected"
    crash = walk.policy.gross.copy()
    crash[-1] -= 0.2
    fallen = judged(replace(walk, policy=replace(walk.policy, gross=crash)), settings).content
    assert {item["name"] for item in fallen["criteria"] if not item["passed"]} >= {"drawdown", "drawdown_stressed"}
    assert fallen["status"] == "rejected"


def test_with_nothing_to_compare_it_is_rejected_on_every_criterion() -> None:
    found = judged(None, small_config().desk.policy.promotion).content
    assert (found["status"], found["days"]) == ("rejected", 0)
    assert [(item["name"], item["passed"]) for item in found["criteria"]] == [(name, False) for name in CRITERIA]


def test_training_again_with_everything_in_another_order_gives_the_same_bytes() -> None:
    config, first = small_config(), trained().model
    history = reverting_history(config, reverting_bars(BANKS).reverse())
    again = train(training_inputs(history, config, small_tickets()[::-1])).model
    assert again.canonical == first.canonical
    assert parse_policy(first.canonical, "model.json") == first


def test_the_model_names_the_rows_it_learned_from() -> None:
    found = trained()
    purge = small_config().desk.policy.purge_sessions
    known = learnable(found.inputs.rows, found.inputs.sessions[-1 - purge])
    assert found.model.data.rows == known.height
    assert found.model.data.hash == rows_hash(known)
    assert found.model.data.training_set_hash == rows_hash(found.inputs.rows)
    assert found.model.trained_through == LAST


def test_the_tickets_rules_are_part_of_the_data_but_not_their_dates_or_notes() -> None:
    inputs = trained().inputs
    dated = tuple(item.model_copy(update={"expires_on": date(2030, 1, 1), "note": "x"}) for item in inputs.tickets)
    longer = tuple(item.model_copy(update={"time_stop_days": 61}) for item in inputs.tickets)
    assert replace(inputs, tickets=dated).tickets_hash == inputs.tickets_hash
    assert replace(inputs, tickets=longer).tickets_hash != inputs.tickets_hash


def test_data_that_end_before_the_last_session_are_refused() -> None:
    config = small_config()
    with pytest.raises(InputError, match=f"no pair has enough bars on 2022-07-01; the newest is {LAST}"):
        training_inputs(
            reverting_history(config, reverting_bars(BANKS), date(2022, 1, 3), date(2022, 7, 1)), config, small_tickets()
        )
    with pytest.raises(InputError, match="no ticket"):
        training_inputs(reverting_history(config, reverting_bars(BANKS)), config, ())


def test_other_thread_counts_hash_seeds_and_locales_give_the_same_bytes() -> None:
    """In a process of its own: what BLAS may do is decided when numpy is imported."""
    code = "from riskdesk_tests.research.policy.reverting_market import trained; print(trained().model.content_hash)"
    odd = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "POLARS_MAX_THREADS": "1"}
    odd |= {"PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo", "LANG": "de_DE.UTF-8", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **odd}, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == trained().model.content_hash
