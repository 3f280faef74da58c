"""The tear sheet's lines over sessions: equity and drawdown, rolling ratios, exposure, costs, P&L against VaR."""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl

from riskdesk_assets.common.sample_statistics import SESSIONS_A_YEAR
from riskdesk_assets.reports.page.blocks import Figure
from riskdesk_assets.reports.page.charts import Line, line_chart
from riskdesk_assets.reports.page.numerals import dollars, percent, plain
from riskdesk_assets.research.challengers import EQUAL_WEIGHT, INVERSE_VOLATILITY
from riskdesk_assets.research.exact_sums import running_sums
from riskdesk_assets.research.performance import rolling
from riskdesk_assets.research.tear_sheet.axes import dollar_panel, percent_panel, ratio_panel
from riskdesk_assets.research.tear_sheet.content import SheetContent

_FEWEST_FOR_VAR = 3
_STYLES = {EQUAL_WEIGHT: "dashed", INVERSE_VOLATILITY: "dotted"}


def equity_figure(content: SheetContent) -> Figure:
    """Net equity, and below it its fall from the peak."""
    series = content.series
    falls = series["drawdown"].to_list()
    deepest = min(range(len(falls)), key=lambda place: falls[place])
    said = (
        f"Equity went from {dollars(content.nav)} to {dollars(content.number('final_equity'))} after costs; the deepest fall, "
        f"{dollars(-falls[deepest])}, was reached with the book of {series['as_of_date'][deepest]}."
    )
    panels = (
        dollar_panel([Line("equity", series["equity"].to_list())], 130),
        dollar_panel([Line("drawdown", falls, "area")], 60, with_zero=True),
    )
    drawing = line_chart("chart-equity", "Equity after costs, and below it the drawdown", said, _dates(series), panels)
    return Figure(
        f"Equity after costs (above) and drawdown from its peak (below). {said}", "timeseries: equity, drawdown", drawing
    )


def challenger_figure(content: SheetContent) -> Figure:
    """Cumulated net P&L of the desk and of both challengers."""
    series = content.series
    lines = [Line("desk", series["cumulative_pnl_net"].to_list())]
    rivals = content.frames["challengers"]
    ends = [f"the desk ended at {dollars(series['cumulative_pnl_net'][-1], signed=True)}"]
    for name, style in _STYLES.items():
        values = rivals.filter(pl.col("challenger") == name).sort("as_of_date")["cumulative_pnl_net"].to_list()
        lines.append(Line(name, values, style))
        ends.append(f"{name.replace('_', ' ')} at {dollars(values[-1], signed=True)}")
    said = f"After costs {', '.join(ends)}."
    panels = (dollar_panel(lines, 190, with_zero=True),)
    drawing = line_chart("chart-rivals", "Cumulated P&L of the desk and its challengers", said, _dates(series), panels)
    caption = f"Cumulated P&L after costs: the desk (solid), equal weight (dashed), inverse volatility (dotted). {said}"
    return Figure(caption, "timeseries, challengers: cumulative_pnl_net", drawing)


def rolling_figures(content: SheetContent) -> list[Figure]:
    """Sharpe ratio and volatility over the last sessions, at each session; nothing in a range too short for one."""
    series, window = content.known, content.settings.rolling_sessions
    returns = [value / content.nav for value in series["pnl_net"]]
    if len(returns) < window + 1:
        return []
    sharpe, volatility = rolling(returns, window, "sharpe"), rolling(returns, window, "volatility")
    dates = _dates(series)
    low, high = _ends(sharpe)
    said = f"Between {plain(low)} and {plain(high)}; {plain(content.number('sharpe_ratio'))} over the whole range."
    first = Figure(
        f"Sharpe ratio of the last {window} sessions, a year. {said}",
        "timeseries: pnl_net",
        line_chart(
            "chart-sharpe",
            "Rolling Sharpe ratio",
            said,
            dates,
            (ratio_panel([Line("sharpe", sharpe)], 130),),
        ),
    )
    low, high = _ends(volatility)
    predicted = [None if value is None else value * math.sqrt(SESSIONS_A_YEAR) for value in series["ex_ante_volatility"]]
    told = (
        f"Realized between {percent(low)} and {percent(high)} of NAV a year; {percent(content.number('volatility'))} over the "
        "whole range."
    )
    lines = [Line("realized", volatility), Line("predicted", predicted, "dashed")]
    second = Figure(
        f"Volatility a year, of NAV: realized over {window} sessions (solid), predicted at each close (dashed). {told}",
        "timeseries: pnl_net, ex_ante_volatility",
        line_chart(
            "chart-volatility",
            "Rolling volatility",
            told,
            dates,
            (percent_panel(lines, 130, 1),),
        ),
    )
    return [first, second]


