"""Reading a folder of ticket files: every ticket that can be used, and every problem of every one that cannot.

Names ending in .yaml or .yml are tickets. Hidden files and what editors leave behind (``.swp``, ``~``) are nobody's
business; other names are ignored too, but lint tells of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.hashing import digest, digest_bytes
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.strategy.notices import Notice, opposite_tickets
from riskdesk_assets.strategy.ticket import CROSSED, Ticket, inconsistencies

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.ya?ml\Z")
FILE_NAME_ALLOWED = "letters, digits, - and _, at most 64, then .yaml or .yml"
_TICKET_SUFFIX = re.compile(r"\.ya?ml\Z", re.IGNORECASE)
_SCRATCH = re.compile(r"(\..*|.*~|.*\.(swp|swo|swx|tmp)|#.*#)\Z", re.DOTALL)


@dataclass(frozen=True)
class LoadedTicket:
    """A usable ticket, the file it came from, the hash of its content, and the line of each of its fields."""

    ticket: Ticket
    file: str
    content_hash: str
    lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class TicketFolder:
    """A folder's tickets in order of id.

    Attributes:
        tickets: usable tickets.
        problems: everything wrong, in order of file and line; a file with a problem gives no ticket.
        files: ticket file name -> SHA-256 of its bytes (of what is wrong with it, where it could not be read).
        tickets_hash: SHA-256 of ``files``.
        notices: opposite tickets on one pair.
        ignored: names that are neither tickets nor scratch files.
        raw: ticket file name -> the very bytes that were parsed; files that could not be read are absent.
        listed: False when the folder itself could not be read; its tickets are then unknown, not gone.
    """

    tickets: tuple[LoadedTicket, ...]
    problems: tuple[Problem, ...]
    files: Mapping[str, str]
    tickets_hash: str
    notices: tuple[Notice, ...] = ()
    ignored: tuple[str, ...] = ()
    raw: Mapping[str, bytes] = field(default_factory=dict)
    listed: bool = True


def load_tickets(folder: Path, universe: Universe) -> TicketFolder:
    """Every ticket file of a folder; never raises for what it finds there, and does not depend on the order of files.

    Args:
        folder: the folder of active tickets (or of drafts); a missing one is a problem, not an empty desk.
        universe: the names a leg may have.
    """
    try:
        names, ignored = _names(folder)
    except OSError as error:
        problem = Problem(folder.name, None, "", f"the ticket folder cannot be listed: {error.strerror}")
        return TicketFolder((), (problem,), {}, digest(["unlisted", str(problem)]), listed=False)
    return load_files([folder / name for name in names], universe, ignored)


def load_files(paths: Iterable[Path], universe: Universe, ignored: tuple[str, ...] = ()) -> TicketFolder:
    """As :func:`load_tickets`, for the files named, each taken for a ticket whatever its suffix."""
    loaded: list[LoadedTicket] = []
    problems: list[Problem] = []
    hashes: dict[str, str] = {}
    raw: dict[str, bytes] = {}
    for path in sorted(paths, key=os.fsencode):
        name = shown_name(path.name)
        try:
            content = _read(path)
        except InputError as error:
            problems.extend(error.problems)
            hashes[name] = digest(["unreadable", str(error)])
            continue
        hashes[name], raw[name] = digest_bytes(content), content
        try:
            loaded.append(parse_ticket(content, name, universe))
        except InputError as error:
            problems.extend(error.problems)
    clashes = _clashes(loaded)
    problems.extend(clashes)
    clashing = {problem.file for problem in clashes}
    usable = sorted((item for item in loaded if item.file not in clashing), key=lambda item: item.ticket.ticket_id)
    return TicketFolder(
        tickets=tuple(usable),
        problems=tuple(sorted(problems, key=lambda item: (item.file, item.line or 0, item.field, item.message))),
        files=hashes,
        tickets_hash=digest(hashes),
        notices=opposite_tickets([(item.file, item.ticket) for item in usable]),
        ignored=ignored,
        raw=raw,
    )


def parse_ticket(content: bytes, file: str, universe: Universe | None) -> LoadedTicket:
    """The ticket in a file's bytes; ``universe`` None leaves its legs unchecked (an archived name may have left).

    Raises:
        InputError: every problem, with file, line, field, nearest match and what is allowed.
    """
    document = strict_yaml.parse(strict_yaml.decode(content, file), file)
    if document.data is None:
        raise InputError(Problem(file, 1, "", "is empty", "the fields of a ticket"))
    if not isinstance(document.data, dict):
        raise InputError(Problem(file, document.line(()), "", "is not a mapping", "the fields of a ticket"))
    foreign = [] if universe is None else _foreign_legs(document, universe)
    try:
        ticket = strict_yaml.validate(document, Ticket)
    except InputError as error:
        told = {problem.field for problem in error.problems}
        more = [*foreign, *_crossed(document, told)]
        raise InputError([*error.problems, *(problem for problem in more if problem.field not in told)]) from error
    if foreign:
        raise InputError(foreign)
    lines = {str(path[0]): line for path, line in document.lines.items() if len(path) == 1}
    return LoadedTicket(ticket, file, ticket.content_hash, lines)


def file_hashes(folder: Path) -> dict[str, str]:
    """Ticket file name -> hash, as in ``TicketFolder.files``, without parsing anything: what the sensor watches."""
    hashes: dict[str, str] = {}
    for name in _names(folder)[0]:
        try:
            hashes[shown_name(name)] = digest_bytes(_read(folder / name))
        except InputError as error:
            hashes[shown_name(name)] = digest(["unreadable", str(error)])
    return hashes


def archived_ids(folder: Path) -> dict[str, str]:
    """Ticket id -> content hash of the tickets of the archive; of two with one id the later file name counts.

    A missing folder has none, and a file that is no ticket any more claims no id.
    """
    ids: dict[str, str] = {}
    if not folder.is_dir():
        return ids
    for name in _names(folder)[0]:
        try:
            item = parse_ticket(_read(folder / name), shown_name(name), None)
        except InputError:
            continue
        ids[item.ticket.ticket_id] = item.content_hash
    return ids


def shown_name(name: str) -> str:
    """A file name that can be printed: characters outside plain ASCII, and bytes that are no text, are escaped."""
    return name if FILE_NAME.match(name) or (name.isascii() and name.isprintable()) else ascii(name)[1:-1]


def _names(folder: Path) -> tuple[list[str], tuple[str, ...]]:
    names = sorted((name for name in os.listdir(folder) if not _SCRATCH.match(name)), key=os.fsencode)
    tickets = [name for name in names if _TICKET_SUFFIX.search(name)]
    return tickets, tuple(shown_name(name) for name in names if not _TICKET_SUFFIX.search(name))


def _read(path: Path) -> bytes:
    name = shown_name(path.name)
    if not FILE_NAME.match(path.name):
        raise InputError(Problem(name, None, "", "is not a ticket file name", FILE_NAME_ALLOWED))
    return strict_yaml.read_bytes(path, file=name)


def _crossed(document: strict_yaml.Document, told: set[str]) -> list[Problem]:
    """Fields that contradict each other, of those that nothing is told of: a model with a bad field judges no two of them."""
    fine = {name: document.data[name] for name in CROSSED if name in document.data and name not in told}
    return [
        Problem(document.file, document.line((name,)), name, message, allowed)
        for name, message, allowed in inconsistencies(fine)
    ]


def _foreign_legs(document: strict_yaml.Document, universe: Universe) -> list[Problem]:
    problems = []
    for leg in ("leg_a", "leg_b"):
        symbol = document.data.get(leg)
        if not isinstance(symbol, str) or symbol in universe.symbols:
            continue
        why = "is only watched, never traded" if symbol in universe.context else "is not in the universe"
        message = f"{ascii(symbol)[:40]} {why}{nearest(symbol.upper(), universe.tradable)}"
        problems.append(Problem(document.file, document.line((leg,)), leg, message, ", ".join(universe.tradable)))
    return problems


def _clashes(loaded: list[LoadedTicket]) -> list[Problem]:
    """One problem for each file whose ticket id another file carries too; which of them is right nobody can say."""
    by_id: dict[str, list[LoadedTicket]] = {}
    for item in loaded:
        by_id.setdefault(item.ticket.ticket_id, []).append(item)
    problems = []
    for ticket_id, items in sorted(by_id.items()):
        for item in items if len(items) > 1 else []:
            others = " and ".join(f"{other.file}:{other.lines['ticket_id']}" for other in items if other is not item)
            message = f"{ticket_id!r} is also the id of {others}"
            problems.append(Problem(item.file, item.lines["ticket_id"], "ticket_id", message, "an id of its own"))
    return problems
