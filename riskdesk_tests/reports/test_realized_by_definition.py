"""Realized P&L of any books, prints, trades and closings, against the definition told book by book in plain Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.carry import Mark
from riskdesk_assets.construction.inputs import DeskContext, desk_context
from riskdesk_assets.reports.realized import Books, patience_sessions
from riskdesk_tests.desk_builder import changed, desk_config, marks, print_panel, sessions_from
from riskdesk_tests.reports.test_realized import delistings, positions, trades

CONFIG = changed(changed(desk_config(), "desk.frozen.close_after_sessions", 2), "desk.costs.default_borrow_bps", 300.0)
CONTEXT = desk_context(CONFIG)
DAYS = sessions_from(date(2026, 3, 2), 9)
AFTER = sessions_from(date(2026, 3, 2), 24)
PAIRS = {"one": ("BAC", "JPM"), "two": ("C", "JPM")}
LINES = [(ticket, symbol) for ticket, pair in PAIRS.items() for symbol in pair]
Line = tuple[str, str]
Row = dict[str, object]


@dataclass(frozen=True)
class Desk:
    """By session and line: cents held and cents traded; names that print; dollars closed at the delisting return."""

    books: Mapping[date, Mapping[Line, int]]
    moves: Mapping[date, Mapping[Line, int]]
    prints: Mapping[date, Mapping[str, Mark]]
    closed: Mapping[date, Mapping[Line, float]]


CENTS = st.dictionaries(st.sampled_from(LINES), st.integers(-3, 3).filter(bool).map(lambda hundreds: hundreds * 12_345_67))


@st.composite
def desks(draw: st.DrawFn) -> Desk:
    books, moves, prints, closed = {}, {}, {}, {}
    for day in DAYS:
        book = draw(CENTS)
        books[day], moves[day] = book, draw(CENTS)
        names = sorted({"BAC", "C", "JPM"} - draw(st.sets(st.sampled_from(("BAC", "C", "JPM")), max_size=2)))
        prints[day] = marks(**{name: draw(st.sampled_from((10.0, 10.7, 99.37, 100.0))) for name in names})
        # What is closed is no longer held.
        gone = draw(st.sets(st.sampled_from(LINES), max_size=1)) - book.keys()
        closed[day] = {line: draw(st.sampled_from((-1_234.56, 10_000.005))) for line in gone}
    return Desk(books, moves, prints, closed)


def by_definition(desk: Desk, context: DeskContext) -> list[Row]:
    """Every row of the range, those still pending included."""
    costs = costs_of(desk, context)
    rows: dict[tuple[date, date, str, str], Row] = {}
    for number, day in enumerate(DAYS):
        for row in book_rows(desk, number, costs.get(day, {}), patience_sessions(context.config)):
            rows[row["realized_on"], day, *row["line"]] = row  # type: ignore[misc]
        for line, value in desk.closed[day].items():
            simple = context.config.desk.frozen.delisting_return if value > 0 else 0.0
            before = rows.pop((day, day, *line), None)
            cost = before["costs"] if before is not None and before["status"] == "SKIPPED_NO_PRICE" else 0.0
            rows[day, day, *line] = {
                **{"realized_on": day, "as_of_date": day, "next_date": day, "status": "DELISTED", "line": line},
                **{"notional_cents": round(value * 100), "simple_return": simple, "pnl_gross": value * simple, "costs": cost},
            }
    told = []
    for _, row in sorted(rows.items()):
        ticket, symbol = row.pop("line")  # type: ignore[misc]
        told.append({**row, "ticket_id": ticket, "symbol": symbol, "pnl_net": row["pnl_gross"] - row["costs"]})  # type: ignore[operator]
    return told


def costs_of(desk: Desk, context: DeskContext) -> dict[date, dict[Line, float]]:
    costs: dict[date, dict[Line, float]] = {}
    for day, moves in desk.moves.items():
        for (ticket, symbol), cents in moves.items():
            costs.setdefault(day, {})[ticket, symbol] = abs(cents) / 100 * context.cost_rates[symbol]
    for day, book in desk.books.items():
        tomorrow = AFTER[AFTER.index(day) + 1]
        for (ticket, symbol), cents in book.items():
            if cents < 0:
                morning = costs.setdefault(tomorrow, {})
                morning[ticket, symbol] = morning.get((ticket, symbol), 0.0) - cents / 100 * context.borrow_rates[symbol]
    return costs


def book_rows(desk: Desk, number: int, costs: Mapping[Line, float], patience: int) -> Iterator[Row]:
    day, book = DAYS[number], desk.books[DAYS[number]]
    if not (book or costs):
        return
    names, last = {symbol for _, symbol in book}, DAYS[-1]
    later = AFTER[number + 1 : number + 1 + patience]
    common = next((other for other in later if names <= desk.prints.get(other, {}).keys()), None)
    if not names <= desk.prints[day].keys():
        status, known_on = "SKIPPED_NO_PRICE", day
    elif common is not None and common <= last:
        status, known_on = "OK", common
    elif common is None and later[-1] <= last:
        status, known_on = "SKIPPED_NO_COMMON_SESSION", later[-1]
    else:
        status, known_on = "PENDING", last
    for line in {**book, **costs}:
        simple = None
        if status == "OK":
            now, then = desk.prints[day].get(line[1]), desk.prints[known_on].get(line[1])
            simple = then.adj_close / now.adj_close - 1 if line in book and now and then else 0.0
        cents = book.get(line, 0)
        yield {
            **{"realized_on": known_on, "as_of_date": day, "next_date": known_on if status == "OK" else None},
            **{"status": status, "line": line, "notional_cents": cents, "simple_return": simple},
            **{"pnl_gross": cents / 100 * (simple or 0.0), "costs": costs.get(line, 0.0)},
        }


@given(desks())
def test_every_row_of_a_range_is_the_definitions_own_to_the_last_bit(desk: Desk) -> None:
    held = {day: {t: {s: cents for (u, s), cents in book.items() if u == t} for t in PAIRS} for day, book in desk.books.items()}
    moved = [(day, ticket, symbol, cents) for day, moves in desk.moves.items() for (ticket, symbol), cents in moves.items()]
    gone = [(day, ticket, symbol, value) for day, closed in desk.closed.items() for (ticket, symbol), value in closed.items()]
    books = Books.of(positions(held), trades(moved, held), print_panel(desk.prints), CONTEXT)
    known = books.known(DAYS, delistings(gone))
    found = pl.concat([known, books.pending(DAYS, known)])
    expected = TABLES["realized_pnl"].frame(by_definition(desk, CONTEXT))
    assert TABLES["realized_pnl"].conform(found).to_dicts() == expected.to_dicts()
