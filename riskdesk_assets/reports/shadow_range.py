"""The guards' shadow report over stored sessions: what following them would have traded, paid and earned. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.construction.carry import Mark
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.construction.walk import prints_of
from riskdesk_assets.guards.shadow_report import ShadowReport, ShadowSession, shadow_report
from riskdesk_assets.guards.ticket_types import TicketShares
from riskdesk_assets.market.history import read_history
from riskdesk_assets.reports.standing_book import StandingBooks

_TABLES = (
    "desk_state",
    "guard_decisions",
    "ideal_portfolio",
    "limit_audit",
    "portfolio_blotter",
    "desk_positions",
    "instrument_factors_daily",
    "instrument_state",
    "scenarios",
    "strategy_budgets",
)


@dataclass(frozen=True)
class StoredShadow:
    """The report over stored sessions; ``prices``: where bars come from; ``unreleased``: sessions without a book, left out."""

    first: date
    last: date
    prices: str
    unreleased: tuple[date, ...]
    report: ShadowReport


def stored_shadow(
    paths: Paths, calendar: SessionCalendar, config: Config, warehouse: Warehouse, start: date, end: date
) -> StoredShadow:
    """The guards of the configuration over the ideal portfolios the warehouse holds, against rebalancing to each of them.

    Args:
        paths: where the bars are.
        calendar: NYSE sessions.
        config: the guards' rules, caps and cost rates.
        warehouse: the stored sessions.
        start, end: the first and last day of the range.

    Raises:
        StateError: no session of the range released a book, no snapshot covers them, or bars were restated since.
    """
    tables = {name: warehouse.read(name, start, end) for name in _TABLES}
    states = dict(tables["desk_state"].select("as_of_date", "released").iter_rows())
    released = sorted(day for day, good in states.items() if good)
    if not released:
        raise StateError(f"no session from {start} to {end} has a released book: `riskdesk run --start {start} --end {end}`")
    history = read_history(paths, calendar, config, released[0], released[-1])
    context = desk_context(config)
    books = StandingBooks(config, tables, released)
    wanted = _wanted(tables["guard_decisions"])
    stored = _prices(tables["ideal_portfolio"])
    days: list[ShadowSession] = []
    marks: dict[str, Mark] = {}
    then: Mapping[str, Mark] = {}
    splits: dict[str, Fraction] = {}
    prints, split_on = prints_of(history.usable), _splits(history.splits)
    for session in sorted(prints):
        today = prints[session]
        marks = {**marks, **today}
        for symbol, ratio in split_on.get(session, ()):
            splits[symbol] = splits.get(symbol, Fraction(1)) * ratio
        if not states.get(session):
            continue
        _require_same_prices(session, stored.get(session, ()), today)
        days.append(
            ShadowSession(
                session=session,
                ideal=tuple(
                    TicketShares(ticket_id, symbols, shares, frozen=not set(symbols) <= set(today))
                    for ticket_id, symbols, shares in wanted.get(session, ())
                ),
                prices={symbol: mark.close for symbol, mark in marks.items()},
                returns={
                    symbol: mark.adj_close / then[symbol].adj_close - 1 for symbol, mark in marks.items() if symbol in then
                },
                splits=splits,
                limits=books.of_desk(session).limits,
            )
        )
        then, splits = marks, {}
    report = shadow_report(days, context.guards, context.cost_rates)
    without = tuple(sorted(day for day, good in states.items() if not good))
    return StoredShadow(released[0], released[-1], history.snapshot.source, without, report)


def _wanted(decisions: pl.DataFrame) -> dict[date, list[tuple[str, tuple[str, str], tuple[int, int]]]]:
    """Per session the ideal portfolio's tickets, legs in order of symbol: which one is A changes nothing here."""
    found: dict[date, list[tuple[str, tuple[str, str], tuple[int, int]]]] = {}
    legs = decisions.sort("as_of_date", "ticket_id", "symbol").group_by("as_of_date", "ticket_id", maintain_order=True)
    pairs = legs.agg("symbol", "shares_wanted").iter_rows()
    for session, ticket_id, (first, second), (one, other) in pairs:
        if one or other:
            found.setdefault(session, []).append((ticket_id, (first, second), (one, other)))
    return found


def _splits(splits: pl.DataFrame) -> dict[date, list[tuple[str, Fraction]]]:
    found: dict[date, list[tuple[str, Fraction]]] = {}
    for symbol, session, ratio in splits.select("symbol", "as_of_date", "ratio").iter_rows():
        found.setdefault(session, []).append((symbol, Fraction(ratio).limit_denominator(1000)))
    return found


def _prices(ideal: pl.DataFrame) -> dict[date, list[tuple[str, int]]]:
    found: dict[date, list[tuple[str, int]]] = {}
    for session, symbol, price in ideal.filter(~pl.col("is_cash")).select("as_of_date", "symbol", "price").iter_rows():
        found.setdefault(session, []).append((symbol, round(price * TICKS_PER_DOLLAR)))
    return found


def _require_same_prices(session: date, stored: Iterable[tuple[str, int]], today: Mapping[str, Mark]) -> None:
    """Shares of a book are of the bars it was built on: after a restatement they are others."""
    for symbol, ticks in stored:
        if symbol in today and today[symbol].close != ticks:
            raise StateError(
                f"the close of {symbol} on {session} was restated since its book was made: compute the range again first "
                f"(`riskdesk run --start {session}`)"
            )
