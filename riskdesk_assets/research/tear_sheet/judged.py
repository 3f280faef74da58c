"""What it is judged by: challengers, limits, the risk model's predictions, scenarios, skipped days, choices."""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl

from riskdesk_assets.common.sample_statistics import mean
from riskdesk_assets.reports.page.blocks import Cell, Column, Table
from riskdesk_assets.reports.page.charts import share_bar
from riskdesk_assets.reports.page.numerals import NOTHING, count, dollars, percent, plain
from riskdesk_assets.reports.realized import PENDING
from riskdesk_assets.research.challengers import NAMES
from riskdesk_assets.research.performance import annual_volatility, drawdown, sharpe_ratio
from riskdesk_assets.research.tear_sheet.content import SheetContent

_CHECKS = {"drawdown": "drawdown before costs"}
"""What a check is called beside figures of the same name that are after costs."""
_AGAINST = ("REJECTED", "BREACHED", "RED")


def challenger_table(content: SheetContent) -> Table:
    """The desk beside its challengers, measured alike."""
    columns = {"Desk": content.series.rename({"equity_gross": "gross"})}
    rivals = content.frames["challengers"]
    columns |= {name.replace("_", " ").capitalize(): rivals.filter(pl.col("challenger") == name) for name in NAMES}
    found = [_measures(frame.sort("as_of_date"), content.nav) for frame in columns.values()]
    rows = [[Cell(title), *(Cell(item[title]) for item in found)] for title in found[0]]
    return Table(
        "challengers",
        "The same entries and exits, sized by simpler rules at the same mean gross, after the same costs",
        "timeseries, challengers: pnl_gross, costs, pnl_net, turnover, gross (equity_gross)",
        (Column("", "text"), *(Column(name) for name in columns)),
        rows,
    )


def _measures(frame: pl.DataFrame, nav: float) -> dict[str, str]:
    known = frame.filter(pl.col("status") != PENDING)["pnl_net"].to_list()
    returns = [value / nav for value in known]
    fall = drawdown(frame["pnl_net"].to_list(), nav)
    return {
        "P&L before costs": dollars(math.fsum(frame["pnl_gross"]), signed=True),
        "Costs": dollars(math.fsum(frame["costs"])),
        "P&L after costs": dollars(math.fsum(frame["pnl_net"]), signed=True),
        "Sharpe ratio": plain(sharpe_ratio(returns)),
        "Volatility a year": percent(annual_volatility(returns), 2),
        "Largest drawdown": percent(fall.fraction, 2),
        "Mean gross": percent((mean(frame["gross"].to_list()) or 0.0) / nav),
        "Traded": dollars(math.fsum(frame["turnover"])),
    }


def limit_table(content: SheetContent) -> Table:
    """Every limit: how often it cut a proposal, was binding in the book and was breached, and how much of it was used."""
    rows = []
    for row in content.frames["limit_use"].iter_rows(named=True):
        breached = row["released_breached"]
        rows.append(
            [
                Cell(row["limit_name"]),
                Cell(count(row["sessions"])),
                Cell(count(row["cut_proposal"])),
                Cell(count(row["binding"])),
                Cell(count(row["amber"])),
                Cell(count(row["breached"]), "amber" if row["breached"] else ""),
                Cell(count(breached), "bad" if breached else "good"),
                Cell(percent(row["mean_utilization"])),
                Cell(percent(row["most_utilization"])),
                Cell("", drawing=share_bar(row["mean_utilization"] or 0.0, mark=min(row["most_utilization"] or 0.0, 1.0))),
            ]
        )
    titles = (
        "Sessions",
        "Cut a proposal",
        "Binding in the book",
        "Amber",
        "Breached",
        "Breached and released",
        "Mean use",
        "Most use",
    )
    return Table(
        "limits",
        "Sessions on which each limit cut what was asked for, was binding in the book (had a price), was amber, was breached "
        "by the last book tried, by a released one; use and amber are the book's; tick: most use",
        "limit_use (from limit_audit: utilization, status, price_of_limit; clip_ledger: limit_name)",
        (Column("Limit", "text"), *(Column(title) for title in titles), Column("", "bar")),
        rows,
    )


