"""A mandate's backtest, and a sweep of them, on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from riskdesk_assets.interfaces.terminal import banner, console, dollars, escaped, table
from riskdesk_assets.research.comparison_files import shown
from riskdesk_assets.research.mandates.compared import BOUND, COLUMNS, GAVE_WAY, SweptMeasure
from riskdesk_assets.research.tear_sheet.sheet import SHEET

_SHOWN_SKIPS = 5
_SWEPT = (
    ("total_pnl_net", "net"),
    ("active_pnl_net", "beyond"),
    ("sharpe_ratio", "Sharpe"),
    ("volatility", "volatility"),
    ("bias_ratio", "bias"),
    ("max_drawdown", "drawdown"),
    ("worst_scenario_return", "scenario"),
    ("mean_turnover", "turnover"),
    ("mean_soft_gross", "soft"),
)
"""Of COLUMNS, what a terminal has room for, and what it is called there; the rest is in the sweep's own files."""


def show_mandate(said: Mapping[str, Any], place: Path) -> None:
    """The headline, the benchmark, the limits that bound, what was skipped, and where the rest is.

    Args:
        said: what metrics.json of the backtest says.
        place: its directory.
    """
    out, metrics = console(), said["metrics"]
    out.print(f"{banner(said['source'])}  {said['mandate']}, {said['first']} to {said['last']}, profile {said['profile']}")
    for note in said["notes"]:
        out.print(f"[dim]{escaped(note)}[/]")
    headline = table("", ">")
    for name, unit in COLUMNS:
        headline.add_row(name.replace("_", " "), shown(metrics[name], unit))
    out.print(headline)
    rival = metrics["benchmark"]
    out.print(
        f"beside it {rival['name'].replace('_', ' ')}: net {dollars(rival['total_pnl_net'])}, "
        f"Sharpe {shown(rival['sharpe_ratio'], 'ratio')}, drawdown {shown(rival['max_drawdown'], 'nav')}",
        soft_wrap=True,
    )
    families = table("limits", ">bound on", ">gave way on")
    for family in sorted({*metrics[BOUND], *metrics[GAVE_WAY]}):
        families.add_row(family.replace("_", " "), str(metrics[BOUND].get(family, 0)), str(metrics[GAVE_WAY].get(family, 0)))
    out.print(families)
    statuses = ", ".join(f"{name} {count}" for name, count in metrics["decision_statuses"].items())
    out.print(f"sessions by decision: {statuses}", soft_wrap=True)
    if metrics["released_breaches"]:
        out.print(f"[red]limits breached[/] by weights the optimizer chose, {metrics['released_breaches']} times: limit_use")
    if metrics["worst_scenario"] is not None:
        lost = dollars(metrics["worst_scenario_pnl"])
        out.print(f"worst scenario on any session: {metrics['worst_scenario'].replace('_', ' ')}, {lost}")
    skipped = metrics["skipped_days"]
    for row in skipped[:_SHOWN_SKIPS]:
        out.print(f"[yellow]skipped[/] {row['as_of_date']} {row['status']}: no price of {row['missing_symbols']}")
    if len(skipped) > _SHOWN_SKIPS:
        out.print(f"[yellow]skipped[/] {len(skipped) - _SHOWN_SKIPS} sessions more, in metrics.json")
    out.print(f"[dim]kept in[/]  {place}", soft_wrap=True)
    out.print(f"[dim]sheet[/]    {place / SHEET}", soft_wrap=True)


def show_mandate_sweep(names: list[str], measures: list[SweptMeasure]) -> None:
    """One row per variant: what it came to, and on how many sessions each family of limits bound (and gave way)."""
    out, by_name = console(), {item.measure: item for item in measures}
    numbered = list(enumerate(names, start=1))
    for place, name in numbered:
        out.print(f"{place:>3}  {escaped(name)}", soft_wrap=True)
    found = table("", *(f">{word}" for _, word in _SWEPT))
    for place, name in numbered:
        cells = [shown(by_name[metric].values[name], by_name[metric].unit) for metric, _ in _SWEPT]
        found.add_row(str(place), *cells)
    out.print(found)
    bound = [item for item in measures if item.section == BOUND]
    gave = {item.measure.removesuffix(f" {GAVE_WAY}"): item for item in measures if item.section == GAVE_WAY}
    families = [item.measure.removesuffix(f" {BOUND}") for item in bound]
    days = table("", *(f">{family.replace('_', ' ')}" for family in families), title="sessions each family bound (gave way)")
    for place, name in numbered:
        days.add_row(
            str(place),
            *(_days(item.values[name], gave.get(family), name) for family, item in zip(families, bound, strict=True)),
        )
    out.print(days)


def _days(count: float | None, gave: SweptMeasure | None, name: str) -> str:
    soft = gave.values[name] if gave is not None else 0
    return f"{count or 0:.0f} ({soft:.0f})" if soft else f"{count or 0:.0f}"
