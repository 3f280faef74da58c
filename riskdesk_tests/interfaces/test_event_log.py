"""The batched event log against Dagster's own: the same answers, faster, and nothing lost or torn."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    AssetSelection,
    BackfillPolicy,
    DagsterEventType,
    DagsterInstance,
    DailyPartitionsDefinition,
    Definitions,
    MaterializeResult,
    asset,
    define_asset_job,
    in_process_executor,
    multi_asset_check,
)
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from riskdesk_assets.interfaces.event_log import BatchedSqliteEventLogStorage

DAYS = DailyPartitionsDefinition("2024-01-01")
BOOK = AssetKey("book")
CHECKS = ("net_zero", "name_gross")
OURS = "riskdesk_assets.interfaces.event_log.BatchedSqliteEventLogStorage"
THEIRS = "dagster._core.storage.event_log.SqliteEventLogStorage"


@asset(partitions_def=DAYS, backfill_policy=BackfillPolicy.single_run(), group_name="desk")
def bars(context) -> MaterializeResult:
    return MaterializeResult(metadata={"rows": 24})


@asset(deps=[bars], partitions_def=DAYS, backfill_policy=BackfillPolicy.single_run(), group_name="desk")
def book(context) -> MaterializeResult:
    return MaterializeResult(metadata={"gross": 1.5})


@multi_asset_check(specs=[AssetCheckSpec(name, asset=BOOK, partitions_def=DAYS) for name in CHECKS])
def limits(context):
    for day in context.partition_keys:
        for name in CHECKS:
            yield AssetCheckEvaluation(
                asset_key=BOOK, check_name=name, passed=not day.endswith("13"), metadata={"as_of_date": day}, partition=day
            )
    for name in CHECKS:
        yield AssetCheckResult(
            asset_key=BOOK, check_name=name, passed=False, severity=AssetCheckSeverity.WARN, metadata={"range_summary": True}
        )


DEFS = Definitions(
    assets=[bars, book],
    asset_checks=[limits],
    jobs=[define_asset_job("day", AssetSelection.groups("desk"), executor_def=in_process_executor)],
)


def home(folder: Path, storage: str = OURS) -> Path:
    module, name = storage.rsplit(".", 1)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text(
        f"telemetry: {{enabled: false}}\npython_logs: {{python_log_level: CRITICAL}}\n"
        f"event_log_storage: {{module: {module}, class: {name}, config: {{base_dir: {folder / 'events'}}}}}\n"
    )
    return folder


def run_range(instance: DagsterInstance, first: str, last: str) -> str:
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    result = DEFS.resolve_job_def("day").execute_in_process(instance=instance, tags=tags)
    assert result.success
    return result.run_id


def answers(instance: DagsterInstance, run_id: str) -> dict[str, object]:
    """What the UI asks for, without what differs between any two runs (ids and clocks)."""
    store = instance.event_log_storage
    history = {
        name: [
            (record.partition, record.status, record.evaluation.passed if record.evaluation else None)
            for record in store.get_asset_check_execution_history(AssetCheckKey(BOOK, name), limit=100)
        ]
        for name in CHECKS
    }
    latest = store.get_latest_asset_check_execution_by_key([AssetCheckKey(BOOK, name) for name in CHECKS])
    newest = instance.get_latest_materialization_event(BOOK)
    return {
        "log": [entry.dagster_event_type for entry in instance.all_logs(run_id)],
        "checks": history,
        "latest": {key.name: record.partition for key, record in latest.items()},
        "partitions": sorted(instance.get_materialized_partitions(BOOK)),
        "newest": newest.asset_materialization.partition if newest and newest.asset_materialization else None,
        "by_partition": sorted(store.get_latest_storage_id_by_partition(BOOK, DagsterEventType.ASSET_MATERIALIZATION)),
        "tags": sorted(
            store.get_latest_tags_by_partition(BOOK, DagsterEventType.ASSET_MATERIALIZATION, ["dagster/data_version"])
        ),
        "mirrored": sorted(
            str(entry.dagster_event_type) for entry in store.get_logs_for_all_runs_by_log_id(after_cursor=-1).values()
        ),
        "stats": store.get_stats_for_run(run_id).steps_succeeded,
    }


@pytest.fixture(autouse=True)
def _batches(monkeypatch):
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "500")
    monkeypatch.setenv("DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS", "1")


def test_every_question_has_the_answer_dagsters_own_storage_gives(tmp_path):
    given = []
    for name, storage in (("theirs", THEIRS), ("ours", OURS)):
        with DagsterInstance.from_config(str(home(tmp_path / name, storage))) as instance:
            given.append(answers(instance, run_range(instance, "2024-01-08", "2024-01-17")))
    assert given[1] == given[0]
    assert given[1]["partitions"] == [f"2024-01-{day:02d}" for day in range(8, 18)]
    assert len(given[1]["checks"]["net_zero"]) == 11


def test_dagsters_own_storage_reads_what_ours_has_written(tmp_path):
    folder = home(tmp_path / "instance")
    with DagsterInstance.from_config(str(folder)) as instance:
        run_id = run_range(instance, "2024-01-08", "2024-01-10")
        ours = answers(instance, run_id)
    with DagsterInstance.from_config(str(home(folder, THEIRS))) as instance:
        assert answers(instance, run_id) == ours


def test_a_date_evaluated_again_shows_its_newest_result_first(tmp_path):
    with DagsterInstance.from_config(str(home(tmp_path))) as instance:
        first = run_range(instance, "2024-01-12", "2024-01-14")
        second = run_range(instance, "2024-01-13", "2024-01-13")
        history = instance.event_log_storage.get_asset_check_execution_history(
            AssetCheckKey(BOOK, "net_zero"), limit=5, partition_filter=PartitionKeyFilter(key="2024-01-13")
        )
    assert [record.run_id for record in history] == [second, first]
    assert history[0].status == AssetCheckExecutionRecordStatus.FAILED


def test_waiting_evaluations_are_seen_by_the_next_read_and_written_at_the_end(tmp_path):
    seen: list[int] = []

    @multi_asset_check(name="peek", specs=[AssetCheckSpec("peek", asset=BOOK)])
    def peek(context):
        for day in ("2024-01-08", "2024-01-09"):
            yield AssetCheckEvaluation(asset_key=BOOK, check_name="peek", passed=True, partition=day)
            read = context.instance.event_log_storage.get_asset_check_execution_history(AssetCheckKey(BOOK, "peek"), limit=9)
            seen.append(sum(record.status == AssetCheckExecutionRecordStatus.SUCCEEDED for record in read))
        yield AssetCheckResult(asset_key=BOOK, check_name="peek", passed=True)

    defs = Definitions(assets=[bars, book], asset_checks=[peek])
    with DagsterInstance.from_config(str(home(tmp_path))) as instance:
        job = defs.get_implicit_global_asset_job_def()
        assert job.execute_in_process(instance=instance, partition_key="2024-01-08").success
    assert seen == [1, 2]


def test_a_batch_that_fails_leaves_neither_half_behind(tmp_path):
    with DagsterInstance.from_config(str(home(tmp_path))) as instance:
        run_id = run_range(instance, "2024-01-08", "2024-01-09")
        store = instance.event_log_storage
        entries = [
            entry for entry in instance.all_logs(run_id) if entry.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION
        ]
        counts = count_events(tmp_path, run_id)
        with sqlite3.connect(tmp_path / "events" / "index.db") as connection:
            connection.execute(
                "CREATE TRIGGER full BEFORE INSERT ON event_logs WHEN (SELECT count(*) FROM event_logs) > 8"
                " BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
            )
        with pytest.raises(Exception, match="disk is full"):
            store.store_event_batch(entries * 3)
        assert count_events(tmp_path, run_id) == counts


def count_events(folder: Path, run_id: str) -> tuple[int, int]:
    found = []
    for name in (run_id, "index"):
        with sqlite3.connect(folder / "events" / f"{name}.db") as connection:
            found.append(connection.execute("SELECT count(*) FROM event_logs").fetchone()[0])
    return found[0], found[1]


def test_four_threads_writing_and_reading_lose_nothing(tmp_path):
    with DagsterInstance.from_config(str(home(tmp_path))) as instance:
        run_id = run_range(instance, "2024-01-08", "2024-01-09")
        kinds = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_CHECK_EVALUATION}
        entries = [entry for entry in instance.all_logs(run_id) if entry.dagster_event_type in kinds]
        store = instance.event_log_storage

        def work(name: str) -> None:
            own = [entry._replace(run_id=name) for entry in entries]
            for _ in range(10):
                store.store_event_batch(own[:3])
                for entry in own[3:]:
                    store.store_event(entry)
                instance.get_materialized_partitions(BOOK)

        names = [f"run-{number}" for number in range(4)]
        threads = [threading.Thread(target=work, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        for name in names:
            assert len(store.get_logs_for_run(name)) == 10 * len(entries)
        assert count_events(tmp_path, run_id)[1] >= 40 * len(entries)


def _forked(instance: DagsterInstance, queue: multiprocessing.Queue) -> None:
    queue.put(len(instance.get_materialized_partitions(BOOK)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_reads_with_its_own_connections(tmp_path):
    with DagsterInstance.from_config(str(home(tmp_path))) as instance:
        run_range(instance, "2024-01-08", "2024-01-10")
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        with instance.event_log_storage._connect("index"):
            child = context.Process(target=_forked, args=(instance, queue))
            child.start()
            assert queue.get(timeout=20) == 3
            child.join()


WRITER = """
import sys
from dagster import DagsterInstance
from riskdesk_tests.interfaces.test_event_log import run_range
with DagsterInstance.from_config(sys.argv[1]) as instance:
    print("ready", flush=True)
    while True:
        run_range(instance, "2024-01-01", "2024-03-01")
