"""One decision: document 003's flow of checks over an account and its switches, as a pure function.

1 kill switches: HALT; 2 regime: REJECT; 3 size; 4 constraints: ADJUST or REJECT; 5 final validation. A check that refuses new
exposure still lets a trade through that opposes what is held, as far as it only reduces it, whichever of the orders that wait
are filled; confidence below its threshold refuses either (X-07). The first refusal ends the checks; the rest stand in the trail
as SKIPPED.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, isfinite
from typing import cast

from riskdesk_assets.gatekeeper.account import Account, Reach
from riskdesk_assets.gatekeeper.config import RPMConfig, TapeRegime
from riskdesk_assets.gatekeeper.constraints import (
    Caps,
    Correlations,
    breaches,
    constrain,
    correlation_rule,
    request_of,
)
from riskdesk_assets.gatekeeper.instruments import Instrument, UnitValue, instrument_of, unit_value
from riskdesk_assets.gatekeeper.intent_check import is_fine, plain_numbers, problems_of
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
from riskdesk_assets.gatekeeper.trail import Check, CheckRecord, Outcome, Stage, checked, skipped_after

# Members by names of the module: looking one up in its class takes as long as a check's arithmetic.
_PASS, _ADJUST, _REJECT, _HALT, _SKIPPED = Outcome.PASS, Outcome.ADJUST, Outcome.REJECT, Outcome.HALT, Outcome.SKIPPED
_ASKED, _SWITCH, _REGIME, _SIZING = Stage.INPUT, Stage.KILL_SWITCH, Stage.REGIME, Stage.SIZING
_CONSTRAINTS, _FINAL = Stage.CONSTRAINTS, Stage.FINAL
_INPUT, _CLOCK, _VOLATILITY_SHOCK, _CONFIDENCE = Check.INPUT, Check.CLOCK, Check.VOLATILITY_SHOCK, Check.CONFIDENCE
_CONFIDENCE_COLLAPSE, _STRESSED_POSITIONS = Check.CONFIDENCE_COLLAPSE, Check.STRESSED_POSITIONS
_POSITION_SIZE, _REDUCE_ONLY, _POSITION_COUNT = Check.POSITION_SIZE, Check.REDUCE_ONLY, Check.POSITION_COUNT
_CORRELATION, _MINIMUM_SIZE, _FINAL_VALIDATION = Check.CORRELATION, Check.MINIMUM_SIZE, Check.FINAL_VALIDATION
_EXPOSURE = RejectionReason.EXPOSURE
_APPROVED, _ADJUSTED = TradeApprovalStatus.APPROVED, TradeApprovalStatus.ADJUSTED
_REJECTED = TradeApprovalStatus.REJECTED


def _note(check: Check, stage: Stage, outcome: Outcome, subject: str) -> CheckRecord:
    return checked(check, stage, outcome, None, None, 0.0, 0.0, subject)


_INPUT_FINE = _note(_INPUT, _ASKED, _PASS, "every field is usable")
_IN_TIME = _note(_CLOCK, _ASKED, _PASS, "not older than the account's newest reading")
_NO_TIME = _note(_CLOCK, _ASKED, _SKIPPED, "the intent has no time")
_NO_VOLATILITY = _note(_VOLATILITY_SHOCK, _SWITCH, _SKIPPED, "no realised and baseline volatility given, and none known")
_NO_LATCH = _note(_CONFIDENCE_COLLAPSE, _SWITCH, _SKIPPED, "confidence_collapse_latch is off")
_FEW_CONFIDENCES = _note(_CONFIDENCE_COLLAPSE, _SWITCH, _SKIPPED, "fewer confidences than confidence_window so far")
_NO_STRESS = _note(_STRESSED_POSITIONS, _REGIME, _PASS, "the tape regime is not STRESSED")
_FREE = _note(_REDUCE_ONLY, _CONSTRAINTS, _PASS, "the trade may add")
_NOTHING, _WORTHLESS = Instrument("", ""), UnitValue(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Rules:
    """What decisions follow: the configuration, its caps in dollars, correlations, currencies of symbols, and rates.

    ``rates``: account currency per unit of a currency. ``volatility_ratios``: realised over baseline volatility by symbol, for
    intents that bring none; ``volatility_source``: where those are from, in words.
    """

    config: RPMConfig
    config_hash: str
    caps: Caps
    correlations: Correlations
    currencies: Mapping[str, str]
    rates: Mapping[str, float]
    volatility_ratios: Mapping[str, float]
    volatility_source: str


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

    ``closable``: units it closes for certain: what is held against it, less what waits to close that already. ``opposes``:
    there is such. ``reduce_only``: why it may only reduce, "" when it may add. ``count``: positions with this trade.
    """

    intent: Intent
    account: Account
    board: Switchboard
    rules: Rules
    trail: list[CheckRecord]
    instrument: Instrument = _NOTHING
    worth: UnitValue = _WORTHLESS
    closable: float = 0.0
    opposes: bool = False
    count: int = 0
    reduce_only: str = ""


