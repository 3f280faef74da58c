"""A run computed again from what its directory names, and every hash compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.hashing import digest_bytes
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.version import code_version
from riskdesk_assets.construction.state import state_from_json
from riskdesk_assets.controllers.policy_files import GivenPolicy
from riskdesk_assets.controllers.policy_model import read_policy
from riskdesk_assets.market.history import history_of
from riskdesk_assets.market.snapshots import Snapshot
from riskdesk_assets.reports.page.content import PageContent, page_content
from riskdesk_assets.reports.page.page import PAGE, desk_page
from riskdesk_assets.reports.recompute import Inputs, recompute
from riskdesk_assets.reports.run_artifacts import (
    CONFIG,
    PAGE_ONLY,
    POLICY,
    PRIOR_TABLES,
    START_STATE,
    table_digest,
)
from riskdesk_assets.reports.run_store import RunDirectory, find_run
from riskdesk_assets.reports.workbook.session_content import workbook_content
from riskdesk_assets.reports.workbook.workbook import WORKBOOK, same_parts, workbook_bytes
from riskdesk_assets.strategy.scores import FILE
from riskdesk_assets.strategy.ticket_archive import content_hashes

SCORES = "instrument_scores.parquet"
HALTS = "desk_halts"
LIBRARY = "strategy_library.parquet"


@dataclass(frozen=True)
class Replayed:
    """The outcome: tables (and page and workbook) whose hash is equal and those whose is not, damaged files, whether the code
    is the same, and files the manifest does not know."""

    run_id: str
    equal: tuple[str, ...]
    different: tuple[str, ...]
    damaged: tuple[str, ...]
    same_code: bool
    unknown: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Every table came out bit for bit, no file was damaged and none was added."""
        return not self.different and not self.damaged and not self.unknown

    @property
    def intact(self) -> tuple[str, ...]:
        """What came out equal and whose file says so too."""
        return tuple(name for name in self.equal if not {name, f"{name}.parquet"} & set(self.damaged))


def replay(run_id: str, paths: Paths, calendar: SessionCalendar) -> Replayed:
    """Recompute a run and compare every table with its manifest; writes nothing.

    Raises:
        InputError: no such run, and no session of that id in one.
        StateError: an input it names (the bars snapshot, its own input files) is missing or damaged.
    """
    run = find_run(paths.runs, run_id)
    manifest = run.manifest
    damaged = run.damaged()
    lost = [name for name in damaged if name.startswith(("inputs/", "ticket", f"{HALTS}."))]
    if lost:
        raise StateError(f"{run.path} cannot be replayed: {', '.join(lost)} is damaged or missing")
    inputs = _inputs(run, paths, calendar)
    frames = recompute(inputs)
    expected = {name: entry["sha256"] for name, entry in manifest["tables"].items()}
    found = {name: table_digest(name, frame) for name, frame in frames.items() if name in expected}
    # Another version of the code may lay the page and the workbook out anew from the same numbers.
    if manifest["code_version"] == code_version():
        page = _page(run, inputs, frames)
        if PAGE in manifest["files"]:
            expected[PAGE], found[PAGE] = manifest["files"][PAGE], digest_bytes(desk_page(page).encode())
        if WORKBOOK in manifest["files"]:
            expected[WORKBOOK], found[WORKBOOK] = manifest["files"][WORKBOOK], _workbook_digest(run, page)
    different = tuple(sorted(name for name in expected if found.get(name) != expected[name]))
    equal = tuple(sorted(set(expected) - set(different)))
    return Replayed(run.run_id, equal, different, damaged, manifest["code_version"] == code_version(), run.unknown())


def _page(run: RunDirectory, inputs: Inputs, frames: Mapping[str, pl.DataFrame]) -> PageContent:
    """What the run's report page and workbook are made of, from the frames computed again."""
    manifest = run.manifest
    return page_content(
        config=inputs.config,
        source=manifest["source"],
        snapshot_id=manifest["snapshot_id"],
        code_version=manifest["code_version"],
        session=inputs.history.last,
        frames=frames,
        prior=inputs.prior,
    )


