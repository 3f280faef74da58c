"""One decision: document 003's flow of checks over an account and its switches, as a pure function.

1 kill switches: HALT; 2 regime: REJECT; 3 size; 4 constraints: ADJUST or REJECT; 5 final validation. A check that refuses new
exposure still lets a trade through that opposes what is held, as far as it only reduces it; confidence below its threshold
refuses either (X-07). The first refusal ends the checks; the rest stand in the trail as SKIPPED.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import cast

from riskdesk_assets.gatekeeper.account import Account
from riskdesk_assets.gatekeeper.config import RPMConfig, TapeRegime
from riskdesk_assets.gatekeeper.constraints import (
    Caps,
    Correlations,
    Trade,
    breaches,
    constrain,
    correlation_rule,
    request_of,
)
from riskdesk_assets.gatekeeper.instruments import Instrument, UnitValue, instrument_of, unit_value
from riskdesk_assets.gatekeeper.intent_check import problems_of
from riskdesk_assets.gatekeeper.kill_switches import is_volatility_shock, mean_confidence
from riskdesk_assets.gatekeeper.position_sizing import Sizing, regime_rule, unit_ceiling
from riskdesk_assets.gatekeeper.schemas import (
    ApprovedTrade,
    Intent,
    RejectedTrade,
    RejectionReason,
    TradeApprovalStatus,
    TradeDecision,
)
from riskdesk_assets.gatekeeper.switchboard import Switchboard
from riskdesk_assets.gatekeeper.trail import Check, CheckRecord, Outcome, Stage, skipped_after

_PASS, _ADJUST, _REJECT, _HALT, _SKIPPED = Outcome.PASS, Outcome.ADJUST, Outcome.REJECT, Outcome.HALT, Outcome.SKIPPED
_SWITCH, _REGIME, _CONSTRAINTS, _FINAL = Stage.KILL_SWITCH, Stage.REGIME, Stage.CONSTRAINTS, Stage.FINAL
_EXPOSURE = RejectionReason.EXPOSURE


def _note(check: Check, stage: Stage, outcome: Outcome, subject: str) -> CheckRecord:
    return CheckRecord(check, stage, outcome, None, None, 0.0, 0.0, subject)


_INPUT_FINE = _note(Check.INPUT, Stage.INPUT, _PASS, "every field is usable")
_IN_TIME = _note(Check.CLOCK, Stage.INPUT, _PASS, "not older than the account's newest reading")
_NO_TIME = _note(Check.CLOCK, Stage.INPUT, _SKIPPED, "the intent has no time")
_NO_VOLATILITY = _note(Check.VOLATILITY_SHOCK, _SWITCH, _SKIPPED, "no realised and baseline volatility given")
_NO_LATCH = _note(Check.CONFIDENCE_COLLAPSE, _SWITCH, _SKIPPED, "confidence_collapse_latch is off")
_FEW_CONFIDENCES = _note(Check.CONFIDENCE_COLLAPSE, _SWITCH, _SKIPPED, "fewer confidences than confidence_window so far")
_NO_STRESS = _note(Check.STRESSED_POSITIONS, _REGIME, _PASS, "the tape regime is not STRESSED")
_FREE = _note(Check.REDUCE_ONLY, _CONSTRAINTS, _PASS, "the trade may add")
_NOTHING, _WORTHLESS = Instrument("", ""), UnitValue(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Rules:
    """What decisions follow: the configuration, its caps in dollars, correlations, currencies of symbols, and rates.

    ``rates``: account currency per unit of a currency.
    """

    config: RPMConfig
    config_hash: str
    caps: Caps
    correlations: Correlations
    currencies: Mapping[str, str]
    rates: Mapping[str, float]


def decide(intent: Intent, account: Account, board: Switchboard, rules: Rules) -> tuple[TradeDecision, Account]:
    """Decide one intent.

    Args:
        intent: what is asked; anything unusable in it is a rejection, never an exception.
        account: before the decision.
        board: the switches.
        rules: configuration and reference data.

    Returns:
        The decision with its trail, and the account after it: with the approved units pending, else the same object.
    """
    course = _Course(intent, account, board, rules, [])
    refused = _looked_at(course) or _past_switches(course) or _past_regime(course)
    return (refused, account) if refused is not None else _sized(course)


@dataclass(slots=True)
class _Course:
    """A decision under way: what it is about, its trail so far, and what was found of the intent on the way.

    ``reduce_only``: why the trade may only reduce, "" when it may add. ``count``: positions with this trade.
    """

    intent: Intent
    account: Account
    board: Switchboard
    rules: Rules
    trail: list[CheckRecord]
    instrument: Instrument = _NOTHING
    worth: UnitValue = _WORTHLESS
    held: float = 0.0
    opposes: bool = False
    count: int = 0
    reduce_only: str = ""


def _looked_at(course: _Course) -> TradeDecision | None:
    """Stage INPUT: usable fields, a value in the account's currency, a time that is not past."""
    intent, rules, trail = course.intent, course.rules, course.trail
    problems = problems_of(intent)
    if problems:
        return _unusable(course, "; ".join(map(str, problems)))
    own = rules.config.account_currency
    instrument = instrument_of(intent.symbol, rules.currencies, own)
    worth = unit_value(instrument, intent.current_price, rules.rates, own)
    if worth is None:
        return _unusable(course, f"{intent.symbol}: no rate leads from {instrument.quote or instrument.base} to {own}")
    trail.append(_INPUT_FINE)
    newest = course.board.state.observed_at
    if intent.at is None:
        trail.append(_NO_TIME)
    elif newest is not None and intent.at < newest:
        record = _note(Check.CLOCK, Stage.INPUT, _REJECT, f"{intent.at} is before the account's newest reading, {newest}")
        return _rejected(course, RejectionReason.STALE_STATE, record)
    else:
        trail.append(_IN_TIME)
    course.instrument, course.worth = instrument, worth
    position = course.account.positions.get(intent.symbol)
    course.count = len(course.account.positions) + (position is None)
    if position is not None:
        course.held = position.units + position.pending
        course.opposes = course.held * intent.direction < 0
    return None


