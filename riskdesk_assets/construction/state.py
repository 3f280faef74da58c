"""What one session hands to the next: positions, ages, marks, cumulated P&L, what guards and kill switches remember.

Shares and money are integers; the few floats (the switches' equities and confidences) are written as they round-trip.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.hashing import canonical_json, digest_bytes
from riskdesk_assets.gatekeeper.desk_switches import SwitchMemory
from riskdesk_assets.gatekeeper.state_json import switch_memory_fields, switch_memory_of
from riskdesk_assets.guards.ticket_types import GuardMemory
from riskdesk_assets.limits.limit import Leg

_NO_MEMORY, _NO_SWITCHES = GuardMemory(), SwitchMemory()


@dataclass(frozen=True)
class HeldLeg:
    """One leg of a held ticket: whole shares, the last real print it is marked at (ticks of 1e-4 dollars), and the sessions
    in a row without one."""

    symbol: str
    shares: int
    price: int
    priced_on: date
    silent: int = 0

    @property
    def value(self) -> int:
        """Signed notional in ticks at the last real print."""
        return self.shares * self.price


@dataclass(frozen=True)
class Position:
    """A held ticket; ``age`` counts sessions since ``entered_on``."""

    ticket_id: str
    leg_a: HeldLeg
    leg_b: HeldLeg
    entered_on: date
    age: int

    @property
    def legs(self) -> tuple[HeldLeg, HeldLeg]:
        """Both legs, A first."""
        return self.leg_a, self.leg_b

    @property
    def side(self) -> int:
        """1 long the spread, -1 short, by leg A (by leg B where leg A rounds to nothing)."""
        shares = self.leg_a.shares or -self.leg_b.shares
        return (shares > 0) - (shares < 0)

    @property
    def missing(self) -> int:
        """Sessions in a row without a print of the leg that has been silent longest."""
        return max((leg.silent for leg in self.legs if leg.shares), default=0)

    @property
    def gross(self) -> int:
        """|A| + |B| in ticks at the last real prints."""
        return abs(self.leg_a.value) + abs(self.leg_b.value)


@dataclass(frozen=True)
class Memory:
    """What the controller remembers of a ticket: its own last side and age (classic), and whether re-entry is allowed."""

    ticket_id: str
    side: int
    age: int
    armed: bool


@dataclass(frozen=True)
class DeskState:
    """The desk after one session; ``session`` None before the first. P&L cumulated, in cents.

    ``run_id`` is that of the session itself, which hashes all its inputs and the state it started from: so a state's hash
    covers every input since genesis, and rows of earlier sessions are determined by the state that follows them. ``guards``
    is what the guards of stage 7 remember of the tickets.
    """

    session: date | None
    positions: tuple[Position, ...]
    memories: tuple[Memory, ...]
    pnl_gross_cents: int
    costs_cents: int
    run_id: str = ""
    guards: GuardMemory = _NO_MEMORY
    switches: SwitchMemory = _NO_SWITCHES

    def position(self, ticket_id: str) -> Position | None:
        """The held position of a ticket, if any."""
        return next((position for position in self.positions if position.ticket_id == ticket_id), None)

    def memory(self, ticket_id: str) -> Memory:
        """The controller's memory of a ticket; a fresh, armed one for a ticket never seen."""
        return self._memories.get(ticket_id) or Memory(ticket_id, 0, 0, armed=True)

    @cached_property
    def _memories(self) -> dict[str, Memory]:
        return {memory.ticket_id: memory for memory in self.memories}

    @property
    def legs(self) -> tuple[Leg[int], ...]:
        """Every held leg in ticks, in ticket order."""
        return tuple(Leg(position.ticket_id, leg.symbol, leg.value) for position in self.positions for leg in position.legs)

    @cached_property
    def json(self) -> str:
        """Canonical JSON."""
        return canonical_json(
            {
                "session": self.session and self.session.isoformat(),
                "run_id": self.run_id,
                "positions": [_position_fields(position) for position in self.positions],
                "memories": [vars(memory) for memory in self.memories],
                "pnl_gross_cents": self.pnl_gross_cents,
                "costs_cents": self.costs_cents,
                "guards": self.guards.fields,
                "switches": switch_memory_fields(self.switches),
            }
        )

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON."""
        return digest_bytes(self.json.encode())


GENESIS = DeskState(None, (), (), 0, 0)


def state_from_json(text: str) -> DeskState:
    """The state a canonical JSON text describes; StateError for one written before states held what they hold now."""
    raw: dict[str, Any] = json.loads(text)
    if "run_id" not in raw:
        raise StateError(f"the desk state of {raw['session'] or 'genesis'} was written by an earlier version: it names no run")
    if "guards" not in raw:
        raise StateError(
            f"the desk state of {raw['session'] or 'genesis'} was written by an earlier version: it has no memory of the guards"
        )
    if "switches" not in raw:
        raise StateError(
            f"the desk state of {raw['session'] or 'genesis'} was written by an earlier version: it has no kill switches"
        )
    return DeskState(
        date.fromisoformat(raw["session"]) if raw["session"] else None,
        tuple(_position(item) for item in raw["positions"]),
        tuple(Memory(**item) for item in raw["memories"]),
        raw["pnl_gross_cents"],
        raw["costs_cents"],
        raw["run_id"],
        GuardMemory.from_fields(raw["guards"]),
        switch_memory_of(raw["switches"]),
    )


def reshared(leg: HeldLeg, shares: int, price: int) -> HeldLeg:
    """The leg with other shares at another price of the same print, as after a split."""
    return replace(leg, shares=shares, price=price)


def _position_fields(position: Position) -> dict[str, object]:
    legs = {"leg_a": _leg_fields(position.leg_a), "leg_b": _leg_fields(position.leg_b)}
    return {**vars(position), **legs, "entered_on": position.entered_on.isoformat()}


def _leg_fields(leg: HeldLeg) -> dict[str, object]:
    return {**vars(leg), "priced_on": leg.priced_on.isoformat()}


def _position(raw: dict[str, Any]) -> Position:
    return Position(
        raw["ticket_id"],
        _leg(raw["leg_a"]),
        _leg(raw["leg_b"]),
        date.fromisoformat(raw["entered_on"]),
        raw["age"],
    )


def _leg(raw: dict[str, Any]) -> HeldLeg:
    return HeldLeg(raw["symbol"], raw["shares"], raw["price"], date.fromisoformat(raw["priced_on"]), raw["silent"])
