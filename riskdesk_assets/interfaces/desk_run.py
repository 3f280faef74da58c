"""The main job from the command line: choose the sessions, run them through Dagster, send the alerts, read the book."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import click

from riskdesk_assets.alerts.sensors import deliver_breaches
from riskdesk_assets.common.desk_calendar import desk_calendar
from riskdesk_assets.common.halts import current_halts
from riskdesk_assets.common.session_halts import UnboundHalt, unbound_halts
from riskdesk_assets.common.settings import Config, Paths, load_config, load_paths
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.common.writer_lock import writer
from riskdesk_assets.construction.start import stale_from
from riskdesk_assets.interfaces.behind import Behind, behind_of, keep
from riskdesk_assets.interfaces.dagster_run import JobOutcome, run_job
from riskdesk_assets.interfaces.failures import Failure, Unusable, failure_named
from riskdesk_assets.interfaces.halts_view import journal_of
from riskdesk_assets.interfaces.instance import open_instance
from riskdesk_assets.interfaces.progress_bar import RunProgress
from riskdesk_assets.interfaces.run_summary import DeskSummary, desk_summary
from riskdesk_assets.interfaces.wanted_sessions import (
    WantedSessions,
    asked_sessions,
    catching_up,
    prices_reach,
    require_start,
)
from riskdesk_assets.market.newest import Reach
from riskdesk_assets.market.vendor import choose_vendor
from riskdesk_assets.reports.page.copies import page_copy
from riskdesk_assets.reports.run_artifacts import directory_id
from riskdesk_assets.strategy.loading import load_tickets

MAIN_JOB = "post_close"


@dataclass(frozen=True)
class DeskRun:
    """A finished main job: why these sessions, what Dagster recorded, and the book it came to.

    ``unbound_halts``: halts that stand and that the newest book was not bound by. ``behind``: what kept a run without dates
    from the newest closed session; None where nothing did.
    """

    wanted: WantedSessions
    outcome: JobOutcome
    summary: DeskSummary
    paths: Paths
    run_folder: Path | None
    alerts_sent: int
    undelivered: Mapping[str, str]
    ticket_problems: tuple[str, ...]
    stale_from: date | None
    unbound_halts: tuple[UnboundHalt, ...] = ()
    behind: Behind | None = None

    @property
    def failed(self) -> bool:
        """Whether a hard check failed, a session has no released book, or the run did not end well.

        A session that has no book because bars of some names are missing or wrong is one whose data check failed; where prices
        end for every name there is no such session.
        """
        held_back = self.behind is not None and self.behind.missing
        return bool(self.outcome.hard_failures or self.summary.unreleased or not self.outcome.success or held_back)

    @property
    def page(self) -> Path | None:
        """The report page of the newest session, where the run made one."""
        return report_page(self.paths, self.summary, self.run_folder)

    def as_json(self) -> dict[str, object]:
        """Everything, in dollars and plain words."""
        summary = self.summary
        return {
            "first": self.wanted.first,
            "last": self.wanted.last,
            "why": self.wanted.why,
            "source": summary.source,
            "profile": summary.profile,
            "nav": summary.nav,
            "session": summary.newest.session,
            "status": summary.newest.status,
            "released": not summary.unreleased,
            "market_regime": summary.market_regime,
            "tape_regimes": dict(summary.tape_regimes),
            "run_id": summary.newest.run_id,
            "dagster_run_id": self.outcome.dagster_run_id,
            "sessions": [asdict(line) for line in summary.sessions],
            "book": [{**asdict(line), "notional": line.notional} for line in summary.book],
            "book_sum_cents": summary.sum_cents,
            "desk_holds": summary.desk_holds,
            "guards": summary.guards,
            "limits_changed": [asdict(one) for one in summary.limits_changed],
            "failed_model_checks": list(summary.failed_model_checks),
            "clips": [asdict(line) for line in summary.clips],
            "limits": [asdict(line) for line in summary.limits],
            "failed_checks": [asdict(check) for check in self.outcome.failed_checks],
            "ticket_problems": list(self.ticket_problems),
            "stale_from": self.stale_from,
            "behind": None if self.behind is None else self.behind.fields(),
            "halts_not_binding": [one.fields for one in self.unbound_halts],
            "alerts_sent": self.alerts_sent,
            "alerts_failed": dict(self.undelivered),
            "paths": {
                "run": self.run_folder,
                "runs": self.paths.runs,
                "warehouse": self.paths.warehouse,
                "page": self.page,
            },
        }


def run_desk(
    asof: date | None, start: date | None, end: date | None, *, alert_backdated: bool, quiet: bool, verbose: bool
) -> DeskRun:
    """Run the main job over the sessions asked for, or over those that bring the desk up to date.

    Args:
        asof, start, end: as given on the command line; all None for the newest session.
        alert_backdated: send alerts for older sessions too.
        quiet: say nothing but errors.
        verbose: let Dagster's own log through.

    Raises:
        InputError, StateError: what was asked for cannot be computed.
        Failure: the run stopped; says where and why.
    """
    paths = load_paths()
    config = load_config(paths)
    wanted, reach = _wanted(paths, config, asof, start, end)
    if not quiet:
        click.echo(wanted.why[:1].upper() + wanted.why[1:], err=True)
    say_who_writes(paths)
    with open_instance() as instance:
        with RunProgress("riskdesk run").shown() as watcher:
            outcome = run_job(instance, MAIN_JOB, wanted.first, wanted.last, watcher, verbose=verbose)
        delivery, _ = deliver_breaches(instance, paths, _alerting(config, include_backdated=alert_backdated))
    require_finished(outcome)
    summary = desk_summary(Warehouse(paths.warehouse), config, wanted.first, wanted.last)
    if summary is None:
        checks = [f"{check.session or ''} {check.name}: {check.message}" for check in outcome.hard_failures]
        raise Failure(f"no session from {wanted.first} to {wanted.last} was computed", *checks)
    behind = None if reach is None else behind_of(wanted.last, reach)
    if reach is not None:
        keep(paths.data, behind)
    return DeskRun(
        wanted=wanted,
        outcome=outcome,
        summary=summary,
        paths=paths,
        run_folder=run_folder(paths, summary),
        alerts_sent=delivery.sent,
        undelivered=delivery.failures,
        ticket_problems=tuple(str(problem) for problem in load_tickets(paths.tickets, config.universe).problems),
        stale_from=stale_from(Warehouse(paths.warehouse).read("desk_state")),
        unbound_halts=_unbound_halts(config, summary.newest.session),
        behind=behind,
    )


def say_who_writes(paths: Paths) -> None:
    """Tell on standard error whom this run is about to wait for, if anyone writes the desk's data right now."""
    busy = writer(paths)
    if busy is not None:
        click.echo(f"waiting for {busy} to finish writing", err=True)


