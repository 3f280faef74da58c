"""The post-close schedule and the partitions it asks for, over four years of clock changes, half days and holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from dagster import AssetMaterialization, RunRequest, SkipReason, build_schedule_context, instance_for_test
from dagster._utils.schedules import cron_string_iterator

from riskdesk_assets.common.desk_calendar import desk_calendar
from riskdesk_assets.common.resources import partitions
from riskdesk_assets.common.sessions import NEW_YORK
from riskdesk_assets.schedules import post_close_schedule, session_of


@pytest.fixture(autouse=True)
def _data(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path_factory.getbasetemp() / "calendar"))


@pytest.fixture
def instance():
    with instance_for_test() as found:
        yield found


def at(day: date, hour: int = 16, minute: int = 45) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)


def test_the_partitions_are_exactly_the_sessions_since_2000():
    calendar = desk_calendar()
    keys = partitions().get_partition_keys(current_time=at(calendar.last_day, 23, 0))
    assert keys == [str(session) for session in calendar.sessions]
    assert keys[0] == "2000-01-03"


def test_a_half_day_and_a_friday_appear_on_the_day_itself():
    assert partitions().get_partition_keys(current_time=at(date(2026, 11, 27)))[-1] == "2026-11-27"
    assert partitions().get_partition_keys(current_time=at(date(2026, 11, 20)))[-1] == "2026-11-20"
    assert partitions().get_partition_keys(current_time=at(date(2026, 11, 20), 16, 29))[-1] == "2026-11-19"


def test_from_2024_to_2027_every_session_is_asked_for_once_and_no_other_day():
    calendar = desk_calendar()
    first, last = date(2024, 1, 1), date(2027, 12, 31)
    ticks = cron_string_iterator(at(first, 0, 0).timestamp(), post_close_schedule.cron_schedule, "America/New_York")
    asked: list[date] = []
    for tick in ticks:
        if tick.date() > last:
            break
        session = session_of(calendar, tick)
        local = tick.astimezone(NEW_YORK)
        assert (local.hour, local.minute) == (16, 45)
        if not isinstance(session, SkipReason):
            assert tick.astimezone(UTC) > calendar.close_of(session)
            asked.append(session)
    assert asked == list(calendar.between(first, last))


def test_thanksgiving_is_skipped_by_name_and_does_not_ask_for_the_friday_that_already_has_a_partition(instance):
    thanksgiving = date(2026, 11, 26)
    assert "2026-11-27" in partitions().get_partition_keys(current_time=at(thanksgiving))
    result = post_close_schedule(build_schedule_context(instance=instance, scheduled_execution_time=at(thanksgiving)))
    assert isinstance(result, SkipReason)
    assert "2026-11-26 is a holiday" in result.skip_message
    assert "next session is 2026-11-27, which has not closed" in result.skip_message


def test_missed_sessions_are_asked_for_with_the_day_as_one_run(instance):
    instance.report_runless_asset_event(AssetMaterialization("desk_state", partition="2026-11-13"))
    monday, wednesday = date(2026, 11, 16), date(2026, 11, 18)
    alone = post_close_schedule(build_schedule_context(instance=instance, scheduled_execution_time=at(monday)))
    assert isinstance(alone, RunRequest)
    assert (alone.partition_key, alone.run_key, alone.tags) == ("2026-11-16", "post_close:2026-11-16", {})
    late = post_close_schedule(build_schedule_context(instance=instance, scheduled_execution_time=at(wednesday)))
    assert late.partition_key is None
    assert late.tags["dagster/asset_partition_range_start"] == "2026-11-16"
    assert late.tags["dagster/asset_partition_range_end"] == "2026-11-18"
