"""How fast the desk is: the whole graph through Dagster, the funnel's own arithmetic, and one more session from cold.

Everything happens in a temporary desk; seconds depend on the machine, the ratios much less.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path

from riskdesk_assets.interfaces.failures import Failure
from riskdesk_assets.interfaces.progress_bar import RunProgress


@dataclass(frozen=True)
class DeskBench:
    """Seconds of one measurement over ``sessions`` sessions and ``tickets`` tickets.

    ``backfill``: the whole graph as one Dagster run. ``inputs``: features and covariances, without Dagster. ``funnel``: the
    desk days' own arithmetic, without Dagster. ``one_more``: ``riskdesk run`` for the next session in a process of its own.
    """

    source: str
    first: date
    last: date
    sessions: int
    tickets: int
    backfill: float
    inputs: float
    funnel: float
    one_more: float

    @property
    def overhead(self) -> float:
        """Whole graph over funnel."""
        return self.backfill / self.funnel

    @property
    def funnel_ms_per_session(self) -> float:
        """Milliseconds of the funnel per desk day."""
        return 1000 * self.funnel / self.sessions

    @property
    def backfill_ms_per_session(self) -> float:
        """Milliseconds of the whole graph per desk day."""
        return 1000 * self.backfill / self.sessions


def bench_desk(sessions: int) -> DeskBench:
    """Measure a backfill of that many sessions, its funnel alone, and one session more.

    The prices are those of the environment (PRICES_DIR, else the sample market); tickets and configuration too.

    Raises:
        Failure: a run did not finish, or there are not that many sessions of prices.
    """
    with tempfile.TemporaryDirectory(prefix="riskdesk-bench-") as folder:
        desk = {"DATA_DIR": str(Path(folder) / "data"), "RUNS_DIR": str(Path(folder) / "runs")}
        with environment(desk):
            return _measured(sessions)


def _measured(sessions: int) -> DeskBench:
    from riskdesk_assets.common.desk_calendar import desk_calendar
    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.common.warehouse import Warehouse
    from riskdesk_assets.interfaces.dagster_run import run_job
    from riskdesk_assets.interfaces.desk_run import MAIN_JOB, require_finished
    from riskdesk_assets.interfaces.instance import open_instance
    from riskdesk_assets.interfaces.wanted_sessions import newest_session
    from riskdesk_assets.market.vendor import choose_vendor

    paths = load_paths()
    config, calendar, warehouse = load_config(paths), desk_calendar(), Warehouse(paths.warehouse)
    vendor = choose_vendor(paths, config.universe, calendar, os.environ)
    newest = newest_session(vendor, paths, config, calendar, datetime.now(UTC))
    last = calendar.before(newest)
    first = calendar.before(last, sessions - 1)
    import_module("riskdesk_assets.definitions")  # its seconds are start-up, and those are in one_more
    with open_instance() as instance, RunProgress(f"backfill of {sessions} sessions").shown() as watcher:
        begun = time.perf_counter()
        outcome = run_job(instance, MAIN_JOB, first, last, watcher)
        backfill = time.perf_counter() - begun
    require_finished(outcome)
    walked = warehouse.read("desk_state", first, last).height
    if walked != sessions:
        raise Failure(f"{walked} of {sessions} sessions were computed")
    inputs, funnel = _without_dagster(first, last)
    begun = time.perf_counter()
    run_in_a_process(newest)
    one_more = time.perf_counter() - begun
    tickets = warehouse.read("proposals", last, last).height
    return DeskBench(vendor.source, first, last, sessions, tickets, backfill, inputs, funnel, one_more)


def _without_dagster(first: date, last: date) -> tuple[float, float]:
    """Seconds to prepare the walk's inputs from bars, and to walk them."""
    from riskdesk_assets.common.desk_calendar import desk_calendar
    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.common.single_thread import single_threaded
    from riskdesk_assets.common.version import code_version
    from riskdesk_assets.common.warehouse import Warehouse
    from riskdesk_assets.construction.prepare import WALK_TABLES, walk_inputs
    from riskdesk_assets.construction.state import GENESIS
    from riskdesk_assets.construction.walk import walk
    from riskdesk_assets.features.compute import pair_states, panel_of, watched_pairs
    from riskdesk_assets.market.history import read_history

    paths = load_paths()
    config, calendar, warehouse = load_config(paths), desk_calendar(), Warehouse(paths.warehouse)
    snapshots = warehouse.read("ticket_snapshots", first, last)
    tables = warehouse.read_all(WALK_TABLES, first, last)
    code = code_version()
    begun = time.perf_counter()
    history = read_history(paths, calendar, config, first, last)
    panel = panel_of(history, config)
    tables["pair_state"] = pair_states(panel, config, watched_pairs(config, snapshots, history.wanted), first, last)
    inputs = walk_inputs(
        history,
        panel,
        config,
        tables,
        start=GENESIS,
        code_version=code,
    )
    prepared = time.perf_counter()
    with single_threaded():
        walk(inputs)
    return prepared - begun, time.perf_counter() - prepared


def run_in_a_process(session: date) -> None:
    """``riskdesk run`` of one session in a process of its own; whether it releases a book does not matter.

    Raises:
        Failure: it ended in any other way, with its own words.
    """
    command = [sys.executable, "-m", "riskdesk_assets.interfaces.cli", "run", "--asof", session.isoformat(), "--json"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        raise Failure(f"`riskdesk run --asof {session}` ended with exit code {done.returncode}", *done.stderr.splitlines())


@contextmanager
def environment(changes: Mapping[str, str]) -> Iterator[None]:
    """The environment with some variables changed, for the block and every process it starts."""
    before = {name: os.environ.get(name) for name in (*changes, "DAGSTER_HOME")}
    os.environ.update(changes)
    os.environ.pop("DAGSTER_HOME", None)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
