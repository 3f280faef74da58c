"""Where things stand in the workbook: the sheets, and the columns of those that are read back. Writer and reader share it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

READ_ME = "Read me"
STRATEGY_INPUT = "Strategy Input"
SIZING_OUTPUT = "Sizing Output"
DASHBOARD = "Portfolio Dashboard"
TRADE_PLANNER = "Trade Planner"
EXPECTED_PNL = "ExpectedPnL"
SCENARIOS = "Scenarios"
LIMITS = "Limits"
LISTS = "Lists"
BASE = "Base"
READ_BACK = (READ_ME, STRATEGY_INPUT, TRADE_PLANNER, BASE)

# Rows and columns count from 0, as in the library that writes; a cell's name counts from 1.
TITLE_ROW = 0
SUBTITLE_ROW = 1
HEADER_ROW = 3
FIRST_ROW = HEADER_ROW + 1
SPARE_ROWS = 20
LAST_ROW = 2019
LAST_COLUMN = 63

# On the first sheet, below the label of this text: the hash of the library that the workbook was made from.
LIBRARY_HASH = "Library"
READ_ME_LABELS = 1
READ_ME_VALUES = 2
# The hidden sheet that keeps that library: one column per field of the file, its first row the header.

Kind = Literal["text", "note", "choice", "measure", "number", "whole", "date"]


@dataclass(frozen=True)
class Column:
    """One column of an input table.

    Attributes:
        title: what its header cell says.
        field: what it fills: a column of the strategies file, or a field of a ticket.
        kind: what its cells hold: ``text`` is one line, a ``note`` may be several, a ``measure`` is a number or a word of
            its list, a ``choice`` a word of its list.
        required: whether a row in use needs it.
        choices: the name of the list it offers, in ``Lists``; only those words are taken where kind is ``choice``.
        lowest, highest: the range of a number.
        longest: of a text, in characters.
        shown: how a number is shown, in the spreadsheet's own words.
        width: in characters.
        prompt: what the cell says when it is entered.
    """

    title: str
    field: str
    kind: Kind
    required: bool
    width: int
    prompt: str
    choices: str = ""
    lowest: float = 0.0
    highest: float = 0.0
    longest: int = 64
    shown: str = "General"


NAME_FIELD = "StrategyName"
SELECT = "select"
STRATEGY_COLUMNS: tuple[Column, ...] = (
    Column("Strategy", "StrategyName", "text", True, 23, "A name of its own. Tickets refer to it by this name."),
    Column("Status", "Status", "choice", True, 11, "active: gets capital. candidate: kept, sized at nothing.", "statuses"),
    Column("Bucket", "Bucket", "choice", True, 14, "The bucket whose cap and expected return apply.", "buckets"),
    Column("Signal type", "SignalType", "choice", True, 16, "What drives it.", "signal_types"),
    Column("Conviction", "Conviction", "choice", True, 13, "The tier that multiplies its base size.", "convictions"),
    Column(
        "Expected return",
        "ExpectedReturn",
        "measure",
        False,
        11,
        "A year, as a fraction of capital: 8% or 0.08, or a score word.",
        "return_scores",
        lowest=-1,
        highest=2,
        shown="0.0%_0",
    ),
    Column(
        "Expected risk",
        "ExpectedRisk",
        "measure",
        False,
        11,
        "Volatility a year, as a fraction of capital: 10% or 0.1, or a score word.",
        "risk_scores",
        lowest=0,
        highest=5,
        shown="0.0%_0",
    ),
    Column(
        "Regime fit",
        "RegimeFit",
        "choice",
        False,
        18,
        "The market regimes it is sized in; left empty: all of them.",
        "regime_fits",
    ),
    Column("Time horizon", "TimeHorizon", "text", False, 13, "How long the idea should take, in your own words.", longest=200),
    Column("Theme", "Theme", "text", False, 22, "What it is about.", longest=200),
    Column("Catalyst", "Catalyst", "text", False, 24, "What should make it work.", longest=200),
    Column("Notes", "Notes", "note", False, 40, "Whatever else should be remembered.", longest=2000),
)
PLANNER_COLUMNS: tuple[Column, ...] = (
    Column("Draft it?", SELECT, "choice", False, 10, "yes: the import writes a ticket draft from this row.", "yes_no"),
    Column(
        "Strategy",
        "strategy",
        "text",
        False,
        24,
        "A strategy of the sheet Strategy Input; left empty: the ticket is one of its own.",
        "strategies",
    ),
    Column("Leg A", "leg_a", "choice", True, 9, "LONG_SPREAD is long this leg.", "symbols"),
    Column("Leg B", "leg_b", "choice", True, 9, "The other leg.", "symbols"),
    Column("Orientation", "orientation", "choice", True, 15, "LONG_SPREAD: long A, short B.", "orientations"),
    Column(
        "Max gross $",
        "max_gross_notional",
        "number",
        True,
        14,
        "Dollars of both legs together, at most.",
        lowest=1,
        highest=1e12,
        shown="$#,##0_0",
    ),
    Column(
        "Max leg $",
        "max_leg_notional",
        "number",
        True,
        14,
        "Dollars of either leg, at most.",
        lowest=1,
        highest=1e12,
        shown="$#,##0_0",
    ),
    Column(
        "Horizon, sessions",
        "horizon_days",
        "whole",
        True,
        10,
        "Sessions the idea should take.",
        lowest=1,
        highest=2520,
        shown="0_0",
    ),
    Column("Conviction", "conviction", "choice", True, 13, "Low takes half units.", "convictions"),
    Column(
        "Time stop, sessions",
        "time_stop_days",
        "whole",
        True,
        10,
        "Sessions held before it goes flat.",
        lowest=1,
        highest=2520,
        shown="0_0",
    ),
    Column("Flat on breakdown", "flatten_on_breakdown", "choice", True, 12, "yes: flat when the pair breaks down.", "yes_no"),
    Column("Expires on", "expires_on", "date", True, 12, "The last day in force, as a date.", shown="yyyy-mm-dd"),
    Column(
        "Entry |z|",
        "entry_z",
        "number",
        False,
        8,
        "Left empty: the desk's own.",
        lowest=0,
        highest=100,
        shown="0.00_0",
    ),
    Column(
        "Exit |z|",
        "exit_z",
        "number",
        False,
        8,
        "Left empty: the desk's own.",
        lowest=0,
        highest=100,
        shown="0.00_0",
    ),
    Column(
        "Share",
        "share",
        "number",
        False,
        8,
        "Its part of the strategy's capital; left empty: equal parts.",
        lowest=0.0001,
        highest=1,
        shown="0%_0",
    ),
    Column("Ticket id", "ticket_id", "text", False, 24, "Left empty: made from the legs and the strategy."),
    Column("Note", "note", "note", False, 40, "Why.", longest=2000),
)
YES, NO = "yes", "no"


def cell_name(row: int, column: int) -> str:
    """``B5`` for row 4, column 1."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def place(sheet: str, row: int, column: int, title: str = "") -> str:
    """``Strategy Input!E6 Conviction``: how a problem names a cell."""
    return f"{sheet}!{cell_name(row, column)}{f' {title}' if title else ''}"


def regime_fits(regimes: Iterable[str]) -> tuple[str, ...]:
    """Every way to fit one regime or more, in their own order: ``Calm``, ``Calm|Normal``, ..."""
    found: list[str] = []
    words = tuple(regimes)
    for count in range(1, len(words) + 1):
        found.extend(
            "|".join(words[place] for place in range(len(words)) if mask >> place & 1) for mask in _masks(words, count)
        )
    return tuple(found)


def _masks(words: tuple[str, ...], count: int) -> list[int]:
    masks = [mask for mask in range(1, 2 ** len(words)) if mask.bit_count() == count]
    return sorted(masks, key=lambda mask: [place for place in range(len(words)) if mask >> place & 1])
