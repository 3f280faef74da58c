"""A worksheet that is written one typed cell at a time, in the workbook's few styles; no text ever becomes a formula."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from riskdesk_assets.reports.workbook.layout import HEADER_ROW, SUBTITLE_ROW, TITLE_ROW

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

NAVY, SLATE, LINE, PALE = "#1F3554", "#5B6776", "#D0D6DE", "#F3F5F8"
INPUT_FILL, INPUT_INK = "#FFFBE6", "#1F3FBF"
AMBER_FILL, AMBER_INK, RED_FILL, RED_INK = "#FFF1CC", "#8A5A00", "#FBE0DD", "#A3221B"
SERIES = ("#2F5C8F", "#A9B8CA", "#C58B2A")
FONT = "Calibri"
LETTER, TABLOID = 1, 3  # paper, in the spreadsheet's own numbers
LINE_HEIGHT = 13.5  # points, of one line of text
MOST_LINES = 8

# Each ends with a blank as wide as a digit, so that a number keeps off the text to its right.
SHOWN: Mapping[str, str] = {
    "dollars": '$#,##0_0;[Red]-$#,##0_0;"–"_0',
    "percent": '0.0%_0;[Red]-0.0%_0;"–"_0',
    "percent2": '0.00%_0;[Red]-0.00%_0;"–"_0',
    "number": "#,##0.00_0;[Red]-#,##0.00_0",
    "multiple": '0.00"×"_0',
    "correlation": "0.00_0;-0.00_0",
    "units": "+0.0_0;-0.0_0;0_0",
    "price": "0.000000_0",
    "count": "#,##0_0",
    "date": "yyyy-mm-dd",
    "text": "@",
}
_ROLES: Mapping[str, dict[str, Any]] = {
    "body": {"bottom": 4, "bottom_color": LINE},
    "plain": {},
    "dim": {"font_color": SLATE, "bottom": 4, "bottom_color": LINE},
    "total": {"bold": True, "top": 1, "top_color": NAVY, "bottom": 1, "bottom_color": NAVY},
    "input": {"bg_color": INPUT_FILL, "font_color": INPUT_INK, "border": 4, "border_color": LINE, "locked": False},
    "title": {"bold": True, "font_size": 16, "font_color": NAVY},
    "subtitle": {"font_color": SLATE, "italic": True},
    "section": {"bold": True, "font_size": 12, "font_color": NAVY, "bottom": 2, "bottom_color": NAVY},
    "label": {"font_color": SLATE, "font_size": 9, "bg_color": PALE, "text_wrap": True, "valign": "bottom"},
    "figure": {"bold": True, "font_size": 14, "font_color": NAVY, "bg_color": PALE, "align": "left"},
    "note": {"font_color": SLATE, "font_size": 9, "bg_color": PALE, "valign": "top"},
    "small": {"font_color": SLATE, "font_size": 9, "text_wrap": True, "valign": "top"},
    "banner": {"bold": True, "font_color": AMBER_INK, "bg_color": AMBER_FILL},
    "header": {
        "bold": True,
        "font_color": "#FFFFFF",
        "bg_color": NAVY,
        "text_wrap": True,
        "valign": "vcenter",
        "border": 1,
        "border_color": NAVY,
    },
    "input_header": {
        "bold": True,
        "font_color": "#FFFFFF",
        "bg_color": "#2F5C8F",
        "text_wrap": True,
        "valign": "vcenter",
        "border": 1,
        "border_color": NAVY,
    },
}


@dataclass
class Styles:
    """The workbook's formats, each made once and in the order of first use, so that the same book has the same bytes."""

    book: Workbook
    _made: dict[tuple[object, ...], Format] = field(default_factory=dict)

    def __call__(self, role: str = "body", shown: str = "", **more: Any) -> Format:
        """The format of a role, showing numbers as SHOWN says (or in the spreadsheet's own words)."""
        key = (role, shown, *sorted(more.items()))
        if key not in self._made:
            properties = {"font_name": FONT, "font_size": 10, "valign": "vcenter", **_ROLES[role]}
            if shown:
                properties["num_format"] = SHOWN.get(shown, shown)
            self._made[key] = self.book.add_format({**properties, **more})
        return self._made[key]


