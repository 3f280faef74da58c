"""A backtest computed again from what its directory names, and every hash compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.hashing import digest_bytes
from riskdesk_assets.common.progress import report
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.version import code_version
from riskdesk_assets.controllers.policy_files import GivenPolicy
from riskdesk_assets.controllers.policy_model import read_policy
from riskdesk_assets.reports.replay import Replayed, require_tickets
from riskdesk_assets.reports.run_store import RunDirectory
from riskdesk_assets.research.backtest_bars import kept_history
from riskdesk_assets.research.backtest_files import (
    COMPARED_FILES,
    CONFIG,
    POLICIES,
    REQUEST,
    SETTINGS,
    SNAPSHOTS,
    STRATEGIES,
    BacktestInputs,
    frame_digest,
    made_files,
    open_backtest,
)
from riskdesk_assets.research.backtest_run import computed
from riskdesk_assets.research.backtest_settings import BacktestSettings
from riskdesk_assets.research.mandates.files import KIND as MANDATE
from riskdesk_assets.research.mandates.replay import replay_mandate
from riskdesk_assets.research.shared_inputs import SharedInputs
from riskdesk_assets.strategy.strategy_file import Strategy


def replay_backtest(backtest_id: str, paths: Paths, calendar: SessionCalendar) -> Replayed:
    """Recompute a backtest and compare every table, and every file made of them, with its manifest; writes nothing.

    Raises:
        InputError: no such backtest.
        StateError: an input it names (the bars, its own input files) is missing or damaged.
    """
    run = open_backtest(paths.runs, backtest_id)
    return replace(_replayed(run, paths, calendar), unknown=run.unknown())


def _replayed(run: RunDirectory, paths: Paths, calendar: SessionCalendar) -> Replayed:
    manifest = run.manifest
    damaged = run.damaged()
    lost = [name for name in damaged if name.startswith(("inputs/", "ticket"))]
    if lost:
        raise StateError(f"{run.path} cannot be replayed: {', '.join(lost)} is damaged or missing")
    if manifest["kind"] == MANDATE:
        return replay_mandate(run, damaged, paths, calendar)
    inputs, shared = _inputs(run, paths, calendar)
    done = computed(
        shared, inputs.config, inputs.candidates, inputs.settings, lambda place, total: report("replay", place, total)
    )
    expected = {name: entry["sha256"] for name, entry in manifest["tables"].items()}
    found = {name: frame_digest(name, frame) for name, frame in done.frames.items()}
    # Another version of the code may say the same numbers in other words.
    if manifest["code_version"] == code_version():
        expected |= {name: manifest["files"][name] for name in COMPARED_FILES}
        found |= {name: digest_bytes(raw) for name, raw in made_files(done, inputs).items()}
    different = tuple(sorted(name for name in {*expected, *found} if found.get(name) != expected.get(name)))
    equal = tuple(sorted(set(expected) - set(different)))
    return Replayed(run.run_id, equal, different, damaged, manifest["code_version"] == code_version())


def _inputs(run: RunDirectory, paths: Paths, calendar: SessionCalendar) -> tuple[BacktestInputs, SharedInputs]:
    """What the directory says it was computed from, and the shared inputs made of its bars and tickets."""
    manifest = run.manifest
    config = Config.model_validate_json((run.path / CONFIG).read_bytes())
    request: Mapping[str, Any] = json.loads((run.path / REQUEST).read_bytes())
    snapshots = TABLES["ticket_snapshots"].conform(pl.read_parquet(run.path / SNAPSHOTS))
    require_tickets(run.path, snapshots)
    first, last = date.fromisoformat(request["first"]), date.fromisoformat(request["last"])
    snapshot_ids: Mapping[str, str] = request["snapshots"]
    stored = json.loads((run.path / STRATEGIES).read_bytes())["strategies"]
    strategies = tuple(Strategy.model_validate_json(json.dumps(item)) for item in stored)
    policies: Mapping[str, str] = request["policies"]
    shared = SharedInputs(
        lambda item: kept_history(paths, snapshot_ids[item.hash], manifest["source"], calendar, item, first, last),
        lambda history: snapshots,
        # The code version is part of a date's id; the manifest's own is used, so that what differs is the numbers.
        manifest["code_version"],
        lambda item: strategies if item.desk.budgets.enabled else (),
        lambda item: _policy(run, policies.get(item.hash)),
    )
    candidates = {name: Config.model_validate_json(json.dumps(item)) for name, item in request["candidates"].items()}
    inputs = BacktestInputs(
        name=request["name"],
        config=config,
        settings=BacktestSettings.model_validate_json((run.path / SETTINGS).read_bytes()),
        histories={item.hash: shared.prepared(item).history for item in (config, *candidates.values())},
        tickets=_files(run.path / "tickets_snapshot"),
        snapshots=snapshots,
        strategies=strategies,
        policies={name: read_policy(_model_file(run, found)) for name, found in policies.items()},
        overrides=request["overrides"],
        candidates=candidates,
        notes=request["notes"],
        code_version=manifest["code_version"],
    )
    return inputs, shared


def _model_file(run: RunDirectory, content_hash: str) -> Path:
    return run.path / f"{POLICIES}{content_hash}.json"


def _policy(run: RunDirectory, content_hash: str | None) -> GivenPolicy | None:
    """The model a configuration of the backtest decided with; None where the baseline did."""
    if content_hash is None:
        return None
    place = _model_file(run, content_hash)
    return GivenPolicy(read_policy(place), str(place))


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.is_dir() else {}
