"""A ticket without a signal is said to have none: $0 alone would read like a rule that found nothing to do."""

from __future__ import annotations

from datetime import date

import polars as pl

from riskdesk_assets.market.history import lookback_start
from riskdesk_assets.market.sample import SampleMarket
from riskdesk_assets.research.signal_notes import signal_notes
from riskdesk_assets.strategy.ticket import Ticket
from riskdesk_tests.desk_builder import calendar, make_ticket, sessions_from
from riskdesk_tests.research.backtests import prepared, quiet

DAYS = sessions_from(date(2024, 9, 3), 3)
TICKETS = (make_ticket("gs-ms", "GS", "MS"), make_ticket("jpm-bac", "JPM", "BAC"), make_ticket("key-rf", "KEY", "RF"))


def notes(tickets: tuple[Ticket, ...], bars: pl.DataFrame | None = None) -> tuple[str, ...]:
    ready = prepared(quiet("classic"), tickets, DAYS[0], DAYS[-1], bars)
    return signal_notes(ready.tables, ready.history)


def market() -> pl.DataFrame:
    return SampleMarket(quiet("classic").universe, calendar()).bars(
        quiet("classic").universe.watched, date(2022, 1, 3), DAYS[-1]
    )


def test_nothing_is_said_where_every_ticket_has_a_signal_or_stands_in_no_force() -> None:
    assert notes(TICKETS) == ()
    assert notes((*TICKETS, make_ticket("over", "PNC", "USB", expires_on=date(2024, 1, 5)))) == ()


def test_a_ticket_whose_name_has_no_bar_is_named_with_the_name() -> None:
    bars = market().filter(~pl.col("symbol").is_in(["MS", "RF", "KEY"]))
    assert notes(TICKETS, bars) == (
        "ticket gs-ms: no session with a signal (no bars of MS).",
        "ticket key-rf: no session with a signal (no bars of KEY, RF).",
    )


def test_a_range_too_early_for_any_z_score_is_told_by_where_its_bars_begin() -> None:
    begin = calendar().before(DAYS[0], 20)
    assert notes(TICKETS, market().filter(pl.col("as_of_date") >= begin)) == (
        f"tickets gs-ms, jpm-bac, key-rf: no session with a signal (bars of both legs begin on {begin}, too late for a z-score "
        f"by {DAYS[-1]}).",
    )


def test_a_name_that_died_before_the_range_is_named_with_its_last_day() -> None:
    bars = market().filter((pl.col("symbol") != "MS") | (pl.col("as_of_date") <= date(2024, 6, 28)))
    assert notes(TICKETS, bars) == ("ticket gs-ms: no session with a signal (no bars of MS after 2024-06-28).",)


def test_a_leg_with_holes_has_too_few_bars() -> None:
    start = lookback_start(calendar(), quiet("classic"), DAYS[0])
    held = [*calendar().between(start, calendar().after(start)), *DAYS]
    bars = market().filter((pl.col("symbol") != "MS") | pl.col("as_of_date").is_in(held))
    assert notes(TICKETS, bars) == ("ticket gs-ms: no session with a signal (too few sessions with bars of both legs).",)
