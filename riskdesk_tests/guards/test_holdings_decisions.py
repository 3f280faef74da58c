"""Document 004's guards from real holdings toward the ideal portfolio: by hand, and what always holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.guard_settings import GuardBound
from riskdesk_assets.common.settings import Config
from riskdesk_assets.guards.config import PolicyConfig
from riskdesk_assets.guards.holdings_decisions import HoldingsDecisions, decide_holdings, desk_policy, groups_of
from riskdesk_tests.desk_builder import desk_config

AT = datetime(2023, 12, 29, 21, tzinfo=UTC)
CONFIG = desk_config()
PRICES = {"BAC": 300_000, "JPM": 1_500_000, "WFC": 500_000, "GS": 4_000_000}


def with_guards(**changes: object) -> Config:
    guards = CONFIG.desk.guards.model_copy(update=changes)
    return CONFIG.model_copy(update={"desk": CONFIG.desk.model_copy(update={"guards": guards})})


def decide(held: dict[str, int], targets: dict[str, float], config: Config = CONFIG) -> HoldingsDecisions:
    policies = {symbol: desk_policy(config, symbol) for symbol in {*held, *targets}}
    return decide_holdings(held, targets, PRICES, policies, groups_of(config.universe, config.desk.guards.group_by), AT)


def test_the_desks_guards_are_document_004s_policy_in_dollars_of_its_nav() -> None:
    policy = desk_policy(CONFIG, "JPM")
    assert CONFIG.desk.nav == 2_500_000
    trade, symbol, whole = policy.risk.per_trade, policy.risk.per_symbol, policy.risk.portfolio
    assert (trade.max_notional, trade.min_order_notional, trade.lot_size) == (250_000, 5_000, 1)
    assert (symbol.default_cap, symbol.band_pct, symbol.rebalance_cadence) == (600_000, 0.05, "3d")
    assert (whole.gross_cap, whole.net_cap, policy.risk.groups.cap("money_center")) == (2_500_000, 200_000, 1_000_000)
    assert not whole.vol_target.enabled


def test_one_names_override_is_its_own() -> None:
    config = with_guards(
        per_trade=GuardBound(max=0.10, overrides={"JPM": 0.02}), group=GuardBound(max=0.4, overrides={"x": 0.1})
    )
    assert desk_policy(config, "JPM").risk.per_trade.max_notional == 50_000
    assert desk_policy(config, "BAC").risk.per_trade.max_notional == 250_000
    assert desk_policy(config, "BAC").risk.groups.cap("x") == 250_000


def test_bounds_that_no_order_fits_between_are_told_as_such() -> None:
    with pytest.raises(InputError, match=r"desk\.yaml: guards: is no policy of document 004.*no order fits"):
        desk_policy(with_guards(min_order=GuardBound(max=0.2)), "JPM")


def test_a_name_moves_from_its_real_shares_to_the_edge_of_its_band_and_one_that_is_not_wanted_is_closed() -> None:
    # WFC: 100,000 of target, band to 95,000; 1,000 held at 50 = 50,000: 900 shares are short of 95,000
    # JPM: 660 x 150 = 99,000 is inside 95,000 .. 105,000; GS is in no ticket
    found = decide({"WFC": 1_000, "JPM": -660, "GS": 10}, {"WFC": 100_000.0, "JPM": -100_000.0})
    decided = {item.symbol: item.decision for item in found.decisions}
    said = {symbol: (one.action.value, one.qty_delta, str(one.reason)) for symbol, one in decided.items()}
    assert said == {
        "GS": ("DENY", 0, "below_min_order"),  # 4,000 dollars are dust to a desk whose smallest order is 5,000
        "JPM": ("NOOP", 0, "within_band"),
        "WFC": ("ALLOW", 900, "buy_to_lower_bound"),
    }
    assert found.counters == {"noop_band": 1.0, "orders_allowed": 1.0, "orders_denied_per_trade": 1.0}
    (line,) = (item.line for item in found.decisions if item.symbol == "WFC")
    body = json.loads(line.removeprefix("POLICY_DECISION: "))
    assert (body["timestamp"], body["symbol"], body["qty_delta"], body["layer"]) == (
        "2023-12-29T21:00:00Z",
        "WFC",
        900,
        "per_symbol",
    )
    assert body["metadata"] == {"current_val": 50_000.0, "target_val": 95_000.0, "band_pct": 0.05}


def test_what_reduces_comes_first_and_its_room_is_there_for_what_adds() -> None:
    # net may be 200,000: 190,000 of JPM are long; closing most of it leaves BAC, first by name, room for its 180,000
    held, targets = {"JPM": 1_266}, {"JPM": 7_500.0, "BAC": 180_000.0}
    found = decide(held, targets)
    assert [item.symbol for item in found.decisions] == ["JPM", "BAC"]
    assert [item.decision.action.value for item in found.decisions] == ["ALLOW", "ALLOW"]


def test_a_book_balanced_in_the_end_is_not_denied_half_of_it_on_the_way() -> None:
    targets = {"BAC": -190_000.0, "GS": -190_000.0, "JPM": 190_000.0, "WFC": 190_000.0}
    found = decide({}, targets)
    assert [item.symbol for item in found.decisions] == ["BAC", "JPM", "WFC", "GS"]  # net is -60 after two
    assert {item.decision.action.value for item in found.decisions} == {"ALLOW"}


def test_nothing_held_and_nothing_wanted_is_no_decision() -> None:
    assert decide({"JPM": 0}, {}).decisions == ()


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.dictionaries(st.sampled_from(sorted(PRICES)), st.integers(-12_000, 12_000)),
    st.dictionaries(st.sampled_from(sorted(PRICES)), st.floats(-900_000, 900_000).map(lambda dollars: round(dollars, 2))),
)
def test_no_cap_is_passed_that_was_not_passed_before_and_no_name_moves_away_from_its_target(
    held: dict[str, int], targets: dict[str, float]
) -> None:
    found = decide(held, targets)
    policy: PolicyConfig = desk_policy(CONFIG, "")
    before = {symbol: held.get(symbol, 0) for symbol in PRICES}
    after = before | {item.symbol: item.shares_after for item in found.decisions}

    def dollars(shares: dict[str, int]) -> dict[str, float]:
        return {symbol: count * PRICES[symbol] / 10_000 for symbol, count in shares.items()}

    was, now = dollars(before), dollars(after)
    for symbol, value in now.items():
        target = targets.get(symbol, 0.0)
        assert abs(value) <= max(abs(was[symbol]), policy.risk.per_symbol.cap(symbol)) + 1e-6
        assert abs(value - target) <= abs(was[symbol] - target) + PRICES[symbol] / 10_000
    net, gross = policy.risk.portfolio.net_cap, policy.risk.portfolio.gross_cap
    assert sum(map(abs, now.values())) <= max(sum(map(abs, was.values())), gross) + 1e-6
    assert abs(sum(now.values())) <= max(abs(sum(was.values())), net) + 1e-6