def _looked_at(course: _Course) -> TradeDecision | None:
    """Stage INPUT: usable fields, a value in the account's currency, a time that is not past."""
    intent, rules, trail = course.intent, course.rules, course.trail
    if not is_fine(intent):
        intent = course.intent = plain_numbers(intent)
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
        record = _note(_CLOCK, _ASKED, _REJECT, f"{intent.at} is before the account's newest reading, {newest}")
        return _rejected(course, RejectionReason.STALE_STATE, record)
    else:
        trail.append(_IN_TIME)
    course.instrument, course.worth = instrument, worth
    position = course.account.positions.get(intent.symbol)
    course.count = len(course.account.positions) + (position is None)
    if position is not None:
        course.closable = max(0.0, position.lowest if intent.direction < 0 else -position.highest)
        course.opposes = course.closable > 0
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
        ratio, source = course.rules.volatility_ratios.get(intent.symbol), course.rules.volatility_source
    else:
        ratio, source = intent.realized_vol / intent.baseline_vol, ""
    if ratio is None:
        trail.append(_NO_VOLATILITY)
    else:
        outcome = _HALT if is_volatility_shock(ratio, config) else _PASS
        record = checked(_VOLATILITY_SHOCK, _SWITCH, outcome, ratio, config.vol_shock_ratio, 0.0, 0.0, source)
        if outcome is _HALT:
            if not course.opposes:
                return _rejected(course, RejectionReason.VOLATILITY, record)
            course.reduce_only = course.reduce_only or "its volatility is a shock"
        trail.append(record)
    confidence, least = intent.confidence_score, config.min_confidence_threshold
    if confidence < least:
        record = checked(_CONFIDENCE, _SWITCH, _REJECT, confidence, least, 0.0, 0.0)
        return _rejected(course, RejectionReason.CONFIDENCE, record)
    trail.append(checked(_CONFIDENCE, _SWITCH, _PASS, confidence, least, 0.0, 0.0))
    if not config.confidence_collapse_latch:
        trail.append(_NO_LATCH)
        return None
    mean = mean_confidence(board.state, config)
    if mean is None:
        trail.append(_FEW_CONFIDENCES)
    else:  # a mean below the threshold has latched already, and the board says so
        outcome = _HALT if mean < least else _PASS
        trail.append(checked(_CONFIDENCE_COLLAPSE, _SWITCH, outcome, mean, least, 0.0, 0.0))
    return None


def _past_regime(course: _Course) -> TradeDecision | None:
    """Stage REGIME: under stress, fewer positions."""
    if course.intent.regime != "STRESSED":
        course.trail.append(_NO_STRESS)
        return None
    places = regime_rule("STRESSED", course.rules.config).max_positions
    outcome = _PASS if course.count <= places else _ADJUST if course.opposes else _REJECT
    record = checked(_STRESSED_POSITIONS, _REGIME, outcome, course.count, places, 0.0, 0.0)
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
        record = _note(_POSITION_SIZE, _SIZING, _REJECT, _no_size(sizing))
        return _rejected(course, _reason_of_no_size(sizing), record), account
    trail.append(checked(_POSITION_SIZE, _SIZING, _PASS, formula, sizing.risk_capital, 0.0, formula))

    crowded = course.count > config.max_concurrent_positions
    units = _reduced_only(formula, course)
    if crowded and not course.opposes:
        places = config.max_concurrent_positions
        record = checked(_POSITION_COUNT, _CONSTRAINTS, _REJECT, course.count, places, units, 0.0)
        return _rejected(course, _EXPOSURE, record), account
    request = request_of(formula, worth.unit, rules.caps)
    if crowded or course.reduce_only:
        request = min(request, course.closable)
    units = _within_places(units, course.closable if crowded else units, course)
    standing = account.priced(intent.symbol, intent.current_price, worth.quote)
    reach = standing.reach(course.instrument)
    units = constrain(units, course.instrument, intent.direction, worth.unit, reach, rules.caps, trail)
    if units <= 0:
        return _rejected(course, _EXPOSURE, trail.pop()), account
    units = _correlated(units, course)
    return _validated(units, request, sizing, standing, reach, course)


