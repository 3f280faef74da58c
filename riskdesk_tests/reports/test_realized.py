"""What each book earned, on books small enough to add up by hand."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.carry import Mark
from riskdesk_assets.construction.inputs import DeskContext, desk_context
from riskdesk_assets.construction.walk import walk
from riskdesk_assets.market.print_panel import PrintPanel
from riskdesk_assets.reports.realized import realized_pnl
from riskdesk_tests.desk_builder import (
    calendar,
    changed,
    desk_config,
    inputs_of,
    marks,
    print_panel,
    sessions_from,
    shipped_tickets,
)

DAYS = sessions_from(date(2026, 3, 2), 14)
# 1 bp of what is traded, and nothing else
CONFIG = changed(changed(desk_config(), "desk.costs.use_half_spread", False), "desk.costs.charge_borrow", False)
CONTEXT = desk_context(CONFIG)
# 252 bp a year: 1 bp of a short's value a session
BORROWING = desk_context(changed(changed(CONFIG, "desk.costs.charge_borrow", True), "desk.costs.default_borrow_bps", 252.0))
Book = dict[str, dict[str, int]]  # ticket -> symbol -> cents


def positions(books: dict[date, Book]) -> pl.DataFrame:
    """Every share costs a cent, so a book of any cents is one of as many shares."""
    rows: list[dict[str, object]] = []
    for session, book in books.items():
        for ticket_id, legs in book.items():
            for leg, (symbol, cents) in zip("AB", legs.items(), strict=False):
                rows.append(
                    {
                        "run_id": "r",
                        "as_of_date": session,
                        "ticket_id": ticket_id,
                        "leg": leg,
                        "symbol": symbol,
                        "shares": cents,
                        "price": 0.01,
                        "notional_cents": cents,
                        "entered_on": session,
                        "age_sessions": 0,
                        "frozen": False,
                    }
                )
    return TABLES["desk_positions"].frame(rows)


def trades(moves: list[tuple[date, str, str, int]], books: dict[date, Book]) -> pl.DataFrame:
    """The orders that led to the books, at a cent a share."""
    rows: list[dict[str, object]] = []
    for session, ticket_id, symbol, cents in moves:
        after = books.get(session, {}).get(ticket_id, {}).get(symbol, 0)
        rows.append(
            {
                "run_id": "r",
                "as_of_date": session,
                "ticket_id": ticket_id,
                "symbol": symbol,
                "side": "BUY" if cents > 0 else "SELL",
                "shares_before": after - cents,
                "shares_after": after,
                "shares_delta": cents,
                "price": 0.01,
                "notional_delta_cents": cents,
                "reason": "",
            }
        )
    return TABLES["portfolio_blotter"].frame(rows)


def delistings(closed: list[tuple[date, str, str, float]]) -> pl.DataFrame:
    return TABLES["clip_ledger"].frame(
        [
            {
                "run_id": "r",
                "as_of_date": session,
                "sequence": number,
                "ticket_id": ticket_id,
                "symbol": symbol,
                "stage": "FROZEN",
                "limit_name": "delisted",
                "bound": None,
                "value_in": value,
                "value_out": 0.0,
                "reason": "",
            }
            for number, (session, ticket_id, symbol, value) in enumerate(closed)
        ]
    )


def realized(
    books: dict[date, Book],
    prints: dict[date, dict[str, Mark]],
    moves: list[tuple[date, str, str, int]] | None = None,
    closed: list[tuple[date, str, str, float]] | None = None,
    context: DeskContext = CONTEXT,
) -> list[dict[str, object]]:
    held, orders, gone = positions(books), trades(moves or [], books), delistings(closed or [])
    return realized_pnl(DAYS, held, orders, gone, print_panel(prints), context).to_dicts()


def brief(rows: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [
        (row["realized_on"], row["as_of_date"], row["status"], row["symbol"], round(float(str(row["pnl_net"])), 6))
        for row in rows
    ]


def test_a_book_earns_its_notionals_times_the_next_simple_returns_less_costs() -> None:
    found = realized(
        {DAYS[0]: {"t": {"JPM": 1_000_000, "BAC": -500_000}}},
        {DAYS[0]: marks(JPM=100.0, BAC=50.0), DAYS[1]: marks(JPM=101.0, BAC=51.0)},
        [(DAYS[0], "t", "JPM", 1_000_000)],
    )
    # JPM: 10,000 x 1% - 10,000 x 1 bp = 99; BAC: -5,000 x 2% = -100
    assert brief(found) == [(DAYS[1], DAYS[0], "OK", "BAC", -100.0), (DAYS[1], DAYS[0], "OK", "JPM", 99.0)]


def test_one_common_next_session_holds_for_the_whole_book() -> None:
    prints = {
        DAYS[0]: marks(JPM=100.0, BAC=50.0),
        DAYS[1]: marks(BAC=60.0),
        DAYS[2]: marks(JPM=110.0),
        DAYS[3]: marks(JPM=120.0, BAC=55.0),
    }
    found = realized({DAYS[0]: {"t": {"JPM": 100_00, "BAC": -100_00}}}, prints)
    assert brief(found) == [(DAYS[3], DAYS[0], "OK", "BAC", -10.0), (DAYS[3], DAYS[0], "OK", "JPM", 20.0)]


def test_a_book_with_a_name_that_did_not_print_on_its_own_day_is_skipped_whole() -> None:
    prints = {DAYS[0]: marks(JPM=100.0), DAYS[1]: marks(JPM=110.0, BAC=50.0)}
    found = realized({DAYS[0]: {"t": {"JPM": 100_00, "BAC": -100_00}}}, prints)
    assert [(row["realized_on"], row["status"], row["pnl_gross"]) for row in found] == [
        (DAYS[0], "SKIPPED_NO_PRICE", 0.0),
        (DAYS[0], "SKIPPED_NO_PRICE", 0.0),
    ]


def test_a_book_that_finds_no_common_session_in_ten_is_skipped_on_the_tenth() -> None:
    prints = {DAYS[0]: marks(JPM=100.0, BAC=50.0), **{day: marks(JPM=100.0) for day in DAYS[1:]}}
    found = realized({DAYS[0]: {"t": {"JPM": 100_00, "BAC": -100_00}}}, prints, [(DAYS[0], "t", "JPM", 100_00)])
    assert brief(found) == [
        (DAYS[10], DAYS[0], "SKIPPED_NO_COMMON_SESSION", "BAC", 0.0),
        (DAYS[10], DAYS[0], "SKIPPED_NO_COMMON_SESSION", "JPM", -0.01),
    ]


def test_what_was_short_overnight_pays_a_days_borrow() -> None:
    book: Book = {"t": {"JPM": 0, "BAC": -100_000_00}}
    prints = {day: marks(JPM=1.0, BAC=1.0) for day in DAYS[:4]}
    found = realized({DAYS[0]: book, DAYS[1]: book}, prints, context=BORROWING)
    # 1 bp of 100,000 on each morning after; the third is paid on a book that is gone
    assert [(row["as_of_date"], row["costs"]) for row in found] == [
        (DAYS[0], 0.0),
        (DAYS[1], pytest.approx(10.0)),
        (DAYS[2], pytest.approx(10.0)),
    ]


@pytest.mark.parametrize(("value", "earned"), [(10_604.0, -10_604.0), (-10_604.0, 0.0)])
def test_a_delisted_long_is_lost_and_a_delisted_short_earns_nothing(value: float, earned: float) -> None:
    found = realized({}, {}, closed=[(DAYS[2], "t", "JPM", value)])
    assert brief(found) == [(DAYS[2], DAYS[2], "DELISTED", "JPM", earned)]


def test_a_delisting_on_a_day_that_is_skipped_for_another_name_is_one_row_with_its_borrow() -> None:
    """JPM is closed on day 5 while BAC of another ticket is silent too: both say something of the same day and name."""
    books: dict[date, Book] = {
        DAYS[4]: {"one": {"JPM": -100_000_00}, "two": {"BAC": 50_000_00}},
        DAYS[5]: {"two": {"BAC": 50_000_00}},
    }
    found = realized(books, {}, closed=[(DAYS[5], "one", "JPM", -100_000.0)], context=BORROWING)
    keys = [tuple(row[name] for name in TABLES["realized_pnl"].key) for row in found]
    assert len(keys) == len(set(keys))
    closed = [row for row in found if row["status"] == "DELISTED"]
    assert [(row["symbol"], row["costs"]) for row in closed] == [("JPM", pytest.approx(10.0))]


def test_every_row_is_worth_what_its_own_columns_say() -> None:
    found = realized(
        {DAYS[0]: {"t": {"JPM": 1_000_000, "BAC": -500_000}}},
        {DAYS[0]: marks(JPM=100.0, BAC=50.0), DAYS[1]: marks(JPM=101.0, BAC=51.0)},
    )
    for row in found:
        assert row["pnl_gross"] == row["notional_cents"] / 100 * row["simple_return"]  # type: ignore[operator]
        assert row["pnl_net"] == row["pnl_gross"] - row["costs"]  # type: ignore[operator]


def test_an_order_costs_what_the_position_moved_not_what_the_ideal_portfolio_asked_for() -> None:
    """Paper's blotter asks for 10,000 of JPM and 5,000 of BAC short; the guards let 4,000 and nothing through."""
    book: dict[date, Book] = {DAYS[0]: {"t": {"JPM": 400_000}}}
    asked: dict[date, Book] = {DAYS[0]: {"t": {"JPM": 1_000_000, "BAC": -500_000}}}
    orders = trades([(DAYS[0], "t", "JPM", 1_000_000), (DAYS[0], "t", "BAC", -500_000)], asked)
    prints = print_panel({day: marks(JPM=100.0, BAC=50.0) for day in DAYS[:2]})
    found = realized_pnl(DAYS, positions(book), orders, delistings([]), prints, CONTEXT)
    # 1 bp of 4,000; CONTEXT is a desk in shadow by now
    assert found.select("symbol", "costs").rows() == [("JPM", pytest.approx(0.4))]


