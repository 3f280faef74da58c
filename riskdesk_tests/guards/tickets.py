"""Tickets in whole shares, and the desk's guards with numbers changed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from functools import cache

from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.guards.guard_rules import guard_rules
from riskdesk_assets.guards.ticket_guards import guard_book
from riskdesk_assets.guards.ticket_types import GuardMemory, GuardResult, GuardRules, Shares, TicketShares
from riskdesk_tests.desk_builder import desk_config

DAY = date(2026, 3, 2)
# Every name at 100 dollars; nav 2,500,000: orders of a leg to 250,000, dust below 5,000, a name to 600,000, net to 200,000.
PRICES = dict.fromkeys(("BAC", "C", "GS", "JPM", "KEY", "MS", "RF", "WFC"), 100 * TICKS_PER_DOLLAR)


@cache
def rules(profile: str = "desk") -> GuardRules:
    """The profile's rules, enforced."""
    return replace(guard_rules(desk_config(profile)), mode="enforce")


def pair(
    shares: Shares, ticket_id: str = "jpm-bac", symbols: tuple[str, str] = ("JPM", "BAC"), frozen: bool = False
) -> TicketShares:
    """A ticket."""
    return TicketShares(ticket_id, symbols, shares, frozen)


def kept(memory: GuardMemory) -> GuardMemory:
    """A memory as the next session reads it, from the JSON of the one before."""
    return GuardMemory.from_fields(json.loads(canonical_json(memory.fields)))


class Walk:
    """Sessions one after the other, each from where the one before left the desk."""

    def __init__(
        self, own: GuardRules | None = None, held: tuple[TicketShares, ...] = (), memory: GuardMemory | None = None
    ) -> None:
        self.rules = rules() if own is None else own
        self.held = held
        self.memory = GuardMemory() if memory is None else memory
        self.day = DAY

    def step(self, *ideal: TicketShares, prices: dict[str, int] | None = None) -> GuardResult:
        """One session."""
        result = guard_book(self.held, ideal, prices or PRICES, self.rules, self.memory, self.day)
        # What is remembered goes through JSON, as it does between two sessions of the desk.
        self.memory = kept(result.memory)
        assert self.memory == result.memory
        known = {item.ticket_id: item for item in (*self.held, *ideal)}
        self.held = tuple(replace(known[key], shares=shares) for key, shares in result.positions.items() if any(shares))
        self.day += timedelta(days=1)
        return result
