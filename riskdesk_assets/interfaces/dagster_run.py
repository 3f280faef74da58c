"""One Dagster job in this process, quietly: what it recorded, and what stopped it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from dagster import AssetCheckEvaluation, AssetCheckSeverity, DagsterEvent, DagsterInstance, EventLogEntry
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from dagster_shared.error import SerializableErrorInfo

from riskdesk_assets.common.progress import listening
from riskdesk_assets.interfaces.instance import close_dead_runs

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_CHECK_FAILED = "DagsterAssetCheckFailedError"


class Watcher(Protocol):
    """Somebody who is told how far a run is."""

    def step(self, name: str, place: int, total: int) -> None:
        """The ``place``-th of ``total`` steps begins."""

    def work(self, task: str, done: int, total: int) -> None:
        """``done`` of ``total`` parts of a step are finished."""


@dataclass(frozen=True)
class FailedCheck:
    """A check that failed; ``hard`` is False for a warning, ``session`` None where the check is about none.

    ``about``: the names, portfolios or limits it is about, separated by commas; empty where it does not say.
    """

    name: str
    session: date | None
    hard: bool
    message: str
    about: str = ""


@dataclass(frozen=True)
class Stopped:
    """What ended a run early: the step, the error's classes (innermost first) and its message, line by line."""

    step: str
    kinds: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class JobOutcome:
    """A finished job: Dagster's id of the run, the failed checks in the order recorded, and what stopped it (None: nothing)."""

    dagster_run_id: str
    success: bool
    failed_checks: tuple[FailedCheck, ...]
    stopped: Stopped | None

    @property
    def hard_failures(self) -> tuple[FailedCheck, ...]:
        """The failed checks that are not warnings."""
        return tuple(check for check in self.failed_checks if check.hard)


def run_job(
    instance: DagsterInstance,
    job: str,
    first: date | None,
    last: date | None,
    watcher: Watcher | None = None,
    *,
    verbose: bool = False,
    run_config: Mapping[str, object] | None = None,
    partition: str | None = None,
) -> JobOutcome:
    """Run a job over the sessions ``first`` to ``last`` as one run of the instance, which the UI shows too.

    Args:
        job: a name of riskdesk_assets.jobs.
        first, last: sessions; both None for a job without partitions.
        watcher: told of every step, and of the work inside it.
        verbose: let Dagster's own log through to standard error.
        run_config: what the job's assets are told.
        partition: the key of a job whose partitions are no sessions; it must be known to the instance.

    Raises:
        KeyboardInterrupt: somebody stopped it; what was written before stands.
    """
    from riskdesk_assets.definitions import defs

    close_dead_runs(instance)
    definition = defs.resolve_job_def(job)
    run_id = str(uuid.uuid4())
    if watcher is not None:
        instance.add_event_listener(run_id, _Steps(watcher, len(definition.nodes)))
    ends: dict[str, str] = {}
    if first is not None and last is not None and first != last:
        ends = {ASSET_PARTITION_RANGE_START_TAG: first.isoformat(), ASSET_PARTITION_RANGE_END_TAG: last.isoformat()}
    with listening(watcher.work if watcher is not None else lambda task, done, total: None):
        try:
            result = definition.execute_in_process(
                instance=instance,
                partition_key=first.isoformat() if first is not None and first == last else partition,
                tags=ends,
                run_config={**({} if verbose else QUIET), **(run_config or {})},
                raise_on_error=False,
                run_id=run_id,
            )
        except DagsterExecutionInterruptedError:
            raise KeyboardInterrupt from None
    stopped = _stopped(result.all_events)
    said = () if stopped is None else (*stopped.kinds, *stopped.lines)
    if any(DagsterExecutionInterruptedError.__name__ in line for line in said):
        # Inside a step Dagster records the interrupt as that step's failure.
        raise KeyboardInterrupt
    return JobOutcome(run_id, result.success, tuple(_failed_checks(result.all_events)), stopped)


class _Steps:
    def __init__(self, watcher: Watcher, total: int) -> None:
        self._watcher, self._total, self._place = watcher, total, 0

    def __call__(self, entry: EventLogEntry) -> None:
        event = entry.dagster_event
        if event is not None and event.is_step_start:
            self._place += 1
            self._watcher.step(event.step_key or "", self._place, self._total)


def _failed_checks(events: Sequence[DagsterEvent]) -> Iterator[FailedCheck]:
    for event in events:
        found = event.event_specific_data
        if not isinstance(found, AssetCheckEvaluation) or found.passed:
            continue
        values = {name: value.value for name, value in found.metadata.items()}
        day = found.partition or values.get("as_of_date")
        if values.get("range_summary"):
            continue
        yield FailedCheck(
            name=f"{found.asset_key.to_user_string()}/{found.check_name}",
            session=date.fromisoformat(day) if isinstance(day, str) else None,
            hard=found.severity == AssetCheckSeverity.ERROR,
            message=str(values.get("message") or found.description or ""),
            about=str(values.get("limit") or ""),
        )


def _stopped(events: Sequence[DagsterEvent]) -> Stopped | None:
    """The first failure that is more than a failed check: a check that stops what comes after is told as a check."""
    for event in events:
        info: SerializableErrorInfo | None = None
        if event.is_step_failure:
            info = event.step_failure_data.error
        elif event.is_run_failure:
            info = event.job_failure_data.error
        else:
            info = getattr(event.event_specific_data, "error", None)
        if info is None:
            continue
        chain = [info]
        while chain[-1].cause is not None:
            chain.append(chain[-1].cause)
        kinds = tuple(link.cls_name or "" for link in reversed(chain))
        if _CHECK_FAILED in kinds:
            continue
        return Stopped(event.step_key or "", kinds, tuple(_said(chain[-1])))
    return None


def _said(info: SerializableErrorInfo) -> list[str]:
    """The error's own words, without the ``module.Class:`` a traceback puts before them."""
    text = info.message.strip()
    head, separator, rest = text.partition(": ")
    name = info.cls_name or ""
    own = rest if separator and name and head.rsplit(".", 1)[-1] == name else text
    return [line for line in own.splitlines() if line.strip()] or [name]
