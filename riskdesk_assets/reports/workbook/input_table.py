"""One input sheet's table: its header found again, every cell of the rows in use taken or told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.reports.workbook.cells import CellError, Raw, Value, is_blank, taken
from riskdesk_assets.reports.workbook.layout import FIRST_ROW, HEADER_ROW, Column, cell_name, place
from riskdesk_assets.reports.workbook.sheet_scan import SheetFacts

_EXPORTED = "the columns as they were exported"


@dataclass(frozen=True)
class Sheet:
    """A sheet as it was read: rows of values from its first cell on, and what its cells hold beside them."""

    name: str
    grid: Sequence[Sequence[Raw]]
    facts: SheetFacts

    def at(self, row: int, column: int) -> Raw:
        """The value of a cell; an empty text where there is none."""
        return self.grid[row][column] if row < len(self.grid) and column < len(self.grid[row]) else ""


@dataclass(frozen=True)
class InputRow:
    """One row in use: field -> its value (None where the cell is empty), and field -> the cell it stands in."""

    sheet: str
    row: int
    values: Mapping[str, Value]
    cells: Mapping[str, tuple[int, str]]

    def where(self, field: str) -> str:
        """``Strategy Input!E6 Conviction``; the row where the sheet has no such field."""
        if field not in self.cells:
            return f"{self.sheet}!{self.row + 1}:{self.row + 1}"
        column, title = self.cells[field]
        return place(self.sheet, self.row, column, title)

    def cell(self, field: str) -> str:
        """``E6``."""
        return cell_name(self.row, self.cells[field][0])


@dataclass(frozen=True)
class ReadTable:
    """Rows that could be read, and what is wrong with the others."""

    rows: tuple[InputRow, ...]
    problems: tuple[Problem, ...]


def problem_at(file: str, row: InputRow, field: str, message: str, allowed: str = "") -> Problem:
    """A problem of one field of a row."""
    return Problem(file, None, row.where(field), message, allowed)


def read_table(
    file: str,
    sheet: Sheet,
    columns: Sequence[Column],
    choices: Mapping[str, Sequence[str]],
    *,
    selected: tuple[str, str] | None = None,
) -> ReadTable:
    """Read the rows of an input sheet.

    Args:
        file: the workbook's name.
        sheet: the sheet.
        columns: what its columns are to hold.
        choices: list name -> its words.
        selected: a field and the word that selects a row; rows without it are not read further.

    Raises:
        InputError: its header is not the one that was exported, or cells of the table are merged.
    """
    at = _header(file, sheet, columns)
    _require_unmerged(file, sheet, at)
    cells = {column.field: (at[column.field], column.title) for column in columns}
    rows: list[InputRow] = []
    problems: list[Problem] = []
    for number in range(FIRST_ROW, len(sheet.grid)):
        row, found = _row(file, sheet, number, columns, cells, choices, selected)
        problems.extend(found)
        if row is not None:
            rows.append(row)
    return ReadTable(tuple(rows), tuple(problems))


def _header(file: str, sheet: Sheet, columns: Sequence[Column]) -> dict[str, int]:
    """Field -> the column it stands in."""
    titles = {column.title: column.field for column in columns}
    found: dict[str, int] = {}
    problems = []
    for number, raw in enumerate(sheet.grid[HEADER_ROW] if len(sheet.grid) > HEADER_ROW else ()):
        if is_blank(raw):
            continue
        title = str(raw).strip()
        if title not in titles or titles[title] in found:
            message = f"is {title[:60]!r}{nearest(title, titles)}" if title not in titles else f"{title!r} is there twice"
            problems.append(Problem(file, None, place(sheet.name, HEADER_ROW, number), message, _EXPORTED))
        else:
            found[titles[title]] = number
    missing = [column.title for column in columns if column.field not in found]
    if missing:
        message = f"has no column {', '.join(missing)} in row {HEADER_ROW + 1}"
        problems.append(Problem(file, None, sheet.name, message, _EXPORTED))
    if problems:
        raise InputError(problems)
    return found


def _require_unmerged(file: str, sheet: Sheet, at: Mapping[str, int]) -> None:
    first, last = min(at.values()), max(at.values())
    problems = [
        Problem(
            file, None, f"{sheet.name}!{cell_name(top, left)}:{cell_name(bottom, right)}", "are merged cells", "unmerge them"
        )
        for top, left, bottom, right in sheet.facts.merged
        if bottom >= HEADER_ROW and left <= last and right >= first
    ]
    if problems:
        raise InputError(problems)


def _row(
    file: str,
    sheet: Sheet,
    number: int,
    columns: Sequence[Column],
    cells: Mapping[str, tuple[int, str]],
    choices: Mapping[str, Sequence[str]],
    selected: tuple[str, str] | None,
) -> tuple[InputRow | None, list[Problem]]:
    places = {column for column, _ in cells.values()}
    used = [column for column in range(len(sheet.grid[number])) if _in_use(sheet, number, column)]
    if not used:
        return None, []
    problems = [
        Problem(file, None, place(sheet.name, number, column), "stands outside the table", "nothing there")
        for column in used
        if column not in places
    ]
    values: dict[str, Value] = {}
    for column in columns:
        where, title = cells[column.field]
        try:
            values[column.field] = _value(sheet, number, where, column, choices)
        except CellError as error:
            problems.append(error.at(file, place(sheet.name, number, where, title)))
        if selected is not None and column.field == selected[0] and values.get(column.field) != selected[1]:
            return None, problems
    hidden = sorted(column for column in used if sheet.facts.hidden_at(number, column) and column in places)
    if hidden:
        where_hidden = place(sheet.name, number, hidden[0])
        problems.append(Problem(file, None, where_hidden, "is hidden", "show the row and its columns, or empty them"))
    return (None if problems else InputRow(sheet.name, number, values, cells)), problems


def _in_use(sheet: Sheet, row: int, column: int) -> bool:
    here = (row, column)
    return not is_blank(sheet.at(row, column)) or here in sheet.facts.formulas or here in sheet.facts.errors


def _value(sheet: Sheet, row: int, at: int, column: Column, choices: Mapping[str, Sequence[str]]) -> Value:
    if (row, at) in sheet.facts.formulas:
        raise CellError("holds a formula: what it would give is not read", "the value itself, typed")
    if (row, at) in sheet.facts.errors:
        raise CellError("holds an error", "a value")
    raw = sheet.at(row, at)
    if is_blank(raw):
        if column.required:
            raise CellError("is empty", column.prompt)
        return None
    return taken(column, raw, choices)
