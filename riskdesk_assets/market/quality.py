"""The bar checks of methods.md section 1: what is wrong with which bar, and how bad that is.

Every finding about a session follows from bars up to that session, so a date checked alone and inside a range finds the
same, provided HISTORY_SESSIONS of history are given before ``first``: no comparison reaches further back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from riskdesk_assets.common.feature_settings import QualitySettings
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.corporate_actions import adjustment_factor, rounding_of_factor_change, splits

MISSING_SESSION = "missing_session"
NOT_A_SESSION = "not_a_session"
DUPLICATE_BAR = "duplicate_bar"
BAD_PRICE = "bad_price"
HIGH_LOW = "high_low"
LARGE_RETURN = "large_return"
OFF_LEVEL = "off_level"
STALE_PRINT = "stale_print"
ADJUSTMENT_JUMP = "adjustment_jump"
BEHIND_SESSION = "behind_session"
CHECKS = (
    MISSING_SESSION,
    NOT_A_SESSION,
    DUPLICATE_BAR,
    BAD_PRICE,
    HIGH_LOW,
    LARGE_RETURN,
    OFF_LEVEL,
    STALE_PRINT,
    ADJUSTMENT_JUMP,
    BEHIND_SESSION,
)

ERROR = "ERROR"
WARN = "WARN"
# Wrong whoever needs the bar; large_return is never an error (a crash is real, and off_level is what no crash is); the rest is
# one where a ticket needs the name.
_ALWAYS_ERROR = (NOT_A_SESSION, DUPLICATE_BAR, BAD_PRICE, OFF_LEVEL, BEHIND_SESSION)
_ALWAYS_WARN = (LARGE_RETURN,)

EVERY_SYMBOL = "*"
# A bar is compared with those before it only when they are at most so many sessions old.
COMPARED_SESSIONS = 10
# What a finding may follow from: a bar compared with one that was itself compared to know whether it counts.
HISTORY_SESSIONS = 2 * COMPARED_SESSIONS
_PRICES = ("open", "high", "low", "close", "adj_close")
_KEY = ("symbol", "as_of_date")


def check_bars(
    bars: pl.DataFrame,
    calendar: SessionCalendar,
    symbols: Sequence[str],
    first: date,
    last: date,
    needed: Mapping[date, Set[str]] | Set[str],
    settings: QualitySettings,
) -> pl.DataFrame:
    """Every fault of the bars of ``symbols`` in the sessions from ``first`` to ``last`` (methods.md section 1).

    A symbol without a bar is a missing_session at each session; a session on which no asked symbol has one is also a
    behind_session of symbol "*": the vendor's newest bar is older than the session.

    Args:
        bars: columns of TABLES["daily_bars"]; should begin HISTORY_SESSIONS before ``first``.
        calendar: the exchange's sessions.
        symbols: symbols asked for; bars of others are left out.
        first: first session reported on.
        last: last session reported on.
        needed: symbols that tickets in force need, of all dates or per date: their faults are ERROR, others' WARN.
        settings: thresholds.

    Returns: TABLES["bar_findings"], one row per date, symbol and check; severity ERROR or WARN; ``value`` in the check's
        unit (null where it has none), see each message.
    """
    asked = bars.filter(pl.col("symbol").is_in(list(symbols))).sort(*_KEY, *_PRICES, "volume")
    sessions = pl.DataFrame({"as_of_date": list(calendar.between(first, last))}, schema={"as_of_date": pl.Date()})
    every_session = _every_session(calendar)
    single = asked.unique(_KEY, keep="none").join(every_session, on="as_of_date").sort(_KEY)
    off = _off_level(single, settings.max_possible_log_return)
    on_level = single.join(off, on=_KEY, how="anti", maintain_order="left")
    found = pl.concat(
        [
            _missing(asked, sessions, symbols),
            _behind(asked, sessions),
            _not_sessions(asked, every_session),
            _duplicates(asked),
            _bad_prices(asked),
            _high_low(single),
            _large_returns(on_level, settings.max_abs_log_return),
            _off_levels(off, settings.max_possible_log_return),
            _stale_prints(single, settings.stale_sessions),
            _adjustment_jumps(on_level, settings.max_dividend_yield),
        ]
    ).filter(pl.col("as_of_date").is_between(first, last))
    return TABLES["bar_findings"].conform(_with_severity(found, needed))


def check_volatility_index(
    volatility: pl.DataFrame, symbol: str | None, calendar: SessionCalendar, first: date, last: date
) -> pl.DataFrame:
    """A missing_session of the volatility index for every session from ``first`` to ``last`` without a usable value of it.

    Always a WARN: the market regime then reads the mean vol_20 of the universe and says so (methods.md section 3).

    Args:
        volatility: columns of TABLES["volatility_index"].
        symbol: the index the universe names; None finds nothing.
        calendar: the exchange's sessions.
        first: first session reported on.
        last: last session reported on.

    Returns: TABLES["bar_findings"], ``value`` the unusable one where it is a finite number.
    """
    if symbol is None:
        return TABLES["bar_findings"].frame([])
    sessions = pl.DataFrame({"as_of_date": list(calendar.between(first, last))}, schema={"as_of_date": pl.Date()})
    absent = sessions.join(usable_index(volatility, symbol), on="as_of_date", how="anti").with_columns(symbol=pl.lit(symbol))
    given = volatility.filter(pl.col("symbol") == symbol).unique("as_of_date", keep="last", maintain_order=True)
    told = absent.join(given.select("as_of_date", "close"), on="as_of_date", how="left").with_columns(
        said=pl.when(pl.col("close").is_null())
        .then(pl.lit("has no value"))
        .otherwise(pl.format("is {}", pl.col("close").cast(pl.String)))
    )
    text = pl.format("{}: the market regime reads the universe's mean vol_20 in its place", "said")
    value = pl.when(pl.col("close").is_finite()).then("close")
    return TABLES["bar_findings"].conform(_with_severity(_found(told, MISSING_SESSION, text, value), frozenset()))


def usable_index(volatility: pl.DataFrame, symbol: str | None) -> pl.DataFrame:
    """The rows of the volatility index with a value to reckon with: finite and above zero."""
    sound = pl.col("close").is_finite() & (pl.col("close") > 0)
    return volatility.filter((pl.col("symbol") == pl.lit(symbol, pl.String)) & sound)


def usable(bars: pl.DataFrame, calendar: SessionCalendar, settings: QualitySettings) -> pl.DataFrame:
    """The bars without a hard fault, sorted by symbol and date.

    A bad price, a price off the name's level, a stale print, a bar that stands there twice or on no session is no bar: nothing
    may be priced, traded or measured with it. Whether a bar is one follows from COMPARED_SESSIONS before it.
    """
    single = bars.unique(_KEY, keep="none").sort(_KEY)
    sound = single.with_columns(stale=_stale_run() >= settings.stale_sessions).join(
        _every_session(calendar), on="as_of_date", maintain_order="left"
    )
    off = _off_level(sound, settings.max_possible_log_return)
    kept = sound.filter(~_bad_price() & ~pl.col("stale")).drop("stale", "place")
    return kept if off.is_empty() else kept.join(off, on=_KEY, how="anti", maintain_order="left")


def finding_words(symbol: str, message: str) -> str:
    """A finding as a sentence: whose bar it is stands before what is wrong with it, but for one of every symbol's."""
    return message if symbol == EVERY_SYMBOL else f"{symbol} {message}"


