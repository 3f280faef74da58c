"""Packed frames give their rows back, and rows gathered stretch by stretch are those of one frame."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from riskdesk_assets.common.packed import Gathered, packed, unpacked
from riskdesk_assets.common.tables import TABLES, Table

WORDS = st.one_of(st.none(), st.sampled_from(["", "OK", "BREACH", "a word of more than twelve bytes", "ü"]))
LED = Table("led", {"as_of_date": "DATE", "name": "VARCHAR", "word": "VARCHAR", "size": "DOUBLE"}, ("as_of_date", "name"))
BY_NAME = Table("by_name", LED.columns, ("name", "as_of_date"))


@given(st.lists(st.tuples(WORDS, WORDS, st.integers(0, 9))))
@settings(max_examples=40, deadline=None)
def test_what_was_packed_comes_back_nulls_and_all(rows: list[tuple[str | None, str | None, int]]) -> None:
    frame = pl.DataFrame(rows, schema={"one": pl.String, "other": pl.String, "size": pl.Int64}, orient="row")
    held = packed(frame, ["one", "other"])
    assert held.schema["one"] == pl.Categorical
    assert_frame_equal(unpacked(held), frame)
    assert_frame_equal(unpacked(frame), frame)


@given(
    sessions=st.lists(st.lists(st.tuples(WORDS, st.floats(allow_nan=False)), max_size=12), max_size=12),
    stretch=st.integers(1, 5),
    table=st.sampled_from([LED, BY_NAME]),
)
@settings(max_examples=60, deadline=None)
def test_rows_gathered_stretch_by_stretch_are_those_of_one_frame(
    sessions: list[list[tuple[str | None, float]]], stretch: int, table: Table
) -> None:
    by_day: list[list[dict[str, object]]] = [
        [
            {"as_of_date": date(2024, 1, 1) + timedelta(days=day), "name": f"n{place:02}", "word": word, "size": size}
            for place, (word, size) in enumerate(rows)
        ]
        for day, rows in enumerate(sessions)
    ]
    gathered = Gathered(table)
    for start in range(0, len(by_day), stretch):
        gathered.add(table.frame([row for rows in by_day[start : start + stretch] for row in rows]))
    whole = gathered.frame()
    assert_frame_equal(whole, table.frame([row for rows in by_day for row in rows]))
    assert whole.n_chunks() == 1


def test_nothing_gathered_is_the_empty_table() -> None:
    table = TABLES["limit_audit"]
    gathered = Gathered(table)
    assert_frame_equal(gathered.frame(), table.frame([]))
    gathered.add(table.frame([]))
    assert_frame_equal(gathered.frame(), table.frame([]))


def test_only_words_that_repeat_are_packed_and_they_take_less_memory() -> None:
    day = date(2024, 1, 2)
    rows: list[dict[str, object]] = [
        {"as_of_date": day, "name": f"a name of its own, {place:05}", "word": "a word that all the rows share", "size": 0.5}
        for place in range(1000)
    ]
    frame = LED.frame(rows)
    gathered = Gathered(LED)
    gathered.add(frame)
    assert [part.schema["word"] for part in gathered._parts] == [pl.Categorical]
    assert [part.schema["name"] for part in gathered._parts] == [pl.String]
    assert gathered._parts[0].estimated_size() < 0.7 * frame.estimated_size()
    assert_frame_equal(gathered.frame(), frame)
