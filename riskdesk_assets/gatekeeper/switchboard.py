"""The account's own switches as the audit trail shows them, made once per state for every decision under it."""

from __future__ import annotations

from dataclasses import dataclass

from riskdesk_assets.gatekeeper.config import RPMConfig
from riskdesk_assets.gatekeeper.kill_switches import KillSwitchState, Measures, TradingState, Trigger, measures
from riskdesk_assets.gatekeeper.schemas import RejectionReason
from riskdesk_assets.gatekeeper.trail import Check, CheckRecord, Outcome, Stage

_PASS, _HALT, _SWITCH = Outcome.PASS, Outcome.HALT, Stage.KILL_SWITCH
REASON_OF: dict[Trigger, RejectionReason] = {
    Trigger.MANUAL: RejectionReason.MANUAL_HALT,
    Trigger.MAX_DRAWDOWN: RejectionReason.DRAWDOWN,
    Trigger.DAILY_DRAWDOWN: RejectionReason.DRAWDOWN,
    Trigger.DAILY_LOSS: RejectionReason.LOSS_LIMIT,
    Trigger.WEEKLY_LOSS: RejectionReason.LOSS_LIMIT,
    Trigger.VOLATILITY_SHOCK: RejectionReason.VOLATILITY,
    Trigger.CONFIDENCE_COLLAPSE: RejectionReason.CONFIDENCE,
}


@dataclass(frozen=True, slots=True)
class Switchboard:
    """A state of the switches as the trail shows it: five records, and why trading is stopped, if it is."""

    state: KillSwitchState
    seen: Measures
    records: tuple[CheckRecord, ...]
    stopped: RejectionReason | None
    may_reduce: bool


def switchboard(state: KillSwitchState, config: RPMConfig, last: Switchboard | None = None) -> Switchboard:
    """The records of the account's own switches; ``last``, of the same configuration, serves again where nothing changed."""
    seen, capital = measures(state), config.total_capital
    if last is not None and last.seen == seen and _why(last.state) == _why(state):
        return Switchboard(state, seen, last.records, last.stopped, last.may_reduce)
    daily, weekly = -config.daily_loss_limit * capital, -config.weekly_loss_limit * capital
    beyond = (
        (Check.MAX_DRAWDOWN, seen.drawdown, config.max_drawdown, seen.drawdown > config.max_drawdown),
        (Check.DAILY_DRAWDOWN, seen.daily_drawdown, config.max_daily_drawdown, seen.daily_drawdown > config.max_daily_drawdown),
        (Check.DAILY_LOSS, seen.daily_pnl, daily, seen.daily_pnl < daily),
        (Check.WEEKLY_LOSS, seen.weekly_pnl, weekly, seen.weekly_pnl < weekly),
    )
    active = state.state is TradingState.ACTIVE
    why = "ACTIVE" if active else f"{state.state.value} by {state.by}: {state.reason}"
    records = [CheckRecord(Check.TRADING_STATE, _SWITCH, _PASS if active else _HALT, None, None, 0.0, 0.0, why)]
    stopped = None if state.trigger is None or active else REASON_OF[state.trigger]
    for check, measured, bound, tripped in beyond:
        records.append(CheckRecord(check, _SWITCH, _HALT if tripped else _PASS, measured, bound, 0.0, 0.0))
        if tripped and stopped is None:  # a state kept under a looser configuration
            drawdown = check in (Check.MAX_DRAWDOWN, Check.DAILY_DRAWDOWN)
            stopped = RejectionReason.DRAWDOWN if drawdown else RejectionReason.LOSS_LIMIT
    may_reduce = state.state is TradingState.REDUCING or config.on_halt == "flatten"
    return Switchboard(state, seen, tuple(records), stopped, may_reduce)


def _why(state: KillSwitchState) -> tuple[TradingState, Trigger | None, str, str]:
    return state.state, state.trigger, state.reason, state.by