def _every_session(calendar: SessionCalendar) -> pl.DataFrame:
    """as_of_date and ``place``, its number among the exchange's sessions."""
    return pl.DataFrame({"as_of_date": list(calendar.sessions)}, schema={"as_of_date": pl.Date()}).with_row_index("place")


def _found(frame: pl.DataFrame, check: str, message: pl.Expr, value: pl.Expr) -> pl.DataFrame:
    return frame.select(
        "as_of_date",
        "symbol",
        pl.lit(check).alias("check_name"),
        message.alias("message"),
        value.cast(pl.Float64).alias("value"),
    )


def _missing(bars: pl.DataFrame, sessions: pl.DataFrame, symbols: Sequence[str]) -> pl.DataFrame:
    names = pl.DataFrame({"symbol": sorted(set(symbols))}, schema={"symbol": pl.String()})
    absent = sessions.join(names, how="cross").join(bars, on=_KEY, how="anti")
    return _found(absent, MISSING_SESSION, pl.lit("has no bar"), pl.lit(None))


def _behind(bars: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    behind = sessions.join(bars, on="as_of_date", how="anti").with_columns(symbol=pl.lit(EVERY_SYMBOL))
    return _found(
        behind, BEHIND_SESSION, pl.lit("no symbol has a bar: the vendor's newest is older than the session"), pl.lit(None)
    )


def _not_sessions(bars: pl.DataFrame, every_session: pl.DataFrame) -> pl.DataFrame:
    strays = bars.select(_KEY).unique().join(every_session, on="as_of_date", how="anti")
    return _found(strays, NOT_A_SESSION, pl.lit("a bar on a day the exchange is closed"), pl.lit(None))


def _duplicates(bars: pl.DataFrame) -> pl.DataFrame:
    repeated = bars.group_by(_KEY).len().filter(pl.col("len") > 1)
    return _found(repeated, DUPLICATE_BAR, pl.format("{} bars for one session", "len"), pl.col("len"))


def _bad_price() -> pl.Expr:
    prices = pl.any_horizontal((pl.col(*_PRICES).is_finite() & (pl.col(*_PRICES) > 0)).fill_null(value=False).not_())
    return prices | (pl.col("volume") < 0).fill_null(value=True)


def _bad_prices(bars: pl.DataFrame) -> pl.DataFrame:
    bad = bars.filter(_bad_price()).unique(_KEY, keep="first", maintain_order=True)
    values = pl.format("open {} high {} low {} close {} adj_close {} volume {}", *(pl.col(c).cast(pl.String).fill_null("null")
                       for c in (*_PRICES, "volume")))  # fmt: skip
    lowest = pl.min_horizontal(*_PRICES)
    return _found(bad, BAD_PRICE, values, pl.when(lowest.is_finite()).then(lowest))


def _high_low(single: pl.DataFrame) -> pl.DataFrame:
    above = pl.max_horizontal("open", "close", "low") - pl.col("high")
    below = pl.col("low") - pl.min_horizontal("open", "close", "high")
    wrong = single.filter(~_bad_price()).with_columns(gap=pl.max_horizontal(above, below)).filter(pl.col("gap") > 0)
    text = pl.format("open {} high {} low {} close {} (value: dollars outside)", "open", "high", "low", "close")
    return _found(wrong, HIGH_LOW, text, pl.col("gap"))


def _large_returns(single: pl.DataFrame, bound: float) -> pl.DataFrame:
    moved = (
        single.filter(~_bad_price())
        .with_columns(log_return=pl.col("adj_close").log().diff().over("symbol"))
        .filter((pl.col("log_return").abs() > bound) & _follows_closely())
    )
    return _found(
        moved, LARGE_RETURN, pl.format("adj_close moved by {} in logs", pl.col("log_return").round(4)), pl.col("log_return")
    )


def _follows_closely() -> pl.Expr:
    place = pl.col("place").cast(pl.Int64)
    return place - place.shift(1).over("symbol") <= COMPARED_SESSIONS


def _off_level(single: pl.DataFrame, bound: float) -> pl.DataFrame:
    """Bars whose adj_close is not where the name trades: symbol, as_of_date, adj_close, and ``left``, the print it left.

    Prints stand on one level when no gap between their sorted logarithms is wider than ``bound``; a bar has to stand on the
    level of more than half of the name's prints in the COMPARED_SESSIONS before it. So a wrong bar is off and the right one
    after it is not, several wrong ones in a row are, and what decides never reaches further back.

    Args:
        single: sorted by symbol and date, with ``place``.
        bound: in logs.
    """
    sound = single.filter(~_bad_price()).with_columns(log_price=pl.col("adj_close").log(), place=pl.col("place").cast(pl.Int64))
    step = pl.col("log_price").diff().over("symbol").abs()
    found: list[tuple[str, date, float, float]] = []
    # Without a step that wide between neighbours there is one level: a market without a wrong bar ends here.
    for symbol in sound.filter((step > bound) & _follows_closely())["symbol"].unique().sort():
        own = sound.filter(pl.col("symbol") == symbol)
        places, logs = own["place"].to_numpy(), own["log_price"].to_numpy()
        for row, (day, price) in enumerate(own.select("as_of_date", "adj_close").iter_rows()):
            oldest = int(np.searchsorted(places, places[row] - COMPARED_SESSIONS))
            beside = _on_level(logs[oldest : row + 1], bound)[:-1]
            if beside.size and 2 * int(beside.sum()) <= beside.size:
                left = own["adj_close"][oldest + int(np.flatnonzero(~beside)[-1])]
                found.append((symbol, day, price, left))
    schema = {"symbol": pl.String(), "as_of_date": pl.Date(), "adj_close": pl.Float64(), "left": pl.Float64()}
    return pl.DataFrame(found, schema=schema, orient="row")


def _on_level(logs: npt.NDArray[np.float64], bound: float) -> npt.NDArray[np.bool_]:
    """Which log prices, shape (prints,), stand on the level of the last of them."""
    order = np.argsort(logs)
    levels = np.empty(len(logs), dtype=np.intp)
    levels[order] = np.concatenate([[0], np.cumsum(np.diff(logs[order]) > bound)])
    on: npt.NDArray[np.bool_] = levels == levels[-1]
    return on


def _off_levels(off: pl.DataFrame, bound: float) -> pl.DataFrame:
    moved = (pl.col("adj_close") / pl.col("left")).log()
    text = pl.format(
        "is no bar: adj_close {} is {} times the {} it traded at, beyond what a price can do in a session; "
        f"where it is true, raise quality.max_possible_log_return ({bound}) above {{}}",
        pl.col("adj_close").round(4),
        (pl.col("adj_close") / pl.col("left")).round(4),
        pl.col("left").round(4),
        (moved.abs() + 0.005).round(2),
    )
    return _found(off, OFF_LEVEL, text, moved)


def _stale_run() -> pl.Expr:
    """How many sessions in a row, this one included, close stood still with zero volume (frame sorted by symbol and date)."""
    stale = ((pl.col("volume") == 0) & (pl.col("close") == pl.col("close").shift(1).over("symbol"))).fill_null(value=False)
    position = pl.int_range(pl.len()).over("symbol")
    return position - pl.when(~stale).then(position).forward_fill().over("symbol")


def _stale_prints(single: pl.DataFrame, sessions: int) -> pl.DataFrame:
    stale = single.with_columns(run=_stale_run()).filter(pl.col("run") >= sessions)
    return _found(
        stale, STALE_PRINT, pl.format("close {} unchanged with zero volume: no trade, no bar", "close"), pl.col("close")
    )


def _adjustment_jumps(single: pl.DataFrame, largest_yield: float) -> pl.DataFrame:
    sound = single.filter(~_bad_price())
    change = (adjustment_factor() / adjustment_factor().shift(1)).over("symbol")
    jumped = (
        sound.with_columns(paid=1 - 1 / change, rounding=rounding_of_factor_change())
        .filter(
            _follows_closely()
            & ((pl.col("paid") > largest_yield + pl.col("rounding")) | (pl.col("paid") < -pl.col("rounding")))
        )
        .join(splits(sound), on=_KEY, how="anti")
    )
    text = pl.format("adj_close moved against close as if a dividend of {} of the price were paid", pl.col("paid").round(4))
    return _found(jumped, ADJUSTMENT_JUMP, text, pl.col("paid"))


def _with_severity(found: pl.DataFrame, needed: Mapping[date, Set[str]] | Set[str]) -> pl.DataFrame:
    if isinstance(needed, Mapping):
        rows = [(day, symbol) for day, names in sorted(needed.items()) for symbol in sorted(names)]
        wanted = pl.DataFrame(rows, schema={"as_of_date": pl.Date(), "symbol": pl.String()}, orient="row")
        marked = found.join(wanted.with_columns(needed=pl.lit(value=True)), on=("as_of_date", "symbol"), how="left")
    else:
        marked = found.with_columns(needed=pl.col("symbol").is_in(sorted(needed)))
    check = pl.col("check_name")
    is_error = ~check.is_in(_ALWAYS_WARN) & (check.is_in(_ALWAYS_ERROR) | pl.col("needed").fill_null(value=False))
    return marked.with_columns(severity=pl.when(is_error).then(pl.lit(ERROR)).otherwise(pl.lit(WARN)))
