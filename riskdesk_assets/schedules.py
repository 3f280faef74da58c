"""When the desk runs by itself."""

from __future__ import annotations

from dagster import DefaultScheduleStatus, RunRequest, ScheduleEvaluationContext, SkipReason, schedule

from riskdesk_assets.common.resources import desk_calendar
from riskdesk_assets.common.sessions import NEW_YORK
from riskdesk_assets.jobs import post_close


# RUNNING from the start: without a daemon nothing ticks, and a tick asks for one closed session, once.
@schedule(
    job=post_close,
    cron_schedule="45 16 * * 1-5",
    execution_timezone=str(NEW_YORK),
    default_status=DefaultScheduleStatus.RUNNING,
    description="Weekdays at 16:45 New York, a quarter of an hour after the session's partition appears.",
)
def post_close_schedule(context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
    """Ask for the session of the tick's own day, or say why there is none."""
    at = context.scheduled_execution_time.astimezone(NEW_YORK)
    day = at.date()
    calendar = desk_calendar()
    if calendar.is_session(day):
        calendar.require_closed(day, at)
        return RunRequest(run_key=f"post_close:{day}", partition_key=day.isoformat())
    following = calendar.between(day, calendar.last_day)[0]
    why = "is a weekend day" if day.weekday() >= 5 else "is a holiday or another day on which the NYSE is closed"
    return SkipReason(f"{day} {why}; the next session is {following}, which has not closed yet")


SCHEDULES = (post_close_schedule,)
