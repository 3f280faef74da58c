"""From a failed check in a real Dagster run to one alert in each channel."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetCheckResult,
    AssetCheckSpec,
    AssetKey,
    BackfillPolicy,
    DagsterInstance,
    Definitions,
    MaterializeResult,
    asset,
    build_sensor_context,
    multi_asset_check,
)

from riskdesk_assets.alerts import sensors
from riskdesk_assets.common.resources import partitions
from riskdesk_assets.common.sessions import NEW_YORK
from riskdesk_assets.common.settings import load_config, load_paths
from riskdesk_assets.interfaces.instance import open_instance

AUDIT = AssetKey("ideal_portfolio")
BROKEN: dict[str, float] = {}
SECRET = "hunter2"


def definitions() -> Definitions:
    @asset(name="ideal_portfolio", partitions_def=partitions(), backfill_policy=BackfillPolicy.single_run())
    def audit(context):
        return MaterializeResult()

    @multi_asset_check(specs=[AssetCheckSpec(name, asset=AUDIT) for name in ("name_gross", "release")])
    def checks(context):
        for day in context.partition_keys:
            measured = BROKEN.get(day, 0.1)
            about = {"as_of_date": day, "limit": "JPM", "measured": measured, "bound": 0.24, "run_hash": "ab" * 32}
            for name in ("name_gross", "release"):
                passed = measured <= 0.24 or name == "release"
                message = f"{name} of JPM is {measured} on {day}"
                yield AssetCheckEvaluation(
                    asset_key=AUDIT, check_name=name, passed=passed, metadata={**about, "message": message}, partition=day
                )
        for name in ("name_gross", "release"):
            yield AssetCheckResult(asset_key=AUDIT, check_name=name, passed=not BROKEN, metadata={"range_summary": True})

    return Definitions(assets=[audit], asset_checks=[checks])


def compute(instance: DagsterInstance, first: str, last: str, **measured: float) -> None:
    BROKEN.clear()
    BROKEN.update({key.replace("_", "-")[1:]: value for key, value in measured.items()})
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    assert definitions().get_implicit_global_asset_job_def().execute_in_process(instance=instance, tags=tags).success


def tick(instance: DagsterInstance, cursor: str | None = None) -> str:
    result = sensors.limit_breach_sensor(build_sensor_context(instance=instance, cursor=cursor))
    assert not result.run_requests
    return result.cursor


def told(folder: Path) -> list[dict[str, str]]:
    path = folder / "alerts.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.delenv("RISKDESK_ALERT_URLS", raising=False)
    with open_instance() as instance:
        yield instance


def test_a_breach_is_told_once_through_two_ticks_a_lost_cursor_and_the_command_line(desk, tmp_path):
    compute(desk, "2026-11-17", "2026-11-19", _2026_11_19=0.31)
    cursor = tick(desk)
    tick(desk, cursor)
    tick(desk, "-1")
    sensors.deliver_breaches(desk, load_paths(), load_config(load_paths()))
    compute(desk, "2026-11-19", "2026-11-19", _2026_11_19=0.31)
    tick(desk, cursor)
    (alert,) = told(tmp_path)
    assert alert["title"] == "2026-11-19: ideal_portfolio/name_gross failed"
    assert "name_gross of JPM is 0.31 on 2026-11-19" in alert["body"]
    assert "JPM" in alert["body"]


def test_another_value_of_the_same_breach_is_another_alert(desk, tmp_path):
    for measured in (0.31, 0.35):
        compute(desk, "2026-11-19", "2026-11-19", _2026_11_19=measured)
        sensors.deliver_breaches(desk, load_paths(), load_config(load_paths()))
    assert len(told(tmp_path)) == 2


def test_a_result_that_was_superseded_before_the_tick_is_not_told(desk, tmp_path):
    compute(desk, "2026-11-19", "2026-11-19", _2026_11_19=0.31)
    compute(desk, "2026-11-19", "2026-11-19")
    tick(desk)
    assert told(tmp_path) == []


def test_back_dated_sessions_are_told_only_when_asked_for(desk, tmp_path):
    compute(desk, "2026-11-17", "2026-11-19", _2026_11_18=0.31)
    cursor = tick(desk)
    compute(desk, "2026-11-17", "2026-11-17", _2026_11_17=0.31)
    tick(desk, cursor)
    assert told(tmp_path) == []
    config = load_config(load_paths())
    asking = config.desk.alerts.model_copy(update={"include_backdated": True})
    config = config.model_copy(update={"desk": config.desk.model_copy(update={"alerts": asking})})
    sensors.deliver_breaches(desk, load_paths(), config, cursor=-1)
    assert [alert["session"] for alert in told(tmp_path)] == ["2026-11-18", "2026-11-17"]


def test_a_channel_that_refuses_is_tried_again_and_holds_up_no_other(desk, tmp_path, httpserver, monkeypatch, caplog):
    url = f"json://user:{SECRET}@127.0.0.1:{httpserver.port}/hook/{SECRET}"
    monkeypatch.setenv("RISKDESK_ALERT_URLS", url)
    httpserver.expect_ordered_request(f"/hook/{SECRET}").respond_with_data("busy", status=500)
    httpserver.expect_ordered_request(f"/hook/{SECRET}").respond_with_data("ok")
    compute(desk, "2026-11-19", "2026-11-19", _2026_11_19=0.31)
    paths = load_paths()
    delivery, last = sensors.deliver_breaches(desk, paths, load_config(paths))
    assert delivery.failures == {"apprise-1-json": "apprise-1-json: the alert was not taken"}
    assert len(told(tmp_path)) == 1
    again, _ = sensors.deliver_breaches(desk, paths, load_config(paths), last)
    assert (again.sent, again.failures) == (1, {})
    assert sensors.deliver_breaches(desk, paths, load_config(paths), last)[0].sent == 0
    assert len(httpserver.log) == 2
    assert "name_gross of JPM is 0.31" in httpserver.log[-1][0].get_data(as_text=True)
    # The receiving server of this test logs its own requests; nobody else may name the address.
    assert not [record for record in caplog.records if record.name != "werkzeug" and SECRET in record.getMessage()]
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()


def test_a_session_without_a_released_book_is_told_once_after_the_deadline(desk, tmp_path):
    paths, config = load_paths(), load_config(load_paths())
    evening = datetime(2026, 11, 19, 18, 31, tzinfo=NEW_YORK)
    sensors.deliver_heartbeat(desk, paths, config, evening)
    assert told(tmp_path) == []
    compute(desk, "2026-11-18", "2026-11-18")
    sensors.deliver_heartbeat(desk, paths, config, evening.replace(minute=29))
    assert told(tmp_path) == []
    for _ in range(2):
        sensors.deliver_heartbeat(desk, paths, config, evening)
    assert [alert["title"] for alert in told(tmp_path)] == ["2026-11-19: no book released"]
    compute(desk, "2026-11-19", "2026-11-19")
    sensors.deliver_heartbeat(desk, paths, config, evening.replace(day=20, hour=9))
    assert len(told(tmp_path)) == 1
