"""A mandate's tables: its benchmark, its limits, scenarios, names, exposures, and how the optimizer answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from riskdesk_assets.common.sample_statistics import mean
from riskdesk_assets.reports.page.blocks import Cell, Column, Table
from riskdesk_assets.reports.page.charts import diverging_bar, share_bar
from riskdesk_assets.reports.page.numerals import NOTHING, count, dollars, percent, plain

Frames = Mapping[str, pl.DataFrame]
Metrics = Mapping[str, Any]


def benchmark_table(metrics: Metrics, nav: float) -> Table:
    """The mandate and its benchmark, measured alike, and the one against the other."""
    rival: Metrics = metrics["benchmark"]
    both = (metrics, rival)
    rows = [
        ["P&L before costs", *(dollars(item["total_pnl_gross"], signed=True) for item in both)],
        ["Costs", *(dollars(item["total_costs"]) for item in both)],
        ["P&L after costs", *(dollars(item["total_pnl_net"], signed=True) for item in both)],
        ["Sharpe ratio", *(plain(item["sharpe_ratio"]) for item in both)],
        ["Volatility a year", *(percent(item["volatility"], 2) for item in both)],
        ["Largest drawdown", *(percent(item["max_drawdown"], 2) for item in both)],
        ["Mean gross", *(percent((item["mean_gross"] or 0.0) / nav) for item in both)],
        ["Traded", *(dollars(item["total_turnover"]) for item in both)],
        ["Tracking error a year", percent(metrics["tracking_error"], 2), NOTHING],
        ["Information ratio", plain(metrics["information_ratio"]), NOTHING],
        ["Beta", plain(metrics["beta"]), NOTHING],
    ]
    return Table(
        "benchmark",
        "The mandate and its benchmark: the same sessions, skips, dead names and costs per dollar traded",
        "timeseries, benchmark: pnl_gross, costs, pnl_net, turnover, gross (equity_gross)",
        (Column("", "text"), Column("Mandate"), Column(str(rival["name"]).replace("_", " ").capitalize())),
        [[Cell(text) for text in row] for row in rows],
    )


def limit_table(frames: Frames) -> Table:
    """Every limit: how often it bound, gave way and was breached, and how close the weights came."""
    rows = [
        [
            Cell(row["limit_name"]),
            Cell(count(row["sessions"])),
            Cell(count(row["bound"])),
            Cell(count(row["amber"])),
            Cell(count(row["softened"]), "amber" if row["softened"] else ""),
            Cell(count(row["breached"]), "amber" if row["breached"] else ""),
            Cell(count(row["released_breached"]), "bad" if row["released_breached"] else "good"),
            Cell(percent(row["mean_utilization"])),
            Cell(percent(row["most_utilization"])),
            Cell(percent(row["least_slack"], 2, signed=True)),
            Cell("", drawing=share_bar(row["mean_utilization"] or 0.0, mark=min(row["most_utilization"] or 0.0, 1.0))),
        ]
        for row in frames["limit_use"].iter_rows(named=True)
    ]
    titles = (
        "Sessions",
        "Bound",
        "Amber",
        "Gave way",
        "Breached",
        "Breached by an answer",
        "Mean use",
        "Most use",
        "Least slack",
    )
    return Table(
        "limits",
        "Sessions on which each limit was measured, bound (had a price), gave way, was breached; slack of NAV; tick: most use",
        "limit_use, limit_slack (from portfolio_limits: measured, bound, price_of_limit, softened_to, status)",
        (Column("Limit", "text"), *(Column(title) for title in titles), Column("", "bar")),
        rows,
        note="Of limits per name (name, liquidity) the tightest one counts. Without an answer of the optimizer weights drift, "
        "and may drift out of a limit: that is breached, but by no answer.",
    )


def scenario_table(frames: Frames, nav: float) -> Table:
    """What the scenarios would have done to the weights of every session, to the benchmark's, and what was lived through."""
    rows = []
    for row in frames["scenario_pnl"].sort("worst_pnl", "scenario_id").iter_rows(named=True):
        lived = f"{row['lived_first']} to {row['lived_last']}" if row["lived_first"] else NOTHING
        rows.append(
            [
                Cell(row["scenario_id"].replace("_", " ")),
                Cell(count(row["sessions"])),
                Cell(percent(row["mean_pnl"] / nav, 2, signed=True)),
                Cell(percent(row["worst_pnl"] / nav, 2, signed=True), "bad" if row["worst_pnl"] <= -nav * 0.00005 else ""),
                Cell(str(row["worst_on"])),
                Cell(_share(row["benchmark_mean_pnl"], nav)),
                Cell(_share(row["benchmark_worst_pnl"], nav)),
                Cell(lived),
                Cell(_share(row["lived_pnl"], nav)),
                Cell(_share(row["benchmark_lived_pnl"], nav)),
            ]
        )
    titles = ("Sessions", "Mean", "Worst", "Worst on", "Benchmark mean", "Benchmark worst")
    return Table(
        "scenarios",
        "Scenarios applied to the weights of every session, of NAV; and what was earned where the range lived through one",
        "scenario_pnl (from scenarios, target_portfolios; lived_pnl from timeseries, benchmark: pnl_net)",
        (
            Column("Scenario", "text"),
            *map(Column, titles),
            Column("Lived through", "text"),
            Column("Earned"),
            Column("Benchmark earned"),
        ),
        rows,
    )


