"""The desk's kill switches as a table: reading, limit and the share used, from the stored state."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from riskdesk_assets.gatekeeper.config import RPMConfig
from riskdesk_assets.gatekeeper.desk_switches import SwitchMemory, TicketHalt
from riskdesk_assets.gatekeeper.kill_switches import KillSwitchState, TradingState, Trigger, fresh
from riskdesk_assets.gatekeeper.switch_readings import stopping, switch_readings, universe_ratio, volatility_ratios

CONFIG = RPMConfig(total_capital=1_000_000.0)
# 4% below the peak, $9,000 lost today and $20,000 this week
LOST = KillSwitchState(
    equity=960_000.0,
    equity_peak=1_000_000.0,
    previous_close_equity=969_000.0,
    day_peak=960_000.0,
    week_start_equity=980_000.0,
)


def test_every_switch_has_its_reading_its_limit_and_the_share_used() -> None:
    shock = TicketHalt("wild", date(2026, 3, 2), -1, "VOLATILITY_SHOCK", "shock", automatic=True)
    found = switch_readings(SwitchMemory(LOST, tickets=(shock,)), CONFIG, 1.5, {"wild": 3.3, "calm": 1.0})
    assert [(one.switch, one.ticket_id, one.unit) for one in found] == [
        (Trigger.MAX_DRAWDOWN, "", "fraction"),
        (Trigger.DAILY_LOSS, "", "dollars"),
        (Trigger.WEEKLY_LOSS, "", "dollars"),
        (Trigger.VOLATILITY_SHOCK, "", "ratio"),
        (Trigger.VOLATILITY_SHOCK, "wild", "ratio"),
    ]
    assert [one.reading for one in found] == pytest.approx([0.04, 9_000.0, 20_000.0, 1.5, 3.3])
    assert [one.limit for one in found] == pytest.approx([0.10, 20_000.0, 50_000.0, 3.0, 3.0])
    assert [one.used for one in found] == pytest.approx([0.4, 0.45, 0.4, 0.5, 1.1])


def test_a_gain_uses_nothing_and_what_is_not_known_is_not_said_to_be_calm() -> None:
    found = switch_readings(SwitchMemory(replace(fresh(1e6), equity=1_010_000.0)), CONFIG, None, {})
    assert [(one.reading, one.used) for one in found] == [(0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (None, None)]
    assert switch_readings(SwitchMemory(), CONFIG, 1.0, {})[0].reading == 0.0  # before the first session


def test_a_confidence_latch_shows_its_mean() -> None:
    latched = RPMConfig(confidence_collapse_latch=True, confidence_window=2)
    state = replace(fresh(100_000.0), recent_confidences=(0.7, 0.9))
    last = switch_readings(SwitchMemory(state), latched, None, {})[-1]
    assert (last.switch, last.reading, last.limit, last.used) == (Trigger.CONFIDENCE_COLLAPSE, pytest.approx(0.8), 0.6, None)


def test_what_stops_the_desk_is_measured_where_the_state_holds_it() -> None:
    stopped = replace(LOST, state=TradingState.HALTED, trigger=Trigger.MAX_DRAWDOWN, reason="drawdown", by="a kill switch")
    assert stopping(SwitchMemory(stopped, date(2026, 3, 2)), CONFIG) == (pytest.approx(0.04), 0.10)
    by_volatility = replace(stopped, trigger=Trigger.VOLATILITY_SHOCK)
    assert stopping(SwitchMemory(by_volatility, date(2026, 3, 2)), CONFIG) == (None, None)
    assert stopping(SwitchMemory(LOST), CONFIG) == (None, None)


def test_a_few_names_are_no_universe() -> None:
    assert universe_ratio([1.0, 2.0, None, None], 4) == 1.5
    assert universe_ratio([1.0, None, None, None], 4) is None
    assert universe_ratio([], 0) is None
    rows = [
        {"symbol": "A", "vol_20": 0.3, "vol_baseline": 0.2},
        {"symbol": "B", "vol_20": None, "vol_baseline": 0.2},
        {"symbol": "C", "vol_20": 0.3, "vol_baseline": 0.0},
    ]
    assert volatility_ratios(rows) == {"A": pytest.approx(1.5)}
