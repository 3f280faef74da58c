"""Ticket drafts from the planner's rows: each worked out and checked whole before any is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.reports.workbook.input_table import InputRow, problem_at
from riskdesk_assets.reports.workbook.layout import SELECT, YES
from riskdesk_assets.strategy.drafts import checked_draft

_LONGEST_ID = 64


@dataclass(frozen=True)
class Folders:
    """What the folders of tickets hold.

    Attributes:
        drafts: draft file -> its bytes.
        taken: ticket id -> the folder it is in, active or archived.
        members: strategy -> ids of the active tickets that name it.
    """

    drafts: Mapping[str, bytes]
    taken: Mapping[str, str]
    members: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class DraftPlan:
    """One draft to be written.

    Attributes:
        ticket_id, name: the ticket, and its file.
        fields: what the ticket says.
        content: the file's bytes.
        there: whether that very file is there already, from an import before.
    """

    ticket_id: str
    name: str
    fields: Mapping[str, object]
    content: bytes
    there: bool

    def __str__(self) -> str:
        said = self.fields
        legs = f"{said['orientation']} {said['leg_a']} against {said['leg_b']}"
        most = f"at most {said['max_gross_notional']:,.0f} dollars gross until {said['expires_on']}"
        return f"{self.ticket_id}: {legs}, {most}{' (drafted already)' if self.there else ''}"


def plan_drafts(
    file: str, orders: Sequence[InputRow], universe: Universe, folders: Folders, today: date
) -> tuple[tuple[DraftPlan, ...], list[Problem]]:
    """The drafts of the selected rows, and what is wrong with the others.

    Args:
        file: the workbook's name.
        orders: the rows of the planner that ask for a draft.
        universe: the names that may be traded.
        folders: what stands in the way.
        today: a ticket that is over by then is refused.
    """
    plans: list[DraftPlan] = []
    problems: list[Problem] = []
    rows: dict[str, InputRow] = {}
    for row in orders:
        fields = _fields(row)
        ticket_id = str(fields["ticket_id"])
        try:
            ticket, content = checked_draft(fields, universe)
            name = f"{ticket.ticket_id}.yaml"
        except InputError as error:
            problems += [Problem(file, None, row.where(told.field), told.message, told.allowed) for told in error.problems]
            continue
        there = folders.drafts.get(name)
        expires = fields["expires_on"]
        if isinstance(expires, date) and expires < today:
            problems.append(problem_at(file, row, "expires_on", f"is {expires}, before {today}", f"at least {today}"))
        elif ticket_id in rows:
            message = f"{ticket_id!r} is also the id of row {rows[ticket_id].row + 1}"
            problems.append(problem_at(file, row, "ticket_id", message, "an id of its own"))
        elif ticket_id in folders.taken:
            message = f"{ticket_id!r} is the id of a ticket in {folders.taken[ticket_id]}"
            problems.append(problem_at(file, row, "ticket_id", message, "an id never used before"))
        elif there is not None and there != content:
            message = f"{ticket_id!r} is drafted already, and that draft says something else"
            problems.append(problem_at(file, row, "ticket_id", message, "another id, or remove the draft"))
        else:
            rows[ticket_id] = row
            plans.append(DraftPlan(ticket_id, name, fields, content, there is not None))
    return tuple(plans), problems


def _fields(row: InputRow) -> dict[str, object]:
    """A planner's row as the fields of a ticket."""
    fields: dict[str, object] = {
        name: value for name, value in row.values.items() if value is not None and name not in (SELECT, "flatten_on_breakdown")
    }
    fields["type"] = "PAIR"
    fields["flatten_on_breakdown"] = row.values["flatten_on_breakdown"] == YES
    fields.setdefault("ticket_id", _id(fields))
    return fields


def _id(fields: Mapping[str, object]) -> str:
    """``jpm-bac-big-four``: the legs, and the strategy in letters an id may have."""
    words = f"{fields.get('leg_a', '')}-{fields.get('leg_b', '')}-{fields.get('strategy', 'planned')}".lower()
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")[:_LONGEST_ID]
