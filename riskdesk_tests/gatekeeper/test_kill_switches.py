"""Document 003's topics "Kill Switches" (5), with X-06 to X-08."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.gatekeeper.config import RPMConfig
from riskdesk_assets.gatekeeper.desk_switches import SwitchMemory
from riskdesk_assets.gatekeeper.engine import RiskPortfolioManager
from riskdesk_assets.gatekeeper.kill_switches import (
    KillSwitchState,
    Reading,
    ResumeRefusedError,
    TradingState,
    Trigger,
    fresh,
    halt,
    measures,
    observe,
    resume,
)
from riskdesk_assets.gatekeeper.state_json import switch_memory_fields, switch_memory_of

from .asking import MONDAY, ask, reason, record, units

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CONFIG = RPMConfig()


def to_json(state: KillSwitchState) -> str:
    """The switches as the desk's memory keeps them."""
    return canonical_json(switch_memory_fields(SwitchMemory(state))["switches"])


def from_json(text: str) -> KillSwitchState | None:
    return switch_memory_of({**switch_memory_fields(SwitchMemory()), "switches": json.loads(text)}).switches


def _walked(*equities: float, step: timedelta = DAY, config: RPMConfig = CONFIG) -> KillSwitchState:
    state = fresh(100_000.0)
    for number, equity in enumerate(equities):
        state = observe(state, Reading(MONDAY + number * step, equity), config)
    return state


def test_a_drawdown_beyond_ten_percent_halts() -> None:
    # no day loses 2% and no week 5% of capital but the total is beyond 10% from the peak: -1,900 a day, three days a week
    state = fresh(100_000.0)
    equity, moments = 100_000.0, [MONDAY + timedelta(weeks=w, days=d) for w in range(5) for d in range(2)]
    for at in moments:
        equity -= 1_900
        state = observe(state, Reading(at, equity), CONFIG)
        if state.state is not TradingState.ACTIVE:
            break
    assert state.trigger is Trigger.MAX_DRAWDOWN
    assert measures(state).drawdown == pytest.approx(0.114)  # the sixth reading: 11,400 of 100,000
    assert _walked(85_000.0).trigger is Trigger.MAX_DRAWDOWN  # first in the document's order, of all that trip


def test_a_drawdown_within_the_day_is_from_the_days_peak_and_a_loss_from_the_last_close() -> None:
    assert _walked(103_000.0, 99_911.0, step=HOUR).state is TradingState.ACTIVE  # 2.999% from the peak, 89 down
    within = _walked(103_000.0, 99_900.0, step=HOUR)  # 3.0097% from the day's peak, but only 100 down
    assert (within.trigger, measures(within).daily_pnl) == (Trigger.DAILY_DRAWDOWN, -100.0)
    assert _walked(103_000.0, 101_100.0, 99_500.0).state is TradingState.ACTIVE  # the same fall over two nights


def test_a_loss_of_the_day_or_of_the_calendar_week_halts() -> None:
    assert _walked(98_000.0).state is TradingState.ACTIVE  # exactly at the limit
    assert _walked(97_999.99).trigger is Trigger.DAILY_LOSS
    assert _walked(98_500.0, 97_000.0, 95_500.0, 94_990.0).trigger is Trigger.WEEKLY_LOSS
    friday = [Reading(MONDAY + n * DAY, 100_000.0 - 1_200 * (n + 1)) for n in range(4)]
    state = fresh(100_000.0)
    for reading in (*friday, Reading(MONDAY + 7 * DAY, 94_000.0)):
        state = observe(state, reading, CONFIG)
    assert state.state is TradingState.ACTIVE  # a new week began
    assert measures(state).weekly_pnl == pytest.approx(94_000 - 95_200)


def test_a_day_ends_at_midnight_in_new_york() -> None:
    state = observe(fresh(100_000.0), Reading(datetime(2026, 1, 26, 23, 0, tzinfo=UTC), 98_500.0), CONFIG)
    same = observe(state, Reading(datetime(2026, 1, 27, 4, 59, tzinfo=UTC), 97_900.0), CONFIG)
    after = observe(state, Reading(datetime(2026, 1, 27, 5, 0, tzinfo=UTC), 97_900.0), CONFIG)
    assert same.trigger is Trigger.DAILY_LOSS
    assert (after.state, measures(after).daily_pnl) == (TradingState.ACTIVE, -600.0)


