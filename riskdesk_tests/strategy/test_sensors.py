"""The ticket folder sensor, tick by tick, on a real folder and through Dagster's own evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import pytest
from dagster import (
    AssetMaterialization,
    DagsterInstance,
    Definitions,
    StaticPartitionsDefinition,
    build_sensor_context,
    job,
    op,
)
from dagster._core.definitions.sensor_definition import SensorExecutionData

from riskdesk_assets.common.sessions import calendar_end, load_calendar
from riskdesk_assets.strategy import sensors
from riskdesk_assets.strategy.sensors import BACKDATED, ticket_folder_sensor
from riskdesk_tests.strategy.tickets import write_ticket

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def newest(data: Path) -> str:
    now = datetime.now(UTC)
    return load_calendar(data / "calendar", calendar_end(now)).newest_closed(now).isoformat()


class Ticks:
    """Evaluates the sensor as the daemon does, the cursor carried from tick to tick."""

    def __init__(self, folder: Path, newest: str, instance: DagsterInstance) -> None:
        @op
        def nothing() -> None:
            """Stands in for the desk's graph, which lives in another room."""

        self._nothing = nothing
        self.folder = folder
        self.instance = instance
        self.allow(newest)
        self.cursor: str | None = None

    def allow(self, *partitions: str) -> None:
        """The job's partitions from here on."""

        @job(name="post_close", partitions_def=StaticPartitionsDefinition(list(partitions)))
        def post_close() -> None:
            self._nothing()

        self._repository = Definitions(jobs=[post_close], sensors=[ticket_folder_sensor]).get_repository_def()

    def tick(self) -> SensorExecutionData:
        with build_sensor_context(self.instance, self.cursor, repository_def=self._repository) as context:
            found = ticket_folder_sensor.evaluate_tick(context)
        self.cursor = found.cursor
        return found

    def said(self) -> str:
        found = self.tick()
        assert not found.run_requests
        return str(found.skip_message)


@pytest.fixture
def ticks(tmp_path: Path, data: Path, newest: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ticks]:
    folder = tmp_path / "active"
    write_ticket(folder)
    monkeypatch.setenv("TICKETS_DIR", str(folder))
    monkeypatch.setenv("DATA_DIR", str(data))
    monkeypatch.setenv("RISKDESK_CONFIG_DIR", str(ROOT / "config"))
    with DagsterInstance.ephemeral() as instance:
        found = Ticks(folder, newest, instance)
        assert found.said() == "no ticket has changed"
        yield found


def settled(ticks: Ticks) -> tuple[str, dict[str, str], str | None]:
    """Two ticks: the first waits, the second requests one run; its key, tags and partition."""
    assert "to settle" in ticks.said()
    (request,) = ticks.tick().run_requests
    assert ticks.said() == "no ticket has changed"
    return str(request.run_key), dict(request.tags), request.partition_key


def test_a_created_file_requests_one_run_of_the_newest_closed_session(ticks: Ticks, newest: str) -> None:
    write_ticket(ticks.folder, "new.yaml", ticket_id="new", leg_a="C", leg_b="WFC")
    _, tags, partition = settled(ticks)
    assert partition == newest
    assert tags["dagster/partition"] == newest
    assert tags["riskdesk/tickets"] == "new.yaml"


def test_changed_renamed_and_deleted_files_request_a_run_each(ticks: Ticks) -> None:
    write_ticket(ticks.folder, conviction=5)
    assert settled(ticks)[1]["riskdesk/tickets"] == "jpm-bac.yaml"
    (ticks.folder / "jpm-bac.yaml").rename(ticks.folder / "renamed.yaml")
    assert settled(ticks)[1]["riskdesk/tickets"] == "jpm-bac.yaml, renamed.yaml"
    (ticks.folder / "renamed.yaml").unlink()
    assert settled(ticks)[1]["riskdesk/tickets"] == "renamed.yaml"