"""


def test_a_killed_writer_corrupts_nothing_and_a_reader_beside_it_is_never_refused(tmp_path):
    folder = str(home(tmp_path))
    DagsterInstance.from_config(folder).dispose()
    for moment in (0.4, 0.9):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        with DagsterInstance.from_config(folder) as reader:
            until = time.monotonic() + moment
            while time.monotonic() < until:
                reader.get_materialized_partitions(BOOK)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
    for path in sorted((tmp_path / "events").glob("*.db")):
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with DagsterInstance.from_config(folder) as instance:
        run_range(instance, "2024-01-01", "2024-03-01")
        assert len(instance.get_materialized_partitions(BOOK)) == 61


def test_deleting_runs_and_wiping_leave_a_storage_that_still_works(tmp_path):
    with DagsterInstance.from_config(str(home(tmp_path))) as instance:
        run_id = run_range(instance, "2024-01-08", "2024-01-09")
        instance.delete_run(run_id)
        assert instance.all_logs(run_id) == []
        instance.wipe_assets([BOOK])
        assert instance.get_materialized_partitions(BOOK) == set()
        run_range(instance, "2024-01-08", "2024-01-08")
        store = instance.event_log_storage
        assert isinstance(store, BatchedSqliteEventLogStorage)
        store.wipe()
        run_range(instance, "2024-01-09", "2024-01-09")
        assert instance.get_materialized_partitions(BOOK) == {"2024-01-09"}
