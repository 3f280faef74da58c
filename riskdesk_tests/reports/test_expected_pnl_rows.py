"""Rows of expected_pnl by hand: what is expected, of what capital, against which P&L, and when that is too little."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.hashing import digest_frame
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.expected_pnl_rows import (
    BUCKET,
    EXPECTED_PNL,
    IDLE,
    NOT_EMPLOYED,
    ON_TRACK,
    READ_TABLES,
    STRATEGY,
    TOO_FEW,
    TOTAL,
    UNDERPERFORMING,
    looked_back_on,
    off_track,
    reach,
)
from riskdesk_assets.reports.strategy_of_tickets import OWNERS_REACH, UNASSIGNED
from riskdesk_tests.desk_builder import changed, desk_config, sessions_from
from riskdesk_tests.reports.expected_frames import RV_TICKET, SPREAD_TICKET, computed, cut, frame, row_of, tables_of

CONFIG = desk_config()
# From a Monday: five weeks of five sessions, then more.
DAYS = sessions_from(date(2026, 3, 2), 60)
WINDOW = CONFIG.desk.expected_pnl.window_sessions


def every_day(**dollars: float) -> dict[date, dict[str, float]]:
    """Positions of so much gross on every session, by ticket: ``rv`` and ``spread``."""
    names = {"rv": RV_TICKET, "spread": SPREAD_TICKET}
    return {day: {names[name]: amount for name, amount in dollars.items()} for day in DAYS}


def test_what_is_expected_is_budget_times_return_times_factor_and_looks_forward() -> None:
    regimes = {DAYS[0]: "Calm", DAYS[1]: "Event"}
    rows = computed(CONFIG, tables_of(DAYS[:2], regimes=regimes, budgets={RV_TICKET: 2e6, SPREAD_TICKET: 5e5}), DAYS[:2])
    calm, event = (row_of(rows, day, BUCKET, "RV") for day in DAYS[:2])
    assert (calm["base_return"], calm["env_factor"], event["env_factor"]) == (0.0025, 1.3, 0.9)
    assert calm["expected_week"] == pytest.approx(6_500)  # 2,000,000 x 0.0025 x 1.3
    assert event["expected_day"] == pytest.approx(900)  # 2,000,000 x 0.0025 x 0.9 / 5
    # What comes true on the second day is held against what the first said, in the first's regime.
    assert (calm["forecast"], event["forecast"]) == (None, calm["expected_day"])
    total = row_of(rows, DAYS[0], TOTAL, TOTAL)
    assert total["expected_week"] == pytest.approx(6_500 + 5e5 * 0.002 * 1.1)
    assert total["expected_return"] == pytest.approx((6_500 + 1_100) / 2.5e6)
    assert (total["capital"], total["env_factor"]) == (2.5e6, None)


def test_employed_capital_is_the_gross_of_the_positions_and_has_an_expectation_of_its_own() -> None:
    held = {DAYS[0]: {RV_TICKET: -300_000.55}}
    rows = computed(CONFIG, tables_of(DAYS[:2], held=held), DAYS[:2])
    first, second = (row_of(rows, day, BUCKET, "RV") for day in DAYS[:2])
    assert (first["employed"], second["employed"]) == (300_000.55, 0.0)
    assert first["expected_day_employed"] == pytest.approx(300_000.55 * 0.0025 / 5)
    assert second["forecast_employed"] == first["expected_day_employed"]


def test_pnl_counts_with_the_strategy_its_ticket_had_when_the_book_was_made() -> None:
    budgets = {DAYS[0]: {RV_TICKET: 1e6, SPREAD_TICKET: 1e6}, DAYS[1]: {SPREAD_TICKET: 1e6}}
    realized = {DAYS[1]: {RV_TICKET: -50.25, SPREAD_TICKET: 20.5}}
    rows = computed(CONFIG, tables_of(DAYS[:2], budgets=budgets, realized=realized), DAYS[:2])
    assert [row_of(rows, DAYS[1], BUCKET, name)["realized"] for name in ("RV", "Spread")] == [-50.25, 20.5]
    banks = row_of(rows, DAYS[1], STRATEGY, "banks")  # it lost its budget today, and its P&L is told all the same
    assert (banks["capital"], banks["realized"], banks["bucket"]) == (0.0, -50.25, "RV")
    assert row_of(rows, DAYS[1], TOTAL, TOTAL)["realized"] == pytest.approx(-29.75)


def test_closing_costs_of_a_removed_ticket_still_belong_to_its_strategy_and_after_long_to_nobody() -> None:
    budgets = {DAYS[0]: {RV_TICKET: 1e6}}
    near, far = DAYS[OWNERS_REACH + 1], DAYS[OWNERS_REACH + 2]  # of books OWNERS_REACH and OWNERS_REACH + 1 later
    rows = computed(CONFIG, tables_of(DAYS, budgets=budgets, realized={near: {RV_TICKET: -3.0}, far: {RV_TICKET: -4.0}}), DAYS)
    assert row_of(rows, near, STRATEGY, "banks")["realized"] == -3.0
    lost = row_of(rows, far, BUCKET, UNASSIGNED)
    assert (lost["realized"], lost["capital"], lost["expected_week"]) == (-4.0, 0.0, 0.0)
    assert row_of(rows, far, TOTAL, TOTAL)["realized"] == -4.0
    assert rows.filter((pl.col("name") == UNASSIGNED) & (pl.col("as_of_date") != far)).is_empty()


def test_delisted_and_skipped_rows_count_too_so_that_no_loss_is_left_out() -> None:
    tables = tables_of(DAYS[:2], realized={DAYS[1]: {RV_TICKET: -10.0}})
    more = [
        {
            "realized_on": DAYS[1],
            "as_of_date": DAYS[0],
            "status": status,
            "ticket_id": RV_TICKET,
            "symbol": symbol,
            "pnl_net": pnl,
        }
        for status, symbol, pnl in (("DELISTED", "KEY", -1_000.0), ("SKIPPED_NO_PRICE", "RF", -0.5))
    ]
    tables["realized_pnl"] = pl.concat([tables["realized_pnl"], frame("realized_pnl", more)])
    assert row_of(computed(CONFIG, tables, DAYS[:2]), DAYS[1], TOTAL, TOTAL)["realized"] == -1_010.5


# 2^20 dollars at 5 x 2^-12 a week: 256 a day, and every sum of such days is exact.
HALF = 0.5 * 256 * WINDOW


@pytest.mark.parametrize(
    ("earned", "status"),
    [(HALF, ON_TRACK), (math.nextafter(HALF, 0.0), UNDERPERFORMING), (-HALF, UNDERPERFORMING), (3 * HALF, ON_TRACK)],
)
def test_exactly_half_of_what_was_expected_is_enough_and_a_hair_less_is_not(earned: float, status: str) -> None:
    exact = changed(CONFIG, "expected_returns.base_returns.RV", 5 * 2.0**-12)
    realized = {DAYS[WINDOW]: {RV_TICKET: earned}}
    tables = tables_of(DAYS, budgets={RV_TICKET: 2.0**22}, held=every_day(rv=2.0**20), realized=realized)
    rows = computed(exact, tables, DAYS[: WINDOW + 1])
    row = row_of(rows, DAYS[WINDOW], BUCKET, "RV")
    # Four times as much was allocated as employed: of that 8 x HALF was expected, and half of it never came.
    assert (row["window_realized"], row["window_employed"], row["window_expected"]) == (earned, 2 * HALF, 8 * HALF)
    assert row["employed_ratio"] == pytest.approx(earned / (2 * HALF))
    assert row["realized_ratio"] == pytest.approx(earned / (8 * HALF))
    assert row["status"] == row_of(rows, DAYS[WINDOW], STRATEGY, "banks")["status"] == status
    assert row_of(rows, DAYS[WINDOW], TOTAL, TOTAL)["status"] == status


def test_a_book_under_its_limit_on_gross_is_judged_on_what_it_held_not_on_three_navs_of_budgets() -> None:
    """RV and Spread are given 4,500,000 and 3,000,000 of a NAV of 2,500,000, and hold 1,000,000 and 500,000 of gross."""
    budgets = {RV_TICKET: 4_500_000.0, SPREAD_TICKET: 3_000_000.0}
    realized = {day: {RV_TICKET: 300.0, SPREAD_TICKET: 50.0} for day in DAYS[1:]}
    tables = tables_of(DAYS, budgets=budgets, held=every_day(rv=1e6, spread=5e5), realized=realized)
    rows = computed(CONFIG, tables, DAYS[: WINDOW + 1])
    rv, spread, total = (row_of(rows, DAYS[WINDOW], *key) for key in ((BUCKET, "RV"), (BUCKET, "Spread"), (TOTAL, TOTAL)))
    # A day on allocated: 4,500,000 x 0.0025 / 5 = 2,250 and 3,000,000 x 0.0020 / 5 = 1,200. On employed: 500 and 200.
    assert (rv["window_expected"], spread["window_expected"]) == (pytest.approx(20 * 2_250), pytest.approx(20 * 1_200))
    assert (rv["window_employed"], spread["window_employed"]) == (pytest.approx(20 * 500), pytest.approx(20 * 200))
    assert (total["window_expected"], total["window_employed"]) == (pytest.approx(69_000), pytest.approx(14_000))
    # 6,000 of 10,000 is enough, 1,000 of 4,000 is not, 7,000 of 14,000 is exactly half; of 69,000 none would have been.
    assert [row["employed_ratio"] for row in (rv, spread, total)] == pytest.approx([0.6, 0.25, 0.5])
    assert [row["realized_ratio"] for row in (rv, spread, total)] == pytest.approx([6 / 45, 1 / 24, 7 / 69])
    assert [row["status"] for row in (rv, spread, total)] == [ON_TRACK, UNDERPERFORMING, ON_TRACK]
    assert rv["message"] == (
        "earned $6,000.00 over 20 sessions, held on 20, where $10,000.00 was expected of the capital employed: 60%; "
        "$45,000.00 was expected of the capital allocated"
    )


def test_capital_that_held_nothing_is_not_employed_which_is_no_lagging() -> None:
    realized = {DAYS[1]: {RV_TICKET: -12.5}}  # the cost of an exit before
    rows = computed(CONFIG, tables_of(DAYS, realized=realized), DAYS[: WINDOW + 1])
    row = row_of(rows, DAYS[WINDOW], BUCKET, "RV")
    assert (row["status"], row["employed_ratio"], row["window_employed"]) == (NOT_EMPLOYED, None, 0.0)
    # 1,000,000 x 0.0025 / 5 = 500 a day
    assert row["message"] == "lost $12.50 over 20 sessions, held on none; $10,000.00 was expected of the capital allocated"
    assert list(off_track(rows)) == []


def test_sessions_on_which_something_was_held_are_counted_and_only_they_are_expected_to_earn() -> None:
    held = {DAYS[place]: {RV_TICKET: 400_000.0} for place in (3, 4, 5)}
    rows = computed(CONFIG, tables_of(DAYS, held=held, realized={DAYS[5]: {RV_TICKET: 90.0}}), DAYS[: WINDOW + 1])
    row = row_of(rows, DAYS[WINDOW], BUCKET, "RV")
    # 400,000 x 0.0025 / 5 = 200 on each of three sessions
    assert (row["window_employed"], row["employed_ratio"]) == (pytest.approx(600.0), pytest.approx(0.15))
    assert str(row["message"]).startswith(
        "earned $90.00 over 20 sessions, held on 3, where $600.00 was expected of the capital"
    )


def test_a_strategy_that_is_given_capital_every_other_day_is_judged_over_as_many_days_with_some() -> None:
    budgets = {day: {RV_TICKET: 1e6 * (place % 2)} for place, day in enumerate(DAYS)}
    realized = {day: {RV_TICKET: 50.0} for day in DAYS[1:]}
    tables = tables_of(DAYS, budgets=budgets, held=budgets, realized=realized)
    rows = computed(CONFIG, tables, DAYS[: 2 * WINDOW + 1])
    few, enough = (row_of(rows, DAYS[place], STRATEGY, "banks") for place in (2 * WINDOW - 1, 2 * WINDOW))
    assert (few["status"], few["window_sessions"]) == (TOO_FEW, WINDOW - 1)
    assert (enough["status"], enough["window_sessions"]) == (UNDERPERFORMING, WINDOW)
    # What the days between earned or cost counts as well: 39 days from the first expectation that counts to today.
    assert (enough["window_expected"], enough["window_realized"]) == (pytest.approx(WINDOW * 500), (2 * WINDOW - 1) * 50.0)


def test_nothing_is_judged_before_every_session_of_the_window_had_an_expectation() -> None:
    rows = computed(CONFIG, tables_of(DAYS, held=every_day(rv=1e6)), DAYS[: WINDOW + 1])
    early, full = (row_of(rows, DAYS[place], BUCKET, "RV") for place in (WINDOW - 1, WINDOW))
    assert (early["status"], early["window_sessions"]) == (TOO_FEW, WINDOW - 1)  # the first session had none to look back on
    assert (full["status"], full["window_sessions"]) == (UNDERPERFORMING, WINDOW)
    # A bucket that was given capital yesterday is not called a laggard today.
    late = {day: {RV_TICKET: 1e6, **({SPREAD_TICKET: 1e6} if place >= WINDOW else {})} for place, day in enumerate(DAYS)}
    rows = computed(CONFIG, tables_of(DAYS, budgets=late, held=late), DAYS[: WINDOW + 2])
    assert row_of(rows, DAYS[WINDOW + 1], BUCKET, "Spread")["status"] == TOO_FEW


def test_only_the_window_counts() -> None:
    realized = {DAYS[1]: {RV_TICKET: 1e9}}
    rows = computed(CONFIG, tables_of(DAYS, held=every_day(rv=1e6), realized=realized), DAYS[: WINDOW + 2])
    last_in, out = (row_of(rows, DAYS[place], BUCKET, "RV") for place in (WINDOW, WINDOW + 1))
    assert (last_in["window_realized"], last_in["status"]) == (1e9, ON_TRACK)
    assert (out["window_realized"], out["status"]) == (0.0, UNDERPERFORMING)


def test_a_bucket_without_anything_is_idle_and_has_no_ratio() -> None:
    row = row_of(computed(CONFIG, tables_of(DAYS), DAYS[:30]), DAYS[29], BUCKET, "Volatility")
    assert (row["status"], row["realized_ratio"], row["capital"], row["expected_week"]) == (IDLE, None, 0.0, 0.0)


def test_without_a_regime_nothing_is_expected_and_the_day_after_is_not_compared() -> None:
    regimes: dict[date, str | None] = {**dict.fromkeys(DAYS, "Normal"), DAYS[3]: None}
    realized = {DAYS[4]: {RV_TICKET: 77.0}, DAYS[5]: {RV_TICKET: 1.0}}
    rows = computed(CONFIG, tables_of(DAYS, regimes=regimes, realized=realized), DAYS[:6])
    for scope, name in ((BUCKET, "RV"), (TOTAL, TOTAL)):
        unknown, after, later = (row_of(rows, DAYS[place], scope, name) for place in (3, 4, 5))
        assert (unknown["expected_day"], unknown["expected_week"], unknown["market_regime"]) == (None, None, None)
        assert unknown["capital"] == 1e6
        assert (after["forecast"], after["realized"], after["window_realized"]) == (None, 77.0, 0.0)
        assert (later["window_realized"], later["window_sessions"]) == (1.0, 4)


def test_the_target_of_a_week_is_what_the_week_before_ended_on() -> None:
    regimes = {day: "Event" if place == 4 else "Calm" for place, day in enumerate(DAYS)}
    realized = {day: {RV_TICKET: 10.0} for day in DAYS[5:8]}
    rows = computed(CONFIG, tables_of(DAYS, regimes=regimes, realized=realized), DAYS[:11])
    friday = row_of(rows, DAYS[4], BUCKET, "RV")
    assert DAYS[4].weekday() == 4
    week = [row_of(rows, day, BUCKET, "RV") for day in DAYS[5:10]]
    assert {row["week_target"] for row in week} == {friday["expected_week"]}  # in Friday's regime, whatever comes after
    assert [row["week_realized"] for row in week] == [10.0, 20.0, 30.0, 30.0, 30.0]
    monday = row_of(rows, DAYS[10], BUCKET, "RV")
    assert (monday["week_realized"], monday["week_target"]) == (0.0, week[-1]["expected_week"])
    assert row_of(rows, DAYS[2], BUCKET, "RV")["week_target"] is None  # the desk was not there the Friday before


def test_a_week_that_begins_on_a_tuesday_takes_its_target_from_the_friday_before_the_holiday() -> None:
    # Memorial Day, Monday 2026-05-25.
    days = sessions_from(date(2026, 5, 21), 4)
    assert [day.weekday() for day in days] == [3, 4, 1, 2]
    rows = computed(CONFIG, tables_of(days, realized={days[2]: {RV_TICKET: 5.0}}), days)
    tuesday = row_of(rows, days[2], TOTAL, TOTAL)
    assert (tuesday["week_realized"], tuesday["week_target"]) == (5.0, row_of(rows, days[1], TOTAL, TOTAL)["expected_week"])


def test_a_strategy_in_a_bucket_nobody_knows_is_an_error() -> None:
    with pytest.raises(InputError, match="bucket: is 'Carry'"):
        computed(CONFIG, tables_of(DAYS[:1], owners={RV_TICKET: ("banks", "Carry")}), DAYS[:1])


def test_directional_strategies_have_a_row_of_their_own_and_discretionarys_numbers() -> None:
    owners = {RV_TICKET: ("one", "Directional"), SPREAD_TICKET: ("two", "Discretionary")}
    rows = computed(CONFIG, tables_of(DAYS[:1], owners=owners, budgets={RV_TICKET: 1e6, SPREAD_TICKET: 1e6}), DAYS[:1])
    one, two = (row_of(rows, DAYS[0], BUCKET, name) for name in ("Directional", "Discretionary"))
    assert one["expected_week"] == two["expected_week"] == pytest.approx(3_500)


# -- the same rows, however they come to be


def busy() -> dict[str, pl.DataFrame]:
    """Sixty sessions on which everything moves: budgets, regimes, owners, P&L, positions."""
    rng = np.random.default_rng(5)
    words = ["Calm", "Normal", "Event", None]
    regimes = {
        day: words[int(place)] for day, place in zip(DAYS, rng.choice(4, len(DAYS), p=[0.4, 0.3, 0.2, 0.1]), strict=True)
    }
    budgets = {
        day: {ticket: float(rng.integers(1, 9)) * 1e5 + 0.01 for ticket in (RV_TICKET, SPREAD_TICKET) if rng.random() > 0.2}
        for day in DAYS
    }
    money = [
        {day: {ticket: float(rng.normal(0, 3_000)) for ticket in (RV_TICKET, SPREAD_TICKET)} for day in days}
        for days in (DAYS, DAYS[1:])
    ]
    return tables_of(DAYS, regimes=regimes, budgets=budgets, held=money[0], realized=money[1])


def test_a_day_alone_and_a_range_cut_in_two_are_the_range_bit_for_bit() -> None:
    tables, back = busy(), {name: reach(CONFIG, name) for name in READ_TABLES}
    whole = computed(CONFIG, tables, DAYS)
    written = {**tables, EXPECTED_PNL: whole}
    assert {TOO_FEW, ON_TRACK, UNDERPERFORMING} <= set(whole["status"])
    key = TABLES[EXPECTED_PNL].key
    for first, last in ((30, 59), *((place, place) for place in (0, 1, 6, 19, 20, 21, 43, 59))):
        alone = computed(CONFIG, cut(written, back, DAYS[first], DAYS[last]), DAYS[first : last + 1])
        expected = whole.filter(pl.col("as_of_date").is_between(DAYS[first], DAYS[last]))
        assert digest_frame(alone, key) == digest_frame(expected, key), DAYS[first]


def test_what_a_run_directory_keeps_of_earlier_rows_is_all_its_own_rows_need() -> None:
    short = changed(CONFIG, "desk.expected_pnl.window_sessions", 6)
    tables = busy()
    whole = computed(short, tables, DAYS)
    kept = looked_back_on(whole.filter(pl.col("as_of_date") < DAYS[50]), short)
    strategies = kept.filter(pl.col("scope") == STRATEGY)["as_of_date"]
    assert (strategies.min(), kept["as_of_date"].min()) == (DAYS[50 - 3 * 6], DAYS[0])
    again = computed(short, {**tables, EXPECTED_PNL: kept}, DAYS[50:])
    key = TABLES[EXPECTED_PNL].key
    assert digest_frame(again, key) == digest_frame(whole.filter(pl.col("as_of_date") >= DAYS[50]), key)


def test_the_order_of_rows_changes_no_bit_and_nothing_later_is_looked_at() -> None:
    tables = busy()
    whole = computed(CONFIG, tables, DAYS)
    key = TABLES[EXPECTED_PNL].key
    turned = {name: table.reverse() for name, table in tables.items()}
    assert digest_frame(computed(CONFIG, turned, DAYS), key) == digest_frame(whole, key)
    early = computed(CONFIG, tables, DAYS[:40])
    assert digest_frame(early, key) == digest_frame(whole.filter(pl.col("as_of_date") <= DAYS[39]), key)


def test_buckets_and_strategies_add_up_to_the_total() -> None:
    rows = computed(CONFIG, busy(), DAYS)
    names = ["capital", "employed", "realized", "expected_week", "forecast"]
    for scope in (BUCKET, STRATEGY):
        parts = rows.filter(pl.col("scope") == scope).group_by("as_of_date").agg(pl.col(names).sum()).sort("as_of_date")
        totals = rows.filter(pl.col("scope") == TOTAL).sort("as_of_date").select(pl.col(names).fill_null(0.0))
        for name in names if scope == BUCKET else ["capital", "employed", "expected_week"]:
            assert parts[name].to_numpy() == pytest.approx(totals[name].to_numpy(), rel=1e-12, abs=1e-6), (scope, name)


# -- the check


def test_the_check_warns_of_a_lagging_bucket_with_the_numbers_and_never_blocks() -> None:
    realized = {DAYS[WINDOW]: {RV_TICKET: 1_234.5}, DAYS[WINDOW - 3]: {SPREAD_TICKET: 1e6}}
    budgets = {RV_TICKET: 1e6, SPREAD_TICKET: 1e6}
    tables = tables_of(DAYS, budgets=budgets, held=every_day(rv=5e5, spread=5e5), realized=realized)
    rows = computed(CONFIG, tables, DAYS[: WINDOW + 1])
    (check,) = off_track(rows)
    assert (check.session, check.passed, check.hard, check.limit) == (DAYS[WINDOW], False, False, "RV")
    # 500,000 x 0.0025 / 5 = 250 a day on employed, twice that on allocated
    said = (
        "RV earned $1,234.50 over 20 sessions, held on 20, where $5,000.00 was expected of the capital employed: below 50%; "
        "$10,000.00 was expected of the capital allocated"
    )
    assert check.message == f"{said}; strategies below it: banks"
    assert (check.measured, check.bound) == ("1234.50", "5000.00")


def test_a_lagging_strategy_alone_is_told_in_its_row_and_fails_no_check() -> None:
    owners = {RV_TICKET: ("slow", "RV"), SPREAD_TICKET: ("fast", "RV")}
    realized = {DAYS[WINDOW]: {SPREAD_TICKET: 1e6}}
    held = every_day(rv=1e5, spread=1e5)
    tables = tables_of(DAYS, owners=owners, budgets={RV_TICKET: 1e6, SPREAD_TICKET: 1e6}, held=held, realized=realized)
    rows = computed(CONFIG, tables, DAYS[: WINDOW + 1])
    assert row_of(rows, DAYS[WINDOW], STRATEGY, "slow")["status"] == UNDERPERFORMING
    assert list(off_track(rows)) == []


def test_a_loss_is_called_one() -> None:
    tables = tables_of(DAYS, held=every_day(rv=1e5), realized={DAYS[WINDOW]: {RV_TICKET: -5.0}})
    rows = computed(CONFIG, tables, DAYS[: WINDOW + 1])
    # 100,000 x 0.0025 / 5 = 50 a day
    said = str(row_of(rows, DAYS[WINDOW], TOTAL, TOTAL)["message"])
    assert said.startswith("lost $5.00 over 20 sessions, held on 20, where $1,000.00 was expected of the capital employed")
