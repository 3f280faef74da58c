"""``riskdesk workbook``: the PM's Excel front end, out and back."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskdesk_assets.interfaces.failures import FAILED, Unusable
from riskdesk_assets.interfaces.options import SESSION, DeskGroup, echo_json, json_option

if TYPE_CHECKING:
    from riskdesk_assets.reports.workbook.plan import ImportPlan

IMPORT_WAIT_SECONDS = 60.0


@click.group(cls=DeskGroup)
def workbook() -> None:
    """The desk as an Excel workbook: strategies to edit, sizes, dashboard, planner, expected P&L, scenarios, limits.

    A workbook is always written whole, and read back by its two input sheets alone.
    """


@workbook.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--asof", type=SESSION, help="The session; by default the newest that was computed.")
@click.option("--force", is_flag=True, help="Write over FILE.")
@json_option
def export(file: Path | None, asof: date | None, force: bool, as_json: bool) -> None:
    """Write the workbook of a session, with the strategy library as it stands now.

    \b
    riskdesk workbook export                 DATA_DIR/workbooks/<session>.xlsx
    riskdesk workbook export monday.xlsx

    An edited copy in DATA_DIR/workbooks is kept beside the new one; any other FILE that exists needs --force.
    """
    from riskdesk_assets.interfaces.workbook_export import export_workbook

    done = export_workbook(file, asof, force=force)
    if as_json:
        echo_json({"workbook": done.path, "session": done.session, "strategies": done.strategies, "edited": done.edited})
        return
    click.echo(f"workbook  {done.path}")
    click.echo(f"session   {done.session}, {done.strategies} strategies")
    if done.edited is not None:
        click.echo(f"the copy that stood there had been edited: it is kept as {done.edited}")
    click.echo(f"riskdesk workbook import {done.path}   reads its yellow cells back")


@workbook.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Import although the library changed since the workbook was made.")
@json_option
@click.pass_context
def import_(ctx: click.Context, file: Path, yes: bool, force: bool, as_json: bool) -> None:
    """Read a workbook's strategies and planned tickets back, show what would change, and do it once confirmed.

    Strategy Input becomes config/strategies.csv, replaced as a whole, the old one kept in DATA_DIR/workbooks/replaced. Selected
    rows of Trade Planner become ticket DRAFTS; no active ticket is ever touched. Every problem is told with sheet and cell, and
    then nothing is done.

    With --json and without --yes the plan is printed and nothing is done.

    \b
    Exit codes: 0 done, or nothing to do; 1 not confirmed; 2 unusable workbook, or a library that changed meanwhile.
    """
    from riskdesk_assets.interfaces.workbook_import import do_import, read_plan
    from riskdesk_assets.interfaces.workbook_view import plan_json, show_plan

    prepared = read_plan(file, force=force)
    plan = prepared.plan
    if not plan.empty and not as_json and not yes and not _somebody_watches():
        raise Unusable("nobody is there to confirm: give --yes, or --json to see the plan alone")
    if as_json and not yes:
        echo_json({**plan_json(plan), "applied": False})
        return
    if not as_json:
        show_plan(plan)
    if plan.empty:
        if as_json:
            echo_json({**plan_json(plan), "applied": False})
        return
    if not yes and not click.confirm("Import it?", err=True):
        click.echo("Nothing was changed.", err=True)
        ctx.exit(FAILED)
    done = do_import(prepared, IMPORT_WAIT_SECONDS)
    if as_json:
        echo_json({**plan_json(plan), "applied": True, "library": done.library, "kept": done.kept, "written": done.drafts})
        return
    if done.library is not None:
        click.echo(f"replaced  {done.library}")
        click.echo(f"kept      {done.kept}")
    for path in done.drafts:
        click.echo(f"drafted   {path}")
    _say_next(plan)


def _somebody_watches() -> bool:
    """Whether a person can answer."""
    return sys.stdin.isatty()


def _say_next(plan: ImportPlan) -> None:
    for draft in plan.drafts:
        click.echo(f"riskdesk tickets promote {draft.ticket_id}   puts it in force")
    if plan.library is not None:
        click.echo("riskdesk run   sizes the strategies anew")
