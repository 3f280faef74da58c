"""The ticket folder sensor: one run of the newest session once a change to the tickets has settled."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from dagster import AssetKey, DefaultSensorStatus, RunRequest, SensorEvaluationContext, SkipReason, sensor

from riskdesk_assets.common.desk_calendar import desk_calendar
from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.session_halts import next_open
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import load_config, load_paths
from riskdesk_assets.strategy.loading import file_hashes, load_tickets
from riskdesk_assets.strategy.watch import observe

POST_CLOSE = "post_close"
INTERVAL_SECONDS = 15
BACKDATED = "riskdesk/backdated"


@sensor(job_name=POST_CLOSE, minimum_interval_seconds=INTERVAL_SECONDS, default_status=DefaultSensorStatus.RUNNING)
def ticket_folder_sensor(context: SensorEvaluationContext) -> RunRequest | SkipReason:
    """Request one ``post_close`` run when ticket files were created, changed, renamed or deleted and have settled.

    The run is of the newest session the desk stands at: a change of tickets moves no clock; the schedule does. Once that
    session's book could be traded, computing it again counts the change as if it had stood at its close: told in the log and
    in the tag BACKDATED.
    Unusable tickets are logged and told, and the run is requested all the same: failing closed is the run's own business.
    """
    paths = load_paths()
    try:
        current = file_hashes(paths.tickets)
    except OSError as error:
        return SkipReason(f"the ticket folder cannot be listed: {error.strerror}")
    seen = observe(context.cursor or "", current)
    trouble = _trouble(context, paths.tickets) if seen.settling or seen.run_key else ""
    if seen.settling:
        context.update_cursor(seen.cursor)
        return SkipReason(f"waiting for {_names(seen.changed)} to settle{trouble}")
    if seen.run_key is None:
        context.update_cursor(seen.cursor)
        return SkipReason("no ticket has changed")
    try:
        calendar = desk_calendar()
        session = _newest_session(context, calendar)
        backdated = _backdated(calendar, session)
    except InputError as error:
        # The cursor stays, so that the change is still one at the next tick.
        return SkipReason(f"tickets changed ({_names(seen.changed)}), but no session can be run: {error}")
    context.update_cursor(seen.cursor)
    context.log.info(f"tickets changed: {_names(seen.changed)}; requesting {session}{trouble}")
    if backdated:
        context.log.warning(backdated)
    return RunRequest(
        run_key=seen.run_key,
        partition_key=session.isoformat(),
        tags={
            "riskdesk/reason": "tickets changed",
            "riskdesk/tickets": _names(seen.changed)[:200],
            **({BACKDATED: "true"} if backdated else {}),
        },
    )


def _newest_session(context: SensorEvaluationContext, calendar: SessionCalendar) -> date:
    """The newest session the desk stands at; for a desk without one, the newest that has closed."""
    known = context.instance.get_materialized_partitions(AssetKey("desk_state"))
    return max(map(date.fromisoformat, known)) if known else calendar.newest_closed(datetime.now(UTC))


def _backdated(calendar: SessionCalendar, session: date) -> str:
    """What a change of tickets means for a session whose book could be traded already; empty for one that could not."""
    opened = next_open(calendar, session)
    if datetime.now(UTC) < opened:
        return ""
    return (
        f"the book of {session} could be traded from {opened:%Y-%m-%d %H:%M} UTC: computed again, its P&L counts these tickets "
        "as if they had stood at that close"
    )


def _trouble(context: SensorEvaluationContext, folder: Path) -> str:
    """Log every unusable ticket; return the sentence that says how many there are."""
    try:
        problems = load_tickets(folder, load_config(load_paths()).universe).problems
    except InputError as error:
        problems = error.problems
    for problem in problems:
        context.log.warning(str(problem))
    return f"; {len(problems)} problem(s), the first: {problems[0]}" if problems else ""


def _names(changed: tuple[str, ...]) -> str:
    return ", ".join(changed) if changed else "the folder"
