"""Stage 4 of the desk day: every ticket is one intent with two legs; nothing comes out larger than max(held, proposed).

The checks run in document 003's order. The unit ceiling of its sizing formula bounds the whole position, per leg, and the
ticket takes the smaller ratio (methods.md section 6). All others bar additions only: a rejected ticket's target is the smaller
of what it holds and what was left of its proposal (design.md section 1); only a halt makes a ticket go flat.
Places go to held tickets first, then by |z|, then by id; a correlation is measured against held tickets and those admitted
before in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from riskdesk_assets.common.gate_settings import GateSettings
from riskdesk_assets.gatekeeper.config import RPMConfig, TapeRegime
from riskdesk_assets.gatekeeper.constraints import CorrelationFinding, Correlations, correlation_rule
from riskdesk_assets.gatekeeper.desk_switches import SwitchMemory
from riskdesk_assets.gatekeeper.kill_switches import Trigger
from riskdesk_assets.gatekeeper.position_sizing import regime_rule, unit_ceiling
from riskdesk_assets.gatekeeper.schemas import RejectionReason
from riskdesk_assets.gatekeeper.switch_readings import stopping
from riskdesk_assets.gatekeeper.switchboard import REASON_OF
from riskdesk_assets.gatekeeper.trail import Check, Outcome

Status = Literal["APPROVED", "ADJUSTED", "REJECTED"]
_ADVERSE: tuple[TapeRegime, ...] = ("STRESSED", "VOLATILE", "RANGING", "TRENDING")


@dataclass(frozen=True)
class LegState:
    """One leg of an intent: signed dollars proposed, its price, and what is known of the name (None: nothing).

    ``atr`` in dollars a share, ``vol_percentile`` in [0, 1].
    """

    symbol: str
    notional: float
    price: float
    atr: float | None
    vol_percentile: float | None
    tape_regime: TapeRegime | None


@dataclass(frozen=True)
class TicketIntent:
    """One ticket's proposal. ``held_gross``: dollars held in the proposed direction, ``held_legs`` per leg, signed; ``stream``:
    its P&L stream's id; ``volatility_ratio``: realised over baseline volatility of the livelier leg (None: unknown)."""

    ticket_id: str
    legs: tuple[LegState, LegState]
    held_gross: float
    has_position: bool
    abs_zscore: float
    confidence: float
    stream: str
    held_legs: tuple[float, float] = (0.0, 0.0)
    volatility_ratio: float | None = None

    @property
    def reduced_share(self) -> float:
        """The largest share of the proposal that lets no leg grow: 0 where a leg is new or turns around."""
        share = 1.0
        for leg, held in zip(self.legs, self.held_legs, strict=True):
            if leg.notional:
                share = min(share, max(0.0, held / leg.notional))
        return share

    @property
    def proposed_gross(self) -> float:
        """|A| + |B|, dollars."""
        return abs(self.legs[0].notional) + abs(self.legs[1].notional)

    @property
    def tape_regime(self) -> TapeRegime | None:
        """The more adverse of the legs'; None where one has none."""
        found = [leg.tape_regime for leg in self.legs if leg.tape_regime is not None]
        return min(found, key=_ADVERSE.index) if len(found) == len(self.legs) else None


@dataclass(frozen=True)
class GateCheck:
    """One check of one ticket: what was measured against which bound, dollars of gross before and after, and why in words.

    ``gross_bound``: the dollars of gross that a check which lowered the size allows, None where no number set it (a ticket sent
    flat); ``symbol``: the leg that decided, empty where none did. Both are for the ledger.
    """

    check: Check
    outcome: Outcome
    measured: float | None
    bound: float | None
    gross_before: float
    gross_after: float
    note: str
    gross_bound: float | None = None
    symbol: str = ""

    def to_dict(self) -> dict[str, object]:
        """JSON of the check."""
        return {
            "check": self.check.value,
            "outcome": self.outcome.value,
            "measured": self.measured,
            "bound": self.bound,
            "gross_before": self.gross_before,
            "gross_after": self.gross_after,
            "note": self.note,
        }


@dataclass(frozen=True)
class GateDecision:
    """What one ticket may have in one run: ``approved_gross`` <= max(held, proposed), in dollars; every check behind it.

    ``binding``: the check that decided, None where all passed. ``ceiling_ratio``: what the sizing formula would let stand of
    the proposal, 1 and more: all of it; None where it was not asked.
    """

    run_id: str
    ticket_id: str
    status: Status
    requested_gross: float
    held_gross: float
    approved_gross: float
    reason: str
    rejection: RejectionReason | None = None
    binding: Check | None = None
    tape_regime: TapeRegime | None = None
    confidence: float | None = None
    ceiling_ratio: float | None = None
    checks: tuple[GateCheck, ...] = ()