def test_a_revert_to_an_earlier_state_requests_a_run_with_a_new_key(ticks: Ticks) -> None:
    keys = []
    for conviction in (5, 3, 5, 3):
        write_ticket(ticks.folder, conviction=conviction)
        keys.append(settled(ticks)[0])
    assert len(set(keys)) == 4


def test_a_half_written_file_is_not_a_change_yet(ticks: Ticks) -> None:
    path = ticks.folder / "slow.yaml"
    whole = write_ticket(ticks.folder, "slow.yaml", ticket_id="slow", leg_a="C", leg_b="WFC").read_text()
    for part in (20, 60, len(whole)):
        path.write_text(whole[:part])
        assert "waiting for slow.yaml to settle" in ticks.said()
    assert len(ticks.tick().run_requests) == 1


def test_editor_files_and_a_touched_file_are_no_change(ticks: Ticks) -> None:
    (ticks.folder / ".jpm-bac.yaml.swp").write_text("x")
    (ticks.folder / "jpm-bac.yaml~").write_text("x")
    (ticks.folder / "jpm-bac.yaml").touch()
    assert ticks.said() == "no ticket has changed"


def test_an_unusable_ticket_is_told_and_the_run_is_requested_all_the_same(ticks: Ticks) -> None:
    write_ticket(ticks.folder, "bad.yaml", ticket_id="bad", orientation="BOHT")
    said = ticks.said()
    assert "1 problem(s), the first: bad.yaml:5: orientation: is 'BOHT'; did you mean 'BOTH'?" in said
    assert len(ticks.tick().run_requests) == 1


def test_a_folder_that_vanishes_is_told_and_its_tickets_are_not_taken_for_deleted(ticks: Ticks) -> None:
    ticks.folder.rename(ticks.folder.with_name("away"))
    assert "cannot be listed" in ticks.said()
    assert "cannot be listed" in ticks.said()
    ticks.folder.with_name("away").rename(ticks.folder)
    assert ticks.said() == "no ticket has changed"


def test_the_sensor_asks_every_fifteen_seconds_for_the_post_close_job() -> None:
    assert ticket_folder_sensor.minimum_interval_seconds == 15
    assert ticket_folder_sensor.job_name == "post_close"


def test_a_desk_that_stands_at_an_earlier_session_runs_that_one_again(ticks: Ticks, newest: str) -> None:
    earlier = load_calendar(None, calendar_end(datetime.now(UTC))).before(datetime.fromisoformat(newest).date(), 3).isoformat()
    ticks.instance.report_runless_asset_event(AssetMaterialization("desk_state", partition=earlier))
    ticks.allow(earlier)
    write_ticket(ticks.folder, ticket_id="second", leg_a="GS", leg_b="MS")
    _, tags, partition = settled(ticks)
    assert partition == earlier
    assert tags[BACKDATED] == "true", "the session after it has opened"


@pytest.mark.parametrize(("hour", "told"), [(13, False), (15, True)], ids=["before the open", "after it"])
def test_a_change_after_the_next_open_is_told_to_be_backdated(
    ticks: Ticks, monkeypatch: pytest.MonkeyPatch, hour: int, told: bool
) -> None:
    # Friday 2026-03-06's book can be traded from Monday 2026-03-09 9:30 in New York (daylight time since Sunday), 13:30 UTC.
    monkeypatch.setattr(sensors, "datetime", clock_at(datetime(2026, 3, 9, hour, 0, tzinfo=UTC)))
    ticks.instance.report_runless_asset_event(AssetMaterialization("desk_state", partition="2026-03-06"))
    ticks.allow("2026-03-06")
    write_ticket(ticks.folder, conviction=5)
    assert (BACKDATED in settled(ticks)[1]) is told


def clock_at(at: datetime) -> type[datetime]:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls.fromtimestamp(at.timestamp(), tz)

    return Clock
