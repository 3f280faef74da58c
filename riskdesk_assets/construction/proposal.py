"""Stages 1 to 3 of the funnel: budget, controller, volatility scale and ticket caps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from riskdesk_assets.book.clips import BUDGET, CONTROLLER, FROZEN, TICKET_CAPS, VOL_TARGET, Clip
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.construction.inputs import DayInputs, DeskContext, PairSignal
from riskdesk_assets.construction.state import DeskState, Position
from riskdesk_assets.controllers.baseline import Proposal, Rules, Signal, Stance, leg_notionals, propose
from riskdesk_assets.controllers.policy import Decision, decide
from riskdesk_assets.controllers.vol_target import GROSS_CLAMP, LEG_CLAMP_A, Clamp, cap_ticket, volatility_scale
from riskdesk_assets.gatekeeper.ticket_gate import GateDecision
from riskdesk_assets.limits.limit import Leg
from riskdesk_assets.strategy.budget_cuts import BudgetCut, budget_cuts
from riskdesk_assets.strategy.restrictions import entry_block
from riskdesk_assets.strategy.ticket import Ticket


@dataclass(frozen=True)
class TicketDay:
    """One ticket on its way through the funnel. Legs are signed dollars (A, B).

    ``fixed``: the position cannot trade today; it stays as it is and counts in every limit. ``predicted_return`` and
    ``confidence`` are the learned policy's own; None where the baseline decided.
    """

    ticket_id: str
    leg_a: str
    leg_b: str
    ticket: Ticket | None
    position: Position | None
    signal: PairSignal | None
    proposal: Proposal
    fixed: bool = False
    budget: float = 0.0
    proposed: tuple[float, float] = (0.0, 0.0)
    vol_scale: float = 1.0
    capped: tuple[float, float] = (0.0, 0.0)
    clamp_codes: tuple[str, ...] = ()
    gate: GateDecision | None = None
    approved: tuple[float, float] = (0.0, 0.0)
    clips: tuple[Clip, ...] = field(default=())
    predicted_return: float | None = None
    confidence: float | None = None

    def but(self, **changes: Any) -> TicketDay:
        """The ticket with some fields changed, as ``dataclasses.replace`` would, at a third of its cost."""
        return TicketDay(**{**vars(self), **changes})

    @property
    def pair_id(self) -> str:
        """``A__B``."""
        return f"{self.leg_a}__{self.leg_b}"

    @property
    def held(self) -> tuple[float, float]:
        """Held legs at today's marks, signed dollars."""
        if self.position is None:
            return 0.0, 0.0
        return self.position.leg_a.value / TICKS_PER_DOLLAR, self.position.leg_b.value / TICKS_PER_DOLLAR

    def legs(self, notionals: tuple[float, float]) -> tuple[Leg[float], Leg[float]]:
        """Two dollar amounts as this ticket's legs."""
        return Leg(self.ticket_id, self.leg_a, notionals[0]), Leg(self.ticket_id, self.leg_b, notionals[1])


def gross(notionals: tuple[float, float]) -> float:
    """|A| + |B|."""
    return abs(notionals[0]) + abs(notionals[1])


def held_toward(item: TicketDay, target: tuple[float, float]) -> float:
    """Dollars of gross held in the target's direction: 0 when the ticket turns around."""
    turned = any(now * then < 0 for now, then in zip(item.held, target, strict=True))
    return 0.0 if turned else gross(item.held)


def proposals(day: DayInputs, state: DeskState, positions: Sequence[Position], context: DeskContext) -> tuple[TicketDay, ...]:
    """Every ticket in force or held, through stages 1 to 3, in ticket order.

    Args:
        day: today's inputs.
        state: the desk after the session before (for the controller's memory).
        positions: held positions at today's marks.
        context: configuration.
    """
    tickets = {ticket.ticket_id: ticket for ticket in day.tickets}
    held = {position.ticket_id: position for position in positions}
    items = [
        _controlled(ticket_id, tickets.get(ticket_id), held.get(ticket_id), day, state, context)
        for ticket_id in sorted({*tickets, *held})
    ]
    return _scaled(items, day, context)


