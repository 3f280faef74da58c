"""What the journal says of the desk's halts for each session: an input of the walk, kept in the run directory for replay.

A session's book is what may be traded at the next open, so a halt or a resume binds a session when it was written before that
open. An automatic halt that a session itself led to binds the sessions after it: were it read back by its own session, the same
session computed twice would not have the same inputs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from riskdesk_assets.common.halts import HALT, RESUME, HaltRecord, Stopped, halt_of, standing
from riskdesk_assets.common.hashing import digest
from riskdesk_assets.common.journal_chain import Record
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.tables import TABLES

if TYPE_CHECKING:
    # A walk reads halts as rows: only whoever opens a journal pays for its database.
    from riskdesk_assets.common.journal import Journal

DESK = "desk"
TABLE = "desk_halts"
_NEW_YORK = ZoneInfo("America/New_York")
_OPEN = time(9, 30)
_LONGEST = 64


@dataclass(frozen=True)
class JournalHalt:
    """What the journal says of one account: whether it is stopped, and how far its automatic halts are known.

    ``state`` None: not stopped (any more). ``known_to``: the newest session whose automatic halt the journal holds; None: none.
    """

    account: str
    state: Stopped | None
    trigger: str
    reason: str
    by: str
    automatic: bool
    since: datetime | None
    known_to: date | None


@dataclass(frozen=True)
class SessionHalts:
    """The desk's accounts in the journal as one session sees them; an account without an entry was never halted there."""

    accounts: Mapping[str, JournalHalt] = field(default_factory=dict)

    def standing(self, account: str) -> JournalHalt | None:
        """The halt of an account that stands."""
        found = self.accounts.get(account)
        return found if found is not None and found.state is not None else None

    def knows(self, account: str, session: date) -> bool:
        """Whether the journal holds an automatic halt of that session or a later one: then only a person's resume ends it."""
        found = self.accounts.get(account)
        return found is not None and found.known_to is not None and found.known_to >= session


@dataclass(frozen=True)
class UnboundHalt:
    """A halt that stands although a session's book was not bound by it: that book was tradeable before the halt was written.

    ``binds_from``: the first session whose book it binds.
    """

    halt: HaltRecord
    binds_from: date

    @property
    def sentence(self) -> str:
        """Who halted what, since when, and which session obeys."""
        what = "the desk" if self.halt.account == DESK else f"ticket {self.halt.account.removeprefix(f'{DESK}:')}"
        since = f"{self.halt.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        stands = f"a halt of {what} by {self.halt.by} stands since {since}"
        return f"{stands}; this book was tradeable before it, {self.binds_from} obeys"

    @property
    def fields(self) -> dict[str, str]:
        """Plain words for JSON."""
        return {
            "account": self.halt.account,
            "state": self.halt.state,
            "by": self.halt.by,
            "since": self.halt.at.astimezone(UTC).isoformat(timespec="seconds"),
            "binds_from": self.binds_from.isoformat(),
        }


NO_HALTS = SessionHalts()


def ticket_account(ticket_id: str) -> str:
    """The journal's account of one ticket's halts; an id too long for an account is told by its beginning and its hash."""
    account = f"{DESK}:{ticket_id}"
    return account if len(account) <= _LONGEST else f"{account[: _LONGEST - 17]}-{digest(ticket_id)[:16]}"


def session_halts(journal: Journal, calendar: SessionCalendar, sessions: Sequence[date]) -> pl.DataFrame:
    """TABLES["desk_halts"] of the sessions: one row per session and account of the desk that is halted, or known to have been
    halted by a switch, by then.

    Args:
        journal: read only; one that does not exist holds nothing.
        calendar: for the next open.
        sessions: ascending.

    Raises:
        JournalError: the journal cannot be read, or a halt in it cannot be understood.
    """
    records = [record for record in journal.records(kind=(HALT, RESUME)) if _is_desk(record.account)]
    rows: list[dict[str, object]] = []
    for session in sessions if records else ():
        cutoff = next_open(calendar, session)
        seen = [record for record in records if record.at <= cutoff and not _is_own(record, session)]
        stands = {halt.account: halt for halt in standing(seen)}
        known = _known(seen)
        # No row of an account of which nothing stands and nothing is known: a resume of what a session itself led to says
        # nothing to that session, and must not change what it was computed from.
        accounts = sorted({*stands, *known})
        rows.extend(_row(session, account, stands.get(account), known.get(account)) for account in accounts)
    return TABLES[TABLE].frame(rows)


