"""What a held ticket made since its position was opened, on rows small enough to add up by hand."""

from __future__ import annotations

from datetime import date

import polars as pl

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.ticket_pnl import TicketPnl, first_entry, sessions_left, summed, ticket_pnls
from riskdesk_tests.desk_builder import sessions_from

DAYS = sessions_from(date(2026, 3, 2), 6)


def held(ticket_id: str, session: date, entered: date, *, symbols: tuple[str, str] = ("JPM", "BAC")) -> pl.DataFrame:
    return TABLES["desk_positions"].frame(
        [
            {
                "run_id": "r",
                "as_of_date": session,
                "ticket_id": ticket_id,
                "leg": leg,
                "symbol": symbol,
                "shares": 100,
                "price": 1.0,
                "notional_cents": 10_000,
                "entered_on": entered,
                "age_sessions": DAYS.index(session) - DAYS.index(entered),
                "frozen": False,
            }
            for leg, symbol in zip("AB", symbols, strict=True)
        ]
    )


def earned(*rows: tuple[str, int, int, str, float, float]) -> pl.DataFrame:
    """(ticket, place of the book's session, place of the session it became known on, symbol, gross, costs)."""
    return TABLES["realized_pnl"].frame(
        [
            {
                "realized_on": DAYS[known],
                "as_of_date": DAYS[book],
                "next_date": DAYS[known],
                "status": "OK",
                "ticket_id": ticket_id,
                "symbol": symbol,
                "notional_cents": 10_000,
                "simple_return": gross / 100,
                "pnl_gross": gross,
                "costs": costs,
                "pnl_net": gross - costs,
            }
            for ticket_id, book, known, symbol, gross, costs in rows
        ]
    )


def test_the_books_since_the_entry_count_net_of_costs_and_the_newest_is_pending() -> None:
    rows = earned(
        ("a", 0, 1, "JPM", -900.0, 5.0),  # another position of the ticket's, closed before this one was opened
        ("a", 1, 2, "JPM", 100.0, 4.0),  # the entry on DAYS[1]: 100 - 4 = 96
        ("a", 1, 2, "BAC", -30.0, 3.0),  # -30 - 3 = -33; the two legs 63
        ("a", 2, 3, "JPM", -20.0, 0.5),  # -20.5
        ("a", 2, 3, "BAC", 50.0, 0.0),  # 50; the two legs 29.5
        ("a", 3, 4, "JPM", 7.0, 0.0),  # known only after the session asked about
        ("b", 2, 3, "JPM", 1e6, 0.0),  # another ticket, which holds nothing any more
    )
    found = ticket_pnls(held("a", DAYS[3], DAYS[1]), rows)
    # 63 + 29.5 = 92.5 of two books; of the three held, that of DAYS[3] is pending.
    assert found == {"a": TicketPnl(known_on=DAYS[3], last=29.5, since_entry=92.5, sessions=2, pending=1)}


def test_a_position_opened_today_has_nothing_but_a_pending_book() -> None:
    rows = earned(("a", 2, 3, "JPM", -20.0, 0.5))  # the position before it, turned around or closed on DAYS[3]
    assert ticket_pnls(held("a", DAYS[3], DAYS[3]), rows) == {"a": TicketPnl(None, None, None, 0, 1)}


def test_where_the_newest_books_still_wait_for_a_price_the_last_that_is_known_counts() -> None:
    rows = earned(("a", 1, 2, "JPM", 10.0, 1.0), ("a", 1, 2, "BAC", 1.0, 0.0))
    found = ticket_pnls(held("a", DAYS[5], DAYS[1]), rows)["a"]
    assert (found.known_on, found.last, found.since_entry) == (DAYS[2], 10.0, 10.0)  # 9 + 1
    assert (found.sessions, found.pending) == (1, 4)
    assert summed({"a": found}, DAYS[5]) == (0.0, 10.0)


def test_a_session_on_which_two_books_became_known_counts_both() -> None:
    rows = earned(("a", 1, 3, "JPM", 10.0, 1.0), ("a", 2, 3, "JPM", 5.0, 0.0))
    assert ticket_pnls(held("a", DAYS[3], DAYS[1]), rows)["a"].last == 14.0  # 10 - 1 + 5


def test_nothing_held_nothing_made() -> None:
    none = TABLES["desk_positions"].frame([])
    assert ticket_pnls(none, earned()) == {}
    assert first_entry(none) is None


def test_the_time_stop_closes_on_the_session_on_which_the_age_reaches_it() -> None:
    assert sessions_left(45, 30) == 15
    assert sessions_left(45, 44) == 1  # the next session
    assert sessions_left(45, 47) == 0  # due, and held back: a frozen leg, or no book released
    assert sessions_left(None, 3) is None
