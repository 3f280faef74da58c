"""``riskdesk run``: the main job, from bars to a released book."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import click

from riskdesk_assets.interfaces.failures import FAILED, redact
from riskdesk_assets.interfaces.options import DEBUG, json_option, require_one_way, session_options

if TYPE_CHECKING:
    from riskdesk_assets.interfaces.desk_run import DeskRun


@click.command(short_help="The main job: bars in, an audited ideal portfolio out.")
@session_options
@click.option("--alert-backdated", is_flag=True, help="Send alerts for sessions older than the newest one, too.")
@json_option
@click.pass_context
def run(
    ctx: click.Context, asof: date | None, start: date | None, end: date | None, alert_backdated: bool, as_json: bool
) -> None:
    """Compute desk days: bars in, an audited ideal portfolio out.

    \b
    riskdesk run                      bring the desk up to the newest session
    riskdesk run --asof 2026-01-26    exactly this session
    riskdesk run --start 2022-01-03 --end 2023-06-30

    Without dates it goes to the newest closed session on which every name of a ticket in force has a bar: an empty desk
    starts some sessions earlier (genesis_sessions in config/desk.yaml), a desk with a book catches up from where it stands,
    and one that stands there already computes that session again. A day starts from the state of the session before it: where
    that is missing, the day is refused.

    Prices come from FMP when FMP_API_KEY is set (set but empty is an error), from the files in PRICES_DIR when that is set,
    else from the built-in sample market, marked SIMULATED everywhere.

    \b
    Exit codes: 0 done; 1 a hard limit or a data check failed, a session has no released book, or the newest closed one has
    none for want of a usable bar of some names (where prices end for all of them: 0, and a line that says so);
    2 unusable input, each problem with file, line, field and what is allowed.
    """
    require_one_way(asof, start, end, required=False)
    from riskdesk_assets.interfaces.desk_run import run_desk

    verbose = bool(ctx.find_root().meta.get(DEBUG))
    done = run_desk(asof, start, end, alert_backdated=alert_backdated, quiet=as_json, verbose=verbose)
    _tell(done, as_json=as_json)
    if done.failed:
        ctx.exit(FAILED)


def _tell(done: DeskRun, *, as_json: bool) -> None:
    from riskdesk_assets.interfaces.options import echo_json
    from riskdesk_assets.interfaces.run_view import say_behind, say_stale, show_summary, where_to_look
    from riskdesk_assets.interfaces.terminal import console

    if as_json:
        echo_json(done.as_json())
        return
    out = console()
    show_summary(out, done.summary, done.outcome.failed_checks, done.run_folder)
    where_to_look(out, done.paths.warehouse, done.summary, done.page)
    say_stale(done.stale_from)
    if done.behind is not None:
        say_behind(done.behind)
    for halt in done.unbound_halts:
        click.echo(click.style(halt.sentence, fg="red"), err=True)
    for problem in done.ticket_problems:
        click.echo(f"{click.style('error:', fg='red')} {redact(problem)}", err=True)
    for channel, why in sorted(done.undelivered.items()):
        click.echo(f"alerts not delivered by {channel}: {redact(why)}", err=True)
    if done.alerts_sent:
        click.echo(f"{done.alerts_sent} alert{'s' if done.alerts_sent > 1 else ''} delivered", err=True)
