"""What each book earned: from its session to the ONE next session on which every name of it has a price.

A book with a name that did not print on its own session, or that finds no common next session in time, is skipped whole and
counted; nothing is ever half a day (methods.md section 11). A row belongs to the session on which it became known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import polars as pl

from riskdesk_assets.common.money import TICKS_PER_DOLLAR, notional_cents
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.carry import Prints
from riskdesk_assets.construction.inputs import DeskContext

OK = "OK"
SKIPPED_NO_PRICE = "SKIPPED_NO_PRICE"
SKIPPED_NO_COMMON_SESSION = "SKIPPED_NO_COMMON_SESSION"
DELISTED = "DELISTED"
PENDING = "PENDING"

Row = dict[str, object]
Book = list[tuple[str, str, int]]  # ticket id, symbol, notional cents


def realized_pnl(
    sessions: Sequence[date],
    all_sessions: Sequence[date],
    positions: pl.DataFrame,
    blotter: pl.DataFrame,
    clips: pl.DataFrame,
    prints: Prints,
    context: DeskContext,
) -> pl.DataFrame:
    """TABLES["realized_pnl"] for the sessions on which P&L became known.

    Args:
        sessions: the sessions to report on.
        all_sessions: the exchange's sessions, ascending.
        positions, blotter, clips: desk_positions, portfolio_blotter and clip_ledger from ``history_sessions`` sessions
            before the first session on.
        prints: usable prints by session and symbol.
        context: cost and borrow rates, and how long a name may stay silent.
    """
    patience = patience_sessions(context.config)
    place = {session: number for number, session in enumerate(all_sessions)}
    books = _books(positions)
    costs = _costs(traded(blotter, positions, context), books, all_sessions, place, context)
    rows: list[Row] = []
    for session in sessions:
        here = place[session]
        for number in range(max(0, here - patience), here):
            rows.extend(_known_on(session, all_sessions[number], all_sessions, place, patience, books, prints, costs))
        skipped: list[Row] = []
        if any(symbol not in prints.get(session, {}) for symbol in _symbols(books, session)):
            skipped.extend(_skipped(session, session, SKIPPED_NO_PRICE, books, costs))
        # The last borrow of a name closed today, on a day skipped for another name, belongs to the one row of its closing.
        spent = costs.get(session, {}) if skipped else {}
        closed = list(_delisted(session, clips, context.config.desk.frozen.delisting_return, spent))
        names = {(row["ticket_id"], row["symbol"]) for row in closed}
        rows.extend(row for row in skipped if (row["ticket_id"], row["symbol"]) not in names)
        rows.extend(closed)
    return TABLES["realized_pnl"].frame(rows)


def pending_pnl(
    known: pl.DataFrame,
    sessions: Sequence[date],
    all_sessions: Sequence[date],
    positions: pl.DataFrame,
    blotter: pl.DataFrame,
    context: DeskContext,
) -> pl.DataFrame:
    """Rows of the books whose P&L no session of a range made known: status PENDING, no P&L yet, but what they cost.

    Args:
        known: ``realized_pnl`` of the sessions, from the first book on.
        sessions: the range, ascending; the rows are known on its last one.
        all_sessions, positions, blotter, context: as for ``realized_pnl``.
    """
    place = {session: number for number, session in enumerate(all_sessions)}
    books = _books(positions)
    costs = _costs(traded(blotter, positions, context), books, all_sessions, place, context)
    told = set(known.filter(pl.col("status") != DELISTED)["as_of_date"])
    # A name closed on the very last session has its row.
    last = sessions[-1]
    closed = set(known.filter(pl.col("as_of_date") == last).select("ticket_id", "symbol").iter_rows())
    rows = [
        row
        for day in sessions
        if day not in told
        for row in _skipped(last, day, PENDING, books, costs)
        if day != last or (row["ticket_id"], row["symbol"]) not in closed
    ]
    return TABLES["realized_pnl"].frame(rows)


def patience_sessions(config: Config) -> int:
    """How many sessions a book may wait for a common next session: twice what a silent name is given."""
    return 2 * config.desk.frozen.close_after_sessions


def history_sessions(config: Config) -> int:
    """How many sessions before the first one are read: the oldest book that may still wait paid borrow on the one before it."""
    return patience_sessions(config) + 1


def _known_on(
    session: date,
    day: date,
    all_sessions: Sequence[date],
    place: Mapping[date, int],
    patience: int,
    books: Mapping[date, Book],
    prints: Prints,
    costs: Mapping[date, Mapping[tuple[str, str], float]],
) -> Iterator[Row]:
    """Rows of the book of ``day`` if its P&L becomes known on ``session``."""
    symbols = _symbols(books, day)
    if any(symbol not in prints.get(day, {}) for symbol in symbols) or not (symbols or costs.get(day)):
        return
    between = all_sessions[place[day] + 1 : place[session]]
    if any(symbols <= set(prints.get(other, {})) for other in between):
        return
    if symbols <= set(prints.get(session, {})):
        yield from _earned(session, day, books, prints, costs)
    elif place[session] - place[day] == patience:
        yield from _skipped(session, day, SKIPPED_NO_COMMON_SESSION, books, costs)


def _earned(
    session: date,
    day: date,
    books: Mapping[date, Book],
    prints: Prints,
    costs: Mapping[date, Mapping[tuple[str, str], float]],
) -> Iterator[Row]:
    spent = dict(costs.get(day, {}))
    for ticket_id, symbol, cents in books.get(day, []):
        simple = prints[session][symbol].adj_close / prints[day][symbol].adj_close - 1
        gross, cost = cents / 100 * simple, spent.pop((ticket_id, symbol), 0.0)
        yield _row(session, day, session, OK, ticket_id, symbol, cents, simple, gross, cost)
    for (ticket_id, symbol), cost in sorted(spent.items()):
        yield _row(session, day, session, OK, ticket_id, symbol, 0, 0.0, 0.0, cost)


def _skipped(
    session: date, day: date, status: str, books: Mapping[date, Book], costs: Mapping[date, Mapping[tuple[str, str], float]]
) -> Iterator[Row]:
    """Nothing is earned on a skipped day, but what was traded was paid for."""
    spent = dict(costs.get(day, {}))
    for ticket_id, symbol, cents in books.get(day, []):
        cost = spent.pop((ticket_id, symbol), 0.0)
        yield _row(session, day, None, status, ticket_id, symbol, cents, None, 0.0, cost)
    for (ticket_id, symbol), cost in sorted(spent.items()):
        yield _row(session, day, None, status, ticket_id, symbol, 0, None, 0.0, cost)


def _delisted(
    session: date, clips: pl.DataFrame, delisting_return: float, spent: Mapping[tuple[str, str], float]
) -> Iterator[Row]:
    closed = clips.filter((pl.col("as_of_date") == session) & (pl.col("limit_name") == "delisted"))
    for row in closed.iter_rows(named=True):
        value = float(row["value_in"])
        simple = delisting_return if value > 0 else 0.0
        yield _row(
            session,
            session,
            session,
            DELISTED,
            row["ticket_id"],
            row["symbol"],
            round(value * 100),
            simple,
            value * simple,
            spent.get((row["ticket_id"], row["symbol"]), 0.0),
        )


def _row(
    session: date,
    day: date,
    following: date | None,
    status: str,
    ticket_id: str,
    symbol: str,
    cents: int,
    simple: float | None,
    gross: float,
    cost: float,
) -> Row:
    return {
        "realized_on": session,
        "as_of_date": day,
        "next_date": following,
        "status": status,
        "ticket_id": ticket_id,
        "symbol": symbol,
        "notional_cents": cents,
        "simple_return": simple,
        "pnl_gross": gross,
        "costs": cost,
        "pnl_net": gross - cost,
    }


def _books(positions: pl.DataFrame) -> dict[date, Book]:
    books: dict[date, Book] = {}
    held = positions.filter(pl.col("shares") != 0).sort("as_of_date", "ticket_id", "symbol")
    for session, ticket_id, symbol, cents in held.select("as_of_date", "ticket_id", "symbol", "notional_cents").iter_rows():
        books.setdefault(session, []).append((ticket_id, symbol, cents))
    return books


def _symbols(books: Mapping[date, Book], session: date) -> set[str]:
    return {symbol for _, symbol, _ in books.get(session, [])}


def traded(blotter: pl.DataFrame, positions: pl.DataFrame, context: DeskContext) -> pl.DataFrame:
    """The blotter with what the desk's positions really traded: in paper mode it shows what the ideal portfolio asks for."""
    if context.guards.mode != "paper":
        return blotter
    keys = ["as_of_date", "ticket_id", "symbol"]
    rows = blotter.join(positions.select(*keys, "shares"), on=keys, how="left")
    cents = [
        notional_cents(after - before, round(price * TICKS_PER_DOLLAR))
        for after, before, price in rows.select(pl.col("shares").fill_null(0), "shares_before", "price").iter_rows()
    ]
    return rows.with_columns(pl.Series("notional_delta_cents", cents, pl.Int64)).filter(pl.col("notional_delta_cents") != 0)


def _costs(
    blotter: pl.DataFrame,
    books: Mapping[date, Book],
    all_sessions: Sequence[date],
    place: Mapping[date, int],
    context: DeskContext,
) -> dict[date, dict[tuple[str, str], float]]:
    """Dollars per session, ticket and symbol: trading on the session, and borrow on what was short overnight into it."""
    costs: dict[date, dict[tuple[str, str], float]] = {}
    moves = blotter.select("as_of_date", "ticket_id", "symbol", "notional_delta_cents")
    for session, ticket_id, symbol, cents in moves.iter_rows():
        costs.setdefault(session, {})[(ticket_id, symbol)] = abs(cents) / 100 * context.cost_rates[symbol]
    for session, book in books.items():
        following = all_sessions[place[session] + 1]
        for ticket_id, symbol, cents in book:
            rate = context.borrow_rates[symbol]
            if cents < 0 and rate:
                day = costs.setdefault(following, {})
                day[(ticket_id, symbol)] = day.get((ticket_id, symbol), 0.0) - cents / 100 * rate
    return costs
