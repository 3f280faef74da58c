"""Scenarios: what the book would make or lose in each, worst first, beside the loss it may come to."""

from __future__ import annotations

from riskdesk_assets.reports.workbook.canvas import SERIES, Canvas
from riskdesk_assets.reports.workbook.content import WorkbookContent
from riskdesk_assets.reports.workbook.layout import FIRST_ROW, SCENARIOS

_WIDTHS = (22, 56, 13, 13, 10, 13, 12, 40)
_HEADER = ("Scenario", "What happens", "Kind", ">P&L", ">of NAV", ">Loss limit", ">Limit used", "Notes")


def write_scenarios(canvas: Canvas, content: WorkbookContent) -> None:
    """Write the sheet."""
    canvas.titles("Scenarios", "P&L of the book that stands after the session, had this happened at once. A loss is negative.")
    canvas.widths(*_WIDTHS)
    canvas.header(_HEADER)
    row = FIRST_ROW
    for line in content.scenarios:
        used = max(0.0, -line.pnl) / line.loss_limit if line.loss_limit else None
        canvas.text(row, 0, line.scenario_id.replace("_", " "))
        canvas.text(row, 1, line.about, text_wrap=True)
        canvas.text(row, 2, line.kind, "dim")
        canvas.number(row, 3, line.pnl, "dollars")
        canvas.number(row, 4, line.pnl / content.nav, "percent2")
        canvas.number(row, 5, line.loss_limit, "dollars")
        canvas.number(row, 6, used, "percent")
        canvas.text(row, 7, line.note, "dim", text_wrap=True)
        canvas.height(row, (line.about, _WIDTHS[1]), (line.note, _WIDTHS[7]))
        row += 1
    if not content.scenarios:
        canvas.text(row, 0, "No scenario was measured on this session.", "subtitle")
    else:
        _chart(canvas, row + 1, len(content.scenarios))
        canvas.sheet.conditional_format(
            FIRST_ROW,
            6,
            row - 1,
            6,
            {"type": "data_bar", "bar_color": "#A9B8CA", "bar_solid": True, "max_type": "num", "max_value": 1},
        )
    canvas.sheet.freeze_panes(FIRST_ROW, 1)
    canvas.lock()
    canvas.for_print(content.session, last_row=row + 19, last_column=len(_HEADER) - 1)


def _chart(canvas: Canvas, row: int, count: int) -> None:
    chart = canvas.style.book.add_chart({"type": "bar"})
    last = FIRST_ROW + count - 1
    chart.add_series(
        {
            "name": "P&L",
            "categories": [SCENARIOS, FIRST_ROW, 0, last, 0],
            "values": [SCENARIOS, FIRST_ROW, 3, last, 3],
            "fill": {"color": SERIES[0]},
            "gap": 60,
            "invert_if_negative": True,
            "invert_if_negative_color": "#A3221B",
        }
    )
    chart.set_title({"name": "Scenario P&L, dollars", "name_font": {"size": 11, "color": "#1F3554"}, "overlay": False})
    chart.set_legend({"none": True})
    chart.set_x_axis(
        {"num_format": "$#,##0", "label_position": "high", "major_gridlines": {"visible": True, "line": {"color": "#D0D6DE"}}}
    )
    chart.set_y_axis({"reverse": True, "label_position": "low", "num_font": {"size": 9}})
    chart.set_size({"width": 1180, "height": 340})
    canvas.sheet.insert_chart(row, 0, chart, {"x_offset": 4, "y_offset": 4})
