"""Kill switches: a frozen state and the transitions between its values; nothing here reads a clock.

Readings: drawdown is from the highest equity to now, in total and within the day; loss is against the equity of the previous
close, of the day and of the calendar week, in New York (X-06). A switch trips when its quantity is strictly beyond the limit
(document 003: "15% > 10%", "-2500 < -2000"), the volatility shock when the ratio reaches its bound (X-03: ">= 3x").
States latch: only :func:`resume` leads back to ACTIVE, and after an automatic trip not before the cooldown is over (X-08).
A resume starts equity peak, loss windows and confidences anew, or the same condition would trip at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from riskdesk_assets.common.errors import InputError, Problem, StateError
from riskdesk_assets.gatekeeper.config import RPMConfig

NEW_YORK = ZoneInfo("America/New_York")
CALLER = "kill switches"
_ROUNDING = 1e-12  # of a ratio of two floats


class TradingState(StrEnum):
    """ACTIVE; REDUCING: only what reduces |exposure| passes; HALTED: nothing adds (RPMConfig.on_halt says what passes)."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class Trigger(StrEnum):
    """What stopped trading."""

    MANUAL = "MANUAL"
    MAX_DRAWDOWN = "MAX_DRAWDOWN"
    DAILY_DRAWDOWN = "DAILY_DRAWDOWN"
    DAILY_LOSS = "DAILY_LOSS"
    WEEKLY_LOSS = "WEEKLY_LOSS"
    VOLATILITY_SHOCK = "VOLATILITY_SHOCK"
    CONFIDENCE_COLLAPSE = "CONFIDENCE_COLLAPSE"


class ResumeRefusedError(StateError):
    """A resume that is not allowed now; ``resume_from`` is the earliest moment it will be, None when nothing is halted."""

    def __init__(self, message: str, resume_from: datetime | None = None) -> None:
        super().__init__(message)
        self.resume_from = resume_from


