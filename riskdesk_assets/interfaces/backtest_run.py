"""One backtest as a run of the job ``backtest``, and what it came to on a terminal."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from dagster import DagsterInstance

from riskdesk_assets.common.desk_calendar import desk_calendar
from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.hashing import digest_bytes
from riskdesk_assets.common.settings import load_config, load_paths
from riskdesk_assets.interfaces.compare_run import materialized
from riskdesk_assets.interfaces.dagster_run import JobOutcome, Watcher, run_job
from riskdesk_assets.interfaces.desk_run import require_finished
from riskdesk_assets.interfaces.failures import Unusable
from riskdesk_assets.interfaces.instance import open_instance
from riskdesk_assets.interfaces.mandate_backtest_view import show_mandate
from riskdesk_assets.interfaces.options import require_one_way
from riskdesk_assets.interfaces.progress_bar import RunProgress
from riskdesk_assets.interfaces.reach import first_day, require_reach
from riskdesk_assets.interfaces.terminal import banner, console, dollars, escaped, table
from riskdesk_assets.interfaces.wanted_sessions import asked_sessions, newest_session
from riskdesk_assets.market.vendor import choose_vendor
from riskdesk_assets.research.assets import BACKTESTS, METRICS_HASH
from riskdesk_assets.research.attribution import PARTS
from riskdesk_assets.research.backtest_directory import METRICS
from riskdesk_assets.research.backtest_request import BacktestRequest, read_request, require_usable_variants
from riskdesk_assets.research.backtest_run import sharing
from riskdesk_assets.research.backtest_settings import load_backtest_settings
from riskdesk_assets.research.comparison_files import shown
from riskdesk_assets.research.sweep import COLUMNS
from riskdesk_assets.research.tear_sheet.sheet import SHEET
from riskdesk_assets.research.variants import Variant
from riskdesk_assets.research.walk_forward import windows

JOB = "backtest"
_SHOWN_SKIPS = 5


@dataclass(frozen=True)
class BacktestRun:
    """A finished backtest: its directory, what its metrics.json says, and Dagster's run."""

    place: Path
    said: Mapping[str, Any]
    dagster_run_id: str

    @property
    def breached(self) -> bool:
        """Whether a released book breached a hard limit."""
        return bool(self.said["metrics"]["released_breaches"])

    def as_json(self) -> dict[str, object]:
        """Everything metrics.json says, and where it is."""
        return {**self.said, "directory": self.place, "tear_sheet": self.place / SHEET, "dagster_run_id": self.dagster_run_id}

    def show(self) -> None:
        """The headline, the tickets, what was skipped, and where the rest is."""
        if "mandate" in self.said:
            show_mandate(self.said, self.place)
            return
        out, metrics = console(), self.said["metrics"]
        out.print(f"{banner(self.said['source'])}  {self.said['first']} to {self.said['last']}, profile {self.said['profile']}")
        for note in self.said["notes"]:
            out.print(f"[dim]{escaped(note)}[/]")
        headline = table("", ">")
        for name, unit in COLUMNS:
            headline.add_row(name.replace("_", " "), shown(metrics[name], unit))
        headline.add_row("days with features", shown(metrics["days_with_features"], "sessions"))
        out.print(headline)
        parts = metrics["attribution"]
        out.print("net P&L: " + ", ".join(f"{name} {dollars(parts[name])}" for name in PARTS), soft_wrap=True)
        earned = table("ticket", "pair", "bucket", ">held", ">before costs", ">costs", ">net")
        for name, item in sorted(metrics["by_ticket"].items(), key=lambda pair: -pair[1]["pnl_net"]):
            amounts = [dollars(item[key]) for key in ("pnl_gross", "costs", "pnl_net")]
            earned.add_row(escaped(name), item["pair"], item["bucket"], str(item["days_held"]), *amounts)
        out.print(earned)
        skipped = metrics["skipped_days"]
        for row in skipped[:_SHOWN_SKIPS]:
            out.print(f"[yellow]skipped[/] {row['as_of_date']} {row['status']}: no price of {row['missing_symbols']}")
        if len(skipped) > _SHOWN_SKIPS:
            out.print(f"[yellow]skipped[/] {len(skipped) - _SHOWN_SKIPS} sessions more, in metrics.json")
        if "walk_forward" in metrics:
            told = metrics["walk_forward"]
            chosen = ", ".join(f"{name} {count} times" for name, count in told["chosen"].items())
            out.print(f"walk-forward: {told['windows']} windows by {told['criterion']}: {escaped(chosen)}")
        out.print(f"[dim]kept in[/]  {self.place}", soft_wrap=True)
        out.print(f"[dim]sheet[/]    {self.place / SHEET}", soft_wrap=True)


