"""What FMP's answers mean: JSON rows to frames, strictly; the two stable endpoints joined on date (methods.md section 1)."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from datetime import date

import polars as pl

from riskdesk_assets.market.fmp_http import Json
from riskdesk_assets.market.vendor import VendorError

BAR_SCHEMA: dict[str, pl.DataType] = {
    "as_of_date": pl.Date(),
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "adj_close": pl.Float64(),
    "volume": pl.Int64(),
}
CLOSE_SCHEMA: dict[str, pl.DataType] = {"as_of_date": pl.Date(), "close": pl.Float64()}
_RAW = {"open": "open", "high": "high", "low": "low", "close": "close", "volume": "volume"}
_ADJUSTED = {"adjClose": "adj_close"}
_NAMED_DATES = 5


def stable_bars(symbol: str, full: Json, adjusted: Json, first: date, last: date) -> pl.DataFrame:
    """Bars from ``full`` (split-adjusted prices, volume) and ``dividend-adjusted`` (adj_close).

    Returns: columns of BAR_SCHEMA by date, rows outside ``first`` to ``last`` left out.

    Raises:
        VendorError: an answer of another shape, a date twice, or a date in only one of the two.
    """
    raw = _rows(symbol, "full", full, _RAW, first, last)
    divided = _rows(symbol, "dividend-adjusted", adjusted, _ADJUSTED, first, last)
    alone = sorted(raw.keys() ^ divided.keys())
    if alone:
        named = ", ".join(str(day) for day in alone[:_NAMED_DATES])
        more = f" and {len(alone) - _NAMED_DATES} more" if len(alone) > _NAMED_DATES else ""
        raise VendorError(f"FMP {symbol}: {named}{more} in only one of full and dividend-adjusted: pull again later")
    return _frame([{"as_of_date": day, **raw[day], **divided[day]} for day in sorted(raw)], BAR_SCHEMA)


def legacy_bars(symbol: str, answer: Json, first: date, last: date) -> pl.DataFrame:
    """Bars from the legacy endpoint, which gives close and adjClose at once; ``{}`` means it has none.

    Returns and raises as stable_bars.
    """
    if answer in ({}, []):
        return _frame([], BAR_SCHEMA)
    if not isinstance(answer, dict) or not isinstance(answer.get("historical", []), list):
        raise VendorError(f"FMP {symbol} (legacy): the answer is no history")
    _require_symbol(symbol, "legacy", answer)
    rows = _rows(symbol, "legacy", answer.get("historical", []), {**_RAW, **_ADJUSTED}, first, last)
    return _frame([{"as_of_date": day, **rows[day]} for day in sorted(rows)], BAR_SCHEMA)


def index_closes(symbol: str, answer: Json, first: date, last: date) -> pl.DataFrame:
    """Date and close from ``full`` or the legacy history of an index, which has no dividends and no volume."""
    history = answer.get("historical", []) if isinstance(answer, dict) else answer
    rows = _rows(symbol, "full", history, {"close": "close"}, first, last)
    return _frame([{"as_of_date": day, **rows[day]} for day in sorted(rows)], CLOSE_SCHEMA)


def _rows(
    symbol: str, endpoint: str, answer: Json, fields: Mapping[str, str], first: date, last: date
) -> dict[date, dict[str, float | int]]:  # fmt: skip
    """Rows by date, each field under our name. Raises VendorError naming symbol, endpoint, date and field."""
    if not isinstance(answer, list):
        raise VendorError(f"FMP {symbol} ({endpoint}): the answer is no list of days")
    found: dict[date, dict[str, float | int]] = {}
    for row in answer:
        if not isinstance(row, dict):
            raise VendorError(f"FMP {symbol} ({endpoint}): a day is {type(row).__name__}, not an object")
        _require_symbol(symbol, endpoint, row)
        day = _day(symbol, endpoint, row.get("date"))
        if day in found:
            raise VendorError(f"FMP {symbol} ({endpoint}): {day} is there twice")
        found[day] = {ours: _number(symbol, endpoint, day, theirs, row.get(theirs)) for theirs, ours in fields.items()}
    return {day: values for day, values in found.items() if first <= day <= last}


def _require_symbol(symbol: str, endpoint: str, row: Mapping[str, Json]) -> None:
    if "symbol" in row and row["symbol"] != symbol:
        raise VendorError(f"FMP {symbol} ({endpoint}): the answer is about {str(row['symbol'])[:20]!r}")


def _day(symbol: str, endpoint: str, value: Json) -> date:
    if isinstance(value, str) and len(value) == 10:
        with contextlib.suppress(ValueError):  # said below, with its place
            return date.fromisoformat(value)
    raise VendorError(f"FMP {symbol} ({endpoint}): {str(value)[:40]!r} is no date")


def _number(symbol: str, endpoint: str, day: date, field: str, value: Json) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e15:
        raise VendorError(f"FMP {symbol} ({endpoint}) {day}: {field} is {str(value)[:40]!r}, not a number")
    if field == "volume":
        if value < 0:
            raise VendorError(f"FMP {symbol} ({endpoint}) {day}: volume is {value}, below 0")
        return round(value)
    return float(value)


def _frame(rows: list[dict[str, object]], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(schema), orient="row")
