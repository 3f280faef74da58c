"""Drafts, lint and promotion: how a ticket is written, checked, and put before the desk. Only promotion touches active/."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.strategy.library_notices import strategy_notices
from riskdesk_assets.strategy.loading import (
    FILE_NAME,
    FILE_NAME_ALLOWED,
    LoadedTicket,
    TicketFolder,
    archived_ids,
    load_files,
    load_tickets,
    parse_ticket,
    shown_name,
)
from riskdesk_assets.strategy.notices import Notice, opposite_tickets
from riskdesk_assets.strategy.strategy_file import Strategy
from riskdesk_assets.strategy.ticket import Ticket
from riskdesk_assets.strategy.unusual_terms import Unusual, unusual_terms

_COMMENTS: Mapping[str, str] = {
    "orientation": "LONG_SPREAD (long A, short B), SHORT_SPREAD or BOTH",
    "max_gross_notional": "dollars, |A| + |B|",
    "max_leg_notional": "dollars, either leg",
    "horizon_days": "sessions the idea should take",
    "conviction": "1 to 5, or Low, Medium, High, Exceptional; 1-2 and Low take half units",
    "time_stop_days": "sessions held before it goes flat",
    "flatten_on_breakdown": "true: flat when |z| reaches breakdown_z; false: hold, never add",
    "expires_on": "last day in force",
    "effective_from": "first day in force",
    "entry_z": "|z| to enter; the desk's own when absent",
    "exit_z": "|z| to leave; the desk's own when absent",
    "share": "part of its strategy's capital",
}
_TEXT_FIELDS = frozenset({"ticket_id", "type", "leg_a", "leg_b", "orientation", "strategy", "note"})


@dataclass(frozen=True)
class LintReport:
    """What lint found: ``problems`` make a file unusable, ``notices`` and ``warnings`` (terms hardly meant) do not;
    ``tickets`` are the usable ids, in order."""

    problems: tuple[Problem, ...]
    notices: tuple[Notice, ...]
    tickets: tuple[str, ...]
    warnings: tuple[Unusual, ...] = ()


def draft(fields: Mapping[str, object], folder: Path, universe: Universe, active: Path | None = None) -> Path:
    """Write a validated, commented ticket file into the folder of drafts, all of it or nothing, never over another.

    Args:
        fields: field -> value; text is read as a plain YAML word for fields that are not text ("800000", "2027-12-31").
        folder: the folder of drafts, made when absent.
        active: the folder of active tickets, when known: a folder of drafts that is the same is refused.

    Returns:
        The new file, named after the ticket id.

    Raises:
        InputError: unusable fields, a draft of that id that exists, a folder that cannot be written to.
    """
    ticket, content = checked_draft(fields, universe)
    name = f"{ticket.ticket_id}.yaml"
    if folder.is_symlink() or (active is not None and folder.resolve() == active.resolve()):
        raise InputError(Problem(folder.name, None, "", "is no place for drafts", "a folder of its own beside the active one"))
    return _place(folder, name, content)


def checked_draft(fields: Mapping[str, object], universe: Universe) -> tuple[Ticket, bytes]:
    """The ticket that fields make and its file's bytes, read back; as :func:`draft`, but nothing is written.

    Raises:
        InputError: unusable fields.
    """
    typed = {name: _typed(name, value) for name, value in fields.items()}
    document = strict_yaml.Document("draft", typed, {})
    ticket = strict_yaml.validate(document, Ticket)
    content = _rendered(ticket).encode()
    name = f"{ticket.ticket_id}.yaml"
    written = parse_ticket(content, name, universe)
    if written.content_hash != ticket.content_hash:
        raise InputError(Problem(name, None, "", "does not read back as it was written"))
    return ticket, content


def lint(
    where: Path | Sequence[Path],
    universe: Universe,
    library: Sequence[Strategy] | None = None,
    *,
    active: bool = False,
    usual: tuple[float, date] | None = None,
) -> LintReport:
    """Check a folder, or the files named, without changing anything; tells also of names that are no ticket files.

    Args:
        where: the folder, or the files.
        universe: the names a leg may have.
        library: the strategies of the library's file; None leaves a ticket's strategy unchecked (budgets are off).
        active: it is the folder of active tickets, so that the shares of a strategy are all there.
        usual: the desk's nav in dollars and today, to tell terms that are hardly meant; None tells none.
    """
    if isinstance(where, Path) and not where.is_file():
        folder = load_tickets(where, universe)
    else:
        folder = load_files([where] if isinstance(where, Path) else where, universe)
    ignored = tuple(Notice("INFO", name, (), "is ignored: it does not end in .yaml or .yml") for name in folder.ignored)
    told = (
        ()
        if library is None
        else strategy_notices([(item.file, item.ticket) for item in folder.tickets], library, whole=active)
    )
    return LintReport(
        folder.problems,
        (*folder.notices, *told, *ignored),
        tuple(item.ticket.ticket_id for item in folder.tickets),
        () if usual is None else unusual_terms(folder.tickets, *usual),
    )


def promote(
    name: str,
    drafts: Path,
    active: Path,
    universe: Universe,
    today: date,
    *,
    confirm: Callable[[str], bool] | None = None,
    archived: Path | None = None,
    library: Sequence[Strategy] | None = None,
) -> Path:
    """Move a draft to the active folder in one step, never over another file.

    Args:
        name: the draft's ticket id or file name, without any folder.
        today: the day from which it would count; a ticket that is over by then is refused.
        confirm: asked with one sentence that says what is about to happen; None: not asked.
        library: the strategies of the library's file, to say whether the ticket will have capital.
        archived: the archive (beside ``active`` by default); an id found there must say the same as it did.

    Raises:
        InputError: an unusable draft or active folder, an id or file that is active already, an archived id that said
            something else, an expired ticket, no confirmation.
    """
    path = _draft_path(name, drafts)
    content = strict_yaml.read_bytes(path, file=path.name)
    item = parse_ticket(content, path.name, universe)
    standing = load_tickets(active, universe)
    _require_room(item, standing, archived_ids(archived or active.parent / "archived"), today)
    question = _question(item, standing, library)
    if confirm is not None and not confirm(question):
        raise InputError(Problem(path.name, None, "", "was not promoted: not confirmed"))
    target = _place(active, path.name, content)
    _remove(path, content)
    return target


def _remove(path: Path, content: bytes) -> None:
    """Remove a promoted draft, unless it was edited meanwhile: then it is a draft of something else."""
    try:
        if path.read_bytes() == content:
            path.unlink()
    except OSError as error:
        message = f"is active now, but its draft could not be removed: {error.strerror}"
        raise InputError(Problem(path.name, None, "", message)) from error


def _typed(name: str, value: object) -> object:
    if isinstance(value, str) and name not in _TEXT_FIELDS:
        return strict_yaml.scalar(value)
    return value


def _rendered(ticket: Ticket) -> str:
    lines = ["# A ticket: what is wanted from one pair, and how much of it at most. It executes nothing."]
    for name in type(ticket).model_fields:
        value = getattr(ticket, name)
        if value is not None:
            comment = f"  # {_COMMENTS[name]}" if name in _COMMENTS else ""
            lines.append(f"{name}: {_word(value)}{comment}")
    return "\n".join(lines) + "\n"


def _word(value: object) -> str:
    """A value as YAML; text is quoted unless it is a plain word that reads back as itself."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, str):
        plain = value.replace("-", "").replace("_", "").isalnum() and value.isascii() and value[0].isalpha()
        return value if plain and strict_yaml.scalar(value) == value else json.dumps(value, ensure_ascii=False)
    return str(value)


