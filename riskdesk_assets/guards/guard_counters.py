"""The counters of a session and the rows the guards leave in the warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.guards.telemetry import mean_clip_ratio
from riskdesk_assets.guards.ticket_types import GuardResult, TicketDecision, TicketReason
from riskdesk_assets.guards.types import Action

_NOOPS: Mapping[str, str] = {
    TicketReason.WITHIN_BAND: "noop_band",
    TicketReason.CADENCE_NOT_ELAPSED: "noop_cadence",
    TicketReason.LOT_ROUNDS_TO_ZERO: "noop_lot",
    TicketReason.FROZEN: "noop_frozen",
    TicketReason.FLAT: "noop_flat",
}


def counters_of(decisions: Sequence[TicketDecision]) -> dict[str, float]:
    """Document 004's counters over one session's tickets; ``avg_clip_ratio`` only where something was clipped."""
    names = [_counter(decision) for decision in decisions]
    found = {name: float(names.count(name)) for name in sorted(set(names))}
    ratios = [ratio for item in decisions if isinstance(ratio := item.metadata.get("clip_ratio"), float)]
    mean = mean_clip_ratio(ratios)
    return found if mean is None else {**found, "avg_clip_ratio": mean}


def decision_rows(result: GuardResult, prices: Mapping[str, int], session: date, run_id: str) -> list[dict[str, object]]:
    """Rows of the table guard_decisions: one per ticket leg; ``target_notional`` in dollars at today's price."""
    rows: list[dict[str, object]] = []
    for item in result.decisions:
        metadata = canonical_json(dict(item.metadata))
        rows.extend(
            {
                "as_of_date": session,
                "run_id": run_id,
                "ticket_id": item.ticket_id,
                "symbol": symbol,
                "action": item.action.value,
                "layer": None if item.layer is None else item.layer.value,
                "reason": item.reason,
                "shares_before": item.before[place],
                "shares_wanted": item.wanted[place],
                "shares_after": item.after[place],
                "target_notional": item.wanted[place] * prices[symbol] / TICKS_PER_DOLLAR,
                "metadata": metadata,
            }
            for place, symbol in enumerate(item.symbols)
        )
    return rows


def counter_rows(result: GuardResult, session: date) -> list[dict[str, object]]:
    """Rows of the table guard_counters."""
    return [{"as_of_date": session, "counter": name, "value": value} for name, value in sorted(result.counters.items())]


def _counter(decision: TicketDecision) -> str:
    if decision.action is Action.ALLOW:
        return "orders_allowed"
    if decision.action is Action.NOOP:
        return _NOOPS[decision.reason]
    return f"orders_{'clipped' if decision.action is Action.CLIP else 'denied'}_{decision.layer}"