def _past_switches(course: _Course) -> TradeDecision | None:
    """Stage KILL_SWITCH: the account's state and switches, then this trade's volatility and confidence."""
    intent, board, trail, config = course.intent, course.board, course.trail, course.rules.config
    trail += board.records
    if board.stopped is not None:
        if not (course.opposes and board.may_reduce):
            last = trail.pop()
            refusing = next(record for record in board.records if record.outcome is _HALT)
            return _rejected(course, board.stopped, last, refusing)
        course.reduce_only = "trading is stopped"
    if intent.realized_vol is None or intent.baseline_vol is None:
        trail.append(_NO_VOLATILITY)
    else:
        ratio, most = intent.realized_vol / intent.baseline_vol, config.vol_shock_ratio
        outcome = _HALT if is_volatility_shock(ratio, config) else _PASS
        record = CheckRecord(Check.VOLATILITY_SHOCK, _SWITCH, outcome, ratio, most, 0.0, 0.0)
        if outcome is _HALT:
            if not course.opposes:
                return _rejected(course, RejectionReason.VOLATILITY, record)
            course.reduce_only = course.reduce_only or "its volatility is a shock"
        trail.append(record)
    confidence, least = intent.confidence_score, config.min_confidence_threshold
    if confidence < least:
        record = CheckRecord(Check.CONFIDENCE, _SWITCH, _REJECT, confidence, least, 0.0, 0.0)
        return _rejected(course, RejectionReason.CONFIDENCE, record)
    trail.append(CheckRecord(Check.CONFIDENCE, _SWITCH, _PASS, confidence, least, 0.0, 0.0))
    if not config.confidence_collapse_latch:
        trail.append(_NO_LATCH)
        return None
    mean = mean_confidence(board.state, config)
    if mean is None:
        trail.append(_FEW_CONFIDENCES)
    else:  # a mean below the threshold has latched already, and the board says so
        outcome = _HALT if mean < least else _PASS
        trail.append(CheckRecord(Check.CONFIDENCE_COLLAPSE, _SWITCH, outcome, mean, least, 0.0, 0.0))
    return None


