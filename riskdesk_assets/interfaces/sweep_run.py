"""A sweep: every variant a backtest of its own, a partition of the asset ``backtests``, run side by side by processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import polars as pl

from riskdesk_assets.common.settings import load_paths
from riskdesk_assets.interfaces.backtest_run import as_run_config
from riskdesk_assets.interfaces.failures import Failure, Unusable
from riskdesk_assets.interfaces.instance import open_instance
from riskdesk_assets.interfaces.mandate_backtest_view import show_mandate_sweep
from riskdesk_assets.interfaces.progress_bar import RunProgress
from riskdesk_assets.interfaces.terminal import banner, console, escaped, table
from riskdesk_assets.research.assets import BACKTESTS
from riskdesk_assets.research.backtest_directory import backtests_folder
from riskdesk_assets.research.backtest_request import BacktestRequest, read_request, require_usable_variants
from riskdesk_assets.research.backtest_settings import load_backtest_settings
from riskdesk_assets.research.comparison_files import shown, side_by_side
from riskdesk_assets.research.sweep import measures_of, sweep_frame
from riskdesk_assets.research.sweep_files import write_sweep
from riskdesk_assets.research.variants import Variant

_CHOSEN = {
    "total_pnl_net": "net P&L",
    "sharpe_ratio": "Sharpe",
    "volatility": "volatility",
    "max_drawdown": "drawdown",
    "total_costs": "costs",
    "mean_gross": "mean gross",
}
"""Of COLUMNS, what 80 characters have room for, and what it is called there; the rest is in the sweep's own files."""
_NAME_WIDTH = 12
"""Characters 80 have room for beside them; variants with a longer name are numbered."""
_WORKER = "riskdesk_assets.interfaces.backtest_worker"
Said = Mapping[str, Any]


@dataclass(frozen=True)
class SweepRun:
    """A finished sweep: where its table is kept, and what every variant's backtest says, in the order of the file."""

    place: Path
    said: Mapping[str, Said]

    @property
    def frame(self) -> pl.DataFrame:
        """One row per variant and metric."""
        return sweep_frame(self.said)

    def as_json(self) -> dict[str, object]:
        """The metrics of every variant, and where its directory is."""
        return {
            "directory": self.place,
            "metrics": {name: item["metrics"] for name, item in self.said.items()},
            "backtests": {
                name: {key: item[key] for key in ("backtest_id", "directory", "tear_sheet", "overrides", "dagster_run_id")}
                for name, item in self.said.items()
            },
        }

    def show(self) -> None:
        """One row per variant."""
        out, first = console(), next(iter(self.said.values()))
        out.print(f"{banner(first['source'])}  {first['first']} to {first['last']}, {len(self.said)} variants")
        if "mandate" in first:
            show_mandate_sweep(list(self.said), measures_of(self.said))
            out.print(f"[dim]kept in[/]  {self.place}", soft_wrap=True)
            return
        wide = side_by_side(self.frame)
        units = dict(wide.select("measure", "unit").iter_rows())
        values = {row["measure"]: row for row in wide.iter_rows(named=True)}
        # A name is as long as its grid is wide: it stands whole above the table, where no column cuts it short.
        numbered = max(map(len, self.said)) > _NAME_WIDTH
        found = table("" if numbered else "variant", *(f">{word}" for word in _CHOSEN.values()))
        for place, name in enumerate(self.said, start=1):
            if numbered:
                out.print(f"{place:>3}  {escaped(name)}", soft_wrap=True)
            said = str(place) if numbered else escaped(name)
            found.add_row(said, *(shown(values[metric][name], units[metric]) for metric in _CHOSEN))
        out.print(found)
        out.print(f"[dim]kept in[/]  {self.place}", soft_wrap=True)


