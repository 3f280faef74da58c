"""A small desk in a folder of its own, run through Dagster as the command line does: eight banks, five tickets, no p-values.

As a program it runs the main job: ``FIRST LAST`` once, for the desk of the environment, or ``nursery``: everything imported,
then one forked process per line ``FIRST LAST [NAME=VALUE]`` of its input, whose process id it tells, and how it ended.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import yaml

from riskdesk_assets.common.hashing import digest_frame
from riskdesk_assets.common.settings import ROOT, Config, Paths, load_config, load_paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.warehouse import Warehouse

BANKS = ("BAC", "C", "GS", "JPM", "KEY", "MS", "RF", "WFC")
TICKETS = ("c-wfc-reversion", "gs-ms-reversion", "jpm-bac-reversion", "jpm-wfc-reversion", "key-rf-reversion")
_OWN = ("DATA_DIR", "RUNS_DIR", "TICKETS_DIR", "RISKDESK_CONFIG_DIR")
_FOREIGN = (
    "UNIVERSE_FILE",
    "PRICES_DIR",
    "FMP_API_KEY",
    "FMP_BASE_URL",
    "RISKDESK_PROFILE",
    "DAGSTER_HOME",
    "RISKDESK_ALERT_URLS",
)


class _Stream:
    """Rows by the Arrow C stream alone: polars keeps a reference to a DuckDB relation handed to it directly."""

    def __init__(self, source: duckdb.DuckDBPyRelation) -> None:
        self._source = source

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._source.__arrow_c_stream__(requested_schema)


@dataclass(frozen=True)
class DeskFolder:
    """A desk below ``root``: config/, tickets/active/, data/ and runs/."""

    root: Path

    @property
    def environ(self) -> dict[str, str]:
        """What the desk's processes are told."""
        folders = (self.root / "data", self.root / "runs", self.root / "tickets" / "active", self.root / "config")
        return dict(zip(_OWN, map(str, folders), strict=True))

    @property
    def paths(self) -> Paths:
        return load_paths(self.environ)

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.paths.warehouse)

    def config(self) -> Config:
        return load_config(self.paths, self.environ)

    @contextmanager
    def entered(self, extra: Mapping[str, str] | None = None) -> Iterator[None]:
        """This process's environment is the desk's while the block runs."""
        before = dict(os.environ)
        for name in _FOREIGN:
            os.environ.pop(name, None)
        os.environ.update({**self.environ, **(extra or {})})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def subprocess_environ(self, **extra: str) -> dict[str, str]:
        """The environment of a process of its own."""
        inherited = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        return {**inherited, **self.environ, **extra}

    def digests(self, first: date | None = None, last: date | None = None) -> dict[str, str]:
        """SHA-256 of every table's rows."""
        within = f"BETWEEN DATE '{first or date.min}' AND DATE '{last or date.max}'"
        with self.warehouse.connect() as connection:
            there = {name for (name,) in connection.sql("SELECT table_name FROM duckdb_tables()").fetchall()}
            frames = {
                name: pl.DataFrame(_Stream(connection.sql(f"SELECT * FROM {name} WHERE {table.partition} {within}")))
                if name in there
                else table.frame([])
                for name, table in TABLES.items()
            }
        return {name: digest_frame(table.conform(frames[name]), table.key) for name, table in TABLES.items()}


def make_desk(root: Path) -> DeskFolder:
    """A fresh desk that has never run."""
    shutil.copytree(ROOT / "config", root / "config")
    universe_file = root / "config" / "universe.yaml"
    universe = yaml.safe_load(universe_file.read_text())
    universe["symbols"] = {name: universe["symbols"][name] for name in BANKS}
    universe["context"] = []
    universe["pairs"] = []
    universe_file.write_text(yaml.safe_dump(universe, sort_keys=False))
    desk = root / "config" / "desk.yaml"
    edit(desk, "coint_refresh: weekly", "coint_refresh: never")
    edit(desk, "entry_z: 1.5", "entry_z: 0.6")
    active = root / "tickets" / "active"
    active.mkdir(parents=True)
    for name in TICKETS:
        shutil.copy(ROOT / "tickets" / "active" / f"{name}.yaml", active)
    return DeskFolder(root)


