"""What every backtest's run directory has in common, the desk's and a mandate's: tables, tickets, inputs, one manifest.

The form is that of a day's run (reports/run_artifacts, reports/run_store); it lies in RUNS_DIR/backtests, with a publish log of
its own, and neither `riskdesk rebuild` nor the published book looks there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.hashing import digest, digest_bytes, digest_frame
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES, Table
from riskdesk_assets.common.version import code_version, library_versions
from riskdesk_assets.market.history import History
from riskdesk_assets.reports.replay import Replayed, require_tickets
from riskdesk_assets.reports.run_artifacts import parquet, pretty_json
from riskdesk_assets.reports.run_store import RunDirectory, open_run
from riskdesk_assets.research.backtest_settings import BacktestSettings

FOLDER = "backtests"
PREFIX = "bt-"
METRICS, LOG = "metrics.json", "logs.txt"
_CONFIG, _SETTINGS, _REQUEST = "inputs/config.json", "inputs/settings.json", "inputs/request.json"
_SNAPSHOTS, _TICKETS = "inputs/ticket_snapshots.parquet", "tickets_snapshot"
_INPUTS = ("inputs/", "ticket")


class Computed(Protocol):
    """What a backtest of any kind came to: tables by name and metrics, over the sessions from ``first`` to ``last``."""

    @property
    def first(self) -> date:
        """The first session it has a book of; with formation sessions, later than the first one asked for."""

    @property
    def last(self) -> date:
        """The last session."""

    @property
    def frames(self) -> Mapping[str, pl.DataFrame]:
        """Every table."""

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Every metric."""


@dataclass(frozen=True, kw_only=True)
class KeptInputs:
    """What a backtest was computed from, beside its code.

    ``histories``: hash of a configuration -> the bars it read. ``tickets``: file name -> bytes of the ticket files;
    ``snapshots``: TABLES["ticket_snapshots"] made of them, over all sessions.
    """

    name: str
    config: Config
    settings: BacktestSettings
    histories: Mapping[str, History]
    tickets: Mapping[str, bytes]
    snapshots: pl.DataFrame
    overrides: Mapping[str, object]
    notes: Sequence[str]
    code_version: str

    @property
    def history(self) -> History:
        """The bars of the backtest's own configuration."""
        return self.histories[self.config.hash]

    @property
    def source(self) -> str:
        """Where the bars are from."""
        return self.history.snapshot.source

    @property
    def own_inputs(self) -> Sequence[object]:
        """What this kind of backtest is computed from beside the fields of every kind."""
        return ()

    @property
    def backtest_id(self) -> str:
        """``bt-FIRST-LAST-`` and 16 hex digits of the hash of every input: the same inputs give the same directory."""
        content = [
            self.name,
            self.config.hash,
            self.settings,
            [
                [name, sorted(item.day_digests.items()), digest_frame(item.replay_bars, item.replay_bars.columns)]
                for name, item in sorted(self.histories.items())
            ],
            digest_frame(self.snapshots, TABLES["ticket_snapshots"].key),
            *self.own_inputs,
            self.overrides,
            self.notes,
            self.code_version,
        ]
        return f"{PREFIX}{self.history.first:%Y%m%d}-{self.history.last:%Y%m%d}-{digest(content)[:16]}"

    def said(self, done: Computed, nav: float, **of_what: str) -> dict[str, Any]:
        """What metrics.json and ``--json`` say: the metrics, and of what."""
        return {
            "backtest_id": self.backtest_id,
            "name": self.name,
            **of_what,
            "first": done.first,
            "last": done.last,
            "profile": self.config.profile,
            "source": self.source,
            "nav": nav,
            "overrides": dict(self.overrides),
            "notes": list(self.notes),
            "metrics": done.metrics,
        }

    def log_heading(self, of_what: str) -> list[str]:
        """The first lines of logs.txt: which backtest, of what, on which bars, and its notes."""
        banner = " (SIMULATED prices: no real market)" if self.source == "SIMULATED" else ""
        snapshot = self.history.snapshot.snapshot_id
        about = f"{of_what}, profile {self.config.profile}, {self.source} bars{banner}, snapshot {snapshot}"
        return [f"backtest {self.backtest_id}: {about}", *self.notes]


@dataclass(frozen=True)
class Declared:
    """The tables a kind of backtest writes: its own, and those of the warehouse."""

    own: Mapping[str, Table]

    def table(self, name: str) -> Table:
        """The declaration of a table."""
        return self.own[name] if name in self.own else TABLES[name]

    def digest(self, name: str, frame: pl.DataFrame) -> str:
        """SHA-256 of a table's rows in key order."""
        return digest_frame(frame, self.table(name).key)


