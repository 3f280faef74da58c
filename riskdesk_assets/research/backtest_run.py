"""A backtest from its request to its directory: bars, features, walk, measures, files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from riskdesk_assets.common.packed import Gathered
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.version import code_version
from riskdesk_assets.controllers.policy_files import given_policy
from riskdesk_assets.controllers.policy_model import PolicyModel
from riskdesk_assets.market.history import History
from riskdesk_assets.market.vendor import Vendor, choose_vendor
from riskdesk_assets.reports.run_store import publish
from riskdesk_assets.research.backtest import Backtest, backtest
from riskdesk_assets.research.backtest_bars import backtest_history
from riskdesk_assets.research.backtest_directory import backtests_folder
from riskdesk_assets.research.backtest_files import BacktestInputs, backtest_files, described
from riskdesk_assets.research.backtest_request import Asked, BacktestRequest, as_if_in_force, read_request
from riskdesk_assets.research.backtest_settings import BacktestSettings, load_backtest_settings
from riskdesk_assets.research.mandates.run import MandateBench
from riskdesk_assets.research.shared_inputs import SharedInputs
from riskdesk_assets.research.signal_notes import signal_notes
from riskdesk_assets.research.walk_forward import walk_forward
from riskdesk_assets.strategy.library import filed_strategies
from riskdesk_assets.strategy.loading import TicketFolder
from riskdesk_assets.strategy.snapshots import ticket_snapshots

Progress = Callable[[int, int], None]
_STRETCH = 63
"""Sessions whose tickets are listed together: a row is a large object before it is one of a frame."""


@dataclass(frozen=True)
class PublishedBacktest:
    """A backtest in its directory, and what its metrics.json says."""

    place: Path
    said: Mapping[str, Any]


class BacktestBench:
    """Runs backtests one after the other; what two of them read of the same sessions is computed once."""

    def __init__(self, paths: Paths, calendar: SessionCalendar, environ: Mapping[str, str] = os.environ) -> None:
        self._paths, self._calendar, self._environ = paths, calendar, environ
        self._shared: dict[tuple[object, ...], SharedInputs] = {}
        self._mandates = MandateBench(calendar, environ)

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
        request = asked.request
        key = (request.first, request.last, asked.folder.tickets_hash, str(asked.paths.config))
        if key not in self._shared:
            vendor = choose_vendor(asked.paths, asked.config.universe, self._calendar, self._environ)
            # One at a time: bars and features of several ranges at once would only take memory.
            self._shared = {key: shared_inputs(vendor, self._calendar, asked)}
        return self._shared[key]


_sharing: ContextVar[dict[Paths, BacktestBench] | None] = ContextVar("backtest_sharing", default=None)


@contextmanager
def sharing() -> Iterator[None]:
    """Backtests of the same desk run inside the block share what they read; outside it every one reads anew."""
    token = _sharing.set({})
    try:
        yield
    finally:
        _sharing.reset(token)


def backtest_bench(paths: Paths, calendar: SessionCalendar) -> BacktestBench:
    """Where to run a backtest: the block's own bench of a desk, else a fresh one."""
    shared = _sharing.get()
    if shared is None:
        return BacktestBench(paths, calendar)
    return shared.setdefault(paths, BacktestBench(paths, calendar))


def shared_inputs(vendor: Vendor, calendar: SessionCalendar, asked: Asked) -> SharedInputs:
    """Bars, tickets and features of a request, for its configuration and any other over the same sessions."""
    request, folder = asked.request, as_if_in_force(asked.folder)

    def history_of(config: Config) -> History:
        return backtest_history(vendor, asked.paths, calendar, config, request.first, request.last)

    return SharedInputs(
        history_of,
        lambda history: backtest_tickets(folder, history),
        code_version(),
        lambda config: filed_strategies(config, asked.paths.config),
        lambda config: given_policy(asked.paths, config),
    )


def _policies(asked: Asked) -> Iterator[tuple[str, PolicyModel]]:
    """The model of every configuration whose controller is the learned policy, by the configuration's hash."""
    for config in (asked.config, *asked.candidates.values()):
        given = given_policy(asked.paths, config)
        if given is not None:
            yield config.hash, given.model


def backtest_tickets(folder: TicketFolder, history: History) -> pl.DataFrame:
    """TABLES["ticket_snapshots"] of tickets that stand on every session; nothing came before, and no archive is asked."""
    table = TABLES["ticket_snapshots"]
    gathered, before = Gathered(table), table.frame([])
    for start in range(0, len(history.wanted), _STRETCH):
        rows = ticket_snapshots(folder, history.wanted[start : start + _STRETCH], before, {})
        gathered.add(rows)
        before = rows.filter(pl.col("as_of_date") == history.wanted[min(start + _STRETCH, len(history.wanted)) - 1])
    return gathered.frame()


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
