"""``riskdesk risk`` and ``riskdesk headroom``: what they say is what the tables hold, and a what-if writes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from riskdesk_tests.interfaces.conftest import DeskFolder


def told(desk: DeskFolder, *arguments: str) -> dict[str, Any]:
    result = desk.run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    said: dict[str, Any] = json.loads(result.stdout)
    return said


def own_report(desk: DeskFolder) -> dict[str, Any]:
    rows = desk.warehouse.read("portfolio_risk_reports", desk.last, desk.last)
    return rows.filter(pl.col("portfolio_id") == "bank_pairs").row(0, named=True)


def test_every_figure_told_is_in_a_table_row(built: DeskFolder) -> None:
    said, row = told(built, "risk"), own_report(built)
    for column in ("risk_metrics", "exposures", "scenario_pnl"):
        assert said[column] == json.loads(row[column])
    metadata = json.loads(row["metadata"])
    for name in ("stability_vector", "methods", "weights_source", "missing", "covered"):
        assert said[name] == metadata[name]
    stored = built.warehouse.read("risk_contributions", built.last, built.last).filter(pl.col("portfolio_id") == "bank_pairs")
    parts = ("weight", "marginal_var_99", "component_var_99", "component_es_99_historical")
    assert [(name["symbol"], *(name[part] for part in parts)) for name in said["contributions"]] == list(
        stored.select("instrument_id", *parts).iter_rows()
    )


def test_a_configured_scenario_without_bars_is_a_note(built: DeskFolder) -> None:
    assert "september_2008" not in told(built, "risk")["scenario_pnl"]
    assert "scenario september_2008: no bars of those days" in " ".join(built.run("risk").stdout.split())


def test_the_desk_holds_what_the_report_says_it_holds(built: DeskFolder) -> None:
    metrics = json.loads(own_report(built)["risk_metrics"])
    positions = built.warehouse.read("desk_positions", built.last, built.last)
    nets = positions.group_by("symbol").agg((pl.col("shares") * pl.col("price")).sum().alias("net"))["net"]
    assert metrics["gross"] * 2_500_000 == pytest.approx(nets.abs().sum())
    assert metrics["net"] * 2_500_000 == pytest.approx(nets.sum())


def test_the_weights_that_stand_give_the_report_that_stands_and_break_nothing(built: DeskFolder, tmp_path: Path) -> None:
    stands = told(built, "risk")
    lines = [f"{name['symbol']},{name['weight']!r}" for name in stands["contributions"] if name["weight"]]
    file = tmp_path / "book.csv"
    file.write_text("\n".join(["instrument,weight", *reversed(lines)]) + "\n")
    before = built.warehouse.path.read_bytes()
    idea = told(built, "risk", "--weights", str(file))
    assert built.warehouse.path.read_bytes() == before
    assert idea["breaches"] == []
    assert idea["weights_source"] == "what-if"
    for name in ("risk_metrics", "exposures", "scenario_pnl", "contributions", "stability_vector"):
        assert idea[name] == stands[name]


def test_an_idea_too_large_is_told_what_it_would_break_and_by_how_much(built: DeskFolder, tmp_path: Path) -> None:
    file = tmp_path / "book.yaml"
    file.write_text("JPM: 0.4\nBAC: -0.3\n")
    breaches = {breach["limit_name"]: breach for breach in told(built, "risk", "--weights", str(file))["breaches"]}
    # 0.4 of 2,500,000 against 0.24 and 0.20 of it.
    assert breaches["name_gross:JPM"]["excess"] == 400_000
    assert breaches["symbol_net:JPM"]["excess"] == 500_000
    assert breaches["portfolio_net"]["measured"] == 250_000
    text = built.run("risk", "--weights", str(file)).stdout
    assert "name_gross:JPM" in text
    assert "$400,000" in text


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "instrument,weight\nJPN,0.1\n", "a.csv:2: instrument: 'JPN' is not in the universe; did you mean 'JPM'?"),
        ("a.csv", "instrument,weight\nJPM,much\n", "a.csv:2: weight: is 'much'"),
        ("a.csv", "instrument,weight\nJPM,0.1\nJPM,0.2\n", "a.csv:3: instrument: JPM has a weight already"),
        ("a.csv", "instrument,weight\nJPM,0.1,9\n", "a.csv:2: has 3 fields"),
        ("a.csv", "name,weight\nJPM,0.1\n", "a.csv:1"),
        ("a.csv", "instrument,weight\nJPM,nan\n", "a.csv:2: weight"),
        ("a.yaml", "JPM: .inf\n", "a.yaml:1: weight"),
        ("a.yaml", "JPM: 0.1\nXXX: 0.2\n", "a.yaml:2: instrument"),
        ("a.yaml", "- JPM\n", "no mapping of names to weights"),
        ("a.yaml", "JPM: true\n", "a.yaml:1: weight: is True"),
    ],
)
def test_an_unusable_file_is_told_by_line_and_field(built: DeskFolder, tmp_path: Path, name: str, text: str, said: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    result = built.run("risk", "--weights", str(file))
    assert result.exit_code == 2
    assert said in result.output


def test_a_portfolio_nobody_configured_is_told_the_nearest(built: DeskFolder) -> None:
    result = built.run("risk", "--portfolio", "bank_long_ony")
    assert result.exit_code == 2
    assert "did you mean 'bank_long_only'?" in result.output


def test_a_session_without_a_book_is_told_how_to_get_one(built: DeskFolder) -> None:
    result = built.run("risk", "--asof", "2010-01-04")
    assert result.exit_code == 2
    assert "`riskdesk run --asof 2010-01-04` makes one" in result.output


def test_headroom_of_a_symbol_agrees_with_the_table_and_with_the_audit(built: DeskFolder) -> None:
    buy, sell = told(built, "headroom", "jpm")["headroom"]
    assert [buy["direction"], sell["direction"]] == ["buy", "sell"]
    rows = built.warehouse.read("risk_contributions", built.last, built.last)
    row = rows.filter((pl.col("portfolio_id") == "bank_pairs") & (pl.col("instrument_id") == "JPM")).row(0, named=True)
    assert (buy["rooms"][0]["room"], buy["rooms"][0]["limit_name"]) == (row["headroom_up"], row["headroom_up_limit"])
    assert (sell["rooms"][0]["room"], sell["rooms"][0]["limit_name"]) == (row["headroom_down"], row["headroom_down_limit"])
    audit = {each["limit_name"]: each for each in built.warehouse.read("limit_audit", built.last, built.last).to_dicts()}
    for room in buy["rooms"]:
        assert room["measured"] * 10_000 == pytest.approx(audit[room["limit_name"]]["measured"], abs=1e-3), room
        assert room["bound"] * 10_000 == pytest.approx(audit[room["limit_name"]]["bound"], abs=1e-3)


def test_headroom_of_a_ticket_is_on_the_side_it_holds(built: DeskFolder) -> None:
    positions = built.warehouse.read("desk_positions", built.last, built.last)
    ticket = str(positions["ticket_id"][0])
    (found,) = told(built, "headroom", ticket)["headroom"]
    rooms = {room["limit_name"]: room for room in found["rooms"]}
    own = rooms[f"ticket_gross:{ticket}"]
    assert own["room"] == pytest.approx(own["bound"] - own["measured"], abs=1e-3)
    assert ticket in built.run("headroom", ticket).stdout


def test_a_word_that_is_neither_is_told_the_nearest(built: DeskFolder) -> None:
    result = built.run("headroom", "JPN")
    assert result.exit_code == 2
    assert "did you mean 'JPM'?" in result.output
