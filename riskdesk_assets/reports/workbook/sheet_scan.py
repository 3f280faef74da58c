"""What a sheet's cells hold beside their values, heard from its XML: formulas, errors, merged and hidden cells, its size.

The library that reads values gives a formula's last result and says nothing of the formula.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.reports.workbook.layout import LAST_COLUMN, LAST_ROW, cell_name
from riskdesk_assets.reports.workbook.package import Package, require_plain_xml

_CELL = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})\Z")
_KEPT = 1000
Cell = tuple[int, int]


@dataclass(frozen=True)
class SheetFacts:
    """Facts of one sheet by (row, column) from 0.

    Attributes:
        formulas: cells that hold a formula.
        errors: cells whose value is an error.
        merged: ranges of merged cells, (first row, first column, last row, last column).
        hidden_rows: rows that are hidden, or have no height.
        hidden_columns: ranges of columns, first and last, that are hidden or have no width.
        beyond: the first cell with content outside the rows and columns that are read; None where there is none.
    """

    formulas: frozenset[Cell]
    errors: frozenset[Cell]
    merged: tuple[tuple[int, int, int, int], ...]
    hidden_rows: frozenset[int]
    hidden_columns: tuple[tuple[int, int], ...]
    beyond: Cell | None

    def hidden_at(self, row: int, column: int) -> bool:
        """Whether a cell cannot be seen."""
        return row in self.hidden_rows or any(first <= column <= last for first, last in self.hidden_columns)


def scan_sheet(package: Package, part: str, sheet: str) -> SheetFacts:
    """Scan the XML part of a sheet.

    Raises:
        InputError: the part is missing, or names a cell that cannot be.
    """
    if part not in package.parts:
        raise InputError(Problem(package.file, None, sheet, "is damaged: its part is missing"))
    heard = _Sheet(package.file, sheet)
    require_plain_xml(package.file, part, package.parts[part], heard)
    return SheetFacts(
        frozenset(heard.formulas),
        frozenset(heard.errors),
        tuple(heard.merged),
        frozenset(heard.hidden_rows),
        tuple(heard.hidden_columns),
        heard.beyond,
    )


class _Sheet(ContentHandler):
    """Hears one sheet; cells and rows without a place of their own follow the one before."""

    def __init__(self, file: str, sheet: str) -> None:
        super().__init__()
        self._file, self._sheet = file, sheet
        self._row, self._column = -1, -1
        self._in_cell = False
        self.formulas: set[Cell] = set()
        self.errors: set[Cell] = set()
        self.merged: list[tuple[int, int, int, int]] = []
        self.hidden_rows: set[int] = set()
        self.hidden_columns: list[tuple[int, int]] = []
        self.beyond: Cell | None = None

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802  (the parser's name)
        tag = name.rpartition(":")[2]
        given = {key: str(value) for key, value in attrs.items()}
        if tag == "row":
            self._row = self._whole(given["r"]) - 1 if "r" in given else self._row + 1
            self._column = -1
            if _out_of_sight(given, "ht"):
                self.hidden_rows.add(min(self._row, LAST_ROW + 1))
        elif tag == "c":
            if "r" in given:
                self._row, self._column = self._cell(given["r"])
            else:
                self._column += 1
            self._in_cell = True
            if given.get("t") == "e":
                self.errors.add(self._here())
        elif tag in ("v", "f", "is") and self._in_cell:
            here = self._here()
            if tag == "f":
                self.formulas.add(here)
        elif tag == "mergeCell":
            first, _, last = given.get("ref", "").partition(":")
            merged = (*self._cell(first), *self._cell(last or first))
            # One in the way is enough to refuse the sheet; a million of them need not be kept.
            if merged[0] <= LAST_ROW and merged[1] <= LAST_COLUMN and len(self.merged) < _KEPT:
                self.merged.append(merged)
        elif tag == "col" and _out_of_sight(given, "width") and len(self.hidden_columns) < _KEPT:
            self.hidden_columns.append((self._whole(given.get("min", "1")) - 1, self._whole(given.get("max", "1")) - 1))

    def endElement(self, name: str) -> None:  # noqa: N802  (the parser's name)
        self._in_cell = self._in_cell and name.rpartition(":")[2] != "c"

    def _here(self) -> Cell:
        """The present cell, which has content; far ones are remembered by the first of them alone."""
        if self._row > LAST_ROW or self._column > LAST_COLUMN:
            self.beyond = self.beyond or (self._row, self._column)
            return (LAST_ROW + 1, LAST_COLUMN + 1)
        return (self._row, self._column)

    def _cell(self, text: str) -> Cell:
        found = _CELL.match(text)
        if not found:
            raise self._damaged(text)
        column = 0
        for letter in found[1]:
            column = column * 26 + ord(letter) - ord("A") + 1
        return int(found[2]) - 1, column - 1

    def _whole(self, text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,7}", text):
            raise self._damaged(text)
        return int(text)

    def _damaged(self, text: str) -> InputError:
        return InputError(Problem(self._file, None, self._sheet, f"is damaged: {text[:20]!r} is no cell, row or column"))


def _out_of_sight(given: Mapping[str, str], size: str) -> bool:
    """Whether a row or column is hidden, or has no size."""
    return given.get("hidden", "").lower() in ("1", "true") or given.get(size) in ("0", "0.0")


def first_beyond(facts: SheetFacts) -> str:
    """The name of the first cell outside what is read; empty where there is none."""
    return "" if facts.beyond is None else cell_name(*facts.beyond)