def directory(
    kind: str,
    inputs: KeptInputs,
    done: Computed,
    declared: Declared,
    own_files: Mapping[str, bytes],
    request: Mapping[str, object],
    **of_what: str,
) -> tuple[dict[str, bytes], bytes]:
    """The directory's files by relative name, and its manifest, which holds the hash of every table and file.

    Args:
        kind: of backtest.
        inputs: what it was computed from.
        done: what came of it.
        declared: its tables' declarations.
        own_files: files that this kind keeps beside those of every kind.
        request: what inputs/request.json says beside what every kind says.
        of_what: what the manifest says it is of.
    """
    files: dict[str, bytes] = {f"{name}.parquet": parquet(frame) for name, frame in done.frames.items()}
    files |= {f"{_TICKETS}/{name}": raw for name, raw in inputs.tickets.items()}
    files[_CONFIG] = pretty_json(inputs.config.model_dump(mode="json"))
    files[_SETTINGS] = pretty_json(inputs.settings.model_dump(mode="json"))
    files[_SNAPSHOTS] = parquet(inputs.snapshots)
    files[_REQUEST] = pretty_json(
        {
            "first": inputs.history.first,
            "last": inputs.history.last,
            "snapshots": {name: history.snapshot.snapshot_id for name, history in inputs.histories.items()},
            "name": inputs.name,
            "overrides": dict(inputs.overrides),
            "notes": list(inputs.notes),
            **request,
        }
    )
    files |= own_files
    manifest = {
        "format": 1,
        "kind": kind,
        "run_id": inputs.backtest_id,
        "name": inputs.name,
        **of_what,
        "first": done.first,
        "last": done.last,
        "profile": inputs.config.profile,
        "source": inputs.source,
        "snapshot_id": inputs.history.snapshot.snapshot_id,
        "config_hash": inputs.config.hash,
        "code_version": inputs.code_version,
        "libraries": library_versions(),
        "tables": {name: {"rows": frame.height, "sha256": declared.digest(name, frame)} for name, frame in done.frames.items()},
        "files": {name: digest_bytes(raw) for name, raw in files.items()},
    }
    return files, pretty_json(manifest)


@dataclass(frozen=True)
class Stored:
    """A directory's own account of what it was computed from; ``request`` is inputs/request.json."""

    run: RunDirectory
    config: Config
    settings: BacktestSettings
    request: Mapping[str, Any]
    snapshots: pl.DataFrame
    tickets: Mapping[str, bytes]

    @classmethod
    def of(cls, run: RunDirectory) -> Stored:
        """Read it.

        Raises:
            StateError: its tickets are not those its snapshots were made of.
        """
        snapshots = TABLES["ticket_snapshots"].conform(pl.read_parquet(run.path / _SNAPSHOTS))
        require_tickets(run.path, snapshots)
        folder = run.path / _TICKETS
        return cls(
            run,
            Config.model_validate_json((run.path / _CONFIG).read_bytes()),
            BacktestSettings.model_validate_json((run.path / _SETTINGS).read_bytes()),
            json.loads((run.path / _REQUEST).read_bytes()),
            snapshots,
            {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.is_dir() else {},
        )

    @property
    def first(self) -> date:
        """The first session."""
        return date.fromisoformat(self.request["first"])

    @property
    def last(self) -> date:
        """The last session."""
        return date.fromisoformat(self.request["last"])

    @property
    def code_version(self) -> str:
        """Of the code that computed it. It is part of a date's id: a replay uses it, so that what differs is the numbers."""
        return str(self.run.manifest["code_version"])


def compared(
    run: RunDirectory,
    frames: Mapping[str, pl.DataFrame],
    declared: Declared,
    made: Callable[[], Mapping[str, bytes]],
    compared_files: Iterable[str],
) -> Replayed:
    """Every table computed again, and every file made of them, against the manifest.

    Args:
        run: the directory.
        frames: its tables, computed again.
        declared: their declarations.
        made: the files beside the tables, made again; asked only of the code that made the directory, for another version may
            say the same numbers in other words.
        compared_files: their names.
    """
    manifest, same_code = run.manifest, run.manifest["code_version"] == code_version()
    expected = {name: entry["sha256"] for name, entry in manifest["tables"].items()}
    found = {name: declared.digest(name, frame) for name, frame in frames.items()}
    if same_code:
        expected |= {name: manifest["files"][name] for name in compared_files}
        found |= {name: digest_bytes(raw) for name, raw in made().items()}
    different = tuple(sorted(name for name in {*expected, *found} if found.get(name) != expected.get(name)))
    equal = tuple(sorted(set(expected) - set(different)))
    return Replayed(run.run_id, equal, different, run.damaged(), same_code, unknown=run.unknown())


def damaged_inputs(run: RunDirectory) -> list[str]:
    """Files a replay would read that are not what the manifest says."""
    return [name for name in run.damaged() if name.startswith(_INPUTS)]


def backtests_folder(runs: Path) -> Path:
    """Where backtests lie below RUNS_DIR."""
    return runs / FOLDER


def is_backtest(runs: Path, given: str) -> bool:
    """Whether a run named on the command line is a backtest: by its id, or by the path of its directory."""
    path = Path(given)
    return path.name.startswith(PREFIX) and (path.name == given or path.resolve().parent == backtests_folder(runs).resolve())


def open_backtest(runs: Path, given: str) -> RunDirectory:
    """A backtest by id or by the path of its directory.

    Raises:
        InputError: no such backtest; names the nearest.
        StateError: its manifest is missing or unreadable.
    """
    folder = backtests_folder(runs)
    name = Path(given).name
    if not (folder / name).is_dir():
        known = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
        raise InputError(Problem(str(folder), None, "backtest", f"there is no backtest {given!r}{nearest(name, known)}"))
    return open_run(folder, name)
