"""Usable prints as matrices: one row a session of the exchange, one column a symbol, NaN where nothing printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from riskdesk_assets.common.money import TICKS_PER_DOLLAR, price_ticks

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
NOT_PRICED, NO_COMMON_SESSION = -1, 0
"""What ``PrintPanel.waits`` says of a book without a price on its own session, and of one that finds no session to earn to."""


@dataclass(frozen=True, eq=False)
class PrintPanel:
    """Closes of a span of sessions, in dollars.

    ``calendar``: the exchange's sessions, ascending, shape (sessions,); a *place* is an index into it. ``first``: the place of
    the matrices' first row. ``symbols``: symbol -> column. ``close``, ``adj_close``: shape (rows + 1, symbols + 1); nothing
    printed in the last row and the last column, which stand for every session and symbol that the bars do not know.
    """

    calendar: npt.NDArray[np.datetime64]
    first: int
    symbols: Mapping[str, int]
    close: Array
    adj_close: Array

    @classmethod
    def of(cls, bars: pl.DataFrame, calendar: Sequence[date]) -> PrintPanel:
        """The panel of usable bars.

        Args:
            bars: symbol, as_of_date, close and adj_close in any order of rows, one row per symbol and session.
            calendar: the exchange's sessions, ascending; bars on other days are left out.
        """
        sessions = np.array(calendar, dtype="datetime64[D]")
        days = bars["as_of_date"].to_numpy().astype("datetime64[D]")
        places = np.searchsorted(sessions, days)
        known = sessions.take(places, mode="clip") == days
        symbols = {symbol: column for column, symbol in enumerate(bars["symbol"].unique().sort())}
        first, last = (int(places[known].min()), int(places[known].max())) if known.any() else (0, -1)
        where = places[known] - first, _numbered(bars["symbol"], symbols)[known]

        def matrix(name: str) -> Array:
            out = np.full((last - first + 2, len(symbols) + 1), np.nan)
            out[where] = bars[name].to_numpy()[known]
            return out

        return cls(sessions, first, symbols, matrix("close"), matrix("adj_close"))

    @cached_property
    def ticks(self) -> Array:
        """``close`` in whole ticks of 1e-4 dollars, as ``money.price_ticks`` rounds it."""
        out = np.full(self.close.shape, np.nan)
        printed = ~np.isnan(self.close)
        out[printed] = _ticks(self.close[printed])
        return out

    def places(self, sessions: pl.Series) -> Places:
        """The places of exchange sessions; KeyError where one is none."""
        days = sessions.to_numpy().astype("datetime64[D]")
        places = np.searchsorted(self.calendar, days)
        if not (self.calendar.take(places, mode="clip") == days).all():
            raise KeyError(f"not every day from {days.min()} to {days.max()} asked for is a session of the exchange")
        return places

    def column(self, symbol: str) -> int:
        """The column of one symbol; the last, empty one for a symbol that never printed."""
        return self.symbols.get(symbol, len(self.symbols))

    def columns(self, symbols: pl.Series) -> Places:
        """The columns of symbols; the last, empty one for a symbol that never printed."""
        return _numbered(symbols, self.symbols)

    def rows(self, places: Places) -> Places:
        """The matrices' rows at these places; the last, empty one before the first bar and after the last."""
        rows, end = places - self.first, len(self.close) - 1
        return np.where((rows < 0) | (rows > end), end, rows)

    def waits(self, days: Places, places: Places, columns: Places, patience: int) -> Places:
        """How many sessions each book waits for the first later one on which every name of it has a price.

        Args:
            days: the books' places, ascending and distinct, shape (books,).
            places, columns: the book and the name of every position, shape (positions,); a book without any waits for one.
            patience: the most sessions a book waits.

        Returns:
            Shape (books,): 1 to ``patience``, or NOT_PRICED, or NO_COMMON_SESSION.
        """
        book = np.searchsorted(days, places)

        def complete(later: int) -> npt.NDArray[np.bool_]:
            priced = np.ones(len(days), dtype=np.bool_)
            priced[book[np.isnan(self.adj_close[self.rows(places + later), columns])]] = False
            return priced

        found = np.full(len(days), NO_COMMON_SESSION, dtype=np.intp)
        for later in range(patience, 0, -1):
            found[complete(later)] = later
        found[~complete(0)] = NOT_PRICED
        return found


def _numbered(symbols: pl.Series, columns: Mapping[str, int]) -> Places:
    numbers = symbols.replace_strict(list(columns), range(len(columns)), default=len(columns), return_dtype=pl.Int64)
    return numbers.to_numpy().astype(np.intp)


def _ticks(prices: Array) -> Array:
    """``price_ticks`` of every price: by floats where they round as the decimals do, one by one where they might not.

    The float product and the decimal one are within 2 ** -51 of each other, relatively, so they round to the same tick unless
    there is half a tick between them.
    """
    scaled = prices * TICKS_PER_DOLLAR
    ticks = np.rint(scaled)
    with np.errstate(invalid="ignore"):  # infinity is doubtful, and no price
        far = np.abs(np.abs(scaled - ticks) - 0.5) > scaled * 2.0**-50
    doubtful = ~(far & (scaled >= 1.0) & (scaled < 2.0**50))
    ticks[doubtful] = [price_ticks(price) for price in prices[doubtful].tolist()]
    return ticks
