"""The variants of a sweep: named one by one, or every combination of a grid; and the sweep's one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.research.comparison import SCHEMA
from riskdesk_assets.research.mandates.compared import SweptMeasure, mandate_measures
from riskdesk_assets.research.variants import Variant, load_variants, require_distinct

GRID = "grid"
_SETTING = "--set"
COLUMNS = (
    ("total_pnl_net", "dollars"),
    ("total_pnl_gross", "dollars"),
    ("total_costs", "dollars"),
    ("total_turnover", "dollars"),
    ("sharpe_ratio", "ratio"),
    ("volatility", "nav"),
    ("max_drawdown", "nav"),
    ("return_over_drawdown", "ratio"),
    ("hit_rate", "nav"),
    ("mean_gross", "dollars"),
    ("days_with_pnl", "sessions"),
    ("days_skipped_due_to_prices", "sessions"),
)
"""The metrics a sweep shows side by side, with their units (research.comparison_files.shown)."""


def parse_settings(texts: Sequence[str]) -> dict[str, object]:
    """Overrides from ``path=value`` texts; values are read as YAML words, so ``null`` is no limit.

    Raises:
        InputError: a text without ``=``, or a path given twice.
    """
    found: dict[str, object] = {}
    for text in texts:
        path, equals, value = text.partition("=")
        path = path.strip()
        if not path or not equals:
            raise InputError(Problem(_SETTING, None, text, "is not path=value", "such as limits.group.max=0.5"))
        if path in found:
            raise InputError(Problem(_SETTING, None, path, "is given twice"))
        found[path] = strict_yaml.scalar(value.strip())
    return found


def load_sweep(path: Path) -> tuple[Variant, ...]:
    """The variants of a YAML file: ``NAME: {PATH: VALUE}``, and under the name ``grid`` every combination of its lists.

    Raises:
        InputError: not such a file; a grid whose paths hold no lists; two variants of one name.
    """
    found: list[Variant] = []
    for variant in load_variants(path):
        found.extend(_grid(variant) if variant.name == GRID else (variant,))
    require_distinct(found)
    return tuple(found)


def _grid(variant: Variant) -> list[Variant]:
    lists: dict[str, list[object]] = {}
    for path, values in variant.overrides.items():
        if not isinstance(values, list) or not values:
            raise InputError(variant.placed(Problem(variant.where, None, path, f"is {values!r}", "a list of values to try")))
        lists[path] = values
    if not lists:
        raise InputError(variant.placed(Problem(variant.where, None, GRID, "spans nothing", "{limits.group.max: [0.3, 0.4]}")))
    points = [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]
    names = [", ".join(f"{_short(path, lists)}={_word(value)}" for path, value in point.items()) for point in points]
    return [replace(variant, name=name, overrides=point) for name, point in zip(names, points, strict=True)]


def _short(path: str, paths: Mapping[str, object]) -> str:
    """The shortest end of a path that no other path of the grid ends in."""
    parts = path.split(".")
    for count in range(1, len(parts)):
        end = ".".join(parts[-count:])
        if sum(other == end or other.endswith(f".{end}") for other in paths) == 1:
            return end
    return path


def _word(value: object) -> str:
    return value if isinstance(value, str) else canonical_json(value)


def measures_of(said: Mapping[str, Mapping[str, Any]]) -> list[SweptMeasure]:
    """What a sweep compares, in the order it is shown: COLUMNS, or of mandates what they are tuned by.

    Args:
        said: variant -> what the metrics.json of its backtest says.
    """
    if any("mandate" in item for item in said.values()):
        return mandate_measures(said)
    return [
        SweptMeasure("metrics", metric, unit, {name: item["metrics"][metric] for name, item in said.items()})
        for metric, unit in COLUMNS
    ]


def sweep_frame(said: Mapping[str, Mapping[str, Any]]) -> pl.DataFrame:
    """One row per variant and measure: variant, section, measure, unit, value (research.comparison.SCHEMA).

    Args:
        said: variant -> what the metrics.json of its backtest says.
    """
    measures = measures_of(said)
    rows = [
        (name, item.section, item.measure, item.unit, None if (value := item.values[name]) is None else float(value))
        for name in said
        for item in measures
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
