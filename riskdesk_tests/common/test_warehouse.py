"""A DuckDB file of an earlier version is brought up to date; one that cannot be is refused in words."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.warehouse import Warehouse

DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)
TABLE = TABLES["desk_state"]
LATER = (
    "pnl_gross",
    "ex_ante_volatility",
    "var_95",
    "var_99",
    "trading_state",
    "halt_trigger",
    "halt_reason",
    "halt_since",
    "halted_tickets",
)


def row(session: date) -> dict[str, object]:
    texts = dict.fromkeys(TABLE.columns, "x")
    numbers = {"equity": 1.0, "pnl_gross": 2.0, "ex_ante_volatility": 0.003, "var_95": 0.005, "var_99": 0.008}
    days = {"as_of_date": session, "previous_session": None, "halt_since": session}
    return {**texts, **numbers, **days, "released": True}


def old_file(path: Path, *, key: str = "as_of_date", **changed: str) -> Warehouse:
    """A desk_state as it was before the last columns came (LATER), with one row of DAY; ``changed``: other types."""
    columns = {name: changed.pop(name, kind) for name, kind in TABLE.columns.items() if name not in LATER} | changed
    values = {**row(DAY), "stranger": "x"}
    with duckdb.connect(str(path)) as connection:
        spelled = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"CREATE TABLE desk_state ({spelled}, PRIMARY KEY ({key}))")
        connection.execute(
            f"INSERT INTO desk_state VALUES ({', '.join('?' * len(columns))})", [values[name] for name in columns]
        )
    return Warehouse(path)


def test_an_older_file_is_read_with_the_later_columns_empty(tmp_path: Path) -> None:
    found = old_file(tmp_path / "old.duckdb").read("desk_state")
    assert found.columns == list(TABLE.columns)
    assert found.select(LATER).row(0) == (None,) * len(LATER)
    assert found.drop(LATER).row(0, named=True) == {name: value for name, value in row(DAY).items() if name not in LATER}


def test_an_older_file_is_written_beside_its_own_rows(tmp_path: Path) -> None:
    warehouse = old_file(tmp_path / "old.duckdb")
    warehouse.write(NEXT, NEXT, {"desk_state": TABLE.frame([row(NEXT)])})
    found = warehouse.read("desk_state")
    assert found["as_of_date"].to_list() == [DAY, NEXT]
    assert found["var_99"].to_list() == [None, 0.008]
    assert warehouse.query("SELECT count(var_95) AS n FROM desk_state")["n"].to_list() == [1]
    with pytest.raises(duckdb.ConstraintException), warehouse.connect() as connection:
        connection.execute("INSERT INTO desk_state (as_of_date) VALUES (DATE '2026-03-02')")


def test_tables_read_together_are_each_read_within_the_days_asked_for(tmp_path: Path) -> None:
    warehouse = old_file(tmp_path / "old.duckdb")
    warehouse.write(NEXT, NEXT, {"desk_state": TABLE.frame([row(NEXT)])})
    names = ("desk_positions", "desk_state", "daily_bars")
    asked = {
        (DAY, NEXT): [DAY, NEXT],
        (NEXT, NEXT): [NEXT],
        (None, DAY): [DAY],
        (NEXT, None): [NEXT],
        (None, None): [DAY, NEXT],
    }
    for (first, last), days in asked.items():
        together = warehouse.read_all(names, first, last)
        assert tuple(together) == names
        assert together["desk_state"]["as_of_date"].to_list() == days
        assert together["desk_state"].equals(warehouse.read("desk_state", first, last))
        assert together["daily_bars"].equals(TABLES["daily_bars"].frame([]))
    spans = warehouse.read_spans({"desk_state": (NEXT, NEXT), "desk_positions": (None, DAY)})
    assert spans["desk_state"]["as_of_date"].to_list() == [NEXT]
    assert Warehouse(tmp_path / "none.duckdb").read_all(names)["desk_state"].equals(TABLE.frame([]))
    assert not (tmp_path / "none.duckdb").exists()


def test_a_write_that_fails_leaves_the_older_file_as_it_was(tmp_path: Path) -> None:
    warehouse = old_file(tmp_path / "old.duckdb")
    doubled = pl.concat([TABLE.frame([row(NEXT)])] * 2)
    with pytest.raises(duckdb.ConstraintException):
        warehouse.write(DAY, NEXT, {"desk_state": doubled})
    assert warehouse.read("desk_state")["as_of_date"].to_list() == [DAY]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"equity": "VARCHAR"}, "has equity of type VARCHAR"),
        ({"stranger": "VARCHAR"}, "has stranger of type VARCHAR"),
        ({"key": "run_id"}, "has the key run_id"),
    ],
)
def test_a_layout_nobody_knows_is_refused_and_the_way_out_is_told(tmp_path: Path, change: dict[str, str], said: str) -> None:
    warehouse = old_file(tmp_path / "odd.duckdb", **change)
    for act in (
        lambda: warehouse.read("desk_state"),
        lambda: warehouse.write(NEXT, NEXT, {"desk_state": TABLE.frame([row(NEXT)])}),
        lambda: warehouse.query("SELECT 1"),
    ):
        with pytest.raises(StateError, match=rf"table desk_state {said}, which .*`riskdesk rebuild`"):
            act()