def test_a_volatility_shock_of_three_baselines_halts_the_account_and_one_of_a_symbol_its_trade() -> None:
    calm = observe(fresh(1.0), Reading(MONDAY, 1.0, volatility_ratio=2.999), CONFIG)
    assert calm.state is TradingState.ACTIVE
    assert observe(calm, Reading(MONDAY, 1.0, volatility_ratio=3.0), CONFIG).trigger is Trigger.VOLATILITY_SHOCK
    gatekeeper = RiskPortfolioManager()
    assert reason(ask(gatekeeper, realized_vol=0.30, baseline_vol=0.10)) == "VOLATILITY"
    assert units(ask(gatekeeper, realized_vol=0.29, baseline_vol=0.10)) > 0


def test_confidence_below_its_threshold_rejects_that_trade_and_the_latch_halts_when_its_mean_collapses() -> None:
    gatekeeper = RiskPortfolioManager()
    assert [reason(ask(gatekeeper, confidence_score=c)) for c in (0.45, 0.5999, 0.60)] == ["CONFIDENCE", "CONFIDENCE", ""]
    assert gatekeeper.state.switches.state is TradingState.ACTIVE
    latched = RiskPortfolioManager(RPMConfig(confidence_collapse_latch=True, confidence_window=3))
    with pytest.raises(InputError, match="at: is needed"):
        ask(latched)
    for number, confidence in enumerate((0.9, 0.5, 0.5)):
        ask(latched, confidence_score=confidence, at=MONDAY + number * HOUR)
    assert latched.state.switches.state is TradingState.ACTIVE  # mean 0.633
    output = ask(latched, confidence_score=0.7, at=MONDAY + 3 * HOUR)  # mean 0.567: a good one does not help
    assert (reason(output), latched.state.switches.trigger) == ("CONFIDENCE", Trigger.CONFIDENCE_COLLAPSE)


def test_under_stress_fewer_positions_may_stand() -> None:
    gatekeeper = RiskPortfolioManager()
    for symbol in ("A", "B", "C", "D"):
        gatekeeper.report_position(symbol, 1.0, 50.0, MONDAY)
    fifth = ask(gatekeeper, regime="STRESSED")
    assert (reason(fifth), record(fifth, "stressed_positions")[3:5]) == ("REGIME", (5, 4))
    assert units(ask(gatekeeper, regime="VOLATILE")) > 0


def test_a_halt_latches_through_better_times_and_a_resume_waits_for_the_cooldown() -> None:
    halted = _walked(97_000.0)
    recovered = observe(halted, Reading(MONDAY + DAY, 120_000.0), CONFIG)
    assert (recovered.state, recovered.since) == (TradingState.HALTED, MONDAY)
    with pytest.raises(ResumeRefusedError) as refused:
        resume(halted, MONDAY + timedelta(seconds=3599), "impatient", "me")
    assert refused.value.resume_from == MONDAY + HOUR
    active = resume(halted, MONDAY + HOUR, "understood", "me")
    assert (active.state, measures(active)) == (TradingState.ACTIVE, (0.0, 0.0, 0.0, 0.0))
    still = observe(active, Reading(MONDAY + 2 * HOUR, 97_000.0), CONFIG)
    assert still.state is TradingState.ACTIVE  # the loss that halted it does not halt it again
    assert observe(still, Reading(MONDAY + 3 * HOUR, 94_999.0), CONFIG).trigger is Trigger.DAILY_LOSS


def test_a_halt_by_hand_may_be_resumed_at_once_but_never_shortens_a_cooldown() -> None:
    by_hand = halt(fresh(100_000.0), MONDAY, "outage", "me")
    assert resume(by_hand, MONDAY, "over", "me").state is TradingState.ACTIVE
    both = halt(_walked(97_000.0), MONDAY + timedelta(minutes=1), "outage", "me")
    with pytest.raises(ResumeRefusedError):
        resume(both, MONDAY + timedelta(minutes=2), "over", "me")
    later = observe(by_hand, Reading(MONDAY + HOUR, 97_000.0), CONFIG)
    assert (later.automatic, later.resume_from) == (True, MONDAY + 2 * HOUR)
    with pytest.raises(ResumeRefusedError, match="nothing to resume"):
        resume(fresh(1.0), MONDAY, "why", "me")


