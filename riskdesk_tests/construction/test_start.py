"""Where a walk may start, and which sessions are stale after a rewrite."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.start import stale_from, starting_state
from riskdesk_assets.construction.state import GENESIS, DeskState, Memory, state_from_json
from riskdesk_assets.construction.walk import walk
from riskdesk_tests.desk_builder import calendar, changed, desk_config, held, inputs_of, sessions_from, shipped_tickets

DAYS = sessions_from(date(2026, 3, 2), 8)


def rows(*states: tuple[date, DeskState, DeskState]) -> pl.DataFrame:
    """desk_state of (session, state it started from, state it left)."""
    return TABLES["desk_state"].frame(
        [
            {
                "run_id": "r",
                "as_of_date": session,
                "state_hash": state.hash,
                "previous_session": before.session,
                "previous_state_hash": before.hash,
                "released": True,
                "release_status": "RELEASED",
                "release_reason": "",
                "equity": 1.0,
                "inputs_json": "{}",
                "state_json": state.json,
                "pnl_gross": 0.0,
                "ex_ante_volatility": 0.0,
                "var_95": None,
                "var_99": None,
                "trading_state": "ACTIVE",
                "halt_trigger": None,
                "halt_reason": None,
                "halt_since": None,
                "halted_tickets": "",
            }
            for session, before, state in states
        ]
    )


def state(session: date, cents: int = 0) -> DeskState:
    return replace(GENESIS, session=session, pnl_gross_cents=cents)


def chain(*sessions: date) -> list[tuple[date, DeskState, DeskState]]:
    states = [GENESIS, *(state(day) for day in sessions)]
    return [(day, before, after) for day, before, after in zip(sessions, states, states[1:], strict=False)]


def test_a_desk_that_never_ran_starts_from_nothing() -> None:
    assert starting_state(rows(), calendar(), DAYS[0]) == GENESIS


def test_a_session_starts_from_the_state_of_the_one_before() -> None:
    assert starting_state(rows(*chain(*DAYS[:3])), calendar(), DAYS[3]) == state(DAYS[2])


def test_a_session_after_a_gap_is_refused_by_name_and_the_way_to_close_it_is_told() -> None:
    with pytest.raises(StateError) as error:
        starting_state(rows(*chain(*DAYS[:3])), calendar(), DAYS[5])
    text = str(error.value)
    assert f"{DAYS[5]} cannot be computed" in text
    assert f"session before it, {DAYS[4]}" in text
    assert f"riskdesk run --start {DAYS[3]} --end {DAYS[5]}" in text


def test_a_session_before_every_state_is_a_new_beginning() -> None:
    assert starting_state(rows(*chain(*DAYS[2:4])), calendar(), DAYS[0]) == GENESIS


def test_after_a_rewrite_the_first_stale_session_is_named() -> None:
    states = chain(*DAYS[:5])
    states[1] = (DAYS[1], states[1][1], state(DAYS[1], cents=7))
    assert stale_from(rows(*states)) == DAYS[2]
    with pytest.raises(StateError, match=f"desk states from {DAYS[2]} on are stale"):
        starting_state(rows(*states), calendar(), DAYS[5])
    # the stale session itself may be computed: it starts from what is now stored before it
    assert starting_state(rows(*states), calendar(), DAYS[2]) == state(DAYS[1], cents=7)


def test_a_rewrite_that_leaves_the_same_state_makes_nothing_stale() -> None:
    assert stale_from(rows(*chain(*DAYS[:5]))) is None


def test_a_beginning_put_before_an_older_one_makes_the_older_one_stale() -> None:
    assert stale_from(rows(*chain(DAYS[0], DAYS[1]), *chain(*DAYS[2:4]))) == DAYS[2]


def test_a_state_survives_its_own_json() -> None:
    whole = DeskState(
        DAYS[1],
        (held("t", {"JPM": (100, 50.1234), "BAC": (-200, 25.0)}, DAYS[0], age=9, missing=2),),
        (Memory("t", -1, 4, armed=False),),
        -123,
        456,
        "20260303-0123456789abcdef",
    )
    again = state_from_json(whole.json)
    assert (again, again.hash) == (whole, whole.hash)


def test_a_state_that_names_no_run_is_refused_and_the_way_on_is_told() -> None:
    stored = rows(*chain(*DAYS[:3]))
    old = stored.with_columns(state_json=pl.col("state_json").str.replace('"run_id":"",', "", literal=True))
    with pytest.raises(StateError) as error:
        starting_state(old, calendar(), DAYS[3])
    text = str(error.value)
    assert f"{DAYS[3]} cannot be computed: the desk state of {DAYS[2]} was written by an earlier version" in text
    assert f"riskdesk run --start {DAYS[0]} --end {DAYS[3]}" in text


def test_a_state_without_the_guards_memory_is_refused_too() -> None:
    old = GENESIS.json.replace('"guards":[],', "")
    assert old != GENESIS.json
    with pytest.raises(StateError, match="no memory of the guards"):
        state_from_json(old)


def test_the_same_book_reached_from_other_inputs_is_another_state() -> None:
    one, other = (replace(state(DAYS[0]), run_id=run) for run in ("20260302-a", "20260302-b"))
    assert one.hash != other.hash
    stored = rows((DAYS[0], GENESIS, other), (DAYS[1], one, state(DAYS[1])))
    assert stale_from(stored) == DAYS[1]


def test_a_walk_states_its_own_runs() -> None:
    done = walk(inputs_of(desk_config(), shipped_tickets(), DAYS[0], DAYS[2]))
    ids = [state_from_json(text).run_id for text in done.frames["desk_state"]["state_json"]]
    assert ids == done.frames["desk_state"]["run_id"].to_list() == [day.run_id for day in done.days]


def test_a_cut_limit_in_an_earlier_session_makes_the_later_ones_stale() -> None:
    config = desk_config()
    tickets = shipped_tickets()
    first = walk(inputs_of(config, tickets, DAYS[0], DAYS[4]))
    cut = changed(config, "limits.portfolio_gross.max", 0.1)
    start = starting_state(first.frames["desk_state"], calendar(), DAYS[1])
    again = walk(inputs_of(cut, tickets, DAYS[1], DAYS[1], start=start))
    kept = first.frames["desk_state"].filter(pl.col("as_of_date") != DAYS[1])
    stored = pl.concat([kept, again.frames["desk_state"]])
    assert stale_from(first.frames["desk_state"]) is None
    assert stale_from(stored) == DAYS[2]
