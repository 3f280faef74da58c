"""Numbers of each session, attached to its own materialization, so the UI plots them over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Protocol

import polars as pl

Value = str | int | float | bool
_LISTS = "get_partition_keys_in_range"


class TakesMetadata(Protocol):
    """What an asset's execution context offers for this."""

    def add_asset_metadata(
        self, metadata: Mapping[str, Value], asset_key: str | None = None, partition_key: str | None = None
    ) -> None:
        """Attach metadata to one partition of one asset."""


def attach(context: TakesMetadata, asset: str, sessions: Mapping[date, Mapping[str, Value | None]]) -> None:
    """Attach each session's numbers to its partition of an asset; a None says nothing."""
    with _range_listed_once(context):
        for session, values in sessions.items():
            known = {name: value for name, value in values.items() if value is not None}
            context.add_asset_metadata(known, asset_key=asset, partition_key=session.isoformat())


@contextmanager
def _range_listed_once(context: TakesMetadata) -> Iterator[None]:
    """Dagster lists the run's whole range anew for every partition it is told of, which makes a long range quadratic.

    While the block runs, its partitions definition answers the same question with the same list.
    """
    definition = getattr(getattr(context, "assets_def", None), "partitions_def", None)
    listed: Callable[..., object] | None = getattr(definition, _LISTS, None)
    if listed is None:
        yield
        return
    answers: dict[str, object] = {}

    def once(*args: object, **named: object) -> object:
        question = repr((args, sorted(named.items())))
        if question not in answers:
            answers[question] = listed(*args, **named)
        return answers[question]

    object.__setattr__(definition, _LISTS, once)
    try:
        yield
    finally:
        object.__delattr__(definition, _LISTS)


def row_counts(
    frame: pl.DataFrame, sessions: tuple[date, ...], column: str = "as_of_date"
) -> dict[date, dict[str, Value | None]]:
    """``{"rows": n}`` for each session, 0 where the frame has none."""
    counts = dict(frame.group_by(column).len().iter_rows())
    return {session: {"rows": counts.get(session, 0)} for session in sessions}


def daily(frame: pl.DataFrame, sessions: tuple[date, ...], *numbers: pl.Expr) -> dict[date, dict[str, Value | None]]:
    """Row count and named aggregates of each session's rows."""
    found = {
        row.pop("as_of_date"): row for row in frame.group_by("as_of_date").agg(pl.len().alias("rows"), *numbers).to_dicts()
    }
    return {session: found.get(session, {"rows": 0}) for session in sessions}
