"""``riskdesk rebuild``: names what no run directory holds, and drops none of it unasked."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from riskdesk_assets.common.hashing import digest_file
from riskdesk_assets.common.tables import STORED
from riskdesk_tests.interfaces.conftest import DeskFolder


def warehouse_file(desk: DeskFolder) -> Path:
    return desk.root / "data" / "riskdesk.duckdb"


def changed(desk: DeskFolder, *statements: str) -> None:
    with duckdb.connect(str(warehouse_file(desk))) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def lone(desk: DeskFolder) -> date:
    """A session that stands in the warehouse alone: the book after the newest that was published."""
    day = desk.calendar.after(desk.last)
    for name in ("desk_state", "ideal_portfolio"):
        rows = desk.warehouse.read(name, desk.last, desk.last).with_columns(pl.lit(day).alias("as_of_date"))
        desk.warehouse.write(day, day, {name: rows})
    return day


def test_a_book_that_no_directory_holds_is_named_and_stands_until_somebody_says_yes(desk: DeskFolder, lone: date) -> None:
    before = digest_file(warehouse_file(desk))
    for arguments in ((), ("--json",)):
        result = desk.run("rebuild", *arguments, input="y\n")
        assert result.exit_code == 2
        assert f"books that no run directory holds: {lone}" in result.stderr
        assert f"`riskdesk run --start {lone} --end {lone}`" in result.stderr
        assert digest_file(warehouse_file(desk)) == before
    done = desk.run("rebuild", "--yes")
    assert done.exit_code == 0, done.output
    assert f"not restored: books that no run directory holds: {lone}" in done.stderr
    assert desk.warehouse.read("desk_state")["as_of_date"].max() == desk.last


def test_another_book_than_the_published_one_is_named(desk: DeskFolder) -> None:
    changed(desk, f"UPDATE desk_state SET run_id = 'another' WHERE as_of_date >= DATE '{desk.calendar.before(desk.last)}'")
    result = desk.run("rebuild", "--json")
    assert result.exit_code == 2
    span = f"{desk.calendar.before(desk.last)} to {desk.last} (2 sessions)"
    assert f"books other than the one published last: {span}" in result.stderr


def test_bars_and_features_without_a_run_and_tables_of_ones_own_are_named(desk: DeskFolder) -> None:
    day = str(desk.calendar.before(desk.first))
    assert desk.run("ingest-prices", "--start", day, "--end", day).exit_code == 0
    changed(desk, "CREATE TABLE mine AS SELECT 1 AS one UNION ALL SELECT 2")
    result = desk.run("rebuild")
    assert result.exit_code == 2
    assert f"that no run directory holds: {day}" in result.stderr
    assert "daily_bars" in result.stderr
    assert "a table that is not the desk's: mine, 2 rows" in result.stderr


def test_where_nothing_is_dropped_it_asks_and_counts_in_words_that_agree(desk: DeskFolder) -> None:
    assert "Aborted" in desk.run("rebuild", input="n\n").output
    done = desk.run("rebuild", input="y\n")
    assert done.exit_code == 0, done.output
    assert "5 sessions from 1 run\n" in done.stdout
    assert done.stderr == ""


def test_real_holdings_are_taken_over_and_an_earlier_kept_file_is_never_written_over(desk: DeskFolder) -> None:
    name = "holdings_reconciliation"
    row = dict.fromkeys(STORED[name].columns) | {"as_of_date": desk.last, "symbol": "JPM", "desk_shares": 5}
    desk.warehouse.write(desk.last, desk.last, {name: STORED[name].frame([row])})
    first = json.loads(desk.run("rebuild", "--json").stdout)
    kept = digest_file(Path(first["kept"]))
    second = json.loads(desk.run("rebuild", "--json").stdout)
    assert (first["dropped"], second["dropped"]) == ([], [])
    assert first["kept"] != second["kept"]
    assert digest_file(Path(first["kept"])) == kept
    assert desk.warehouse.read(name)["desk_shares"].to_list() == [5]


def test_a_warehouse_that_cannot_be_read_is_said_to_be_and_restored(desk: DeskFolder) -> None:
    whole = desk.warehouse.read("desk_state")
    shutil.copyfile(desk.root / "first_run.json", warehouse_file(desk))
    done = desk.run("rebuild", "--yes")
    assert done.exit_code == 0, done.output
    assert "the file cannot be read" in done.stderr
    assert desk.warehouse.read("desk_state").equals(whole)
