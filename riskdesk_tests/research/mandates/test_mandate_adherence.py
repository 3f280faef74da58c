"""Limits, scenarios and exposures of a mandate's backtest, counted by hand from the rows they are made of."""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise

import polars as pl
import pytest

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.research.mandates.adherence import limit_slack, limit_use
from riskdesk_assets.research.mandates.shocks import scenario_pnl
from riskdesk_assets.research.mandates.tables import BENCHMARK, MANDATE_BACKTEST_TABLES, SCENARIO_DAYS, TIMESERIES
from riskdesk_tests.desk_builder import desk_config, sample_bars, sessions_from
from riskdesk_tests.research.mandates.mandate_backtests import DAYS, LONG, MANDATES, NEUTRAL, backtested, plain

NAV = 1_000.0
FOUR = sessions_from(date(2024, 9, 3), 4)


def limit(
    day: date,
    name: str,
    family: str,
    measured: float,
    bound: float,
    status: str = "OK",
    softened_to: float | None = None,
    price: float | None = None,
) -> dict[str, object]:
    return {
        "as_of_date": day,
        "portfolio_id": LONG,
        "limit_name": name,
        "family": family,
        "unit": "dollars",
        "measured": measured,
        "bound": bound,
        "utilization": measured / bound if bound else (None if measured else 0.0),
        "softened_to": softened_to,
        "price_of_limit": price,
        "status": status,
        "source": "by hand",
    }


LIMITS = TABLES["portfolio_limits"].frame(
    [
        limit(FOUR[0], "name:JPM", "name_gross", 100.0, 120.0, "AMBER"),
        limit(FOUR[0], "name:BAC", "name_gross", 120.0, 120.0, "AMBER", price=0.25),
        limit(FOUR[1], "name:JPM", "name_gross", 119.0, 120.0, "AMBER", price=0.75),
        limit(FOUR[1], "name:BAC", "name_gross", 118.0, 120.0, "AMBER", price=0.5),
        limit(FOUR[0], "fragility", "fragility", 350.0, 350.0, "AMBER", price=0.1),
        limit(FOUR[1], "fragility", "fragility", 400.0, 350.0, "SOFTENED", softened_to=400.0, price=0.2),
        limit(FOUR[2], "fragility", "fragility", 500.0, 350.0, "BREACH"),
        limit(FOUR[3], "fragility", "fragility", 410.0, 350.0, "BREACH"),
        limit(FOUR[3], "sector:Banks", "sector", 5.0, 0.0, "BREACH"),
    ]
)


def decisions(*statuses: str) -> pl.DataFrame:
    return pl.DataFrame({"as_of_date": list(FOUR), "status": list(statuses)})


def test_slack_is_the_bound_less_the_measure_of_the_tightest_member_as_fractions_of_nav() -> None:
    rows = {(row["as_of_date"], row["limit_name"]): row for row in limit_slack(LIMITS, NAV).iter_rows(named=True)}
    first, second = rows[FOUR[0], "name"], rows[FOUR[1], "name"]
    assert (first["member"], first["slack"], first["price_of_limit"]) == ("BAC", 0.0, 0.25)
    assert (second["member"], second["measured"], second["price_of_limit"]) == ("JPM", 0.119, 0.75)
    assert second["slack"] == pytest.approx(0.001)
    gave = rows[FOUR[1], "fragility"]
    assert (gave["status"], gave["softened_to"], gave["member"]) == ("SOFTENED", 0.4, "")
    assert gave["slack"] == pytest.approx(-0.05)
    assert rows[FOUR[3], "sector:Banks"]["utilization"] is None


def test_use_counts_sessions_and_only_answers_count_as_breaches_of_an_answer() -> None:
    slack = limit_slack(LIMITS, NAV)
    found = limit_use(LIMITS, slack, decisions("OPTIMAL", "SOFTENED", "INFEASIBLE", "OPTIMAL"))
    rows = {row["limit_name"]: row for row in found.iter_rows(named=True)}
    fragility = rows["fragility"]
    counts = ("sessions", "bound", "amber", "softened", "breached", "released_breached")
    assert [fragility[name] for name in counts] == [4, 2, 1, 1, 2, 1]
    assert fragility["most_utilization"] == pytest.approx(500 / 350)
    assert fragility["least_slack"] == pytest.approx(-0.15)
    assert fragility["mean_price"] == pytest.approx(0.15)
    assert [rows["name"][name] for name in counts] == [2, 2, 2, 0, 0, 0]
    assert rows["name"]["mean_utilization"] == pytest.approx((1.0 + 119 / 120) / 2)
    assert rows["sector:Banks"]["released_breached"] == 1


