"""The restricted list and blackout dates stop entries by name."""

from __future__ import annotations

from datetime import date

import pytest

from riskdesk_assets.common.settings import TicketSettings
from riskdesk_assets.strategy.restrictions import entry_block
from riskdesk_assets.strategy.ticket import Ticket
from riskdesk_tests.strategy.tickets import ticket_fields

TICKET = Ticket.model_validate(ticket_fields())
BLACKOUTS = [
    {"symbol": "BAC", "start": date(2026, 1, 14), "end": date(2026, 1, 16), "reason": "results"},
    {"symbol": "JPM", "start": date(2026, 1, 12), "end": date(2026, 1, 14), "reason": "earnings"},
    {"symbol": None, "start": date(2026, 7, 6), "end": date(2026, 7, 6), "reason": "system move"},
]


def made(restricted: list[str]) -> TicketSettings:
    return TicketSettings.model_validate({"on_bad_ticket": "skip", "restricted": restricted, "blackouts": BLACKOUTS})


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 1, 11), None),
        (date(2026, 1, 12), "BLACKOUT JPM 2026-01-12..2026-01-14 earnings"),
        (date(2026, 1, 14), "BLACKOUT JPM 2026-01-12..2026-01-14 earnings"),
        (date(2026, 1, 15), "BLACKOUT BAC 2026-01-14..2026-01-16 results"),
        (date(2026, 1, 17), None),
        (date(2026, 7, 6), "BLACKOUT * 2026-07-06..2026-07-06 system move"),
    ],
)
def test_a_blackout_blocks_its_symbol_from_its_first_to_its_last_day(day: date, expected: str | None) -> None:
    assert entry_block(made([]), TICKET, day) == expected


def test_a_restricted_leg_blocks_on_every_day_and_is_told_first() -> None:
    assert entry_block(made(["BAC"]), TICKET, date(2026, 1, 12)) == "RESTRICTED BAC"
    assert entry_block(made(["BAC", "JPM"]), TICKET, date(2020, 1, 2)) == "RESTRICTED JPM"
    assert entry_block(made(["C"]), TICKET, date(2020, 1, 2)) is None
