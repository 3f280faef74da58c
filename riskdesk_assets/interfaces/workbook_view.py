"""An import's plan on a terminal, and as JSON."""

from __future__ import annotations

from dataclasses import asdict

import click

from riskdesk_assets.interfaces.terminal import console, escaped, shortened, table
from riskdesk_assets.reports.workbook.plan import ImportPlan

_NOTHING = "-"


def show_plan(plan: ImportPlan) -> None:
    """What would change, field by field."""
    if plan.empty and not plan.drafts:
        click.echo(f"{plan.file}: nothing would change")
        return
    out = console()
    for said in plan.changed_since:
        click.echo(f"changed since the workbook was made: {said}")
    if plan.changes:
        listed = table("strategy", "field", "now", "would be", title="Strategies that change")
        for change in plan.changes:
            now = escaped(shortened(change.before) or _NOTHING)
            if change.since is not None:
                now += f" [yellow](was {escaped(shortened(change.since) or _NOTHING)} in the workbook's base)[/]"
            listed.add_row(escaped(change.strategy), change.field, now, escaped(shortened(change.after) or _NOTHING))
        out.print(listed)
    if plan.added:
        click.echo(f"new strategies: {', '.join(plan.added)}")
    if plan.removed:
        click.echo(f"strategies taken out: {', '.join(plan.removed)}")
    for notice in plan.notices:
        click.echo(f"{click.style('warning:', fg='yellow')} {notice}")
    for draft in plan.drafts:
        click.echo(f"draft  {draft}")
    if plan.empty:
        click.echo(f"{plan.file}: nothing would change")


def plan_json(plan: ImportPlan) -> dict[str, object]:
    """The whole plan in plain words."""
    return {
        "file": plan.file,
        "changed_since": list(plan.changed_since),
        "added": list(plan.added),
        "removed": list(plan.removed),
        "changes": [asdict(change) for change in plan.changes],
        "notices": list(plan.notices),
        "drafts": [
            {"ticket_id": draft.ticket_id, "file": draft.name, "there": draft.there, **draft.fields} for draft in plan.drafts
        ],
        "empty": plan.empty,
    }
