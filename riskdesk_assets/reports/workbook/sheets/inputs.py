"""The two sheets people type into: Strategy Input and Trade Planner, with their dropdowns, ranges and spare rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from riskdesk_assets.reports.workbook.canvas import TABLOID, Canvas
from riskdesk_assets.reports.workbook.cells import shown_number
from riskdesk_assets.reports.workbook.content import Value, WorkbookContent
from riskdesk_assets.reports.workbook.layout import (
    FIRST_ROW,
    HEADER_ROW,
    LISTS,
    PLANNER_COLUMNS,
    SPARE_ROWS,
    STRATEGY_COLUMNS,
    STRATEGY_INPUT,
    Column,
    cell_name,
)

STRATEGIES = "strategies"
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)


def list_ranges(content: WorkbookContent) -> dict[str, str]:
    """List name -> the cells that hold its words; ``strategies`` are the names on Strategy Input itself."""
    ranges = {}
    for number, (name, words) in enumerate(content.lists.items()):
        letter = cell_name(0, number)[:-1]
        ranges[name] = f"={LISTS}!${letter}$2:${letter}${max(len(words), 1) + 1}"
    last = FIRST_ROW + len(content.library.rows) + SPARE_ROWS
    return {**ranges, STRATEGIES: f"='{STRATEGY_INPUT}'!$A${FIRST_ROW + 1}:$A${last}"}


def write_lists(canvas: Canvas, content: WorkbookContent) -> None:
    """The hidden sheet with the words of every dropdown."""
    for number, (name, words) in enumerate(content.lists.items()):
        canvas.text(0, number, name, "header")
        for place, word in enumerate(words, start=1):
            canvas.text(place, number, word, "plain")
    canvas.sheet.hide()


def write_strategy_input(canvas: Canvas, content: WorkbookContent) -> None:
    """Every strategy of the library in cells that can be edited, and empty rows for new ones."""
    canvas.titles(
        "Strategy Input",
        "Yellow cells are yours: change a strategy, empty a whole row to take it out, add one in the rows below. "
        "Nothing counts before `riskdesk workbook import`.",
    )
    titles = list(content.library.columns)
    rows: list[Mapping[str, Value]] = []
    for row in content.library.rows:
        texts = dict(zip(titles, row, strict=True))
        rows.append({column.field: _typed(column, texts.get(column.field, "")) for column in STRATEGY_COLUMNS})
    _table(canvas, content, STRATEGY_COLUMNS, rows, freeze=1)


def write_trade_planner(canvas: Canvas, content: WorkbookContent) -> None:
    """A row per strategy, ready to become a ticket draft once its legs are chosen and its first cell says yes."""
    canvas.titles(
        "Trade Planner",
        "Choose the legs, set the first cell to yes, import: each such row becomes a ticket DRAFT. "
        "Only `riskdesk tickets promote` puts one in force; nothing here trades.",
    )
    _table(canvas, content, PLANNER_COLUMNS, content.planned, freeze=2)


def _typed(column: Column, text: str) -> Value:
    """A field's text as the value its cell shows."""
    number = shown_number(text) if column.kind in ("measure", "number", "whole") else None
    return text if number is None else number


def _table(
    canvas: Canvas, content: WorkbookContent, columns: Sequence[Column], rows: Sequence[Mapping[str, Value]], *, freeze: int
) -> None:
    canvas.widths(*(column.width for column in columns))
    numeric = ("measure", "number", "whole")
    canvas.header([f">{item.title}" if item.kind in numeric else item.title for item in columns], role="input_header")
    ranges = list_ranges(content)
    last = FIRST_ROW + len(rows) + SPARE_ROWS - 1
    for number, column in enumerate(columns):
        for place in range(FIRST_ROW, last + 1):
            value = rows[place - FIRST_ROW].get(column.field) if place - FIRST_ROW < len(rows) else None
            _cell(canvas, place, number, column, value)
        _validated(canvas, column, number, last, ranges)
    for place, row in enumerate(rows, start=FIRST_ROW):
        canvas.height(place, *((str(row.get(item.field) or ""), item.width) for item in columns if item.longest > 64))
    canvas.sheet.freeze_panes(FIRST_ROW, freeze)
    canvas.sheet.autofilter(HEADER_ROW, 0, last, len(columns) - 1)
    canvas.lock()
    canvas.for_print(content.session, last_row=FIRST_ROW + len(rows) + 2, last_column=len(columns) - 1, paper=TABLOID)


def _cell(canvas: Canvas, row: int, at: int, column: Column, value: Value) -> None:
    wraps = {"text_wrap": True} if column.kind == "note" or column.longest > 64 else {}
    shown = column.shown if column.kind in ("measure", "number", "whole") else "date" if column.kind == "date" else ""
    if isinstance(value, date):
        canvas.day(row, at, value, "input")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        canvas.number(row, at, value, shown, "input")
    elif value:
        canvas.text(row, at, str(value), "input", **wraps)
    else:
        canvas.blank(row, at, "input", shown, **wraps)


def _validated(canvas: Canvas, column: Column, at: int, last: int, ranges: Mapping[str, str]) -> None:
    """What the spreadsheet itself lets into the column; the import checks all of it again."""
    rule: dict[str, object] = {"ignore_blank": True}
    here = cell_name(FIRST_ROW, at)
    allowed = f"from {column.lowest:,g} to {column.highest:,g}"
    if column.kind == "choice" or column.choices == STRATEGIES:
        rule |= {"validate": "list", "source": ranges[column.choices]}
        error = "Choose a word of the list."
    elif column.kind == "measure":
        words = ranges[column.choices].lstrip("=")
        formula = f"=OR(AND(ISNUMBER({here}),{here}>={column.lowest:g},{here}<={column.highest:g}),COUNTIF({words},{here})>0)"
        rule |= {"validate": "custom", "value": formula}
        error = f"A number {allowed}, or a score word of the desk's sizing rules."
    elif column.kind in ("number", "whole"):
        kind = "integer" if column.kind == "whole" else "decimal"
        rule |= {"validate": kind, "criteria": "between", "minimum": column.lowest, "maximum": column.highest}
        error = f"A {'whole ' if column.kind == 'whole' else ''}number {allowed}."
    elif column.kind == "date":
        rule |= {"validate": "date", "criteria": "between", "minimum": _FIRST_DAY, "maximum": _LAST_DAY}
        error = "A date, such as 2027-12-31."
    else:
        rule |= {"validate": "length", "criteria": "<=", "value": column.longest}
        error = f"At most {column.longest:,} characters."
    rule |= {"input_title": column.title[:32], "input_message": column.prompt[:255]}
    rule |= {"error_title": f"{column.title}"[:32], "error_message": error[:255]}
    canvas.sheet.data_validation(FIRST_ROW, at, last, at, rule)
