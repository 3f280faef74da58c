"""Stage 4, what stands of it so far: how many tickets may hold a position. Everything else passes through unchanged.

Places go to held tickets first, then by |z|, then by id (design.md section 1). A rejected ticket does not grow: its target
is the smaller of what it holds and what it proposed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["APPROVED", "ADJUSTED", "REJECTED"]


@dataclass(frozen=True)
class Intent:
    """One ticket's proposal: dollars of gross proposed and held (in the proposed direction), and |z| for the queue."""

    ticket_id: str
    proposed_gross: float
    held_gross: float
    has_position: bool
    abs_zscore: float


@dataclass(frozen=True)
class GateDecision:
    """What one ticket may have: ``approved_gross`` <= max(held, proposed), in dollars."""

    ticket_id: str
    status: Status
    requested_gross: float
    held_gross: float
    approved_gross: float
    reason: str


def admit(intents: Sequence[Intent], max_positions: int | None) -> tuple[GateDecision, ...]:
    """Decide every ticket of a session, in ticket order; ``max_positions`` None: no limit on their number."""
    queue = sorted(
        (intent for intent in intents if intent.proposed_gross > 0),
        key=lambda intent: (not intent.has_position, -intent.abs_zscore, intent.ticket_id),
    )
    held = sum(1 for intent in queue if intent.has_position)
    places = len(queue) if max_positions is None else max(max_positions, held)
    turned_away = {intent.ticket_id for intent in queue[places:]}
    return tuple(
        _decision(intent, max_positions, rejected=intent.ticket_id in turned_away)
        for intent in sorted(intents, key=lambda intent: intent.ticket_id)
    )


def _decision(intent: Intent, max_positions: int | None, *, rejected: bool) -> GateDecision:
    approved = min(intent.proposed_gross, intent.held_gross) if rejected else intent.proposed_gross
    reason = f"all {max_positions} places are taken" if rejected else ""
    return GateDecision(
        intent.ticket_id,
        "REJECTED" if rejected else "APPROVED",
        intent.proposed_gross,
        intent.held_gross,
        approved,
        reason,
    )
