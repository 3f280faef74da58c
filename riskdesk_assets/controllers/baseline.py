"""The baseline controller: discrete mean reversion with real hysteresis (methods.md section 4).

One ticket, one session, one decision; pure. Long the spread is long leg A and short leg B, and is taken when z < 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

CONTROLLER_VERSION = "baseline-1"

Orientation = Literal["LONG_SPREAD", "SHORT_SPREAD", "BOTH"]


@dataclass(frozen=True)
class Rules:
    """What one ticket asks for. ``max_units`` is 0.5 or 1; z thresholds in standard deviations; ``min_beta`` None: any."""

    orientation: Orientation
    max_units: float
    entry_z: float
    exit_z: float
    time_stop_sessions: int
    flatten_on_breakdown: bool
    rearm_after_breakdown: bool
    min_beta: float | None
    effective_from: date | None
    expires_on: date


@dataclass(frozen=True)
class Signal:
    """A pair's state at the close: z-score, hedge ratio, and whether |z| counts as broken."""

    zscore: float
    beta: float
    extreme_z: bool


@dataclass(frozen=True)
class Stance:
    """What the ticket stands on before today: side held (-1, 0, 1), sessions held up to today, and whether it may re-enter."""

    side: int
    age: int
    armed: bool


@dataclass(frozen=True)
class Proposal:
    """Units in {-1, -0.5, 0, 0.5, 1}, why, whether the position may not grow, and whether re-entry is allowed from here."""

    units: float
    reason: str
    never_add: bool
    armed: bool


def propose(rules: Rules, signal: Signal | None, stance: Stance, session: date, entry_block: str | None) -> Proposal:
    """Decide one ticket's units for one session.

    Args:
        rules: the ticket's own rules.
        signal: today's pair state; None when there are too few common bars.
        stance: what is held, for how long, and whether the ticket is armed.
        session: the session being decided.
        entry_block: why new entries are barred today (restricted list, blackout, no risk model), or None.
    """
    if session > rules.expires_on:
        return Proposal(0.0, "EXPIRED_SKIP", never_add=True, armed=stance.armed)
    if rules.effective_from is not None and session < rules.effective_from:
        return Proposal(0.0, "NOT_YET_EFFECTIVE", never_add=True, armed=stance.armed)
    if stance.side and stance.age >= rules.time_stop_sessions:
        rearmed = signal is not None and abs(signal.zscore) < rules.exit_z
        return Proposal(0.0, "TIME_STOP", never_add=True, armed=rearmed)
    if signal is None:
        reason = "HOLD_NO_FEATURES" if stance.side else "NO_FEATURES"
        return Proposal(stance.side * rules.max_units, reason, never_add=True, armed=stance.armed)
    size = abs(signal.zscore)
    armed = stance.armed or size < rules.exit_z
    reversion = 0 if signal.zscore == 0 else (-1 if signal.zscore > 0 else 1)
    if signal.extreme_z:
        return _broken(rules, stance, reversion, armed=armed)
    if stance.side and stance.side == reversion and size >= rules.exit_z:
        if not _allowed(rules.orientation, stance.side):
            return Proposal(0.0, "ORIENTATION_CHANGED", never_add=True, armed=armed)
        return Proposal(stance.side * rules.max_units, "HOLD", never_add=entry_block is not None, armed=armed)
    return _entry(rules, signal, stance, reversion, entry_block, armed=armed)


def leg_notionals(units: float, budget: float, beta: float) -> tuple[float, float]:
    """Signed dollars of legs A and B: N = |u| G / (1 + |beta|); A = sign(u) N; B = -sign(u) beta N (methods.md section 4)."""
    sign = (units > 0) - (units < 0)
    notional = abs(units) * budget / (1 + abs(beta))
    return sign * notional, -sign * beta * notional


def _broken(rules: Rules, stance: Stance, reversion: int, *, armed: bool) -> Proposal:
    # Whoever is flat after a breakdown, for whatever reason, enters again under the same rule.
    rearmed = armed and not rules.rearm_after_breakdown
    if rules.flatten_on_breakdown:
        return Proposal(0.0, "BREAKDOWN_FLATTEN", never_add=True, armed=rearmed)
    if not stance.side:
        return Proposal(0.0, "BREAKDOWN_NO_ENTRY", never_add=True, armed=rearmed)
    # What is held through a breakdown waits for z to come back; where z broke out on the other side, it has come and gone.
    if stance.side != reversion:
        return Proposal(0.0, "EXIT", never_add=True, armed=rearmed)
    if not _allowed(rules.orientation, stance.side):
        return Proposal(0.0, "ORIENTATION_CHANGED", never_add=True, armed=rearmed)
    return Proposal(stance.side * rules.max_units, "BREAKDOWN_HOLD", never_add=True, armed=armed)


def _entry(rules: Rules, signal: Signal, stance: Stance, reversion: int, entry_block: str | None, *, armed: bool) -> Proposal:
    """A flat ticket, or one whose z has come home or crossed: enter, reverse in the same session, or be flat."""
    wanted = abs(signal.zscore) >= rules.entry_z and reversion != 0
    flat = "EXIT" if stance.side else "FLAT"
    if not wanted:
        return Proposal(0.0, flat, never_add=False, armed=armed)
    if not armed:
        return Proposal(0.0, "NOT_REARMED", never_add=False, armed=armed)
    if not _allowed(rules.orientation, reversion):
        return Proposal(0.0, "ORIENTATION", never_add=False, armed=armed)
    if rules.min_beta is not None and signal.beta < rules.min_beta:
        return Proposal(0.0, "BETA_TOO_LOW", never_add=False, armed=armed)
    if entry_block is not None:
        return Proposal(0.0, entry_block, never_add=False, armed=armed)
    return Proposal(reversion * rules.max_units, "REVERSE" if stance.side else "ENTER", never_add=False, armed=armed)


def _allowed(orientation: Orientation, side: int) -> bool:
    return orientation == "BOTH" or (side > 0) == (orientation == "LONG_SPREAD")


def signal_confidence(abs_zscore: float, exit_z: float, breakdown_z: float) -> float:
    """Strength of a signal in [0.5, 1]: 0.5 at ``exit_z`` and below, 1 at ``breakdown_z`` and beyond (methods.md section 6)."""
    span = breakdown_z - exit_z
    share = (abs_zscore - exit_z) / span if span > 0 else 1.0
    return 0.5 + 0.5 * min(max(share, 0.0), 1.0)