def _controlled(
    ticket_id: str, ticket: Ticket | None, position: Position | None, day: DayInputs, state: DeskState, context: DeskContext
) -> TicketDay:
    """Stages 1 and 2: the ticket's budget and the controller's units of it."""
    memory = state.memory(ticket_id)
    leg_a, leg_b = (ticket.leg_a, ticket.leg_b) if position is None else (position.leg_a.symbol, position.leg_b.symbol)  # type: ignore[union-attr]

    def given_up(reason: str, *, armed: bool) -> TicketDay:
        proposal = Proposal(0.0, reason, never_add=True, armed=armed)
        return _closing(TicketDay(ticket_id, leg_a, leg_b, ticket, position, None, proposal))

    today = day.prints.get(day.session, {})
    missing = [symbol for symbol in (leg_a, leg_b) if symbol not in today]
    stuck = [leg.symbol for leg in position.legs if leg.shares and leg.symbol in missing] if position else []
    if stuck:
        why = f"no print of {', '.join(stuck)} on {day.session}: no trade, marked at the last real price"
        return fixed_as_it_is(given_up("FROZEN", armed=memory.armed), "FROZEN", why)
    if ticket is None and day.may_be_unreadable(ticket_id):
        why = "its ticket file cannot be read: no trade until it can"
        return fixed_as_it_is(given_up("TICKET_UNREADABLE", armed=memory.armed), "TICKET_UNREADABLE", why)
    if ticket is None:
        return given_up("TICKET_REMOVED", armed=True)
    if missing:
        return given_up("NO_BAR", armed=memory.armed)
    if (ticket.leg_a, ticket.leg_b) != (leg_a, leg_b):
        return given_up("PAIR_CHANGED", armed=True)
    signal = day.signals.get(ticket.pair_id)
    own = context.config.desk.controller.hysteresis == "controller"
    side, age = (memory.side, memory.age + 1) if own else ((position.side, position.age) if position else (0, 0))
    decision = _decision(ticket, signal, Stance(side, age, memory.armed), day, context)
    units = decision.proposal.units
    budget = day.budgets.get(ticket_id, ticket.max_gross_notional)
    clips: tuple[Clip, ...] = ()
    if signal is not None and units and budget < ticket.max_gross_notional:
        clips = _budget_clips(ticket, abs(units), budget, day)
    item = TicketDay(
        ticket_id,
        leg_a,
        leg_b,
        ticket,
        position,
        signal,
        decision.proposal,
        budget=budget,
        proposed=(0.0, 0.0) if signal is None else leg_notionals(units, budget, signal.beta),
        clips=clips,
        predicted_return=decision.value,
        confidence=decision.confidence,
    )
    if signal is None:
        return item.but(proposed=item.held) if units else item
    return _closing(item)


def _budget_clips(ticket: Ticket, units: float, budget: float, day: DayInputs) -> tuple[Clip, ...]:
    """A row for every multiplier that cut the ticket's budget; bounds are dollars at full units."""
    row = day.budget_rows.get(ticket.ticket_id)
    cuts = () if row is None else budget_cuts(row)
    if not cuts:
        reason = f"strategy budget of ${budget:,.0f} is below the ticket's ${ticket.max_gross_notional:,.0f}"
        cuts = (BudgetCut("budget", ticket.max_gross_notional, budget, reason),)
    return tuple(
        Clip(ticket.ticket_id, "", BUDGET, cut.name, cut.value_out, units * cut.value_in, units * cut.value_out, cut.reason)
        for cut in cuts
    )


def _decision(ticket: Ticket, pair: PairSignal | None, stance: Stance, day: DayInputs, context: DeskContext) -> Decision:
    """The baseline's units, or the learned policy's within the baseline's limits."""
    rules, block = ticket_rules(ticket, context), _block(ticket, day, context)
    signal = None if pair is None else Signal(pair.zscore, pair.beta, pair.extreme_z)
    if day.policy is None:
        return Decision(propose(rules, signal, stance, day.session, block))
    features = day.policy.features.get(ticket.pair_id)
    return decide(day.policy.model.fit, features, rules, ticket.entry_z, signal, stance, day.session, block)


def _closing(item: TicketDay) -> TicketDay:
    """A held position that the controller gives up for another reason than its own exit: the ledger says why."""
    reason = item.proposal.reason
    if item.proposal.units or reason in _QUIET or not gross(item.held):
        return item
    clip = Clip(item.ticket_id, "", CONTROLLER, reason, None, gross(item.held), 0.0, _SPOKEN.get(reason, reason))
    return item.but(clips=(*item.clips, clip))


_QUIET = frozenset({"HOLD", "ENTER", "REVERSE", "EXIT", "FLAT"})
_SPOKEN = {
    "NO_BAR": "the other leg has stopped printing",
    "TICKET_REMOVED": "the ticket is no longer in the active folder",
    "PAIR_CHANGED": "the ticket now names another pair",
    "EXPIRED_SKIP": "the ticket has expired",
    "NOT_YET_EFFECTIVE": "the ticket is not in force yet",
    "TIME_STOP": "held for the ticket's time stop",
    "BREAKDOWN_FLATTEN": "|z| is at or beyond the breakdown level and the ticket flattens on it",
    "POLICY_EXIT": "the learned policy expects nothing from keeping it",
    "NOT_REARMED": "re-entry waits for |z| to fall below exit_z",
    "ORIENTATION": "the ticket does not take this direction",
    "ORIENTATION_CHANGED": "the ticket no longer takes the direction it holds",
    "BETA_TOO_LOW": "the hedge ratio is too small to hedge",
}


