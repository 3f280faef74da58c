"""``riskdesk shadow``: what following the guards would have saved and cost over a range, measured."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import click

from riskdesk_assets.interfaces.options import SESSION, echo_json, json_option, require_one_way

if TYPE_CHECKING:
    from riskdesk_assets.common.warehouse import Warehouse


@click.command(short_help="What the guards would have saved and cost over a range.")
@click.option("--start", type=SESSION, help="First day of the range; without a range, every stored session.")
@click.option("--end", type=SESSION, help="Last day of the range.")
@click.option("--last", "reach", metavar="3m", help="Instead: the time up to the newest stored session, in d, w, m or y.")
@click.option("--band", "bands", multiple=True, type=click.FloatRange(0, 1, max_open=True), help="Also with this band.")
@click.option("--cadence", "cadences", multiple=True, type=click.IntRange(1, 252), help="Also with this cadence, in sessions.")
@click.option("--page", is_flag=True, help="Also write it with charts to DATA_DIR/shadow/START_END.html.")
@json_option
def shadow(
    start: date | None,
    end: date | None,
    reach: str | None,
    bands: tuple[float, ...],
    cadences: tuple[int, ...],
    page: bool,
    as_json: bool,
) -> None:
    """Turnover, cost and tracking of following the guards, against rebalancing to the ideal portfolio every session.

    Both books start from the first session's ideal portfolio and are walked over the stored ones, whatever the guards' mode
    was then; the guards' rules and caps are today's, the hard limits those of each session. Tracking is the standard
    deviation of the difference in daily P&L, before costs. --band and --cadence may be repeated: every combination is walked.

    \b
    riskdesk shadow
    riskdesk shadow --last 3m --band 0.1
    riskdesk shadow --start 2026-01-02 --end 2026-03-31 --band 0.1 --band 0.2 --cadence 5 --page
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from riskdesk_assets.common.sessions import calendar_end, load_calendar
    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.common.warehouse import Warehouse
    from riskdesk_assets.common.whole_file import replace_file
    from riskdesk_assets.interfaces.shadow_view import show_shadow
    from riskdesk_assets.interfaces.terminal import console
    from riskdesk_assets.reports.page.shadow import shadow_page
    from riskdesk_assets.reports.shadow_range import stored_shadow

    paths = load_paths()
    warehouse = Warehouse(paths.warehouse)
    first, last = _asked(start, end, reach, warehouse)
    calendar = load_calendar(paths.data / "calendar", calendar_end(datetime.now(UTC)))
    found = stored_shadow(paths, calendar, load_config(paths), warehouse, first, last, bands, cadences)
    place = paths.data / "shadow" / f"{found.first}_{found.last}.html" if page else None
    if place is not None:
        replace_file(place, shadow_page(found).encode())
    if as_json:
        said = {} if place is None else {"page": str(place)}
        echo_json({**asdict(found), "tracking_error": found.tracking_error, **said})
        return
    show_shadow(console(), found)
    if place is not None:
        click.echo(f"page  {place}")


def _asked(start: date | None, end: date | None, reach: str | None, warehouse: Warehouse) -> tuple[date, date]:
    """The first and last day asked for; every stored session where nothing was asked."""
    from riskdesk_assets.interfaces.failures import Unusable
    from riskdesk_assets.interfaces.reach import first_day, require_reach
    from riskdesk_assets.reports.risk_reading import stored_session

    require_one_way(None, start, end, required=False)
    if start is not None and end is not None:
        if reach is not None:
            raise Unusable("--last stands alone: give it, or --start and --end")
        return start, end
    if reach is not None:
        require_reach(reach)
    newest = stored_session(warehouse, None)
    oldest: date = warehouse.read("desk_state")["as_of_date"].sort()[0]
    return oldest if reach is None else first_day(reach, newest), newest
