"""A backtest from its request to its directory: bars, features, walk, measures, files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.version import code_version
from riskdesk_assets.controllers.policy_files import given_policy
from riskdesk_assets.controllers.policy_model import PolicyModel
from riskdesk_assets.reports.run_store import publish
from riskdesk_assets.research.backtest import Backtest, backtest
from riskdesk_assets.research.backtest_directory import backtests_folder
from riskdesk_assets.research.backtest_files import BacktestInputs, backtest_files, described
from riskdesk_assets.research.backtest_request import Asked, BacktestRequest, read_request
from riskdesk_assets.research.backtest_settings import BacktestSettings, load_backtest_settings
from riskdesk_assets.research.mandates.run import MandateRuns
from riskdesk_assets.research.range_inputs import RangeInputs, range_key
from riskdesk_assets.research.shared_inputs import SharedInputs
from riskdesk_assets.research.signal_notes import signal_notes
from riskdesk_assets.research.walk_forward import walk_forward
from riskdesk_assets.strategy.library import filed_strategies

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PublishedBacktest:
    """A backtest in its directory, and what its metrics.json says."""

    place: Path
    said: Mapping[str, Any]


class BacktestRuns:
    """Runs backtests one after the other; what two of them read of the same sessions is computed once."""

    def __init__(self, paths: Paths, calendar: SessionCalendar, environ: Mapping[str, str] = os.environ) -> None:
        self._paths, self._calendar, self._environ = paths, calendar, environ
        self._shared: dict[tuple[object, ...], SharedInputs] = {}
        self._mandates = MandateRuns(calendar, environ)

    def run(self, request: BacktestRequest, progress: Progress = lambda done, total: None) -> PublishedBacktest:
        """Compute a backtest and publish its directory below RUNS_DIR.

        Args:
            request: what to walk.
            progress: told (sessions walked, sessions in all).

        Raises:
            InputError: an unusable profile, override, ticket, or range.
            StateError: the directory exists with other content.
        """
        asked = read_request(request, self._paths, self._environ)
        if request.mandate is not None:
            return PublishedBacktest(*self._mandates.run(asked, progress))
        settings = load_backtest_settings(asked.paths.config)
        shared = self._shared_for(asked)
        done = computed(shared, asked.config, asked.candidates, settings, progress)
        prepared = shared.prepared(asked.config)
        inputs = BacktestInputs(
            name=request.name,
            config=asked.config,
            settings=settings,
            histories={item.hash: shared.prepared(item).history for item in (asked.config, *asked.candidates.values())},
            tickets={item.file: asked.folder.raw[item.file] for item in asked.folder.tickets},
            snapshots=prepared.tables["ticket_snapshots"],
            strategies=filed_strategies(asked.config, asked.paths.config),
            policies=dict(_policies(asked)),
            overrides=request.overrides,
            candidates=asked.candidates,
            notes=(*asked.notes, *signal_notes(prepared.tables, prepared.history)),
            code_version=code_version(),
        )
        files, manifest = backtest_files(done, inputs)
        place = publish(backtests_folder(self._paths.runs), inputs.backtest_id, files, manifest)
        return PublishedBacktest(place, described(done, inputs))

    def _shared_for(self, asked: Asked) -> SharedInputs:
        """The inputs of every backtest of the same sessions, tickets and universe."""
        key = range_key(asked)
        if key not in self._shared:
            # One at a time: bars and features of several ranges at once would only take memory.
            self._shared = {key: shared_inputs(RangeInputs.of(asked, self._calendar, self._environ))}
        return self._shared[key]


_sharing: ContextVar[dict[Paths, BacktestRuns] | None] = ContextVar("backtest_sharing", default=None)


@contextmanager
def sharing() -> Iterator[None]:
    """Backtests of the same desk run inside the block share what they read; outside it every one reads anew."""
    token = _sharing.set({})
    try:
        yield
    finally:
        _sharing.reset(token)


def backtest_runs(paths: Paths, calendar: SessionCalendar) -> BacktestRuns:
    """Where to run a desk's backtests: those of the block, else fresh ones."""
    shared = _sharing.get()
    if shared is None:
        return BacktestRuns(paths, calendar)
    return shared.setdefault(paths, BacktestRuns(paths, calendar))


def shared_inputs(given: RangeInputs) -> SharedInputs:
    """Bars, tickets and features of a range, for its request's configuration and any other over the same sessions."""
    paths = given.asked.paths
    return SharedInputs(
        given.history,
        given.tickets,
        code_version(),
        lambda config: filed_strategies(config, paths.config),
        lambda config: given_policy(paths, config),
    )


def _policies(asked: Asked) -> Iterator[tuple[str, PolicyModel]]:
    """The model of every configuration whose controller is the learned policy, by the configuration's hash."""
    for config in (asked.config, *asked.candidates.values()):
        given = given_policy(asked.paths, config)
        if given is not None:
            yield config.hash, given.model


def computed(
    shared: SharedInputs,
    config: Config,
    candidates: Mapping[str, Config],
    settings: BacktestSettings,
    progress: Progress = lambda done, total: None,
) -> Backtest:
    """The backtest of a configuration, or where there are candidates, of choosing among them as time goes by."""
    if not candidates:
        return backtest(shared.prepared(config), settings, progress)
    prepared = {name: shared.prepared(candidate) for name, candidate in candidates.items()}
    return walk_forward(shared.prepared(config), prepared, settings, progress)
