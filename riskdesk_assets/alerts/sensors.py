"""From Dagster's event log to the outbox: failed checks and missing books, each told once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetCheckSeverity,
    AssetKey,
    DagsterEventType,
    DagsterInstance,
    DefaultSensorStatus,
    EventLogEntry,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, PARTITION_NAME_TAG

from riskdesk_assets.alerts.breaches import Evaluation, breach_alerts
from riskdesk_assets.alerts.channels import Channel, open_channels
from riskdesk_assets.alerts.heartbeat import due_session, heartbeat_alert
from riskdesk_assets.alerts.outbox import Delivery, Outbox
from riskdesk_assets.common.desk_calendar import desk_calendar
from riskdesk_assets.common.settings import Config, Paths, load_config, load_paths

EVENTS_PER_READ = 1000
READS_PER_TICK = 20
NEWEST_SESSION = "newest_session"
EVENTS_READ = "events_read"
RELEASE_CHECK = AssetCheckKey(AssetKey("ideal_portfolio"), "release")
SUMMARY = "range_summary"
COMPLETED = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}


def deliver_breaches(
    instance: DagsterInstance, paths: Paths, config: Config, cursor: int | None = None
) -> tuple[Delivery, int]:
    """Read the check results recorded since ``cursor``, put the breaches into the outbox, and send what is pending.

    The command line calls it after a run in its own process, the sensor at each tick; both share one outbox, which sends an
    alert once however often it is found.

    Args:
        cursor: storage id of the last event read; None: as far as the outbox itself remembers.

    Returns:
        What was delivered, and the storage id of the last event read.
    """
    outbox, channels = _outbox(paths, config)
    start = _start(instance, outbox, cursor)
    evaluations: list[Evaluation] = []
    last = start
    for storage_id, entry in _recorded(instance, start):
        last = storage_id
        evaluation = _evaluation(entry)
        if evaluation is not None:
            evaluations.append(evaluation)
    if evaluations:
        newest_session = _newest_session(instance, outbox, evaluations)
        alerts = breach_alerts(
            evaluations,
            lambda evaluation: _newest(instance, evaluation),
            newest_session,
            config.desk.alerts.include_backdated,
        )
        outbox.enqueue(alerts, channels)
        outbox.set_mark(NEWEST_SESSION, newest_session.isoformat())
    outbox.set_mark(EVENTS_READ, str(last))
    return outbox.deliver(channels), last


def deliver_heartbeat(instance: DagsterInstance, paths: Paths, config: Config, now: datetime) -> Delivery:
    """Put the alert of a missing book, if there is one at ``now``, into the outbox, and send what is pending."""
    outbox, channels = _outbox(paths, config)
    calendar = desk_calendar()
    deadline = config.desk.alerts.release_deadline
    latest = _latest_released(instance, due_session(now, calendar, deadline))
    alert = heartbeat_alert(now, calendar, deadline, latest)
    if alert is not None:
        outbox.enqueue([alert], channels)
    return outbox.deliver(channels)


@sensor(
    name="limit_breach_sensor",
    minimum_interval_seconds=30,
    default_status=DefaultSensorStatus.RUNNING,
    description="Failed limit and data checks -> alerts, once per breach; never for superseded or back-dated sessions.",
)
def limit_breach_sensor(context: SensorEvaluationContext) -> SensorResult:
    """Tell of new breaches. A breach asks for no run: the same inputs would give the same book."""
    paths = load_paths()
    cursor = int(context.cursor) if context.cursor else None
    delivery, last = deliver_breaches(context.instance, paths, load_config(paths), cursor)
    return SensorResult(skip_reason=SkipReason(_said(delivery)), cursor=str(last))


@sensor(
    name="heartbeat_sensor",
    minimum_interval_seconds=300,
    default_status=DefaultSensorStatus.RUNNING,
    description="A session without a released book by the release deadline -> one alert.",
)
def heartbeat_sensor(context: SensorEvaluationContext) -> SensorResult:
    """Tell of a missing book."""
    paths = load_paths()
    delivery = deliver_heartbeat(context.instance, paths, load_config(paths), datetime.now(UTC))
    return SensorResult(skip_reason=SkipReason(_said(delivery)))


SENSORS = (limit_breach_sensor, heartbeat_sensor)


def _outbox(paths: Paths, config: Config) -> tuple[Outbox, Sequence[Channel]]:
    return Outbox(paths.data / "alerts.sqlite"), open_channels(config.desk.alerts, paths.data)


def _start(instance: DagsterInstance, outbox: Outbox, cursor: int | None) -> int:
    """Where to read on; from the beginning when the event log is shorter than what was read, for then it is a new one."""
    start = int(outbox.mark(EVENTS_READ) or -1) if cursor is None else cursor
    return start if start <= (instance.event_log_storage.get_maximum_record_id() or -1) else -1


def _recorded(instance: DagsterInstance, after: int) -> Iterator[tuple[int, EventLogEntry]]:
    """Check results in the order in which they were stored, at most EVENTS_PER_READ * READS_PER_TICK of them."""
    for _ in range(READS_PER_TICK):
        read = instance.event_log_storage.get_logs_for_all_runs_by_log_id(
            after_cursor=after, dagster_event_type=DagsterEventType.ASSET_CHECK_EVALUATION, limit=EVENTS_PER_READ
        )
        yield from read.items()
        if len(read) < EVENTS_PER_READ:
            return
        after = max(read)


def _evaluation(entry: EventLogEntry) -> Evaluation | None:
    """The result of one check for one session; None for the summary of a range and for a check of no session."""
    result = entry.get_dagster_event().event_specific_data
    if not isinstance(result, AssetCheckEvaluation):
        return None
    values = {name: value.value for name, value in result.metadata.items()}
    day = result.partition or values.get("as_of_date")
    if values.get(SUMMARY) or not isinstance(day, str):
        return None
    try:
        session = date.fromisoformat(day)
    except ValueError:
        return None
    texts = {name: "" if values.get(name) is None else str(values[name]) for name in ("limit", "measured", "bound")}
    return Evaluation(
        asset=result.asset_key.to_user_string(),
        check=result.check_name,
        session=session,
        passed=result.passed,
        hard=result.severity == AssetCheckSeverity.ERROR,
        run_id=entry.run_id,
        at=entry.timestamp,
        message=str(values.get("message") or result.description or ""),
        run_hash=str(values.get("run_hash") or ""),
        told=bool(values.get("told")),
        **texts,
    )


def _newest(instance: DagsterInstance, evaluation: Evaluation) -> Evaluation | None:
    key = AssetCheckKey(AssetKey.from_user_string(evaluation.asset), evaluation.check)
    return _latest_of(instance, key, evaluation.session)


def _latest_of(instance: DagsterInstance, key: AssetCheckKey, session: date) -> Evaluation | None:
    """The latest recorded result of a check for a session: under its partition, or naming it in the metadata."""
    found: list[Evaluation] = []
    # A check without partitions records a single session under no partition: its last few results are looked through.
    for partition, limit in ((session.isoformat(), 1), (None, 50)):
        history = instance.event_log_storage.get_asset_check_execution_history(
            key, limit=limit, status=COMPLETED, partition_filter=PartitionKeyFilter(key=partition)
        )
        results = (_evaluation(record.event) for record in history if record.event is not None)
        found.extend(result for result in results if result is not None and result.session == session)
    return max(found, key=lambda result: result.at, default=None)


def _newest_session(instance: DagsterInstance, outbox: Outbox, evaluations: Sequence[Evaluation]) -> date:
    """The latest session computed so far; a range that is still under way counts as far as it will go."""
    days = [evaluation.session for evaluation in evaluations]
    remembered = outbox.mark(NEWEST_SESSION)
    if remembered is not None:
        days.append(date.fromisoformat(remembered))
    for run_id in sorted({evaluation.run_id for evaluation in evaluations}):
        run = instance.get_run_by_id(run_id)
        ends = [run.tags[tag] for tag in (ASSET_PARTITION_RANGE_END_TAG, PARTITION_NAME_TAG) if run and tag in run.tags]
        days.extend(date.fromisoformat(end) for end in ends)
    return max(days)


def _latest_released(instance: DagsterInstance, due: date) -> date | None:
    """``due`` when its book is released, else some earlier session with a released book; None when there never was one."""
    latest = _latest_of(instance, RELEASE_CHECK, due)
    if latest is not None and latest.passed:
        return due
    history = instance.event_log_storage.get_asset_check_execution_history(
        RELEASE_CHECK, limit=50, status={AssetCheckExecutionRecordStatus.SUCCEEDED}
    )
    results = (_evaluation(record.event) for record in history if record.event is not None)
    return max((result.session for result in results if result is not None and result.session < due), default=None)


def _said(delivery: Delivery) -> str:
    failed = "; ".join(f"{channel}: {why}" for channel, why in sorted(delivery.failures.items()))
    return f"{delivery.sent} alerts delivered" + (f"; not delivered: {failed}" if failed else "")
