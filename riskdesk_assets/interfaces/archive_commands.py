"""``riskdesk replay`` and ``riskdesk rebuild``: runs computed again, and the warehouse restored from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskdesk_assets.interfaces.failures import FAILED, Unusable
from riskdesk_assets.interfaces.options import echo_json, json_option
from riskdesk_assets.interfaces.terminal import counted, shortened

if TYPE_CHECKING:
    from riskdesk_assets.common.sessions import SessionCalendar
    from riskdesk_assets.reports.beyond_runs import BeyondRuns

REPLAY_WAIT_SECONDS = 900.0


@click.command(short_help="Compute a run again and compare every hash.")
@click.argument("run_id", metavar="RUN")
@json_option
@click.pass_context
def replay(ctx: click.Context, run_id: str, as_json: bool) -> None:
    """Compute a run again from the inputs its manifest names, and compare every hash.

    RUN is a directory below RUNS_DIR, such as 20260126-0f3a5c7e9b1d2468, or a backtest (bt-...), by name or path; or the id of
    one session of a range, as the page and `riskdesk morning` show it: then the whole range is computed again. Bars come
    from the run's own immutable snapshot, tickets, configuration and starting state from its directory. Nothing is written.

    \b
    Exit codes: 0 all identical; 1 a table is not, or a file was changed or added; 2 no such run, or an input of it is lost.
    """
    from riskdesk_assets.common.desk_calendar import desk_calendar
    from riskdesk_assets.common.settings import load_paths
    from riskdesk_assets.reports.replay import replay as replay_run
    from riskdesk_assets.research.backtest_directory import is_backtest
    from riskdesk_assets.research.backtest_replay import replay_backtest

    paths = load_paths()
    again = replay_backtest if is_backtest(paths.runs, run_id) else replay_run
    with _watched(f"replay {run_id}"):
        done = again(run_id, paths, desk_calendar())
    of_session = run_id if Path(run_id).name not in (done.run_id, "") else None
    if as_json:
        echo_json(
            {
                "run_id": done.run_id,
                "session_run_id": of_session,
                "identical": done.identical,
                "equal": done.equal,
                "different": done.different,
                "damaged_files": done.damaged,
                "unknown_files": done.unknown,
                "same_code": done.same_code,
            }
        )
    else:
        if of_session is not None:
            click.echo(f"{of_session} is a session of the run {done.run_id}: all of it was computed again")
        for name in done.intact:
            click.echo(f"  identical  {name}")
        for name in done.different:
            click.echo(click.style(f"  DIFFERENT  {name}", fg="red"))
        for name in done.damaged:
            click.echo(click.style(f"  CHANGED    {name}: the file is not what the manifest says", fg="red"))
        for name in done.unknown:
            click.echo(click.style(f"  UNKNOWN    {name}: the manifest knows no such file", fg="red"))
        if not done.same_code:
            click.echo("  the code or a numeric library is not the one of the run")
        said = f"{len(done.intact)} of {len(done.equal) + len(done.different)} tables and pages identical, bit for bit"
        faults = ((done.different, "different"), (done.damaged, "changed"), (done.unknown, "unknown"))
        told = [f"{len(names)} {word} ({shortened(', '.join(names))})" for names, word in faults if names]
        click.echo(f"{done.run_id}: {'; '.join([said, *told])}")
    if not done.identical:
        ctx.exit(FAILED)


@click.command(short_help="Restore the warehouse from the run directories.")
@click.option("--yes", is_flag=True, help="Do not ask, and drop what only the warehouse holds.")
@json_option
def rebuild(yes: bool, as_json: bool) -> None:
    """Restore the DuckDB file from the run directories, in the order in which they were published.

    The file that stands is kept beside it; it is replaced only when every directory is whole and the new one is complete.
    What only that file holds is named first, session by session: books that were never published, bars and features of sessions
    without a run, tables of your own. With any of it there, nothing is done without --yes.

    \b
    Exit codes: 0 done; 2 a directory is damaged, or something would be dropped and --yes was not given.
    """
    from riskdesk_assets.common.desk_calendar import desk_calendar
    from riskdesk_assets.common.settings import load_paths
    from riskdesk_assets.common.writer_lock import single_writer
    from riskdesk_assets.reports.beyond_runs import beyond_runs
    from riskdesk_assets.reports.rebuild import rebuild as rebuild_warehouse

    paths = load_paths()
    if not yes:
        _require_nothing_dropped(beyond_runs(paths), desk_calendar())
        if not as_json:
            click.confirm(f"Rebuild {paths.warehouse} from {paths.runs}?", abort=True)
    with single_writer(paths, REPLAY_WAIT_SECONDS, "riskdesk rebuild"):
        found = beyond_runs(paths)
        if not yes:  # a run may have ended meanwhile
            _require_nothing_dropped(found, desk_calendar())
        dropped = found.lines(desk_calendar())
        for line in dropped:
            click.echo(f"not restored: {line}", err=True)
        with _watched("rebuild"):
            done = rebuild_warehouse(paths)
    if as_json:
        echo_json({"runs": done.runs, "sessions": done.sessions, "kept": done.kept, "dropped": list(dropped)})
        return
    click.echo(f"{paths.warehouse}: {counted(done.sessions, 'session')} from {counted(done.runs, 'run')}")
    if done.kept is not None:
        click.echo(f"the file that stood there is kept as {done.kept}")


def _require_nothing_dropped(found: BeyondRuns, calendar: SessionCalendar) -> None:
    """Refuse, with everything named that would be lost (Unusable)."""
    if not found.known:
        return
    again = sorted({*found.books, *found.others})
    advice = [f"`riskdesk run --start {again[0]} --end {again[-1]}` publishes these sessions"] if again else []
    if found.rows:
        advice.append("`riskdesk ingest-prices` and `build-features` make bars and features again")
    ways = [*advice, "--yes rebuilds without all of it, and keeps the file that stands beside the new one"]
    raise Unusable(
        "the warehouse holds what a rebuild would drop; nothing was changed", *found.lines(calendar), "; ".join(ways)
    )


@contextmanager
def _watched(title: str) -> Iterator[None]:
    """A progress bar for the block, where somebody watches."""
    from riskdesk_assets.common.progress import listening
    from riskdesk_assets.interfaces.progress_bar import RunProgress

    with RunProgress(title).shown() as bar:
        if bar is None:
            yield
            return
        with listening(bar.work):
            yield
