"""Which bucket a ticket's P&L belongs to on a session: that of its strategy, as strategy_library and strategy_budgets say."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from riskdesk_assets.common.buckets import LONE_BUCKET


@dataclass(frozen=True)
class Buckets:
    """Ticket -> the sessions from which its bucket held, ascending, and the bucket."""

    known: Mapping[str, tuple[list[date], list[str]]]

    @classmethod
    def of(cls, library: pl.DataFrame, budgets: pl.DataFrame) -> Buckets:
        """From rows of strategy_library and strategy_budgets."""
        rows = budgets.join(library, on=["as_of_date", "strategy_name"]).select("ticket_id", "as_of_date", "bucket")
        said = pl.struct("ticket_id", "bucket")
        changes = rows.sort("ticket_id", "as_of_date").filter(said.ne_missing(said.shift()))
        known = changes.group_by("ticket_id").agg("as_of_date", "bucket")
        return cls({ticket_id: (days, names) for ticket_id, days, names in known.iter_rows()})

    def of_ticket(self, ticket_id: str, session: date) -> str:
        """The bucket on a session; the last one known for a ticket that is held but no longer in force, and LONE_BUCKET for
        one that never had a strategy."""
        days, names = self.known.get(ticket_id, ([], []))
        place = bisect_right(days, session) - 1
        return names[max(place, 0)] if names else LONE_BUCKET
