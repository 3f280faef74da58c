"""The book that stands after a session, with the limits that held on it: what headroom is measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property

import polars as pl

from riskdesk_assets.common.money import TICKS_PER_DOLLAR, price_ticks
from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.common.settings import Config
from riskdesk_assets.construction.facts import facts_by_session
from riskdesk_assets.limits.bucket_limits import bucket_limits
from riskdesk_assets.limits.catalogue import book_limits
from riskdesk_assets.limits.fact_limits import NO_FACTS, SessionFacts, fact_limits
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_assets.limits.mandate_limits import mandate_limits
from riskdesk_assets.reports.headroom import StandingBook
from riskdesk_assets.risk_model.covariance import Covariance

LIMIT_TABLES = ("limit_audit", "portfolio_blotter", "portfolio_limits", "strategy_budgets")
"""Tables read of the sessions beside those of the risk inputs."""
_OF_ONE_TICKET: Mapping[str, tuple[Family, Measure]] = {
    "ticket_gross": (Family.TICKET_GROSS, Measure.TICKET_GROSS),
    "leg_notional": (Family.LEG_NOTIONAL, Measure.LEG),
}
# What is about one ticket's own legs, or about a day's trading, says nothing of a book of weights alone.
_OF_A_DAY = (Measure.LEG, Measure.TICKET_GROSS, Measure.BUCKET_GROSS, Measure.ADDITIONS, Measure.COUNT, Measure.TRADED)


class StandingBooks:
    """The books of a range of sessions: the desk's from its positions and audit, any other from weights."""

    def __init__(self, config: Config, tables: Mapping[str, pl.DataFrame], sessions: Sequence[date]) -> None:
        self._config = config
        self._tables = tables
        self._sessions = sessions

    def of_desk(self, session: date) -> StandingBook:
        """The desk's positions after a session, under the bounds its audit recorded; limits nobody audited are not there."""
        legs, held = self._legs.get(session, ((), ()))
        tickets = [leg.ticket_id for leg in (*legs, *held)]
        of_session = (
            *fact_limits(self._config, self.facts(session)),
            *bucket_limits(self._config, self._buckets.get(session, {}), tickets),
        )
        known = {limit.name: limit for limit in (*self._desk_limits, *of_session)}
        limits = []
        for name, bound, source in self._audit.get(session, ()):
            limit = known.get(name) or _of_ticket(name, source)
            if limit is not None:
                limits.append(replace(limit, bound=bound, source=source))
        return StandingBook(tuple(limits), legs, held)

    def of_weights(
        self, portfolio: PortfolioConfig, weights: Mapping[str, float], session: date, nav: float, covariance: Covariance
    ) -> StandingBook:
        """Weights as tickets of one leg, under every limit of the portfolio that is about a book and not about its trading.

        A fully invested mandate's budget is no limit of these: more of one name is less of another there.
        """
        legs = tuple(Leg(symbol, symbol, round(weight * nav * TICKS_PER_DOLLAR)) for symbol, weight in sorted(weights.items()))
        facts = self.facts(session)
        if portfolio.kind == "pairs":
            limits = (*self._desk_limits, *fact_limits(self._config, facts))
        else:
            limits = mandate_limits(self._config, portfolio, facts, adv={}, covariance=covariance, has_book=False)
        return StandingBook(tuple(limit for limit in limits if limit.measure not in _OF_A_DAY), legs)

    def facts(self, session: date) -> SessionFacts:
        """What the session's limits are about beyond notionals."""
        return self._facts.get(session, NO_FACTS)

    @cached_property
    def _desk_limits(self) -> tuple[Limit, ...]:
        return book_limits(self._config)

    @cached_property
    def _facts(self) -> Mapping[date, SessionFacts]:
        names = ("instrument_factors_daily", "instrument_state", "scenarios")
        exposures, states, scenarios = (self._tables[name] for name in names)
        return facts_by_session(exposures, states, scenarios, self._sessions)

    @cached_property
    def _buckets(self) -> Mapping[date, dict[str, str]]:
        found: dict[date, dict[str, str]] = {}
        rows = self._tables["strategy_budgets"].drop_nulls("bucket")
        for session, ticket_id, bucket in rows.select("as_of_date", "ticket_id", "bucket").iter_rows():
            found.setdefault(session, {})[ticket_id] = bucket
        return found

    @cached_property
    def _audit(self) -> Mapping[date, list[tuple[str, int, str]]]:
        found: dict[date, list[tuple[str, int, str]]] = {}
        rows = self._tables["limit_audit"].sort("as_of_date", "limit_name")
        for session, name, bound, source in rows.select("as_of_date", "limit_name", "bound", "source").iter_rows():
            found.setdefault(session, []).append((name, bound, source))
        return found

    @cached_property
    def _legs(self) -> Mapping[date, tuple[tuple[Leg[int], ...], tuple[Leg[int], ...]]]:
        """Per session: the positions, and those before its trades at its prices."""
        now: dict[date, dict[tuple[str, str], int]] = {}
        before: dict[date, dict[tuple[str, str], int]] = {}
        positions = self._tables["desk_positions"].select("as_of_date", "ticket_id", "symbol", "shares", "price")
        for session, ticket_id, symbol, shares, price in positions.iter_rows():
            value = shares * price_ticks(price)
            now.setdefault(session, {})[ticket_id, symbol] = value
            before.setdefault(session, {})[ticket_id, symbol] = value
        trades = self._tables["portfolio_blotter"].select("as_of_date", "ticket_id", "symbol", "shares_before", "price")
        for session, ticket_id, symbol, shares, price in trades.iter_rows():
            before.setdefault(session, {})[ticket_id, symbol] = shares * price_ticks(price)
        return {session: (_as_legs(now.get(session, {})), _as_legs(before[session])) for session in before}


def _as_legs(values: Mapping[tuple[str, str], int]) -> tuple[Leg[int], ...]:
    return tuple(Leg(ticket_id, symbol, value) for (ticket_id, symbol), value in sorted(values.items()))


def _of_ticket(name: str, source: str) -> Limit | None:
    """A ticket's own limit, from its name."""
    label, _, rest = name.partition(":")
    if label not in _OF_ONE_TICKET:
        return None
    family, measure = _OF_ONE_TICKET[label]
    return Limit(name, family, measure, tuple(rest.rsplit(":", 1)) if measure is Measure.LEG else (rest,), 0, source)
