"""A walk over years in stretches: the same days, tables and states as one walk, without holding every day in memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from riskdesk_assets.common.packed import Gathered
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.day_sources import WalkInputs
from riskdesk_assets.construction.state import DeskState
from riskdesk_assets.construction.walk import CONSTRUCTION_TABLES, walk

# Sessions walked at a time: long enough that cutting the inputs costs nothing, short enough that their results are small.
_STRETCH = 42
_BY_SESSION = (
    "pair_state",
    "ticket_snapshots",
    "strategy_library",
    "strategy_budgets",
    "instrument_scores",
    "limit_changes",
    "instrument_state",
    "stream_correlations",
    "market_regime",
    "desk_halts",
)


@dataclass(frozen=True)
class LongWalk:
    """Frames per construction table, and the state after the last session."""

    frames: Mapping[str, pl.DataFrame]
    state: DeskState


def long_walk(
    inputs: WalkInputs,
    progress: Callable[[int, int], None] = lambda done, total: None,
    stretch: int = _STRETCH,
) -> LongWalk:
    """Run every session in order and gather the rows; equal to ``walk``, bit for bit.

    Args:
        inputs: frames (packed ones, too), configuration and starting state.
        progress: told (sessions done, sessions in all) after each one.
        stretch: sessions walked at a time.
    """
    state, total = inputs.start, len(inputs.sessions)
    gathered = {name: Gathered(TABLES[name]) for name in CONSTRUCTION_TABLES}
    with single_threaded(), _uncollected():
        for done in range(0, total, stretch):
            piece = cut(inputs, inputs.sessions[done : done + stretch], state)
            walked = walk(piece, _from(progress, done, total))
            state = walked.days[-1].state
            for name, frame in walked.frames.items():
                gathered[name].add(frame)
            # Its days would else stand beside those of the next stretch.
            del piece, walked
    return LongWalk({name: table.frame() for name, table in gathered.items()}, state)


def cut(inputs: WalkInputs, sessions: Sequence[date], start: DeskState) -> WalkInputs:
    """The inputs with what these sessions read, from a state on: bars since the oldest print a held leg is marked at."""
    first, last = sessions[0], sessions[-1]
    here = pl.col("as_of_date").is_between(first, last)
    frames: dict[str, Any] = {name: getattr(inputs, name).filter(here) for name in _BY_SESSION}
    oldest = min((leg.priced_on for position in start.positions for leg in position.legs), default=first)
    return replace(
        inputs,
        sessions=tuple(sessions),
        start=start,
        bars=inputs.bars.filter(pl.col("as_of_date").is_between(min(oldest, first), last)),
        splits=inputs.splits.filter(here),
        # Copies, so that what a covariance keeps of itself once it is asked goes when the stretch does.
        covariances={session: replace(inputs.covariances[session]) for session in sessions if session in inputs.covariances},
        **frames,
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles while walking: days hold hardly any, and looking took a sixth of the time."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


def _from(progress: Callable[[int, int], None], done: int, total: int) -> Callable[[int, int], None]:
    return lambda place, _: progress(done + place, total)
