"""``riskdesk shadow`` on a stored desk."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from statistics import stdev

import polars as pl
import pytest

from riskdesk_assets.guards.shadow_report import ShadowReport, ShadowRow
from riskdesk_assets.reports.page.shadow import shadow_page
from riskdesk_assets.reports.shadow_range import StoredShadow, periods
from riskdesk_tests.interfaces.conftest import BUILT, DeskFolder


def test_the_naive_side_of_the_report_is_what_the_desk_in_shadow_traded(built: DeskFolder) -> None:
    result = built.run("shadow", "--start", str(built.first), "--end", str(built.last), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["first"], told["last"], told["prices"]) == (str(built.first), str(built.last), "SIMULATED")
    assert told["report"]["sessions"] == BUILT - 1
    blotter = built.warehouse.read("portfolio_blotter", built.first, built.last)
    traded = dict(blotter.group_by("as_of_date").agg(pl.col("notional_delta_cents").abs().sum()).iter_rows())
    for row in told["report"]["rows"]:
        day = next((cents for session, cents in traded.items() if str(session) == row["session"]), 0)
        assert row["turnover_naive"] == pytest.approx(day / 100, abs=0.5)
    assert told["report"]["turnover_guarded"] <= told["report"]["turnover_naive"]


def test_without_a_range_every_stored_session_is_told(built: DeskFolder) -> None:
    asked = built.run("shadow", "--start", str(built.first), "--end", str(built.last), "--json")
    result = built.run("shadow", "--json")
    assert result.exit_code == 0, result.output
    assert result.stdout == asked.stdout
    assert "riskdesk run" in built.run("shadow", DATA_DIR=str(built.root / "nothing")).output


def test_a_length_of_time_reaches_back_from_the_newest_stored_session(built: DeskFolder) -> None:
    result = built.run("shadow", "--last", "1y", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["first"], told["last"]) == (str(built.first), str(built.last))
    days = (built.last - built.calendar.before(built.last)).days + 1
    shorter = json.loads(built.run("shadow", "--last", f"{days}d", "--json").stdout)
    assert (shorter["first"], shorter["last"]) == (str(built.calendar.before(built.last)), str(built.last))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--last", "3 moons"), "is not a length of time"),
        (("--last", "3m", "--start", "2026-01-02", "--end", "2026-01-30"), "--last stands alone"),
        (("--start", "2026-01-02"), "--end is missing"),
    ],
)
def test_a_range_that_is_none_is_a_usage_error(built: DeskFolder, arguments: tuple[str, ...], said: str) -> None:
    result = built.run("shadow", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_the_report_is_shown_as_a_table_and_writes_nothing(built: DeskFolder) -> None:
    before = (built.root / "data" / "riskdesk.duckdb").read_bytes()
    result = built.run("shadow", "--start", str(built.first), "--end", str(built.last))
    assert result.exit_code == 0, result.output
    assert all(word in result.output for word in ("SIMULATED", "every session", "guarded", "Tracking", str(built.last)))
    assert (built.root / "data" / "riskdesk.duckdb").read_bytes() == before


def test_other_guards_are_walked_over_the_same_sessions_and_the_configured_ones_say_what_the_report_says(
    built: DeskFolder,
) -> None:
    asked = ("--band", "0", "--band", "0.5", "--cadence", "1", "--json")
    result = built.run("shadow", "--start", str(built.first), "--end", str(built.last), *asked)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    report, (own, tight, wide) = told["report"], told["variants"]
    assert (own["configured"], own["band"], own["cadence_sessions"]) == (True, 0.05, 3)
    assert (own["turnover"], own["cost"]) == (report["turnover_guarded"], report["cost_guarded"])
    assert [(one["band"], one["cadence_sessions"], one["configured"]) for one in (tight, wide)] == [
        (0, 1, False),
        (0.5, 1, False),
    ]
    assert wide["turnover"] <= tight["turnover"] <= report["turnover_naive"] + 1
    assert wide["turnover"] < report["turnover_naive"]
    assert tight["mean_distance"] <= wide["mean_distance"]
    # a year's tracking error by hand: the differences of daily P&L, their deviation, sqrt(252), nav
    differences = [row["pnl_guarded"] - row["pnl_naive"] for row in report["rows"]]
    assert report["tracking_per_session"] == pytest.approx(stdev(differences))
    assert told["tracking_error"] == pytest.approx(stdev(differences) * 252**0.5 / 2_500_000)
    shown = built.run("shadow", "--start", str(built.first), "--end", str(built.last), *asked[:-1])
    assert all(word in shown.output for word in ("configured", "50.0%", "of NAV a year"))
    assert built.run("shadow", "--start", str(built.first), "--end", str(built.last), "--band", "1").exit_code == 2


def test_the_page_draws_what_the_report_says_and_needs_nothing_else(desk: DeskFolder) -> None:
    asked = ("shadow", "--start", str(desk.first), "--end", str(desk.last), "--band", "0.2", "--page", "--json")
    told = json.loads(desk.run(*asked).stdout)
    place = desk.root / "data" / "shadow" / f"{desk.first}_{desk.last}.html"
    assert told["page"] == str(place)
    page = place.read_text()
    report = told["report"]
    for figure in (report["turnover_naive"], report["turnover_guarded"], *(row["turnover_naive"] for row in report["rows"])):
        assert f"${figure:,.0f}" in page
    assert page.count('<svg class="chart"') == 3
    assert "SIMULATED" in page
    assert "(configured)" in page
    assert not re.search(r"<script|https?://|\bon\w+=|src=", page), "no script, nothing foreign"
    place.unlink()
    desk.run(*asked)
    assert place.read_text() == page, "the same bytes again"


def test_a_long_range_is_told_by_month() -> None:
    days = [date(2024, 1, 2) + timedelta(days=7 * number) for number in range(60)]
    rows = tuple(ShadowRow(day, 10.0, 5.0, 1.0, 0.5, 2.0, 3.0, 4.0, 8.0) for day in days)
    report = ShadowReport(60, 600.0, 300.0, 0.5, 60.0, 30.0, 0.5, 60.0, 90.0, 0.0, 0.5, rows)
    found = StoredShadow(days[0], days[-1], "FILES", (), 1e6, report)
    months = periods(found)
    assert [one.name for one in months][:3] == ["2024-01", "2024-02", "2024-03"]
    assert (months[0].sessions, months[0].turnover_naive, months[0].cost_guarded, months[0].pnl_difference) == (
        5,
        50.0,
        2.5,
        5.0,
    )
    assert sum(one.turnover_guarded for one in months) == 300.0
    assert "By month" in shadow_page(found)
    few = replace(found, report=replace(report, rows=rows[:3], sessions=3))
    assert [one.name for one in periods(few)] == [str(day) for day in days[:3]]


def test_a_range_without_books_is_refused_with_the_way_on(built: DeskFolder) -> None:
    day = str(built.calendar.before(built.first))
    result = built.run("shadow", "--start", day, "--end", day)
    assert result.exit_code != 0
    assert f"riskdesk run --start {day}" in " ".join(result.output.split())
    assert built.run("shadow", "--start", str(built.last), "--end", str(built.first)).exit_code == 2