@dataclass(frozen=True, slots=True)
class KillSwitchState:
    """Everything the switches remember. Equities in dollars; ``since`` and ``resume_from`` only while not ACTIVE.

    ``automatic``: a switch, not a person, stopped trading. ``day``: New York date of the newest reading.
    """

    equity: float
    equity_peak: float
    previous_close_equity: float
    day_peak: float
    week_start_equity: float
    day: date | None = None
    observed_at: datetime | None = None
    recent_confidences: tuple[float, ...] = ()
    state: TradingState = TradingState.ACTIVE
    trigger: Trigger | None = None
    reason: str = ""
    by: str = ""
    automatic: bool = False
    since: datetime | None = None
    resume_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What is seen at one moment: equity in dollars, and, where known, realised over baseline volatility and a confidence."""

    at: datetime
    equity: float
    volatility_ratio: float | None = None
    confidence: float | None = None


class VolatilityReading(NamedTuple):
    """The newest realised over baseline volatility that was held against ``vol_shock_ratio``.

    ``symbol``: of a trade in it; "" of the account, as :meth:`engine.RiskPortfolioManager.report_volatility` was told.
    ``source``: where it is from, if not from whoever asked.
    """

    ratio: float
    symbol: str = ""
    at: datetime | None = None
    source: str = ""


class Measures(NamedTuple):
    """Fractions of the peak lost (>= 0) and dollars gained since the last close of the day and of the week."""

    drawdown: float
    daily_drawdown: float
    daily_pnl: float
    weekly_pnl: float


def fresh(equity: float) -> KillSwitchState:
    """The state of an account that begins with ``equity`` dollars."""
    return KillSwitchState(equity, equity, equity, equity, equity)


def observe(state: KillSwitchState, reading: Reading, config: RPMConfig) -> KillSwitchState:
    """Take a reading in: roll day and week, move peaks, trip what it breaches. Never leads back toward ACTIVE.

    Raises:
        InputError: a time without zone, or a number that is not finite.
        StateError: the reading is older than the newest one.
    """
    _require_reading(state, reading)
    seen = _rolled(state, reading)
    if reading.confidence is not None:
        kept = (*seen.recent_confidences, reading.confidence)[-config.confidence_window :]
        seen = replace(seen, recent_confidences=kept)
    if seen.state is TradingState.HALTED and seen.automatic:
        return seen
    tripped = trips(seen, reading.volatility_ratio, config)
    return seen if tripped is None else _stopped(seen, reading.at, *tripped, config)


def halt(state: KillSwitchState, at: datetime, reason: str, by: str, to: TradingState = TradingState.HALTED) -> KillSwitchState:
    """Stop trading by hand. A state that is stricter, or halted already, stays as it is; a cooldown that runs goes on.

    Raises:
        InputError: no reason, nobody named, a time without zone, or ``to`` ACTIVE.
    """
    _require_person(at, reason, by)
    if to is TradingState.ACTIVE:
        raise InputError(Problem(CALLER, None, "to", "a halt does not lead to ACTIVE", "REDUCING, HALTED"))
    if state.state in (to, TradingState.HALTED):
        return state
    began = at if state.since is None else state.since
    return replace(state, state=to, trigger=Trigger.MANUAL, reason=reason, by=by, since=began, automatic=state.automatic)


def resume(state: KillSwitchState, at: datetime, reason: str, by: str) -> KillSwitchState:
    """Trade again: equity peak, loss windows and confidences start anew from the newest equity.

    Raises:
        InputError: no reason, nobody named, a time without zone.
        ResumeRefusedError: nothing is stopped, or the cooldown of an automatic stop is not over.
    """
    _require_person(at, reason, by)
    if state.state is TradingState.ACTIVE:
        raise ResumeRefusedError("trading is not halted: there is nothing to resume")
    earliest = state.since if state.resume_from is None else state.resume_from
    if earliest is not None and at < earliest:
        raise ResumeRefusedError(
            f"stopped by {state.trigger} at {_said(state.since)}: a resume is accepted from {_said(earliest)}", earliest
        )
    now = state.equity
    return replace(fresh(now), day=state.day, observed_at=max(at, state.observed_at or at))


def measures(state: KillSwitchState) -> Measures:
    """Drawdowns as fractions of their peaks (0 when the peak is not positive), profits in dollars."""
    return Measures(
        _drawdown(state.equity_peak, state.equity),
        _drawdown(state.day_peak, state.equity),
        state.equity - state.previous_close_equity,
        state.equity - state.week_start_equity,
    )


def end_of_day(state: KillSwitchState) -> datetime | None:
    """When the day of the newest reading is over: midnight in New York, as a time of UTC; None before the first reading."""
    if state.day is None:
        return None
    midnight = datetime.combine(state.day + timedelta(days=1), time(), NEW_YORK)
    return midnight.astimezone(UTC)


def is_volatility_shock(ratio: float, config: RPMConfig) -> bool:
    """Whether realised over baseline volatility reaches the bound; 0.30 over 0.10 does, though as floats it is short of 3."""
    return ratio >= config.vol_shock_ratio * (1 - _ROUNDING)


def mean_confidence(state: KillSwitchState, config: RPMConfig) -> float | None:
    """Mean of the last ``confidence_window`` confidences; None before there are that many."""
    kept = state.recent_confidences
    return math.fsum(kept) / len(kept) if len(kept) >= config.confidence_window else None


def _rolled(state: KillSwitchState, reading: Reading) -> KillSwitchState:
    """The reading's equity in, a new day's and week's windows started from the equity last seen before it."""
    today, equity = reading.at.astimezone(NEW_YORK).date(), reading.equity
    previous_close, day_peak, week_start = state.previous_close_equity, max(state.day_peak, equity), state.week_start_equity
    if state.day is not None and today != state.day:
        previous_close, day_peak = state.equity, equity
        if today.isocalendar()[:2] != state.day.isocalendar()[:2]:
            week_start = state.equity
    return replace(
        state,
        equity=equity,
        equity_peak=max(state.equity_peak, equity),
        previous_close_equity=previous_close,
        day_peak=day_peak,
        week_start_equity=week_start,
        day=today,
        observed_at=reading.at,
    )


