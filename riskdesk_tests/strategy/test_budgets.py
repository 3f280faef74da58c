"""From strategies to their tickets: shares, tickets that stand alone or have no strategy, and what the ledger will say."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.strategy.budget_checks import without_capital
from riskdesk_assets.strategy.budget_cuts import budget_cuts
from riskdesk_assets.strategy.budgets import BUDGET_INPUTS, strategy_budgets, ticket_shares
from riskdesk_assets.strategy.library import strategies_of, strategy_library
from riskdesk_assets.strategy.library_notices import strategy_notices
from riskdesk_assets.strategy.strategy_file import Strategy
from riskdesk_assets.strategy.ticket import Ticket
from riskdesk_tests.desk_builder import (
    calendar,
    changed,
    desk_config,
    inputs_of,
    make_ticket,
    sessions_from,
    shipped_strategies,
    shipped_tickets,
    snapshots_of,
)

DAY, NEXT = sessions_from(date(2026, 3, 2), 2)
CONFIG = desk_config()
Frames = dict[str, pl.DataFrame]


def strategy(name: str, **fields: Any) -> Strategy:
    base = {"strategy_name": name, "bucket": "Spread", "signal_type": "flow", "conviction": "Medium"}
    return Strategy.model_validate(base | fields)


LIBRARY = (strategy("Twins", conviction="High"), strategy("Idea", status="candidate"), strategy("Small", conviction="Low"))


def features(regime: str | None = "Normal") -> Frames:
    """One session on which every pair has beta 1 and z 1.6, every name 20% volatility, and two pairs move together."""
    pairs = [("JPM", "BAC"), ("C", "WFC"), ("GS", "MS")]
    state = dict.fromkeys(TABLES["pair_state"].columns)
    states = [
        state | {"as_of_date": DAY, "pair_id": f"{a}__{b}", "leg_a": a, "leg_b": b, "beta": 1.0, "zscore": 1.6, "corr_60": 0.5}
        for a, b in pairs
    ]
    name = dict.fromkeys(TABLES["instrument_state"].columns)
    names = [name | {"as_of_date": DAY, "symbol": symbol, "vol_20": 0.2} for pair in pairs for symbol in pair]
    together = {"as_of_date": DAY, "kind": "pair", "id_a": "C__WFC", "id_b": "JPM__BAC", "correlation": 0.8}
    day = {"as_of_date": DAY, "volatility_source": "^VIX", "volatility_z": 0.5, "dispersion_z": 0.5, "regime": regime}
    return {
        "market_regime": TABLES["market_regime"].frame([day]),
        "pair_state": TABLES["pair_state"].frame(states),
        "instrument_state": TABLES["instrument_state"].frame(names),
        "return_correlations": TABLES["return_correlations"].frame([together]),
    }


def budgets_of(
    *tickets: Ticket, library: tuple[Strategy, ...] = LIBRARY, config: Config = CONFIG, regime: str | None = "Normal"
) -> Frames:
    rows, known = snapshots_of(tickets, [DAY]), features(regime)
    written = strategy_library(config, {DAY: library}, rows, known["market_regime"])
    given_ = known | {"strategy_library": written, "ticket_snapshots": rows}
    return strategy_budgets(config, *(given_[name] for name in BUDGET_INPUTS)) | {"strategy_library": written}


def told(frames: Frames) -> dict[str, dict[str, Any]]:
    return {row["ticket_id"]: row for row in frames["strategy_budgets"].to_dicts()}


ONE = make_ticket("one", "JPM", "BAC", strategy="Twins")
TWO = make_ticket("two", "C", "WFC", strategy="Twins")
LONE = make_ticket("lone", "GS", "MS", conviction="Exceptional")


# --- who gets what ---------------------------------------------------------------------------------------------------


def test_tickets_share_their_strategys_capital_and_never_have_more_than_they_ask_for() -> None:
    found = told(budgets_of(ONE, TWO))
    # High: 750,000 in two halves
    assert [found[name]["budget"] for name in ("one", "two")] == [375_000.0, 375_000.0]
    assert found["one"]["reason"] == "50.0% of the $750,000 of Twins"
    small = told(budgets_of(make_ticket("one", "JPM", "BAC", strategy="Twins", max_gross_notional=300_000.0), TWO))
    assert small["one"]["budget"] == 300_000.0
    assert small["two"]["budget"] == 375_000.0
    assert small["one"]["reason"] == "50.0% of the $750,000 of Twins, at most its own $300,000"


def test_a_ticket_without_a_strategy_is_one_of_its_own_in_bucket_rv_with_its_own_conviction() -> None:
    frames = budgets_of(LONE)
    row = told(frames)["lone"]
    assert (row["strategy_name"], row["bucket"], row["share"], row["conviction_multiplier"]) == ("lone", "RV", 1.0, 2.0)
    assert (row["capital"], row["budget"], row["hedge_ratio"]) == (1_000_000.0, 800_000.0, 1.0)
    library = {row["strategy_name"]: row for row in frames["strategy_library"].to_dicts()}
    assert (library["lone"]["source"], library["lone"]["bucket"], library["Twins"]["source"]) == ("ticket", "RV", "file")


@pytest.mark.parametrize(
    ("ticket", "why"),
    [
        (make_ticket("one", strategy="Twin"), "no budget: strategy 'Twin' is not in the library; did you mean 'Twins'?"),
        (make_ticket("one", strategy="Idea"), "no budget: strategy 'Idea' is a candidate: it has no capital yet"),
        (make_ticket("one", strategy="lone"), "no budget: strategy 'lone' is not in the library"),
        (make_ticket("Twins"), "no budget: its id is the name of a strategy, and it names none: say `strategy: Twins`"),
    ],
)
def test_a_ticket_of_no_strategy_has_no_budget_and_is_told_why(ticket: Ticket, why: str) -> None:
    frames = budgets_of(ticket, LONE)
    row = told(frames)[ticket.ticket_id]
    assert (row["budget"], row["base_size"], row["reason"]) == (0.0, None, why)
    (cut,) = budget_cuts(row)
    assert (cut.name, cut.value_in, cut.value_out, cut.reason) == ("no_strategy", 800_000.0, 0.0, why)
    (check,) = without_capital(frames["strategy_budgets"], snapshots_of([ticket, LONE], [DAY]))
    assert (check.passed, check.hard, check.limit) == (False, False, ticket.ticket_id)
    assert why in check.message
    (notice,) = strategy_notices([("t.yaml", ticket), ("l.yaml", LONE)], LIBRARY, whole=True)
    assert notice.message == f"{ticket.ticket_id} will have no budget: {why.removeprefix('no budget: ')}"


def test_a_strategy_out_of_its_regime_gives_its_tickets_nothing_and_no_warning() -> None:
    calm = (strategy("Twins", conviction="High", regime_fit="Calm"),)
    frames = budgets_of(ONE, library=calm)
    row = told(frames)["one"]
    assert (row["budget"], row["regime_fit"]) == (0.0, 0.0)
    assert row["reason"].endswith("of Twins: does not fit Normal")
    assert budget_cuts(row)[-1].name == "regime_fit"
    assert list(without_capital(frames["strategy_budgets"], snapshots_of([ONE], [DAY]))) == []


def test_a_ticket_that_is_not_in_force_keeps_its_bucket_and_has_no_budget() -> None:
    over = make_ticket("one", "JPM", "BAC", strategy="Twins", expires_on=calendar().before(DAY))
    found = told(budgets_of(over, TWO))
    assert (found["one"]["bucket"], found["one"]["budget"], found["two"]["budget"]) == ("Spread", 0.0, 750_000.0)
    assert found["one"]["reason"] == "no budget: not in force: expired"
    first = snapshots_of([ONE, TWO], [DAY])
    gone = snapshots_of([TWO], [NEXT], previous=first)
    assert gone.filter(pl.col("ticket_id") == "one").select("status", "strategy").rows() == [("REMOVED", "Twins")]


def test_streams_that_move_together_cost_both_strategies() -> None:
    other = make_ticket("two", "C", "WFC", strategy="Small")
    frames = budgets_of(ONE, other)
    sizes = {row["strategy_name"]: row for row in frames["strategy_sizes"].to_dicts()}
    assert sizes["Twins"]["mean_correlation"] == pytest.approx(0.8)
    assert sizes["Twins"]["final_size"] == pytest.approx(750_000 * 0.6)
    assert sizes["Small"]["final_size"] == pytest.approx(250_000 * 0.6)
    assert frames["strategy_correlations"].rows() == [(DAY, "Small", "Twins", pytest.approx(0.8))]
    # on opposite sides of like spreads they hedge one another
    turned = make_ticket("two", "C", "WFC", strategy="Small", orientation="LONG_SPREAD")
    assert told(budgets_of(ONE, turned))["one"]["correlation_adjustment"] == 1.0


# --- shares ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ((None, None), (0.5, 0.5)),
        ((0.7, None), (0.7, 0.3)),
        ((0.7, 0.3), (0.7, 0.3)),
        ((0.5, 0.2), (0.5, 0.2)),  # what nobody claims stays unused
        ((0.9, 0.9), (0.5, 0.5)),
        ((1.0, None), (1.0, 0.0)),
    ],
)
def test_shares_are_as_written_the_rest_in_equal_parts(written: tuple[float | None, ...], found: tuple[float, ...]) -> None:
    shares = ticket_shares(list(zip("ab", written, strict=True)))
    assert [shares["a"], shares["b"]] == pytest.approx(list(found))


@given(st.lists(st.one_of(st.none(), st.floats(0.01, 1)), min_size=1, max_size=6))
def test_shares_never_sum_to_more_than_one_and_a_ticket_that_ends_never_enlarges_one_that_says_its_own(
    written: list[float | None],
) -> None:
    tickets = [(f"t{number}", share) for number, share in enumerate(written)]
    shares = ticket_shares(tickets)
    assert sum(shares.values()) <= 1 + 1e-12
    assert all(share >= 0 for share in shares.values())
    said = [ticket_id for ticket_id, share in tickets[1:] if share is not None]
    if sum(share for share in written if share is not None) <= 1:
        assert all(ticket_shares(tickets[1:])[name] <= shares[name] + 1e-12 for name in said)


def test_odd_shares_are_told_by_lint() -> None:
    def said(*shares: float | None) -> list[str]:
        tickets = [
            (f"{n}.yaml", make_ticket(f"t{n}", strategy="Twins", **({} if share is None else {"share": share})))
            for n, share in enumerate(shares)
        ]
        assert strategy_notices(tickets, LIBRARY, whole=False) == ()
        return [notice.message for notice in strategy_notices(tickets, LIBRARY, whole=True)]

    assert said(0.5, 0.5) == said(None, 0.4) == said(None, None) == []
    assert said(0.7, 0.7) == ["the shares of Twins sum to 1.4: each is scaled down by that"]
    assert said(0.3, 0.3) == ["the shares of Twins sum to 0.6: the rest of its capital stays unused"]
    assert said(1.0, None) == ["the shares of Twins leave nothing for t1"]


# --- the ledger's rows -----------------------------------------------------------------------------------------------


def test_each_multiplier_that_cuts_has_a_row_with_the_value_before_and_after() -> None:
    # Twins: 500,000 x 1.5; ratio 0.02/0.1 -> 0.5; Kelly 0.25 x 0.02 / 0.01 = 0.5 nav: no cap; Event 0.8; correlation 0.6
    weak = (strategy("Twins", conviction="High", expected_return=0.02, expected_risk=0.1), LIBRARY[2])
    other = make_ticket("two", "C", "WFC", strategy="Small")
    row = told(budgets_of(ONE, other, library=weak, regime="Event"))["one"]
    cuts = [(cut.name, cut.value_in, cut.value_out) for cut in budget_cuts(row)]
    assert cuts == [
        ("base_size", 800_000.0, 750_000.0),
        ("return_risk", 750_000.0, pytest.approx(375_000.0)),
        ("regime", pytest.approx(375_000.0), pytest.approx(300_000.0)),
        ("correlation", pytest.approx(300_000.0), pytest.approx(180_000.0)),
    ]
    assert row["budget"] == cuts[-1][2] == pytest.approx(180_000.0)


@cache
def shipped() -> Frames:
    sessions = sessions_from(date(2026, 3, 2), 15)
    inputs = inputs_of(CONFIG, shipped_tickets(), sessions[0], sessions[-1])
    return {"strategy_budgets": inputs.strategy_budgets, "strategy_library": inputs.strategy_library}


def test_the_rows_lead_from_what_the_ticket_asks_for_to_its_budget() -> None:
    cut = 0
    for row in shipped()["strategy_budgets"].to_dicts():
        now = row["max_gross_notional"]
        for each in budget_cuts(row):
            assert each.value_in == pytest.approx(now, rel=1e-12)
            assert each.value_out < each.value_in
            now = each.value_out
            cut += 1
        assert now == pytest.approx(row["budget"], rel=1e-12)
    assert cut > 50


def test_the_order_of_tickets_and_rows_changes_no_bit() -> None:
    tickets = (ONE, TWO, LONE)
    straight = budgets_of(*tickets)
    turned = budgets_of(*reversed(tickets), library=tuple(reversed(LIBRARY)))
    assert all(straight[name].equals(turned[name]) for name in straight)


def test_the_library_read_back_from_its_table_is_the_library() -> None:
    found = strategies_of(shipped()["strategy_library"], "file")
    assert set(found.values()) == {shipped_strategies()}


def test_capital_in_a_bucket_stays_within_its_cap_on_every_session() -> None:
    tight = changed(CONFIG, "sizing.max_allocation_pct.RV", 0.5)
    sessions = sessions_from(date(2026, 3, 2), 3)
    rows = inputs_of(tight, shipped_tickets(), sessions[0], sessions[-1]).strategy_budgets
    sums = rows.filter(pl.col("bucket") == "RV").group_by("as_of_date").agg(pl.col("budget").sum())
    assert (sums["budget"] <= 0.5 * CONFIG.desk.nav + 0.01).all()
    assert rows.filter(pl.col("bucket") == "RV")["bucket_multiplier"].max() < 1
