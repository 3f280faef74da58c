"""Published runs as the server shows them: their tables, their pages, their files. The DuckDB file is never opened here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from riskdesk_assets.common.errors import InputError, Problem, StateError
from riskdesk_assets.common.hashing import digest_bytes
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.append_log import read_records
from riskdesk_assets.reports.page.content import page_content
from riskdesk_assets.reports.page.page import PAGE, desk_page, linked_from
from riskdesk_assets.reports.run_artifacts import CONFIG
from riskdesk_assets.reports.run_store import PUBLISH_LOG, RunDirectory, open_run

FILES = {
    "ideal_portfolio.parquet": "application/vnd.apache.parquet",
    "portfolio_blotter.csv": "text/csv; charset=utf-8",
    "portfolio.csv": "text/csv; charset=utf-8",
    "correlations.csv": "text/csv; charset=utf-8",
    "desk_workbook.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "logs.txt": "text/plain; charset=utf-8",
    "metrics.json": "application/json",
    "manifest.json": "application/json",
}
_SHOWN = 10
_KEPT_FRAMES = 64


@dataclass(frozen=True)
class Published:
    """One line of the publish log: which sessions a run holds."""

    run_id: str
    first: date
    last: date


class RunTables:
    """The tables of one run directory, read as the warehouse is."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run

    @property
    def config(self) -> Config:
        """The configuration the run was computed with.

        Raises:
            StateError: it is missing, or of a version this one cannot read.
        """
        try:
            return Config.model_validate_json((self.run.path / CONFIG).read_bytes())
        except (OSError, ValidationError):
            message = f"run {self.run.run_id} has a configuration of another version: `riskdesk run` computes its sessions anew"
            raise StateError(message) from None

    def read(self, name: str, first: date | None = None, last: date | None = None) -> pl.DataFrame:
        """Rows of a table from ``first`` to ``last`` in key order; a table the run does not have is empty.

        Raises:
            StateError: the file cannot be read, or is of another version of the table.
        """
        table = TABLES[name]
        path = self.run.path / f"{name}.parquet"
        if not path.is_file():
            return pl.DataFrame(schema=table.schema)
        day = pl.col(table.partition)
        found = _frame(path, name)
        found = found if first is None else found.filter(day >= first)
        return found if last is None else found.filter(day <= last)

    def sessions(self) -> list[date]:
        """The run's sessions, oldest first. Raises StateError for a manifest that does not say."""
        try:
            return [date.fromisoformat(str(day["session"])) for day in self.run.manifest["dates"]]
        except (KeyError, TypeError, ValueError):
            raise StateError(f"the manifest of run {self.run.path.name} names no sessions") from None


def published_runs(runs: Path) -> list[Published]:
    """What was published, the newest publishing last."""
    found = []
    for record in read_records(runs / PUBLISH_LOG):
        try:
            first, last = date.fromisoformat(str(record["first"])), date.fromisoformat(str(record["last"]))
            found.append(Published(str(record["run_id"]), first, last))
        except (KeyError, ValueError):
            continue
    return found


def newest_run(runs: Path, session: date | None = None) -> RunTables:
    """The run that was published last of those that hold a session; by default the newest session there is.

    Raises:
        InputError: no run holds it; names sessions that there are.
        StateError: the run's manifest cannot be read.
    """
    every = published_runs(runs)
    if not every:
        raise InputError(Problem("", None, "date", "there is no published run yet: `riskdesk run` makes one"))
    wanted = max(one.last for one in every) if session is None else session
    for one in reversed(every):
        if one.first <= wanted <= one.last:
            tables = RunTables(open_run(runs, one.run_id))
            if wanted in tables.sessions():
                return tables
    newest = sorted({one.last for one in every}, reverse=True)
    shown = ", ".join(map(str, newest[:_SHOWN]))
    raise InputError(Problem("", None, "date", f"no published run holds the session {wanted}", f"latest, {shown}"))


def report_page(runs: Path, session: date | None, folder: str) -> str:
    """The report page of a session, by default the newest; its links lead to ``folder`` followed by the session.

    A run keeps the page of its last session; that of an earlier one is made from the run's tables.

    Raises:
        InputError: no run holds the session.
        StateError: the run cannot be read, or its page was changed.
    """
    tables = newest_run(runs, session)
    run = tables.run
    last = tables.sessions()[-1]
    shown = last if session is None else session
    place = f"{folder}{shown}/"
    if shown == last:
        raw = _file(run, PAGE)
        return linked_from(raw.decode(), place)
    return linked_from(_page_within(tables, shown), place)


def run_file(runs: Path, session: date, name: str) -> bytes:
    """One of :data:`FILES` of the run that holds a session.

    Raises:
        InputError: no such file or session.
        StateError: the file is missing, or was changed.
    """
    if name not in FILES:
        raise InputError(Problem("", None, "file", "is no file of a run", ", ".join(FILES)))
    run = newest_run(runs, session).run
    return (run.path / name).read_bytes() if name == "manifest.json" else _file(run, name)


def _file(run: RunDirectory, name: str) -> bytes:
    try:
        raw = (run.path / name).read_bytes()
    except OSError:
        raise StateError(f"run {run.run_id} has no {name}") from None
    if digest_bytes(raw) != run.manifest["files"].get(name):
        raise StateError(f"{name} of run {run.run_id} was changed after it was published: restore it from a backup")
    return raw


def _page_within(tables: RunTables, session: date) -> str:
    manifest, path = tables.run.manifest, tables.run.path
    prior = {
        name: TABLES[name].conform(pl.read_parquet(place))
        for name in TABLES
        if (place := path / "inputs" / f"prior_{name}.parquet").is_file()
    }
    content = page_content(
        config=tables.config,
        source=manifest["source"],
        snapshot_id=manifest["snapshot_id"],
        code_version=manifest["code_version"],
        session=session,
        frames={name: tables.read(name, None, session) for name in TABLES},
        prior=prior,
    )
    return desk_page(content)


@lru_cache(maxsize=_KEPT_FRAMES)
def _frame(path: Path, name: str) -> pl.DataFrame:
    """A published table; the file never changes, so it is read once."""
    try:
        return TABLES[name].conform(pl.read_parquet(path))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StateError(f"{path.name} of run {path.parent.name} cannot be read: {type(error).__name__}") from None
