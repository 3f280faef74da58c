"""Halts and resumes in the journal, and what of them stands: read by the desk day and by the REST gatekeeper alike.

A halt latches: only a resume ends it, and not before the moment the halt itself names (X-08). An earlier resume in the journal,
whoever wrote it, does not end it. Ranges and backtests resume in simulation; those never come here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from riskdesk_assets.common.journal_chain import Entry, EntryError, JournalError, Record, moment

if TYPE_CHECKING:
    # A walk reads halts as rows: only whoever opens a journal pays for its database.
    from riskdesk_assets.common.journal import Journal

HALT = "HALT"
RESUME = "RESUME"
MANUAL = "MANUAL"
Stopped = Literal["HALTED", "REDUCING"]
_STRICTNESS: Mapping[str, int] = {"REDUCING": 1, "HALTED": 2}
_LONGEST_TEXT = 2000


@dataclass(frozen=True)
class Halt:
    """Trading of an account stops.

    ``state`` HALTED (nothing adds) or REDUCING (only what reduces passes); ``trigger`` a switch's name, or MANUAL; ``by`` a
    person, or the program that did it; ``automatic``: a switch, not a person; ``resume_from`` the earliest moment of a resume
    (None: at once); ``session`` the desk session an automatic halt belongs to.
    """

    account: str
    at: datetime
    reason: str
    by: str
    state: Stopped = "HALTED"
    automatic: bool = False
    trigger: str = MANUAL
    resume_from: datetime | None = None
    session: date | None = None


@dataclass(frozen=True)
class Resume:
    """Trading of an account may go on."""

    account: str
    at: datetime
    reason: str
    by: str


@dataclass(frozen=True)
class HaltRecord(Halt):
    """The halt of an account that stands, and its place in the journal; ``resume_from`` is the latest of all that stand."""

    sequence: int = 0


def current_halts(journal: Journal, account: str | None = None, until: datetime | None = None) -> tuple[HaltRecord, ...]:
    """What stands, one per halted account, by account; an account that is not halted has none.

    Args:
        journal: read only; one that does not exist yet holds no halt.
        account: only this one.
        until: what stood at this moment (records up to and at it), for a session that is computed again later.

    Raises:
        JournalError: the journal cannot be read, or a halt in it cannot be understood.
        EntryError: ``until`` has no time zone.
    """
    records = journal.records(kind=(HALT, RESUME), account=account)
    if until is not None:
        moment(until)
        records = (record for record in records if record.at <= until)
    return standing(records)


def standing(records: Iterable[Record]) -> tuple[HaltRecord, ...]:
    """The fold behind :func:`current_halts`: halts and resumes in the order of writing to what stands after them.

    The strictest halt is the one shown; of two alike an automatic one, then the earlier one.
    """
    found: dict[str, HaltRecord] = {}
    for record in records:
        stands = found.get(record.account)
        if record.kind == HALT:
            found[record.account] = _together(stands, halt_of(record))
        elif record.kind == RESUME and stands is not None and _may_end(stands, record.at):
            del found[record.account]
    return tuple(found[account] for account in sorted(found))


def halt_entry(halt: Halt) -> Entry:
    """The journal's entry of a halt.

    Raises:
        EntryError: no reason, nobody named, or a moment without a time zone.
    """
    _require_person(halt)
    body = {
        "state": halt.state,
        "trigger": halt.trigger,
        "reason": halt.reason,
        "by": halt.by,
        "automatic": halt.automatic,
        "resume_from": None if halt.resume_from is None else moment(halt.resume_from),
        "session": None if halt.session is None else halt.session.isoformat(),
    }
    return Entry(HALT, halt.account, halt.at, body)


def resume_entry(resume: Resume) -> Entry:
    """The journal's entry of a resume; errors as of :func:`halt_entry`."""
    _require_person(resume)
    return Entry(RESUME, resume.account, resume.at, {"reason": resume.reason, "by": resume.by})


def write_session_halt(journal: Journal, halt: Halt) -> Record | None:
    """Write an automatic halt of a session once: None when that account's session and trigger are in the journal already.

    A session computed again finds its own halt there, resumed or not; a second one would stop the desk again.
    """
    known = (halt_of(record) for record in journal.records(kind=HALT, account=halt.account))
    if any(one.session == halt.session and one.trigger == halt.trigger for one in known):
        return None
    return journal.append([halt_entry(halt)])[0]


def halt_of(record: Record) -> HaltRecord:
    """A HALT record as a halt.

    Raises:
        JournalError: it cannot be understood. A halt is never passed over.
    """
    body = record.body
    try:
        resume_from, session, state = body["resume_from"], body["session"], body["state"]
        if state not in ("HALTED", "REDUCING") or type(body["automatic"]) is not bool:
            raise ValueError
        return HaltRecord(
            account=record.account,
            at=record.at,
            reason=str(body["reason"]),
            by=str(body["by"]),
            state="HALTED" if state == "HALTED" else "REDUCING",
            automatic=body["automatic"] is True,
            trigger=str(body["trigger"]),
            resume_from=None if resume_from is None else _zoned(str(resume_from)),
            session=None if session is None else date.fromisoformat(str(session)),
            sequence=record.sequence,
        )
    except (KeyError, ValueError):
        raise JournalError(
            f"row {record.sequence} of the journal is a halt that cannot be understood: halt the desk by hand"
        ) from None


def _together(stands: HaltRecord | None, new: HaltRecord) -> HaltRecord:
    if stands is None:
        return new
    shown = new if _weight(new) > _weight(stands) else stands
    return replace(shown, resume_from=max((one.resume_from for one in (stands, new) if one.resume_from), default=None))


def _weight(halt: HaltRecord) -> tuple[int, bool]:
    return _STRICTNESS[halt.state], halt.automatic


def _may_end(stands: HaltRecord, at: datetime) -> bool:
    return stands.resume_from is None or at >= stands.resume_from


def _zoned(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError
    return found


def _require_person(change: Halt | Resume) -> None:
    for name, text in (("reason", change.reason), ("by", change.by)):
        if not text.strip():
            raise EntryError(f"{name} is empty: a halt and a resume say why, and by whom")
        if len(text) > _LONGEST_TEXT:
            raise EntryError(f"{name} is longer than {_LONGEST_TEXT} characters")
