"""The risk of one stored session, read from the warehouse and the bars: of what stands, or of any weights. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from riskdesk_assets.common.errors import InputError, Problem, StateError, nearest
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.market.history import read_history
from riskdesk_assets.reports.books import no_book_of
from riskdesk_assets.reports.headroom import StandingBook, symbol_headroom
from riskdesk_assets.reports.risk_inputs import RiskSource, portfolio_of
from riskdesk_assets.reports.risk_report import RiskReport, risk_report
from riskdesk_assets.reports.risk_rows import EARLIER, RISK_TABLES
from riskdesk_assets.reports.standing_book import StandingBooks
from riskdesk_assets.reports.ticket_headroom import Approved, Headroom, approved_legs, headroom_of_ticket


@dataclass(frozen=True)
class Breach:
    """A limit that a book would break: ``measured``, ``bound`` and what is too much, in dollars."""

    limit_name: str
    family: str
    measured: float
    bound: float
    excess: float
    source: str


@dataclass(frozen=True, eq=False)
class StoredRisk:
    """A session as the warehouse has it: ``source`` for reports, ``books`` for limits."""

    config: Config
    session: date
    prices: str
    source: RiskSource
    books: StandingBooks
    approved: Approved

    def report(self, portfolio_id: str, weights: Mapping[str, float] | None = None) -> RiskReport:
        """The risk report of a portfolio, of what it holds or of these weights.

        Raises:
            InputError: no such portfolio; a weight of a name that is not in the universe.
            StateError: it is a mandate without a target on this session, and no weights were given.
        """
        portfolio_of(self.config, portfolio_id)
        self._require_known(portfolio_id, weights or {})
        if weights is None and self.source.held(portfolio_id, self.session) is None:
            raise StateError(f"{portfolio_id} has no target portfolio of {self.session}: `riskdesk run` makes one")
        return risk_report(self.source.inputs(portfolio_id, self.session, weights))

    def _require_known(self, portfolio_id: str, weights: Mapping[str, float]) -> None:
        """A name that is held may have left the universe; any other unknown one would pass as a name without risk."""
        known = {*self.config.universe.tradable, *(self.source.held(portfolio_id, self.session) or {})}
        strange = [
            Problem("weights", None, symbol, f"is not in the universe{nearest(symbol, known)}", ", ".join(sorted(known)))
            for symbol in sorted(weights.keys() - known)
        ]
        if strange:
            raise InputError(strange)

    def breaches(self, portfolio_id: str, weights: Mapping[str, float]) -> tuple[Breach, ...]:
        """The portfolio's limits that these weights would break, each name a ticket of one leg, by name of the limit."""
        inputs = self.source.inputs(portfolio_id, self.session, weights)
        portfolio = portfolio_of(self.config, portfolio_id)
        book = self.books.of_weights(portfolio, weights, self.session, inputs.nav, inputs.covariance)
        found = []
        for limit in sorted(book.limits, key=lambda each: each.name):
            measured = book.measured[limit.name]
            if measured > limit.bound:
                amounts = (
                    measured / TICKS_PER_DOLLAR,
                    limit.bound / TICKS_PER_DOLLAR,
                    (measured - limit.bound) / TICKS_PER_DOLLAR,
                )
                found.append(Breach(limit.name, limit.family.value, *amounts, limit.source))
        return tuple(found)

    def headroom(self, word: str) -> tuple[Headroom, ...]:
        """Headroom of a symbol in both directions, or of a ticket on the side it holds, else the one it was approved for.

        Raises:
            InputError: neither a symbol nor a ticket of the session; names the nearest.
            StateError: the ticket holds nothing and was approved for nothing, so more of it has no side.
        """
        book = self.books.of_desk(self.session)
        symbol = word.upper()
        if symbol in self.config.universe.symbols:
            sides = (("buy", 1), ("sell", -1))
            return tuple(Headroom(symbol, label, symbol_headroom(book, symbol, side)) for label, side in sides)
        found = headroom_of_ticket(book, self.approved, word)
        if found is None:
            raise self._without_side(book, word)
        return (found,)

    def _without_side(self, book: StandingBook, word: str) -> InputError | StateError:
        """Why more of a word has no side: it is neither a symbol nor a ticket, or a ticket that holds and was given nothing."""
        tickets = sorted({*self.approved, *(leg.ticket_id for leg in book.legs)})
        if word in tickets:
            return StateError(f"{word} holds nothing and was approved for nothing on {self.session}: more of it has no side")
        near = nearest(word.lower(), tickets) or nearest(word.upper(), self.config.universe.tradable)
        message = f"{word!r} is neither a symbol nor a ticket of {self.session}{near}"
        return InputError(Problem("", None, "", message, f"{', '.join(self.config.universe.tradable)}; {', '.join(tickets)}"))


def stored_risk(paths: Paths, calendar: SessionCalendar, config: Config, warehouse: Warehouse, session: date) -> StoredRisk:
    """Read what the warehouse has of a session, and the bars behind it.

    Raises:
        StateError: no snapshot covers the session.
    """
    history = read_history(paths, calendar, config, session, session)
    start = calendar.before(session, config.desk.risk_report.check_window)
    tables = warehouse.read_all(RISK_TABLES, session, session) | warehouse.read_all(EARLIER, start, session)
    approved = approved_legs(warehouse.read("proposals", session, session))
    source = RiskSource(panel_of(history, config), config, tables, (session,), calendar.sessions)
    return StoredRisk(config, session, history.snapshot.source, source, StandingBooks(config, tables, (session,)), approved)


def stored_session(warehouse: Warehouse, asof: date | None) -> date:
    """The session asked for, or the newest.

    Raises:
        StateError: the warehouse has none, or not this one.
        InputError: the day asked for is no session that has closed.
    """
    states: list[date] = warehouse.read("desk_state")["as_of_date"].sort().to_list()
    if not states:
        raise StateError("there is no book yet: `riskdesk run` makes one")
    if asof is None:
        return max(states)
    if asof not in states:
        raise no_book_of(asof, states)
    return asof