def fixed_as_it_is(item: TicketDay, reason: str, sentence: str) -> TicketDay:
    """The position stays exactly as it is: it cannot trade today, and counts in every limit."""
    size = gross(item.held)
    keep = Proposal(float(item.position.side) if item.position else 0.0, reason, never_add=True, armed=item.proposal.armed)
    clip = Clip(item.ticket_id, "", FROZEN, reason, None, size, size, sentence)
    return item.but(proposal=keep, fixed=True, proposed=item.held, capped=item.held, approved=item.held, clips=(clip,))


def ticket_rules(ticket: Ticket, context: DeskContext) -> Rules:
    """What the controller reads of a ticket: its own thresholds where it gives them, the desk's where it does not."""
    settings = context.config.desk.controller
    return Rules(
        orientation=ticket.orientation,
        max_units=ticket.max_units,
        entry_z=settings.entry_z if ticket.entry_z is None else ticket.entry_z,
        exit_z=settings.exit_z if ticket.exit_z is None else ticket.exit_z,
        time_stop_sessions=ticket.time_stop_days,
        flatten_on_breakdown=ticket.flatten_on_breakdown,
        rearm_after_breakdown=settings.rearm_after_breakdown,
        min_beta=settings.min_beta,
        effective_from=ticket.effective_from,
        expires_on=ticket.expires_on,
    )


def _block(ticket: Ticket, day: DayInputs, context: DeskContext) -> str | None:
    barred = entry_block(context.config.desk.tickets, ticket, day.session)
    if barred is not None:
        return barred
    if context.needs_risk_model and (day.covariance is None or not day.covariance.covers(ticket.leg_a, ticket.leg_b)):
        return "NO_RISK_MODEL"
    return None


def _scaled(items: Sequence[TicketDay], day: DayInputs, context: DeskContext) -> tuple[TicketDay, ...]:
    """Stage 3: one volatility scale for the whole proposal, then each ticket's own caps, then what may not grow."""
    desk = context.config.desk
    scale, volatility = 1.0, 0.0
    if desk.vol_target.enabled and day.covariance is not None:
        net: dict[str, float] = defaultdict(float)
        for item in items:
            if not item.fixed:
                for leg in item.legs(item.proposed):
                    if day.covariance.covers(leg.symbol):
                        net[leg.symbol] += leg.notional
        scale, volatility = volatility_scale(dict(sorted(net.items())), day.covariance, desk.nav, desk.vol_target)
    return tuple(item if item.fixed else _capped(item, scale, volatility, context) for item in items)


def _capped(item: TicketDay, scale: float, volatility: float, context: DeskContext) -> TicketDay:
    if not gross(item.proposed) or item.ticket is None:
        return item
    clips = list(item.clips)
    # What is held without features was scaled when it was asked for: once more each session would wind it down.
    scale = 1.0 if item.signal is None else scale
    scaled = (item.proposed[0] * scale, item.proposed[1] * scale)
    if scale != 1.0:
        target = context.config.desk.vol_target.target_daily_vol
        reason = f"the proposal's daily volatility is {volatility:.3%} of nav, the target {target:.3%}: scaled by {scale:.3f}"
        clips.append(Clip(item.ticket_id, "", VOL_TARGET, "vol_target", target, gross(item.proposed), gross(scaled), reason))
    a, b, clamps = cap_ticket(*scaled, item.ticket.max_gross_notional, item.ticket.max_leg_notional)
    clips.extend(_clamp_clip(item, item.ticket, clamp) for clamp in clamps)
    codes = tuple(clamp.code for clamp in clamps)
    capped = (a, b)
    ceiling = held_toward(item, capped)
    if item.proposal.never_add and gross(capped) > ceiling:
        ratio = ceiling / gross(capped)
        kept = (a * ratio, b * ratio)
        clips.append(
            Clip(
                item.ticket_id,
                "",
                CONTROLLER,
                item.proposal.reason,
                ceiling,
                gross(capped),
                gross(kept),
                "held, but may not grow",
            )
        )
        capped, codes = kept, (*codes, "NO_ADD")
    return item.but(vol_scale=scale, capped=capped, clamp_codes=codes, clips=tuple(clips))


def _clamp_clip(item: TicketDay, ticket: Ticket, clamp: Clamp) -> Clip:
    """The row of one of the ticket's own caps: of gross, or of the leg whose cap it is."""
    if clamp.code == GROSS_CLAMP:
        symbol, bound, what = "", ticket.max_gross_notional, "both legs together"
    else:
        symbol = item.leg_a if clamp.code == LEG_CLAMP_A else item.leg_b
        bound, what = ticket.max_leg_notional, symbol
    reason = f"the ticket's own caps: at most ${bound:,.0f} of {what}"
    return Clip(item.ticket_id, symbol, TICKET_CAPS, clamp.code, bound, clamp.gross_in, clamp.gross_out, reason)