def name_table(metrics: Metrics, nav: float) -> Table:
    """What every name earned, best first."""
    names: Mapping[str, Metrics] = metrics["by_name"]
    ordered = sorted(names.items(), key=lambda pair: (-pair[1]["pnl_net"], pair[0]))
    largest = max((abs(item["pnl_net"]) for item in names.values()), default=0.0)
    rows = [
        [
            Cell(name),
            Cell(count(item["days_held"])),
            Cell(percent(item["mean_weight"], 1, signed=True)),
            Cell(dollars(item["pnl_gross"], signed=True)),
            Cell(dollars(item["costs"])),
            Cell(dollars(item["pnl_net"], signed=True)),
            Cell(percent(item["pnl_net"] / nav, 2, signed=True)),
            Cell("", drawing=diverging_bar(item["pnl_net"], largest)),
        ]
        for name, item in ordered
    ]
    titles = ("Held", "Mean weight", "Before costs", "Costs", "Net", "of NAV")
    columns = (Column("Name", "text"), *map(Column, titles), Column("", "bar"))
    source = "name_pnl: weight, pnl_gross, costs, pnl_net by symbol"
    return Table("names", "P&L by name; held in sessions, mean weight while held", source, columns, rows)


def exposure_table(frames: Frames) -> Table:
    """Mean and largest exposure to every factor, sector, group, country, currency and fragility class."""
    exposures = frames["exposures"]
    sessions = frames["timeseries"].height
    rows = []
    for (dimension, member), days in sorted(exposures.partition_by("dimension", "member", as_dict=True).items()):
        nets, grosses = ([value or 0.0 for value in days[side]] for side in ("net", "gross"))
        # A session on which nothing of it was held has no row, and counts as nothing.
        rest = [0.0] * (sessions - days.height)
        with_net, with_gross = dimension != "fragility", dimension != "factor"
        extreme = max(nets, key=abs, default=0.0)
        rows.append(
            [
                Cell(f"{dimension}: {member}"),
                Cell(percent(mean([*nets, *rest]), 1, signed=True) if with_net else NOTHING),
                Cell(percent(extreme, 1, signed=True) if with_net else NOTHING),
                Cell(percent(mean([*grosses, *rest]), 1) if with_gross else NOTHING),
                Cell(percent(max(grosses, default=0.0), 1) if with_gross else NOTHING),
            ]
        )
    titles = ("Mean net", "Extreme net", "Mean gross", "Most gross")
    columns = (Column("Exposure", "text"), *map(Column, titles))
    return Table("exposures", "Exposures over the range, of NAV", "exposures: net, gross", columns, rows, folded="Exposures")


def answer_table(metrics: Metrics) -> Table:
    """How the optimizer answered, and which families of limits bound and gave way."""
    statuses: Mapping[str, int] = metrics["decision_statuses"]
    rows = [[Cell(f"decision {name}"), Cell(count(number))] for name, number in statuses.items()]
    rows += [[Cell(f"{family} bound"), Cell(count(number))] for family, number in metrics["bound"].items()]
    rows += [[Cell(f"{family} gave way"), Cell(count(number))] for family, number in metrics["softened"].items()]
    for word, key in (
        ("with a score", "days_with_features"),
        ("with P&L", "days_with_pnl"),
        ("flat", "days_flat"),
        ("skipped for prices", "days_skipped_due_to_prices"),
        ("not known yet", "days_pending"),
    ):
        rows.append([Cell(word), Cell(count(metrics[key]))])
    source = "engine_decisions: status; portfolio_limits: price_of_limit, softened_to; timeseries: status"
    return Table("answers", "Sessions", source, (Column("Sessions", "text"), Column("")), rows)


def _share(value: float | None, nav: float) -> str:
    return NOTHING if value is None else percent(value / nav, 2, signed=True)
