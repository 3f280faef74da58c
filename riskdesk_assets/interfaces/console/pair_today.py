"""Where a pair stands today, and what the limits of the desk's book would leave of a ticket in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.universe import pair_id
from riskdesk_assets.controllers.baseline import leg_notionals
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.features.pair_health import PairHealth
from riskdesk_assets.features.pair_state import pair_state
from riskdesk_assets.interfaces.console.surroundings import Surroundings
from riskdesk_assets.interfaces.pair_search import newest_stored
from riskdesk_assets.limits.limit import Leg
from riskdesk_assets.market.history import read_history
from riskdesk_assets.reports.headroom import Room, ticket_headroom
from riskdesk_assets.reports.risk_reading import stored_risk, stored_session
from riskdesk_assets.strategy.ticket import Ticket


@dataclass(frozen=True)
class PairToday:
    """A pair's state at the newest session with bars; ``watched``: read from the warehouse, else computed from its bars."""

    session: date
    health: PairHealth
    watched: bool


@dataclass(frozen=True)
class Left:
    """What is left of a ticket's gross on one side: by its own caps, and by the tightest limit of the book (None: none bounds).

    ``side`` is 1 for long the spread, -1 for short; dollars of gross.
    """

    side: int
    own: float
    session: date
    tightest: Room | None

    @property
    def dollars(self) -> float:
        """The smaller of the two."""
        return self.own if self.tightest is None else min(self.own, self.tightest.room)


def pair_today(legs: tuple[str, str], around: Surroundings) -> PairToday | None:
    """The pair's state; None where its bars do not reach far enough for one.

    Raises:
        StateError: no bars are stored.
    """
    session = newest_stored(around.paths)
    rows = around.warehouse.read("pair_state", session, session)
    own = rows.filter(rows["pair_id"] == pair_id(*legs))
    watched = not own.is_empty()
    if not watched:
        history = read_history(around.paths, around.calendar, around.config, session, session)
        quiet = around.config.desk.features.model_copy(update={"coint_refresh": "never"})
        own = pair_state(panel_of(history, around.config), [legs], quiet, around.config.feature_version, session, session)
    if own.is_empty():
        return None
    return PairToday(session, PairHealth.of_row(own.row(0, named=True)), watched)


def left_of(ticket: Ticket, today: PairToday, side: int, around: Surroundings) -> Left | None:
    """What its own caps and the limits of the standing book would leave of a ticket on one side; None without a book."""
    legs = leg_notionals(side * ticket.max_units, ticket.max_gross_notional, today.health.beta)
    gross = sum(abs(size) for size in legs)
    own = gross * min(1.0, ticket.max_leg_notional / max(abs(size) for size in legs))
    try:
        session = stored_session(around.warehouse, None)
        stored = stored_risk(around.paths, around.calendar, around.config, around.warehouse, session)
    except StateError:
        return None
    ray = [
        Leg(ticket.ticket_id, symbol, round(size * TICKS_PER_DOLLAR))
        for symbol, size in zip((ticket.leg_a, ticket.leg_b), legs, strict=True)
    ]
    rooms = ticket_headroom(stored.books.of_desk(session), ray)
    return Left(side, math.floor(own * 100) / 100, session, rooms[0] if rooms else None)


def reversion_side(zscore: float) -> int:
    """1 where the rule would be long the spread, -1 where short."""
    return -1 if zscore > 0 else 1