def _workbook_digest(run: RunDirectory, page: PageContent) -> str:
    """The stored workbook's hash where the one made again has the same parts: another zlib may pack them otherwise."""
    again, place = workbook_bytes(workbook_content(page)), run.path / WORKBOOK
    if place.is_file() and same_parts(place.read_bytes(), again):
        return str(run.manifest["files"][WORKBOOK])
    return digest_bytes(again)


def _inputs(run: RunDirectory, paths: Paths, calendar: SessionCalendar) -> Inputs:
    manifest = run.manifest
    first, last = date.fromisoformat(manifest["first"]), date.fromisoformat(manifest["last"])
    config = Config.model_validate_json((run.path / CONFIG).read_bytes())
    snapshot = Snapshot(manifest["snapshot_id"], first, last, manifest["source"], ())
    tickets = pl.read_parquet(run.path / "ticket_snapshots.parquet")
    require_tickets(run.path, tickets)
    prior = {
        name: TABLES[name].conform(pl.read_parquet(run.path / f"inputs/prior_{name}.parquet"))
        for name in PRIOR_TABLES
        if name != "ticket_snapshots" and (name not in PAGE_ONLY or f"inputs/prior_{name}.parquet" in manifest["files"])
    }
    return Inputs(
        history=history_of(paths, snapshot, calendar, config, first, last),
        config=config,
        ticket_snapshots=tickets,
        start=state_from_json((run.path / START_STATE).read_text()),
        prior=prior,
        # The code version is part of a date's id; the manifest's own is used, so that what differs is the numbers.
        code_version=manifest["code_version"],
        library=_library(run, config),
        scores=_scores_of_files(run, config),
        halts=TABLES[HALTS].conform(pl.read_parquet(run.path / f"{HALTS}.parquet")),
        policy=_policy(run),
    )


def _library(run: RunDirectory, config: Config) -> pl.DataFrame:
    """The run's strategy_library: its strategies come from a file that may have changed since."""
    if not config.desk.budgets.enabled:
        return TABLES["strategy_library"].frame([])
    if LIBRARY in run.damaged():
        raise StateError(f"{run.path} cannot be replayed: {LIBRARY} is damaged or missing, and its strategies came from a file")
    return TABLES["strategy_library"].conform(pl.read_parquet(run.path / LIBRARY))


def _policy(run: RunDirectory) -> GivenPolicy | None:
    """The model the run's learned controller decided with; None where the baseline did."""
    if POLICY not in run.manifest["files"]:
        return None
    return GivenPolicy(read_policy(run.path / POLICY), str(run.path / POLICY))


def _scores_of_files(run: RunDirectory, config: Config) -> pl.DataFrame | None:
    """The run's instrument_scores where a mandate's come from a file; None where all come from pairs: computed again."""
    from_files = [mandate.portfolio_id for mandate in config.mandates if mandate.scores and mandate.scores.source == FILE]
    if not from_files:
        return None
    why = ""
    if SCORES not in run.manifest["files"]:
        why = f"it is of a version that kept no {SCORES}"
    elif SCORES in run.damaged():
        why = f"{SCORES} is damaged or missing"
    if why:
        raise StateError(
            f"{run.path} cannot be replayed: {why}, and the scores of {', '.join(from_files)} came from files that may have "
            "changed since: `riskdesk run` computes its sessions anew"
        )
    return TABLES["instrument_scores"].conform(pl.read_parquet(run.path / SCORES))


def require_tickets(place: Path, tickets: pl.DataFrame) -> None:
    """Raise StateError unless the ticket files kept in a directory still say what ticket_snapshots recorded of them."""
    folder = place / "tickets_snapshot"
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.is_dir() else {}
    recorded = set(tickets.filter(pl.col("status") != "REMOVED")["content_hash"].drop_nulls())
    missing = recorded - content_hashes(files)
    if missing:
        raise StateError(f"{folder}: {len(missing)} ticket(s) of ticket_snapshots are not among the kept files")
