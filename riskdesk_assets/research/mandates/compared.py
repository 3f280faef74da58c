"""What mandates are tuned by: the measures of a sweep over risk aversion, limits and fragility budgets (PE-75)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COLUMNS = (
    ("total_pnl_net", "dollars"),
    ("active_pnl_net", "dollars"),
    ("total_costs", "dollars"),
    ("compounded_return", "nav"),
    ("sharpe_ratio", "ratio"),
    ("information_ratio", "ratio"),
    ("volatility", "nav"),
    ("predicted_volatility", "nav"),
    ("bias_ratio", "ratio"),
    ("tracking_error", "nav"),
    ("max_drawdown", "nav"),
    ("return_over_drawdown", "ratio"),
    ("worst_scenario_return", "nav"),
    ("mean_gross", "dollars"),
    ("mean_turnover", "nav"),
    ("mean_soft_gross", "nav"),
    ("most_soft_gross", "nav"),
    ("mean_names", "ratio"),
    ("softened_sessions", "sessions"),
    ("unanswered_sessions", "sessions"),
    ("released_breaches", "sessions"),
    ("days_with_pnl", "sessions"),
    ("days_skipped_due_to_prices", "sessions"),
)
"""The metrics a sweep of mandates shows side by side, with their units (research.comparison_files.shown)."""
BOUND, GAVE_WAY = "bound", "softened"
"""Sections of the sessions on which each family of limits had a price, and gave way."""


@dataclass(frozen=True)
class SweptMeasure:
    """One measure of a sweep: ``values`` maps a variant to its number, None where there is too little to say."""

    section: str
    measure: str
    unit: str
    values: Mapping[str, float | None]


def mandate_measures(said: Mapping[str, Mapping[str, Any]]) -> list[SweptMeasure]:
    """COLUMNS, then per family of limits the sessions on which it bound, and gave way.

    Args:
        said: variant -> what the metrics.json of its backtest says.
    """
    metrics: dict[str, Mapping[str, Any]] = {name: item["metrics"] for name, item in said.items()}
    found = [
        SweptMeasure("metrics", metric, unit, {name: item[metric] for name, item in metrics.items()})
        for metric, unit in COLUMNS
    ]
    for section in (BOUND, GAVE_WAY):
        for family in sorted({family for item in metrics.values() for family in item[section]}):
            counts = {name: item[section].get(family, 0) for name, item in metrics.items()}
            found.append(SweptMeasure(section, f"{family} {section}", "sessions", counts))
    return found
