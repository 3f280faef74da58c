"""A comparison as the job ``compare``, and its table on a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from dagster import DagsterEventType, DagsterInstance

from riskdesk_assets.common.desk_calendar import desk_calendar
from riskdesk_assets.common.settings import load_config, load_paths
from riskdesk_assets.interfaces.dagster_run import run_job
from riskdesk_assets.interfaces.desk_run import require_finished
from riskdesk_assets.interfaces.failures import Failure
from riskdesk_assets.interfaces.instance import open_instance
from riskdesk_assets.interfaces.progress_bar import RunProgress
from riskdesk_assets.interfaces.terminal import banner, console, escaped, table
from riskdesk_assets.interfaces.wanted_sessions import asked_sessions
from riskdesk_assets.research.comparison_files import VARIANTS, read_comparison, shown, side_by_side
from riskdesk_assets.research.variants import Variant, load_variants, parse_variant, require_distinct, variant_config

JOB = "compare"


@dataclass(frozen=True)
class ComparisonRun:
    """A finished comparison: where it is kept, what was compared, and its measures."""

    place: Path
    described: dict[str, Any]
    measures: pl.DataFrame
    dagster_run_id: str

    def as_json(self) -> dict[str, object]:
        """Everything, per variant and measure."""
        return {
            **self.described,
            "dagster_run_id": self.dagster_run_id,
            "directory": self.place,
            "measures": self.measures.to_dicts(),
        }

    def show(self) -> None:
        """One row per measure, one column per variant."""
        out = console()
        names = [item["name"] for item in self.described["variants"]]
        out.print(f"{banner(self.described['source'])}  {self.described['first']} to {self.described['last']}")
        found = table("", *(f">{escaped(name)}" for name in names))
        section = ""
        for row in side_by_side(self.measures).iter_rows(named=True):
            if row["section"] != section:
                section = row["section"]
                found.add_row(f"[bold]{escaped(section)}[/]")
            found.add_row(escaped(f"  {row['measure']}"), *(shown(row[name], row["unit"]) for name in names))
        out.print(found)
        out.print(f"[dim]kept in[/]  {self.place}", soft_wrap=True)


def run_comparison(start: date, end: date, texts: Sequence[str], file: Path | None, *, verbose: bool) -> ComparisonRun:
    """Run the comparison through Dagster.

    Args:
        start, end: days of the range.
        texts: variants as ``name: path=value, ...``.
        file: a YAML file of more variants.

    Raises:
        InputError: an unusable variant or range, before anything runs.
        Failure: the run stopped; says where and why.
    """
    paths = load_paths()
    config = load_config(paths)
    variants = [*map(parse_variant, texts), *(load_variants(file) if file else ())]
    require_distinct(variants)
    for variant in variants:
        variant_config(config, variant)
    wanted = asked_sessions(desk_calendar(), None, start, end, datetime.now(UTC))
    asked = {"start": str(wanted.first), "end": str(wanted.last), "variants": {item.name: _plain(item) for item in variants}}
    with open_instance() as instance:
        with RunProgress("riskdesk compare").shown() as watcher:
            run_config = {"ops": {"config_comparisons": {"config": asked}}}
            outcome = run_job(instance, JOB, None, None, watcher, verbose=verbose, run_config=run_config)
        require_finished(outcome)
        place = materialized_directory(instance, outcome.dagster_run_id)
    described: dict[str, Any] = json.loads((place / VARIANTS).read_bytes())
    return ComparisonRun(place, described, read_comparison(place), outcome.dagster_run_id)


def _plain(variant: Variant) -> dict[str, object]:
    return {path: str(value) if isinstance(value, date) else value for path, value in variant.overrides.items()}


def materialized_directory(instance: DagsterInstance, run_id: str) -> Path:
    """Where the run says it kept its files."""
    for entry in instance.all_logs(run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION):
        event = entry.dagster_event
        if event is not None:
            found = event.step_materialization_data.materialization.metadata.get("directory")
            if found is not None:
                return Path(str(found.value))
    raise Failure(f"run {run_id} left no directory", f"the whole story: `riskdesk ui`, run {run_id}")
