"""What a book of weights earned, session by session and name by name, in whole-day-skip semantics (methods.md section 11)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import takewhile

from riskdesk_assets.construction.carry import Prints
from riskdesk_assets.reports.realized import DELISTED, OK, SKIPPED_NO_PRICE
from riskdesk_assets.research.mandates.holding import BookDay
from riskdesk_assets.research.next_session import next_session

Row = dict[str, object]


@dataclass(frozen=True)
class NamePnl:
    """One name of one session's book, dollars of a static nav; ``simple_return`` None where no P&L is known."""

    symbol: str
    status: str
    weight: float
    simple_return: float | None
    pnl_gross: float
    costs: float


@dataclass(frozen=True)
class RealizedDay:
    """One session's book: how it fared, the session its P&L is known on, the names whose missing print cost the day."""

    session: date
    next_date: date | None
    status: str
    missing: tuple[str, ...]
    names: tuple[NamePnl, ...]

    @property
    def pnl_gross(self) -> float:
        """Dollars before costs, with what was lost in names closed today."""
        return math.fsum(item.pnl_gross for item in self.names)

    @property
    def costs(self) -> float:
        """Dollars: trading on the session, and borrow overnight into it."""
        return math.fsum(item.costs for item in self.names)

    @property
    def delisting_pnl(self) -> float:
        """The part of pnl_gross that comes of names closed today."""
        return math.fsum(item.pnl_gross for item in self.names if item.status == DELISTED)


def realized_days(
    books: Sequence[BookDay], all_sessions: Sequence[date], prints: Prints, nav: float, patience: int
) -> list[RealizedDay]:
    """Every book held to its one common next session.

    P&L of a name is its weight x nav x simple return of adj_close; a day that is skipped earns nothing, and what was traded on
    it was paid for.

    Args:
        books: of the range, ascending.
        all_sessions: the exchange's sessions, ascending.
        prints: usable prints of the range.
        nav: dollars.
        patience: how many sessions a book may wait for its common next one.
    """
    place = {session: number for number, session in enumerate(all_sessions)}
    last = books[-1].session
    closed = {book.session: frozenset(book.delisted) for book in books}
    found: list[RealizedDay] = []
    for book in books:
        start = place[book.session] + 1
        tomorrow, costs = all_sessions[start], book.costs
        # A name that is closed meanwhile and prints again is another position: its loss is told, and is not earned back here.
        later = _until_closed(book, all_sessions[start : start + patience], closed)
        status, following = next_session(book.session, book.held, later, last, prints, spent=bool(costs))
        names = [_name(symbol, book, status, following, prints, nav, costs) for symbol in sorted({*book.held, *costs})]
        names += [NamePnl(symbol, DELISTED, 0.0, None, pnl * nav, 0.0) for symbol, pnl in sorted(book.delisted.items())]
        asked = prints.get(book.session if status == SKIPPED_NO_PRICE else tomorrow, {})
        skipped = following is None and status.startswith("SKIPPED")
        missing = tuple(symbol for symbol in book.held if symbol not in asked) if skipped else ()
        found.append(RealizedDay(book.session, following, status, missing, tuple(names)))
    return found


def _until_closed(book: BookDay, sessions: Sequence[date], closed: Mapping[date, frozenset[str]]) -> tuple[date, ...]:
    """The sessions before the first on which a name of the book is closed."""
    return tuple(takewhile(lambda day: closed.get(day, frozenset()).isdisjoint(book.held), sessions))


def _name(
    symbol: str,
    book: BookDay,
    status: str,
    following: date | None,
    prints: Prints,
    nav: float,
    costs: Mapping[str, float],
) -> NamePnl:
    weight, simple, gross = book.held.get(symbol, 0.0), None, 0.0
    if status == OK and following is not None and weight:
        simple = prints[following][symbol].adj_close / prints[book.session][symbol].adj_close - 1
        gross = weight * nav * simple
    return NamePnl(symbol, status, weight, simple, gross, costs.get(symbol, 0.0) * nav)


def name_rows(days: Sequence[RealizedDay]) -> list[Row]:
    """NAME_PNL of a range."""
    return [
        {
            "as_of_date": day.session,
            "next_date": None if item.status == DELISTED else day.next_date,
            "status": item.status,
            "symbol": item.symbol,
            "weight": item.weight,
            "simple_return": item.simple_return,
            "pnl_gross": item.pnl_gross,
            "costs": item.costs,
            "pnl_net": item.pnl_gross - item.costs,
        }
        for day in days
        for item in day.names
    ]
