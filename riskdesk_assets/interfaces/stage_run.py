"""One stage of the main job as a Dagster job of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from riskdesk_assets.common.desk_calendar import desk_calendar
from riskdesk_assets.common.settings import Config, Paths, load_config, load_paths
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.construction.start import stale_from
from riskdesk_assets.interfaces.dagster_run import JobOutcome, run_job
from riskdesk_assets.interfaces.desk_run import report_page, require_finished, run_folder, say_who_writes
from riskdesk_assets.interfaces.instance import open_instance
from riskdesk_assets.interfaces.progress_bar import RunProgress
from riskdesk_assets.interfaces.run_summary import DeskSummary, desk_summary
from riskdesk_assets.interfaces.wanted_sessions import WantedSessions, asked_sessions, require_start

CONTROLLER = "controller"
TABLES_OF: Mapping[str, tuple[str, ...]] = {
    "ingest": ("daily_bars", "volatility_index", "bar_findings"),
    "features": (
        "pair_state",
        "market_regime",
        "instrument_state",
        "return_correlations",
        "instrument_factors_daily",
        "scenarios",
    ),
    CONTROLLER: ("proposals", "decisions", "clip_ledger", "ideal_portfolio", "desk_positions"),
    "realize": ("realized_pnl",),
}


@dataclass(frozen=True)
class StageRun:
    """A finished stage: what Dagster recorded, the rows its tables now hold for its sessions, and, for a walk, the book."""

    job: str
    wanted: WantedSessions
    sessions: int
    source: str
    outcome: JobOutcome
    rows: Mapping[str, int]
    pnl_net: float | None
    summary: DeskSummary | None
    stale_from: date | None
    paths: Paths
    config: Config

    @property
    def run_folder(self) -> Path | None:
        """The run directory of a walk; None where it left none."""
        return None if self.summary is None else run_folder(self.paths, self.summary)

    @property
    def page(self) -> Path | None:
        """The report page of a walk's newest session; None where it left none."""
        return None if self.summary is None else report_page(self.paths, self.summary, self.run_folder)

    @property
    def failed(self) -> bool:
        """Whether a hard check failed, the run did not end well, or a session of a walk has no released book."""
        unreleased = self.summary.unreleased if self.summary else ()
        return bool(self.outcome.hard_failures or not self.outcome.success or unreleased)

    def as_json(self) -> dict[str, object]:
        """Everything, in plain words."""
        walked: dict[str, object] = {}
        places: dict[str, object] = {"warehouse": self.paths.warehouse}
        if self.summary is not None:
            walked = {"sessions": [asdict(line) for line in self.summary.sessions], "stale_from": self.stale_from}
            places |= {"run": self.run_folder, "page": self.page}
        realized = {} if self.pnl_net is None else {"pnl_net": self.pnl_net}
        return {
            "job": self.job,
            "first": self.wanted.first,
            "last": self.wanted.last,
            "session_count": self.sessions,
            "source": self.source,
            "dagster_run_id": self.outcome.dagster_run_id,
            "rows": dict(self.rows),
            "failed_checks": [asdict(check) for check in self.outcome.failed_checks],
            "paths": places,
            **walked,
            **realized,
        }


def run_stage(job: str, asof: date | None, start: date | None, end: date | None, *, verbose: bool) -> StageRun:
    """Run one stage's job over the sessions asked for.

    Raises:
        InputError, StateError: what was asked for cannot be computed.
        Failure: the run stopped; says where and why.
    """
    paths = load_paths()
    config, calendar, warehouse = load_config(paths), desk_calendar(), Warehouse(paths.warehouse)
    wanted = asked_sessions(calendar, asof, start, end, datetime.now(UTC))
    if job == CONTROLLER:
        require_start(wanted.first, warehouse, calendar)
    say_who_writes(paths)
    with open_instance() as instance, RunProgress(f"riskdesk {job}").shown() as watcher:
        outcome = run_job(instance, job, wanted.first, wanted.last, watcher, verbose=verbose)
    require_finished(outcome)
    bars = warehouse.read("daily_bars", wanted.first, wanted.last)
    written = warehouse.read_all(TABLES_OF[job], wanted.first, wanted.last)
    return StageRun(
        job=job,
        wanted=wanted,
        sessions=len(calendar.between(wanted.first, wanted.last)),
        source=", ".join(bars["source"].unique().sort().to_list()),
        outcome=outcome,
        rows={name: rows.height for name, rows in written.items()},
        pnl_net=float(warehouse.read("realized_pnl", wanted.first, wanted.last)["pnl_net"].sum()) if job == "realize" else None,
        summary=desk_summary(warehouse, config, wanted.first, wanted.last) if job == CONTROLLER else None,
        stale_from=stale_from(warehouse.read("desk_state")) if job == CONTROLLER else None,
        paths=paths,
        config=config,
    )
