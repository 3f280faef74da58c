"""One name's bars in a row, gaps closed: a session without a bar is skipped, never filled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from riskdesk_assets.features.panel import Panel
from riskdesk_assets.features.windows import Array

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class OwnBars:
    """The panel rows on which all the given names have a bar, ascending, and how far back a value may read.

    A statistic over ``bars`` consecutive own bars counts only when they lie within the ``lookback`` sessions ending at its
    own session: so the value does not depend on how much history was loaded beyond that.
    """

    rows: Rows
    sessions: int
    lookback: int

    @cached_property
    def available(self) -> Rows:
        """How many own bars lie within the lookback that ends at each own bar, itself included, shape (own bars,)."""
        oldest = np.searchsorted(self.rows, self.rows - self.lookback, side="right")
        return np.arange(1, len(self.rows) + 1, dtype=np.intp) - oldest

    def reaches(self, bars: int) -> npt.NDArray[np.bool_]:
        """Where ``bars`` own bars ending at the row lie within the lookback, shape (own bars,)."""
        return self.available >= bars

    def limited(self, values: Array, bars: int) -> Array:
        """The values, NaN where the ``bars`` own bars they read do not lie within the lookback."""
        return np.where(self.reaches(bars), values, np.nan)

    def on_sessions(self, values: Array) -> Array:
        """Values of own bars put back on the panel's sessions, shape (sessions,); NaN where there is no bar."""
        out = np.full(self.sessions, np.nan)
        out[self.rows] = values
        return out


def own_bars(panel: Panel, columns: list[int], lookback: int) -> OwnBars:
    """The rows on which every one of these panel columns has a bar."""
    present = ~np.isnan(panel.adj_close[:, columns]).any(axis=1)
    return OwnBars(np.flatnonzero(present), len(panel.sessions), lookback)


def defined_rows(values: Array, lookback: int) -> OwnBars:
    """The rows on which a per-session series, shape (sessions,), has a value."""
    return OwnBars(np.flatnonzero(~np.isnan(values)), len(values), lookback)


def log_returns(log_prices: Array) -> Array:
    """Differences to the row before, shape as given; the first row has none."""
    out = np.full_like(log_prices, np.nan)
    out[1:] = log_prices[1:] - log_prices[:-1]
    return out
