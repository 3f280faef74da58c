"""The journal's hash chain: what a row is, how it seals the one before it, and how a broken chain is told from a whole one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.hashing import canonical_json, digest

MAX_BODY_BYTES = 1024 * 1024
_KIND = re.compile(r"[A-Z][A-Z_]{0,31}")
_ACCOUNT = re.compile(r"(?=.{1,64}\Z)[a-z][a-z0-9_-]*(:[A-Za-z0-9_-]+)?")


class JournalError(StateError):
    """The journal cannot be read or written; nothing of what was asked was written."""


class UnreadableError(JournalError):
    """A stored row cannot be read: torn, or damaged where it lies."""


class EntryError(JournalError, ValueError):
    """What was to be written has no place in the journal: a caller's mistake, found before anything is written."""


@dataclass(frozen=True)
class Entry:
    """Something that happened and must not be forgotten.

    ``kind`` is upper case ("DECISION", "HALT"), ``account`` lower case ("desk", "rest"), ``at`` has a time zone, ``body`` is
    JSON with text keys and finite numbers. The journal keeps it for ever and in the clear: a key, a token or a password must
    not be in it, and to see to that is the caller's duty.
    """

    kind: str
    account: str
    at: datetime
    body: Mapping[str, object]


@dataclass(frozen=True)
class Record(Entry):
    """An entry as the journal holds it: its place from 1 on, the hash of the row before it, and its own."""

    sequence: int
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class Anchor:
    """A row somebody wrote down elsewhere: its place, its hash, and where that stands."""

    sequence: int
    hash: str
    source: str = field(default="", compare=False)


@dataclass(frozen=True)
class Verification:
    """What a walk over the whole chain found.

    ``rows`` counts the good rows before the first bad one; ``first_bad`` is its place (None when the chain is intact, or when
    what is wrong is not a row); ``reason`` says what is wrong with it, and is empty when nothing is.
    """

    intact: bool
    rows: int
    first_bad: int | None
    reason: str
    head: Anchor


class Draft(NamedTuple):
    """An entry in the text it will be stored and hashed as."""

    kind: str
    account: str
    at: str
    body: str


class Row(NamedTuple):
    """A stored row, column for column."""

    sequence: int
    previous_hash: str
    hash: str
    kind: str
    account: str
    at: str
    body: str


START = Anchor(0, "0" * 64)


def draft(entry: Entry) -> Draft:
    """The text form of an entry.

    Raises:
        EntryError: it has no time zone, its body is not JSON (NaN, infinity, a lone surrogate, a key that is no text) or is
            larger than MAX_BODY_BYTES, or its kind or account is not written as they are.
    """
    if not _KIND.fullmatch(entry.kind):
        raise EntryError(f"kind {entry.kind!r} is not upper-case letters and underscores, such as DECISION")
    if not _ACCOUNT.fullmatch(entry.account):
        raise EntryError(f"account {entry.account!r} is not lower-case letters, digits, - and _, such as desk, or desk:ticket")
    return Draft(entry.kind, entry.account, moment(entry.at), _body_text(entry.body))


def chained(drafts: Iterable[Draft], head: Anchor) -> tuple[Row, ...]:
    """Drafts as the rows that follow ``head``."""
    rows: list[Row] = []
    sequence, previous = head.sequence, head.hash
    for one in drafts:
        sequence += 1
        row = Row(sequence, previous, "", *one)
        row = row._replace(hash=row_hash(row))
        rows.append(row)
        previous = row.hash
    return tuple(rows)


def row_hash(row: Row) -> str:
    """SHA-256 over the canonical JSON of [sequence, previous hash, kind, account, at, body text]."""
    return digest([row.sequence, row.previous_hash, row.kind, row.account, row.at, row.body])


def record(row: Row) -> Record:
    """A stored row as a record.

    Raises:
        JournalError: its content is not what its hash was taken of.
    """
    if not _is_sealed(row):
        raise JournalError(
            f"row {row.sequence} of the journal was changed after it was written: `riskdesk audit verify` says more"
        )
    return written(row)