def _past_regime(course: _Course) -> TradeDecision | None:
    """Stage REGIME: under stress, fewer positions."""
    if course.intent.regime != "STRESSED":
        course.trail.append(_NO_STRESS)
        return None
    places = regime_rule("STRESSED", course.rules.config).max_positions
    outcome = _PASS if course.count <= places else _ADJUST if course.opposes else _REJECT
    record = CheckRecord(Check.STRESSED_POSITIONS, _REGIME, outcome, course.count, places, 0.0, 0.0)
    if outcome is _REJECT:
        return _rejected(course, RejectionReason.REGIME, record)
    course.trail.append(record)
    if outcome is _ADJUST:
        course.reduce_only = course.reduce_only or "the tape is stressed and its places are taken"
    return None


def _sized(course: _Course) -> tuple[TradeDecision, Account]:
    """Stages SIZING, CONSTRAINTS and FINAL."""
    intent, account, rules, trail = course.intent, course.account, course.rules, course.trail
    config, worth = rules.config, course.worth
    sizing = unit_ceiling(
        config.total_capital,
        config.risk_per_trade,
        intent.atr,
        config.atr_multiplier,
        intent.confidence_score,
        cast(TapeRegime, intent.regime),  # problems_of has looked
        intent.vol_percentile,
        config,
        worth.quote,
    )
    formula = sizing.units
    if not (formula > 0 and isfinite(formula * worth.unit)):
        record = _note(Check.POSITION_SIZE, Stage.SIZING, _REJECT, _no_size(sizing))
        return _rejected(course, _reason_of_no_size(sizing), record), account
    trail.append(CheckRecord(Check.POSITION_SIZE, Stage.SIZING, _PASS, formula, sizing.risk_capital, 0.0, formula))

    magnitude = abs(course.held)
    crowded = course.count > config.max_concurrent_positions
    units = _reduced_only(formula, magnitude, course)
    if crowded and not course.opposes:
        places = config.max_concurrent_positions
        record = CheckRecord(Check.POSITION_COUNT, _CONSTRAINTS, _REJECT, course.count, places, units, 0.0)
        return _rejected(course, _EXPOSURE, record), account
    request = request_of(formula, worth.unit, rules.caps)
    if crowded or course.reduce_only:
        request = min(request, magnitude)
    units = _within_places(units, magnitude if crowded else units, course)
    standing = account.priced(intent.symbol, intent.current_price, worth.quote)
    trade = Trade(course.instrument, intent.direction, course.held, worth.unit)
    units = constrain(units, trade, standing, rules.caps, trail)
    if units <= 0:
        return _rejected(course, _EXPOSURE, trail.pop()), account
    units = _correlated(units, course)
    return _validated(units, request, sizing, standing, course)


def _validated(
    units: float, request: float, sizing: Sizing, standing: Account, course: _Course
) -> tuple[TradeDecision, Account]:
    """Stage FINAL: enough is left (X-05), and no cap is broken by the account as it would be."""
    intent, rules, trail, worth = course.intent, course.rules, course.trail, course.worth
    smallest = max(rules.config.lot_size, rules.config.min_fill_fraction * request)
    if course.opposes and units == abs(course.held):
        smallest = 0.0  # what is left of a position can always be closed
    bound_by = _binding(trail) if units < sizing.units else ""
    if units < smallest:
        record = CheckRecord(Check.MINIMUM_SIZE, _FINAL, _REJECT, units, smallest, units, 0.0, bound_by)
        reason = _EXPOSURE if bound_by else RejectionReason.VOLATILITY
        return _rejected(course, reason, record, check=bound_by), course.account
    trail.append(CheckRecord(Check.MINIMUM_SIZE, _FINAL, _PASS, units, smallest, units, units))
    after = standing.reserved(course.instrument, intent.direction * units, intent.current_price, worth.quote)
    broken = breaches(standing, after, course.instrument, rules.caps)
    if broken:
        record = CheckRecord(Check.FINAL_VALIDATION, _FINAL, _REJECT, broken, 0, units, 0.0)
        return _rejected(course, _EXPOSURE, record), course.account
    trail.append(CheckRecord(Check.FINAL_VALIDATION, _FINAL, _PASS, 0, 0, units, units))
    status = TradeApprovalStatus.ADJUSTED if bound_by else TradeApprovalStatus.APPROVED
    trade = ApprovedTrade(intent, units, sizing, worth.unit, bound_by)
    return TradeDecision(status, intent, trade, None, tuple(trail), rules.config_hash), after


