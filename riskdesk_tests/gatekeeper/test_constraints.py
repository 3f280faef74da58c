"""Document 003's topics "Portfolio Constraints" (3), each cap by hand, and X-04, X-05."""

from __future__ import annotations

import pytest

from riskdesk_assets.gatekeeper.config import RPMConfig
from riskdesk_assets.gatekeeper.constraints import correlation_rule
from riskdesk_assets.gatekeeper.engine import RiskPortfolioManager

from .asking import MONDAY, ask, reason, record, units

SHARE = {"current_price": 50.0, "atr": 1.0}  # 1,000 / 1.5 x 0.9 = 600 shares, $30,000


def test_a_ninth_position_is_rejected_and_a_held_one_may_still_grow() -> None:
    gatekeeper = RiskPortfolioManager()
    for number, symbol in enumerate(("A", "B", "C", "D", "E", "F", "G", "H")):
        gatekeeper.report_position(symbol, 10.0 * (-1) ** number, 50.0, MONDAY)
    ninth = ask(gatekeeper, symbol="I", **SHARE)
    assert (reason(ninth), ninth.decision.binding_constraint) == ("EXPOSURE", "position_count")
    assert record(ninth, "position_count")[3:5] == (9, 8)
    assert units(ask(gatekeeper, symbol="A", **SHARE)) > 0


def test_a_symbol_has_a_share_of_the_capital_and_a_number_of_units() -> None:
    both = RPMConfig(max_symbol_units=500)
    output = ask(RiskPortfolioManager(both), symbol="JPM", **SHARE)
    assert (units(output), output.decision.binding_constraint) == (400.0, "net_exposure")  # 0.2 x 100,000 / 50
    loose = RPMConfig(max_symbol_units=500, max_net_exposure=2.0)
    output = ask(RiskPortfolioManager(loose), symbol="JPM", **SHARE)
    assert (units(output), output.decision.binding_constraint) == (500.0, "symbol_units")
    wide = RPMConfig(max_net_exposure=2.0)
    output = ask(RiskPortfolioManager(wide), symbol="JPM", current_price=50.0, atr=0.5)
    assert (units(output), output.decision.binding_constraint) == (pytest.approx(600.0), "symbol_exposure")


def test_two_long_pairs_against_the_dollar_share_its_half_of_the_capital() -> None:
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_position("EURUSD", 30_000 / 1.1, 1.1, MONDAY)
    output = ask(gatekeeper, symbol="GBPUSD", current_price=1.25, atr=0.0010)
    assert output.decision.binding_constraint == "quote_currency_exposure"
    assert units(output) * 1.25 == pytest.approx(20_000)  # 50% of 100,000 less the 30,000 short already
    exposed = output.portfolio_state.account.exposures
    assert exposed.currencies["USD"] == pytest.approx(-50_000)
    assert exposed.currencies["EUR"] == pytest.approx(30_000)
    assert exposed.net == 0.0
    short = ask(gatekeeper, symbol="AUDUSD", direction=-1, current_price=0.65, atr=0.0010)
    assert short.decision.binding_constraint == "symbol_exposure"  # it lowers what is short of dollars


def test_gross_exposure_is_bounded_before_netting() -> None:
    config = RPMConfig(max_gross_exposure=0.5, max_net_exposure=0.5)
    gatekeeper = RiskPortfolioManager(config)
    gatekeeper.report_position("A", 400.0, 50.0, MONDAY)
    gatekeeper.report_position("B", -400.0, 50.0, MONDAY)
    output = ask(gatekeeper, symbol="C", **SHARE)
    assert output.decision.binding_constraint == "gross_exposure"
    assert units(output) == pytest.approx(200.0)


def test_gross_counts_what_is_held_of_the_symbol_and_lets_it_be_closed_when_others_are_beyond_the_cap() -> None:
    config = RPMConfig(max_gross_exposure=0.5, max_net_exposure=0.5)
    gatekeeper = RiskPortfolioManager(config)
    gatekeeper.report_position("A", 400.0, 50.0, MONDAY)
    gatekeeper.report_position("B", -400.0, 50.0, MONDAY)
    grown = ask(gatekeeper, symbol="A", **SHARE)
    assert (units(grown), grown.decision.binding_constraint) == (pytest.approx(200.0), "symbol_exposure")
    gatekeeper.report_position("A", 400.0, 50.0, MONDAY)
    gatekeeper.report_position("B", -500.0, 50.0, MONDAY)
    grown = ask(gatekeeper, symbol="A", **SHARE)
    assert (units(grown), grown.decision.binding_constraint) == (pytest.approx(100.0), "gross_exposure")
    for symbol, shares in (("A", 600.0), ("B", -600.0), ("D", 600.0)):
        gatekeeper.report_position(symbol, shares, 50.0, MONDAY)
    closed = ask(gatekeeper, symbol="A", direction=-1, current_price=50.0, atr=0.5)  # 1,200 wanted, others 60,000 > 50,000
    assert (units(closed), closed.decision.binding_constraint) == (600.0, "gross_exposure")


