"""What an import would change, field by field, before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from riskdesk_assets.common.csv_file import CsvFile, parse_csv
from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.hashing import digest_bytes
from riskdesk_assets.common.sizing import SizingRules
from riskdesk_assets.common.strategy_names import OPTIONAL, REQUIRED
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.reports.workbook.cells import Value, inert, number_text
from riskdesk_assets.reports.workbook.drafting import DraftPlan, Folders, plan_drafts
from riskdesk_assets.reports.workbook.input_table import InputRow
from riskdesk_assets.reports.workbook.layout import BASE, NAME_FIELD, READ_ME
from riskdesk_assets.reports.workbook.library import COLUMNS, by_name, counted, csv_bytes, hash_of, written_columns
from riskdesk_assets.reports.workbook.reader import WorkbookInput
from riskdesk_assets.strategy.strategy_file import ACTIVE, parse_strategies

Fields = Mapping[str, str]


@dataclass(frozen=True)
class Standing:
    """The strategies file as it stands: its name, its bytes, and the rules that say what its scores mean."""

    file: str
    raw: bytes
    sizing: SizingRules


@dataclass(frozen=True)
class FieldChange:
    """One field of one strategy; ``since`` is what it was when the workbook was made, where somebody changed it meanwhile."""

    strategy: str
    field: str
    before: str
    after: str
    since: str | None = None

    def __str__(self) -> str:
        meanwhile = "" if self.since is None else f"   (was {_shown(self.since)} when the workbook was made)"
        return f"{self.strategy}: {self.field} {_shown(self.before)} -> {_shown(self.after)}{meanwhile}"


@dataclass(frozen=True)
class ImportPlan:
    """An import, worked out: nothing of it is done yet.

    Attributes:
        file: the workbook's name.
        changed_since: what changed in the library since the workbook was made, in words.
        added, removed: names of strategies.
        changes: fields of strategies that are in both.
        notices: what else follows from it, in words: active tickets that lose their capital.
        drafts: ticket drafts to be written.
        standing_hash: of the strategies file the plan was made for (SHA-256).
        library: the new strategies file; None where it stays as it is.
    """

    file: str
    changed_since: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changes: tuple[FieldChange, ...]
    notices: tuple[str, ...]
    drafts: tuple[DraftPlan, ...]
    standing_hash: str
    library: bytes | None

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return self.library is None and all(draft.there for draft in self.drafts)


def plan_import(
    book: WorkbookInput, standing: Standing, universe: Universe, folders: Folders, today: date, *, force: bool = False
) -> ImportPlan:
    """Work out an import.

    Args:
        book: what was read of the workbook.
        standing: the strategies file as it stands.
        universe: the names that may be traded.
        folders: what is in the folders of tickets.
        today: the day of the import; a ticket that is over by then is refused.
        force: import although the library changed since the workbook was made. What only others changed stays as they
            left it; a field that both changed is the workbook's.

    Raises:
        InputError: every problem of every cell; a library that changed meanwhile, without ``force``.
    """
    base = _base(book)
    file, now = _counted(standing)
    since = tuple(_differences(base, now))
    problems = list(book.problems)
    wanted, told = _wanted(book, standing.sizing)
    problems += told
    drafts, told = plan_drafts(book.file, book.orders, universe, folders, today)
    problems += told
    if since and not force:
        allowed = "export the workbook again, or import with --force"
        problems += [
            Problem(standing.file, None, "", f"changed since the workbook was made: {item}", allowed) for item in since
        ]
    if problems:
        raise InputError(problems)
    merged = _merged(base, now, wanted, book.strategies, file)
    library = csv_bytes(merged.rows, written_columns(file, merged.rows)) if merged.differs else None
    if library is not None:
        parse_strategies(library, standing.file, standing.sizing)
    return ImportPlan(
        file=book.file,
        changed_since=since,
        added=merged.added,
        removed=merged.removed,
        changes=merged.changes,
        notices=tuple(_notices(merged, folders)),
        drafts=drafts,
        standing_hash=digest_bytes(standing.raw),
        library=library,
    )


@dataclass(frozen=True)
class _Merged:
    rows: tuple[Fields, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changes: tuple[FieldChange, ...]

    @property
    def differs(self) -> bool:
        return bool(self.added or self.removed or self.changes)


def _merged(
    base: Mapping[str, Fields],
    now: Mapping[str, Fields],
    wanted: Mapping[str, Fields],
    typed: Sequence[InputRow],
    file: CsvFile,
) -> _Merged:
    """The new rows of the file: those that stand, in their order and as they are written, but for what the workbook changed."""
    written = {str(row.values[NAME_FIELD]): _texts(row) for row in typed}
    rows: list[Fields] = []
    changes: list[FieldChange] = []
    removed = tuple(name for name in now if name in base and name not in wanted)
    for row in file.rows:
        name = inert(row.cells[NAME_FIELD])
        if name in removed:
            continue
        cells = dict(row.cells)
        for column in COLUMNS:
            # A row the workbook never had was written by somebody else since: it stays.
            old, new = now[name][column], wanted.get(name, now[name])[column]
            mine = name not in base or base[name][column] != new
            if old != new and mine:
                meanwhile = base[name][column] if name in base and base[name][column] != old else None
                changes.append(FieldChange(name, column, old, new, meanwhile))
                cells[column] = written[name][column]
        rows.append(cells)
    added = tuple(name for name in wanted if name not in now and (name not in base or base[name] != wanted[name]))
    rows.extend(written[name] for name in added)
    return _Merged(tuple(rows), added, removed, tuple(changes))


def _notices(merged: _Merged, folders: Folders) -> Iterator[str]:
    """Active tickets whose strategy goes, or has no capital any more."""
    demoted = [change.strategy for change in merged.changes if change.field == "Status" and change.after != ACTIVE]
    for name, why in (
        *((name, "is taken out") for name in merged.removed),
        *((name, "is a candidate then") for name in demoted),
    ):
        tickets = ", ".join(sorted(folders.members.get(name, ())))
        if tickets:
            yield f"strategy {name} {why}: active tickets that name it will have no budget: {tickets}"


def _base(book: WorkbookInput) -> dict[str, dict[str, str]]:
    """The library the workbook was made from, which has to be the one its first sheet names."""
    if hash_of(book.base) != book.library_hash:
        message = f"is not the library that {READ_ME} names: one of the two was changed"
        raise InputError(Problem(book.file, None, BASE, message, "the sheets as they were exported"))
    return by_name(book.base)


def _counted(standing: Standing) -> tuple[CsvFile, dict[str, Fields]]:
    """The file's rows, and name -> its fields as they count."""
    strategies = parse_strategies(standing.raw, standing.file, standing.sizing)
    counts = [counted(strategy) for strategy in strategies]
    return parse_csv(standing.raw, standing.file, REQUIRED, OPTIONAL), {item[NAME_FIELD]: item for item in counts}


