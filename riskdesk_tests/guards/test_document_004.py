"""The worked examples and the test topics of document 004, as its readings (X-15 to X-18, X-28) hold them."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta

import pytest

from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.guards.config import PolicyConfig, load_policy
from riskdesk_assets.guards.demo import SCENARIOS, guard_answers
from riskdesk_assets.guards.evaluate import HierarchicalPolicyIntegration, evaluate_trading_decision
from riskdesk_assets.guards.orchestrator import intent_after
from riskdesk_assets.guards.paper_account import PaperAccount
from riskdesk_assets.guards.telemetry import LOGGER, PolicyTelemetry, policy_line
from riskdesk_assets.guards.types import Action, Layer, PositionIntent, Reason
from riskdesk_tests.desk_builder import changed
from riskdesk_tests.guards.policy import AT, decide, question, seed_policy


def since(minutes: float) -> datetime:
    return AT - timedelta(minutes=minutes)


def intent(target: float, minutes: float, symbol: str = "AAPL") -> PositionIntent:
    return PositionIntent(symbol, target, since(minutes))


def test_scenario_1_a_half_dollar_move_stays_inside_the_band():
    decision = decide(question("AAPL", 150.5, 100, 15_000))  # document 004: 15,050 in [14,250, 15,750]
    assert (decision.action, decision.qty_delta, decision.reason) == (Action.NOOP, 0, Reason.WITHIN_BAND)


def test_scenario_2_a_breach_buys_the_nearest_lot_to_the_lower_bound():
    decision = decide(question("AAPL", 151.0, 90, 15_000))  # document 004; X-16: 4.37 shares are 5, which land at 14,345
    assert (decision.action, decision.qty_delta, decision.reason) == (Action.ALLOW, 5, "buy_to_lower_bound")
    assert decision.metadata == {"current_val": 13_590.0, "target_val": 14_250.0, "band_pct": 0.05}


def test_scenario_3_is_clipped_by_the_symbol_cap_and_then_by_the_order_size():
    around = {"group_exposure": 45_000.0, "gross": 80_000.0, "net": 0.0}
    decision = decide(question("NVDA", 150.0, 0, 25_000, **around))  # document 004; X-17: Technology's 60,000 is not reached
    assert (decision.action, decision.qty_delta, decision.layer) == (Action.CLIP, 10, Layer.PER_TRADE)
    assert decision.qty_delta * 150.0 == 1500.0
    assert decision.metadata["target_val"] == 19_000.0  # 5% below the capped target of 20,000


def test_the_telemetry_sample_is_the_documents_line_to_the_letter():
    decision = decide(question("AAPL", 150.0, 90, 15_000))
    line = policy_line("AAPL", decision, AT)
    body = {
        "timestamp": "2024-01-15T10:30:00Z",
        "symbol": "AAPL",
        "action": "ALLOW",
        "qty_delta": 5,
        "reason": "buy_to_lower_bound",
        "layer": "per_symbol",
        "metadata": {"current_val": 13500.0, "target_val": 14250.0, "band_pct": 0.05},
    }  # document 004, "Structured Logging"
    assert line == "POLICY_DECISION: " + json.dumps(body)


def test_every_demo_scenario_is_answered_as_expected():
    answers = guard_answers(seed_policy())
    assert [answer.text for answer in answers] == [item.expects for item in SCENARIOS]
    assert all(answer.as_expected for answer in answers)


@pytest.mark.parametrize(
    ("price", "reason"),
    [(142.5, "within_band"), (142.49, "lot_rounds_to_zero"), (157.5, "within_band"), (157.51, "lot_rounds_to_zero")],
)
def test_the_band_ends_where_the_document_says(price, reason):
    assert decide(question("NVDA", price, 100, 15_000)).reason == reason


@pytest.mark.parametrize(
    ("price", "shares", "quantity"),
    # Needed to the lower bound of 950 (target 1,000): 2.4, 2.6, 7.4 and 7.6 shares; the nearest lots of 5.
    [(100.0, 7, 5), (95.0, 7, 5), (90.0, 3, 10), (47.5, 0, 20), (93.0, 5, 5)],
)
def test_a_band_move_is_rounded_to_the_nearest_lot(price, shares, quantity):
    decision = decide(question("AAPL", price, shares, 1_000))
    assert (decision.action, decision.qty_delta) == (Action.ALLOW, quantity)


def test_a_need_of_less_than_half_a_lot_is_no_order():
    decision = decide(question("AAPL", 100.0, 8, 1_000))  # needs 1.5 shares
    assert (decision.action, decision.reason, decision.layer) == (Action.NOOP, "lot_rounds_to_zero", Layer.PER_TRADE)


def test_where_a_cap_binds_lots_are_floored():
    # Lower bound of the cap: 14,250 of AAPL at 150 is 95 shares; at 149 it is 95.6, nearest 95, floor 95; at 147 it is 96.9.
    config = changed(seed_policy(), "risk.per_trade.max_notional", 50_000.0)
    assert decide(question("AAPL", 147.0, 0, 30_000, config=config)).qty_delta == 95
    assert decide(question("AAPL", 147.0, 0, 15_000, config=config)).qty_delta == 95
    assert decide(question("AAPL", 146.0, 0, 15_000, config=config)).qty_delta == 100  # 97.6: the nearest lot, 14,600
    assert decide(question("AAPL", 146.0, 0, 30_000, config=config)).qty_delta == 95  # the cap binds: floored


def test_the_nearest_lot_never_takes_a_position_over_its_cap():
    config = changed(seed_policy(), "risk.per_trade.max_notional", 50_000.0)
    # 28.5 shares to 14,250 at 500; the nearest 30 are 15,000, the cap itself; at 501 they would be 15,030.
    assert decide(question("AAPL", 500.0, 0, 15_000, config=config)).qty_delta == 30
    assert decide(question("AAPL", 501.0, 0, 15_000, config=config)).qty_delta == 25


def test_a_huge_order_is_clipped_and_a_small_one_is_dust():
    clipped = decide(question("AAPL", 100.0, 0, 14_000))
    assert (clipped.action, clipped.qty_delta, clipped.layer, clipped.reason) == ("CLIP", 15, "per_trade", "max_notional")
    dust = decide(question("AAPL", 20.0, 0, 150))  # 7.1 shares, 5 of them: 100 dollars
    assert (dust.action, dust.reason, dust.layer) == ("DENY", "below_min_order", "per_trade")


def test_a_lot_dearer_than_the_largest_order_is_denied():
    decision = decide(question("GS", 301.0, 0, 10_000, group="Financial"))  # 5 x 301 = 1,505
    assert (decision.action, decision.reason) == ("DENY", "lot_exceeds_max_notional")
    assert decide(question("GS", 300.0, 0, 10_000, group="Financial")).action == "CLIP"


def test_a_group_cap_clips_and_then_denies():
    around = {"group": "Financial", "gross": 60_000.0, "net": 0.0}
    clipped = decide(question("BAC", 40.0, 0, 5_000, group_exposure=49_150.0, **around))  # room for 850: 20 shares of 21
    assert (clipped.action, clipped.qty_delta, clipped.layer, clipped.reason) == ("CLIP", 20, "group", "group_cap")
    denied = decide(question("BAC", 40.0, 0, 5_000, group_exposure=49_900.0, **around))
    assert (denied.action, denied.qty_delta, denied.layer) == ("DENY", 0, "group")


@pytest.mark.parametrize(
    ("gross", "net", "quantity", "reason"),
    [
        (99_000.0, 0.0, 25, "gross_cap"),  # 1,000 of gross left: 25 shares at 40
        (60_000.0, 19_200.0, 20, "net_cap"),  # 800 of net left
        (99_200.0, 19_000.0, 20, "gross_cap"),  # both bind, gross sooner
        (99_000.0, 19_200.0, 20, "net_cap"),  # both bind, net sooner
    ],
)
def test_gross_and_net_bind_alone_and_together(gross, net, quantity, reason):
    decision = decide(question("BAC", 40.0, 0, 5_000, group="Energy", group_exposure=0.0, gross=gross, net=net))
    assert (decision.action, decision.qty_delta, decision.layer, decision.reason) == ("CLIP", quantity, "portfolio", reason)


def test_the_net_cap_holds_for_a_short_book_too():
    decision = decide(question("BAC", 40.0, 0, -5_000, group="Energy", group_exposure=0.0, gross=30_000.0, net=-19_200.0))
    assert (decision.action, decision.qty_delta, decision.reason) == ("CLIP", -20, "net_cap")


def test_a_short_relieves_the_net_that_a_long_would_break():
    decision = decide(question("BAC", 40.0, 0, -5_000, group="Energy", group_exposure=0.0, gross=60_000.0, net=25_000.0))
    assert (decision.action, decision.qty_delta, decision.layer) == ("CLIP", -35, "per_trade")


def test_price_alone_moves_nothing_between_ticks():
    assert decide(question("AAPL", 151.0, 90, 15_000), intent(15_000, 29.9)).reason == Reason.CADENCE_NOT_ELAPSED
    assert decide(question("AAPL", 170.0, 85, 12_000), intent(12_000, 10)).reason == Reason.CADENCE_NOT_ELAPSED
    assert decide(question("AAPL", 151.0, 90, 15_000), intent(15_000, 30)).qty_delta == 5


def test_a_changed_signal_does_not_wait_for_the_tick():
    assert decide(question("AAPL", 100.0, 100, 10_400), intent(10_000, 1)).reason == Reason.WITHIN_BAND
    assert decide(question("AAPL", 100.0, 100, 11_000), intent(10_000, 1)).qty_delta == 5  # 10%: to 10,450


def test_moves_of_four_percent_add_up_from_the_committed_target():
    first = question("NVDA", 100.0, 120, 12_480)
    assert decide(first, intent(12_000, 1, "NVDA")).action == Action.NOOP
    kept = intent_after(first, decide(first, intent(12_000, 1, "NVDA")), intent(12_000, 1, "NVDA"), AT)
    assert kept == intent(12_000, 1, "NVDA")  # nothing was committed
    second = question("NVDA", 100.0, 120, 12_480 * 1.04)
    decision = decide(second, kept)
    assert decision.action == Action.ALLOW
    moved = intent_after(second, decision, kept, AT)
    assert moved == PositionIntent("NVDA", 12_480 * 1.04, AT)


def test_a_closing_does_not_wait_for_the_tick():
    decision = decide(question("AAPL", 100.0, 10, 0), intent(0, 1))
    assert (decision.action, decision.qty_delta, decision.reason) == ("ALLOW", -10, "close_position")


def test_rounding_never_turns_a_closing_into_a_short():
    assert decide(question("AAPL", 100.0, 8, 0)).qty_delta == -5
    assert decide(question("AAPL", 100.0, 3, 0)).reason == Reason.LOT_ROUNDS_TO_ZERO


def test_a_breached_cap_is_reduced_between_ticks_and_no_further_than_the_cap():
    config = changed(seed_policy(), "risk.per_trade.max_notional", 50_000.0)
    over = question("AAPL", 160.0, 105, 10_000, config=config)
    decision = decide(over, intent(10_000, 1))
    assert (decision.qty_delta, decision.reason) == (-15, "reduce_to_cap")  # 16,800 to at most 15,000: 14,400
    assert decide(over, intent(10_000, 30)).qty_delta == -40  # on the tick to the band's upper edge of 10,500
    off = changed(config, "policy.rebalance_triggers.on_hard_cap_breach", False)
    assert decide(question("AAPL", 160.0, 105, 10_000, config=off), intent(10_000, 1)).action == Action.NOOP


@pytest.mark.parametrize(
    ("vol", "quantity"),
    # Lower bound of 8,000 at 100: 76 shares; x 0.5 (also where 0.1 is asked for): 38; x 1.5 (asked for: 2): 114.
    [(0.01, 75), (0.02, 40), (0.10, 40), (0.005, 115), (0.008, 95), (None, 75), (0.0, 75)],
)
def test_targets_are_scaled_to_the_volatility_target_within_the_clamp(vol, quantity):
    config = changed(seed_policy(), "risk.per_trade.max_notional", 50_000.0)
    assert decide(question("AAPL", 100.0, 0, 8_000, config=config, realized_daily_vol=vol)).qty_delta == quantity


def test_the_cap_still_binds_what_the_scale_enlarges():
    config = changed(seed_policy(), "risk.per_trade.max_notional", 50_000.0)
    decision = decide(question("AAPL", 100.0, 0, 14_000, config=config, realized_daily_vol=0.001))
    assert (decision.action, decision.layer, decision.qty_delta) == ("CLIP", "per_symbol", 140)  # 95% of 15,000 at 100: 142.5


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_price_is_refused(price):
    with pytest.raises(ValueError, match="is not a price"):
        question("AAPL", price)


def account(config: PolicyConfig | None = None) -> PaperAccount:
    return PaperAccount(
        config or seed_policy(),
        AT,
        {"AAPL": "Technology", "NVDA": "Technology", "BAC": "Financial"},
        shares={"AAPL": 90, "BAC": -300},
        prices={"AAPL": 151.0, "NVDA": 150.0, "BAC": 40.0},
    )


def test_the_account_tells_the_guards_its_gross_net_and_groups():
    desk = account()
    assert desk.portfolio_state() == {"gross_exposure": 25_590.0, "net_exposure": 1_590.0, "realized_daily_vol": None}
    assert desk.group_state("NVDA") == {"group": "Technology", "exposure": 13_590.0}
    assert evaluate_trading_decision("AAPL", 151.0, 90, 15_000, desk, desk).qty_delta == 5
    assert desk.intents == {}  # a question is remembered by nobody


def test_shadow_places_nothing_and_paper_places_what_passed(caplog):
    caplog.set_level(logging.INFO, logger=LOGGER)
    for mode, shares in (("shadow", 90), ("paper", 95), ("enforce", 95)):
        desk = account()
        layer = HierarchicalPolicyIntegration(desk, desk, mode)
        assert layer.process("AAPL", 151.0, desk.shares["AAPL"], 15_000).action == Action.ALLOW
        assert desk.shares["AAPL"] == shares
        assert desk.intents["AAPL"].target_notional == 15_000
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["POLICY_DECISION"] * 3


def test_the_counters_are_those_of_the_document():
    desk = account()
    layer = HierarchicalPolicyIntegration(desk, desk, "paper", PolicyTelemetry())
    layer.process("AAPL", 151.0, 90, 15_000)  # allowed
    layer.process("AAPL", 151.0, 95, 15_000)  # in the band
    layer.process("NVDA", 150.0, 0, 25_000)  # clipped to 10 of 158.33 shares
    layer.process("NVDA", 150.0, 10, 25_000)  # the cadence
    layer.process("GS", 301.0, 0, 10_000)  # a lot too dear
    assert layer.telemetry.counters == pytest.approx(
        {
            "orders_allowed": 1,
            "noop_band": 1,
            "orders_clipped_per_trade": 1,
            "noop_cadence": 1,
            "orders_denied_per_trade": 1,
            "avg_clip_ratio": 10 / (23_750 / 150),
        }
    )


def test_thirty_minutes_of_ticks_build_a_position_in_orders_of_fifteen_hundred_dollars():
    desk = account()
    layer = HierarchicalPolicyIntegration(desk, desk, "paper")
    for tick in range(40):
        desk.at = AT + timedelta(minutes=15 * tick)
        layer.process("NVDA", 150.0, desk.shares.get("NVDA", 0), 25_000)
        # One order of ten shares every second call. 126.67 shares would be 95% of the cap; 125 would take the net, which
        # AAPL and BAC leave at 1,590, to 20,340.
        assert desk.shares["NVDA"] == min(10 * (tick // 2 + 1), 120)


def test_the_policy_file_and_the_account_make_the_whole_chain():
    desk = account(load_policy(ROOT / "config" / "policy" / "seed.yaml"))
    decision = evaluate_trading_decision("BAC", 40.0, -300, -12_000, desk, desk)
    assert (decision.action, decision.layer) == (Action.NOOP, Layer.PER_SYMBOL)