def test_shares_are_approved_in_whole_lots_and_pairs_of_currencies_as_they_are() -> None:
    third = {"current_price": 301.0, "atr": 6.0}  # 1,000 / 9 x 0.9 = 100 by the formula; 20,000 of net are 66.445 shares
    output = ask(RiskPortfolioManager(), symbol="JPM", **third)
    assert (units(output), output.decision.status) == (66.0, "ADJUSTED")
    assert record(output, "minimum_size").sentence == "units left 66.45, at least 9.97; 66.00 in whole lots"
    assert output.portfolio_state.account.positions["JPM"].buying == 66.0
    by_formula = ask(RiskPortfolioManager(), symbol="JPM", current_price=50.0, atr=2.5)  # 240 by the formula
    assert (units(by_formula), by_formula.decision.status) == (240.0, "APPROVED")
    rounded = ask(RiskPortfolioManager(), symbol="JPM", current_price=50.0, atr=2.6)  # 230.77: nothing but the lot is smaller
    assert (units(rounded), rounded.decision.status, rounded.decision.binding_constraint) == (230.0, "APPROVED", "")
    tens = RiskPortfolioManager(RPMConfig(lot_size=10.0))
    assert units(ask(tens, symbol="JPM", **third)) == 60.0
    assert units(ask(RiskPortfolioManager())) == pytest.approx(26_666.67, abs=0.005)  # document 003: a pair


def test_what_closes_a_position_closes_its_fraction_too() -> None:
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_position("JPM", 66.445, 301.0, MONDAY)
    gatekeeper.halt(MONDAY, "outage", "me")
    assert units(ask(gatekeeper, symbol="JPM", direction=-1, current_price=301.0, atr=6.0)) == 66.445


def test_less_than_a_lot_can_still_be_closed() -> None:
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_position("JPM", 0.4, 50.0, MONDAY)
    gatekeeper.halt(MONDAY, "outage", "me")
    assert units(ask(gatekeeper, symbol="JPM", direction=-1, **SHARE)) == 0.4


def test_a_correlated_position_halves_the_size_once_whatever_its_sign() -> None:
    # 20,000 of net, but for the cent that WFC takes, are 399.9998 shares; half of them 199.9999: whole ones are approved
    for rho, expected in ((0.81, 199.0), (-0.95, 199.0), (0.80, 399.0), (0.1, 399.0)):
        gatekeeper = RiskPortfolioManager(correlations={("WFC", "JPM"): rho})
        gatekeeper.report_position("WFC", 1.0, 0.01, MONDAY)
        output = ask(gatekeeper, symbol="JPM", **SHARE)
        assert units(output) == expected
        assert record(output, "correlation")[3:5] == (rho, 0.80)
    found = correlation_rule("A", ["C", "B", "A"], {("A", "C"): 0.9, ("B", "A"): -0.9}, RPMConfig())
    assert (found.symbol, found.correlation, found.multiplier) == ("B", -0.9, 0.5)


def test_too_little_left_of_the_request_is_rejected() -> None:
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_position("EURUSD", 25_000.0, 1.1, MONDAY)
    # room 27,272.73 - 25,000 = 2,272.73, less than a tenth of the 27,272.73 a symbol may have
    output = ask(gatekeeper, atr=0.0010)
    assert (reason(output), output.decision.binding_constraint) == ("EXPOSURE", "symbol_exposure")
    assert record(output, "minimum_size").outcome == "REJECT"
    tiny = ask(RiskPortfolioManager(), atr=2000.0)
    assert (reason(tiny), tiny.decision.binding_constraint) == ("VOLATILITY", "minimum_size")


