"""A backtest computed again from what its directory names, and every hash compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.progress import report
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.controllers.policy_files import GivenPolicy
from riskdesk_assets.controllers.policy_model import read_policy
from riskdesk_assets.reports.replay import Replayed
from riskdesk_assets.reports.run_store import RunDirectory
from riskdesk_assets.research.backtest_bars import kept_history
from riskdesk_assets.research.backtest_directory import Stored, compared, damaged_inputs, open_backtest
from riskdesk_assets.research.backtest_files import COMPARED_FILES, DECLARED, POLICIES, STRATEGIES, BacktestInputs, made_files
from riskdesk_assets.research.backtest_run import computed
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
    lost = damaged_inputs(run)
    if lost:
        raise StateError(f"{run.path} cannot be replayed: {', '.join(lost)} is damaged or missing")
    if run.manifest["kind"] == MANDATE:
        return replay_mandate(run, paths, calendar)
    inputs, shared = _inputs(run, paths, calendar)
    done = computed(
        shared, inputs.config, inputs.candidates, inputs.settings, lambda place, total: report("replay", place, total)
    )
    return compared(run, done.frames, DECLARED, lambda: made_files(done, inputs), COMPARED_FILES)


def _inputs(run: RunDirectory, paths: Paths, calendar: SessionCalendar) -> tuple[BacktestInputs, SharedInputs]:
    """What the directory says it was computed from, and the shared inputs made of its bars and tickets."""
    stored = Stored.of(run)
    config, request, snapshots, source = stored.config, stored.request, stored.snapshots, run.manifest["source"]
    strategies_filed = json.loads((run.path / STRATEGIES).read_bytes())["strategies"]
    strategies = tuple(Strategy.model_validate_json(json.dumps(item)) for item in strategies_filed)
    policies: Mapping[str, str] = request["policies"]
    shared = SharedInputs(
        lambda item: kept_history(paths, request["snapshots"][item.hash], source, calendar, item, stored.first, stored.last),
        lambda history: snapshots,
        stored.code_version,
        lambda item: strategies if item.desk.budgets.enabled else (),
        lambda item: _policy(run, policies.get(item.hash)),
    )
    candidates = {name: Config.model_validate_json(json.dumps(item)) for name, item in request["candidates"].items()}
    inputs = BacktestInputs(
        name=request["name"],
        config=config,
        settings=stored.settings,
        histories={item.hash: shared.prepared(item).history for item in (config, *candidates.values())},
        tickets=stored.tickets,
        snapshots=snapshots,
        strategies=strategies,
        policies={name: read_policy(_model_file(run, found)) for name, found in policies.items()},
        overrides=request["overrides"],
        candidates=candidates,
        notes=request["notes"],
        code_version=stored.code_version,
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
