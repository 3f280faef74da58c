"""``riskdesk shadow`` on a stored desk."""

from __future__ import annotations

import json

import polars as pl
import pytest

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


def test_the_report_is_shown_as_a_table_and_writes_nothing(built: DeskFolder) -> None:
    before = (built.root / "data" / "riskdesk.duckdb").read_bytes()
    result = built.run("shadow", "--start", str(built.first), "--end", str(built.last))
    assert result.exit_code == 0, result.output
    assert all(word in result.output for word in ("SIMULATED", "every session", "guarded", "Tracking", str(built.last)))
    assert (built.root / "data" / "riskdesk.duckdb").read_bytes() == before


def test_a_range_without_books_is_refused_with_the_way_on(built: DeskFolder) -> None:
    day = str(built.calendar.before(built.first))
    result = built.run("shadow", "--start", day, "--end", day)
    assert result.exit_code != 0
    assert f"riskdesk run --start {day}" in " ".join(result.output.split())
    assert built.run("shadow", "--start", str(built.last), "--end", str(built.first)).exit_code == 2
