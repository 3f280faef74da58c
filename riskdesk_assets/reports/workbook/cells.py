"""One cell's value against its column: typed, in range, or a problem that names the cell and says what is allowed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from riskdesk_assets.common.errors import Problem, nearest
from riskdesk_assets.reports.workbook.layout import Column

Raw = int | float | str | bool | date | datetime | time | timedelta
Value = str | int | float | bool | date | None

_SIGNIFICANT_DIGITS = 15  # as many as a spreadsheet keeps of a number
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_SHOWN = 60


class CellError(Exception):
    """Why a cell's value cannot be taken; ``allowed`` says what can."""

    def __init__(self, message: str, allowed: str) -> None:
        self.message, self.allowed = message, allowed
        super().__init__(message)

    def at(self, file: str, where: str) -> Problem:
        """The problem, told of a cell of a file."""
        return Problem(file, None, where, self.message, self.allowed)


def is_blank(raw: Raw) -> bool:
    """Whether a cell holds nothing, or nothing but spaces."""
    return isinstance(raw, str) and not raw.strip()


def inert(text: str) -> str:
    """Text that no spreadsheet takes for a formula when it meets it in a CSV file: a leading apostrophe where one is needed."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def number_text(value: float) -> str:
    """A number in the digits a spreadsheet keeps: the same on the way out and back."""
    return format(value + 0.0, f".{_SIGNIFICANT_DIGITS}g")


def taken(column: Column, raw: Raw, choices: Mapping[str, Sequence[str]]) -> Value:
    """The value of a cell that is not blank.

    Args:
        column: what the cell has to hold.
        raw: what the workbook's reader gives for it.
        choices: list name -> its words.

    Raises:
        CellError: another type, out of range, or no word of its list.
    """
    if column.kind in ("text", "note"):
        return _text(column, raw)
    if column.kind == "measure" and isinstance(raw, str):
        return _choice(raw.strip(), choices[column.choices], f"{_range(column)}, or ")
    if column.kind == "choice":
        return _choice(_word(raw), choices[column.choices])
    if column.kind == "date":
        return _day(raw)
    return _number(column, raw)


def _text(column: Column, raw: Raw) -> str:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise CellError(f"is {_described(raw)}, not text", "text; a leading apostrophe keeps it as it is typed")
    text = raw.strip() if isinstance(raw, str) else number_text(raw)
    text = inert(text.replace("\r\n", "\n"))
    if len(text) > column.longest:
        raise CellError(f"is {len(text):,} characters long", f"at most {column.longest:,}")
    if column.kind == "text" and "\n" in text:
        raise CellError("holds a line break", "one line")
    if not text.replace("\n", " ").isprintable():
        raise CellError("holds characters that do not print", "printable text")
    return text


def _word(raw: Raw) -> str:
    """A word of a list: text, or a number that is shown like one."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return _described(raw)
    return raw.strip() if isinstance(raw, str) else number_text(raw)


def _choice(word: str, allowed: Sequence[str], or_else: str = "") -> str:
    if word not in allowed:
        by_case = {item.lower(): item for item in allowed}
        near = f"; did you mean '{by_case[word.lower()]}'?" if word.lower() in by_case else nearest(word, allowed)
        raise CellError(f"is {word[:_SHOWN]!r}{near}", f"{or_else}{', '.join(allowed)}")
    return word


def _number(column: Column, raw: Raw) -> float | int:
    wanted, allowed = _wanted(column), _range(column)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise CellError(f"is {_described(raw)}, not {wanted}", allowed)
    if not math.isfinite(raw):
        raise CellError("is not a finite number", allowed)
    if not column.lowest <= raw <= column.highest:
        raise CellError(f"is {number_text(raw)}", allowed)
    if column.kind == "whole":
        if raw != int(raw):
            raise CellError(f"is {number_text(raw)}", allowed)
        return int(raw)
    return float(number_text(raw))


def _wanted(column: Column) -> str:
    return "a whole number" if column.kind == "whole" else "a number"


def _range(column: Column) -> str:
    return f"{_wanted(column)} from {column.lowest:g} to {column.highest:g}"


def _day(raw: Raw) -> date:
    allowed = "a date, typed such as 2027-12-31"
    if isinstance(raw, datetime):
        if raw.time() != time(0):
            raise CellError("is a date with a time of day", allowed)
        return raw.date()
    if not isinstance(raw, date):
        raise CellError(f"is {_described(raw)}, not a date", allowed)
    return raw


def _described(raw: Raw) -> str:
    if isinstance(raw, str):
        return f"the text {raw[:_SHOWN]!r}"
    if isinstance(raw, bool):
        return str(raw).upper()
    if isinstance(raw, int | float):
        return f"the number {number_text(raw)}"
    if isinstance(raw, datetime | date):
        return f"the date {raw:%Y-%m-%d}"
    return "a time of day"


def shown_number(text: str) -> float | None:
    """The number a text stands for; None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