@pytest.mark.parametrize(
    ("mode", "now"),
    [
        ("shadow", "shadow"),
        ("paper", "paper"),
        ("enforce", "enforce"),
        ("paper", "shadow"),
        ("paper", "enforce"),
        ("shadow", "paper"),
    ],
)
def test_the_desks_equity_moves_by_what_its_books_realized_and_cost_to_the_cent(mode: str, now: str) -> None:
    """In whatever mode the desk is by ``now``, when the books of ``mode`` become known."""
    config = changed(desk_config(), "desk.costs.default_borrow_bps", 300.0)
    config = changed(config, "desk.guards.mode", mode)
    sessions = sessions_from(date(2024, 1, 2), 30)
    inputs = inputs_of(config, shipped_tickets(), sessions[0], sessions[-1])
    tables = walk(inputs).frames
    books = (tables["desk_positions"], tables["portfolio_blotter"], tables["clip_ledger"])
    prints, told_by = PrintPanel.of(inputs.bars, calendar().sessions), desk_context(changed(config, "desk.guards.mode", now))
    rows = realized_pnl(sessions, *books, prints, told_by)
    states = [json.loads(text) for text in tables["desk_state"]["state_json"]]
    earned = dict(rows.group_by("realized_on").agg(pl.col("pnl_gross").sum()).iter_rows())
    # What a session cost is told with its book, which is realized a session later: the last one's is not known yet.
    spent = dict(rows.group_by("as_of_date").agg(pl.col("costs").sum()).iter_rows())
    for session, before, after in zip(sessions[1:-1], states, states[1:-1], strict=False):
        assert after["pnl_gross_cents"] - before["pnl_gross_cents"] == pytest.approx(earned.get(session, 0.0) * 100, abs=1.5)
        assert after["costs_cents"] - before["costs_cents"] == pytest.approx(spent.get(session, 0.0) * 100, abs=1.5)
    assert min(len(earned), len(spent)) > 20