def test_a_halt_and_a_resume_say_why_and_by_whom_at_a_time_with_a_zone() -> None:
    state = fresh(1.0)
    for at, why, by in ((MONDAY, " ", "me"), (MONDAY, "why", ""), (MONDAY.replace(tzinfo=None), "why", "me")):
        with pytest.raises(InputError):
            halt(state, at, why, by)
    with pytest.raises(InputError, match="REDUCING, HALTED"):
        halt(state, MONDAY, "why", "me", TradingState.ACTIVE)


def test_reducing_is_stricter_than_active_and_gives_way_only_to_halted() -> None:
    config = RPMConfig(on_loss_limit="REDUCING")
    reducing = _walked(97_900.0, config=config)
    assert (reducing.state, reducing.trigger) == (TradingState.REDUCING, Trigger.DAILY_LOSS)
    assert observe(reducing, Reading(MONDAY, 97_800.0), config) == _walked(97_900.0, 97_800.0, step=0 * DAY, config=config)
    halted = observe(reducing, Reading(MONDAY + HOUR, 89_000.0), config)
    assert (halted.state, halted.resume_from) == (TradingState.HALTED, MONDAY + 2 * HOUR)
    assert halt(halted, MONDAY + HOUR, "gently", "me", TradingState.REDUCING) == halted


def test_what_only_reduces_passes_a_stop_and_no_further_than_flat() -> None:
    for to in (TradingState.REDUCING, TradingState.HALTED):
        gatekeeper = RiskPortfolioManager()
        gatekeeper.report_position("EURUSD", 1_000.0, 1.1, MONDAY)
        gatekeeper.halt(MONDAY, "outage", "me", to)
        assert reason(ask(gatekeeper)) == "MANUAL_HALT"
        assert reason(ask(gatekeeper, symbol="GBPUSD", direction=-1)) == "MANUAL_HALT"
        closing = ask(gatekeeper, direction=-1)
        assert (units(closing), closing.decision.binding_constraint) == (1_000.0, "reduce_only")
        assert reason(ask(gatekeeper, direction=-1)) == "MANUAL_HALT"  # flat: more would be a short position
    hold = RiskPortfolioManager(RPMConfig(on_halt="hold"))
    hold.report_position("EURUSD", 1_000.0, 1.1, MONDAY)
    hold.halt(MONDAY, "outage", "me")
    assert reason(ask(hold, direction=-1)) == "MANUAL_HALT"


def test_time_does_not_run_backwards_and_readings_are_numbers() -> None:
    state = observe(fresh(1.0), Reading(MONDAY, 1.0), CONFIG)
    with pytest.raises(StateError, match="older than the newest"):
        observe(state, Reading(MONDAY - HOUR, 1.0), CONFIG)
    with pytest.raises(InputError, match="not a finite number"):
        observe(state, Reading(MONDAY, float("nan")), CONFIG)


@pytest.mark.parametrize("state", [fresh(1e5), _walked(97_000.0), halt(_walked(99_000.0), MONDAY, 'a "b" \u00e9', "me")])
def test_a_state_survives_as_json_and_goes_on_as_it_would_have(state: KillSwitchState) -> None:
    again = from_json(to_json(state))
    assert again == state
    assert to_json(again) == to_json(state)
    reading = Reading(MONDAY + DAY, 96_000.0)
    assert observe(again, reading, CONFIG) == observe(state, reading, CONFIG)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        to_json(fresh(1.0)).replace('"equity":1.0', '"equity":NaN'),
        to_json(fresh(1.0)).replace('"automatic":false', '"automatic":0'),
        to_json(fresh(1.0)).replace('"ACTIVE"', '"HALTED"'),
        to_json(fresh(1.0)).replace('"by":""', '"by":"","extra":1'),
        to_json(_walked(97_000.0)).replace("+00:00", ""),
    ],
)
def test_text_that_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        from_json(text)
