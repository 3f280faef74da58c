"""Bars as aligned matrices: one row a session, one column a symbol, NaN where there is no bar."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.features import windows
from riskdesk_assets.features.windows import Array

_PRICES = ("open", "high", "low", "close", "adj_close")


@dataclass(frozen=True, eq=False)
class Panel:
    """Bars of sorted ``symbols`` over ascending ``sessions``; every matrix has shape (sessions, symbols), prices in dollars."""

    sessions: tuple[date, ...]
    symbols: tuple[str, ...]
    open: Array
    high: Array
    low: Array
    close: Array
    adj_close: Array
    volume: Array

    @cached_property
    def log_adj(self) -> Array:
        """Natural logarithm of adj_close, shape (sessions, symbols)."""
        return windows.log(self.adj_close)

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {symbol: column for column, symbol in enumerate(self.symbols)}

    def column(self, symbol: str) -> int:
        """Column of a symbol; KeyError when the panel does not hold it."""
        return self._columns[symbol]

    def rows(self, first: date, last: date) -> range:
        """Rows of the sessions from ``first`` to ``last``, both included."""
        return range(bisect_left(self.sessions, first), bisect_right(self.sessions, last))

    def between(self, first: date, last: date, lookback: int) -> Panel:
        """The sessions from ``first`` to ``last`` and before them what the ``lookback`` sessions ending at ``first`` need."""
        wanted = self.rows(first, last)
        return self._cut(slice(max(wanted.start - lookback + 1, 0), max(wanted.stop, wanted.start)), slice(None))

    def select(self, symbols: Sequence[str]) -> Panel:
        """The same sessions with these symbols only; KeyError when the panel does not hold one."""
        kept = sorted(set(symbols))
        return self._cut(slice(None), np.array([self.column(symbol) for symbol in kept], dtype=np.intp))

    def _cut(self, rows: slice, columns: slice | np.ndarray[tuple[int], np.dtype[np.intp]]) -> Panel:
        def cut(values: Array) -> Array:
            return np.ascontiguousarray(values[rows][:, columns])

        names = np.array(self.symbols, dtype=object)[columns].tolist()
        return Panel(
            sessions=self.sessions[rows],
            symbols=tuple(names),
            open=cut(self.open),
            high=cut(self.high),
            low=cut(self.low),
            close=cut(self.close),
            adj_close=cut(self.adj_close),
            volume=cut(self.volume),
        )


def build_panel(bars: pl.DataFrame, sessions: Sequence[date], symbols: Sequence[str]) -> Panel:
    """Align bars on sessions and symbols.

    Args:
        bars: columns of TABLES["daily_bars"] in any order of rows, unusable bars already removed; bars on other dates
            or of other symbols are left out.
        sessions: the sessions wanted, in any order.
        symbols: the symbols wanted; one without bars gets a column of NaN.

    Returns:
        The panel, sessions ascending and symbols sorted.

    Raises:
        InputError: two bars of one symbol on one session, or a price that is not finite and above 0.
    """
    ordered, names = sorted(set(sessions)), sorted(set(symbols))
    row_of = pl.DataFrame({"as_of_date": ordered, "row": range(len(ordered))}, schema={"as_of_date": pl.Date, "row": pl.Int64})
    column_of = pl.DataFrame({"symbol": names, "column": range(len(names))}, schema={"symbol": pl.String, "column": pl.Int64})
    placed = bars.join(row_of, on="as_of_date").join(column_of, on="symbol").sort("row", "column")
    _check(placed)
    rows, columns = placed["row"].to_numpy(), placed["column"].to_numpy()

    def matrix(name: str) -> Array:
        out = np.full((len(ordered), len(names)), np.nan)
        out[rows, columns] = placed[name].cast(pl.Float64).to_numpy()
        return out

    return Panel(
        sessions=tuple(ordered),
        symbols=tuple(names),
        open=matrix("open"),
        high=matrix("high"),
        low=matrix("low"),
        close=matrix("close"),
        adj_close=matrix("adj_close"),
        volume=matrix("volume"),
    )


def nullable(values: Array) -> pl.Series:
    """A float column in which everything that is not a finite number is null."""
    return pl.Series(np.where(np.isfinite(values), values, np.nan)).fill_nan(None)


def _check(placed: pl.DataFrame) -> None:
    twice = placed.filter(pl.struct("row", "column").is_duplicated())
    unusable = placed.filter(
        ~pl.all_horizontal([pl.col(name).is_finite().fill_null(value=False) & (pl.col(name) > 0) for name in _PRICES])
        | (pl.col("volume").is_null())
    )
    problems = [_problem(bar, "has two bars", "one bar per symbol and session") for bar in twice.iter_rows(named=True)]
    problems += [
        _problem(bar, "has a bar without a usable price", "finite prices above 0 and a volume")
        for bar in unusable.iter_rows(named=True)
    ]
    if problems:
        raise InputError(problems)


def _problem(bar: dict[str, object], message: str, allowed: str) -> Problem:
    return Problem("daily_bars", None, str(bar["symbol"]), f"{message} on {bar['as_of_date']}", allowed)
