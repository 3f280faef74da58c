"""What the guards say of themselves: one structured log line per decision, and counters per layer."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from riskdesk_assets.common.sample_statistics import mean
from riskdesk_assets.guards.types import Action, PolicyDecision, Reason

LOGGER = "riskdesk.policy"
_NOOPS = {
    Reason.WITHIN_BAND: "noop_band",
    Reason.CADENCE_NOT_ELAPSED: "noop_cadence",
    Reason.NO_TRIGGER: "noop_trigger",
    Reason.LOT_ROUNDS_TO_ZERO: "noop_lot",
}


def policy_line(symbol: str, decision: PolicyDecision, at: datetime) -> str:
    """``POLICY_DECISION: {...}`` with the fields of document 004 in its order; ``at`` is timezone-aware, shown in UTC."""
    body = {
        "timestamp": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "symbol": symbol,
        "action": decision.action,
        "qty_delta": decision.qty_delta,
        "reason": decision.reason,
        "layer": decision.layer,
        "metadata": dict(decision.metadata),
    }
    return f"POLICY_DECISION: {json.dumps(body, allow_nan=False)}"


def counter_name(action: Action, reason: str, layer: str | None) -> str:
    """The counter of document 004 that a decision adds one to."""
    if action is Action.ALLOW:
        return "orders_allowed"
    if action is Action.NOOP:
        return _NOOPS[Reason(reason)]
    return f"orders_{'clipped' if action is Action.CLIP else 'denied'}_{layer}"


def mean_clip_ratio(ratios: Iterable[float]) -> float | None:
    """Mean share of what was wanted that clipped orders kept; None without one. Its order of summing does not matter."""
    return mean(list(ratios))


class PolicyTelemetry:
    """Counts and logs decisions; ``counters`` has a number for every counter that is not zero."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logging.getLogger(LOGGER) if logger is None else logger
        self._counts: Counter[str] = Counter()
        self._ratios: list[float] = []

    def record(self, symbol: str, decision: PolicyDecision, at: datetime) -> None:
        """Log one decision at a timezone-aware time and add it to its counter."""
        self._counts[counter_name(decision.action, decision.reason, decision.layer)] += 1
        ratio = decision.metadata.get("clip_ratio")
        if decision.action is Action.CLIP and isinstance(ratio, float):
            self._ratios.append(ratio)
        self._logger.info("%s", policy_line(symbol, decision, at))

    @property
    def counters(self) -> dict[str, float]:
        """Counter to number, by name; ``avg_clip_ratio`` only once something was clipped."""
        found = {name: float(count) for name, count in sorted(self._counts.items())}
        ratio = mean_clip_ratio(self._ratios)
        return found if ratio is None else {**found, "avg_clip_ratio": ratio}
