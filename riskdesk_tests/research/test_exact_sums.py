"""Exact sums against math.fsum of the same terms."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.research.exact_sums import exact_sums, exact_sums_at, running_sums

# Of any size, so that what is small beside what is large has to be kept until the large is gone again.
AMOUNTS = st.floats(-1e12, 1e12) | st.floats(-1e-9, 1e-9) | st.sampled_from([1e16, 1.0, -1e16, 0.1, -0.0])


def bits(values: list[float]) -> bytes:
    return np.array(values, dtype=np.float64).tobytes()


@given(st.lists(AMOUNTS, max_size=60))
def test_running_sums_are_the_exact_sum_of_every_beginning(values: list[float]) -> None:
    expected = [math.fsum(values[:end]) for end in range(1, len(values) + 1)]
    assert bits(running_sums(values)) == bits(expected)


@given(st.lists(st.tuples(st.integers(0, 4), AMOUNTS), max_size=40))
def test_the_sums_at_every_place_are_exact_in_any_order(amounts: list[tuple[int, float]]) -> None:
    places = np.array([place for place, _ in amounts], dtype=np.intp)
    found = exact_sums_at(places, np.array([value for _, value in amounts], dtype=np.float64), 5)
    assert bits(found.tolist()) == bits([math.fsum(value for at, value in amounts if at == place) for place in range(5)])


@given(st.lists(st.tuples(st.sampled_from("abc"), AMOUNTS, AMOUNTS), max_size=40))
def test_the_sums_of_groups_are_exact_column_by_column(rows: list[tuple[str, float, float]]) -> None:
    frame = pl.DataFrame(rows, schema={"key": pl.String, "one": pl.Float64, "two": pl.Float64}, orient="row")
    found = exact_sums(frame, ["key"], ["one", "two"], pl.len().alias("count")).sort("key")
    keys = sorted({key for key, _, _ in rows})
    assert found["key"].to_list() == keys
    assert found["count"].to_list() == [sum(name == key for name, _, _ in rows) for key in keys]
    for place, column in enumerate(("one", "two"), start=1):
        expected = [math.fsum(float(row[place]) for row in rows if row[0] == key) for key in keys]
        assert bits(found[column].to_list()) == bits(expected)
