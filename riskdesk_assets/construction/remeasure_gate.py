"""Halts and approvals measured again from the tables: nothing grew that was stopped, nothing is larger than approved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from riskdesk_assets.common.session_check import SessionCheck

HALT, GATE = "halt", "gate"
_DAY = "as_of_date"
_TICKS_PER_DOLLAR = 10_000
_ACTIVE = "ACTIVE"
Row = Mapping[str, Any]


def gate_checks(
    ideal: pl.DataFrame, stands: pl.DataFrame, gates: pl.DataFrame, states: Mapping[date, Row], sessions: Sequence[date]
) -> Iterator[SessionCheck]:
    """One result of each of the two checks per session with a desk state.

    Args:
        ideal: as_of_date, ticket_id, size, held, added and legs_added (ticks) of the ideal portfolio's tickets.
        stands: the same of the desk's positions; in shadow the same book, in paper and enforce one on the way there.
        gates: rows of gate_decisions.
        states: rows of desk_state by session.
        sessions: the sessions to judge.
    """
    wanted, stood = _by_day(ideal), _by_day(stands)
    approved = {(row[_DAY], row["ticket_id"]): row for row in gates.to_dicts()}
    for session in sessions:
        state = states.get(session)
        if state is not None:
            released = bool(state["released"])
            book, desk = (books.get(session, []) if released else [] for books in (wanted, stood))
            yield _halt(session, state, [*book, *desk])
            yield _gate(session, state, book, desk, approved)


def _by_day(tickets: pl.DataFrame) -> dict[object, list[dict[str, Any]]]:
    return {key[0]: frame.to_dicts() for key, frame in tickets.partition_by(_DAY, as_dict=True).items()}


def _halt(session: date, state: Row, book: Sequence[Row]) -> SessionCheck:
    """A halt that is obeyed is told of, and bars nothing; a ticket that grew in spite of one is a breach."""
    run, desk = str(state["run_id"]), str(state["trading_state"] or _ACTIVE)
    stopped = {name for name in str(state["halted_tickets"] or "").split(",") if name}
    said = [f"the desk is {desk} since {state['halt_since']}: {state['halt_reason']}"] if desk != _ACTIVE else []
    said += [f"ticket {name} is halted" for name in sorted(stopped)]
    if not said:
        return SessionCheck(HALT, session, passed=True, message="nothing is halted", run_hash=run)
    grown = [row for row in book if row["legs_added"] > 0 and (desk != _ACTIVE or row["ticket_id"] in stopped)]
    if not grown:
        message = f"{'; '.join(said)}; nothing was added"
        return SessionCheck(HALT, session, passed=False, message=message, limit=HALT, run_hash=run, hard=False, told=True)
    worst = max(grown, key=lambda row: (row["legs_added"], row["ticket_id"]))
    message = f"{'; '.join(said)}; but ticket {worst['ticket_id']} grew by {_dollars(worst['legs_added'])}"
    return SessionCheck(HALT, session, False, message, HALT, str(worst["legs_added"]), "0", run)


def _gate(
    session: date, state: Row, book: Sequence[Row], desk: Sequence[Row], approved: Mapping[tuple[date, str], Row]
) -> SessionCheck:
    """The ideal portfolio is within what was approved; the desk's positions within that or what they were before."""
    run = str(state["run_id"])
    beyond: list[tuple[int, str, int, str]] = []
    for row, least in [*((row, 0) for row in book), *((row, int(row["held"])) for row in desk)]:
        decision, size = approved.get((session, row["ticket_id"])), int(row["size"])
        if decision is None or decision["run_id"] != run:
            beyond.append((size, row["ticket_id"], size, "no decision of this run approved it"))
            continue
        most = max(least, -int(-decision["approved_gross"] * _TICKS_PER_DOLLAR // 1))
        if size > most:
            beyond.append((size - most, row["ticket_id"], size, f"the gatekeeper approved {_dollars(most)}"))
    if not beyond:
        message = "every ticket is within what the gatekeeper approved" if state["released"] else "nothing was released"
        return SessionCheck(GATE, session, passed=True, message=message, run_hash=run)
    _, ticket_id, size, why = max(beyond)
    message = f"ticket {ticket_id} stands at {_dollars(size)} in the book, but {why}"
    return SessionCheck(GATE, session, False, message, f"{GATE}:{ticket_id}", str(size), run_hash=run)


def _dollars(ticks: int) -> str:
    return f"${ticks / _TICKS_PER_DOLLAR:,.2f}"