def exposure_figure(content: SheetContent) -> Figure:
    """Gross and net over equity symbols, of nav."""
    series = content.series
    gross = [value / content.nav for value in series["equity_gross"]]
    net = [value / content.nav for value in series["equity_net"]]
    said = (
        f"Gross was {percent(math.fsum(gross) / len(gross))} of NAV on average and {percent(max(gross))} at most; |net| was "
        f"{percent(math.fsum(map(abs, net)) / len(net))} on average and {percent(max(map(abs, net)))} at most."
    )
    panels = (percent_panel([Line("gross", gross), Line("net", net, "dashed")], 130, 0),)
    drawing = line_chart("chart-exposure", "Gross and net, of NAV", said, _dates(series), panels)
    return Figure(f"Gross (solid) and net (dashed), of NAV. {said}", "timeseries: equity_gross, equity_net", drawing)


def cost_figure(content: SheetContent) -> Figure:
    """Cumulated P&L before and after costs."""
    series = content.series
    before, after = running_sums(series["pnl_gross"].to_list()), series["cumulative_pnl_net"].to_list()
    costs, traded = content.number("total_costs"), content.number("total_turnover")
    said = (
        f"{dollars(before[-1], signed=True)} before costs, {dollars(after[-1], signed=True)} after: "
        f"{dollars(costs)} for {dollars(traded)} traded and for what was borrowed."
    )
    panels = (dollar_panel([Line("after costs", after), Line("before costs", before, "dashed")], 130, with_zero=True),)
    drawing = line_chart("chart-costs", "Cumulated P&L before and after costs", said, _dates(series), panels)
    caption = f"Cumulated P&L after costs (solid) and before (dashed). {said}"
    return Figure(caption, "timeseries: pnl_gross, cumulative_pnl_net, costs, turnover", drawing)


def var_figure(content: SheetContent) -> Figure | None:
    """The desk's P&L as marked at each close against the VaR of the session before."""
    return var_chart(content.frames["desk_state"].sort("as_of_date"), "pnl_gross", content.nav, "desk_state: pnl_gross, var_99")


def var_chart(days: pl.DataFrame, marked: str, nav: float, source: str) -> Figure | None:
    """Each session's P&L as marked at its close, of nav, against the loss the session before said would be exceeded once in a
    hundred; None in a range of less than three sessions, which knows at most one of them.

    The losses beyond it are counted on the sessions that the risk model's own check counts (model_check_rows).

    Args:
        days: as_of_date, ex_ante_volatility, var_99 and P&L of every session, oldest first.
        marked: the column of that P&L, in dollars.
        nav: dollars.
        source: the table and columns it is drawn from.
    """
    if days.height < _FEWEST_FOR_VAR:
        return None
    pnl = [value / nav for value in days[marked][1:]]
    bound = [None if value is None else -value for value in days["var_99"][:-1]]
    risks = days["ex_ante_volatility"].to_list()[:-1]
    counted = [(value, limit) for value, limit, risk in zip(pnl, bound, risks, strict=True) if limit is not None and risk]
    beyond = sum(1 for value, limit in counted if value < limit)
    said = f"{beyond:,} of {len(counted):,} sessions after one with a book and a VaR lost more than that VaR."
    panels = (percent_panel([Line("pnl", pnl), Line("var", bound, "dashed")], 150, 1),)
    title = "P&L of each session and VaR 99 of the session before, of NAV"
    drawing = line_chart("chart-var", title, said, _dates(days)[1:], panels)
    caption = f"P&L of each session before costs (solid) and minus the VaR 99 of the session before (dashed), of NAV. {said}"
    return Figure(caption, source, drawing)


def _ends(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    found = [value for value in values if value is not None]
    return (min(found), max(found)) if found else (None, None)


def _dates(series: pl.DataFrame) -> list[str]:
    return [str(day) for day in series["as_of_date"]]
