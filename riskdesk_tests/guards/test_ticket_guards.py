"""Stage 7 by hand: what each guard does with one or two tickets at 100 dollars a share and 2,500,000 dollars of nav."""

from __future__ import annotations

from dataclasses import replace

import pytest

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.tables import Table
from riskdesk_assets.guards.guard_counters import counter_rows, decision_rows
from riskdesk_assets.guards.guard_rules import guard_rules
from riskdesk_assets.guards.ticket_guards import guard_book
from riskdesk_assets.guards.ticket_types import GuardMemory, TicketDecision, TicketMemory
from riskdesk_assets.guards.types import Action, Layer
from riskdesk_assets.limits.limit import Family, Limit, Measure
from riskdesk_tests.desk_builder import desk_config
from riskdesk_tests.guards.tickets import DAY, PRICES, Walk, pair, rules

CHANGED = {**PRICES, "JPM": 110 * TICKS_PER_DOLLAR}


def said(decision: TicketDecision) -> tuple[str, str | None, str]:
    return decision.action, decision.layer, decision.reason


def limit(name: str, measure: Measure, members: tuple[str, ...], dollars: int, family: Family) -> Limit:
    return Limit(name, family, measure, members, dollars * TICKS_PER_DOLLAR, "here")


def remembering(committed_dollars: int, sessions_since: int = 0) -> GuardMemory:
    return GuardMemory((TicketMemory("jpm-bac", committed_dollars * TICKS_PER_DOLLAR, DAY, sessions_since),))