def test_every_limit_of_a_mandate_is_told_and_none_is_breached() -> None:
    for mandate in MANDATES:
        done = plain(mandate)
        told = set(done.frames["limit_use"]["limit_name"])
        config = done.mandate
        assert {f"factor:{name}" for name in config.factor_limits} <= told
        assert {f"group:{name}" for name in config.group_limits} <= told
        assert {"fragility", "turnover", "name", "liquidity"} <= told
        assert ("scenario_shortfall" in told) == (config.scenario_shortfall is not None)
        assert done.metrics["released_breaches"] == 0
        rows = done.frames["portfolio_limits"].filter(pl.col("price_of_limit").is_not_null())
        for family, days in done.metrics["bound"].items():  # type: ignore[attr-defined]
            assert rows.filter(pl.col("family") == family)["as_of_date"].n_unique() == days


def test_a_tighter_budget_binds_more_often_and_costs_something() -> None:
    """PE-75: the fragility budget as the one thing that is changed."""
    tight = backtested(
        LONG, {f"portfolios.{LONG}.fragility_exposure_limit": 0.02, f"portfolios.{LONG}.softening": {"turnover": 1}}
    )
    loose = backtested(LONG, {f"portfolios.{LONG}.fragility_exposure_limit": 0.9})
    assert tight.metrics["most_soft_gross"] <= 0.02 + 1e-6 < loose.metrics["most_soft_gross"]  # type: ignore[operator]
    count = [done.metrics["bound"].get("fragility", 0) for done in (tight, plain(LONG), loose)]  # type: ignore[attr-defined]
    assert count[0] > count[1] >= count[2] == 0


def test_a_mandate_that_cannot_be_met_drifts_and_says_so() -> None:
    """Twenty-four names of at most 2% are no whole portfolio: nothing is ever bought."""
    done = backtested(LONG, {f"portfolios.{LONG}.per_instrument_max_weight": 0.02})
    assert done.metrics["decision_statuses"] == {"INFEASIBLE": len(DAYS)}
    assert done.metrics["unanswered_sessions"] == len(DAYS)
    assert done.metrics["total_turnover"] == 0.0
    assert set(done.frames["timeseries"]["status"]) == {"FLAT", "PENDING"}
    assert done.metrics["active_pnl_net"] == -done.metrics["benchmark"]["total_pnl_net"]  # type: ignore[index]


def test_scenario_pnl_is_weight_times_shock_for_mandate_and_benchmark() -> None:
    done = plain(LONG)
    day, nav = DAYS[7], done.mandate.own_nav
    held = done.frames["target_portfolios"].filter(pl.col("as_of_date") == day)
    shocks = done.frames["scenarios"].filter((pl.col("as_of_date") == day) & (pl.col("scenario_id") == "rates_up"))
    by_name = dict(shocks.select("symbol", "shocked_return").iter_rows())
    expected = sum(weight * by_name[name] for name, weight in held.select("instrument_id", "target_weight").iter_rows())
    row = done.frames["scenario_days"].filter((pl.col("as_of_date") == day) & (pl.col("scenario_id") == "rates_up"))
    assert row["pnl"][0] == pytest.approx(expected * nav)
    assert row["benchmark_pnl"][0] == pytest.approx(math.fsum(by_name.values()) / len(by_name) * nav)
    every_bank = done.frames["scenario_pnl"].filter(pl.col("scenario_id") == "banks_down_20").row(0, named=True)
    assert every_bank["worst_pnl"] == pytest.approx(-0.2 * nav)
    assert every_bank["benchmark_mean_pnl"] == pytest.approx(-0.2 * nav)
    # a correlation of one has no shocked return of its own
    assert "correlation_to_one" in set(done.frames["scenario_pnl"]["scenario_id"])


def test_the_worst_scenario_of_the_range_is_the_worst_row_of_any_session() -> None:
    for mandate in MANDATES:
        done = plain(mandate)
        worst = done.frames["scenario_days"].sort("pnl").row(0, named=True)
        assert done.metrics["worst_scenario"] == worst["scenario_id"]
        assert done.metrics["worst_scenario_pnl"] == worst["pnl"]
        assert done.metrics["worst_scenario_return"] == worst["pnl"] / done.mandate.own_nav


