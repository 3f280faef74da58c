"""``riskdesk run-controller``: the book it releases is kept, published and replayed like that of the main job."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from riskdesk_tests.interfaces.conftest import DeskFolder

NEW_TICKET = {
    "ticket_id": "pnc-rf-idea",
    "type": "PAIR",
    "leg_a": "PNC",
    "leg_b": "RF",
    "orientation": "BOTH",
    "max_gross_notional": 800_000,
    "max_leg_notional": 560_000,
    "horizon_days": 40,
    "conviction": 4,
    "time_stop_days": 60,
    "flatten_on_breakdown": True,
    "expires_on": date(2027, 12, 31),
}


def walked(desk: DeskFolder, session: date) -> dict[str, Any]:
    result = desk.run("run-controller", "--asof", str(session), "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def book(desk: DeskFolder, session: date) -> pl.DataFrame:
    return desk.warehouse.read("ideal_portfolio", session, session)


@pytest.mark.slow
def test_a_book_of_ingested_bars_alone_has_its_directory_is_replayed_and_comes_back_after_a_rebuild(empty: DeskFolder) -> None:
    day = str(empty.first)
    assert empty.run("ingest-prices", "--start", day, "--end", day).exit_code == 0
    told = walked(empty, empty.first)
    place = Path(told["paths"]["run"])
    assert place.parent == empty.root / "runs"
    assert Path(told["paths"]["page"]).is_file()
    assert json.loads((empty.root / "data" / "published" / "ideal_portfolio.json").read_text())["run_id"] == place.name
    assert empty.run("replay", place.name).exit_code == 0
    before = book(empty, empty.first)
    assert empty.warehouse.read("proposals", empty.first, empty.first)["zscore"].is_not_null().all()
    assert empty.run("rebuild", "--yes").exit_code == 0
    assert book(empty, empty.first).equals(before)


def test_a_session_walked_again_is_published_again_from_the_features_of_its_own_tickets(desk: DeskFolder) -> None:
    (desk.active / "pnc-rf-idea.yaml").write_text(yaml.safe_dump(NEW_TICKET))
    told = walked(desk, desk.last)
    run_id = told["sessions"][0]["run_id"]
    assert run_id != json.loads((desk.root / "first_run.json").read_text())["run_id"]
    published = desk.root / "data" / "published"
    assert json.loads((published / "ideal_portfolio.json").read_text())["run_id"] == run_id
    shares = pl.read_csv(published / "ideal_portfolio.csv").select("symbol", "shares")
    before = book(desk, desk.last)
    assert sorted(shares.rows()) == sorted(before.select("symbol", "shares").rows())
    assert "PNC__RF" in desk.warehouse.read("pair_state", desk.last, desk.last)["pair_id"]
    again = desk.run("replay", run_id)
    assert again.exit_code == 0, again.output
    assert desk.run("rebuild", "--yes").exit_code == 0
    assert book(desk, desk.last).equals(before)


def test_it_says_where_the_book_lies_and_what_it_made_stale(desk: DeskFolder) -> None:
    (desk.active / "pnc-rf-idea.yaml").write_text(yaml.safe_dump(NEW_TICKET))
    result = desk.run("run-controller", "--asof", str(desk.first))
    assert result.exit_code == 0, result.output
    assert "artifacts" in result.stdout
    assert f"data/reports/{desk.first}.html" in result.stdout
    assert f"sessions from {desk.calendar.after(desk.first)} on are stale now" in result.stderr
