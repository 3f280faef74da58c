"""Bars from a folder of Parquet and CSV files (PRICES_DIR); files and symbols that were not asked for disturb nothing.

A file counts as bars when it has the columns symbol, date, open, high, low, close, adj_close and volume; as a source of the
volatility index when it has symbol, date and close. Any other file in the folder is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.vendor import FILES

_PRICES = ("open", "high", "low", "close", "adj_close")
BAR_COLUMNS = ("symbol", "date", *_PRICES, "volume")
INDEX_COLUMNS = ("symbol", "date", "close")
_ROW = "row_number"
_FILE = "file_name"
_MOST_PROBLEMS = 20


class FilesVendor:
    """Vendor of the bars in one folder; read anew at every call, so a file that changes is seen."""

    def __init__(self, folder: Path, calendar: SessionCalendar) -> None:
        self._folder = folder
        self._calendar = calendar

    @property
    def source(self) -> str:
        """FILES."""
        return FILES

    def bars(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Bars of the folder; prices in dollars, volume in shares (a fraction of one is rounded, half to even).

        Raises:
            InputError: no such folder, no file of bars, none of the symbols, an unreadable file, an unusable value (with
                file, row and column), or two different bars of one symbol and date (with both files).
        """
        found = _read(self._folder, BAR_COLUMNS, symbols)
        if found is None:
            raise InputError(Problem(str(self._folder), None, "", "holds no file of bars", _allowed(BAR_COLUMNS)))
        if found.is_empty() and symbols:
            message = f"the files of bars hold none of the symbols {', '.join(sorted(symbols)[:8])}"
            raise InputError(Problem(str(self._folder), None, "symbol", message))
        table = found.rename({"date": "as_of_date"}).filter(pl.col("as_of_date").is_between(first, last))
        volume = pl.col("volume").round(0, mode="half_to_even")
        return TABLES["daily_bars"].conform(table.with_columns(volume=volume, source=pl.lit(FILES)))

    def volatility_index(self, symbol: str, first: date, last: date) -> pl.DataFrame:
        """Closing levels from any file with symbol, date and close; empty when none holds the symbol.

        Raises:
            InputError: as for bars.
        """
        found = _read(self._folder, INDEX_COLUMNS, [symbol])
        if found is None:
            return TABLES["volatility_index"].frame([])
        sessions = list(self._calendar.between(first, last))
        table = found.rename({"date": "as_of_date"}).filter(pl.col("as_of_date").is_in(sessions))
        return TABLES["volatility_index"].conform(table.with_columns(source=pl.lit(FILES)))


def _read(folder: Path, columns: Sequence[str], symbols: Sequence[str]) -> pl.DataFrame | None:
    """Rows of ``symbols`` in every file with ``columns``, checked, one per symbol and date; None when no file has them."""
    if not folder.is_dir():
        raise InputError(
            Problem(str(folder), None, "PRICES_DIR", "is not a folder", "a folder of Parquet or CSV files of bars")
        )
    frames: list[pl.DataFrame] = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in {".parquet", ".csv"} and not path.name.startswith(".") and path.is_file():
            frame = _table(path, columns)
            if frame is not None:
                wanted = frame.filter(pl.col("symbol").cast(pl.String).is_in(list(symbols)))
                frames.append(_typed(path, wanted, columns))
    return _without_repeats(folder, pl.concat(frames), columns) if frames else None


def _table(path: Path, columns: Sequence[str]) -> pl.DataFrame | None:
    """A file's columns of that name, with row numbers as an editor shows them; None when it lacks one of them."""
    try:
        if path.suffix.lower() == ".parquet":
            if not set(columns) <= set(pl.read_parquet_schema(path)):
                return None
            return pl.read_parquet(path, columns=list(columns)).with_row_index(_ROW, offset=1)
        header = pl.read_csv(path, n_rows=0, infer_schema=False, encoding="utf8").columns
        if not set(columns) <= set(header):
            return None
        return pl.read_csv(path, columns=list(columns), infer_schema=False).with_row_index(_ROW, offset=2)
    except pl.exceptions.NoDataError:
        return None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        # A damaged Parquet file can also make the reader panic.
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise InputError(
            Problem(str(path), None, "", f"cannot be read: {reason}", "a whole Parquet or UTF-8 CSV file")
        ) from error


def _typed(path: Path, frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The rows with real dates and finite numbers. Raises InputError naming every unusable value (up to 20)."""
    problems: list[Problem] = []
    typed = frame.select(_ROW, pl.col("symbol").cast(pl.String), _as_date(frame.schema["date"]))
    unusable = {"date": typed.get_column("date").is_null()}
    for column in columns[2:]:
        number = frame.get_column(column).cast(pl.String) if frame.schema[column] == pl.Boolean else frame.get_column(column)
        if number.dtype == pl.String:
            number = number.str.strip_chars()
        values = number.cast(pl.Float64, strict=False)
        bad = ~values.is_finite().fill_null(value=False)
        unusable[column] = (bad | (values < 0).fill_null(value=True)) if column == "volume" else bad
        typed = typed.with_columns(values.alias(column))
    for column, bad in unusable.items():
        for row, value in frame.filter(bad).select(_ROW, column).head(_MOST_PROBLEMS).iter_rows():
            problems.append(Problem(str(path), row, column, f"row {row} holds {value!r}", _allowed_value(column)))
    if problems:
        raise InputError(sorted(problems, key=lambda problem: problem.line or 0)[:_MOST_PROBLEMS])
    return typed.with_columns(pl.lit(path.name).alias(_FILE))


def _as_date(dtype: pl.DataType) -> pl.Expr:
    column = pl.col("date")
    if isinstance(dtype, pl.Datetime):
        local = column.dt.replace_time_zone(None)
        return pl.when(local == local.dt.truncate("1d")).then(local.dt.date()).alias("date")
    if dtype == pl.Date:
        return column
    return column.cast(pl.String).str.strip_chars().str.to_date("%Y-%m-%d", strict=False)


def _without_repeats(folder: Path, rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """One row per symbol and date; the same bar may stand in two files, two different ones may not."""
    distinct = rows.unique([*columns], keep="first", maintain_order=True)
    repeated = distinct.filter(pl.len().over("symbol", "date") > 1).sort("symbol", "date", _FILE, _ROW)
    if not repeated.is_empty():
        symbol, day = repeated.select("symbol", "date").row(0)
        places = repeated.filter((pl.col("symbol") == symbol) & (pl.col("date") == day)).select(_FILE, _ROW).rows()
        where = " and ".join(f"{name} row {row}" for name, row in places)
        count = repeated.select("symbol", "date").n_unique()
        more = f" (and {count - 1} more)" if count > 1 else ""
        raise InputError(Problem(str(folder), None, f"{symbol} {day}", f"different bars in {where}{more}", "one bar a session"))
    return distinct


def _allowed(columns: Sequence[str]) -> str:
    return f"a .parquet or .csv file with the columns {', '.join(columns)}"


def _allowed_value(column: str) -> str:
    if column == "date":
        return "a date such as 2024-03-28"
    return "a number of shares, at least 0" if column == "volume" else "a finite number of dollars"
