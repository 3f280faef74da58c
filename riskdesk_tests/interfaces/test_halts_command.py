"""A person halts and resumes the desk from the command line; what kill switches stop is in the journal; replay knows both."""

from __future__ import annotations

import json
import shutil
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.session_halts import first_bound
from riskdesk_assets.common.settings import ROOT
from riskdesk_tests.desk_on_disk import edit
from riskdesk_tests.interfaces.conftest import DeskFolder

ANN = ("--by", "Ann", "--reason", "funding stress")


@pytest.mark.slow
def test_a_halt_binds_the_next_book_an_alert_goes_out_and_a_resume_ends_it(desk: DeskFolder) -> None:
    newest = desk.calendar.after(desk.last, 2)
    said = desk.run("halt", *ANN)
    assert said.exit_code == 0, said.output
    assert "desk is HALTED from" in said.output
    ran = desk.run("run")
    assert ran.exit_code == 0, ran.output
    assert f"the desk is HALTED since {newest}: funding stress; nothing was added" in " ".join(ran.stderr.split())
    states = dict(desk.warehouse.read("desk_state").select("as_of_date", "trading_state").iter_rows())
    # the session before the newest one was traded before the halt was written
    assert [states[day] for day in (desk.calendar.after(desk.last), newest)] == ["ACTIVE", "HALTED"]
    assert desk.warehouse.read("desk_positions", newest, newest).is_empty()
    halted = desk.warehouse.read("desk_state", newest, newest).row(0, named=True)
    assert (halted["released"], halted["halt_trigger"], halted["halt_reason"]) == (True, "MANUAL", "funding stress")

    told = json.loads(desk.run("halts", "--json").stdout)
    assert [(item["account"], item["state"], item["by"]) for item in told["journal"]] == [("desk", "HALTED", "Ann")]
    assert told["desk_state"]["trading_state"] == "HALTED"
    assert_readings_of(desk, newest, told["kill_switches"])
    shown = " ".join(desk.run("halts").output.split())
    assert "Kill switches: reading, limit, used" in shown
    assert "drawdown from the equity's peak" in shown
    story = desk.run("explain", "jpm-bac-reversion").output
    assert f"the desk is HALTED since {newest}: funding stress" in " ".join(story.split())

    run_dirs = sorted((desk.root / "runs").iterdir(), key=lambda path: path.stat().st_mtime)
    newest_run = [path.name for path in run_dirs if path.is_dir()][-1]
    assert desk.run("resume", "--by", "Bob", "--reason", "read it").exit_code == 0
    again = desk.run("run", "--asof", str(newest))
    assert again.exit_code == 0, again.output
    assert desk.warehouse.read("desk_state", newest, newest)["trading_state"].to_list() == ["ACTIVE"]
    # the run that was halted is replayed as it was, although the journal says something else by now
    replayed = desk.run("replay", newest_run, "--json")
    assert replayed.exit_code == 0, replayed.output
    assert not json.loads(replayed.stdout)["different"]
    assert desk.run("audit", "verify").exit_code == 0


def assert_readings_of(desk: DeskFolder, session: date, told: list[dict[str, object]]) -> None:
    """The readings are those of the stored state and of the session's instrument_state."""
    assert [one["switch"] for one in told] == ["MAX_DRAWDOWN", "DAILY_LOSS", "WEEKLY_LOSS", "VOLATILITY_SHOCK"]
    stored = desk.warehouse.read("desk_state", session, session).row(0, named=True)
    switches = json.loads(stored["state_json"])["switches"]["switches"]
    assert told[0]["reading"] == max(0.0, 1 - switches["equity"] / switches["equity_peak"])
    assert told[1]["reading"] == max(0.0, switches["previous_close_equity"] - switches["equity"])
    names = desk.warehouse.read("instrument_state", session, session).drop_nulls(["vol_20", "vol_baseline"])
    assert told[3]["reading"] == pytest.approx((names["vol_20"] / names["vol_baseline"]).mean())
    assert [one["limit"] for one in told] == [0.10, 50_000.0, 125_000.0, 3.0]  # document 003's fractions of a nav of 2,500,000


def test_a_halt_names_the_first_session_it_binds_and_a_run_before_it_says_so(desk: DeskFolder) -> None:
    said = desk.run("halt", *ANN)
    stands = json.loads(desk.run("halts", "--json").stdout)["journal"][0]["at"]
    first = first_bound(desk.calendar, datetime.fromisoformat(stands))
    assert f"it binds books from {first} on" in said.stdout
    day = desk.calendar.after(desk.last)  # closed, and traded, before the halt was written
    ran = desk.run("run", "--asof", str(day))
    assert ran.exit_code == 0, ran.output
    told = " ".join(ran.stderr.split())
    assert "a halt of the desk by Ann stands since" in told
    assert f"this book was tradeable before it, {first} obeys" in told
    published = json.loads((desk.root / "data" / "published" / "ideal_portfolio.json").read_text())
    assert [(one["account"], one["by"], one["binds_from"]) for one in published["halts_not_binding"]] == [
        ("desk", "Ann", str(first))
    ]
    assert desk.warehouse.read("desk_state", day, day)["released"].to_list() == [True]
    (run_id,) = desk.warehouse.read("desk_state", day, day)["run_id"].to_list()
    replayed = desk.run("replay", run_id, "--json")
    assert not json.loads(replayed.stdout)["different"]


