"""The learned controller: how much of the reversion side to take, never more than the baseline's limits allow.

Reading of methods.md section 12, "actions {0, 0.5, 1} x the reversion side; it can never flip a side or exceed what the
baseline's limits allow". The model replaces the baseline's signal, which is when to enter (entry_z) and how long to hold; it
replaces none of its limits. So the baseline itself is asked first, with its entry threshold lowered as far as its limits go:
to exit_z, or to the entry_z that a person wrote into the ticket. What it answers is the most that may be held: the side, the
conviction's units, and flat or held without adding on expiry, time stop, breakdown, missing features, orientation, a hedge
ratio below min_beta, a restricted name, a blackout, or a re-entry that has to wait. The model may then take all of it, half a
unit, or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from riskdesk_assets.common.hashing import digest
from riskdesk_assets.controllers.baseline import Proposal, Rules, Signal, Stance, propose
from riskdesk_assets.controllers.policy_model import POLICY_VERSION, Fit, PolicyModel, Thresholds

DECIDABLE = frozenset({"ENTER", "REVERSE", "HOLD"})
"""Answers of the baseline that leave the size open; every other one stands."""

LOWEST_CONFIDENCE = 0.5


@dataclass(frozen=True)
class SessionPolicy:
    """A usable model and what it reads at one close: pair -> features in the model's order, None where one does not exist."""

    model: PolicyModel
    features: Mapping[str, tuple[float, ...] | None]

    @property
    def version(self) -> str:
        """What ``decisions`` calls the controller: its version and the model's id."""
        return f"{POLICY_VERSION}:{self.model.model_id}"

    @property
    def inputs(self) -> dict[str, str]:
        """What a session's run id rests on: the hash of the model, and of what it read."""
        return {"content_hash": self.model.content_hash, "features": digest(self.features)}


@dataclass(frozen=True)
class Decision:
    """The policy's proposal, and what it rests on.

    ``value`` is the predicted net return of a unit position over the horizon, a fraction of its gross; ``confidence`` is the
    policy's own, from 0.5 where it would just keep a position to 1 where it takes a full unit. Both are None where a limit of
    the baseline decided.
    """

    proposal: Proposal
    value: float | None = None
    confidence: float | None = None


def decide(
    fit: Fit,
    features: Sequence[float] | None,
    rules: Rules,
    own_entry_z: float | None,
    signal: Signal | None,
    stance: Stance,
    session: date,
    entry_block: str | None,
) -> Decision:
    """Decide one ticket's units for one session.

    Args:
        fit: the fitted part of a usable model.
        features: the pair's features in the model's order; None where one of them does not exist.
        rules: the ticket's rules, as the baseline reads them.
        own_entry_z: the entry threshold the ticket itself gives; None where it gives none.
        signal, stance, session, entry_block: as for the baseline.
    """
    value = None if features is None else fit.predict(features)
    return decide_value(fit.thresholds, value, rules, own_entry_z, signal, stance, session, entry_block)


def decide_value(
    thresholds: Thresholds,
    value: float | None,
    rules: Rules,
    own_entry_z: float | None,
    signal: Signal | None,
    stance: Stance,
    session: date,
    entry_block: str | None,
) -> Decision:
    """As :func:`decide`, from the predicted value."""
    lowered = max(rules.exit_z, rules.exit_z if own_entry_z is None else own_entry_z)
    most = propose(replace(rules, entry_z=lowered), signal, stance, session, entry_block)
    if most.reason not in DECIDABLE or signal is None:
        return Decision(most)
    holding = most.reason == "HOLD"
    if value is None:
        if holding:
            return Decision(replace(most, reason="HOLD_NO_POLICY_FEATURES", never_add=True))
        return Decision(replace(most, units=0.0, reason="NO_POLICY_FEATURES"))
    size = min(_action(thresholds, value, holding=holding), abs(most.units))
    sure = confidence(thresholds, value)
    if size == 0.0:
        return Decision(
            replace(most, units=0.0, reason="POLICY_EXIT" if stance.side else "POLICY_FLAT", never_add=False), value, sure
        )
    side = 1 if most.units > 0 else -1
    # The baseline asks for the hedge of an entry only; it never grows a position, this does.
    thin = rules.min_beta is not None and signal.beta < rules.min_beta
    return Decision(replace(most, units=side * size, never_add=most.never_add or (holding and thin)), value, sure)


def confidence(thresholds: Thresholds, value: float) -> float:
    """0.5 + 0.5 clip((value - hold) / (full - hold), 0, 1): the policy's own, for the gatekeeper (methods.md section 6)."""
    width = thresholds.full - thresholds.hold
    share = 1.0 if width <= 0 else min(max((value - thresholds.hold) / width, 0.0), 1.0)
    return LOWEST_CONFIDENCE + 0.5 * share


def _action(thresholds: Thresholds, value: float, *, holding: bool) -> float:
    """Size in {0, 0.5, 1}. The target pays for a way in and a way out; a held position has paid the one and owes the other
    anyway, so it is kept, at half, down to ``hold``."""
    if value >= thresholds.full:
        return 1.0
    return 0.5 if value >= (thresholds.hold if holding else thresholds.half) else 0.0
