"""ExpectedPnL: document 002's section 9 as live formulas, so that a person can choose another regime and see what it does."""

from __future__ import annotations

import math

from riskdesk_assets.reports.workbook.canvas import Canvas
from riskdesk_assets.reports.workbook.content import WorkbookContent
from riskdesk_assets.reports.workbook.layout import cell_name
from riskdesk_assets.reports.workbook.sheets.inputs import list_ranges

REGIME_ROW, REGIME_COLUMN = 3, 1
_TABLE_ROW = 6
_HEADER = (
    "Bucket",
    ">Capital allocated",
    ">Base return a week",
    ">Environment factor",
    ">Expected return a week",
    ">Expected P&L a week",
    ">Expected P&L a day",
)
_ACTUAL_HEADER = (
    "Bucket",
    ">Sessions compared",
    ">Expected on allocated",
    ">Expected on employed",
    ">Realized",
    ">Realized / expected on employed",
    "Judged on employed",
)
_JUDGED = "Judged on the capital employed, the gross held overnight: budgets are ceilings, together more than a book may hold."
NEUTRAL = "Normal"
SESSIONS_A_WEEK = 5


def write_expected_pnl(canvas: Canvas, content: WorkbookContent) -> None:
    """Write the sheet."""
    canvas.titles("Expected P&L", "Capital × base return × environment factor, per bucket and week; a day is a fifth of it.")
    canvas.widths(22, 16, 16, 16, 16, 18, 18)
    canvas.text(REGIME_ROW, 0, "Market regime")
    own = f"the session's own is {content.regime}" if content.regime else "the session's own is not known"
    canvas.text(REGIME_ROW, REGIME_COLUMN, _shown_regime(content), "input", bold=True)
    canvas.text(REGIME_ROW, 2, f"{own}; choose another to see what it would mean", "subtitle", indent=1)
    canvas.sheet.data_validation(
        REGIME_ROW,
        REGIME_COLUMN,
        REGIME_ROW,
        REGIME_COLUMN,
        {
            "validate": "list",
            "source": list_ranges(content)["regimes"],
            "input_title": "Market regime",
            "input_message": "Only this sheet follows it. It is not read back.",
            "error_message": "Choose a word of the list.",
        },
    )
    row = _expected(canvas, content)
    row = _factors(canvas, content, row + 2)
    if content.actual:
        row = _actual(canvas, content, row + 2)
    canvas.lock()
    canvas.for_print(content.session, last_row=row, last_column=len(_HEADER) - 1, repeat=None)


def _expected(canvas: Canvas, content: WorkbookContent) -> int:
    """The table of formulas; returns its total's row."""
    canvas.header(_HEADER, _TABLE_ROW)
    count = len(content.expected)
    first, total = _TABLE_ROW + 1, _TABLE_ROW + 1 + count
    factors = total + 4  # the first row of factors, below their heading and header
    regime = "$" + cell_name(REGIME_ROW, REGIME_COLUMN)[0] + "$" + str(REGIME_ROW + 1)
    header = f"$B${factors}:${cell_name(0, len(content.regimes))[0]}${factors}"
    table = f"$B${factors + 1}:${cell_name(0, len(content.regimes))[0]}${factors + count}"
    names = f"$A${factors + 1}:$A${factors + count}"
    for place, line in enumerate(content.expected):
        row, here = first + place, str(first + place + 1)
        factor = line.factors[_shown_regime(content)]
        expected = line.capital * (line.base * factor)
        canvas.text(row, 0, line.bucket)
        canvas.number(row, 1, line.capital, "dollars")
        canvas.number(row, 2, line.base, "percent2")
        canvas.formula(row, 3, f"=INDEX({table},MATCH(A{here},{names},0),MATCH({regime},{header},0))", factor, "multiple")
        canvas.formula(row, 4, f"=C{here}*D{here}", line.base * factor, "percent2")
        canvas.formula(row, 5, f"=B{here}*E{here}", expected, "dollars")
        canvas.formula(row, 6, f"=F{here}/{SESSIONS_A_WEEK}", expected / SESSIONS_A_WEEK, "dollars")
    for column in range(len(_HEADER)):
        canvas.blank(total, column, "total")
    canvas.text(total, 0, "Total", "total")
    capital = math.fsum(line.capital for line in content.expected)
    week = math.fsum(line.capital * (line.base * line.factors[_shown_regime(content)]) for line in content.expected)
    sums = ((1, capital), (5, week), (6, week / SESSIONS_A_WEEK))
    for column, value in sums:
        letter = cell_name(0, column)[0]
        canvas.formula(total, column, f"=SUM({letter}{first + 1}:{letter}{total})", value, "dollars", "total")
    return total


def _shown_regime(content: WorkbookContent) -> str:
    """The regime the formulas begin with: the session's own, or the one in which every factor is 1."""
    return content.regime or NEUTRAL


def _factors(canvas: Canvas, content: WorkbookContent, row: int) -> int:
    """The table that the formulas look their factor up in; returns its last row."""
    canvas.section(row, "Environment factors (config/env_factors.csv)", 1 + len(content.regimes))
    canvas.header(("Bucket",), row + 1, height=18)
    for column, regime in enumerate(content.regimes, start=1):
        # To the letter: the formulas look the chosen regime up here.
        canvas.text(row + 1, column, regime, "header", align="right")
    for place, line in enumerate(content.expected):
        canvas.text(row + 2 + place, 0, line.bucket)
        for column, regime in enumerate(content.regimes, start=1):
            canvas.number(row + 2 + place, column, line.factors[regime], "multiple")
    return row + 1 + len(content.expected)


def _actual(canvas: Canvas, content: WorkbookContent, row: int) -> int:
    canvas.section(row, "What was expected lately, and what was realized", len(_HEADER))
    canvas.text(row + 1, 0, _JUDGED, "subtitle", text_wrap=False)
    canvas.header(_ACTUAL_HEADER, row + 2)
    row += 3
    for line in content.actual:
        canvas.text(row, 0, line.bucket)
        canvas.number(row, 1, float(line.sessions), "count")
        canvas.number(row, 2, line.allocated, "dollars")
        canvas.number(row, 3, line.employed, "dollars")
        canvas.number(row, 4, line.actual, "dollars")
        canvas.number(row, 5, line.ratio, "multiple")
        canvas.text(row, 6, line.note, indent=1)
        row += 1
    return row - 1