@dataclass
class _Case:
    """One ticket on its way through the checks; ``size`` is what is left of its proposal, in dollars of gross."""

    intent: TicketIntent
    size: float
    checks: list[GateCheck]
    ceiling_ratio: float | None = None
    rejection: RejectionReason | None = None
    binding: Check | None = None
    flat: bool = False

    @property
    def held(self) -> float:
        return self.intent.held_gross

    @property
    def wants_more(self) -> bool:
        """Whether the ticket still asks for more than it holds."""
        return self.rejection is None and self.size > self.held

    @property
    def enters(self) -> bool:
        """Whether the ticket would take a place: it holds none, or holds one and keeps a position."""
        return self.size > 0 and (self.rejection is None or self.intent.has_position)

    def passes(self, check: Check, note: str, measured: float | None = None, bound: float | None = None) -> None:
        self.checks.append(GateCheck(check, Outcome.PASS, measured, bound, self.size, self.size, note))

    def reject(
        self,
        check: Check,
        reason: RejectionReason,
        note: str,
        measured: float | None = None,
        bound: float | None = None,
        outcome: Outcome = Outcome.REJECT,
        *,
        flat: bool = False,
    ) -> None:
        before, allowed = self.size, None if flat else self.held
        self.size = 0.0 if allowed is None else min(before, allowed)
        self.flat = flat
        self.rejection, self.binding = reason, check
        self.checks.append(GateCheck(check, outcome, measured, bound, before, self.size, note, allowed))

    def stop(
        self, check: Check, reason: RejectionReason, note: str, measured: float | None, bound: float | None, *, flat: bool
    ) -> None:
        """A halt: flat, or no leg of it larger than it is; a proposal that only shrinks what is held passes."""
        most = 0.0 if flat else self.intent.proposed_gross * self.intent.reduced_share
        if not flat and self.size <= most:
            self.passes(check, f"{note}; nothing is added", measured, bound)
            return
        self.reject(check, reason, note, measured, bound, Outcome.HALT, flat=flat)
        if not flat and self.size > most:
            self.checks[-1] = replace(self.checks[-1], gross_after=most, gross_bound=most)
            self.size = most

    def adjust(
        self, check: Check, size: float, note: str, measured: float | None, bound: float | None, symbol: str = ""
    ) -> None:
        self.checks.append(GateCheck(check, Outcome.ADJUST, measured, bound, self.size, size, note, size, symbol))
        self.size, self.binding = size, check


def gate_tickets(
    run_id: str,
    intents: Sequence[TicketIntent],
    switches: SwitchMemory,
    places: int | None,
    fixed: int,
    correlations: Correlations,
    config: RPMConfig,
    settings: GateSettings,
    *,
    regime_known: bool = True,
) -> tuple[GateDecision, ...]:
    """Decide every ticket of a session, in ticket order.

    Args:
        run_id: the run the decisions are good for.
        intents: one per ticket that may trade.
        switches: the kill switches after the session's reading.
        places: how many tickets may hold a position; None: any number.
        fixed: how many places are held by positions that cannot trade today, and do not ask.
        correlations: of the tickets' P&L streams, by pair of stream ids.
        config: document 003's parameters for an account of the desk's nav.
        settings: what a rejection and a halt mean to the desk; not enabled: only the number of positions is checked.
        regime_known: whether the session has a market regime; without one no name has a tape regime, and that is the reason.
    """
    cases = [_Case(intent, intent.proposed_gross, []) for intent in sorted(intents, key=lambda intent: intent.ticket_id)]
    if settings.enabled:
        desk = stopping(switches, config)
        for case in cases:
            _switches(case, switches, desk, config.vol_shock_ratio, settings)
            _confidence(case, config)
            _unit_ceiling(case, config, regime_known=regime_known)
    queue = sorted(
        (case for case in cases if case.enters),
        key=lambda case: (not case.intent.has_position, -case.intent.abs_zscore, case.intent.ticket_id),
    )
    _places(queue, places, fixed, config, settings)
    if settings.enabled:
        _correlated(queue, correlations, config)
        for case in cases:
            _smallest(case, config)
    return tuple(_decision(case, run_id, settings) for case in cases)


