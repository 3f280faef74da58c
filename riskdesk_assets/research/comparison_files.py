"""A comparison as files: the measures as Parquet, a table to read as markdown, the variants with their hashes as JSON."""

from __future__ import annotations

import io
import json
from pathlib import Path

import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.common.whole_file import replace_file
from riskdesk_assets.research.comparison import SCHEMA, Comparison

TABLE, TEXT, VARIANTS = "comparison.parquet", "comparison.md", "variants.json"
SIMULATED = "SIMULATED"


def write_comparison(folder: Path, comparison: Comparison) -> Path:
    """Write ``folder/<id>/`` with its three files, each in one step; the same comparison gives the same bytes again."""
    place = folder / comparison.id
    buffer = io.BytesIO()
    comparison.frame.write_parquet(buffer, compression="zstd")
    described = {
        "id": comparison.id,
        "first": comparison.first,
        "last": comparison.last,
        "source": comparison.source,
        "variants": [
            {"name": item.name, "overrides": dict(item.overrides), "config_hash": comparison.config_hashes[item.name]}
            for item in comparison.variants
        ],
    }
    replace_file(place / TABLE, buffer.getvalue())
    replace_file(place / TEXT, (markdown(comparison) + "\n").encode())
    # Last: whoever finds it finds the other two.
    replace_file(
        place / VARIANTS, (json.dumps(json.loads(canonical_json(described)), indent=1, sort_keys=True) + "\n").encode()
    )
    return place


def read_comparison(place: Path) -> pl.DataFrame:
    """The measures of a comparison (columns: SCHEMA). Raises StateError where they are missing or cannot be read."""
    try:
        return pl.read_parquet(place / TABLE).cast(SCHEMA)  # type: ignore[arg-type]
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StateError(f"{place / TABLE} cannot be read: {error}") from error


def markdown(comparison: Comparison) -> str:
    """One row per measure, one column per variant, with what each variant lays over."""
    names = [item.name for item in comparison.variants]
    banner = f"**{SIMULATED}** " if comparison.source == SIMULATED else ""
    lines = [f"### {banner}{comparison.first} to {comparison.last}, {comparison.source} prices, comparison {comparison.id}", ""]
    for item in comparison.variants:
        overrides = ", ".join(f"{path} = {canonical_json(value)}" for path, value in item.overrides.items())
        lines.append(f"- {_cell(item.name)}: {_cell(overrides) or 'as configured'}")
    lines += ["", f"| | {' | '.join(_cell(name) for name in names)} |", f"|---|{'---:|' * len(names)}"]
    section = ""
    for row in side_by_side(comparison.frame).iter_rows(named=True):
        if row["section"] != section:
            section = row["section"]
            lines.append(f"| **{section}** |{' |' * len(names)}")
        lines.append(f"| {_cell(row['measure'])} | {' | '.join(shown(row[name], row['unit']) for name in names)} |")
    return "\n".join(lines)


def side_by_side(frame: pl.DataFrame) -> pl.DataFrame:
    """One row per measure, in the order of the table: section, measure, unit, and a column per variant."""
    sections = {name: place for place, name in enumerate(frame["section"].unique(maintain_order=True))}
    wide = frame.pivot(on="variant", index=["section", "measure", "unit"], values="value", maintain_order=True)
    # A measure only a later variant has (a limit the first is without) belongs to its section, not to the end.
    return wide.sort(pl.col("section").replace_strict(sections, return_dtype=pl.Int64), maintain_order=True)


def shown(value: float | None, unit: str) -> str:
    """A value in its unit; ``-`` where there is none."""
    if value is None:
        return "-"
    if unit == "dollars":
        return f"{'-' if value < 0 else ''}${abs(value):,.0f}"
    if unit == "nav":
        return f"{value:.2%}"
    return f"{value:,.0f}" if unit == "sessions" else f"{value:.3f}" if unit == "probability" else f"{value:.2f}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
