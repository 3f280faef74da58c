"""Which tickets stood on the desk on each session, in which state, and what changed since the session before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby

import polars as pl

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.strategy.loading import LoadedTicket, TicketFolder
from riskdesk_assets.strategy.notices import Notice, Severity
from riskdesk_assets.strategy.ticket import Ticket

IN_FORCE, NOT_YET, EXPIRED, INVALID, REMOVED = "IN_FORCE", "NOT_YET", "EXPIRED", "INVALID", "REMOVED"
NEW, UNCHANGED, EDITED, ID_REUSED = "NEW", "UNCHANGED", "EDITED", "ID_REUSED"

Row = dict[str, object]
_TABLE = TABLES["ticket_snapshots"]
_NOT_CONTENT = frozenset({"as_of_date", "ticket_id", "file", "content_hash", "status", "change", "pair_id"})


def ticket_snapshots(
    folder: TicketFolder, sessions: Sequence[date], previous: pl.DataFrame, archived_ids: Mapping[str, str]
) -> pl.DataFrame:
    """The table ``ticket_snapshots``: one row per session and ticket file, and one per ticket whose file is gone.

    ``status`` is IN_FORCE, NOT_YET, EXPIRED, INVALID (an unusable file: ``note`` holds its problems, and ``ticket_id``,
    ``content_hash``, ``pair_id`` and ``strategy`` what the file held when last it could be read, else "" and nulls) or REMOVED
    (kept from then on, so that an id is never forgotten). ``change`` is relative to the session before: NEW, UNCHANGED, EDITED,
    ID_REUSED (the id stood for another pair, or for an expired, removed or archived ticket that said something else) or
    REMOVED; null for INVALID.

    Args:
        folder: the tickets as they are now; they hold for every session asked for.
        sessions: the sessions, in any order.
        previous: rows of the session before the first one (empty: the desk begins).
        archived_ids: ticket id -> content hash of the archive.
    """
    rows: list[Row] = []
    before = _by_id(previous.to_dicts())
    for session in sorted(set(sessions)):
        today = list(_session_rows(folder, session, before, archived_ids))
        rows.extend(today)
        before = _by_id(today)
    return _TABLE.frame(rows)


def notices(frame: pl.DataFrame, previous: pl.DataFrame | None = None) -> tuple[Notice, ...]:
    """A sentence for every change in a frame of ``ticket_snapshots``: INFO for new tickets, WARNING for the others.

    Args:
        frame: rows of one or more sessions.
        previous: rows of the session before them; with it, an edit on the first session names the fields it touched.
    """
    found: list[Notice] = []
    before = {} if previous is None else _by_id(previous.to_dicts())
    for _, rows in groupby(frame.sort(_TABLE.key).to_dicts(), key=lambda row: row["as_of_date"]):
        today = list(rows)
        found += [_notice(row, before.get(str(row["ticket_id"]))) for row in today if row["change"] not in (None, UNCHANGED)]
        before = _by_id(today)
    return tuple(found)


def _session_rows(
    folder: TicketFolder, session: date, before: Mapping[str, Row], archived_ids: Mapping[str, str]
) -> Iterator[Row]:
    current = {item.ticket.ticket_id for item in folder.tickets}
    unseen = {ticket_id: row for ticket_id, row in before.items() if ticket_id not in current}
    for item in folder.tickets:
        change = _change(item, before.get(item.ticket.ticket_id), archived_ids)
        yield _ticket_row(item, session, _status(item.ticket, session), change)
    unusable = _unusable(folder, unseen)
    held = {str(row["file"]): ticket_id for ticket_id, row in unseen.items() if row["status"] != REMOVED}
    for file, text in sorted(unusable.items()):
        last = unseen.get(held.get(file, ""), {})
        kept = {name: last.get(name) for name in ("content_hash", "pair_id", "strategy")}
        yield _blank(session, file) | kept | {"ticket_id": held.get(file, ""), "status": INVALID, "note": text}
    for row in unseen.values():
        if row["status"] == REMOVED or row["file"] not in unusable:
            change = UNCHANGED if row["status"] == REMOVED else REMOVED
            yield row | {"as_of_date": session, "status": REMOVED, "change": change}


def _change(item: LoadedTicket, before: Row | None, archived_ids: Mapping[str, str]) -> str:
    if before is None:
        return ID_REUSED if archived_ids.get(item.ticket.ticket_id, item.content_hash) != item.content_hash else NEW
    if before["content_hash"] == item.content_hash:
        return NEW if before["status"] == REMOVED else UNCHANGED
    if before["pair_id"] != item.ticket.pair_id or before["status"] in (EXPIRED, REMOVED):
        return ID_REUSED
    return EDITED


def _status(ticket: Ticket, session: date) -> str:
    if ticket.in_force(session):
        return IN_FORCE
    return EXPIRED if session > ticket.expires_on else NOT_YET


def _ticket_row(item: LoadedTicket, session: date, status: str, change: str) -> Row:
    ticket = item.ticket
    return {
        "as_of_date": session,
        "ticket_id": ticket.ticket_id,
        "file": item.file,
        "content_hash": item.content_hash,
        "status": status,
        "change": change,
        "pair_id": ticket.pair_id,
        "leg_a": ticket.leg_a,
        "leg_b": ticket.leg_b,
        "orientation": ticket.orientation,
        "max_gross_notional": ticket.max_gross_notional,
        "max_leg_notional": ticket.max_leg_notional,
        "horizon_days": ticket.horizon_days,
        "conviction": ticket.conviction_level,
        "time_stop_days": ticket.time_stop_days,
        "flatten_on_breakdown": ticket.flatten_on_breakdown,
        "expires_on": ticket.expires_on,
        "effective_from": ticket.effective_from,
        "entry_z": ticket.entry_z,
        "exit_z": ticket.exit_z,
        "strategy": ticket.strategy,
        "note": ticket.note,
        "share": ticket.share,
    }


def _blank(session: date, file: str) -> Row:
    return dict.fromkeys(_TABLE.columns) | {"as_of_date": session, "file": file}


def _unusable(folder: TicketFolder, unseen: Mapping[str, Row]) -> dict[str, str]:
    """File -> what is wrong with it; when the folder cannot be listed, that holds for every file known so far."""
    texts: dict[str, str] = {}
    for problem in folder.problems:
        texts[problem.file] = f"{texts[problem.file]}; {problem}" if problem.file in texts else str(problem)
    if not folder.listed:
        why = "; ".join(texts.values())
        texts |= {str(row["file"]): why for row in unseen.values() if row["status"] != REMOVED}
    return texts


def _by_id(rows: Sequence[Row]) -> dict[str, Row]:
    """Rows that carry a ticket id, by it."""
    return {str(row["ticket_id"]): row for row in sorted(rows, key=lambda row: str(row["ticket_id"])) if row["ticket_id"]}


def _notice(row: Row, before: Row | None) -> Notice:
    ticket_id, change = str(row["ticket_id"]), row["change"]
    sentences = {
        NEW: f"{ticket_id} ({row['pair_id']}) is new",
        REMOVED: f"{ticket_id} ({row['pair_id']}) is gone",
        EDITED: f"{ticket_id} was edited while {_standing(before)}{_edits(row, before)}",
        ID_REUSED: f"{ticket_id} is an id used again: it stood for {_former(before)} and stands for {row['pair_id']} now",
    }
    severity: Severity = "INFO" if change == NEW else "WARNING"
    return Notice(severity, str(row["file"]), (ticket_id,), f"{row['as_of_date']}: {sentences[str(change)]}")


def _standing(before: Row | None) -> str:
    return {NOT_YET: "not yet in force", INVALID: "unusable"}.get(str(before["status"]), "in force") if before else "live"


def _edits(row: Row, before: Row | None) -> str:
    if before is None or before["status"] == INVALID:
        return ""
    edited = [
        f"{name} {before[name]} -> {row[name]}"
        for name in _TABLE.columns
        if name not in _NOT_CONTENT and before[name] != row[name]
    ]
    return f": {', '.join(edited)}" if edited else ""


def _former(before: Row | None) -> str:
    if before is None:
        return "an archived ticket that said something else"
    if before["status"] in (EXPIRED, REMOVED):
        return f"the {str(before['status']).lower()} {before['pair_id']}"
    return str(before["pair_id"])
