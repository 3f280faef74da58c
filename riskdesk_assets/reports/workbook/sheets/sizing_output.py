"""Sizing Output: every strategy's and every ticket's way from conviction to dollars, one multiplier a column."""

from __future__ import annotations

import math
from collections.abc import Sequence

from riskdesk_assets.reports.workbook.canvas import Canvas
from riskdesk_assets.reports.workbook.content import StrategySize, TicketSize, WorkbookContent
from riskdesk_assets.reports.workbook.layout import FIRST_ROW

_RESULT_HEADER = (
    "Strategy",
    "Bucket",
    "Conviction",
    "Status",
    ">Tickets in force",
    ">Recommended size",
    ">Capital allocation",
    ">Regime adjustment",
    ">Correlation adjustment",
    ">Final size",
    ">of NAV",
    ">Risk contribution",
    "Why",
)
_STEP_HEADER = (
    "Strategy",
    ">Base size",
    ">× conviction",
    ">× return / risk",
    ">× Kelly",
    ">= recommended",
    ">× strategy cap",
    ">× bucket cap",
    ">= allocation",
    ">× regime, × fit",
    ">× correlation",
    ">= final size",
    "Mean correlation to the others",
)
_TICKET_HEADER = (
    "Ticket",
    "Strategy",
    "Pair",
    ">Units",
    ">Max gross",
    ">Budget",
    ">Proposed",
    ">Approved by the gate",
    ">Released gross",
    ">Released / budget",
    ">Hedge ratio",
    "",
    "Why",
)
_LAST = len(_RESULT_HEADER) - 1
_WHY_WIDTH = 44


def write_sizing_output(canvas: Canvas, content: WorkbookContent) -> None:
    """Write the sheet."""
    canvas.titles(
        "Sizing Output", "What each strategy may use on this session, how it came to that, and what its tickets made of it."
    )
    canvas.widths(25, 24, 15, 12, *[12.5] * 8, _WHY_WIDTH)
    canvas.header(_RESULT_HEADER)
    row = FIRST_ROW
    for size in content.sizes:
        _result(canvas, row, size, content.nav)
        row += 1
    _total(canvas, row, content.sizes, content.nav)
    row += 2
    canvas.section(row, "Step by step: every multiplier (1.00 changes nothing)", _LAST + 1)
    canvas.header(_STEP_HEADER, row + 1)
    row += 2
    for size in content.sizes:
        _steps(canvas, row, size)
        row += 1
    row += 1
    canvas.section(row, "Per ticket: from the budget to what the book holds, in dollars of gross", _LAST + 1)
    canvas.header(_TICKET_HEADER, row + 1)
    row += 2
    for ticket in content.ticket_sizes:
        _ticket(canvas, row, ticket)
        row += 1
    canvas.sheet.freeze_panes(FIRST_ROW, 1)
    canvas.lock()
    canvas.for_print(content.session, last_row=row, last_column=_LAST, repeat=None)


def _result(canvas: Canvas, row: int, size: StrategySize, nav: float) -> None:
    role = "body" if size.final_size else "dim"
    for column, text in enumerate((size.name, size.bucket, size.conviction, size.status)):
        canvas.text(row, column, text, role)
    figures = (
        (float(size.tickets), "count"),
        (size.recommended_size, "dollars"),
        (size.capital_allocation, "dollars"),
        (_regime(size), "multiple"),
        (size.correlation_adjustment, "multiple"),
        (size.final_size, "dollars"),
        (None if size.final_size is None else size.final_size / nav, "percent"),
        (size.risk_contribution, "percent"),
    )
    for column, (value, shown) in enumerate(figures, start=4):
        canvas.number(row, column, value, shown, role)
    canvas.text(row, _LAST, size.note, role, text_wrap=True)
    canvas.height(row, (size.note, _WHY_WIDTH))


def _total(canvas: Canvas, row: int, sizes: Sequence[StrategySize], nav: float) -> None:
    for column in range(_LAST + 1):
        canvas.blank(row, column, "total")
    canvas.text(row, 0, "Total", "total")
    final = math.fsum(size.final_size or 0.0 for size in sizes)
    canvas.number(row, 4, float(sum(size.tickets for size in sizes)), "count", "total")
    canvas.number(row, 6, math.fsum(size.capital_allocation or 0.0 for size in sizes), "dollars", "total")
    canvas.number(row, 9, final, "dollars", "total")
    canvas.number(row, 10, final / nav, "percent", "total")
    canvas.number(row, 11, math.fsum(size.risk_contribution or 0.0 for size in sizes), "percent", "total")


def _steps(canvas: Canvas, row: int, size: StrategySize) -> None:
    role = "body" if size.final_size else "dim"
    canvas.text(row, 0, size.name, role)
    figures = (
        (size.base_size, "dollars"),
        (size.conviction_multiplier, "multiple"),
        (size.return_risk_multiplier, "multiple"),
        (size.kelly_multiplier, "multiple"),
        (size.recommended_size, "dollars"),
        (size.strategy_cap_multiplier, "multiple"),
        (size.bucket_multiplier, "multiple"),
        (size.capital_allocation, "dollars"),
        (_regime(size), "multiple"),
        (size.correlation_adjustment, "multiple"),
        (size.final_size, "dollars"),
    )
    for column, (value, shown) in enumerate(figures, start=1):
        canvas.number(row, column, value, shown, role)
    canvas.number(row, _LAST, size.mean_correlation, "correlation", role, align="left")


def _regime(size: StrategySize) -> float | None:
    """The regime's adjustment, 0 where the strategy does not fit the regime: what portfolio.csv and the page say."""
    if size.regime_adjustment is None or size.regime_fit is None:
        return None
    return size.regime_adjustment * size.regime_fit


def _ticket(canvas: Canvas, row: int, ticket: TicketSize) -> None:
    role = "body" if ticket.released else "dim"
    for column, text in enumerate((ticket.ticket_id, ticket.strategy, ticket.pair)):
        canvas.text(row, column, text, role)
    canvas.number(row, 3, ticket.units, "units", role)
    dollars = (ticket.max_gross, ticket.budget, ticket.proposed, ticket.approved, ticket.released)
    for column, value in enumerate(dollars, start=4):
        canvas.number(row, column, value, "dollars", role)
    share = ticket.released / ticket.budget if ticket.released is not None and ticket.budget else None
    canvas.number(row, 9, share, "percent", role)
    canvas.number(row, 10, ticket.hedge_ratio, "correlation", role)
    canvas.blank(row, 11, role)
    canvas.text(row, _LAST, ticket.note, role, text_wrap=True)
    canvas.height(row, (ticket.note, _WHY_WIDTH))