def _switches(
    case: _Case, memory: SwitchMemory, desk: tuple[float | None, float | None], shock: float, settings: GateSettings
) -> None:
    """The desk's own state, then the ticket's: halted it goes flat or stands, reducing it may not grow.

    ``desk``: reading and limit of the switch that stops the desk; ``shock``: the ratio at which a ticket stops.
    """
    why, flat = memory.why, settings.on_halt == "flatten"
    if why is not None:
        note = f"the desk is {why.state} by {why.by}: {why.reason}"
        reason = _reason_of_trigger(why.trigger)
        case.stop(Check.TRADING_STATE, reason, note, *desk, flat=flat and why.state == "HALTED")
    else:
        case.passes(Check.TRADING_STATE, "the desk is ACTIVE")
    own = next((item for item in memory.tickets if item.ticket_id == case.intent.ticket_id), None)
    ratio = case.intent.volatility_ratio
    if own is not None and not case.flat:
        note = f"the ticket is {own.state} since {own.since}: {own.reason}"
        reason = _reason_of_trigger(own.trigger)
        case.stop(Check.VOLATILITY_SHOCK, reason, note, ratio, shock, flat=flat and own.state == "HALTED")
    elif own is None and case.rejection is None:
        case.passes(Check.VOLATILITY_SHOCK, "no halt of the ticket", ratio, shock)


def _reason_of_trigger(trigger: str) -> RejectionReason:
    return REASON_OF[Trigger(trigger)] if trigger in Trigger.__members__ else RejectionReason.MANUAL_HALT


def _confidence(case: _Case, config: RPMConfig) -> None:
    if case.rejection is not None or not case.size:
        return
    confidence, least = case.intent.confidence, config.min_confidence_threshold
    if confidence >= least:
        case.passes(Check.CONFIDENCE, f"confidence {confidence:.3f}, at least {least:.3f}", confidence, least)
    elif case.size <= case.held:
        case.passes(Check.CONFIDENCE, f"confidence {confidence:.3f}, but nothing is added", confidence, least)
    else:
        note = f"confidence {confidence:.3f} is below {least:.3f}: the position may not grow"
        case.reject(Check.CONFIDENCE, RejectionReason.CONFIDENCE, note, confidence, least)


def _unit_ceiling(case: _Case, config: RPMConfig, *, regime_known: bool) -> None:
    """Document 003's size as a ceiling per leg; the ticket's scale is the smaller ratio. It bounds what is rejected too."""
    if case.flat or not case.size:
        return
    intent, regime = case.intent, case.intent.tape_regime
    unknown = [leg.symbol for leg in intent.legs if leg.notional and (leg.atr is None or leg.vol_percentile is None)]
    if regime is None or unknown:
        if case.rejection is None:
            names = ", ".join(unknown or [leg.symbol for leg in intent.legs if leg.tape_regime is None])
            note = f"nothing is known of the range of {names} today"
            if not unknown and not regime_known:
                note = "the market regime is unknown today, and without it every tape regime"
            case.reject(Check.POSITION_SIZE, RejectionReason.STALE_STATE, note)
        return
    ratios: list[tuple[float, str, float, float]] = []
    for leg in intent.legs:
        if not leg.notional or leg.atr is None or leg.vol_percentile is None or leg.atr <= 0:
            continue
        sized = unit_ceiling(
            config.total_capital,
            config.risk_per_trade,
            leg.atr,
            config.atr_multiplier,
            intent.confidence,
            regime,
            leg.vol_percentile,
            config,
        )
        wanted = abs(leg.notional) / leg.price
        ratios.append((sized.units / wanted, leg.symbol, wanted, sized.units))
    if not ratios:
        return
    ratio, symbol, wanted, units = min(ratios)
    case.ceiling_ratio = ratio
    ceiling = intent.proposed_gross * ratio
    said = f"{symbol}: {wanted:,.0f} shares wanted, the ATR formula allows {units:,.0f} in a {regime} tape"
    if ceiling >= case.size:
        if ratio < 1.0:
            said = f"{said}, ${ceiling:,.0f} of the pair; the ${case.size:,.0f} left of the proposal is within that"
        case.passes(Check.POSITION_SIZE, said, wanted, units)
    elif case.rejection is None:
        case.adjust(Check.POSITION_SIZE, ceiling, f"{said}: {ratio:.1%} of the proposal", wanted, units, symbol)
    else:
        cut = GateCheck(Check.POSITION_SIZE, Outcome.ADJUST, wanted, units, case.size, ceiling, said, ceiling, symbol)
        case.checks.append(cut)
        case.size = ceiling


def _places(queue: Sequence[_Case], places: int | None, fixed: int, config: RPMConfig, settings: GateSettings) -> None:
    """Held tickets keep their places, then as many new ones as there are left; fewer where the newcomer's tape is stressed."""
    taken = fixed + sum(1 for case in queue if case.intent.has_position)
    for case in queue:
        if case.intent.has_position:
            continue
        most, check = places, Check.POSITION_COUNT
        reason = RejectionReason.EXPOSURE
        regime = case.intent.tape_regime
        if settings.enabled and regime is not None:
            stressed = regime_rule(regime, config).max_positions if regime == "STRESSED" else None
            if stressed is not None and (most is None or stressed < most):
                most, check, reason = stressed, Check.STRESSED_POSITIONS, RejectionReason.REGIME
        if most is None or taken < most:
            taken += 1
            if most is not None:
                case.passes(check, f"place {taken} of {most}", float(taken), float(most))
            continue
        words = " in a STRESSED tape" if check is Check.STRESSED_POSITIONS else ""
        case.reject(check, reason, f"all {most} places{words} are taken", float(taken + 1), float(most))


