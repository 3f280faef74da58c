"""Where a walk may start: the state of the session before, fresh and unbroken, or nothing at all (genesis)."""

from __future__ import annotations

from datetime import date

import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.construction.state import GENESIS, DeskState, state_from_json


def starting_state(states: pl.DataFrame, calendar: SessionCalendar, first: date) -> DeskState:
    """The state the session ``first`` starts from.

    Args:
        states: desk_state rows of every session before ``first`` (columns as_of_date, state_hash, previous_session,
            previous_state_hash, state_json).
        calendar: NYSE sessions.
        first: the session about to be computed.

    Raises:
        StateError: an earlier state exists but not that of the session before, it descends from one rewritten since, or an
            earlier version of the desk wrote it.
    """
    earlier = states.filter(pl.col("as_of_date") < first).sort("as_of_date")
    if earlier.is_empty():
        return GENESIS
    previous = calendar.before(first)
    newest = earlier["as_of_date"][-1]
    if newest != previous:
        following = calendar.after(newest)
        raise StateError(
            f"{first} cannot be computed: there is no desk state for the session before it, {previous}; "
            f"the newest earlier one is {newest}. Run `riskdesk run --start {following} --end {first}`"
        )
    broken = stale_from(earlier)
    if broken is not None:
        raise StateError(
            f"{first} cannot be computed: desk states from {broken} on are stale, an earlier session was rewritten since. "
            f"Run `riskdesk run --start {resume_from(earlier, calendar)} --end {first}`"
        )
    try:
        return state_from_json(earlier["state_json"][-1])
    except StateError as error:
        raise StateError(
            f"{first} cannot be computed: {error}. Run `riskdesk run --start {earlier['as_of_date'][0]} --end {first}`"
        ) from None


def resume_from(states: pl.DataFrame, calendar: SessionCalendar) -> date:
    """The first session to compute again: the one after the newest state that descends unbroken from the first."""
    broken = stale_from(states)
    sound = states if broken is None else states.filter(pl.col("as_of_date") < broken)
    newest: date = sound.sort("as_of_date")["as_of_date"][-1]
    return calendar.after(newest)


def stale_from(states: pl.DataFrame) -> date | None:
    """The first session whose state does not descend from the one now stored before it; None when the chain is whole."""
    ordered = states.sort("as_of_date").with_columns(
        pl.col("as_of_date").shift(1).alias("stored_session"), pl.col("state_hash").shift(1).alias("stored_hash")
    )
    breaks = ordered.filter(
        pl.col("stored_session").is_not_null()
        & (
            pl.col("previous_session").ne_missing(pl.col("stored_session"))
            | pl.col("previous_state_hash").ne_missing(pl.col("stored_hash"))
        )
    )
    return None if breaks.is_empty() else breaks["as_of_date"][0]
