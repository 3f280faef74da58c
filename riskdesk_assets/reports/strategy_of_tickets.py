"""Which strategy and bucket a ticket's money belongs to, on a session and a while after the ticket is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

OWNERS_REACH = 20
"""Sessions a ticket without a budget (expired, removed, frozen) still counts with the strategy it last had one of."""
UNASSIGNED = "UNASSIGNED"


@dataclass(frozen=True)
class Owner:
    """A strategy and its bucket."""

    strategy: str
    bucket: str


NOBODY = Owner("", UNASSIGNED)
"""Owner of what no budget ever named."""


@dataclass(frozen=True)
class TicketOwners:
    """Session -> ticket -> (owner, budget in dollars), in ticket order; and each session's place in the calendar."""

    by_session: Mapping[date, Mapping[str, tuple[Owner, float]]]
    calendar: Sequence[date]
    places: Mapping[date, int]

    @classmethod
    def of(cls, budgets: pl.DataFrame, library: pl.DataFrame, calendar: Sequence[date]) -> TicketOwners:
        """From rows of strategy_budgets and strategy_library; a budget of a strategy the library does not have is nobody's."""
        keys = library.select("as_of_date", "strategy_name", "bucket").iter_rows()
        buckets = {(session, name): bucket for session, name, bucket in keys}
        found: dict[date, dict[str, tuple[Owner, float]]] = {}
        rows = budgets.sort("as_of_date", "ticket_id").select("as_of_date", "ticket_id", "strategy_name", "budget")
        for session, ticket, strategy, budget in rows.iter_rows():
            bucket = buckets.get((session, strategy))
            owner = NOBODY if bucket is None else Owner(strategy, bucket)
            found.setdefault(session, {})[ticket] = (owner, budget)
        return cls(found, calendar, {session: place for place, session in enumerate(calendar)})

    def budgets(self, session: date) -> Iterator[tuple[Owner, float]]:
        """Owner and dollars of every ticket with a budget."""
        yield from self.by_session.get(session, {}).values()

    def owner(self, ticket_id: str, session: date) -> Owner:
        """Whom a ticket's position of a session belongs to: its strategy then, else the last one within OWNERS_REACH."""
        place = self.places[session]
        for day in reversed(self.calendar[max(0, place - OWNERS_REACH) : place + 1]):
            known = self.by_session.get(day, {}).get(ticket_id)
            if known is not None:
                return known[0]
        return NOBODY
