"""The strategies file seen three ways: as people wrote it, as it counts, and as a workbook keeps it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from riskdesk_assets.common.csv_file import CsvFile
from riskdesk_assets.common.hashing import digest
from riskdesk_assets.common.strategy_names import OPTIONAL, REQUIRED
from riskdesk_assets.reports.workbook.cells import inert, number_text
from riskdesk_assets.reports.workbook.content import Library
from riskdesk_assets.reports.workbook.layout import NAME_FIELD
from riskdesk_assets.strategy.strategy_file import Strategy

COLUMNS: tuple[str, ...] = (*REQUIRED, *OPTIONAL)
Cells = Mapping[str, str]


def counted(strategy: Strategy) -> dict[str, str]:
    """A strategy's fields as text, by column, as they count: tiers for levels, fractions for scores, regimes in their order.

    Two spellings of one thing have one text here, and a number the digits that a spreadsheet keeps.
    """

    def number(value: float | None) -> str:
        return "" if value is None else number_text(value)

    return {
        NAME_FIELD: inert(strategy.strategy_name),
        "Bucket": strategy.bucket,
        "SignalType": strategy.signal_type,
        "Conviction": strategy.conviction,
        "ExpectedReturn": number(strategy.expected_return),
        "ExpectedRisk": number(strategy.expected_risk),
        "RegimeFit": "|".join(strategy.regime_fit),
        "TimeHorizon": inert(strategy.time_horizon),
        "Notes": inert(strategy.notes),
        "Theme": inert(strategy.theme),
        "Catalyst": inert(strategy.catalyst),
        "Status": strategy.status,
    }


def library_of(strategies: Iterable[Strategy]) -> Library:
    """The library as a workbook shows and keeps it, in order of name."""
    rows = sorted(tuple(counted(strategy)[column] for column in COLUMNS) for strategy in strategies)
    return Library(COLUMNS, tuple(rows), hash_of((COLUMNS, *rows)))


def hash_of(rows: Sequence[Sequence[str]]) -> str:
    """The hash of a library: its header and its rows, as text."""
    return digest([list(row) for row in rows])


def by_name(rows: Sequence[Sequence[str]]) -> dict[str, dict[str, str]]:
    """Name -> fields of a kept library, whose first row is its header; a field it does not have is empty."""
    header = rows[0] if rows else ()
    found = [dict(zip(header, row, strict=False)) for row in rows[1:]]
    return {row.get(NAME_FIELD, ""): {column: row.get(column, "") for column in COLUMNS} for row in found}


def csv_bytes(rows: Sequence[Cells], columns: Sequence[str]) -> bytes:
    """A strategies file; text that a spreadsheet would take for a formula begins with an apostrophe."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([inert(row.get(column, "")) if column not in _NUMBERS else row.get(column, "") for column in columns])
    return buffer.getvalue().encode()


def written_columns(standing: CsvFile | None, rows: Sequence[Cells]) -> tuple[str, ...]:
    """The columns of a new file: those that stand, in their order, and any other that a row now fills."""
    before = standing.columns if standing is not None else COLUMNS
    return (*before, *(column for column in COLUMNS if column not in before and any(row.get(column) for row in rows)))


# A negative return is a number that begins with a minus sign, and no formula.
_NUMBERS = ("ExpectedReturn", "ExpectedRisk")
