"""``riskdesk audit verify``: is the journal whole, and if not, which row is the first bad one?"""

from __future__ import annotations

import click

from riskdesk_assets.interfaces.failures import FAILED
from riskdesk_assets.interfaces.options import DeskGroup, echo_json, json_option


@click.group(cls=DeskGroup, short_help="The journal of decisions, halts and resumes.")
def audit() -> None:
    """The journal of decisions, halts and resumes."""


@audit.command(short_help="Check the journal's chain; name the first bad row.")
@json_option
@click.pass_context
def verify(ctx: click.Context, as_json: bool) -> None:
    """Walk the journal's hash chain from its first row, and name the first bad one.

    Every row must be there, hold what its hash was taken of and follow the row before it. The last row each published run
    found (runs/publish_log.jsonl) must still be there as it was: without those anchors an end cut off would not be seen. Other
    processes may write to the journal meanwhile.

    \b
    Exit codes: 0 the journal is whole; 1 it is not; 2 it or the publish log cannot be asked.
    """
    from riskdesk_assets.common.journal import desk_journal
    from riskdesk_assets.common.settings import load_paths
    from riskdesk_assets.reports.run_store import journal_anchors

    paths = load_paths()
    journal = desk_journal(paths.data)
    # The log is read first: a run that publishes while we walk anchors a row we may have passed, never one that is missing.
    anchors = journal_anchors(paths.runs)
    found = journal.verify(anchors)
    if as_json:
        echo_json(
            {
                "journal": journal.name,
                "intact": found.intact,
                "rows": found.rows,
                "first_bad": found.first_bad,
                "reason": found.reason,
                "head": {"sequence": found.head.sequence, "hash": found.head.hash},
                "anchors": len(anchors),
            }
        )
    elif found.intact:
        click.echo(
            f"{journal.name}: {found.rows:,} rows, intact; {len(anchors):,} anchors in the publish log, all of them there"
        )
    else:
        where = "" if found.first_bad is None else f"first bad row {found.first_bad}: "
        click.echo(click.style(f"{journal.name}: BROKEN; {where}{found.reason}", fg="red"))
        click.echo(f"{found.rows:,} rows before it are good")
    if not found.intact:
        ctx.exit(FAILED)