def _correlated(queue: Sequence[_Case], correlations: Correlations, config: RPMConfig) -> None:
    """What is added beside a stream that moves alike is a fraction of it; what is held already stays."""
    there = [case.intent for case in queue if case.intent.has_position]
    for case in queue:
        others = [intent for intent in there if intent.ticket_id != case.intent.ticket_id]
        if case.wants_more:
            found = _closest(case.intent, others, correlations, config)
            bound = config.correlation_threshold
            said = (
                f"correlation {found.correlation:+.3f} with {found.symbol}, beyond {bound:.2f} in size what is added shrinks"
                if found.symbol
                else "no other position to correlate with"
            )
            size = max(case.held, case.size * found.multiplier)
            if size < case.size:
                case.adjust(Check.CORRELATION, size, said, found.correlation, bound)
            else:
                case.passes(Check.CORRELATION, said, found.correlation, bound)
        if case.enters and not case.intent.has_position:
            there.append(case.intent)


def _closest(
    intent: TicketIntent, others: Sequence[TicketIntent], correlations: Correlations, config: RPMConfig
) -> CorrelationFinding:
    """The stream that moves most like the ticket's; another ticket on the same pair moves exactly like it."""
    if any(other.stream == intent.stream for other in others):
        return CorrelationFinding(intent.stream, 1.0, config.correlation_multiplier, 0)
    return correlation_rule(intent.stream, {other.stream for other in others}, correlations, config)


def _smallest(case: _Case, config: RPMConfig) -> None:
    """X-05: what is left below a share of the request is no position worth opening, nor worth growing to."""
    requested = case.intent.proposed_gross
    if case.rejection is not None or not requested:
        return
    least = requested * config.min_fill_fraction
    if case.size < least:
        note = f"${case.size:,.0f} is left of ${requested:,.0f}, below {config.min_fill_fraction:.0%}"
        binding = case.binding
        case.reject(Check.MINIMUM_SIZE, _reason_of(binding), note, case.size, least)
    else:
        case.passes(Check.MINIMUM_SIZE, f"at least {config.min_fill_fraction:.0%} of the request is left", case.size, least)


def _reason_of(check: Check | None) -> RejectionReason:
    return RejectionReason.VOLATILITY if check is Check.POSITION_SIZE else RejectionReason.EXPOSURE


def _decision(case: _Case, run_id: str, settings: GateSettings) -> GateDecision:
    intent, size = case.intent, case.size
    by_halt = case.binding in (Check.TRADING_STATE, Check.VOLATILITY_SHOCK)
    if case.rejection is not None and settings.enabled and settings.on_reject == "flatten" and not by_halt and size:
        case.checks.append(
            GateCheck(case.binding or Check.FINAL_VALIDATION, Outcome.REJECT, None, None, size, 0.0, "rejected tickets go flat")
        )
        size = 0.0
    status: Status = "APPROVED"
    if case.rejection is not None and intent.proposed_gross:
        status = "REJECTED"
    elif size < intent.proposed_gross:
        status = "ADJUSTED"
    return GateDecision(
        run_id=run_id,
        ticket_id=intent.ticket_id,
        status=status,
        requested_gross=intent.proposed_gross,
        held_gross=intent.held_gross,
        approved_gross=size,
        reason=_why(case),
        rejection=case.rejection if status == "REJECTED" else None,
        binding=case.binding if status != "APPROVED" else None,
        tape_regime=intent.tape_regime,
        confidence=intent.confidence if settings.enabled else None,
        ceiling_ratio=case.ceiling_ratio,
        checks=tuple(case.checks),
    )


def _why(case: _Case) -> str:
    """The sentences of the checks that changed something, in order."""
    return "; ".join(check.note for check in case.checks if check.outcome is not Outcome.PASS)


def clipped(decision: GateDecision) -> Iterator[GateCheck]:
    """The checks that lowered the size, in order: one row of the ledger each."""
    for check in decision.checks:
        if check.gross_after < check.gross_before:
            yield check


def by_ticket(decisions: Sequence[GateDecision]) -> Mapping[str, GateDecision]:
    """Ticket id -> decision."""
    return {decision.ticket_id: decision for decision in decisions}
