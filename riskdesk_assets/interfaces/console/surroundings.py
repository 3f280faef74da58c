"""The desk around one line of the console: its folders, settings, names, and which session counts as today."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from riskdesk_assets.common.sessions import NEW_YORK, SessionCalendar, calendar_end, load_calendar
from riskdesk_assets.common.settings import Config, Paths, load_config, load_paths
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.interfaces.console.understanding import Known
from riskdesk_assets.interfaces.wanted_sessions import newest_session
from riskdesk_assets.market.vendor import choose_vendor
from riskdesk_assets.strategy.loading import TicketFolder, load_tickets


@dataclass(frozen=True)
class Surroundings:
    """Read anew for every line: files may change while a console is open."""

    now: datetime

    @cached_property
    def paths(self) -> Paths:
        """Where the desk reads and writes."""
        return load_paths()

    @cached_property
    def config(self) -> Config:
        """The effective configuration."""
        return load_config(self.paths)

    @cached_property
    def calendar(self) -> SessionCalendar:
        """NYSE sessions."""
        return load_calendar(self.paths.data / "calendar", calendar_end(self.now))

    @cached_property
    def warehouse(self) -> Warehouse:
        """The desk's tables."""
        return Warehouse(self.paths.warehouse)

    @cached_property
    def active(self) -> TicketFolder:
        """The tickets in the active folder."""
        return load_tickets(self.paths.tickets, self.config.universe)

    @cached_property
    def drafts(self) -> tuple[str, ...]:
        """File names in the folder of drafts, without .yaml, in order."""
        if not self.paths.drafts.is_dir():
            return ()
        return tuple(sorted(path.stem for path in self.paths.drafts.glob("*.y*ml") if path.name.isascii()))

    @cached_property
    def known(self) -> Known:
        """The names a line may speak of."""
        tickets = tuple(item.ticket.ticket_id for item in self.active.tickets)
        return Known(self.config.universe.tradable, tickets, self.drafts, self.day)

    @property
    def day(self) -> date:
        """The day in New York: what a ticket's expiry counts from."""
        return self.now.astimezone(NEW_YORK).date()

    @cached_property
    def today(self) -> date:
        """The newest closed session on which every name of a ticket in force has a bar.

        Raises:
            InputError, StateError, VendorError: there is none, or no prices.
        """
        vendor = choose_vendor(self.paths, self.config.universe, self.calendar, os.environ)
        return newest_session(vendor, self.paths, self.config, self.calendar, self.now)