def first_bound(calendar: SessionCalendar, at: datetime) -> date:
    """The first session whose book a halt or a resume written ``at`` a moment binds: its next open is not before it."""
    place = bisect_left(calendar.sessions, at, key=_open_of)
    return calendar.sessions[max(0, place - 1)]


def unbound_halts(halts: Iterable[HaltRecord], calendar: SessionCalendar, session: date) -> tuple[UnboundHalt, ...]:
    """The halts of the desk's accounts that stand and that the book of a session was not bound by.

    Args:
        halts: what stands in the journal.
        calendar: for the opens.
        session: of the book. An automatic halt is obeyed by the session that led to it already.
    """
    desks = [halt for halt in halts if _is_desk(halt.account)]
    found = (UnboundHalt(halt, halt.session or first_bound(calendar, halt.at)) for halt in desks)
    return tuple(one for one in found if one.binds_from > session)


def halts_of_rows(rows: Iterable[Mapping[str, object]]) -> SessionHalts:
    """One session's rows of the table, as the desk day reads them."""
    found: dict[str, JournalHalt] = {}
    for row in rows:
        state, since, known_to = row["state"], row["since"], row["known_to"]
        found[str(row["account"])] = JournalHalt(
            account=str(row["account"]),
            state="HALTED" if state == "HALTED" else "REDUCING" if state == "REDUCING" else None,
            trigger=str(row["trigger"] or ""),
            reason=str(row["reason"] or ""),
            by=str(row["halted_by"] or ""),
            automatic=bool(row["automatic"]),
            since=datetime.fromisoformat(str(since)) if since else None,
            known_to=known_to if isinstance(known_to, date) else None,
        )
    return SessionHalts(found)


def _is_desk(account: str) -> bool:
    return account == DESK or account.startswith(f"{DESK}:")


def _is_own(record: Record, session: date) -> bool:
    """An automatic halt of this session or a later one."""
    if record.kind != HALT:
        return False
    halt = halt_of(record)
    return halt.session is not None and halt.session >= session


def _known(records: Iterable[Record]) -> dict[str, date]:
    newest: dict[str, date] = {}
    for record in records:
        halt = halt_of(record) if record.kind == HALT else None
        if halt is not None and halt.session is not None:
            newest[halt.account] = max(halt.session, newest.get(halt.account, halt.session))
    return newest


def _row(session: date, account: str, halt: HaltRecord | None, known_to: date | None) -> dict[str, object]:
    return {
        "as_of_date": session,
        "account": account,
        "state": halt.state if halt else None,
        "trigger": halt.trigger if halt else None,
        "reason": halt.reason if halt else None,
        "halted_by": halt.by if halt else None,
        "automatic": halt.automatic if halt else None,
        "since": halt.at.astimezone(UTC).isoformat() if halt else None,
        "known_to": known_to,
        "sequence": halt.sequence if halt else None,
    }


def next_open(calendar: SessionCalendar, session: date) -> datetime:
    """When the book of a session can be traded from: the next session's open, in UTC."""
    place = calendar.position(session) + 1
    if place >= len(calendar.sessions):
        return datetime.max.replace(tzinfo=UTC)
    return _open_of(calendar.sessions[place])


def _open_of(session: date) -> datetime:
    return datetime.combine(session, _OPEN, _NEW_YORK).astimezone(UTC)
