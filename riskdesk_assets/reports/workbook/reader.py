"""What a person typed into a workbook, read back: every cell checked, every problem told with its sheet and cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.reports.workbook.cells import Raw, is_blank
from riskdesk_assets.reports.workbook.input_table import InputRow, Sheet, problem_at, read_table
from riskdesk_assets.reports.workbook.layout import (
    BASE,
    LAST_ROW,
    LIBRARY_HASH,
    NAME_FIELD,
    PLANNER_COLUMNS,
    READ_BACK,
    READ_ME,
    READ_ME_LABELS,
    READ_ME_VALUES,
    SELECT,
    STRATEGY_COLUMNS,
    STRATEGY_INPUT,
    TRADE_PLANNER,
    YES,
    cell_name,
)
from riskdesk_assets.reports.workbook.package import Package, open_package
from riskdesk_assets.reports.workbook.sheet_scan import first_beyond, scan_sheet
from riskdesk_assets.reports.workbook.sheets_of import SheetPart, sheet_parts

_SHOWN_TO_PEOPLE = (STRATEGY_INPUT, TRADE_PLANNER)


@dataclass(frozen=True)
class WorkbookInput:
    """Everything that is read of a workbook.

    Attributes:
        file: the file's name.
        library_hash: of the library the workbook was made from.
        base: that library as the workbook keeps it, header first, all text.
        strategies: rows of Strategy Input in use that could be read.
        orders: rows of Trade Planner that are selected and could be read.
        problems: what is wrong with the others.
    """

    file: str
    library_hash: str
    base: tuple[tuple[str, ...], ...]
    strategies: tuple[InputRow, ...]
    orders: tuple[InputRow, ...]
    problems: tuple[Problem, ...]


def read_workbook(path: Path, choices: Mapping[str, Sequence[str]]) -> WorkbookInput:
    """Read the input sheets of a workbook.

    Args:
        path: the file.
        choices: list name -> its words, for the columns that take only words of a list.

    Raises:
        InputError: the file is no such workbook (its cells' own problems are returned, all of them).
    """
    package = open_package(path)
    sheets = _sheets(package)
    library_hash, base = _kept_library(package.file, sheets)
    strategies = read_table(package.file, sheets[STRATEGY_INPUT], STRATEGY_COLUMNS, choices)
    planned = read_table(package.file, sheets[TRADE_PLANNER], PLANNER_COLUMNS, choices, selected=(SELECT, YES))
    problems = [*strategies.problems, *_twice(package.file, strategies.rows), *planned.problems]
    problems += _unknown_strategies(package.file, planned.rows, strategies.rows)
    return WorkbookInput(package.file, library_hash, base, strategies.rows, planned.rows, tuple(problems))


def _sheets(package: Package) -> dict[str, Sheet]:
    """The sheets that are read back, scanned before their values are asked for: a far cell would make a huge grid."""
    parts = sheet_parts(package)
    _require_there(package.file, parts)
    facts = {name: scan_sheet(package, parts[name].part, name) for name in READ_BACK}
    far = [
        Problem(package.file, None, f"{name}!{first_beyond(found)}", "is beyond what is read", f"rows up to {LAST_ROW + 1}")
        for name, found in facts.items()
        if found.beyond is not None
    ]
    if far:
        raise InputError(far)
    grids = _grids(package)
    return {name: Sheet(name, grids[name], facts[name]) for name in READ_BACK}


def _require_there(file: str, parts: Mapping[str, SheetPart]) -> None:
    problems = []
    for name in READ_BACK:
        if name not in parts:
            message = f"there is no sheet {name!r}{nearest(name, parts)}"
            problems.append(Problem(file, None, "", message, "a workbook exported by `riskdesk workbook export`"))
        elif name in _SHOWN_TO_PEOPLE and not parts[name].visible:
            problems.append(Problem(file, None, name, "is a hidden sheet", "show it, and look at what it holds"))
    if problems:
        raise InputError(problems)


def _grids(package: Package) -> dict[str, list[list[Raw]]]:
    """Sheet name -> rows of values from its first cell on."""
    from python_calamine import CalamineError, load_workbook

    try:
        with load_workbook(package.repacked()) as book:
            return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in READ_BACK}
    except (CalamineError, OSError, ValueError) as error:
        raise InputError(Problem(package.file, None, "", f"is damaged: {error}")) from error


def _kept_library(file: str, sheets: Mapping[str, Sheet]) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """The hash on the first sheet, and the rows of the hidden one that it is the hash of."""
    allowed = "the cells as they were exported"
    found = [
        (number, row[READ_ME_VALUES])
        for number, row in enumerate(sheets[READ_ME].grid)
        if len(row) > READ_ME_VALUES and row[READ_ME_LABELS] == LIBRARY_HASH
    ]
    if len(found) != 1 or not isinstance(found[0][1], str) or is_blank(found[0][1]):
        raise InputError(Problem(file, None, READ_ME, f"does not name the {LIBRARY_HASH} it was made from", allowed))
    if (found[0][0], READ_ME_VALUES) in sheets[READ_ME].facts.formulas:
        where = f"{READ_ME}!{cell_name(found[0][0], READ_ME_VALUES)} {LIBRARY_HASH}"
        raise InputError(Problem(file, None, where, "holds a formula", allowed))
    rows = []
    for row in sheets[BASE].grid:
        if not all(isinstance(raw, str) for raw in row):
            raise InputError(Problem(file, None, BASE, "holds something else than text", allowed))
        if any(row):
            rows.append(tuple(map(str, row)))
    return found[0][1].strip(), tuple(rows)


def _twice(file: str, rows: Sequence[InputRow]) -> list[Problem]:
    """Names that stand in two rows, told in the second; those that differ in case alone are taken for one."""
    first: dict[str, InputRow] = {}
    problems = []
    for row in rows:
        name = str(row.values[NAME_FIELD])
        before = first.setdefault(name.lower(), row)
        if before is not row:
            message = f"is {name!r}, as in {before.cell(NAME_FIELD)}"
            problems.append(problem_at(file, row, NAME_FIELD, message, "a name of its own"))
    return problems


def _unknown_strategies(file: str, orders: Sequence[InputRow], strategies: Sequence[InputRow]) -> list[Problem]:
    """Orders for a strategy that no row names."""
    known = {str(row.values[NAME_FIELD]) for row in strategies}
    problems = []
    for row in orders:
        name = row.values["strategy"]
        if name is not None and name not in known:
            message = f"is {name!r}, which no row of {STRATEGY_INPUT} names{nearest(str(name), known)}"
            problems.append(problem_at(file, row, "strategy", message, "a strategy of the workbook, or nothing"))
    return problems
