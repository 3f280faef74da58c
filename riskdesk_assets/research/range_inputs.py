"""Bars and tickets of a requested range: what a backtest of the desk and one of a mandate begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from riskdesk_assets.common.packed import Gathered
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.history import History
from riskdesk_assets.market.vendor import Vendor, choose_vendor
from riskdesk_assets.research.backtest_bars import backtest_history
from riskdesk_assets.research.backtest_request import Asked, as_if_in_force
from riskdesk_assets.strategy.loading import TicketFolder
from riskdesk_assets.strategy.snapshots import ticket_snapshots

_STRETCH = 63
"""Sessions whose tickets are listed together: a row is a large object before it is one of a frame."""


@dataclass(frozen=True)
class RangeInputs:
    """Bars and tickets of a request, for its configuration and any other over the same sessions."""

    asked: Asked
    vendor: Vendor
    calendar: SessionCalendar

    @classmethod
    def of(cls, asked: Asked, calendar: SessionCalendar, environ: Mapping[str, str]) -> RangeInputs:
        """With the vendor the environment names.

        Raises:
            InputError: it cannot be asked.
        """
        return cls(asked, choose_vendor(asked.paths, asked.config.universe, calendar, environ), calendar)

    def history(self, config: Config) -> History:
        """Bars of the range, with the lookback a configuration asks for; errors as for ``backtest_history``."""
        request = self.asked.request
        return backtest_history(self.vendor, self.asked.paths, self.calendar, config, request.first, request.last)

    def tickets(self, history: History) -> pl.DataFrame:
        """TABLES["ticket_snapshots"] of the request's tickets, as if in force on every session of a history."""
        return standing_tickets(as_if_in_force(self.asked.folder), history)


def range_key(asked: Asked) -> tuple[object, ...]:
    """What two requests have in common that read the same bars and tickets."""
    request = asked.request
    return request.first, request.last, asked.folder.tickets_hash, str(asked.paths.config)


def standing_tickets(folder: TicketFolder, history: History) -> pl.DataFrame:
    """TABLES["ticket_snapshots"] of tickets that stand on every session; nothing came before, and no archive is asked."""
    table = TABLES["ticket_snapshots"]
    gathered, before = Gathered(table), table.frame([])
    for start in range(0, len(history.wanted), _STRETCH):
        rows = ticket_snapshots(folder, history.wanted[start : start + _STRETCH], before, {})
        gathered.add(rows)
        before = rows.filter(pl.col("as_of_date") == history.wanted[min(start + _STRETCH, len(history.wanted)) - 1])
    return gathered.frame()
