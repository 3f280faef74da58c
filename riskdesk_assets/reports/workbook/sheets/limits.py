"""Limits: every hard limit with its use, its headroom and its price, fullest first; and how much more of each name fits."""

from __future__ import annotations

from riskdesk_assets.limits.catalogue import limit_words
from riskdesk_assets.reports.workbook.canvas import AMBER_FILL, AMBER_INK, RED_FILL, RED_INK, Canvas
from riskdesk_assets.reports.workbook.content import LimitLine, WorkbookContent
from riskdesk_assets.reports.workbook.layout import FIRST_ROW, HEADER_ROW

_HEADER = (
    "Limit",
    "Family",
    "Mode",
    ">Measured",
    ">Bound",
    ">Used",
    ">Headroom",
    ">Price: $ a day per $",
    "Status",
    "Set in",
)
_ROOM_HEADER = (
    "Name",
    "",
    "",
    ">Position",
    ">Could be bought",
    "",
    ">Could be sold",
    "",
    "First limit buying",
    "First limit selling",
)


def write_limits(canvas: Canvas, content: WorkbookContent) -> None:
    """Write the sheet."""
    canvas.titles(
        "Limits", "Measured in exact integers before release. The price is what one more dollar of the limit is worth today."
    )
    canvas.widths(36, 20, 11, 14, 15, 12, 14, 13, 25, 40)
    canvas.header(_HEADER)
    row = FIRST_ROW
    for line in content.limits:
        _limit(canvas, row, line)
        row += 1
    if content.limits:
        last = row - 1
        canvas.sheet.conditional_format(
            FIRST_ROW,
            5,
            last,
            5,
            {
                "type": "data_bar",
                "bar_color": "#A9B8CA",
                "bar_solid": True,
                "min_type": "num",
                "min_value": 0,
                "max_type": "num",
                "max_value": 1,
            },
        )
        for word, fill, ink in (("BREACH", RED_FILL, RED_INK), ("AMBER", AMBER_FILL, AMBER_INK)):
            form = canvas.style.book.add_format({"bg_color": fill, "font_color": ink, "bold": True})
            canvas.sheet.conditional_format(
                FIRST_ROW, 8, last, 8, {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": form}
            )
        canvas.sheet.autofilter(HEADER_ROW, 0, last, len(_HEADER) - 1)
    else:
        canvas.text(row, 0, "Nothing was audited on this session: no limit was measured.", "subtitle")
    row = _rooms(canvas, content, row + 1)
    canvas.sheet.freeze_panes(FIRST_ROW, 1)
    canvas.lock()
    canvas.for_print(content.session, last_row=row, last_column=len(_HEADER) - 1)


def _limit(canvas: Canvas, row: int, line: LimitLine) -> None:
    shown = "count" if line.unit == "count" else "dollars"
    canvas.text(row, 0, line.name)
    canvas.text(row, 1, limit_words(line.family).replace("_", " "))
    canvas.text(row, 2, line.mode, "dim")
    canvas.number(row, 3, line.measured, shown)
    canvas.number(row, 4, line.bound, shown)
    canvas.number(row, 5, line.used, "percent")
    canvas.number(row, 6, line.bound - line.measured, shown)
    canvas.number(row, 7, line.price, "price")
    canvas.text(row, 8, line.status)
    canvas.text(row, 9, line.source, "dim")


def _rooms(canvas: Canvas, content: WorkbookContent, row: int) -> int:
    if not content.rooms:
        return row
    canvas.section(row, "How many more dollars of each name the limits would let through, on its own", len(_HEADER))
    canvas.header(_ROOM_HEADER, row + 1)
    row += 2
    for room in content.rooms:
        canvas.text(row, 0, room.symbol)
        canvas.blank(row, 1)
        canvas.blank(row, 2)
        canvas.number(row, 3, room.position, "dollars")
        canvas.number(row, 4, room.buy, "dollars")
        canvas.blank(row, 5)
        canvas.number(row, 6, room.sell, "dollars")
        canvas.blank(row, 7)
        canvas.text(row, 8, room.buy_limit, "dim")
        canvas.text(row, 9, room.sell_limit, "dim")
        row += 1
    return row - 1
