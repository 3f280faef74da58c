"""Long frames whose words repeat, held small: each word once, and in the rows its number."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from riskdesk_assets.common.tables import Table

_REPEATS = 4
"""A column is worth packing where a word stands in this many rows on average: packed it takes a quarter of a word or less."""


def packed(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The same rows, these text columns packed."""
    return frame.with_columns(pl.col(columns).cast(pl.Categorical))


def unpacked(frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows, every column as text again; a frame without packed columns is itself."""
    columns = (name for name, dtype in frame.schema.items() if dtype == pl.Categorical)
    return frame.with_columns(_text(frame[name]) for name in columns)


def _text(column: pl.Series) -> pl.Series:
    """A packed column as text. Taken by their places, rows refer to the words of a list; a cast would copy the word to each."""
    words = column.drop_nulls().unique().cast(pl.String)
    places = column.cast(pl.Enum(words)).to_physical()
    return words.gather(places).alias(column.name)


class Gathered:
    """Rows of a table that come stretch by stretch, in order of its key within a stretch, held packed until all are there."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._parts: list[pl.DataFrame] = []
        self._columns: list[str] = []

    def add(self, frame: pl.DataFrame) -> None:
        """The next stretch's rows; the first rows there are decide which columns are packed."""
        if not self._parts:
            texts = (name for name, dtype in self._table.schema.items() if dtype == pl.String)
            self._columns = [name for name in texts if frame[name].n_unique() * _REPEATS <= frame.height]
        if frame.height:
            self._parts.append(packed(frame, self._columns))

    def frame(self) -> pl.DataFrame:
        """Every row, as one frame of the table; what was gathered is let go.

        Stretches come in order of their sessions: where those lead the key the rows are in its order already.
        """
        if not self._parts:
            return self._table.frame([])
        whole = pl.concat(self._parts, rechunk=True)
        self._parts = []
        whole = unpacked(whole)
        return whole if self._table.key[0] == self._table.partition else whole.sort(self._table.key)
