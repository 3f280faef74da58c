"""A stage's result on a terminal."""

from __future__ import annotations

from riskdesk_assets.interfaces.options import echo_json
from riskdesk_assets.interfaces.run_view import say_stale, show_failed_checks, show_summary, where_to_look
from riskdesk_assets.interfaces.stage_run import StageRun
from riskdesk_assets.interfaces.terminal import banner, console, dollars


def show_stage(done: StageRun, *, as_json: bool) -> None:
    """Rows written per table, failed checks, and the book of a walk."""
    if as_json:
        echo_json(done.as_json())
        return
    out = console()
    if done.summary is not None:
        show_summary(out, done.summary, done.outcome.failed_checks, done.run_folder)
        where_to_look(out, done.paths.warehouse, done.summary, done.page)
        say_stale(done.stale_from)
        return
    out.print(f"{banner(done.source)}  {done.wanted.why}")
    for name, rows in done.rows.items():
        out.print(f"  {name:<20} {rows:>12,} rows")
    if done.pnl_net is not None:
        out.print(f"  {'realized, net':<20} {dollars(done.pnl_net, 2):>12}")
    show_failed_checks(out, done.outcome.failed_checks)
    out.print(f"[dim]warehouse[/]  {done.paths.warehouse}", soft_wrap=True)
