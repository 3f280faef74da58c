"""Numbers of a long range are attached without Dagster listing the range again for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import SimpleNamespace

import pytest
from dagster import PartitionKeyRange

from riskdesk_assets.common.resources import partitions
from riskdesk_assets.common.session_metadata import Value, attach

DAYS = (date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4))
RANGE = PartitionKeyRange("2026-03-02", "2026-03-04")


class Context:
    """What Dagster's execution context does with metadata of a partition: it lists the run's range and looks it up."""

    def __init__(self) -> None:
        self.assets_def = SimpleNamespace(partitions_def=partitions())
        self.lists: list[object] = []
        self.said: dict[str, Mapping[str, Value]] = {}

    def add_asset_metadata(
        self, metadata: Mapping[str, Value], asset_key: str | None = None, partition_key: str | None = None
    ) -> None:
        keys = self.assets_def.partitions_def.get_partition_keys_in_range(partition_key_range=RANGE)
        if partition_key not in keys:
            raise KeyError(partition_key)
        self.lists.append(keys)
        self.said[str(partition_key)] = metadata


def test_the_range_is_listed_once_and_every_session_is_told() -> None:
    context = Context()
    attach(context, "bars", {day: {"rows": place, "nothing": None} for place, day in enumerate(DAYS)})
    assert context.said == {day.isoformat(): {"rows": place} for place, day in enumerate(DAYS)}
    assert all(keys is context.lists[0] for keys in context.lists)
    assert "get_partition_keys_in_range" not in vars(context.assets_def.partitions_def)


def test_after_a_refused_session_the_partitions_list_themselves_again() -> None:
    context = Context()
    with pytest.raises(KeyError, match="2026-03-05"):
        attach(context, "bars", {date(2026, 3, 5): {"rows": 1}})
    definition = context.assets_def.partitions_def
    assert "get_partition_keys_in_range" not in vars(definition)
    assert list(definition.get_partition_keys_in_range(partition_key_range=RANGE)) == [day.isoformat() for day in DAYS]
