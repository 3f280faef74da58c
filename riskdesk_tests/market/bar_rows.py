"""Plain bars for tests: a price that creeps upward, on which one thing at a time is made wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.tables import TABLES

Row = dict[str, object]


def plain_rows(calendar: SessionCalendar, symbol: str, first: date, last: date, source: str = "FILES") -> list[Row]:
    """One sound bar a session: open 100.00, 100.10, ..., no dividend."""
    rows: list[Row] = []
    for n, day in enumerate(calendar.between(first, last)):
        price = round(100 + n / 10, 2)
        rows.append(
            {"symbol": symbol, "as_of_date": day, "open": price, "high": price + 1, "low": price - 1,
             "close": price + 0.5, "adj_close": price + 0.5, "volume": 1000, "source": source}
        )  # fmt: skip
    return rows


def frame(rows: Sequence[Row]) -> pl.DataFrame:
    """TABLES["daily_bars"] without its uniqueness: a duplicate stays."""
    return pl.DataFrame(list(rows), schema=TABLES["daily_bars"].schema, orient="row")


def index_frame(rows: Sequence[tuple[date, float]], source: str = "FILES") -> pl.DataFrame:
    """TABLES["volatility_index"] of ^VIX."""
    records = [{"as_of_date": day, "symbol": "^VIX", "close": close, "source": source} for day, close in rows]
    return pl.DataFrame(records, schema=TABLES["volatility_index"].schema, orient="row")