def require_finished(outcome: JobOutcome) -> None:
    """Tell what stopped a run, if anything but a failed check did (Failure)."""
    stopped = outcome.stopped
    if stopped is None:
        return
    failure = failure_named(stopped.kinds, stopped.lines)
    if isinstance(failure, Unusable):
        raise failure
    place = f"step {stopped.step.replace('_', ' ')}: " if stopped.step else ""
    where = f"the whole story: `riskdesk ui`, run {outcome.dagster_run_id}"
    raise Failure(f"{place}{stopped.lines[0]}", *stopped.lines[1:], where)


def wanted_sessions(paths: Paths, config: Config, asof: date | None, start: date | None, end: date | None) -> WantedSessions:
    """The sessions a run is about: those asked for, or those that bring the desk to the newest one; nothing is computed.

    Raises:
        InputError, StateError: what was asked for cannot be computed.
    """
    return _wanted(paths, config, asof, start, end)[0]


def _wanted(
    paths: Paths, config: Config, asof: date | None, start: date | None, end: date | None
) -> tuple[WantedSessions, Reach | None]:
    """The sessions, and how far prices reach where that chose them."""
    calendar, warehouse, now = desk_calendar(), Warehouse(paths.warehouse), datetime.now(UTC)
    reach: Reach | None = None
    if asof is not None or start is not None:
        wanted = asked_sessions(calendar, asof, start, end, now)
    else:
        vendor = choose_vendor(paths, config.universe, calendar, os.environ)
        reach = prices_reach(vendor, paths, config, calendar, now)
        wanted = catching_up(reach, warehouse, config, calendar)
    require_start(wanted.first, warehouse, calendar)
    return wanted, reach


def report_page(paths: Paths, summary: DeskSummary, folder: Path | None) -> Path | None:
    """The report page of the newest session; None where the run left none."""
    place = page_copy(paths.data, summary.newest.session)
    return place if folder is not None and place.is_file() else None


def _unbound_halts(config: Config, session: date) -> tuple[UnboundHalt, ...]:
    """Halts that stand and that a session's book was not bound by; a profile without a gatekeeper obeys none at all."""
    if not config.desk.gatekeeper.enabled:
        return ()
    with journal_of() as journal:
        return unbound_halts(current_halts(journal), desk_calendar(), session)


def _alerting(config: Config, *, include_backdated: bool) -> Config:
    if not include_backdated:
        return config
    alerts = config.desk.alerts.model_copy(update={"include_backdated": True})
    return config.model_copy(update={"desk": config.desk.model_copy(update={"alerts": alerts})})


def run_folder(paths: Paths, summary: DeskSummary) -> Path | None:
    """Where the artifacts of a run over exactly these sessions are; None when it left none."""
    lines = summary.sessions
    folder = paths.runs / directory_id([line.run_id for line in lines], lines[0].session, lines[-1].session)
    return folder if folder.is_dir() else None
