"""``riskdesk explain``: a ticket from its intent to its shares, a symbol from its tickets to its net."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from riskdesk_assets.common.settings import load_config, load_paths
from riskdesk_assets.features.pair_health import PairHealth, pair_warnings
from riskdesk_assets.interfaces.explain import ClipRow, TicketStory, explain
from riskdesk_assets.interfaces.explain_view import show_ticket
from riskdesk_tests.interfaces.conftest import DeskFolder


def held_ticket(built: DeskFolder) -> str:
    return str(built.warehouse.read("desk_positions", built.last, built.last)["ticket_id"][0])


def told(built: DeskFolder, *arguments: str) -> dict[str, Any]:
    result = built.run("explain", *arguments, "--json")
    assert result.exit_code == 0, result.output
    story: dict[str, Any] = json.loads(result.stdout)
    return story


def test_a_ticket_is_told_from_its_intent_to_its_shares(built: DeskFolder) -> None:
    ticket = held_ticket(built)
    story = told(built, ticket)
    assert story["kind"] == "ticket"
    names = [stage["name"] for stage in story["stages"]]
    assert names == ["intent", "budget", "controller", "vol target", "ticket caps", "gatekeeper", "optimizer", "whole shares"]
    row = built.warehouse.read("proposals", built.last, built.last).filter(pl.col("ticket_id") == ticket).row(0, named=True)
    assert (story["zscore"], story["beta"], story["units"]) == (row["zscore"], row["beta"], row["units"])
    positions = built.warehouse.read("desk_positions", built.last, built.last).filter(pl.col("ticket_id") == ticket)
    assert [line["shares"] for line in story["held"]] == positions["shares"].to_list()
    cents = positions["notional_cents"].abs().sum()
    assert story["stages"][-1]["gross"] == pytest.approx(cents / 100)


def test_a_ticket_is_told_with_the_health_of_its_pair_and_its_warnings_in_words(built: DeskFolder) -> None:
    config = load_config(load_paths(built.environ), {})
    states = {row["pair_id"]: row for row in built.warehouse.read("pair_state", built.last, built.last).to_dicts()}
    warned: dict[bool, str] = {}
    for ticket in built.warehouse.read("ticket_snapshots", built.last, built.last).to_dicts():
        health = PairHealth.of_row(states[ticket["pair_id"]])
        story = explain(ticket["ticket_id"], None, built.warehouse, config)
        assert isinstance(story, TicketStory)
        assert story.health == health
        assert story.warnings == tuple(pair_warnings(health, ticket["horizon_days"], config.desk).values())
        warned[bool(story.warnings)] = ticket["ticket_id"]
    assert warned.get(True), "no pair of the desk warns of anything"
    for ticket_id in warned.values():
        story = told(built, ticket_id)
        text = " ".join(built.run("explain", ticket_id).stdout.split())
        assert f"correlation {story['health']['correlation']:.2f}" in text
        assert f"no cross for {story['health']['no_cross_sessions']}" in text
        assert ("; ".join(story["warnings"]) in text) if story["warnings"] else ("warns of" not in text)


def test_a_names_stress_stands_beside_its_tape_regime(built: DeskFolder) -> None:
    row = built.warehouse.read("instrument_state", built.last, built.last).filter(pl.col("symbol") == "JPM").row(0, named=True)
    assert told(built, "JPM")["stress_bps"] == {"JPM": row["corwin_schultz_bps"]}
    assert f"JPM {row['tape_regime']} (stress {row['corwin_schultz_bps']:.0f} bp)" in built.run("explain", "JPM").stdout


def test_no_stage_after_the_ticket_caps_adds_to_a_ticket(built: DeskFolder) -> None:
    config = load_config(load_paths(built.environ), {})
    for ticket in built.warehouse.read("desk_positions", built.last, built.last)["ticket_id"].unique().sort():
        story = explain(ticket, None, built.warehouse, config)
        assert isinstance(story, TicketStory)
        stages = {stage.name: stage.gross for stage in story.stages}
        assert 0 < stages["optimizer"] <= stages["gatekeeper"] + 1e-6
        assert stages["gatekeeper"] <= stages["ticket caps"] + 1e-6


def test_each_clip_of_the_ledger_is_told_in_order(built: DeskFolder) -> None:
    ledger = built.warehouse.read("clip_ledger", built.last, built.last)
    ticket = ledger["ticket_id"][0]
    own = ledger.filter(pl.col("ticket_id") == ticket).sort("sequence")
    story = told(built, ticket)
    assert [(clip["stage"], clip["limit"], clip["value_out"]) for clip in story["clips"]] == list(
        own.select("stage", "limit_name", "value_out").iter_rows()
    )
    text = built.run("explain", ticket).stdout
    for word in own["reason"][0].split():
        assert word in text


def test_what_one_leg_decided_for_its_ticket_is_told_of_both_legs_and_a_leg_alone_of_itself(desk: DeskFolder) -> None:
    ledger = desk.warehouse.read("clip_ledger", desk.last, desk.last)
    ticket = ledger["ticket_id"][0]
    legs = [str(told(desk, ticket)[name]) for name in ("leg_a", "leg_b")]
    first = ledger.head(1).with_columns(symbol=pl.lit(legs[0]))
    stages = {"TICKET_CAPS": 2, "GATEKEEPER": 2, "BOOK": 1}
    rows = [first.with_columns(sequence=place + 1_000, stage=pl.lit(stage)) for place, stage in enumerate(stages)]
    ledger = pl.concat([ledger, *(row.with_columns(pl.col("sequence").cast(pl.Int64)) for row in rows)])
    desk.warehouse.write(desk.last, desk.last, {"clip_ledger": ledger})
    clips = [(leg, clip) for leg in legs for clip in told(desk, leg)["clips"] if clip["ticket_id"] == ticket]
    for stage, count in stages.items():
        told_of = [leg for leg, clip in clips if (clip["stage"], clip["symbol"]) == (stage, legs[0])]
        assert told_of == legs[:count]
    assert f"by {legs[0]}" in desk.run("explain", ticket).stdout


def test_a_symbol_nets_to_its_row_of_the_book(built: DeskFolder) -> None:
    book = built.warehouse.read("ideal_portfolio", built.last, built.last).filter(~pl.col("is_cash"))
    for row in book.iter_rows(named=True):
        story = told(built, row["symbol"].lower())
        assert story["kind"] == "symbol"
        assert story["shares"] == row["shares"]
        assert round(story["net"] * 100) == row["notional_cents"]
        assert {answer["ticket_id"] for answer in story["tickets"] if answer["held"]} == set(
            row["source_ticket_ids"].split(",")
        )
        limits = {limit["name"]: limit for limit in story["limits"]}
        assert limits[f"name_gross:{row['symbol']}"]["measured"] == pytest.approx(story["gross"])
        assert "portfolio_gross" in limits


def test_every_limit_that_more_of_a_symbol_would_meet_is_told_with_it(built: DeskFolder) -> None:
    # Headroom finds them another way: from the limits' own members, not from their names.
    symbol = built.warehouse.read("desk_positions", built.last, built.last)["symbol"][0]
    asked = built.run("headroom", symbol, "--json")
    assert asked.exit_code == 0, asked.output
    meets = {room["limit_name"] for direction in json.loads(asked.stdout)["headroom"] for room in direction["rooms"]}
    assert any(name.startswith("factor:") for name in meets)
    assert any(name.startswith("scenario_loss:") for name in meets)
    assert meets <= {limit["name"] for limit in told(built, symbol)["limits"]}


def test_a_symbol_nobody_holds_is_told_too(built: DeskFolder) -> None:
    result = built.run("explain", "TROW")
    assert result.exit_code == 0
    assert "No ticket trades it." in result.stdout


def test_an_earlier_session_can_be_asked_for(built: DeskFolder) -> None:
    assert told(built, held_ticket(built), "--asof", str(built.first))["session"] == str(built.first)


@pytest.mark.parametrize(
    ("word", "near"), [("jpm-bac", "jpm-bac-reversion"), ("JPN", "JPM"), ("gs-ms-reversoin", "gs-ms-reversion")]
)
def test_an_unknown_word_names_the_nearest(built: DeskFolder, word: str, near: str) -> None:
    result = built.run("explain", word)
    assert result.exit_code == 2
    assert f"did you mean '{near}'?" in result.stderr


def test_a_desk_without_a_book_says_which_command_makes_one(empty: DeskFolder) -> None:
    result = empty.run("explain", "JPM")
    assert result.exit_code == 2
    assert "`riskdesk run` makes one" in result.stderr
    assert not (empty.root / "data" / "riskdesk.duckdb").exists()


@pytest.mark.parametrize("command", [("explain", "JPM"), ("morning",), ("book",), ("risk",)])
def test_a_day_without_a_session_is_told_with_its_neighbours_and_no_command_to_run(
    built: DeskFolder, command: tuple[str, ...]
) -> None:
    result = built.run(*command, "--asof", "2025-11-29")
    assert result.exit_code == 2
    said = "2025-11-29 is no session (a weekend); the nearest are 2025-11-28 and 2025-12-01"
    assert said in " ".join(result.output.split())
    assert "makes one" not in result.output


def test_a_session_without_a_book_is_told_with_those_that_have_one(built: DeskFolder) -> None:
    earlier = built.calendar.before(built.first)
    result = built.run("explain", "JPM", "--asof", str(earlier))
    assert result.exit_code == 2
    assert f"there is no book of {earlier} (books from {built.first} to {built.last})" in result.stderr


def test_a_ticket_is_told_with_every_multiplier_of_its_strategy(built: DeskFolder) -> None:
    ticket = held_ticket(built)
    row = (
        built.warehouse.read("strategy_budgets", built.last, built.last)
        .filter(pl.col("ticket_id") == ticket)
        .row(0, named=True)
    )
    story = told(built, ticket)
    assert {name: story["sizing"][name] for name in ("strategy_name", "bucket", "share", "capital", "budget")} == {
        name: row[name] for name in ("strategy_name", "bucket", "share", "capital", "budget")
    }
    product = row["base_size"] * row["conviction_multiplier"] * row["return_risk_multiplier"] * row["kelly_multiplier"]
    product *= row["bucket_multiplier"] * row["regime_adjustment"] * row["regime_fit"] * row["correlation_adjustment"]
    assert row["capital"] == pytest.approx(product)
    assert row["budget"] == pytest.approx(min(row["capital"] * row["share"], row["max_gross_notional"]))
    budget = next(stage for stage in story["stages"] if stage["name"] == "budget")
    assert (budget["gross"], budget["note"]) == (row["budget"], row["reason"])
    text = " ".join(built.run("explain", ticket).stdout.split())
    assert f"{row['strategy_name']} ({row['bucket']}): $500,000 x" in text
    assert f"share {row['share']:.1%}, hedge ratio {row['hedge_ratio']:.3f}" in text
    assert f"bucket:{row['bucket']}" in {limit["name"] for limit in story["limits"]}


def test_what_enlarged_a_ticket_is_a_scaling_and_no_clip(built: DeskFolder) -> None:
    story = explain(held_ticket(built), None, built.warehouse, load_config(load_paths(built.environ), {}))
    assert isinstance(story, TicketStory)
    row = ClipRow(story.ticket_id, "", "VOL_TARGET", "vol_target", 0.003, 100_000.0, 150_000.0, "dollars", "calm")

    def shown(clip: ClipRow) -> str:
        out = Console(width=100, file=StringIO())
        show_ticket(out, replace(story, clips=(clip,)))
        return str(out.file.getvalue())  # type: ignore[attr-defined]

    larger, smaller = shown(row), shown(replace(row, value_out=50_000.0))
    assert "Clips and scalings, in the order they happened" in larger
    assert "VOL_TARGET enlarges" in larger
    assert "Clips, in the order they happened" in smaller
    assert "enlarges" not in smaller
