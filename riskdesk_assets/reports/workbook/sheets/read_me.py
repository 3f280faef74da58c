"""The first sheet: what this workbook is, of which session, what may be edited, and how it goes back."""

from __future__ import annotations

from riskdesk_assets.reports.workbook.canvas import Canvas
from riskdesk_assets.reports.workbook.content import WorkbookContent
from riskdesk_assets.reports.workbook.layout import (
    DASHBOARD,
    EXPECTED_PNL,
    LIBRARY_HASH,
    LIMITS,
    READ_ME_LABELS,
    READ_ME_VALUES,
    SCENARIOS,
    SIZING_OUTPUT,
    STRATEGY_INPUT,
    TRADE_PLANNER,
)

_SOURCES = {
    "SIMULATED": "SIMULATED: the sample market, no real prices",
    "FILES": "bars from files",
    "FMP": "bars from FMP",
}
_SHEETS = (
    (STRATEGY_INPUT, "edit", "The strategy library. Change it here, import, and config/strategies.csv follows."),
    (SIZING_OUTPUT, "read", "What each strategy and ticket was given on this session, and every multiplier on the way."),
    (DASHBOARD, "read", "Regime, expected P&L, buckets, convictions, correlations: the book at a glance."),
    (TRADE_PLANNER, "edit", "Rows that say yes become ticket drafts. A draft is in force only once it is promoted."),
    (EXPECTED_PNL, "try", "Expected P&L per bucket as live formulas: choose another regime and see."),
    (SCENARIOS, "read", "What the book would make or lose, worst first."),
    (LIMITS, "read", "Every hard limit: measured, bound, headroom, price. And how much more of each name fits."),
)
_STEPS = (
    "Save the file as .xlsx (Excel or LibreOffice). Only yellow cells are read back: sheets Strategy Input and Trade Planner.",
    "riskdesk workbook import FILE      checks every cell, shows what would change, and asks.",
    "riskdesk tickets promote NAME      puts a drafted ticket in force; the import never does.",
    "If the library was changed by somebody else since this export, the import says what, and refuses.",
)


def write_read_me(canvas: Canvas, content: WorkbookContent) -> None:
    """Write the sheet."""
    canvas.widths(2, 22, 96)
    canvas.sheet.set_row(0, 28)
    canvas.text(0, READ_ME_LABELS, "Risk Desk workbook", "title")
    row = 1
    if content.simulated:
        row += 1
        canvas.text(row, READ_ME_LABELS, "SIMULATED", "banner")
        canvas.text(row, READ_ME_VALUES, "Sample market: no price in this workbook is a real one.", "banner")
    row += 2
    canvas.section(row, "What it is", 2, READ_ME_LABELS)
    facts = (
        ("Session", content.session.isoformat()),
        ("Book", f"{content.desk}, {content.status}"),
        ("Prices", _SOURCES.get(content.source, content.source)),
        ("Profile", content.profile),
        ("Run", content.run_id),
        (LIBRARY_HASH, content.library.hash),
    )
    for label, value in facts:
        row += 1
        canvas.text(row, READ_ME_LABELS, label, "dim")
        canvas.text(row, READ_ME_VALUES, value)
    row += 2
    canvas.section(row, "The sheets", 2, READ_ME_LABELS)
    for name, use, about in _SHEETS:
        row += 1
        canvas.sheet.write_url(
            row, READ_ME_LABELS, f"internal:'{name}'!A1", canvas.style("body", font_color="#2F5C8F", underline=1), string=name
        )
        canvas.text(row, READ_ME_VALUES, f"{about}  [{use}]")
    row += 2
    canvas.section(row, "How it goes back", 2, READ_ME_LABELS)
    for number, step in enumerate(_STEPS, start=1):
        row += 1
        canvas.text(row, READ_ME_LABELS, f"{number}", "dim")
        canvas.text(row, READ_ME_VALUES, step)
    row += 2
    canvas.text(row, READ_ME_LABELS, "Legend", "dim")
    canvas.text(row, READ_ME_VALUES, "A cell you may edit", "input", locked=True)
    canvas.text(
        row + 1, READ_ME_VALUES, "Everything else is written anew at every export; the workbook is never edited in place."
    )
    canvas.lock()
    canvas.for_print(content.session, last_row=row + 1, last_column=READ_ME_VALUES, repeat=None)


def write_base(canvas: Canvas, content: WorkbookContent) -> None:
    """The hidden sheet that keeps the library as text, so that an import can say who changed what since."""
    rows = (content.library.columns, *content.library.rows)
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            canvas.text(row, column, text, "plain")
    canvas.sheet.very_hidden()
