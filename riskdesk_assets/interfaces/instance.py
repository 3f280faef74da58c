"""The Dagster instance of the command line: the one the UI shows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.instance.ref import InstanceRef

from riskdesk_assets.common.settings import ROOT, load_paths


@contextmanager
def open_instance() -> Iterator[DagsterInstance]:
    """Open the instance for as long as the block runs: DAGSTER_HOME's if set, else that of plain ``dagster dev`` in the repo.

    The latter is described by the repo's dagster.yaml and lives under DATA_DIR/dagster.
    """
    if os.environ.get("DAGSTER_HOME"):
        with DagsterInstance.get() as instance:
            yield instance
        return
    home = load_paths().data / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    with DagsterInstance.from_ref(InstanceRef.from_dir(str(home), config_dir=str(config_dir()))) as instance:
        yield instance


def close_dead_runs(instance: DagsterInstance) -> list[str]:
    """Record as failed every run that says it is running while its process on this machine is gone; returns their ids.

    A killed process cannot say that it ended, and while it seems to run the queue starts nothing else.
    """
    closed = []
    for run in instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED])):
        started = instance.all_logs(run.run_id, of_type=DagsterEventType.RUN_START)
        pids = [entry.dagster_event.pid for entry in started if entry.dagster_event and entry.dagster_event.pid]
        if pids and not any(_is_alive(pid) for pid in pids):
            instance.report_run_failed(
                run, f"The process {pids[-1]} that ran it is gone: it was killed, or the machine stopped."
            )
            closed.append(run.run_id)
    return closed


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def config_dir() -> Path:
    """The folder of the dagster.yaml that describes the instance: this one, if it is a desk's, else the checkout's."""
    here = Path.cwd()
    return here if (here / "dagster.yaml").is_file() and (here / "config" / "desk.yaml").is_file() else ROOT
