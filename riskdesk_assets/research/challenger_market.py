"""What a challenger meets on its way: marks, splits, and names that fall silent; the same for every one of them.

A *day* is the number of a session in the range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from riskdesk_assets.common.settings import FrozenSettings
from riskdesk_assets.market.print_panel import Places, PrintPanel

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Leg:
    """Shares (a fraction, signed) on the day of entry. ``closed``: the day it is closed on at the delisting return, if any."""

    symbol: str
    column: int
    entered: int
    shares: float
    closed: int | None


@dataclass(frozen=True, eq=False)
class LegDays:
    """Every day of some legs, leg after leg: shape (days of all legs,) each; ``leg``: the leg's number, ``value``: in ticks."""

    leg: Places
    day: Places
    column: Places
    shares: Array
    value: Array


@dataclass(frozen=True, eq=False)
class Market:
    """Matrices have the shape (days, symbols).

    ``places``: of the days in the calendar. ``marks``: the last close, in ticks. ``silent``: sessions in a row without a print.
    ``splits``: day, column and new shares per old, in order of the day. ``gone``: column -> the days on which its name has been
    silent for so long that it is closed.
    """

    places: Places
    prints: PrintPanel
    marks: Array
    silent: Places
    splits: Sequence[tuple[int, int, float]]
    gone: Mapping[int, Sequence[int]]
    frozen: FrozenSettings

    @classmethod
    def of(cls, sessions: pl.Series, prints: PrintPanel, splits: pl.DataFrame, frozen: FrozenSettings) -> Market:
        """Over the range.

        Args:
            sessions: the range, ascending.
            prints: usable prints.
            splits: symbol, as_of_date, ratio of new shares per old, in unadjusted closes.
            frozen: when a name without prints is closed, and at what return.
        """
        places = prints.places(sessions)
        closes = prints.ticks[prints.rows(places)]
        days = np.arange(len(places))[:, None]
        printed = np.maximum.accumulate(np.where(np.isnan(closes), -1, days), axis=0)
        marks, silent = np.take_along_axis(closes, np.maximum(printed, 0), axis=0), days - printed
        here = sessions.to_frame("as_of_date").with_row_index("day").join(splits, on="as_of_date").sort("day", "symbol")
        ratios = zip(here["day"], prints.columns(here["symbol"]).tolist(), here["ratio"].cast(pl.Float64), strict=True)
        gone: dict[int, list[int]] = {}
        for day, column in np.argwhere(silent == frozen.close_after_sessions).tolist():
            gone.setdefault(column, []).append(day)
        return cls(places, prints, marks, silent, list(ratios), gone, frozen)

    def printed(self, symbol: str, day: int) -> bool:
        """Whether a name has a close of that day."""
        return not self.silent[day, self.prints.column(symbol)]

    def bought(self, symbol: str, value: float, day: int) -> Leg:
        """So many ticks of a name at a day's close."""
        column = self.prints.column(symbol)
        shares = value / float(self.marks[day, column])
        closed = next((later for later in self.gone.get(column, ()) if later > day), None) if shares else None
        return Leg(symbol, column, day, shares, closed)

    def value(self, leg: Leg, day: int) -> float:
        """Ticks a leg is worth on a day, after the day's splits; nothing once it is closed."""
        return 0.0 if leg.closed is not None and day >= leg.closed else self._worth(leg, day)

    def stuck(self, leg: Leg, day: int) -> bool:
        """Whether a leg holds something that did not print."""
        return bool(self.silent[day, leg.column]) and self.value(leg, day) != 0.0

    def loss(self, leg: Leg, day: int) -> float:
        """What a leg that is closed on a day loses: of a long the delisting return, of a short nothing."""
        return max(self._worth(leg, day), 0.0) * self.frozen.delisting_return

    def lines(self, legs: Sequence[tuple[Leg, int]]) -> LegDays:
        """The days of legs, each with the day it is no longer held on: ``value`` of all of them at once."""
        entered = np.array([leg.entered for leg, _ in legs], dtype=np.intp)
        lengths = np.array([end for _, end in legs], dtype=np.intp) - entered
        number = np.repeat(np.arange(len(legs)), lengths)
        starts = np.cumsum(lengths) - lengths
        day = np.arange(len(number)) - starts[number] + entered[number]
        column = np.array([leg.column for leg, _ in legs], dtype=np.intp)[number]
        shares = np.array([leg.shares for leg, _ in legs])[number]
        for on, split, ratio in self.splits:
            shares[(column == split) & (entered[number] < on) & (on <= day)] *= ratio
        never = len(self.places)
        closed = np.array([never if leg.closed is None else leg.closed for leg, _ in legs], dtype=np.intp)
        shares[day >= closed[number]] = 0.0
        return LegDays(number, day, column, shares, shares * self.marks[day, column])

    def _worth(self, leg: Leg, day: int) -> float:
        shares = leg.shares
        for on, column, ratio in self.splits:
            if column == leg.column and leg.entered < on <= day:
                shares *= ratio
        return shares * float(self.marks[day, leg.column])
