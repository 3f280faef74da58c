"""One workbook as bytes: the same content gives the same bytes, on any day and machine."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import datetime

from riskdesk_assets.reports.workbook.canvas import Canvas, Styles
from riskdesk_assets.reports.workbook.content import WorkbookContent
from riskdesk_assets.reports.workbook.layout import (
    BASE,
    DASHBOARD,
    EXPECTED_PNL,
    LIMITS,
    LISTS,
    READ_ME,
    SCENARIOS,
    SIZING_OUTPUT,
    STRATEGY_INPUT,
    TRADE_PLANNER,
)
from riskdesk_assets.reports.workbook.sheets.dashboard import write_dashboard
from riskdesk_assets.reports.workbook.sheets.expected_pnl import write_expected_pnl
from riskdesk_assets.reports.workbook.sheets.inputs import write_lists, write_strategy_input, write_trade_planner
from riskdesk_assets.reports.workbook.sheets.limits import write_limits
from riskdesk_assets.reports.workbook.sheets.read_me import write_base, write_read_me
from riskdesk_assets.reports.workbook.sheets.scenarios import write_scenarios
from riskdesk_assets.reports.workbook.sheets.sizing_output import write_sizing_output

WORKBOOK = "desk_workbook.xlsx"
_INPUT_TAB, _OUTPUT_TAB = "#C9A227", "#5B6776"
_SHEETS: tuple[tuple[str, Callable[[Canvas, WorkbookContent], None], str], ...] = (
    (READ_ME, write_read_me, ""),
    (STRATEGY_INPUT, write_strategy_input, _INPUT_TAB),
    (SIZING_OUTPUT, write_sizing_output, _OUTPUT_TAB),
    (DASHBOARD, write_dashboard, _OUTPUT_TAB),
    (TRADE_PLANNER, write_trade_planner, _INPUT_TAB),
    (EXPECTED_PNL, write_expected_pnl, _OUTPUT_TAB),
    (SCENARIOS, write_scenarios, _OUTPUT_TAB),
    (LIMITS, write_limits, _OUTPUT_TAB),
    (LISTS, write_lists, ""),
    (BASE, write_base, ""),
)
# Text is text: nothing that begins with =, + or @ becomes a formula, nothing that looks like an address a link.
_INERT = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
    "use_future_functions": False,
}


def workbook_bytes(content: WorkbookContent) -> bytes:
    """The workbook of a session.

    Args:
        content: everything it shows; nothing else enters it, no clock and no setting of the machine.

    Returns:
        An .xlsx file.
    """
    from xlsxwriter import Workbook

    buffer = io.BytesIO()
    day = content.session
    with Workbook(buffer, _INERT) as book:
        book.set_properties(
            {
                "title": f"Risk Desk {day.isoformat()}",
                "subject": f"{content.desk}, run {content.run_id}",
                "author": "riskdesk",
                "comments": "SIMULATED prices" if content.simulated else "",
                "created": datetime(day.year, day.month, day.day),  # noqa: DTZ001  (a property without a zone)
            }
        )
        book.set_size(2400, 1500)
        style = Styles(book)
        for name, write, color in _SHEETS:
            sheet = book.add_worksheet(name)
            if color:
                sheet.set_tab_color(color)
            write(Canvas(sheet, style), content)
    return buffer.getvalue()


def same_parts(one: bytes, other: bytes) -> bool:
    """Whether two workbooks hold the same, however it is packed; False where one cannot be opened."""
    try:
        return _parts(one) == _parts(other)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, LookupError):
        return False


def _parts(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
