"""A sweep's one table as files, beside the directories of its backtests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from riskdesk_assets.common.hashing import canonical_json, digest
from riskdesk_assets.common.whole_file import replace_file
from riskdesk_assets.reports.run_artifacts import parquet, pretty_json
from riskdesk_assets.research.comparison_files import SIMULATED, shown
from riskdesk_assets.research.sweep import measures_of, sweep_frame

FOLDER = "sweeps"
TABLE, TEXT, MEMBERS = "sweep.parquet", "sweep.md", "sweep.json"


def write_sweep(folder: Path, said: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write ``folder/sweeps/<id>/`` with the table as Parquet and markdown and the list of its backtests.

    Args:
        folder: where backtests lie.
        said: variant -> what the metrics.json of its backtest says, in the order of the table.
    """
    members = {name: item["backtest_id"] for name, item in said.items()}
    place = folder / FOLDER / digest(members)[:16]
    replace_file(place / TABLE, parquet(sweep_frame(said)))
    replace_file(place / TEXT, markdown(said).encode())
    listed = [{"name": name, "backtest_id": item["backtest_id"], "overrides": item["overrides"]} for name, item in said.items()]
    # Last: whoever finds it finds the other two.
    replace_file(place / MEMBERS, pretty_json({"variants": listed}))
    return place


def markdown(said: Mapping[str, Mapping[str, Any]]) -> str:
    """One row per variant, one column per metric, with what each variant lays over."""
    first = next(iter(said.values()))
    banner = f"**{SIMULATED}** " if first["source"] == SIMULATED else ""
    lines = [f"### {banner}{first['first']} to {first['last']}, {first['source']} prices, {len(said)} variants", ""]
    for name, item in said.items():
        laid = ", ".join(f"{path} = {canonical_json(value)}" for path, value in item["overrides"].items())
        lines.append(f"- {_cell(name)}: {_cell(laid) or 'as configured'} ({item['backtest_id']})")
    measures = measures_of(said)
    titles = " | ".join(item.measure.replace("_", " ") for item in measures)
    lines += ["", f"| | {titles} |", f"|---|{'---:|' * len(measures)}"]
    for name in said:
        cells = [shown(item.values[name], item.unit) for item in measures]
        lines.append(f"| {_cell(name)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