def test_a_position_beyond_its_cap_cannot_grow_but_can_shrink_and_turn_only_as_far_as_the_cap() -> None:
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_position("EURUSD", 40_000.0, 1.1, MONDAY)
    assert reason(ask(gatekeeper)) == "EXPOSURE"
    output = ask(gatekeeper, direction=-1, atr=0.0010)
    assert 40_000 - units(output) == pytest.approx(-27_272.727, abs=0.001)


def test_a_cross_without_a_rate_is_refused_and_with_one_is_valued_by_it() -> None:
    cross = {"symbol": "EURJPY", "current_price": 160.0, "atr": 2.0}
    assert reason(ask(RiskPortfolioManager(), **cross)) == "INVALID_INPUT"
    by_yen = ask(RiskPortfolioManager(rates={"JPY": 1 / 150}), **cross)
    by_euro = ask(RiskPortfolioManager(rates={"EUR": 160 / 150}), **cross)
    assert by_yen.decision.approved_trade is not None
    assert by_yen.decision.approved_trade.unit_value == pytest.approx(160 / 150)
    assert units(by_yen) == pytest.approx(units(by_euro))
    assert sorted(by_yen.portfolio_state.account.exposures.currencies) == ["EUR", "JPY"]


def test_a_foreign_share_is_exposure_to_its_own_currency() -> None:
    gatekeeper = RiskPortfolioManager(currencies={"DBKGY": "EUR"}, rates={"EUR": 1.1})
    output = ask(gatekeeper, symbol="DBKGY", **SHARE)
    assert list(output.portfolio_state.account.exposures.currencies) == ["EUR"]
    assert units(output) == 363.0  # 20,000 of net are 363.6 shares of 55 dollars


def test_opposite_orders_that_wait_do_not_make_room_for_each_other() -> None:
    gatekeeper = RiskPortfolioManager()
    bought = units(ask(gatekeeper, atr=0.0010))
    assert bought * 1.1 == pytest.approx(30_000)
    sold = units(ask(gatekeeper, direction=-1, atr=0.0010))
    assert sold * 1.1 == pytest.approx(30_000)  # not 60,000: the sale may be filled and the purchase not
    position = gatekeeper.state.account.positions["EURUSD"]
    assert (position.buying, position.selling) == (bought, -sold)
    assert gatekeeper.state.account.exposures.gross == pytest.approx(30_000)  # one of the two, not both and not neither
    for direction in (1, -1):
        assert reason(ask(gatekeeper, direction=direction, atr=0.0010)) == "EXPOSURE"
    gatekeeper.report_fill("EURUSD", -sold, 1.1, MONDAY)
    exposed = gatekeeper.state.account.exposures
    assert exposed.symbols["EURUSD"] == pytest.approx(-30_000)
    # the purchase, still waiting, closes what was sold: a third one may follow it
    assert units(ask(gatekeeper, atr=0.0010)) * 1.1 == pytest.approx(30_000)


def test_net_is_held_at_both_ends_of_what_may_be_filled() -> None:
    gatekeeper = RiskPortfolioManager()
    assert units(ask(gatekeeper, symbol="JPM", **SHARE)) == 400.0  # net of 20,000 is full
    # the purchase may stay unfilled: netted with it, BAC could be sold for 40,000
    assert units(ask(gatekeeper, symbol="BAC", direction=-1, **SHARE)) == 400.0
    assert reason(ask(gatekeeper, symbol="WFC", direction=-1, **SHARE)) == "EXPOSURE"
    gatekeeper.report_fill("JPM", 400.0, 50.0, MONDAY)  # from now on JPM offsets a sale for certain
    assert units(ask(gatekeeper, symbol="WFC", direction=-1, **SHARE)) == 400.0


def test_only_what_is_filled_can_be_closed_while_trading_is_stopped() -> None:
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_position("JPM", 300.0, 50.0, MONDAY)
    ask(gatekeeper, symbol="BAC", **SHARE)  # 100 of it, waiting
    gatekeeper.halt(MONDAY, "outage", "me")
    assert reason(ask(gatekeeper, symbol="BAC", direction=-1, **SHARE)) == "MANUAL_HALT"  # cancel it instead
    assert units(ask(gatekeeper, symbol="JPM", direction=-1, **SHARE)) == 300.0
    assert reason(ask(gatekeeper, symbol="JPM", direction=-1, **SHARE)) == "MANUAL_HALT"  # all of it is being sold already
    gatekeeper.report_cancel("JPM", -100.0, MONDAY)
    assert units(ask(gatekeeper, symbol="JPM", direction=-1, **SHARE)) == 100.0