def test_a_shock_on_the_newest_session_is_written_to_the_journal_once_and_outlives_it(desk: DeskFolder, tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    edit(config / "desk.yaml", "vol_shock_ratio: 3.0 ", "vol_shock_ratio: 1.0001 ")
    newest = desk.calendar.after(desk.last, 2)
    assert desk.run("run", RISKDESK_CONFIG_DIR=str(config)).exit_code == 0
    state = desk.warehouse.read("desk_state", newest, newest).row(0, named=True)
    standing = json.loads(desk.run("halts", "--json").stdout)["journal"]
    tickets = {name for name in state["halted_tickets"].split(",") if name}
    assert tickets
    accounts = {f"desk:{name}" for name in tickets} | ({"desk"} if state["trading_state"] == "HALTED" else set())
    assert {item["account"] for item in standing} == accounts
    assert {(item["automatic"], item["trigger"], item["session"]) for item in standing} == {
        (True, "VOLATILITY_SHOCK", str(newest))
    }
    # computed again, the session reads nothing of what it led to itself: the same run, and no second row
    again = desk.run("run", "--asof", str(newest), RISKDESK_CONFIG_DIR=str(config))
    assert again.exit_code == 0, again.output
    assert desk.warehouse.read("desk_state", newest, newest).row(0, named=True)["run_id"] == state["run_id"]
    assert json.loads(desk.run("halts", "--json").stdout)["journal"] == standing
    assert desk.warehouse.read("desk_halts", newest, newest).is_empty()


def test_one_ticket_is_halted_alone(desk: DeskFolder) -> None:
    newest = desk.calendar.after(desk.last, 2)
    held = desk.warehouse.read("desk_positions", desk.last, desk.last)["ticket_id"].to_list()
    ticket = held[0] if held else "jpm-bac-reversion"
    assert desk.run("halt", "--ticket", ticket, *ANN).exit_code == 0
    assert desk.run("run").exit_code == 0
    state = desk.warehouse.read("desk_state", newest, newest).row(0, named=True)
    assert (state["trading_state"], state["halted_tickets"]) == ("ACTIVE", ticket)
    assert ticket not in desk.warehouse.read("desk_positions", newest, newest)["ticket_id"].to_list()
    gates = desk.warehouse.read("gate_decisions", newest, newest)
    others = gates.filter((pl.col("ticket_id") != ticket) & (pl.col("binding_check") == "volatility_shock"))
    assert others.is_empty()


def test_what_cannot_be_halted_or_resumed_is_refused_by_name(built: DeskFolder, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    unknown = built.run("halt", "--ticket", "jpm-bac-reversio", *ANN, DATA_DIR=data)
    assert unknown.exit_code == 2
    assert "did you mean 'jpm-bac-reversion'" in unknown.output
    nothing = built.run("resume", *ANN, DATA_DIR=data)
    assert nothing.exit_code == 2
    assert "desk is not halted in the journal: there is nothing to resume" in nothing.output
    silent = built.run("halt", "--by", "Ann", "--reason", "  ", DATA_DIR=data)
    assert silent.exit_code != 0
    assert "reason is empty" in silent.output
    assert built.run("halt", "--by", "Ann").exit_code == 2


def test_a_desk_whose_prices_come_a_session_late_writes_its_halts_too_and_one_word_ends_them(
    desk: DeskFolder, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    edit(config / "desk.yaml", "vol_shock_ratio: 3.0 ", "vol_shock_ratio: 1.0001 ")
    day = desk.calendar.after(desk.last)  # one session behind the exchange
    assert desk.run("run", "--asof", str(day), RISKDESK_CONFIG_DIR=str(config)).exit_code == 0
    standing = json.loads(desk.run("halts", "--json").stdout)["journal"]
    assert standing
    assert {item["session"] for item in standing} == {str(day)}
    run_id = desk.warehouse.read("desk_state", day, day)["run_id"].to_list()
    both = desk.run("resume", "--all", "--ticket", "jpm-bac-reversion", "--by", "Bob", "--reason", "over")
    assert both.exit_code == 2
    resumed = desk.run("resume", "--all", "--by", "Bob", "--reason", "the shock is over", "--json")
    assert resumed.exit_code == 0, resumed.output
    assert {item["account"] for item in json.loads(resumed.stdout)} == {item["account"] for item in standing}
    assert not json.loads(desk.run("halts", "--json").stdout)["journal"]
    again = desk.run("run", "--asof", str(day), RISKDESK_CONFIG_DIR=str(config))
    assert again.exit_code == 0, again.output
    assert desk.warehouse.read("desk_state", day, day)["run_id"].to_list() == run_id
    assert desk.run("resume", "--all", "--by", "Bob", "--reason", "again").exit_code == 2


def test_a_profile_without_a_gatekeeper_says_that_it_obeys_no_halt(built: DeskFolder, tmp_path: Path) -> None:
    said = built.run("halt", *ANN, DATA_DIR=str(tmp_path / "data"), RISKDESK_PROFILE="classic")
    assert said.exit_code == 0
    assert "its runs obey no halt" in said.stderr
    assert "binds" not in said.stdout
