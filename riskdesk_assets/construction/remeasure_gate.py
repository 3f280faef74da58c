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
    tickets: pl.DataFrame, gates: pl.DataFrame, states: Mapping[date, Row], sessions: Sequence[date]
) -> Iterator[SessionCheck]:
    """One result of each of the two checks per session with a desk state.

    Args:
        tickets: as_of_date, ticket_id, size and added (ticks) of the ideal portfolio, session by session.
        gates: rows of gate_decisions.
        states: rows of desk_state by session.
        sessions: the sessions to judge.
    """
    books = {key[0]: frame.to_dicts() for key, frame in tickets.partition_by(_DAY, as_dict=True).items()}
    approved = {(row[_DAY], row["ticket_id"]): row for row in gates.to_dicts()}
    for session in sessions:
        state = states.get(session)
        if state is not None:
            book = books.get(session, []) if state["released"] else []
            yield _halt(session, state, book)
            yield _gate(session, state, book, approved)


def _halt(session: date, state: Row, book: Sequence[Row]) -> SessionCheck:
    """A halt that is obeyed is told of, and bars nothing; a ticket that grew in spite of one is a breach."""
    run, desk = str(state["run_id"]), str(state["trading_state"] or _ACTIVE)
    stopped = {name for name in str(state["halted_tickets"] or "").split(",") if name}
    said = [f"the desk is {desk} since {state['halt_since']}: {state['halt_reason']}"] if desk != _ACTIVE else []
    said += [f"ticket {name} is halted" for name in sorted(stopped)]
    if not said:
        return SessionCheck(HALT, session, passed=True, message="nothing is halted", run_hash=run)
    grown = [row for row in book if row["added"] > 0 and (desk != _ACTIVE or row["ticket_id"] in stopped)]
    if not grown:
        message = f"{'; '.join(said)}; nothing was added"
        return SessionCheck(HALT, session, passed=False, message=message, limit=HALT, run_hash=run, hard=False, told=True)
    worst = max(grown, key=lambda row: (row["added"], row["ticket_id"]))
    message = f"{'; '.join(said)}; but ticket {worst['ticket_id']} grew by {_dollars(worst['added'])}"
    return SessionCheck(HALT, session, False, message, HALT, str(worst["added"]), "0", run)


def _gate(session: date, state: Row, book: Sequence[Row], approved: Mapping[tuple[date, str], Row]) -> SessionCheck:
    run = str(state["run_id"])
    beyond: list[tuple[int, str, str]] = []
    for row in book:
        decision = approved.get((session, row["ticket_id"]))
        if decision is None or decision["run_id"] != run:
            beyond.append((int(row["size"]), row["ticket_id"], "no decision of this run approved it"))
            continue
        most = -int(-decision["approved_gross"] * _TICKS_PER_DOLLAR // 1)
        if row["size"] > most:
            beyond.append((int(row["size"]) - most, row["ticket_id"], f"the gatekeeper approved {_dollars(most)}"))
    if not beyond:
        message = "every ticket is within what the gatekeeper approved" if book else "nothing was released"
        return SessionCheck(GATE, session, passed=True, message=message, run_hash=run)
    _, ticket_id, why = max(beyond)
    size = next(row["size"] for row in book if row["ticket_id"] == ticket_id)
    message = f"ticket {ticket_id} stands at {_dollars(size)} in the book, but {why}"
    return SessionCheck(GATE, session, False, message, f"{GATE}:{ticket_id}", str(size), run_hash=run)


def _dollars(ticks: int) -> str:
    return f"${ticks / _TICKS_PER_DOLLAR:,.2f}"
