"""A backtest as a run directory: every table, the tickets, what it takes to compute it again, and one manifest.

The form is that of a day's run (reports/run_artifacts, reports/run_store); it lies in RUNS_DIR/backtests, with a publish log of its
own, and neither `riskdesk rebuild` nor the published book looks there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.hashing import digest, digest_bytes, digest_frame
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES, Table
from riskdesk_assets.common.version import library_versions
from riskdesk_assets.market.history import History
from riskdesk_assets.reports.run_artifacts import csv_bytes, parquet, pretty_json
from riskdesk_assets.reports.run_store import RunDirectory, open_run
from riskdesk_assets.research.backtest import Backtest
from riskdesk_assets.research.backtest_settings import BacktestSettings
from riskdesk_assets.research.backtest_tables import BACKTEST_TABLES
from riskdesk_assets.research.tear_sheet.content import SheetContent
from riskdesk_assets.research.tear_sheet.sheet import SHEET, tear_sheet

FOLDER = "backtests"
PREFIX = "bt-"
KIND = "backtest"
CONFIG, SETTINGS, REQUEST = "inputs/config.json", "inputs/settings.json", "inputs/request.json"
SNAPSHOTS = "inputs/ticket_snapshots.parquet"
METRICS, LOG = "metrics.json", "logs.txt"
COMPARED_FILES = (METRICS, LOG, SHEET, "portfolio_blotter.csv", "timeseries.csv")
"""Files beside the tables that a replay makes again and compares byte for byte."""


@dataclass(frozen=True)
class BacktestInputs:
    """What a backtest was computed from, beside its code.

    ``histories``: hash of a configuration -> the bars it read; the first is that of ``config``. ``tickets``: file name -> bytes of
    the ticket files; ``snapshots``: TABLES["ticket_snapshots"] made of them, over all sessions. ``candidates``: the configurations a walk-forward chose among, by name; empty for a plain backtest.
    """

    name: str
    config: Config
    settings: BacktestSettings
    histories: Mapping[str, History]
    tickets: Mapping[str, bytes]
    snapshots: pl.DataFrame
    overrides: Mapping[str, object]
    candidates: Mapping[str, Config]
    notes: Sequence[str]
    code_version: str

    @property
    def history(self) -> History:
        """The bars of the backtest's own configuration."""
        return self.histories[self.config.hash]

    @property
    def backtest_id(self) -> str:
        """``bt-FIRST-LAST-`` and 16 hex digits of the hash of every input: the same inputs give the same directory."""
        history = self.history
        content = [
            self.name,
            self.config.hash,
            self.settings,
            [
                [name, sorted(item.day_digests.items()), digest_frame(item.replay_bars, item.replay_bars.columns)]
                for name, item in sorted(self.histories.items())
            ],
            digest_frame(self.snapshots, TABLES["ticket_snapshots"].key),
            self.overrides,
            sorted((name, config.hash) for name, config in self.candidates.items()),
            self.notes,
            self.code_version,
        ]
        return f"{PREFIX}{history.first:%Y%m%d}-{history.last:%Y%m%d}-{digest(content)[:16]}"


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


def table_of(name: str) -> Table:
    """The declaration of a table a backtest writes."""
    return BACKTEST_TABLES[name] if name in BACKTEST_TABLES else TABLES[name]


def backtest_files(done: Backtest, inputs: BacktestInputs) -> tuple[dict[str, bytes], bytes]:
    """The directory's files by relative name, and its manifest, which holds the hash of every table and file."""
    files: dict[str, bytes] = {f"{name}.parquet": parquet(frame) for name, frame in done.frames.items()}
    files |= {f"tickets_snapshot/{name}": raw for name, raw in inputs.tickets.items()}
    files[CONFIG] = pretty_json(inputs.config.model_dump(mode="json"))
    files[SETTINGS] = pretty_json(inputs.settings.model_dump(mode="json"))
    files[SNAPSHOTS] = parquet(inputs.snapshots)
    files[REQUEST] = pretty_json(
        {
            "first": inputs.history.first,
            "last": inputs.history.last,
            "snapshots": {name: history.snapshot.snapshot_id for name, history in inputs.histories.items()},
            "name": inputs.name,
            "overrides": dict(inputs.overrides),
            "candidates": {name: config.model_dump(mode="json") for name, config in inputs.candidates.items()},
            "notes": list(inputs.notes),
        }
    )
    files |= made_files(done, inputs)
    manifest = {
        "format": 1,
        "kind": KIND,
        "run_id": inputs.backtest_id,
        "name": inputs.name,
        "first": done.first,
        "last": done.last,
        "profile": inputs.config.profile,
        "source": inputs.history.snapshot.source,
        "snapshot_id": inputs.history.snapshot.snapshot_id,
        "config_hash": inputs.config.hash,
        "code_version": inputs.code_version,
        "libraries": library_versions(),
        "tables": {name: {"rows": frame.height, "sha256": frame_digest(name, frame)} for name, frame in done.frames.items()},
        "files": {name: digest_bytes(raw) for name, raw in files.items()},
    }
    return files, pretty_json(manifest)