def test_what_was_lived_through_counts_only_where_the_range_covers_all_of_it() -> None:
    """march_2023 of config/scenarios.yaml is 8 to 13 March: the P&L of the books of the 7th to the 10th."""
    around = sessions_from(date(2023, 3, 6), 8)
    days = SCENARIO_DAYS.frame([{"as_of_date": around[7], "scenario_id": "march_2023", "pnl": -1.0, "benchmark_pnl": None}])

    def lived(first: int, last: int) -> tuple[float | None, float | None]:
        kept = around[first : last + 1]
        rows = [
            {**dict.fromkeys(TIMESERIES.columns), "as_of_date": day, "next_date": after, "status": "OK", "pnl_net": 2.0**place}
            for place, (day, after) in enumerate(pairwise(kept))
        ]
        other = [{**dict.fromkeys(BENCHMARK.columns), "as_of_date": row["as_of_date"], "pnl_net": 1.0} for row in rows]
        found = scenario_pnl(days, TIMESERIES.frame(rows), BENCHMARK.frame(other), desk_config()).row(0, named=True)
        return found["lived_pnl"], found["benchmark_lived_pnl"]

    assert around[1] == date(2023, 3, 7)
    assert around[5] == date(2023, 3, 13)
    # the books of the 7th, 8th, 9th and 10th are places 1 to 4
    assert lived(0, 7) == (2.0 + 4.0 + 8.0 + 16.0, 4.0)
    assert lived(1, 5) == (1.0 + 2.0 + 4.0 + 8.0, 4.0)
    assert lived(2, 7) == (None, None)
    assert lived(0, 4) == (None, None)


def test_exposures_sum_to_the_book() -> None:
    for mandate, net in ((LONG, 1.0), (NEUTRAL, 0.0)):
        done = plain(mandate)
        for dimension in ("sector", "group", "country", "currency"):
            rows = done.frames["exposures"].filter(pl.col("dimension") == dimension)
            sums = rows.group_by("as_of_date").agg(pl.col("net").sum(), pl.col("gross").sum()).sort("as_of_date")
            assert (sums["net"] - net).abs().max() < 1e-9  # type: ignore[operator]
            series = done.frames["timeseries"]
            assert (sums["gross"] - series["equity_gross"] / done.mandate.own_nav).abs().max() < 1e-9
        factors = done.frames["exposures"].filter(pl.col("dimension") == "factor")
        for name, bound in done.mandate.factor_limits.items():
            assert factors.filter(pl.col("member") == name)["net"].abs().max() <= bound + 1e-6  # type: ignore[operator]


def test_every_table_has_the_columns_it_is_declared_with() -> None:
    for name, table in MANDATE_BACKTEST_TABLES.items():
        assert dict(plain(LONG).frames[name].schema) == table.schema, name


def test_a_name_that_dies_is_lost_by_the_backtest_and_was_sold_by_the_live_walk() -> None:
    held = plain(LONG).frames["target_portfolios"].filter(pl.col("as_of_date") == DAYS[8])
    gone, weight = held.sort("target_weight").select("instrument_id", "target_weight").row(-1)
    bars = sample_bars().filter((pl.col("symbol") != gone) | (pl.col("as_of_date") <= DAYS[8]))
    done = backtested(LONG, bars=bars)
    rows = {row["as_of_date"]: row for row in done.frames["timeseries"].iter_rows(named=True)}
    # the live walk counts it as sold on the first session without a print
    later = done.frames["target_portfolios"].filter((pl.col("instrument_id") == gone) & (pl.col("as_of_date") > DAYS[8]))
    assert later.is_empty()
    patience = desk_config().desk.frozen.close_after_sessions
    assert rows[DAYS[8]]["status"] == "SKIPPED_NO_COMMON_SESSION"
    silent = DAYS[9 : 8 + patience]
    assert {rows[day]["status"] for day in silent} == {"SKIPPED_NO_PRICE"}
    assert {rows[day]["missing_symbols"] for day in (DAYS[8], *silent)} == {gone}
    closed = rows[DAYS[8 + patience]]
    assert closed["status"] == "OK"
    nav = done.mandate.own_nav
    assert closed["delisting_pnl"] == done.metrics["delisting_pnl"] == pytest.approx(-weight * nav, rel=0.05)
    assert done.metrics["days_skipped_due_to_prices"] == patience
    assert [row["as_of_date"] for row in done.metrics["skipped_days"]] == [DAYS[8], *silent]  # type: ignore[attr-defined]
    (row,) = done.frames["name_pnl"].filter(pl.col("status") == "DELISTED").to_dicts()
    assert (row["symbol"], row["as_of_date"]) == (gone, DAYS[8 + patience])
    # equal weight holds it too, a twenty-fourth
    assert done.frames["benchmark"]["delisting_pnl"].sum() == pytest.approx(-nav / 24, rel=0.05)