def _validated(
    units: float, request: float, sizing: Sizing, standing: Account, reach: Reach, course: _Course
) -> tuple[TradeDecision, Account]:
    """Stage FINAL: enough is left (X-05), and no cap is broken by the account as it would be."""
    intent, rules, trail, worth = course.intent, course.rules, course.trail, course.worth
    smallest = max(rules.config.lot_size, rules.config.min_fill_fraction * request)
    if course.opposes and units == course.closable:
        smallest = 0.0  # what is left of a position can always be closed
    bound_by = _binding(trail) if units < sizing.units else ""
    if units < smallest:
        record = checked(_MINIMUM_SIZE, _FINAL, _REJECT, units, smallest, units, 0.0, bound_by)
        reason = _EXPOSURE if bound_by else RejectionReason.VOLATILITY
        return _rejected(course, reason, record, check=bound_by), course.account
    whole = units if course.instrument.quote else _in_lots(units, course)
    trail.append(checked(_MINIMUM_SIZE, _FINAL, _PASS, units, smallest, units, whole))
    units = whole
    after = standing.reserved(course.instrument, intent.direction * units, intent.current_price, worth.quote)
    broken = breaches(reach, after.reach(course.instrument), rules.caps)
    if broken:
        record = checked(_FINAL_VALIDATION, _FINAL, _REJECT, broken, 0, units, 0.0)
        return _rejected(course, _EXPOSURE, record), course.account
    trail.append(checked(_FINAL_VALIDATION, _FINAL, _PASS, 0, 0, units, units))
    status = _ADJUSTED if bound_by else _APPROVED
    trade = ApprovedTrade(intent, units, sizing, worth.unit, bound_by)
    return TradeDecision(status, intent, trade, None, tuple(trail), rules.config_hash), after


def _in_lots(units: float, course: _Course) -> float:
    """Down to whole lots, for shares do not trade in fractions as currencies do; what closes a position closes all of it."""
    lot = course.rules.config.lot_size
    count = floor(units / lot)
    if (count + 1) * lot <= units:  # the quotient of two floats can fall short of a whole number
        count += 1
    whole = min(units, count * lot)
    return course.closable if whole < course.closable <= units else whole


def _reduced_only(units: float, course: _Course) -> float:
    """No more than it closes, where the trade may only reduce."""
    if not course.reduce_only:
        course.trail.append(_FREE)
        return units
    left = min(units, course.closable)
    outcome = _ADJUST if left < units else _PASS
    course.trail.append(checked(_REDUCE_ONLY, _CONSTRAINTS, outcome, units, course.closable, units, left, course.reduce_only))
    return left


def _within_places(units: float, most: float, course: _Course) -> float:
    """Where more positions stand than may, no more than closes one of them."""
    left = min(units, most)
    outcome, places = _ADJUST if left < units else _PASS, course.rules.config.max_concurrent_positions
    course.trail.append(checked(_POSITION_COUNT, _CONSTRAINTS, outcome, course.count, places, units, left))
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
    adding = max(0.0, units - course.closable)
    left = units if found.multiplier == 1.0 or adding == 0.0 else (units - adding) + adding * found.multiplier
    outcome, most = _ADJUST if left < units else _PASS, rules.config.correlation_threshold
    record = checked(_CORRELATION, _CONSTRAINTS, outcome, found.correlation, most, units, left, found.symbol)
    trail.append(record)
    return left


def _skipped_correlation(outcome: Outcome, units: float, said: str) -> CheckRecord:
    return checked(_CORRELATION, _CONSTRAINTS, outcome, None, None, units, units, said)


def _binding(trail: list[CheckRecord]) -> str:
    """The last check that made the size smaller: each makes it smaller than the ones before left it."""
    for record in reversed(trail):
        if record.outcome is _ADJUST and record.units_after < record.units_before:
            return record.name.value
    return ""


def _unusable(course: _Course, said: str) -> TradeDecision:
    return _rejected(course, RejectionReason.INVALID_INPUT, _note(_INPUT, _ASKED, _REJECT, said))


def _rejected(
    course: _Course, reason: RejectionReason, record: CheckRecord, refusing: CheckRecord | None = None, check: str = ""
) -> TradeDecision:
    """A rejection whose trail ends with ``record``; ``refusing`` if an earlier one refused, ``check`` if another bound."""
    told = record if refusing is None else refusing
    trade = RejectedTrade(course.intent, reason, check or told.name.value, told)
    trail = (*course.trail, record, *skipped_after(record.name))
    return TradeDecision(_REJECTED, course.intent, None, trade, trail, course.rules.config_hash)


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