def _reduced_only(units: float, magnitude: float, course: _Course) -> float:
    """No more than is held, where the trade may only reduce."""
    if not course.reduce_only:
        course.trail.append(_FREE)
        return units
    left = min(units, magnitude)
    outcome = _ADJUST if left < units else _PASS
    course.trail.append(
        CheckRecord(Check.REDUCE_ONLY, _CONSTRAINTS, outcome, units, magnitude, units, left, course.reduce_only)
    )
    return left


def _within_places(units: float, most: float, course: _Course) -> float:
    """Where more positions stand than may, no more than closes one of them."""
    left = min(units, most)
    outcome, places = _ADJUST if left < units else _PASS, course.rules.config.max_concurrent_positions
    course.trail.append(CheckRecord(Check.POSITION_COUNT, _CONSTRAINTS, outcome, course.count, places, units, left))
    return left


def _correlated(units: float, course: _Course) -> float:
    """The size after the correlation rule, which touches only what adds, not what closes a position."""
    rules, trail, symbol = course.rules, course.trail, course.intent.symbol
    if not rules.correlations:
        trail.append(_skipped_correlation(_SKIPPED, units, "no correlations given"))
        return units
    found = correlation_rule(symbol, course.account.positions, rules.correlations, rules.config)
    if not found.symbol:
        if found.unknown:
            said = f"no correlation known with any of {found.unknown} positions"
            trail.append(_skipped_correlation(_SKIPPED, units, said))
        else:
            trail.append(_skipped_correlation(_PASS, units, "no other position"))
        return units
    closing = abs(course.held) if course.opposes else 0.0
    adding = max(0.0, units - closing)
    left = units if found.multiplier == 1.0 or adding == 0.0 else (units - adding) + adding * found.multiplier
    outcome, most = _ADJUST if left < units else _PASS, rules.config.correlation_threshold
    record = CheckRecord(Check.CORRELATION, _CONSTRAINTS, outcome, found.correlation, most, units, left, found.symbol)
    trail.append(record)
    return left


def _skipped_correlation(outcome: Outcome, units: float, said: str) -> CheckRecord:
    return CheckRecord(Check.CORRELATION, _CONSTRAINTS, outcome, None, None, units, units, said)


def _binding(trail: list[CheckRecord]) -> str:
    """The last check that made the size smaller: each makes it smaller than the ones before left it."""
    for record in reversed(trail):
        if record.outcome is _ADJUST and record.units_after < record.units_before:
            return record.name.value
    return ""


def _unusable(course: _Course, said: str) -> TradeDecision:
    return _rejected(course, RejectionReason.INVALID_INPUT, _note(Check.INPUT, Stage.INPUT, _REJECT, said))


def _rejected(
    course: _Course, reason: RejectionReason, record: CheckRecord, refusing: CheckRecord | None = None, check: str = ""
) -> TradeDecision:
    """A rejection whose trail ends with ``record``; ``refusing`` if an earlier one refused, ``check`` if another bound."""
    told = record if refusing is None else refusing
    trade = RejectedTrade(course.intent, reason, check or told.name.value, told)
    trail = (*course.trail, record, *skipped_after(record.name))
    return TradeDecision(TradeApprovalStatus.REJECTED, course.intent, None, trade, trail, course.rules.config_hash)


def _no_size(sizing: Sizing) -> str:
    if sizing.regime_multiplier == 0:
        return "the tape regime's multiplier is 0"
    if sizing.confidence_multiplier == 0:
        return "the confidence's multiplier is 0"
    return f"the formula gives {sizing.units:g} units"


def _reason_of_no_size(sizing: Sizing) -> RejectionReason:
    if sizing.regime_multiplier == 0:
        return RejectionReason.REGIME
    return RejectionReason.CONFIDENCE if sizing.confidence_multiplier == 0 else RejectionReason.INVALID_INPUT
