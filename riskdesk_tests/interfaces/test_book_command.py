"""``riskdesk book`` and ``riskdesk morning --held``: what each ticket holds, row by row, and why the others hold nothing."""

from __future__ import annotations

import json
from datetime import date
from io import StringIO
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.interfaces.held import tickets_after
from riskdesk_assets.interfaces.morning_view import show_morning
from riskdesk_tests.interfaces.conftest import DeskFolder
from riskdesk_tests.interfaces.test_morning_command import COLUMNS, LINES, Changed


def positions(desk: DeskFolder) -> pl.DataFrame:
    return desk.warehouse.read("desk_positions", desk.last, desk.last)


def test_the_book_is_the_table_a_run_ends_with_and_the_tickets_behind_it(built: DeskFolder) -> None:
    result = built.run("book")
    assert result.exit_code == 0, result.output
    assert "Ideal portfolio" in result.stdout
    assert "exactly zero" in result.stdout
    rows = positions(built)
    assert rows.height
    for row in rows.iter_rows(named=True):
        line, _ = (line for line in result.stdout.splitlines() if line.startswith(row["ticket_id"]))
        assert f"{row['symbol']} {row['shares']:+,}" in line
        assert str(row["entered_on"]) in line


def test_its_json_is_the_rows_of_the_session(built: DeskFolder) -> None:
    found: dict[str, Any] = json.loads(built.run("book", "--asof", str(built.first), "--json").stdout)
    assert found["sessions"][0]["session"] == str(built.first)
    assert found["book_sum_cents"] == 0
    found = json.loads(built.run("book", "--json").stdout)
    gross = positions(built).group_by("ticket_id").agg(pl.col("notional_cents").abs().sum())
    assert {one["ticket_id"]: round(100 * one["gross"]) for one in found["held"]} == dict(gross.iter_rows())
    proposals = built.warehouse.read("proposals", built.last, built.last)
    zscores = dict(proposals.select("ticket_id", "zscore").iter_rows())
    assert all(one["zscore"] == zscores[one["ticket_id"]] for one in found["held"])
    named = [*(one["ticket_id"] for one in found["held"]), *(name for kind in found["flat"] for name in kind["tickets"])]
    assert sorted(named) == sorted(path.stem for path in built.active.glob("*.yaml"))


def test_the_tickets_pnl_adds_up_to_the_desks(built: DeskFolder) -> None:
    """Of the session: with what tickets that hold nothing any more made, what expected_pnl says became known."""
    found: dict[str, Any] = json.loads(built.run("book", "--json").stdout)
    realized = built.warehouse.read("realized_pnl", built.first, built.last)
    today = realized.filter(pl.col("realized_on") == built.last)
    made = {one["ticket_id"]: one["pnl"] for one in found["held"]}
    entered = {one["ticket_id"]: one["since"] for one in found["held"]}
    ages = {one["ticket_id"]: one["age_sessions"] for one in found["held"]}
    of_held = sum(one["last"] for one in made.values() if one["known_on"] == str(built.last))
    others = [
        row["pnl_net"]
        for row in today.iter_rows(named=True)
        if row["ticket_id"] not in made or str(row["as_of_date"]) < entered[row["ticket_id"]]
    ]
    total = built.warehouse.read("expected_pnl", built.last, built.last).filter(pl.col("scope") == "TOTAL")
    assert of_held + sum(others) == pytest.approx(total["realized"].item(), abs=1e-6)
    assert any(one["sessions"] for one in made.values())
    for name, one in made.items():
        rows = realized.filter((pl.col("ticket_id") == name) & (pl.col("as_of_date") >= date.fromisoformat(entered[name])))
        assert (one["since_entry"] or 0.0) == pytest.approx(rows["pnl_net"].sum(), abs=1e-6)
        assert one["sessions"] + one["pending"] == ages[name] + 1
    shown = built.run("book").stdout
    assert f"P&L {built.last}" in shown
    assert "since entry" in shown
    (story,) = (json.loads(built.run("explain", name, "--json").stdout) for name in list(made)[:1])
    assert story["pnl"] == made[story["ticket_id"]]
    assert "since entry" in " ".join(built.run("explain", story["ticket_id"]).stdout.split())


def test_a_day_without_a_book_is_refused_with_what_makes_it(built: DeskFolder) -> None:
    result = built.run("book", "--asof", str(built.calendar.before(built.first)))
    assert result.exit_code == 2
    assert "riskdesk run" in result.output


def test_one_screen_names_every_held_ticket_the_regime_the_book_clips_and_halts(built: DeskFolder) -> None:
    text = built.run("morning", "--held").stdout
    lines = text.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= COLUMNS
    assert len(lines) <= LINES
    for name in positions(built)["ticket_id"].unique():
        assert any(line.startswith(name) for line in lines), name
    for words in ("regimes ", "book ", "halts ", "clips", "flat       "):
        assert words in text, words


def test_a_dozen_held_tickets_with_long_names_still_fit_the_screen(built: DeskFolder) -> None:
    rows = positions(built).to_dicts()
    many = [
        {**rows[place % 2], "ticket_id": f"a-very-long-name-of-a-ticket-{ticket:02}", "shares": -1_234_567, "leg": "AB"[place]}
        for ticket in range(12)
        for place in range(2)
    ]
    changed = Changed(built, desk_positions=TABLES["desk_positions"].frame(many))
    out = Console(width=COLUMNS, force_terminal=False, highlight=False, emoji=False, file=StringIO())
    found = changed.morning()
    assert found.guards  # every line that there may be
    assert found.apart
    show_morning(out, found, tickets_after(changed, built.last))
    lines = out.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(len(line.rstrip()) for line in lines) <= COLUMNS
    assert len(lines) <= LINES
    assert any(line.startswith("and 9 more with $") for line in lines)


def test_a_flat_ticket_says_what_kept_it_flat(built: DeskFolder) -> None:
    proposals = built.warehouse.read("proposals", built.last, built.last).to_dicts()
    gates = built.warehouse.read("gate_decisions", built.last, built.last).to_dicts()
    for place, (reason, units) in enumerate((("TIME_STOP", 0.0), ("ENTER", 1.0), ("ENTER", 1.0))):
        proposals[place] |= {"reason": reason, "units": units}
    by_ticket = {row["ticket_id"]: row for row in gates}
    by_ticket[proposals[1]["ticket_id"]] |= {"status": "REJECTED", "binding_check": "confidence"}
    by_ticket[proposals[2]["ticket_id"]] |= {"status": "APPROVED", "binding_check": None}
    changed = Changed(
        built,
        desk_positions=TABLES["desk_positions"].frame([]),
        proposals=TABLES["proposals"].frame(proposals),
        gate_decisions=TABLES["gate_decisions"].frame(gates),
    )
    found = {one.reason: one.tickets for one in tickets_after(changed, built.last).flat}
    assert proposals[0]["ticket_id"] in found["time stop"]
    assert proposals[1]["ticket_id"] in found["rejected by confidence"]
    assert proposals[2]["ticket_id"] in found["cut to nothing"]