def trips(state: KillSwitchState, volatility_ratio: float | None, config: RPMConfig) -> tuple[Trigger, str] | None:
    """The first switch whose condition holds in a state, in document 003's order, and why; None where none does."""
    seen = measures(state)
    daily, weekly = config.daily_loss_limit * config.total_capital, config.weekly_loss_limit * config.total_capital
    if seen.drawdown > config.max_drawdown:
        return Trigger.MAX_DRAWDOWN, f"drawdown {seen.drawdown:.2%} > {config.max_drawdown:.2%}"
    if seen.daily_drawdown > config.max_daily_drawdown:
        return Trigger.DAILY_DRAWDOWN, f"drawdown of the day {seen.daily_drawdown:.2%} > {config.max_daily_drawdown:.2%}"
    if seen.daily_pnl < -daily:
        return Trigger.DAILY_LOSS, f"P&L of the day {_dollars(seen.daily_pnl)} < {_dollars(-daily)}"
    if seen.weekly_pnl < -weekly:
        return Trigger.WEEKLY_LOSS, f"P&L of the week {_dollars(seen.weekly_pnl)} < {_dollars(-weekly)}"
    if volatility_ratio is not None and is_volatility_shock(volatility_ratio, config):
        return Trigger.VOLATILITY_SHOCK, f"volatility {volatility_ratio:.2f}x its baseline >= {config.vol_shock_ratio:.2f}x"
    mean = mean_confidence(state, config) if config.confidence_collapse_latch else None
    if mean is not None and mean < config.min_confidence_threshold:
        window = config.confidence_window
        return Trigger.CONFIDENCE_COLLAPSE, (
            f"mean of the last {window} confidences {mean:.3f} < {config.min_confidence_threshold:.3f}"
        )
    return None


def _stopped(state: KillSwitchState, at: datetime, trigger: Trigger, why: str, config: RPMConfig) -> KillSwitchState:
    soft = config.on_loss_limit == "REDUCING" and trigger in (Trigger.DAILY_LOSS, Trigger.WEEKLY_LOSS)
    to = TradingState.REDUCING if soft and state.state is not TradingState.HALTED else TradingState.HALTED
    if state.automatic and state.state is to:
        return state
    return replace(
        state,
        state=to,
        trigger=trigger,
        reason=why,
        by="a kill switch",
        automatic=True,
        since=at,
        resume_from=at + timedelta(seconds=config.cooldown_seconds),
    )


def _drawdown(peak: float, equity: float) -> float:
    return max(0.0, (peak - equity) / peak) if peak > 0 else 0.0


def _require_reading(state: KillSwitchState, reading: Reading) -> None:
    _require_zone(reading.at)
    for name in ("equity", "volatility_ratio", "confidence"):
        value = getattr(reading, name)
        if value is not None and not math.isfinite(value):
            raise InputError(Problem(CALLER, None, name, f"{value} is not a finite number"))
    if state.observed_at is not None and reading.at < state.observed_at:
        raise StateError(f"a reading of {_said(reading.at)} is older than the newest one, of {_said(state.observed_at)}")


def _require_person(at: datetime, reason: str, by: str) -> None:
    _require_zone(at)
    for name, value in (("reason", reason), ("by", by)):
        if not value.strip():
            raise InputError(Problem(CALLER, None, name, "is empty: a halt and a resume say why, and by whom"))


def _require_zone(at: datetime) -> None:
    if at.tzinfo is None:
        raise InputError(Problem(CALLER, None, "at", f"{at.isoformat()} has no time zone"))


def _dollars(value: float) -> str:
    return f"{'-' if value < 0 else ''}${abs(value):,.2f}"


def _said(at: datetime | None) -> str:
    return "an unknown time" if at is None else at.isoformat(timespec="seconds")
