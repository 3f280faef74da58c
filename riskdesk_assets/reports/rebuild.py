"""The warehouse made anew from the run directories, in the order in which they were published."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.progress import report
from riskdesk_assets.common.settings import Paths
from riskdesk_assets.common.tables import STORED, TABLES, Table
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.reports.run_store import RunDirectory, published


@dataclass(frozen=True)
class Rebuilt:
    """What was restored: runs read, sessions held, and where the old file went (None: there was none)."""

    runs: int
    sessions: int
    kept: Path | None


def rebuild(paths: Paths) -> Rebuilt:
    """Restore the DuckDB file; the old one is kept beside it, and replaced only once the new one is whole.

    What is known beside the runs (holdings) is taken over from the old file. Whatever else only that file holds is not
    restored: ``beyond_runs`` tells what that is.

    Raises:
        StateError: nothing was ever published, or a directory is damaged (named); the old file then stands.
    """
    runs = list(published(paths.runs))
    if not runs:
        raise StateError(f"{paths.runs} holds no published run to rebuild from")
    for run in runs:
        damaged = run.damaged()
        if damaged:
            raise StateError(f"{run.path} is damaged in {', '.join(damaged)}: restore it from a backup; nothing was changed")
    fresh = paths.warehouse.with_suffix(".rebuilding")
    for leftover in (fresh, fresh.with_name(fresh.name + ".wal")):
        leftover.unlink(missing_ok=True)
    warehouse = Warehouse(fresh)
    for place, run in enumerate(runs, start=1):
        restore(warehouse, run)
        report("rebuild", place, len(runs))
    _take_over(Warehouse(paths.warehouse), warehouse)
    sessions = warehouse.read("desk_state").height
    kept = _kept_as(paths.warehouse) if paths.warehouse.exists() else None
    if kept is not None:
        shutil.copyfile(paths.warehouse, kept)
    # A write-ahead log left by a crash belongs to the old file; the new one must never meet it.
    paths.warehouse.with_name(paths.warehouse.name + ".wal").unlink(missing_ok=True)
    fresh.replace(paths.warehouse)
    return Rebuilt(len(runs), sessions, kept)


def restore(warehouse: Warehouse, run: RunDirectory) -> None:
    """Write every table of one run into a warehouse."""
    first, last = date.fromisoformat(run.manifest["first"]), date.fromisoformat(run.manifest["last"])
    known = [name for name in run.manifest["tables"] if name in TABLES]
    frames = {name: _widened(TABLES[name], pl.read_parquet(run.path / f"{name}.parquet")) for name in known}
    warehouse.write(first, last, frames)


def _take_over(old: Warehouse, fresh: Warehouse) -> None:
    """Copy the tables that lie beside the runs; a file that cannot be read has none to give."""
    for name in STORED.keys() - TABLES.keys():
        try:
            rows = old.read(name)
        except (duckdb.Error, StateError):
            continue
        if rows.height:
            days = rows[STORED[name].partition].sort()
            fresh.write(days[0], days[-1], {name: rows})


def _kept_as(warehouse: Path) -> Path:
    """A name beside the warehouse that no file has: an earlier rebuild's may hold the only copy of something."""
    number = 1
    while True:
        place = warehouse.with_suffix(f".before-rebuild{'' if number == 1 else f'-{number}'}.duckdb")
        if not place.exists():
            return place
        number += 1


def _widened(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of a run of an earlier version with the columns that came later, empty."""
    missing = {name: dtype for name, dtype in table.schema.items() if name not in frame.columns and name not in table.key}
    return frame.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in missing.items())