@dataclass(frozen=True)
class Canvas:
    """One sheet being written."""

    sheet: Worksheet
    style: Styles

    def text(self, row: int, column: int, value: str, role: str = "body", **more: Any) -> None:
        """Text, whatever it begins with."""
        if value:
            self.sheet.write_string(row, column, value, self.style(role, "text" if role == "input" else "", **more))
        else:
            self.blank(row, column, role, **more)

    def number(self, row: int, column: int, value: float | None, shown: str, role: str = "body", **more: Any) -> None:
        """A number; an empty cell where there is none."""
        if value is None or not math.isfinite(value):
            self.sheet.write_blank(row, column, None, self.style(role, shown, **more))
        else:
            self.sheet.write_number(row, column, value + 0.0, self.style(role, shown, **more))

    def day(self, row: int, column: int, value: date, role: str = "body") -> None:
        """A date."""
        self.sheet.write_datetime(
            row,
            column,
            datetime.combine(value, time()),
            self.style(role, "date", align="left"),
        )

    def formula(self, row: int, column: int, formula: str, value: float | str, shown: str, role: str = "body") -> None:
        """A formula of ours, with the value it has today."""
        self.sheet.write_formula(row, column, formula, self.style(role, shown), value)

    def blank(self, row: int, column: int, role: str = "body", shown: str = "", **more: Any) -> None:
        """An empty cell that is styled."""
        self.sheet.write_blank(row, column, None, self.style(role, "text" if role == "input" and not shown else shown, **more))

    def titles(self, title: str, subtitle: str) -> None:
        """The sheet's two first lines."""
        self.sheet.set_row(TITLE_ROW, 24)
        self.text(TITLE_ROW, 0, title, "title")
        self.text(SUBTITLE_ROW, 0, subtitle, "subtitle")

    def section(self, row: int, title: str, columns: int, first: int = 0) -> None:
        """A heading across some columns."""
        self.sheet.set_row(row, 20)
        self.text(row, first, title, "section")
        for column in range(first + 1, first + columns):
            self.blank(row, column, "section")

    def header(
        self, titles: Sequence[str], row: int = HEADER_ROW, first: int = 0, role: str = "header", height: int = 32
    ) -> None:
        """A table's header; titles that begin with ``>`` stand to the right, above numbers."""
        self.sheet.set_row(row, height)
        for number, title in enumerate(titles):
            right = title.startswith(">")
            # The blank keeps a title at the right off the one that follows it.
            words = f"{title.removeprefix('>')}\N{NO-BREAK SPACE}" if right else title
            self.text(row, first + number, words, role, align="right" if right else "left")

    def height(self, row: int, *wrapped: tuple[str, float]) -> None:
        """A row tall enough for its wrapped texts, each given with its column's width in characters."""
        lines = max(sum(-(-max(len(line), 1) // max(int(width), 1)) for line in text.split("\n")) for text, width in wrapped)
        if lines > 1:
            self.sheet.set_row(row, LINE_HEIGHT * min(lines, MOST_LINES) + 2)

    def spread(self, row: int, column: int, value: float | str | None, shown: str, role: str) -> None:
        """A figure across two columns, so that it is never too wide for its cell."""
        form = self.style(role, "" if isinstance(value, str) else shown)
        self.sheet.merge_range(row, column, row, column + 1, "", form)
        if isinstance(value, str):
            self.sheet.write_string(row, column, value, form)
        elif value is not None and math.isfinite(value):
            self.sheet.write_number(row, column, value + 0.0, form)

    def widths(self, *widths: float) -> None:
        """Widths of the first columns, in characters."""
        for column, width in enumerate(widths):
            self.sheet.set_column(column, column, width)

    def for_print(
        self, session: date, *, last_row: int, last_column: int, repeat: int | None = HEADER_ROW, paper: int = LETTER
    ) -> None:
        """Landscape on letter paper or larger, as wide as one page, its header repeated, session and page number below."""
        self.sheet.set_landscape()
        self.sheet.set_paper(paper)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.set_margins(0.4, 0.4, 0.5, 0.6)
        self.sheet.print_area(0, 0, max(last_row, 0), last_column)
        if repeat is not None:
            self.sheet.repeat_rows(repeat)
        self.sheet.set_footer(f"&L&8 {session.isoformat()}&C&8&A&R&8&P of &N")
        self.sheet.hide_gridlines(2)

    def lock(self) -> None:
        """Only input cells can be typed into. There is no password: it guards against a slip, not against a person."""
        allowed = ("select_locked_cells", "select_unlocked_cells", "format_columns", "format_rows", "sort", "autofilter")
        self.sheet.protect("", dict.fromkeys(allowed, True))
