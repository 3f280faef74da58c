"""Where Dagster keeps its own records: under DATA_DIR/dagster, whichever process opens them.

dagster.yaml cannot say "DATA_DIR, or else data/": an ``env:`` value must be set, and a relative one follows the working
directory. Each class here is Dagster's own with that one default; a ``base_dir`` in dagster.yaml still wins.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from dagster import Field, StringSource
from dagster._config.config_schema import UserConfigSchema
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._serdes import ConfigurableClassData

from riskdesk_assets.common.settings import load_paths
from riskdesk_assets.interfaces.event_log import BatchedSqliteEventLogStorage

EVENTS_PER_BATCH = 500
BASE_DIR: UserConfigSchema = {"base_dir": Field(StringSource, is_required=False)}


class DeskRunStorage(SqliteRunStorage):
    """The runs and their status."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """``base_dir`` may be left out."""
        return BASE_DIR

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, object]) -> DeskRunStorage:
        """Open the store in ``base_dir``, by default DATA_DIR/dagster/history."""
        return cls.from_local(_folder(config_value, "history"), inst_data)


class DeskEventLogStorage(BatchedSqliteEventLogStorage):
    """The events of every run; also turns on Dagster's batching in each process that opens it."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """``base_dir`` may be left out."""
        return BASE_DIR

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, object]
    ) -> DeskEventLogStorage:
        """Open the store in ``base_dir``, by default DATA_DIR/dagster/history/runs."""
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(EVENTS_PER_BATCH))
        return cls(_folder(config_value, "history/runs"), inst_data)

    @property
    def supports_partition_subset_in_asset_materialization_planned_events(self) -> bool:
        """One planned event per asset of a range run, in place of one per asset and session."""
        return True


class DeskScheduleStorage(SqliteScheduleStorage):
    """Which schedules and sensors are on, and their ticks."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """``base_dir`` may be left out."""
        return BASE_DIR

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, object]
    ) -> DeskScheduleStorage:
        """Open the store in ``base_dir``, by default DATA_DIR/dagster/schedules."""
        opened = cls.from_local(_folder(config_value, "schedules"), inst_data)
        return cls(opened._conn_string, inst_data)


class DeskArtifactStorage(LocalArtifactStorage):
    """What Dagster writes to files."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """``base_dir`` may be left out."""
        return BASE_DIR

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, object]
    ) -> DeskArtifactStorage:
        """Keep files in ``base_dir``, by default DATA_DIR/dagster."""
        return cls(_folder(config_value, "."), inst_data)


class DeskComputeLogManager(LocalComputeLogManager):
    """What the steps printed."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """``base_dir`` may be left out."""
        return BASE_DIR

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, object]
    ) -> DeskComputeLogManager:
        """Keep logs in ``base_dir``, by default DATA_DIR/dagster/compute_logs."""
        return cls(_folder(config_value, "compute_logs"), inst_data=inst_data)


def _folder(config_value: Mapping[str, object], name: str) -> str:
    folder = str(config_value.get("base_dir") or (load_paths().data / "dagster" / name).resolve())
    os.makedirs(folder, exist_ok=True)
    return folder