def asked_range(
    start: date | None, end: date | None, reach: str | None, tickets: Path | None, profile: str | None
) -> tuple[date, date]:
    """The sessions of ``--start`` and ``--end``, or those of ``--last``.

    Raises:
        Unusable: both ways, none, or a reach that is not a number and a unit.
        InputError: no session, or one that has not closed.
    """
    calendar, now = desk_calendar(), datetime.now(UTC)
    if reach is None:
        require_one_way(None, start, end, required=False)
        if start is None:
            raise Unusable("which sessions? Give --start D --end D, or --last 6m")
        wanted = asked_sessions(calendar, None, start, end, now)
        return wanted.first, wanted.last
    if start is not None or end is not None:
        raise Unusable("--last stands alone: give it, or --start and --end")
    require_reach(reach)
    paths = load_paths()
    paths = paths if tickets is None else replace(paths, tickets=tickets.resolve())
    config = load_config(paths, {**os.environ, **({"RISKDESK_PROFILE": profile} if profile else {})})
    vendor = choose_vendor(paths, config.universe, calendar, os.environ)
    newest = newest_session(vendor, paths, config, calendar, now)
    wanted = asked_sessions(calendar, None, first_day(reach, newest), newest, now)
    return wanted.first, wanted.last


def run_backtest(request: BacktestRequest, variants: Sequence[Variant], *, walk_forward: bool, verbose: bool) -> BacktestRun:
    """Run one backtest, or one walk-forward over variants, through Dagster.

    Raises:
        InputError: unusable settings, tickets, variants, or too short a range, before anything runs.
        Failure: the run stopped; says where and why.
    """
    if walk_forward:
        if len(variants) < 2:
            raise Unusable("--walk-forward chooses among the variants of --sweep FILE: name at least two")
        require_usable_variants(request, variants, load_paths(), os.environ)
        request = replace(request, candidates={item.name: item.overrides for item in variants})
    paths = load_paths()
    asked = read_request(request, paths, os.environ)
    settings = load_backtest_settings(asked.paths.config)
    if request.candidates:
        windows(desk_calendar().between(request.first, request.last), settings.walk_forward)
    with open_instance() as instance:
        with RunProgress("riskdesk backtest").shown() as watcher:
            outcome = run_partition(instance, request, asked.label, watcher, verbose=verbose)
        require_finished(outcome)
        return finished(instance, outcome)


def run_mandates(request: BacktestRequest, mandates: Sequence[str], *, verbose: bool) -> list[BacktestRun]:
    """A backtest of each research mandate, one after the other; what they read of the sessions is computed once.

    Raises:
        InputError: a name that is no mandate, unusable settings or tickets, before anything runs.
        Failure: a run stopped; says where and why.
    """
    requests = [replace(request, mandate=name) for name in dict.fromkeys(mandates)]
    paths = load_paths()
    for item in requests:
        read_request(item, paths, os.environ)
    with sharing():
        return [run_backtest(item, (), walk_forward=False, verbose=verbose) for item in requests]


def run_partition(
    instance: DagsterInstance, request: BacktestRequest, label: str, watcher: Watcher | None, *, verbose: bool
) -> JobOutcome:
    """A request as one partition of the asset ``backtests``."""
    instance.add_dynamic_partitions(str(BACKTESTS.name), [label])
    run_config = {"ops": {"backtests": {"config": as_run_config(request)}}}
    return run_job(instance, JOB, None, None, watcher, verbose=verbose, run_config=run_config, partition=label)


def as_run_config(request: BacktestRequest) -> dict[str, object]:
    """The request as the asset is told it."""
    return {
        "start": str(request.first),
        "end": str(request.last),
        "name": request.name,
        **({} if request.profile is None else {"profile": request.profile}),
        **({} if request.tickets is None else {"tickets": str(request.tickets)}),
        **({} if request.mandate is None else {"mandate": request.mandate}),
        "overrides": _plain(request.overrides),
        "candidates": {name: _plain(overrides) for name, overrides in request.candidates.items()},
    }


def finished(instance: DagsterInstance, outcome: JobOutcome) -> BacktestRun:
    """What a finished run left.

    Raises:
        StateError: the file that is about to be shown is not what was just computed.
    """
    told = materialized(instance, outcome.dagster_run_id)
    place = Path(str(told["directory"]))
    raw = (place / METRICS).read_bytes()
    if digest_bytes(raw) != told[METRICS_HASH]:
        raise StateError(f"{place / METRICS} is not what was just computed: restore the directory, or move it away")
    return BacktestRun(place, json.loads(raw), outcome.dagster_run_id)


def _plain(overrides: Mapping[str, object]) -> dict[str, object]:
    return {path: str(value) if isinstance(value, date) else value for path, value in overrides.items()}
