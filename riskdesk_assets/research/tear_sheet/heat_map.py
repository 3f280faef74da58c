"""Net P&L by month and year as a map of coloured cells, each with its number in it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import polars as pl
from markupsafe import Markup

from riskdesk_assets.reports.page.blocks import Figure
from riskdesk_assets.reports.page.numerals import percent
from riskdesk_assets.research.tear_sheet.content import SheetContent

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LEFT, _CELL, _YEAR, _ROW, _TOP = 44, 58, 66, 24, 18
_LEVELS = 4


def monthly_pnl(series: pl.DataFrame) -> dict[tuple[int, int], float]:
    """(year, month) -> net P&L in dollars, in the month it became known in; what never did, in the month of its session."""
    found: dict[tuple[int, int], list[float]] = {}
    for session, following, pnl in series.select("as_of_date", "next_date", "pnl_net").iter_rows():
        day = following or session
        found.setdefault((day.year, day.month), []).append(pnl)
    return {month: math.fsum(parts) for month, parts in sorted(found.items())}


def heat_map(content: SheetContent) -> Figure:
    """The map, months across and years down, with the year's sum at the end of its row."""
    months = monthly_pnl(content.series)
    years = sorted({year for year, _ in months})
    largest = max((abs(value) for value in months.values()), default=0.0)
    width, height = _LEFT + 12 * _CELL + _YEAR, _TOP + _ROW * len(years) + 4
    best, worst = max(months, key=lambda key: months[key]), min(months, key=lambda key: months[key])
    counted = "1 month" if len(months) == 1 else f"{len(months)} months"
    said = (
        f"Best month {best[0]}-{best[1]:02d} with {percent(months[best] / content.nav, 2, signed=True)} of NAV, worst "
        f"{worst[0]}-{worst[1]:02d} with {percent(months[worst] / content.nav, 2, signed=True)}; "
        f"{sum(value > 0 for value in months.values())} of {counted} earned something."
    )
    parts = [
        '<div class="scroll" tabindex="0" role="region" aria-label="Net P&amp;L by month">'
        f'<svg class="chart heat" viewBox="0 0 {width} {height}" role="img" aria-labelledby="heat-t heat-d">'
        f'<title id="heat-t">Net P&amp;L by month, percent of NAV</title><desc id="heat-d">{said}</desc>'
    ]
    parts += [
        f'<text class="axis middle" x="{_LEFT + _CELL * place + _CELL // 2}" y="12">{name}</text>'
        for place, name in enumerate(_MONTHS)
    ]
    parts.append(f'<text class="axis end" x="{width - 4}" y="12">Year</text>')
    for row, year in enumerate(years):
        parts.append(_row(row, year, months, largest, content.nav, width))
    parts.append("</svg></div>")
    # Numbers, names of months and our own class names only.
    drawing = Markup("".join(parts))  # noqa: S704
    caption = f"Net P&L by month, percent of NAV, in the month in which it became known. {said}"
    return Figure(caption, "timeseries: pnl_net by next_date", drawing)


def _row(row: int, year: int, months: Mapping[tuple[int, int], float], largest: float, nav: float, width: int) -> str:
    top = _TOP + _ROW * row
    parts = [f'<text class="axis" x="0" y="{top + 16}">{year}</text>']
    for place in range(12):
        value = months.get((year, place + 1))
        if value is None:
            continue
        left = _LEFT + _CELL * place
        parts.append(f'<rect class="{_shade(value, largest)}" x="{left}" y="{top}" width="{_CELL - 2}" height="{_ROW - 2}"/>')
        written = percent(value / nav, 2, signed=True)
        parts.append(f'<text class="cell middle" x="{left + _CELL // 2 - 1}" y="{top + 15}">{written}</text>')
    total = math.fsum(value for (found, _), value in months.items() if found == year)
    parts.append(f'<text class="cell end total" x="{width - 4}" y="{top + 15}">{percent(total / nav, 2, signed=True)}</text>')
    return "".join(parts)


def _shade(value: float, largest: float) -> str:
    """One of four shades of gain or loss, by size against the largest month."""
    if not largest or not value:
        return "heat0"
    level = min(_LEVELS, 1 + int(abs(value) / largest * _LEVELS))
    return f"{'gain' if value > 0 else 'loss'}{level}"