def _wanted(book: WorkbookInput, sizing: SizingRules) -> tuple[dict[str, Fields], list[Problem]]:
    """Name -> fields as they would count, and what the library's own rules say against them, told of the cells."""
    found: dict[str, Fields] = {}
    problems: list[Problem] = []
    for row in book.strategies:
        try:
            for strategy in parse_strategies(csv_bytes([_texts(row)], COLUMNS), book.file, sizing):
                item = counted(strategy)
                found[item[NAME_FIELD]] = item
        except InputError as error:
            problems += [Problem(book.file, None, row.where(told.field), told.message, told.allowed) for told in error.problems]
    return found, problems


def _texts(row: InputRow) -> dict[str, str]:
    """A row's cells as the texts of a strategies file."""
    return {column: _text(row.values.get(column)) for column in COLUMNS}


def _text(value: Value) -> str:
    if value is None:
        return ""
    return number_text(value) if isinstance(value, int | float) else str(value)


def _differences(before: Mapping[str, Fields], after: Mapping[str, Fields]) -> list[str]:
    """What changed between two libraries, in words."""
    told = [f"{name} was added" for name in after if name not in before]
    told += [f"{name} was removed" for name in before if name not in after]
    told += [
        str(FieldChange(name, column, before[name][column], after[name][column]))
        for name in before
        if name in after
        for column in COLUMNS
        if before[name][column] != after[name][column]
    ]
    return told


def _shown(text: str) -> str:
    return repr(text) if text else "nothing"