def test_the_desk_profile_has_the_numbers_of_the_method():
    desk = rules()
    dollars = {item.name: item.bound // TICKS_PER_DOLLAR for item in desk.caps}
    # methods.md section 14, of 2,500,000
    assert (desk.most_per_order("JPM") // TICKS_PER_DOLLAR, desk.min_order // TICKS_PER_DOLLAR) == (250_000, 5_000)
    assert (dollars["guard_symbol:JPM"], dollars["guard_group:regional"]) == (600_000, 1_000_000)
    assert (dollars["guard_portfolio_gross"], dollars["guard_portfolio_net"]) == (2_500_000, 200_000)
    assert (desk.band, desk.cadence_sessions, desk.lots["JPM"], desk.stop) == (rules().band, 3, 1, None)
    assert guard_rules(desk_config()).mode == "shadow"


def test_the_seed_profile_has_document_004s_numbers():
    seed = rules("seed")
    dollars = {item.name: item.bound // TICKS_PER_DOLLAR for item in seed.caps}
    assert (seed.most_per_order("JPM") // TICKS_PER_DOLLAR, seed.min_order // TICKS_PER_DOLLAR) == (1_500, 200)
    assert (dollars["guard_symbol:JPM"], dollars["guard_sector:Financials"]) == (15_000, 50_000)
    assert (dollars["guard_portfolio_gross"], dollars["guard_portfolio_net"]) == (100_000, 20_000)
    assert (seed.lots["JPM"], seed.cadence_sessions) == (5, 1)


def test_an_entry_within_every_bound_is_the_ideal_position():
    result = Walk().step(pair((1000, -900)))
    assert result.positions == {"jpm-bac": (1000, -900)}
    assert [said(item) for item in result.decisions] == [("ALLOW", "per_symbol", "entry")]
    assert result.counters == {"orders_allowed": 1.0}


def test_inside_the_band_a_ticket_stays():
    walk = Walk(held=(pair((1000, -1000)),), memory=remembering(200_000, 9))
    result = walk.step(pair((1050, -1050)))  # 10,000 to trade, 4.8% of 210,000
    assert result.positions == {"jpm-bac": (1000, -1000)}
    assert said(result.decisions[0]) == ("NOOP", "per_symbol", "within_band")
    assert walk.step(pair((1060, -1060))).positions == {"jpm-bac": (1060, -1060)}  # 12,000, 5.7% of 212,000


def test_a_changed_hedge_counts_by_what_would_be_traded():
    walk = Walk(held=(pair((1000, -1000)),), memory=remembering(200_000, 9))
    result = walk.step(pair((1060, -940)))  # the gross is the same, 12,000 are to be traded
    assert said(result.decisions[0]) == ("ALLOW", "per_symbol", "rebalance")


def test_a_drift_waits_for_the_cadence_and_a_changed_target_does_not():
    walk = Walk(held=(pair((1000, -1000)),), memory=remembering(212_000))
    assert said(walk.step(pair((1060, -1060))).decisions[0]) == ("NOOP", "per_symbol", "cadence_not_elapsed")
    assert said(walk.step(pair((1060, -1060))).decisions[0]) == ("NOOP", "per_symbol", "cadence_not_elapsed")
    assert said(walk.step(pair((1060, -1060))).decisions[0]) == ("ALLOW", "per_symbol", "increase")  # the third session
    assert said(walk.step(pair((1130, -1130))).decisions[0]) == ("ALLOW", "per_symbol", "increase")  # 6.6% more than committed


def test_a_target_that_moves_by_four_percent_twice_fires():
    walk = Walk()
    walk.step(pair((1000, -1000)))
    assert said(walk.step(pair((1040, -1040))).decisions[0]) == ("NOOP", "per_symbol", "within_band")
    # 8.2% from the committed 200,000, though 4% from the session before; and only two sessions after the entry.
    result = walk.step(pair((1082, -1082)))
    assert said(result.decisions[0]) == ("ALLOW", "per_symbol", "increase")
    assert walk.memory.tickets[0].committed == 216_400 * TICKS_PER_DOLLAR


def test_reductions_and_exits_pass_at_once():
    walk = Walk(held=(pair((1000, -1000)),), memory=remembering(200_000))
    result = walk.step(pair((960, -960)))  # 4%, inside the band and the cadence: but less
    assert (result.positions["jpm-bac"], said(result.decisions[0])) == ((960, -960), ("ALLOW", "per_symbol", "reduction"))
    result = walk.step()
    assert (result.positions["jpm-bac"], said(result.decisions[0])) == ((0, 0), ("ALLOW", "per_symbol", "exit"))
    assert walk.memory.tickets == ()


def test_a_large_exit_is_not_cut_to_the_largest_order():
    walk = Walk(held=(pair((5000, -5000)),))
    assert walk.step().positions == {"jpm-bac": (0, 0)}


def test_a_reversal_is_out_at_once_and_in_by_orders():
    walk = Walk(held=(pair((3000, -3000)),), memory=remembering(600_000))
    result = walk.step(pair((-4000, 4000)))
    assert (result.positions["jpm-bac"], said(result.decisions[0])) == ((-2500, 2500), ("CLIP", "per_trade", "max_notional"))
    assert walk.step(pair((-4000, 4000))).positions["jpm-bac"] == (-4000, 4000)


def test_an_order_too_large_is_cut_on_both_legs_by_one_ratio_and_goes_on_next_session():
    walk = Walk()
    result = walk.step(pair((4000, -2000)))  # 400,000 and 200,000: 62.5%
    assert (result.positions["jpm-bac"], said(result.decisions[0])) == ((2500, -1250), ("CLIP", "per_trade", "max_notional"))
    assert result.decisions[0].metadata["clip_ratio"] == 0.625
    assert result.counters == {"orders_clipped_per_trade": 1.0, "avg_clip_ratio": 0.625}
    assert walk.memory.tickets[0].unfinished
    assert walk.step(pair((4000, -2000))).positions["jpm-bac"] == (4000, -2000)
    assert not walk.memory.tickets[0].unfinished


def test_dust_is_not_traded_unless_it_closes():
    walk = Walk(held=(pair((1000, -1000)),), memory=remembering(200_000, 9))
    result = walk.step(pair((980, -980)))  # 4,000 dollars less
    assert (result.positions["jpm-bac"], said(result.decisions[0])) == ((1000, -1000), ("DENY", "per_trade", "below_min_order"))
    small = Walk(held=(pair((20, -20)),))
    assert small.step().positions["jpm-bac"] == (0, 0)


def test_a_symbol_cap_clips_both_legs_and_every_ticket_in_the_name_alike():
    first, second = pair((4000, -2000)), pair((4000, -4000), "jpm-gs", ("JPM", "GS"))
    own = replace(rules(), per_trade_default=10**12)
    result = Walk(own).step(first, second)  # 800,000 of JPM wanted, 600,000 allowed: 75%
    assert result.positions == {"jpm-bac": (3000, -1500), "jpm-gs": (3000, -3000)}
    assert {said(item) for item in result.decisions} == {("CLIP", "per_symbol", "guard_symbol:JPM")}


def test_a_group_cap_counts_names_net_and_clips_whole_tickets():
    own = replace(rules(), per_trade_default=10**12)
    held = (pair((4000, -4000), "jpm-bac"),)  # 800,000 of the money centers' 1,000,000
    result = Walk(own, held=held).step(pair((4000, -4000)), pair((2000, -2000), "c-wfc", ("C", "WFC")))
    assert result.positions["c-wfc"] == (1000, -1000)
    assert said(result.decisions[0]) == ("CLIP", "group", "guard_group:money_center")
    assert result.positions["jpm-bac"] == (4000, -4000)


def test_gross_and_net_are_the_last_to_ask():
    own = replace(rules(), per_trade_default=10**12)
    short = Walk(own).step(pair((5000, -2000), "gs-ms", ("GS", "MS")))  # 300,000 net, 200,000 allowed
    assert said(short.decisions[0]) == ("CLIP", "portfolio", "guard_portfolio_net")
    assert sum(short.positions["gs-ms"]) <= 2000
    assert short.positions["gs-ms"][0] >= 3330  # two thirds, to a lot


def test_a_limit_is_not_kept_breached_for_a_band_or_for_dust():
    name = limit("name_gross:JPM", Measure.NAME_GROSS, ("JPM",), 98_500, Family.NAME_GROSS)
    held, wanted = (pair((1000, -1000)),), (pair((980, -1000)),)
    quiet = guard_book(held, wanted, PRICES, rules(), remembering(200_000), DAY)
    assert said(quiet.decisions[0]) == ("DENY", "per_trade", "below_min_order")
    result = guard_book(held, wanted, PRICES, rules(), remembering(200_000), DAY, (name,))
    assert result.positions["jpm-bac"] == (980, -1000)
    assert said(result.decisions[0]) == ("ALLOW", "per_symbol", "hard_limit")
    assert result.breaches == ()


def test_a_limit_that_the_ideal_book_breaches_too_shrinks_whole_tickets():
    name = limit("name_gross:JPM", Measure.NAME_GROSS, ("JPM",), 50_000, Family.NAME_GROSS)
    result = guard_book((pair((1000, -800)),), (pair((1000, -800)),), PRICES, rules(), remembering(200_000), DAY, (name,))
    assert result.positions["jpm-bac"][0] in (499, 500)
    assert result.positions["jpm-bac"][1] in (-399, -400)
    assert said(result.decisions[0]) == ("CLIP", "per_symbol", "name_gross:JPM")


def test_what_a_frozen_leg_breaches_is_named_and_left():
    name = limit("name_gross:JPM", Measure.NAME_GROSS, ("JPM",), 50_000, Family.NAME_GROSS)
    frozen = pair((1000, -1000), frozen=True)
    result = guard_book((frozen,), (frozen,), PRICES, rules(), GuardMemory(), DAY, (name,))
    assert (result.positions["jpm-bac"], result.breaches) == ((1000, -1000), ("name_gross:JPM",))
    assert said(result.decisions[0]) == ("NOOP", None, "frozen")


def test_lots_are_floored_and_what_is_left_stays_in_cash():
    own = replace(rules(), lots=dict.fromkeys(PRICES, 100))
    result = Walk(own).step(pair((1050, -990)))
    assert result.positions["jpm-bac"] == (1000, -900)
    little = Walk(own).step(pair((60, -60)))
    assert (little.positions["jpm-bac"], said(little.decisions[0])) == ((0, 0), ("NOOP", None, "lot_rounds_to_zero"))


def test_a_lot_dearer_than_the_largest_order_adds_nothing_and_still_lets_go():
    dear = {**PRICES, "GS": 301 * TICKS_PER_DOLLAR}
    seed = rules("seed")
    entry = guard_book((), (pair((10, -10), "gs-ms", ("GS", "MS")),), dear, seed, GuardMemory(), DAY)
    assert said(entry.decisions[0]) == ("DENY", "per_trade", "lot_exceeds_max_notional")
    leaves = guard_book((pair((10, -10), "gs-ms", ("GS", "MS")),), (), dear, seed, GuardMemory(), DAY)
    assert leaves.positions["gs-ms"] == (0, 0)


def test_shadow_follows_the_ideal_book_and_says_what_it_would_have_done():
    own = replace(rules(), mode="shadow")
    result = Walk(own).step(pair((4000, -4000)))
    assert result.positions == {"jpm-bac": (4000, -4000)}
    assert result.guarded == {"jpm-bac": (2500, -2500)}
    assert said(result.decisions[0]) == ("CLIP", "per_trade", "max_notional")


def test_a_stop_goes_flat_and_stays_flat_until_the_controller_has_been():
    own = replace(rules(), stop=9_000 * TICKS_PER_DOLLAR)
    walk = Walk(own)
    walk.step(pair((-1000, 1000)))
    assert walk.step(pair((-1000, 1000)), prices={**PRICES, "JPM": 109 * TICKS_PER_DOLLAR}).positions["jpm-bac"] == (
        -1000,
        1000,
    )
    stopped = walk.step(pair((-1000, 1000)), prices=CHANGED)  # a loss of 10,000
    assert (stopped.positions["jpm-bac"], said(stopped.decisions[0])) == ((0, 0), ("ALLOW", "per_symbol", "stop"))
    again = walk.step(pair((-1000, 1000)))
    assert (again.positions["jpm-bac"], said(again.decisions[0])) == ((0, 0), ("DENY", "per_symbol", "stopped_out"))
    walk.step(pair((0, 0)))
    assert walk.step(pair((-1000, 1000))).positions["jpm-bac"] == (-1000, 1000)


def test_a_stop_counts_from_the_entry_through_every_trade():
    own = replace(rules(), stop=9_000 * TICKS_PER_DOLLAR)
    walk = Walk(own)
    walk.step(pair((-1000, 1000)))
    walk.step(pair((-500, 500)), prices={**PRICES, "JPM": 108 * TICKS_PER_DOLLAR})  # 4,000 of 8,000 lost is realized
    assert walk.memory.tickets[0].cash == (1000 * 100 - 500 * 108 - 1000 * 100 + 500 * 100) * TICKS_PER_DOLLAR
    kept = walk.step(pair((-500, 500)), prices={**PRICES, "JPM": 110 * TICKS_PER_DOLLAR})  # 4,000 + 5,000
    assert kept.positions["jpm-bac"] == (-500, 500)
    gone = walk.step(pair((-500, 500)), prices={**PRICES, "JPM": 111 * TICKS_PER_DOLLAR})
    assert gone.positions["jpm-bac"] == (0, 0)


def test_a_turn_begins_a_new_account_of_what_was_lost():
    walk = Walk(replace(rules(), stop=9_000 * TICKS_PER_DOLLAR))
    walk.step(pair((-1000, 1000)))
    walk.step(pair((1000, -1000)), prices={**PRICES, "JPM": 108 * TICKS_PER_DOLLAR})  # 8,000 lost, and out
    assert walk.memory.tickets[0].cash == (-1000 * 108 + 1000 * 100) * TICKS_PER_DOLLAR
    kept = walk.step(pair((1000, -1000)), prices={**PRICES, "JPM": 100 * TICKS_PER_DOLLAR})  # 8,000 of its own
    assert kept.positions["jpm-bac"] == (1000, -1000)


def test_guards_switched_on_over_a_held_book_count_its_loss_from_that_day():
    walk = Walk(replace(rules(), stop=9_000 * TICKS_PER_DOLLAR), held=(pair((-1000, 1000)),))
    assert walk.step(pair((-1000, 1000)), prices=CHANGED).positions["jpm-bac"] == (-1000, 1000)
    assert walk.step(pair((-1000, 1000)), prices={**PRICES, "JPM": 119 * TICKS_PER_DOLLAR}).positions["jpm-bac"] == (
        -1000,
        1000,
    )
    assert walk.step(pair((-1000, 1000)), prices={**PRICES, "JPM": 120 * TICKS_PER_DOLLAR}).positions["jpm-bac"] == (0, 0)


def test_every_decision_is_a_row_per_leg_and_every_counter_a_row():
    result = Walk().step(pair((4000, -2000)))
    rows = decision_rows(result, PRICES, DAY, "run")
    table = Table(
        "guard_decisions",
        {
            "as_of_date": "DATE",
            "ticket_id": "VARCHAR",
            "symbol": "VARCHAR",
            "action": "VARCHAR",
            "layer": "VARCHAR",
            "reason": "VARCHAR",
            "shares_before": "BIGINT",
            "shares_wanted": "BIGINT",
            "shares_after": "BIGINT",
            "target_notional": "DOUBLE",
            "run_id": "VARCHAR",
            "metadata": "VARCHAR",
        },
        ("as_of_date", "ticket_id", "symbol"),
    )
    frame = table.frame(rows)
    assert frame.select("symbol", "shares_before", "shares_wanted", "shares_after", "target_notional").rows() == [
        ("BAC", 0, -2000, -1250, -200_000.0),
        ("JPM", 0, 4000, 2500, 400_000.0),
    ]
    assert counter_rows(result, DAY) == [
        {"as_of_date": DAY, "counter": "avg_clip_ratio", "value": 0.625},
        {"as_of_date": DAY, "counter": "orders_clipped_per_trade", "value": 1.0},
    ]


def test_the_guards_are_asked_in_the_documents_order():
    # Every layer binds: each cut is at most the one before, and the last to take something away is named.
    symbol = limit("name_gross:JPM", Measure.NAME_GROSS, ("JPM",), 300_000, Family.NAME_GROSS)
    group = limit("group:money_center", Measure.GROSS, ("BAC", "JPM"), 400_000, Family.GROUP)
    gross = limit("portfolio_gross", Measure.GROSS, tuple(sorted(PRICES)), 300_000, Family.PORTFOLIO_GROSS)
    wanted = (pair((4000, -4000)),)
    seen = [
        guard_book((), wanted, PRICES, rules(), GuardMemory(), DAY, bounds).decisions[0]
        for bounds in ((symbol,), (symbol, group), (symbol, group, gross))
    ]
    assert [(said(item)[1], item.after) for item in seen] == [
        (Layer.PER_TRADE, (2500, -2500)),
        (Layer.GROUP, (2000, -2000)),
        (Layer.PORTFOLIO, (1500, -1500)),
    ]
    assert {item.action for item in seen} == {Action.CLIP}


def test_a_ticket_that_changed_its_names_is_refused():
    with pytest.raises(ValueError, match="close it first"):
        guard_book((pair((1, -1)),), (pair((1, -1), symbols=("C", "WFC")),), PRICES, rules(), GuardMemory(), DAY)
    with pytest.raises(ValueError, match="appears twice"):
        guard_book((), (pair((1, -1)), pair((1, -1))), PRICES, rules(), GuardMemory(), DAY)