def run_sweep(
    request: BacktestRequest,
    variants: Sequence[Variant],
    workers: int | None,
    *,
    verbose: bool,
    mandates: Sequence[str] = (),
) -> SweepRun:
    """Run every variant as a backtest, ``workers`` of them at a time.

    Args:
        request: range, tickets, profile, and what is laid over for all.
        variants: one or more, of different names.
        workers: processes; as many as processors for None.
        mandates: the research mandates to walk, each under every variant; none: the desk's tickets.

    Raises:
        InputError: an unusable variant or ticket, before anything runs.
        Failure: a variant stopped; says which and why.
    """
    paths = load_paths()
    walked = tuple(dict.fromkeys(mandates)) or (None,)
    for mandate in walked:
        require_usable_variants(replace(request, mandate=mandate), variants, paths, os.environ)
    requests = {
        f"{mandate}: {item.name}" if len(walked) > 1 else item.name: replace(
            request, name=item.name, overrides={**request.overrides, **item.overrides}, mandate=mandate
        )
        for mandate in walked
        for item in variants
    }
    asked = {name: read_request(item, paths, os.environ) for name, item in requests.items()}
    load_backtest_settings(next(iter(asked.values())).paths.config)
    with open_instance() as instance:
        instance.add_dynamic_partitions(str(BACKTESTS.name), [item.label for item in asked.values()])
    jobs = [
        (name, {"label": asked[name].label, "request": as_run_config(item), "verbose": verbose})
        for name, item in requests.items()
    ]
    count = min(workers or os.cpu_count() or 1, len(jobs))
    with RunProgress("riskdesk backtest --sweep").shown() as bar:
        said = _side_by_side(jobs, count, bar)
    ordered = {name: said[name] for name in requests}
    return SweepRun(write_sweep(backtests_folder(paths.runs), ordered), ordered)


class _Crew:
    """What the threads that feed the workers share: jobs to do, answers, and the first failure."""

    def __init__(self, jobs: Sequence[tuple[str, Mapping[str, Any]]], bar: RunProgress | None) -> None:
        self.jobs: SimpleQueue[tuple[str, Mapping[str, Any]]] = SimpleQueue()
        for job in jobs:
            self.jobs.put(job)
        self.said: dict[str, Said] = {}
        self.failure: Failure | None = None
        self._bar, self._total, self._shares = bar, len(jobs), dict.fromkeys((name for name, _ in jobs), 0.0)
        self._lock = threading.Lock()

    def next_job(self) -> tuple[str, Mapping[str, Any]] | None:
        """Another variant, or None when there is none or one has failed."""
        try:
            return None if self.failure is not None else self.jobs.get_nowait()
        except Empty:
            return None

    def progress(self, name: str, share: float) -> None:
        """How far a variant is, of 1."""
        with self._lock:
            self._shares[name] = share
            if self._bar is not None:
                finished = sum(1 for value in self._shares.values() if value >= 1.0)
                self._bar.step(
                    f"{finished} of {self._total} variants", int(100 * sum(self._shares.values())) + 1, 100 * self._total
                )

    def fail(self, failure: Failure) -> None:
        """The first failure is the one that is told."""
        with self._lock:
            self.failure = self.failure or failure


def _side_by_side(jobs: Sequence[tuple[str, Mapping[str, Any]]], workers: int, bar: RunProgress | None) -> dict[str, Said]:
    crew = _Crew(jobs, bar)
    with _processes(workers) as processes:
        threads = [threading.Thread(target=_fed, args=(process, crew), daemon=True) for process in processes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if crew.failure is not None:
        raise crew.failure
    return crew.said


@contextmanager
def _processes(count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Worker processes; whatever happens, none of them outlives the block."""
    started: list[subprocess.Popen[str]] = []
    try:
        for _ in range(count):
            command = [sys.executable, "-m", _WORKER]
            started.append(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
            )
        yield started
        for process in started:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(timeout=60)
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
                process.wait()


def _fed(process: subprocess.Popen[str], crew: _Crew) -> None:
    """Give a worker one variant after the other."""
    while (job := crew.next_job()) is not None:
        name, asked = job
        answer = _answered(process, name, asked, crew)
        if "done" in answer:
            crew.said[name] = answer["done"]
            crew.progress(name, 1.0)
            continue
        lines = [f"variant {name}: {line}" for line in answer.get("failed", ["its process ended"])]
        crew.fail(Unusable(*lines) if answer.get("unusable") else Failure(*lines))


def _answered(process: subprocess.Popen[str], name: str, asked: Mapping[str, Any], crew: _Crew) -> Said:
    """Send one variant and wait for how it ended; nothing where the process is gone."""
    if process.stdin is None or process.stdout is None:
        return {}
    try:
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        return {}
    for line in process.stdout:
        answer: dict[str, Any] = json.loads(line)
        if "progress" not in answer:
            return answer
        done, total = answer["progress"]
        crew.progress(name, min(0.99, done / max(total, 1)))
    return {}
