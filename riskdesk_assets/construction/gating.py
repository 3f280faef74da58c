"""Stage 4's place in the day: the kill switches' reading, the intents, and what the decisions leave of each ticket.

Whatever comes after asks :func:`require_approved` first: a size that no decision of this run approved is not built on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from riskdesk_assets.book.clips import GATEKEEPER, Clip
from riskdesk_assets.common.errors import ReleaseError
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.construction.carry import Mark
from riskdesk_assets.construction.inputs import DayInputs, DeskContext, NameState
from riskdesk_assets.construction.proposal import TicketDay, fixed_as_it_is, gross, held_toward
from riskdesk_assets.construction.state import Position
from riskdesk_assets.controllers.baseline import signal_confidence
from riskdesk_assets.gatekeeper.desk_switches import SessionReading, SwitchMemory, observe_session
from riskdesk_assets.gatekeeper.kill_switches import TradingState
from riskdesk_assets.gatekeeper.switch_readings import universe_ratio
from riskdesk_assets.gatekeeper.ticket_gate import GateDecision, LegState, TicketIntent, by_ticket, clipped, gate_tickets
from riskdesk_assets.limits.limit import Measure

_ROUNDING = 1e-9  # of a size scaled by a ratio of two floats
HALTED = "HALTED"


def switched(
    items: Sequence[TicketDay],
    positions: Sequence[Position],
    equity: float,
    memory: SwitchMemory,
    day: DayInputs,
    context: DeskContext,
) -> SwitchMemory:
    """The kill switches after the session's reading; a profile without a gatekeeper forgets them.

    Args:
        items: every ticket after stage 3.
        positions: what is held, at today's marks.
        equity: dollars at today's marks, before today's costs.
        memory: the switches after the session before.
        day: today's inputs.
        context: configuration.
    """
    settings, desk = context.config.desk.gatekeeper, context.config.desk
    if not settings.enabled:
        return SwitchMemory()
    names = context.config.universe.tradable
    ratios = (day.names[name].volatility_ratio for name in names if name in day.names)
    confidences = [_confidence(item, context) for item in items if item.proposal.units and not item.fixed]
    reading = SessionReading(
        session=day.session,
        equity=equity,
        volatility_ratio=universe_ratio(ratios, len(names)),
        ticket_ratios=dict(_ticket_ratios(items, day)),
        confidence=fmean(confidences) if confidences else None,
        flat=not positions,
    )
    return observe_session(memory, reading, day.halts, desk.nav, context.rpm, settings.resume_after_sessions)


def gated(items: Sequence[TicketDay], switches: SwitchMemory, day: DayInputs, context: DeskContext) -> tuple[TicketDay, ...]:
    """Every ticket with its decision and what it leaves; fixed positions hold a place without asking."""
    settings = context.config.desk.gatekeeper
    if settings.enabled and settings.on_halt == "hold":
        items = [_held_still(item, switches) for item in items]
    count = next((limit for limit in context.limits if limit.measure is Measure.COUNT and limit.mode == "construct"), None)
    decisions = gate_tickets(
        day.run_id,
        [_intent(item, day, context) for item in items if not item.fixed],
        switches,
        None if count is None else count.bound,
        sum(1 for item in items if item.fixed),
        day.streams,
        context.rpm,
        settings,
        regime_known=day.market_regime is not None,
    )
    decided = by_ticket(decisions)
    return tuple(_approved(item, decided.get(item.ticket_id), day.run_id) for item in items)


def require_approved(items: Sequence[TicketDay], run_id: str) -> None:
    """Refuse any size that is more than a decision of this run approved for this ticket.

    Raises:
        ReleaseError: a ticket without a decision, with one of another run or ticket, with a size beyond it, or with legs on
            other sides than its proposal.
    """
    for item in items:
        gate, size = item.gate, gross(item.approved)
        who = f"ticket {item.ticket_id}"
        if gate is None:
            raise ReleaseError(f"{who} did not pass the gatekeeper: there is no decision on it")
        if gate.ticket_id != item.ticket_id or gate.run_id != run_id:
            raise ReleaseError(f"{who} shows a decision on {gate.ticket_id} of run {gate.run_id}, not of {run_id}")
        if size > gate.approved_gross * (1 + _ROUNDING):
            raise ReleaseError(f"{who} asks for ${size:,.2f}, but the gatekeeper approved ${gate.approved_gross:,.2f}")
        if size > max(gross(item.held), gross(item.capped)) * (1 + _ROUNDING):
            raise ReleaseError(f"{who} was approved for ${size:,.2f}, beyond what is held and what was proposed")
        if not item.fixed and any(now * asked < 0 for now, asked in zip(item.approved, item.capped, strict=True)):
            raise ReleaseError(f"{who} was approved on another side than was proposed")


def _ticket_ratios(items: Sequence[TicketDay], day: DayInputs) -> Iterator[tuple[str, float | None]]:
    """Realised over baseline volatility of the livelier leg of every ticket in force or held; None where it is not known."""
    for item in items:
        if item.position is None and (item.ticket is None or not item.ticket.in_force(day.session)):
            continue
        yield item.ticket_id, _livelier(item, day)


def _livelier(item: TicketDay, day: DayInputs) -> float | None:
    """Realised over baseline volatility of the livelier leg."""
    found = [day.names[leg].volatility_ratio for leg in (item.leg_a, item.leg_b) if leg in day.names]
    return max((ratio for ratio in found if ratio is not None), default=None)


def _held_still(item: TicketDay, switches: SwitchMemory) -> TicketDay:
    """A halted ticket that holds: no trade at all, in any direction."""
    alone = any(halt.ticket_id == item.ticket_id and halt.state == "HALTED" for halt in switches.tickets)
    halted = switches.state is TradingState.HALTED or alone
    if item.fixed or not halted or item.position is None:
        return item
    return fixed_as_it_is(item, HALTED, "halted: what is held stands, nothing trades")


def _confidence(item: TicketDay, context: DeskContext) -> float:
    """Methods section 6: the baseline's is the signal's strength; a learned policy brings its own."""
    if item.confidence is not None:
        return item.confidence
    if item.signal is None:
        return 0.0
    desk = context.config.desk
    exit_z = desk.controller.exit_z if item.ticket is None or item.ticket.exit_z is None else item.ticket.exit_z
    return signal_confidence(abs(item.signal.zscore), exit_z, desk.features.breakdown_z)


def _intent(item: TicketDay, day: DayInputs, context: DeskContext) -> TicketIntent:
    today = day.prints.get(day.session, {})
    leg_a, leg_b = (
        _leg_state(symbol, notional, day.names.get(symbol), today.get(symbol))
        for symbol, notional in zip((item.leg_a, item.leg_b), item.capped, strict=True)
    )
    return TicketIntent(
        item.ticket_id,
        (leg_a, leg_b),
        held_toward(item, item.capped),
        item.position is not None,
        abs(item.signal.zscore) if item.signal else 0.0,
        _confidence(item, context),
        item.pair_id,
        item.held,
        _livelier(item, day),
    )


def _leg_state(symbol: str, notional: float, state: NameState | None, mark: Mark | None) -> LegState:
    price = mark.close / TICKS_PER_DOLLAR if mark else 0.0
    if state is None:
        return LegState(symbol, notional, price, None, None, None)
    return LegState(symbol, notional, price, state.atr, state.vol_percentile, state.tape_regime)


def _approved(item: TicketDay, decision: GateDecision | None, run_id: str) -> TicketDay:
    if decision is None:  # fixed: it cannot trade, and was not asked
        size = gross(item.held)
        return item.but(gate=GateDecision(run_id, item.ticket_id, "APPROVED", size, size, size, item.proposal.reason))
    size = gross(item.capped)
    if decision.approved_gross >= size:
        return item.but(gate=decision, approved=item.capped)
    ratio = decision.approved_gross / size
    approved = (item.capped[0] * ratio, item.capped[1] * ratio)
    codes = tuple(dict.fromkeys(f"GATE_{check.check.value.upper()}" for check in clipped(decision)))
    return item.but(
        gate=decision,
        approved=approved,
        clamp_codes=(*item.clamp_codes, *codes),
        clips=(*item.clips, *_clips(decision)),
    )


def _clips(decision: GateDecision) -> Iterator[Clip]:
    for check in clipped(decision):
        name, before, after = check.check.value, check.gross_before, check.gross_after
        yield Clip(decision.ticket_id, check.symbol, GATEKEEPER, name, check.gross_bound, before, after, check.note)
