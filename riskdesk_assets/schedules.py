"""When the desk runs by itself."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from dagster import AssetKey, DefaultScheduleStatus, RunRequest, ScheduleEvaluationContext, SkipReason, schedule
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from riskdesk_assets.common.desk_calendar import desk_calendar
from riskdesk_assets.common.sessions import NEW_YORK, SessionCalendar
from riskdesk_assets.jobs import POLICY, monthly_policy, post_close


# RUNNING from the start: without a daemon nothing ticks, and a tick asks for one closed session, once.
@schedule(
    job=post_close,
    cron_schedule="45 16 * * 1-5",
    execution_timezone=str(NEW_YORK),
    default_status=DefaultScheduleStatus.RUNNING,
    description="Weekdays at 16:45 New York, a quarter of an hour after the session's partition appears.",
)
def post_close_schedule(context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
    """Ask for the session of the tick's own day, with any missed before it, or say why there is none."""
    calendar = desk_calendar()
    wanted = session_of(calendar, context.scheduled_execution_time)
    return wanted if isinstance(wanted, SkipReason) else _request(calendar, wanted, _newest_state(context, wanted))


def session_of(calendar: SessionCalendar, tick: datetime) -> date | SkipReason:
    """The session that closed on the tick's own day in New York, or why there is none."""
    at = tick.astimezone(NEW_YORK)
    day = at.date()
    if calendar.is_session(day):
        calendar.require_closed(day, at)
        return day
    following = calendar.between(day, calendar.last_day)[0]
    why = "is a weekend day" if day.weekday() >= 5 else "is a holiday or another day on which the NYSE is closed"
    return SkipReason(f"{day} {why}; the next session is {following}, which has not closed yet")


def _newest_state(context: ScheduleEvaluationContext, day: date) -> date | None:
    """The newest session before ``day`` that the desk has a state for; None for a desk without one."""
    known = context.instance.get_materialized_partitions(AssetKey("desk_state"))
    return max((found for found in map(date.fromisoformat, known) if found < day), default=None)


def _request(calendar: SessionCalendar, day: date, newest: date | None) -> RunRequest:
    """The day alone; or, where sessions were missed, all of them up to the day as one run, since each starts from the last."""
    run_key = f"post_close:{day}"
    first = day if newest is None else calendar.after(newest)
    if first >= day:
        return RunRequest(run_key=run_key, partition_key=day.isoformat())
    tags = {ASSET_PARTITION_RANGE_START_TAG: first.isoformat(), ASSET_PARTITION_RANGE_END_TAG: day.isoformat()}
    return RunRequest(run_key=run_key, tags=tags)


# A training that is rejected changes nothing, and one that is promoted nothing either while the baseline decides.
@schedule(
    job=monthly_policy,
    cron_schedule="0 6 1 * *",
    execution_timezone=str(NEW_YORK),
    default_status=DefaultScheduleStatus.RUNNING,
    description="The first of each month at 06:00 New York: the learned policy, trained through the month that has ended.",
)
def monthly_policy_schedule(context: ScheduleEvaluationContext) -> RunRequest:
    """Ask for a training through the month's last session."""
    last = last_session_before(desk_calendar(), context.scheduled_execution_time)
    config = {"ops": {POLICY[0]: {"config": {"end": last.isoformat()}}}}
    return RunRequest(run_key=f"monthly_policy:{last:%Y-%m}", run_config=config)


def last_session_before(calendar: SessionCalendar, tick: datetime) -> date:
    """The last session before the tick's own day in New York."""
    return calendar.on_or_before(tick.astimezone(NEW_YORK).date() - timedelta(days=1))


SCHEDULES = (post_close_schedule, monthly_policy_schedule)
