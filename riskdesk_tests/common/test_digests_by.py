"""Hashes of a table's rows session by session: of what they say, and of nothing else in the frame."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.common.hashing import digests_by

DAYS = [date(2024, 1, 2) + timedelta(days=place) for place in range(3)]
SCHEMA = {"day": pl.Date, "name": pl.String, "size": pl.Float64, "count": pl.Int64, "on": pl.Boolean, "due": pl.Date}
ROW = st.tuples(
    st.sampled_from(DAYS),
    st.text(max_size=3) | st.none(),
    st.floats(allow_nan=False).map(lambda value: value + 0.0) | st.none(),  # -0.0 sorts like 0.0
    st.integers(-(2**63), 2**63 - 1) | st.none(),
    st.booleans() | st.none(),
    st.dates() | st.none(),
)


def frame(*rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def of(*rows: tuple[object, ...]) -> dict[date, str]:
    return digests_by(frame(*rows), "day", ("name", "size", "count", "on", "due"))


@given(st.lists(ROW, max_size=12), st.randoms(use_true_random=False))
def test_a_days_hash_is_the_same_alone_and_among_others_in_any_order(rows: list[tuple[object, ...]], chance) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(rows)
    chance.shuffle(shuffled)
    together = of(*shuffled)
    assert set(together) == {row[0] for row in rows}
    for day, found in together.items():
        assert of(*(row for row in rows if row[0] == day)) == {day: found}


BASE = (DAYS[0], "a", 1.0, 0, False, DAYS[1])


@pytest.mark.parametrize(
    "other",
    [
        (DAYS[0], "b", 1.0, 0, False, DAYS[1]),
        (DAYS[0], None, 1.0, 0, False, DAYS[1]),
        (DAYS[0], "a", 1.0000000000000002, 0, False, DAYS[1]),
        (DAYS[0], "a", None, 0, False, DAYS[1]),
        (DAYS[0], "a", 1.0, None, False, DAYS[1]),
        (DAYS[0], "a", 1.0, 0, None, DAYS[1]),
        (DAYS[0], "a", 1.0, 0, True, DAYS[1]),
        (DAYS[0], "a", 1.0, 0, False, None),
    ],
)
def test_any_changed_value_changes_the_hash(other: tuple[object, ...]) -> None:
    assert of(BASE) != of(other)


def test_nothing_and_zero_differ() -> None:
    empty, zero = (DAYS[0], "", 0.0, 0, False, date(1970, 1, 1)), (DAYS[0], None, None, None, None, None)
    assert of(empty) != of(zero)
    assert of((DAYS[0], "a", 0.0, 0, False, DAYS[1])) != of((DAYS[0], "a", -0.0, 0, False, DAYS[1]))


def test_texts_cannot_be_shifted_from_row_to_row() -> None:
    two = ((DAYS[0], 'a"\n', 1.0, 0, False, DAYS[1]), (DAYS[0], "b", 1.0, 0, False, DAYS[1]))
    other = ((DAYS[0], "a", 1.0, 0, False, DAYS[1]), (DAYS[0], '"\nb', 1.0, 0, False, DAYS[1]))
    assert of(*two) != of(*other)


def test_the_columns_are_part_of_what_is_said() -> None:
    rows = frame(BASE)
    assert digests_by(rows, "day", ()) != digests_by(rows.rename({"count": "number"}), "day", ())
    assert digests_by(rows, "day", ()) != digests_by(rows.with_columns(pl.col("size").cast(pl.Int64)), "day", ())


def test_no_rows_have_no_hash() -> None:
    assert of() == {}
