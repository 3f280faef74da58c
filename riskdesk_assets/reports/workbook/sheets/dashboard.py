"""Portfolio Dashboard: the book at a glance, with native charts and a heat map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskdesk_assets.reports.workbook.canvas import SERIES, Canvas
from riskdesk_assets.reports.workbook.content import Figure, WorkbookContent
from riskdesk_assets.reports.workbook.layout import DASHBOARD
from riskdesk_assets.reports.workbook.sheets.expected_pnl import SESSIONS_A_WEEK

_COLUMNS = 14
_TILES = 7
_BLOCK_ROWS = 13
_ROW_PIXELS = 20
_CHART_COLUMN = 6
_LOW, _MIDDLE, _HIGH = "#6E9BC5", "#FFFFFF", "#D98B7B"


def write_dashboard(canvas: Canvas, content: WorkbookContent) -> None:
    """Write the sheet."""
    canvas.titles("Portfolio Dashboard", f"{content.desk}, session {content.session.isoformat()}, {content.status}")
    canvas.widths(22, *[11.5] * (_COLUMNS - 1))
    row = 2
    if content.simulated:
        canvas.text(row, 0, "SIMULATED", "banner")
        canvas.text(row, 1, "sample market: no price in this workbook is a real one", "banner")
        for column in range(2, _COLUMNS):
            canvas.blank(row, column, "banner")
        row += 1
    row += 1
    row = _tiles(canvas, row, content.headline)
    canvas.section(row, "Regime and expected P&L", _COLUMNS)
    row = _tiles(canvas, row + 1, _regime_figures(content))
    row = _buckets(canvas, content, row)
    row = _tiers(canvas, content, row)
    canvas.sheet.set_h_pagebreaks([row])
    row = _regimes(canvas, content, row)
    last = max(_COLUMNS - 1, len(content.heat_map.names))
    row = _heat_map(canvas, content, row)
    canvas.sheet.freeze_panes(2, 0)
    canvas.lock()
    canvas.for_print(content.session, last_row=row, last_column=last, repeat=None)


def _regime_figures(content: WorkbookContent) -> list[Figure]:
    week = content.expected_week
    tape = ", ".join(f"{count} {word.lower()}" for word, count in content.tape.items() if count)
    most = max(content.tape, key=lambda word: (content.tape[word], word)) if content.tape else None
    return [
        Figure("Market regime", content.regime or "not known", "text", "of the session, one for all names"),
        Figure("Volatility z", content.volatility_z, "correlation", "above 1: Event"),
        Figure("Dispersion z", content.dispersion_z, "correlation", "above 1: Event"),
        Figure("Tape regime, most names", most, "text", tape),
        Figure("Expected P&L a week", week, "dollars", "on allocated capital; sheet ExpectedPnL"),
        Figure("Expected P&L a day", None if week is None else week / SESSIONS_A_WEEK, "dollars", "a fifth of it"),
    ]


def _tiles(canvas: Canvas, row: int, figures: Sequence[Figure]) -> int:
    """Figures in tiles two columns wide, in lines of _TILES; returns the row after them."""
    for start in range(0, len(figures), _TILES):
        canvas.sheet.set_row(row + 1, 22)
        for place in range(_TILES):
            column = 2 * place
            for line, role in ((0, "label"), (2, "note")):
                canvas.blank(row + line, column, role)
                canvas.blank(row + line, column + 1, role)
            if start + place >= len(figures):
                canvas.blank(row + 1, column, "figure")
                canvas.blank(row + 1, column + 1, "figure")
                continue
            figure = figures[start + place]
            canvas.text(row, column, figure.label, "label", text_wrap=False)
            canvas.spread(row + 1, column, figure.value, figure.shown, "figure")
            canvas.text(row + 2, column, figure.note, "note")
        row += 4
    return row


def _buckets(canvas: Canvas, content: WorkbookContent, row: int) -> int:
    canvas.section(row, "Bucket allocation", _COLUMNS)
    canvas.header(("Bucket", ">Strategies", ">Allocated", ">Cap", ">Cap used", ">Final"), row + 1, height=18)
    first = row + 2
    for place, line in enumerate(content.buckets, start=first):
        canvas.text(place, 0, line.bucket)
        canvas.number(place, 1, float(line.strategies), "count")
        canvas.number(place, 2, line.allocated, "dollars")
        canvas.number(place, 3, line.cap, "dollars")
        canvas.number(place, 4, line.cap_used, "percent")
        canvas.number(place, 5, line.final, "dollars")
    last = first + len(content.buckets) - 1
    series = [("Cap", 3, SERIES[1]), ("Allocated", 2, SERIES[0]), ("After regime and correlation", 5, SERIES[2])]
    _chart(canvas, row + 1, "Capital per bucket, and its cap", first, last, series, '$#,##0,"k"')
    return row + _BLOCK_ROWS


def _tiers(canvas: Canvas, content: WorkbookContent, row: int) -> int:
    canvas.section(row, "Conviction distribution", _COLUMNS)
    canvas.header(("Conviction", ">Strategies", ">Capital", ">of NAV"), row + 1, height=18)
    first = row + 2
    for place, line in enumerate(content.tiers, start=first):
        canvas.text(place, 0, line.tier)
        canvas.number(place, 1, float(line.strategies), "count")
        canvas.number(place, 2, line.final, "dollars")
        canvas.number(place, 3, line.final / content.nav, "percent")
    last = first + len(content.tiers) - 1
    _chart(canvas, row + 1, "Strategies per conviction", first, last, [("Strategies", 1, SERIES[0])], "0")
    return row + _BLOCK_ROWS


def _regimes(canvas: Canvas, content: WorkbookContent, row: int) -> int:
    canvas.section(
        row, "Regime exposure: what the strategies would be allocated in each market regime, before correlation", _COLUMNS
    )
    canvas.header(("Market regime", ">Strategies", ">Fitting", ">Adjustment", ">Adjusted", ">of NAV"), row + 1, height=18)
    first = row + 2
    for place, line in enumerate(content.regime_exposure, start=first):
        today = line.regime == content.regime
        canvas.text(place, 0, f"{line.regime} (today)" if today else line.regime, bold=today)
        canvas.number(place, 1, float(line.strategies), "count", bold=today)
        canvas.number(place, 2, line.fitting, "dollars", bold=today)
        canvas.number(place, 3, line.adjustment, "multiple", bold=today)
        canvas.number(place, 4, line.adjusted, "dollars", bold=today)
        canvas.number(place, 5, line.adjusted / content.nav, "percent", bold=today)
    below = first + len(content.regime_exposure) + 1
    canvas.header(("Tape regime", ">Names"), below, height=18)
    for place, (word, count) in enumerate(content.tape.items(), start=below + 1):
        canvas.text(place, 0, word)
        canvas.number(place, 1, float(count), "count")
    last = first + len(content.regime_exposure) - 1
    series = [("Fitting", 2, SERIES[1]), ("Adjusted", 4, SERIES[0])]
    _chart(canvas, row + 1, "Capital per market regime", first, last, series, '$#,##0,"k"')
    return row + _BLOCK_ROWS


def _heat_map(canvas: Canvas, content: WorkbookContent, row: int) -> int:
    heat = content.heat_map
    canvas.section(row, f"Correlation heat map: {heat.of}", max(_COLUMNS, len(heat.names) + 1))
    if not heat.names:
        canvas.text(row + 1, 0, "No correlations on this session.", "subtitle")
        return row + 1
    head = row + 1
    canvas.sheet.set_row(head, 96)
    for column, name in enumerate(heat.names, start=1):
        canvas.text(head, column, name, "plain", rotation=60, align="center", valign="bottom", font_size=9)
    for place, (name, values) in enumerate(zip(heat.names, heat.rows, strict=True), start=1):
        canvas.text(head + place, 0, name, "plain", font_size=9)
        for column, value in enumerate(values, start=1):
            canvas.number(head + place, column, value, "correlation", "plain", align="center", font_size=9)
    last = head + len(heat.names)
    scale = {
        "type": "3_color_scale",
        "min_type": "num",
        "mid_type": "num",
        "max_type": "num",
        "min_value": -1,
        "mid_value": 0,
        "max_value": 1,
        "min_color": _LOW,
        "mid_color": _MIDDLE,
        "max_color": _HIGH,
    }
    canvas.sheet.conditional_format(head + 1, 1, last, len(heat.names), scale)
    return last


def _chart(
    canvas: Canvas, row: int, title: str, first: int, last: int, series: Sequence[tuple[str, int, str]], shown: str
) -> None:
    if last < first:
        return
    chart = canvas.style.book.add_chart({"type": "column"})
    for name, column, color in series:
        chart.add_series(
            {
                "name": name,
                "categories": [DASHBOARD, first, 0, last, 0],
                "values": [DASHBOARD, first, column, last, column],
                "fill": {"color": color},
                "gap": 80,
                "overlap": 0,
            }
        )
    chart.set_title({"name": title, "name_font": {"size": 11, "color": "#1F3554"}})
    light: Mapping[str, Any] = {"visible": True, "line": {"color": "#E3E7EC"}}
    chart.set_y_axis({"num_format": shown, "major_gridlines": light, "num_font": {"size": 9}, "min": 0})
    chart.set_x_axis({"num_font": {"size": 9}})
    chart.set_legend({"position": "bottom"} if len(series) > 1 else {"none": True})
    chart.set_size({"width": 660, "height": (_BLOCK_ROWS - 2) * _ROW_PIXELS})
    canvas.sheet.insert_chart(row, _CHART_COLUMN, chart, {"x_offset": 10, "y_offset": 2})