def made_files(done: Backtest, inputs: BacktestInputs) -> dict[str, bytes]:
    """The files beside the tables that follow from what was computed: COMPARED_FILES."""
    return {
        METRICS: pretty_json(described(done, inputs)),
        LOG: _log(done, inputs).encode(),
        SHEET: tear_sheet(sheet_content(done, inputs)).encode(),
        "portfolio_blotter.csv": csv_bytes(done.frames["portfolio_blotter"]),
        "timeseries.csv": csv_bytes(done.frames["timeseries"]),
    }


def described(done: Backtest, inputs: BacktestInputs) -> dict[str, Any]:
    """What metrics.json and ``--json`` say: the metrics, and of what."""
    return {
        "backtest_id": inputs.backtest_id,
        "name": inputs.name,
        "first": done.first,
        "last": done.last,
        "profile": inputs.config.profile,
        "source": inputs.history.snapshot.source,
        "nav": inputs.config.desk.nav,
        "overrides": dict(inputs.overrides),
        "notes": list(inputs.notes),
        "metrics": done.metrics,
    }


def sheet_content(done: Backtest, inputs: BacktestInputs) -> SheetContent:
    """What the tear sheet is drawn from."""
    return SheetContent(
        backtest_id=inputs.backtest_id,
        name=inputs.name,
        config=inputs.config,
        settings=inputs.settings,
        source=inputs.history.snapshot.source,
        snapshot_id=inputs.history.snapshot.snapshot_id,
        code_version=inputs.code_version,
        overrides=inputs.overrides,
        notes=inputs.notes,
        metrics=done.metrics,
        frames=done.frames,
    )


def frame_digest(name: str, frame: pl.DataFrame) -> str:
    """SHA-256 of a table's rows in key order."""
    return digest_frame(frame, table_of(name).key)


def _log(done: Backtest, inputs: BacktestInputs) -> str:
    """What happened, session by session, in one line each, and every name that was closed."""
    source = inputs.history.snapshot.source
    banner = " (SIMULATED prices: no real market)" if source == "SIMULATED" else ""
    lines = [
        f"backtest {inputs.backtest_id}: {inputs.name}, profile {inputs.config.profile}, {source} bars{banner}, "
        f"snapshot {inputs.history.snapshot.snapshot_id}",
        *inputs.notes,
    ]
    states = {row["as_of_date"]: row for row in done.frames["desk_state"].iter_rows(named=True)}
    orders = _counted(done.frames["portfolio_blotter"])
    delisted: dict[date, list[str]] = {}
    closed = done.frames["clip_ledger"].filter(pl.col("limit_name") == "delisted")
    for session, ticket_id, symbol, reason in closed.select("as_of_date", "ticket_id", "symbol", "reason").iter_rows():
        delisted.setdefault(session, []).append(f"  closed {symbol} of {ticket_id}: {reason}")
    for row in done.frames["timeseries"].iter_rows(named=True):
        session = row["as_of_date"]
        state = states[session]
        why = f": {state['release_reason']}" if state["release_reason"] else ""
        known = f", known on {row['next_date']}" if row["next_date"] else ""
        missing = f" for {row['missing_symbols']}" if row["missing_symbols"] else ""
        lines.append(
            f"{session} {state['run_id']} {state['release_status']}{why}: {orders.get(session, 0)} orders, gross "
            f"{row['equity_gross']:.2f}, {row['status']}{missing}, pnl {row['pnl_gross']:.2f} - costs {row['costs']:.2f}{known}"
        )
        lines.extend(delisted.get(session, ()))
    return "\n".join(lines) + "\n"


def _counted(blotter: pl.DataFrame) -> dict[date, int]:
    found: dict[date, int] = {}
    for session in blotter["as_of_date"]:
        found[session] = found.get(session, 0) + 1
    return found
