"""The limits of a session, and their changes up to it, from the warehouse to a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from riskdesk_assets.common.errors import InputError, Problem, StateError
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.interfaces.run_summary import LimitLine, limit_line
from riskdesk_assets.interfaces.terminal import amount, escaped, shortened, table
from riskdesk_assets.limits.catalogue import limit_words

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class SessionLimits:
    """Every limit measured on a session, most used first; ``changes`` are rows of limit_changes, newest first."""

    session: date
    status: str
    limits: tuple[LimitLine, ...]
    changes: tuple[dict[str, object], ...]


def limits(warehouse: Warehouse, asof: date | None, *, with_changes: bool) -> SessionLimits:
    """What the warehouse holds of a session's limits.

    Raises:
        StateError: no session was computed yet.
        InputError: not this one; names the newest.
    """
    states = warehouse.query("SELECT as_of_date, release_status FROM desk_state ORDER BY as_of_date")
    if states.is_empty():
        raise StateError("no session was computed yet: run `riskdesk run` first")
    known: list[date] = states["as_of_date"].to_list()
    session = known[-1] if asof is None else asof
    if session not in known:
        raise InputError(Problem("", None, "asof", f"{session} was not computed; the newest is {known[-1]}"))
    rows = warehouse.read("limit_audit", session, session)
    lines = [limit_line(row) for row in rows.iter_rows(named=True)]
    changes: list[dict[str, object]] = []
    if with_changes:
        found = warehouse.read("limit_changes", None, session)
        changes = found.sort(["as_of_date", "limit_name"], descending=[True, False]).to_dicts()
    return SessionLimits(
        session=session,
        status=str(states.filter(pl.col("as_of_date") == session)["release_status"][0]),
        limits=tuple(sorted(lines, key=lambda line: (-(line.utilization if line.utilization is not None else 2.0), line.name))),
        changes=tuple(changes),
    )


def show_limits(console: Console, found: SessionLimits) -> None:
    """A row per limit."""
    console.print(f"Limits of {found.session}: {found.status}")
    listed = table("limit", ">measured", ">bound", ">used", "", ">price, $/day per $")
    for line in found.limits:
        listed.add_row(
            escaped(limit_words(line.name)),
            amount(line.measured, line.unit),
            amount(line.bound, line.unit),
            "-" if line.utilization is None else f"{line.utilization:.1%}",
            line.status,
            "" if line.price is None else f"{line.price:.6f}",
            style={"AMBER": "yellow", "BREACH": "bold red"}.get(line.status, ""),
        )
    console.print(listed)


def show_changes(console: Console, found: SessionLimits) -> None:
    """A row per change, newest first."""
    if not found.changes:
        console.print(f"No limit was changed up to {found.session}.")
        return
    listed = table("session", "limit", "change", ">from", ">to", "author", "approved by", "reason")
    for row in found.changes:
        listed.add_row(
            str(row["as_of_date"]),
            escaped(row["limit_name"]),
            str(row["change"]),
            _bound(row["from_bound"], str(row["unit"])),
            _bound(row["to_bound"], str(row["unit"])),
            escaped(row["author"] or "-"),
            escaped(row["approved_by"] or "-"),
            escaped(shortened(str(row["reason"] or ""))),
        )
    console.print(listed)


def _bound(value: object, unit: str) -> str:
    if not isinstance(value, float):
        return "none"
    return amount(value, unit) if unit in ("dollars", "count") else f"{value:g}"
