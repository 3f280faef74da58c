from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from riskdesk_assets.optimizer.sparse_columns import LinearMap, Pattern

# Few different numbers, zeros of both signs among them.
NUMBERS = st.sampled_from([0.0, -0.0, 1.5, -2.0, 0.1, 1e-300])


@st.composite
def patterns(draw: st.DrawFn) -> np.ndarray:
    """Where a matrix may have numbers."""
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    return draw(arrays(np.bool_, shape))


def pattern(there: np.ndarray) -> Pattern:
    columns = sparse.csc_array(there.astype(float))
    columns.sort_indices()
    return Pattern(columns.indices.astype(np.int64), columns.indptr.astype(np.int64), there.shape)


@given(patterns(), st.data())
@settings(max_examples=60)
def test_a_filled_pattern_is_the_matrix_scipy_makes_without_its_zeros(there: np.ndarray, data: st.DataObject) -> None:
    own = pattern(there)
    numbers = data.draw(arrays(np.float64, int(there.sum()), elements=NUMBERS))
    made = own.filled(numbers)
    plain = sparse.csc_array((numbers, own.indices, own.starts), shape=there.shape, copy=True)
    plain.eliminate_zeros()
    assert (made.data, made.indices, made.indptr) == (plain.data.tolist(), plain.indices.tolist(), plain.indptr.tolist())
    assert (made.shape, made.nnz, made.has_canonical_format) == (there.shape, plain.nnz, bool(plain.has_canonical_format))


@given(patterns(), st.data())
@settings(max_examples=60)
def test_a_part_of_a_pattern_is_that_of_the_dense_matrix(there: np.ndarray, data: st.DataObject) -> None:
    rows = data.draw(arrays(np.bool_, there.shape[0]))
    columns = data.draw(arrays(np.bool_, there.shape[1]))
    part, inside = pattern(there).part(rows, columns)
    expected = pattern(there[rows][:, columns])
    assert part.shape == (int(rows.sum()), int(columns.sum()))
    assert (part.indices.tolist(), part.starts.tolist()) == (expected.indices.tolist(), expected.starts.tolist())
    numbered = np.zeros(there.shape)
    numbered.T[there.T] = np.arange(1.0, there.sum() + 1)
    kept = numbered[rows][:, columns].T
    assert (np.flatnonzero(inside) + 1.0).tolist() == kept[kept > 0].tolist()


@pytest.mark.parametrize(
    ("indices", "starts", "good"),
    [([0, 1, 0, 2], [0, 2, 4], True), ([2, 1], [0, 1, 2], True), ([1, 0], [0, 2, 2], False), ([1, 1], [0, 2, 2], False)],
)
def test_rows_must_rise_within_a_column_and_need_not_from_one_to_the_next(
    indices: list[int], starts: list[int], good: bool
) -> None:
    given_pattern = (np.array(indices), np.array(starts), (3, 2))
    if good:
        assert Pattern(*given_pattern).shape == (3, 2)
    else:
        with pytest.raises(ValueError, match="twice, or not in the order of its rows"):
            Pattern(*given_pattern)


@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 3), st.data())
@settings(max_examples=80)
def test_a_map_is_the_matrix_product_to_the_bit(rows: int, columns: int, most: int, data: st.DataObject) -> None:
    dense = np.zeros((rows, columns))
    for row in dense:
        for place in data.draw(st.lists(st.integers(0, columns - 1), max_size=most)):
            row[place] = data.draw(st.sampled_from([1.0, -1.0, 2.0, 0.3]))
    vector = data.draw(arrays(np.float64, columns, elements=NUMBERS))
    matrix = sparse.csr_array(dense)
    made = LinearMap.of(matrix)
    assert (made.matrix is None) == bool(((dense != 0).sum(axis=1) <= 1).all())
    assert made.times(vector).tobytes() == (matrix @ vector).tobytes()