def check_table(content: SheetContent, source: str = "risk_checks (from desk_state, limit_audit)") -> Table:
    """What the risk model predicted against what happened; ``source`` names the tables the checks are made of."""
    shown = content.frames["risk_checks"].filter(~pl.col("check_name").str.starts_with("binding:"))
    rows = [
        [
            Cell(_CHECKS.get(row["check_name"], row["check_name"].replace("_", " "))),
            Cell(count(row["observations"])),
            Cell(count(row["exceptions"])),
            Cell(plain(row["expected"], 1)),
            Cell(plain(row["statistic"])),
            Cell(plain(row["p_value"], 3)),
            Cell(row["outcome"], "bad" if row["outcome"] in _AGAINST else "amber" if row["outcome"] == "YELLOW" else ""),
            Cell(row["message"]),
        ]
        for row in shown.iter_rows(named=True)
    ]
    titles = ("Observed", "Exceptions", "Expected", "Statistic", "p")
    columns = (Column("Check", "text"), *map(Column, titles), Column("Outcome", "text"), Column("In words", "prose"))
    caption = "The risk model over the whole range, against P&L before costs as marked at each close"
    return Table("checks", caption, source, columns, rows)


def scenario_table(content: SheetContent) -> Table:
    """What the scenarios would have done to the books held."""
    rows = [
        [
            Cell(row["scenario_id"].replace("_", " ")),
            Cell(row["kind"].lower()),
            Cell(count(row["sessions"])),
            Cell(dollars(row["mean_pnl"], signed=True)),
            Cell(dollars(row["worst_pnl"], signed=True), "bad" if row["worst_pnl"] < 0 else ""),
            Cell(percent(row["worst_pnl"] / content.nav, 2, signed=True)),
            Cell(str(row["worst_on"])),
        ]
        for row in content.frames["scenario_pnl"].sort("worst_pnl", "scenario_id").iter_rows(named=True)
    ]
    columns = (
        Column("Scenario", "text"),
        Column("Kind", "text"),
        *map(Column, ("Sessions", "Mean P&L", "Worst P&L", "of NAV", "Worst on")),
    )
    return Table(
        "scenarios",
        "Scenarios applied to the book of every session",
        "scenario_pnl (from scenarios, desk_positions)",
        columns,
        rows,
    )


def skipped_table(content: SheetContent) -> Table | None:
    """Every session that was skipped whole, and for which missing price; None where none was."""
    skipped = content.metrics["skipped_days"]
    if not skipped:
        return None
    rows = [[Cell(str(row["as_of_date"])), Cell(row["status"]), Cell(row["missing_symbols"])] for row in skipped]
    columns = (Column("Session", "text"), Column("Why", "text"), Column("Missing", "text"))
    return Table("skipped", "Sessions skipped whole", "timeseries: status, missing_symbols", columns, rows)


def choice_table(content: SheetContent) -> Table | None:
    """What a walk-forward chose from window to window; None for a plain backtest."""
    if "choices" not in content.frames:
        return None
    choices = content.frames["choices"]
    names: Sequence[str] = choices.filter(pl.col("window") == 1)["variant"].to_list()
    rows = []
    for window in choices.partition_by("window", maintain_order=True):
        row = window.filter("chosen").row(0, named=True)
        values = dict(window.select("variant", "criterion").iter_rows())
        cells = [
            Cell(NOTHING if values[name] is None else plain(values[name]), "good" if name == row["variant"] else "")
            for name in names
        ]
        rows.append(
            [
                Cell(f"{row['trade_first']} to {row['trade_last']}"),
                Cell(f"to {row['formation_last']}"),
                Cell(row["variant"]),
                *cells,
            ]
        )
    rule = content.settings.walk_forward
    columns = (Column("Traded", "text"), Column("Judged", "text"), Column("Chosen", "text"), *map(Column, names))
    caption = (
        f"Chosen by {rule.criterion} on all sessions from {choices['formation_first'][0]} on, {rule.purge_sessions} sessions "
        "left out before each window; what was traded is out of sample"
    )
    return Table("choices", caption, "choices: criterion, chosen", columns, rows)
