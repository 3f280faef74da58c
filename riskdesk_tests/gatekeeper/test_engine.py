"""Document 003's topics "Integration" (5) and "Serialization" (3): whole decisions, from intent to JSON."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pytest

import riskdesk_assets
from riskdesk_assets.common.errors import InputError
from riskdesk_assets.gatekeeper.config import RPMConfig
from riskdesk_assets.gatekeeper.engine import OrderConflictError, RiskPortfolioManager
from riskdesk_assets.gatekeeper.state_json import manager_from_json, manager_to_json
from riskdesk_assets.gatekeeper.trail import CHECKS, STAGE_OF

from .asking import MONDAY, ask, reason, record, units


def test_the_documents_example_is_adjusted_to_thirty_percent_of_capital() -> None:
    # 600,000 by the formula; 30% of 100,000 at 1.10 is 27,272.73
    output = ask(RiskPortfolioManager(RPMConfig(total_capital=100000.0, risk_per_trade=0.01)), atr=0.0010)
    trade = output.decision.approved_trade
    assert trade is not None
    assert output.decision.status is riskdesk_assets.TradeApprovalStatus.ADJUSTED
    assert trade.sizing.units == pytest.approx(600_000, rel=1e-12)
    assert trade.position_units == pytest.approx(27_272.73, abs=0.005)
    assert trade.binding_constraint == "symbol_exposure"


def test_the_documents_answer_is_approved_with_the_atr_it_belongs_to() -> None:
    output = ask(RiskPortfolioManager())  # 26,666.67 units, 29.33% of capital, inside every cap
    trade = output.decision.approved_trade
    assert trade is not None
    assert (output.decision.status, trade.binding_constraint) == ("APPROVED", "")
    assert trade.position_units == pytest.approx(26_666.67, abs=0.005)
    assert trade.notional == pytest.approx(29_333.33, abs=0.005)
    assert (trade.risk_per_trade, trade.risk_capital) == (1000.0, 1000.0)


def test_every_decision_has_every_check_in_the_documents_order() -> None:
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_position("EURUSD", 26_000.0, 1.1, MONDAY)
    intents: list[dict[str, object]] = [{}, {"confidence_score": 0.1}, {"atr": -1.0}, {"atr": 1e-9}, {"direction": -1}]
    intents += [{"symbol": "JPM"}, {"regime": "STRESSED"}, {"realized_vol": 9.0, "baseline_vol": 1.0}, {"symbol": "EURCHF"}]
    for changes in intents:
        trail = ask(gatekeeper, **changes).decision.audit_trail
        assert [item.name for item in trail] == list(CHECKS)
        assert all(item.stage is STAGE_OF[item.name] for item in trail)
        stages = [item.stage for item in trail]
        assert stages == sorted(stages, key=["INPUT", "KILL_SWITCH", "REGIME", "SIZING", "CONSTRAINTS", "FINAL"].index)
        assert all(item.sentence for item in trail)


def test_the_first_check_that_refuses_ends_the_checks() -> None:
    gatekeeper = RiskPortfolioManager()
    everything = {"confidence_score": 0.1, "realized_vol": 9.0, "baseline_vol": 1.0, "regime": "STRESSED"}
    assert reason(ask(gatekeeper, **everything)) == "VOLATILITY"
    gatekeeper.report_pnl(-15_000.0, MONDAY)
    output = ask(gatekeeper, **everything)
    assert reason(output) == "DRAWDOWN"
    outcomes = {item.name.value: item.outcome.value for item in output.decision.audit_trail}
    assert outcomes["trading_state"] == "HALT"
    assert outcomes["daily_loss"] == "HALT"  # all switches of the account are read together
    assert outcomes["volatility_shock"] == "SKIPPED"
    assert "drawdown 15.00% > 10.00%" in record(output, "trading_state").sentence


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("symbol", "eurusd"),
        ("symbol", 7),
        ("symbol", "CASH"),
        ("direction", 0),
        ("direction", True),
        ("direction", "1"),
        ("confidence_score", float("nan")),
        ("confidence_score", 1.01),
        ("regime", "TREND"),
        ("regime", ["TRENDING"]),
        ("atr", 0.0),
        ("atr", 10**400),
        ("atr", 1e-300),
        ("vol_percentile", -0.1),
        ("current_price", float("inf")),
        ("current_price", None),
        ("realized_vol", 0.2),
        ("client_order_id", ""),
        ("client_order_id", "x" * 129),
        ("client_order_id", "a\ud800"),
        ("at", "2026-01-26"),
        ("at", MONDAY.replace(tzinfo=None)),
    ],
)
def test_an_unusable_intent_is_rejected_by_its_field_and_is_still_json(field: str, wrong: object) -> None:
    output = ask(RiskPortfolioManager(), **{field: wrong})
    assert reason(output) == "INVALID_INPUT"
    assert field in record(output, "input").subject or field == "realized_vol"
    json.dumps(output.to_dict(), allow_nan=False).encode()


def test_numbers_of_numpy_are_numbers_and_its_booleans_are_not() -> None:
    asked = {"direction": np.int64(1), "confidence_score": np.float32(0.75), "atr": np.float64(0.0225), "at": MONDAY}
    asked |= {"realized_vol": np.float32(0.5), "baseline_vol": np.float32(0.25)}
    plain = {"direction": 1, "confidence_score": 0.75, "atr": 0.0225, "at": MONDAY, "realized_vol": 0.5, "baseline_vol": 0.25}
    gatekeeper = RiskPortfolioManager(RPMConfig(confidence_collapse_latch=True))
    output = ask(gatekeeper, client_order_id="one", **asked)
    assert output.to_dict() == ask(RiskPortfolioManager(gatekeeper.config), client_order_id="one", **plain).to_dict()
    assert {type(value) for value in output.decision.intent} <= {str, int, float, datetime}
    assert ask(gatekeeper, client_order_id="one", **asked) is output  # the same intent, not another
    json.dumps(output.to_dict(), allow_nan=False)
    manager_from_json(manager_to_json(gatekeeper.state))
    assert reason(ask(RiskPortfolioManager(), direction=np.bool_(True))) == "INVALID_INPUT"
    assert reason(ask(RiskPortfolioManager(), atr=np.float32("nan"))) == "INVALID_INPUT"
    assert reason(ask(RiskPortfolioManager(), direction=np.float32(0.5))) == "INVALID_INPUT"


def test_fills_and_marks_may_be_numpys_too() -> None:
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_fill("JPM", np.int64(10), np.float32(50.0), MONDAY)
    gatekeeper.report_marks({"JPM": np.float32(51.0)}, MONDAY)
    assert gatekeeper.portfolio_state.equity == 100_010.0
    manager_from_json(manager_to_json(gatekeeper.state))
    with pytest.raises(InputError, match="units"):
        gatekeeper.report_fill("JPM", np.bool_(True), 50.0, MONDAY)


def test_a_trade_without_volatilities_is_held_against_the_ratio_known_of_its_symbol() -> None:
    gatekeeper = RiskPortfolioManager(volatility_ratios={"JPM": 3.2, "BAC": 1.1}, volatility_source="of the desk's session")
    share = {"current_price": 50.0, "atr": 1.0}
    shocked = ask(gatekeeper, symbol="JPM", **share)
    assert (reason(shocked), record(shocked, "volatility_shock").measured) == ("VOLATILITY", 3.2)
    said = "volatility over its baseline 3.20x, below 3.00x (of the desk's session)"
    assert record(shocked, "volatility_shock").sentence == said
    seen = gatekeeper.get_health_status()["kill_switches"]["volatility_shock"]
    assert (seen["current_ratio"], seen["triggered"], seen["symbol"]) == (3.2, True, "JPM")
    assert seen["source"] == "of the desk's session"
    own = ask(gatekeeper, symbol="JPM", realized_vol=0.2, baseline_vol=0.2, **share)  # what the request brings comes first
    assert (units(own) > 0, record(own, "volatility_shock").sentence) == (
        True,
        "volatility over its baseline 1.00x, below 3.00x",
    )
    assert record(ask(gatekeeper, symbol="WFC", **share), "volatility_shock").outcome == "SKIPPED"
    seen = gatekeeper.get_health_status()["kill_switches"]["volatility_shock"]
    assert (seen["current_ratio"], seen["triggered"], seen["source"]) == (1.0, False, None)  # the newest that was measured
    with pytest.raises(InputError, match="no ratio"):
        gatekeeper.update_volatility_ratios({"JPM": -1.0}, "")


def test_the_newest_volatility_survives_a_restart_and_before_the_first_there_is_none() -> None:
    gatekeeper = RiskPortfolioManager()
    unread = gatekeeper.get_health_status()["kill_switches"]["volatility_shock"]
    assert (unread["current_ratio"], unread["limit_ratio"], unread["triggered"]) == (None, 3.0, False)
    gatekeeper.report_volatility(3.5, MONDAY)
    seen = gatekeeper.get_health_status()["kill_switches"]["volatility_shock"]
    assert (seen["current_ratio"], seen["triggered"], seen["symbol"], seen["at"]) == (3.5, True, None, MONDAY.isoformat())
    text = manager_to_json(gatekeeper.state)
    assert RiskPortfolioManager(state=manager_from_json(text)).get_health_status()["kill_switches"]["volatility_shock"] == seen
    before = {name: value for name, value in json.loads(text).items() if name != "volatility"}
    assert manager_from_json(json.dumps(before)).volatility is None  # a state written before it was kept


def test_an_intent_older_than_the_accounts_newest_reading_is_stale() -> None:
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_pnl(0.0, MONDAY)
    assert reason(ask(gatekeeper, at=MONDAY.replace(hour=1))) == "STALE_STATE"
    assert units(ask(gatekeeper, at=MONDAY)) > 0


def test_an_approval_holds_its_exposure_until_a_fill_or_a_cancellation() -> None:
    gatekeeper = RiskPortfolioManager()
    first = units(ask(gatekeeper))
    assert reason(ask(gatekeeper)) == "EXPOSURE"
    gatekeeper.report_cancel("EURUSD", first, MONDAY)
    assert gatekeeper.state.account.positions == {}
    second = units(ask(gatekeeper))
    assert second == first
    gatekeeper.report_fill("EURUSD", second - 1000, 1.1001, MONDAY)
    position = gatekeeper.state.account.positions["EURUSD"]
    assert (position.units, position.pending) == (second - 1000, pytest.approx(1000.0))


def test_profit_is_of_fills_at_average_cost_and_moves_the_switches() -> None:
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_fill("JPM", 100.0, 50.0, MONDAY)
    gatekeeper.report_fill("JPM", 100.0, 60.0, MONDAY)
    gatekeeper.report_marks({"JPM": 58.0}, MONDAY)
    assert gatekeeper.portfolio_state.daily_pnl == pytest.approx(600.0)  # 200 x (58 - 55)
    gatekeeper.report_fill("JPM", -250.0, 54.0, MONDAY)
    account = gatekeeper.state.account
    assert account.realized_pnl == pytest.approx(-200.0)  # 200 x (54 - 55); 50 short from 54
    assert (account.positions["JPM"].units, account.positions["JPM"].average_price) == (-50.0, 54.0)
    gatekeeper.report_marks({"JPM": 94.0}, MONDAY)
    assert gatekeeper.state.switches.trigger == "DAILY_DRAWDOWN"  # 101,000 when the second fill was marked, 97,800 now


def test_a_signals_price_moves_no_profit() -> None:
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_fill("EURUSD", 20_000.0, 1.1, MONDAY)
    ask(gatekeeper, direction=-1, current_price=0.11, at=MONDAY)
    gatekeeper.report_time(MONDAY)
    assert gatekeeper.portfolio_state.daily_pnl == 0.0


def test_one_order_id_is_one_decision() -> None:
    gatekeeper = RiskPortfolioManager(RPMConfig(remembered_orders=2))
    first = ask(gatekeeper, client_order_id="a-1", at=MONDAY)
    assert ask(gatekeeper, client_order_id="a-1", at=MONDAY.replace(hour=20)) is first
    assert gatekeeper.risk_metrics.total_decisions == 1
    with pytest.raises(OrderConflictError, match="'a-1' was given before"):
        ask(gatekeeper, client_order_id="a-1", direction=-1)
    for number in range(2):
        ask(gatekeeper, client_order_id=f"b-{number}")
    assert ask(gatekeeper, client_order_id="a-1") is not first  # only the newest are remembered


def test_the_statistics_count_every_decision_and_reason() -> None:
    gatekeeper = RiskPortfolioManager()
    ask(gatekeeper)
    ask(gatekeeper, symbol="GBPUSD", atr=0.001)
    ask(gatekeeper, confidence_score=0.1)
    ask(gatekeeper, atr=None)
    said = gatekeeper.risk_metrics.to_dict()
    assert (said["total_decisions"], said["trades_approved"], said["trades_adjusted"]) == (4, 2, 1)
    assert said["approval_rate"] == 0.5
    assert said["rejections"] == {
        **dict.fromkeys(("DRAWDOWN", "LOSS_LIMIT", "EXPOSURE", "VOLATILITY", "REGIME", "MANUAL_HALT", "STALE_STATE"), 0),
        "CONFIDENCE": 1,
        "INVALID_INPUT": 1,
    }


def test_the_answer_has_the_documented_shape() -> None:
    said = json.loads(json.dumps(ask(RiskPortfolioManager()).to_dict(), allow_nan=False))
    assert {"decision", "portfolio_state", "risk_metrics"} <= set(said)
    documented = {  # document 003, "Response", with the ATR its size belongs to
        "symbol": "EURUSD",
        "direction": 1,
        "confidence_score": 0.75,
        "regime": "TRENDING",
        "atr": 0.0225,
        "risk_per_trade": 1000.0,
    }
    assert documented.items() <= said["decision"]["approved_trade"].items()
    assert round(said["decision"]["approved_trade"]["position_units"], 2) == 26666.67
    assert said["decision"]["status"] == "APPROVED"
    assert said["decision"]["rejected_trade"] is None
    assert said["portfolio_state"]["currency_exposure"].keys() == {"EUR", "USD"}


def test_health_is_read_as_the_document_reads_it() -> None:
    gatekeeper = RiskPortfolioManager()
    ask(gatekeeper)
    gatekeeper.report_pnl(-1_700.0, MONDAY)
    health = json.loads(json.dumps(gatekeeper.get_health_status()))
    assert f"{health['kill_switches']['drawdown']['current_pct']:.2f}%" == "1.70%"
    assert f"${health['portfolio_state']['daily_pnl']:.2f}" == "$-1700.00"
    assert f"{health['risk_metrics']['approval_rate']:.2%}" == "100.00%"
    assert health["health"] == "WARNING"  # 85% of the daily loss limit
    gatekeeper.report_pnl(-1_000.0, MONDAY)
    assert gatekeeper.get_health_status()["health"] == "HALTED"
    assert RiskPortfolioManager().get_health_status()["health"] == "HEALTHY"


def test_a_gatekeeper_goes_on_after_a_restart_as_if_there_had_been_none() -> None:
    gatekeeper = RiskPortfolioManager()
    ask(gatekeeper)
    gatekeeper.report_fill("JPM", -100.0, 50.0, MONDAY)
    ask(gatekeeper, confidence_score=0.2)
    gatekeeper.halt(MONDAY, "outage", "me")
    kept = manager_to_json(gatekeeper.state)
    again = RiskPortfolioManager(state=manager_from_json(kept))
    assert manager_to_json(again.state) == kept
    assert again.state == gatekeeper.state
    for changes in ({}, {"direction": -1}, {"symbol": "JPM"}):
        assert ask(again, **changes) == ask(gatekeeper, **changes)
    for text in ("", "[" * 5000, kept.replace('"realized_pnl"', '"realised_pnl"')):
        with pytest.raises(InputError):
            manager_from_json(text)


def test_a_state_written_before_orders_were_kept_by_side_is_read_as_what_it_said() -> None:
    gatekeeper = RiskPortfolioManager()
    bought = units(ask(gatekeeper))
    ask(gatekeeper, symbol="JPM", direction=-1, current_price=50.0)
    kept = json.loads(manager_to_json(gatekeeper.state))
    for position in kept["positions"]:
        position["pending"] = position.pop("buying") + position.pop("selling")
    assert [position["pending"] > 0 for position in kept["positions"]] == [True, False]
    again = manager_from_json(json.dumps(kept))
    assert again == gatekeeper.state
    assert again.account.positions["EURUSD"].buying == bought
    kept["positions"][0]["pending"] = "1"
    with pytest.raises(InputError, match="pending"):
        manager_from_json(json.dumps(kept))


def test_a_decision_that_could_not_be_recorded_is_taken_back() -> None:
    gatekeeper = RiskPortfolioManager()
    before = gatekeeper.state
    first = ask(gatekeeper, client_order_id="a")
    gatekeeper.restore(before)
    gatekeeper.forget("a")
    assert ask(gatekeeper, client_order_id="a") == first


def test_a_wrong_report_changes_nothing() -> None:
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_pnl(1.0, MONDAY)
    before = gatekeeper.state
    for wrong in (float("nan"), float("inf"), True):
        with pytest.raises(InputError):
            gatekeeper.report_pnl(wrong, MONDAY)
        with pytest.raises(InputError):
            gatekeeper.report_fill("JPM", 1.0, wrong, MONDAY)
    with pytest.raises(InputError, match="no time zone"):
        gatekeeper.report_pnl(1.0, MONDAY.replace(tzinfo=None))
    with pytest.raises(InputError, match="not positive"):
        gatekeeper.report_marks({"JPM": -1.0}, MONDAY)
    assert gatekeeper.state is before


def test_a_state_kept_under_a_looser_configuration_is_stopped_by_the_stricter_one() -> None:
    loose = RiskPortfolioManager(RPMConfig(daily_loss_limit=0.04, max_daily_drawdown=0.5))
    loose.report_pnl(-3_000.0, MONDAY)
    strict = RiskPortfolioManager(state=loose.state)
    assert reason(ask(strict)) == "LOSS_LIMIT"


def test_a_correlation_or_a_rate_out_of_range_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"correlations\.A\.B"):
        RiskPortfolioManager(correlations={("A", "B"): 1.5})
    with pytest.raises(InputError, match=r"rates\.JPY"):
        RiskPortfolioManager(rates={"JPY": 0.0})