def _draft_path(name: str, drafts: Path) -> Path:
    candidates = [name] if FILE_NAME.match(name) else [f"{name}.yaml", f"{name}.yml"]
    if not FILE_NAME.match(candidates[0]):
        raise InputError(
            Problem(shown_name(name), None, "", "is not the name of a draft", f"a ticket id, or {FILE_NAME_ALLOWED}")
        )
    for candidate in candidates:
        if (drafts / candidate).exists():
            return drafts / candidate
    raise InputError(Problem(candidates[0], None, "", f"there is no such draft in {drafts.name}"))


def _require_room(item: LoadedTicket, standing: TicketFolder, archive: Mapping[str, str], today: date) -> None:
    ticket, problems = item.ticket, list(standing.problems)
    line = item.lines["ticket_id"]
    problems.extend(
        Problem(item.file, line, "ticket_id", f"{ticket.ticket_id!r} is active already, in {other.file}")
        for other in standing.tickets
        if other.ticket.ticket_id == ticket.ticket_id
    )
    if item.file in standing.files:
        problems.append(Problem(item.file, None, "", "a file of that name is active already", "another file name"))
    if archive.get(ticket.ticket_id, item.content_hash) != item.content_hash:
        message = f"{ticket.ticket_id!r} is the id of an archived ticket that says something else"
        problems.append(Problem(item.file, line, "ticket_id", message, "an id never used before"))
    if ticket.expires_on < today:
        message = f"is {ticket.expires_on}, before {today}"
        problems.append(Problem(item.file, item.lines["expires_on"], "expires_on", message, f"at least {today}"))
    if problems:
        raise InputError(problems)


def _question(item: LoadedTicket, standing: TicketFolder, library: Sequence[Strategy] | None) -> str:
    ticket = item.ticket
    start = f" from {ticket.effective_from}" if ticket.effective_from else ""
    sentence = (
        f"{ticket.ticket_id}: {ticket.orientation} {ticket.leg_a} against {ticket.leg_b}, at most "
        f"{ticket.max_gross_notional:,.0f} dollars gross{start} until {ticket.expires_on}"
    )
    pairs = [(other.file, other.ticket) for other in (*standing.tickets, item)]
    notices = (*opposite_tickets(pairs), *(() if library is None else strategy_notices(pairs, library, whole=True)))
    told = [str(notice) for notice in notices if ticket.ticket_id in notice.ticket_ids]
    return "\n".join([sentence, *told])


def _place(folder: Path, name: str, content: bytes) -> Path:
    """Put a whole file in place under a new name: written aside first, then linked, which fails where the name is taken."""
    target = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(content)
                handle.flush()
                os.fchmod(handle.fileno(), 0o644)
                os.fsync(handle.fileno())
            os.link(aside, target)
        finally:
            os.unlink(aside)
    except FileExistsError as error:
        raise InputError(Problem(name, None, "", f"exists already in {folder.name}; nothing was overwritten")) from error
    except OSError as error:
        raise InputError(Problem(name, None, "", f"cannot be written to {folder.name}: {error.strerror}")) from error
    return target
