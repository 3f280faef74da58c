"""Names that take no new entry: the restricted list and the blackout dates of config/desk.yaml."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from riskdesk_assets.common.settings import TicketSettings


class Legs(Protocol):
    """Anything with two legs: a ticket, or a row about one."""

    @property
    def leg_a(self) -> str:
        """First leg's symbol."""

    @property
    def leg_b(self) -> str:
        """Second leg's symbol."""


def entry_block(settings: TicketSettings, ticket: Legs, session: date) -> str | None:
    """Why a ticket may not enter or add on a session, or None; what reduces a position is never blocked.

    Returns:
        ``"RESTRICTED JPM"``, or ``"BLACKOUT JPM 2026-01-12..2026-01-14 earnings"`` (``BLACKOUT *`` for one of every symbol).
        The restricted list is told first, leg A before leg B, an earlier blackout before a later one.
    """
    legs = (ticket.leg_a, ticket.leg_b)
    for leg in legs:
        if leg in settings.restricted:
            return f"RESTRICTED {leg}"
    if not settings.blackouts:
        return None
    blackouts = sorted(settings.blackouts, key=lambda item: (item.start, item.end, item.symbol or "", item.reason))
    for leg in legs:
        for blackout in blackouts:
            if blackout.symbol in (None, leg) and blackout.start <= session <= blackout.end:
                return f"BLACKOUT {blackout.symbol or '*'} {blackout.start}..{blackout.end} {blackout.reason}"
    return None