def edit(path: Path, old: str, new: str) -> None:
    """Replace the one place of a file that says ``old``."""
    text = path.read_text()
    assert text.count(old) == 1, (path, old, text.count(old))
    path.write_text(text.replace(old, new))


@dataclass(frozen=True)
class Outcome:
    """How a run ended: whether it did well, its failed checks, and the errors that stopped it."""

    success: bool
    failed_checks: frozenset[str]
    errors: str


def run_job(first: date, last: date, lock_wait_seconds: float = 900.0) -> Outcome:
    """Run a job for the desk of this process's environment."""
    from dagster import DagsterInstance
    from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

    from riskdesk_assets.definitions import defs

    config = {
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        "resources": {"desk": {"config": {"lock_wait_seconds": lock_wait_seconds}}},
    }
    ends = {ASSET_PARTITION_RANGE_START_TAG: first.isoformat(), ASSET_PARTITION_RANGE_END_TAG: last.isoformat()}
    with DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("post_close").execute_in_process(
            instance=instance,
            partition_key=first.isoformat() if first == last else None,
            tags={} if first == last else ends,
            run_config=config,
            raise_on_error=False,
        )
    checks = frozenset(
        found.check_name
        for found in result.get_asset_check_evaluations()
        if not found.passed and found.severity.value == "ERROR"
    )
    return Outcome(result.success, checks, "\n".join(_errors(result.all_events)))


def run(desk: DeskFolder, first: date, last: date, **extra: str) -> Outcome:
    """Run the main job for a desk in this process."""
    with desk.entered(extra):
        return run_job(first, last)


def _errors(events: object) -> Iterator[str]:
    for event in events:  # type: ignore[attr-defined]
        error = getattr(event.event_specific_data, "error", None)
        while error is not None:
            yield error.message
            error = error.cause


class Nursery:
    """Runs of desks in processes that cost no imports: forked from one that has them all."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "riskdesk_tests.desk_on_disk", "nursery"],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name not in _FOREIGN},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready"

    def start(self, desk: DeskFolder, first: date, last: date, **extra: str) -> int:
        """Start a run; its process id."""
        assert self._parent.stdin is not None
        words = [str(first), str(last), *(f"{name}={value}" for name, value in (desk.environ | extra).items())]
        self._parent.stdin.write(" ".join(words) + "\n")
        self._parent.stdin.flush()
        return int(self._line())

    def ended(self) -> int:
        """Wait for the oldest run not yet waited for; 0 when it did well, -9 when it was killed."""
        assert self._parent.stdin is not None
        self._parent.stdin.write("wait\n")
        self._parent.stdin.flush()
        return int(self._line())

    def close(self) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.close()
        self._parent.wait(timeout=60)

    def _line(self) -> str:
        assert self._parent.stdout is not None
        return self._parent.stdout.readline().strip()


def _nursery() -> None:
    import cvxpy  # noqa: F401
    import sklearn.covariance  # noqa: F401

    import riskdesk_assets.definitions  # noqa: F401

    children: list[int] = []
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["wait"]:
            print(os.waitstatus_to_exitcode(os.waitpid(children.pop(0), 0)[1]), flush=True)
            continue
        child = os.fork()
        if child == 0:
            os.environ.update(dict(word.split("=", 1) for word in words[2:]))
            code = 1
            try:
                code = 0 if run_job(date.fromisoformat(words[0]), date.fromisoformat(words[1])).success else 1
            finally:
                os._exit(code)
        children.append(child)
        print(child, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "nursery":
        _nursery()
    else:
        ended = run_job(date.fromisoformat(sys.argv[1]), date.fromisoformat(sys.argv[2]))
        print(ended.errors)
        sys.exit(0 if ended.success else 1)
