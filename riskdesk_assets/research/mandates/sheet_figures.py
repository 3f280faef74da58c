"""A mandate's lines over sessions: its benchmark, turnover, soft targets and factors against their limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.reports.page.blocks import Figure
from riskdesk_assets.reports.page.charts import Line, Panel, line_chart
from riskdesk_assets.reports.page.numerals import dollars, percent, plain
from riskdesk_assets.research.mandates.adherence import soft_gross
from riskdesk_assets.research.tear_sheet.axes import dollar_panel, percent_panel

Frames = Mapping[str, pl.DataFrame]
_STYLES = ("solid", "dashed", "dotted")


def benchmark_figure(frames: Frames, mandate: PortfolioConfig) -> Figure:
    """Cumulated net P&L of the mandate and of its benchmark."""
    series, rival = frames["timeseries"], frames["benchmark"]
    name = str(rival["benchmark"][0]).replace("_", " ")
    mine, theirs = series["cumulative_pnl_net"].to_list(), rival["cumulative_pnl_net"].to_list()
    said = (
        f"After costs {mandate.portfolio_id} ended at {dollars(mine[-1], signed=True)}, {name} at "
        f"{dollars(theirs[-1], signed=True)}."
    )
    panels = (dollar_panel([Line("mandate", mine), Line("benchmark", theirs, "dashed")], 190, with_zero=True),)
    drawing = line_chart("chart-benchmark", "Cumulated P&L of the mandate and its benchmark", said, _dates(series), panels)
    caption = f"Cumulated P&L after costs: the mandate (solid), {name} (dashed). {said}"
    return Figure(caption, "timeseries, benchmark: cumulative_pnl_net", drawing)


def turnover_figure(frames: Frames, mandate: PortfolioConfig) -> Figure:
    """What was traded each session, of nav, against the turnover limit."""
    series, nav = frames["timeseries"], mandate.own_nav
    traded = [value / nav for value in series["turnover"]]
    later = traded[1:] or traded
    average = percent(math.fsum(later) / len(later), 2)
    said = (
        f"Building the first book traded {percent(traded[0], 0)} of NAV; after it {average} a session was traded on average "
        f"and {percent(max(later), 1)} at most."
    )
    # The first book would leave the rest of the chart flat.
    lines = [Line("turnover", [None, *traded[1:]] if len(traded) > 1 else traded)]
    if mandate.turnover_limit is not None:
        lines.append(Line("limit", [mandate.turnover_limit] * len(traded), "dashed"))
    panels = (percent_panel(lines, 130, 0),)
    drawing = line_chart("chart-turnover", "Turnover of each session, of NAV", said, _dates(series), panels)
    caption = f"Turnover of each session after the first, of NAV (solid), and its limit (dashed). {said}"
    return Figure(caption, "timeseries: turnover", drawing)


def soft_figure(frames: Frames, mandate: PortfolioConfig) -> Figure:
    """Gross in soft targets, of nav, against the fragility budget."""
    series = frames["timeseries"]
    soft = soft_gross(frames["exposures"], mandate.soft_classes, series["as_of_date"].to_list())
    classes = " and ".join(mandate.soft_classes)
    said = f"{percent(math.fsum(soft) / len(soft), 1)} of NAV on average and {percent(max(soft), 1)} at most."
    lines = [Line("soft", soft)]
    if mandate.fragility_exposure_limit is not None:
        lines.append(Line("limit", [mandate.fragility_exposure_limit] * len(soft), "dashed"))
    panels = (percent_panel(lines, 130, 0),)
    drawing = line_chart("chart-soft", "Gross in soft targets, of NAV", said, _dates(series), panels)
    return Figure(
        f"Gross in names of class {classes} or of none known (solid), and its limit (dashed). {said}",
        "exposures: gross",
        drawing,
    )


def factor_figure(frames: Frames, mandate: PortfolioConfig) -> Figure | None:
    """Exposures to the factors that have a limit, each as a share of its limit, as many in a panel as there are styles of
    line; None where no limit is above 0. Of one of 0 there is no share: it is told in words."""
    factors = frames["exposures"].filter(
        (pl.col("dimension") == "factor") & pl.col("member").is_in(list(mandate.factor_limits))
    )
    limited = [name for name, bound in sorted(mandate.factor_limits.items()) if bound > 0]
    if factors.is_empty() or not limited:
        return None
    series = frames["timeseries"]
    nets = {name: _net(factors, name, series["as_of_date"].to_list()) for name in mandate.factor_limits}
    panels: list[Panel] = []
    told: list[str] = []
    for first in range(0, len(limited), len(_STYLES)):
        lines: list[Line] = []
        words: list[str] = []
        for name, style in zip(limited[first:], _STYLES, strict=False):
            bound = mandate.factor_limits[name]
            lines.append(Line(name, [None if net is None else net / bound for net in nets[name]], style))
            words.append(f"{name} ({style}) at most {percent(_most(nets[name]) / bound, 0)} of ±{bound:g}")
        panels.append(percent_panel(lines, 130, 0))
        told.append("; ".join(words))
    if len(panels) > 1:
        panels = [replace(panel, name=f"Panel {place}") for place, panel in enumerate(panels, start=1)]
        told = [f"{panel.name}: {words}" for panel, words in zip(panels, told, strict=True)]
    told += [
        f"Not drawn, with a limit of 0: {name}, at most {plain(_most(nets[name]), 4)}"
        for name, bound in sorted(mandate.factor_limits.items())
        if bound == 0
    ]
    said = f"{'. '.join(told)}."
    drawing = line_chart("chart-factors", "Factor exposures, as shares of their limits", said, _dates(series), panels)
    return Figure(f"Factor exposures as shares of their limits. {said}", "exposures: net", drawing)


def _net(factors: pl.DataFrame, name: str, sessions: Sequence[date]) -> list[float | None]:
    """One factor's exposure on each session, None where there is none."""
    days = dict(factors.filter(pl.col("member") == name).select("as_of_date", "net").iter_rows())
    return [days.get(session) for session in sessions]


def _most(values: Sequence[float | None]) -> float:
    """The largest without its sign."""
    return max((abs(value) for value in values if value is not None), default=0.0)


def _dates(series: pl.DataFrame) -> Sequence[str]:
    return [str(day) for day in series["as_of_date"]]
