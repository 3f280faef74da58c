"""What a warehouse holds that no run directory does: what making it anew from the run directories would drop."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Paths
from riskdesk_assets.common.tables import STORED, TABLES
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.reports.run_store import published

BOOKS = "desk_state"
_NAMED = 3


@dataclass(frozen=True)
class BeyondRuns:
    """What stands in the warehouse alone.

    ``books`` are sessions whose book was never published; ``others`` sessions whose book is another one than was published
    last; ``rows`` maps a table to its sessions that no run directory has, those of ``books`` left out; ``foreign`` maps tables
    that are not the desk's to their rows. ``unreadable`` says why the file cannot be read ("" where it can).
    """

    books: tuple[date, ...] = ()
    others: tuple[date, ...] = ()
    rows: Mapping[str, tuple[date, ...]] = field(default_factory=dict)
    foreign: Mapping[str, int] = field(default_factory=dict)
    unreadable: str = ""

    @property
    def known(self) -> bool:
        """Whether something is known to stand in the warehouse alone."""
        return bool(self.books or self.others or self.rows or self.foreign)

    def lines(self, calendar: SessionCalendar) -> tuple[str, ...]:
        """Each kind in a line, with its sessions."""
        found = [
            ("books that no run directory holds", self.books),
            ("books other than the one published last", self.others),
            *((f"rows of {names} that no run directory holds", sessions) for names, sessions in self._tables()),
        ]
        told = [f"{what}: {sessions_said(sessions, calendar)}" for what, sessions in found if sessions]
        told += [f"a table that is not the desk's: {name}, {_many(count, 'row')}" for name, count in self.foreign.items()]
        return (*told, *([f"the file cannot be read: {self.unreadable}"] if self.unreadable else []))

    def _tables(self) -> Iterator[tuple[str, tuple[date, ...]]]:
        """Tables that lose the same sessions, told together."""
        alike: dict[tuple[date, ...], list[str]] = {}
        for name, sessions in self.rows.items():
            alike.setdefault(sessions, []).append(name)
        for sessions, names in alike.items():
            more = len(names) - _NAMED
            yield ", ".join(names[:_NAMED]) + (f" and {_many(more, 'more table')}" if more > 0 else ""), sessions


def beyond_runs(paths: Paths) -> BeyondRuns:
    """Compare the warehouse with the manifests of what was published; nothing is written.

    Raises:
        StateError: a manifest is missing, or is not the one that was published.
    """
    runs = list(published(paths.runs))
    if not runs or not paths.warehouse.is_file():
        return BeyondRuns()
    kept: dict[date, str] = {}
    reach: dict[str, list[tuple[date, date]]] = {}
    for run in runs:
        first, last = date.fromisoformat(run.manifest["first"]), date.fromisoformat(run.manifest["last"])
        kept |= {date.fromisoformat(one["session"]): str(one["run_id"]) for one in run.manifest["dates"]}
        for name in run.manifest["tables"]:
            reach.setdefault(name, []).append((first, last))
    try:
        states, sessions, foreign = _standing(Warehouse(paths.warehouse))
    except duckdb.Error as error:
        return BeyondRuns(unreadable=str(error).splitlines()[0])
    books = tuple(session for session in states if session not in kept)
    lone = {name: _outside(days, reach.get(name, ()), books) for name, days in sessions.items()}
    return BeyondRuns(
        books=books,
        others=tuple(session for session, run_id in states.items() if kept.get(session, run_id) != run_id),
        rows={name: days for name, days in lone.items() if days},
        foreign=foreign,
    )


def sessions_said(sessions: Collection[date], calendar: SessionCalendar) -> str:
    """``2026-01-05 to 2026-01-09 (5 sessions), 2026-01-26``: sessions that follow one another as one span."""
    spans: list[list[date]] = []
    for session in sorted(sessions):
        if spans and calendar.is_session(spans[-1][-1]) and calendar.after(spans[-1][-1]) == session:
            spans[-1].append(session)
        else:
            spans.append([session])
    return ", ".join(f"{span[0]} to {span[-1]} ({len(span):,} sessions)" if len(span) > 1 else str(span[0]) for span in spans)


def _standing(warehouse: Warehouse) -> tuple[dict[date, str], dict[str, tuple[date, ...]], dict[str, int]]:
    """The run id of every session's book, the sessions of every table, and the row counts of tables that are not the desk's."""
    with warehouse.connect() as connection:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return connection.execute(query).fetchall()

        there = [str(name) for (name,) in rows("SELECT table_name FROM duckdb_tables() WHERE NOT internal ORDER BY table_name")]
        states = dict(rows(f"SELECT as_of_date, run_id FROM {BOOKS} ORDER BY 1")) if BOOKS in there else {}  # noqa: S608
        sessions: dict[str, tuple[date, ...]] = {}
        for name in TABLES:
            if name in there:
                day = TABLES[name].partition
                found = rows(f"SELECT DISTINCT {day} FROM {name} WHERE {day} IS NOT NULL ORDER BY 1")  # noqa: S608
                sessions[name] = tuple(one for (one,) in found)
        others = [name for name in there if name not in STORED]
        foreign = {name: int(rows('SELECT count(*) FROM "' + name.replace('"', '""') + '"')[0][0]) for name in others}  # noqa: S608
    return states, sessions, foreign


def _outside(days: tuple[date, ...], reach: Collection[tuple[date, date]], books: Collection[date]) -> tuple[date, ...]:
    told = set(books)
    return tuple(day for day in days if day not in told and not any(first <= day <= last for first, last in reach))


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
