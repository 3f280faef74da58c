"""What the guards of stage 7 read and answer: tickets in whole shares, rules in integers, what is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Literal, NamedTuple

from riskdesk_assets.guards.types import Action, Layer, MetadataValue
from riskdesk_assets.limits.limit import Leg, Limit

Shares = tuple[int, int]


class TicketReason(StrEnum):
    """Why a ticket's desk position is what it is."""

    WITHIN_BAND = "within_band"
    CADENCE_NOT_ELAPSED = "cadence_not_elapsed"
    LOT_ROUNDS_TO_ZERO = "lot_rounds_to_zero"
    FROZEN = "frozen"
    FLAT = "flat"
    ENTRY = "entry"
    INCREASE = "increase"
    REBALANCE = "rebalance"
    REDUCTION = "reduction"
    REVERSAL = "reversal"
    EXIT = "exit"
    HARD_LIMIT = "hard_limit"
    STOP = "stop"
    STOPPED_OUT = "stopped_out"
    MAX_NOTIONAL = "max_notional"
    LOT_EXCEEDS_MAX_NOTIONAL = "lot_exceeds_max_notional"
    BELOW_MIN_ORDER = "below_min_order"


@dataclass(frozen=True)
class TicketShares:
    """A ticket's signed whole shares, leg A first. ``frozen``: a leg has no print today, so nothing trades."""

    ticket_id: str
    symbols: tuple[str, str]
    shares: Shares
    frozen: bool = False

    def legs(self, prices: Mapping[str, int]) -> tuple[Leg[int], Leg[int]]:
        """Both legs in ticks at prices in ticks of 1e-4 dollars."""
        first, second = (
            Leg(self.ticket_id, symbol, count * prices[symbol]) for symbol, count in zip(self.symbols, self.shares, strict=True)
        )
        return first, second


@dataclass(frozen=True)
class GuardRules:
    """GuardSettings in integers: dollars as ticks of 1e-4, shares of something as fractions, caps as Limits in order of layer.

    ``lots``: shares per lot and symbol (1 where absent). ``stop``: ticks; None: no stop.
    """

    mode: Literal["shadow", "paper", "enforce"]
    band: Fraction
    cadence_sessions: int
    signal_change: Fraction
    lots: Mapping[str, int]
    per_trade: Mapping[str, int]
    per_trade_default: int
    min_order: int
    caps: tuple[Limit, ...]
    stop: int | None

    def most_per_order(self, symbol: str) -> int:
        """Ticks that one order of one leg may be."""
        return self.per_trade.get(symbol, self.per_trade_default)


class TicketMemory(NamedTuple):
    """What is remembered of a ticket between sessions.

    ``committed``: the last target acted on, gross ticks signed by the ticket's side. ``rebalanced_on`` and
    ``sessions_since``: the last session that traded, and sessions since. ``unfinished``: an order was cut to the largest
    allowed and goes on. ``cash``: ticks paid (-) and received since entry, so that cash + value is its P&L at prices.
    ``stopped``: went flat by its stop, and stays flat until its ideal position has been flat.
    """

    ticket_id: str
    committed: int = 0
    rebalanced_on: date | None = None
    sessions_since: int = 0
    unfinished: bool = False
    cash: int = 0
    stopped: bool = False


@dataclass(frozen=True)
class GuardMemory:
    """The tickets remembered, by id."""

    tickets: tuple[TicketMemory, ...] = ()

    @property
    def by_ticket(self) -> dict[str, TicketMemory]:
        """What is remembered, by ticket."""
        return {item.ticket_id: item for item in self.tickets}

    @property
    def fields(self) -> list[dict[str, object]]:
        """Plain rows for a larger JSON document."""
        return [
            {**item._asdict(), "rebalanced_on": item.rebalanced_on and item.rebalanced_on.isoformat()} for item in self.tickets
        ]

    @classmethod
    def from_fields(cls, rows: list[dict[str, object]]) -> GuardMemory:
        """The memory that :attr:`fields`, read back from JSON, describe."""
        return cls(tuple(_memory(row) for row in rows))


class TicketDecision(NamedTuple):
    """What the guards decided of one ticket, both legs together; ``wanted`` are the ideal shares."""

    ticket_id: str
    symbols: tuple[str, str]
    action: Action
    layer: Layer | None
    reason: str
    before: Shares
    wanted: Shares
    after: Shares
    metadata: Mapping[str, MetadataValue]


@dataclass(frozen=True)
class GuardResult:
    """One session's answer.

    ``positions``: the desk's positions under the mode (the ideal ones in shadow). ``guarded``: what the guards decided, in any
    mode. ``breaches``: limits that stay breached because of frozen legs alone.
    """

    positions: Mapping[str, Shares]
    guarded: Mapping[str, Shares]
    decisions: tuple[TicketDecision, ...]
    memory: GuardMemory
    counters: Mapping[str, float]
    breaches: tuple[str, ...]


def _memory(row: dict[str, object]) -> TicketMemory:
    on = row["rebalanced_on"]
    return TicketMemory(
        ticket_id=str(row["ticket_id"]),
        committed=_whole(row["committed"]),
        rebalanced_on=None if on is None else date.fromisoformat(str(on)),
        sessions_since=_whole(row["sessions_since"]),
        unfinished=row["unfinished"] is True,
        cash=_whole(row["cash"]),
        stopped=row["stopped"] is True,
    )


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is not a whole number")
    return value