def written(row: Row) -> Record:
    """A row as a record, its hash believed: it was read through :func:`record`, or taken a moment ago."""
    return Record(
        kind=row.kind,
        account=row.account,
        at=datetime.fromisoformat(row.at),
        body=json.loads(row.body),
        sequence=row.sequence,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )


def walk(rows: Iterator[Row], anchors: Sequence[Anchor] = ()) -> Verification:
    """Follow the chain from its beginning, and name the first row that does not belong to it.

    Args:
        rows: stored rows in the order of their sequence; one that cannot be read raises UnreadableError.
        anchors: rows written down elsewhere. Without one a chain cut off at its end, or written anew as a whole, looks intact.
    """
    wanted: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        wanted.setdefault(anchor.sequence, []).append(anchor)
    head, anchored = START, 0
    reason = _not_anchored(head, wanted, anchored)
    while not reason:
        try:
            row = next(rows, None)
        except UnreadableError as error:
            reason = str(error)
            break
        if row is None:
            missing = min((anchor for anchor in anchors if anchor.sequence > head.sequence), key=_place, default=None)
            if missing is None:
                return Verification(True, head.sequence, None, "", head)
            reason = f"the journal ends at row {head.sequence}, but row {missing.sequence} was once there{_source(missing)}"
            break
        reason = _wrong(row, head)
        if not reason:
            reached = Anchor(row.sequence, row.hash)
            reason = _not_anchored(reached, wanted, anchored)
            if not reason:
                head = reached
                anchored = row.sequence if row.sequence in wanted else anchored
    return Verification(False, head.sequence, head.sequence + 1, reason, head)


def moment(at: datetime) -> str:
    """A moment as UTC text to the microsecond, which sorts as time does.

    Raises:
        EntryError: it has no time zone.
    """
    if at.tzinfo is None:
        raise EntryError(f"{at} has no time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _body_text(body: Mapping[str, object]) -> str:
    try:
        if not all(isinstance(key, str) for key in body):
            raise EntryError("a body's keys are text")
        text = canonical_json(dict(body))
        size = len(text.encode())
    except RecursionError:
        raise EntryError("the body is nested too deep") from None
    except (ValueError, TypeError) as error:
        raise EntryError(f"the body is not JSON: {error}") from None
    if size > MAX_BODY_BYTES:
        raise EntryError(f"the body has {size} bytes; at most {MAX_BODY_BYTES} are taken")
    return text


def _wrong(row: Row, head: Anchor) -> str:
    """Why a row cannot follow ``head``; empty when it does."""
    due = head.sequence + 1
    if type(row.sequence) is not int:
        return f"row {due} has no readable place"
    if row.sequence > due:
        return f"row {due} is missing: row {row.sequence} follows row {head.sequence}"
    if row.sequence < due:
        return f"row {row.sequence} stands where row {due} has to"
    if row.previous_hash != head.hash:
        return f"row {due} does not follow the row before it: it holds another previous hash"
    return "" if _is_sealed(row) else f"row {due} was changed: its content is not what its hash was taken of"


def _is_sealed(row: Row) -> bool:
    if type(row.sequence) is not int or not all(type(text) is str for text in row[1:]):
        return False
    try:
        return row_hash(row) == row.hash
    except ValueError:  # text that is no text: a lone surrogate
        return False


def _not_anchored(reached: Anchor, wanted: Mapping[int, Sequence[Anchor]], anchored: int) -> str:
    for anchor in wanted.get(reached.sequence, ()):
        if anchor.hash != reached.hash:
            return (
                f"row {reached.sequence} is not the one written down{_source(anchor)}: "
                f"the journal was written anew somewhere after row {anchored}"
            )
    return ""


def _source(anchor: Anchor) -> str:
    return f" ({anchor.source})" if anchor.source else ""


def _place(anchor: Anchor) -> int:
    return anchor.sequence
