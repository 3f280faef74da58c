"""CSV that means what it says: known columns, each once, every row whole, every cell printable and with its line.

Python's reader lets a short row pass, takes the last of two equal columns and reads on over stray quotes. This one refuses
all that by file, line and column. A byte-order mark, CRLF line ends, blank lines, spaces around a cell and line ends inside
quotes are accepted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.strict_yaml import decode, read_bytes

MAX_BYTES = 1024 * 1024


@dataclass(frozen=True)
class CsvRow:
    """One row: the 1-based line it begins on, and its cells by column; a column the file does not have is not there."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True)
class CsvFile:
    """A file's columns in their order, and its rows."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[CsvRow, ...]


def read_csv(path: Path, required: Collection[str], optional: Collection[str] = (), max_bytes: int = MAX_BYTES) -> CsvFile:
    """Read a CSV file with a header of known columns, in any order.

    Args:
        path: a regular file of UTF-8 text.
        required: columns that must be there.
        optional: columns that may be left out.
        max_bytes: the largest file taken.

    Raises:
        InputError: every problem: an unreadable file, unknown, missing or repeated columns, rows with too few or too many
            cells, broken quoting, characters that do not print.
    """
    return parse_csv(read_bytes(path, max_bytes), str(path), required, optional)


def parse_csv(raw: bytes, file: str, required: Collection[str], optional: Collection[str] = ()) -> CsvFile:
    """As :func:`read_csv`, for a file's bytes."""
    lines = _lines(decode(raw, file), file)
    header = next(lines, None)
    if header is None:
        raise InputError(Problem(file, 1, "", "is empty", f"a header with {', '.join(required)}"))
    columns = tuple(header[1])
    problems = list(_header_problems(file, header[0], columns, [*required, *optional], required))
    rows: list[CsvRow] = []
    for line, cells in lines:
        if len(cells) != len(columns):
            problems.append(Problem(file, line, "", f"has {len(cells)} cells", f"{len(columns)}, one for each column"))
            continue
        row = dict(zip(columns, cells, strict=True))
        unprintable = [name for name, cell in row.items() if not cell.replace("\n", " ").isprintable()]
        problems += [Problem(file, line, name, "holds characters that do not print", "printable text") for name in unprintable]
        rows.append(CsvRow(line, row))
    if problems:
        raise InputError(problems)
    return CsvFile(file, columns, tuple(rows))


def _lines(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """(line a row begins on, its stripped cells) of every row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    begins = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            allowed = "cells parted by commas, text in quotes"
            raise InputError(Problem(file, begins, "", f"is not CSV: {error}", allowed)) from error
        if any(cell.strip() for cell in cells):
            yield begins, [cell.strip() for cell in cells]
        begins = reader.line_num + 1


def _header_problems(
    file: str, line: int, columns: Sequence[str], known: Sequence[str], required: Collection[str]
) -> Iterator[Problem]:
    allowed = ", ".join(known)
    for place, name in enumerate(columns):
        if name not in known:
            shown = name if name.isprintable() else ascii(name)[1:-1]
            missing = [column for column in known if column not in columns]
            message = f"is not a known column{nearest(name, missing)}" if name else f"column {place + 1} has no name"
            yield Problem(file, line, shown[:60], message, allowed)
        elif name in columns[:place]:
            yield Problem(file, line, name, "is a column twice", "each column once")
    for name in required:
        if name not in columns:
            yield Problem(file, line, name, "is a required column and missing", allowed)
