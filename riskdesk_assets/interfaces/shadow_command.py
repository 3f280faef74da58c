"""``riskdesk shadow``: what following the guards would have saved and cost over a range, measured."""

from __future__ import annotations

from datetime import date

import click

from riskdesk_assets.interfaces.options import SESSION, echo_json, json_option, require_one_way


@click.command(short_help="What the guards would have saved and cost over a range.")
@click.option("--start", type=SESSION, required=True, help="First day of the range.")
@click.option("--end", type=SESSION, required=True, help="Last day of the range.")
@click.option("--band", "bands", multiple=True, type=click.FloatRange(0, 1, max_open=True), help="Also with this band.")
@click.option("--cadence", "cadences", multiple=True, type=click.IntRange(1, 252), help="Also with this cadence, in sessions.")
@click.option("--page", is_flag=True, help="Also write it with charts to DATA_DIR/shadow/START_END.html.")
@json_option
def shadow(start: date, end: date, bands: tuple[float, ...], cadences: tuple[int, ...], page: bool, as_json: bool) -> None:
    """Turnover, cost and tracking of following the guards, against rebalancing to the ideal portfolio every session.

    Both books start from the first session's ideal portfolio and are walked over the stored ones, whatever the guards' mode
    was then; the guards' rules and caps are today's, the hard limits those of each session. Tracking is the standard
    deviation of the difference in daily P&L, before costs. --band and --cadence may be repeated: every combination is walked.

    \b
    riskdesk shadow --start 2026-01-02 --end 2026-03-31
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

    require_one_way(None, start, end, required=True)
    paths = load_paths()
    calendar = load_calendar(paths.data / "calendar", calendar_end(datetime.now(UTC)))
    found = stored_shadow(paths, calendar, load_config(paths), Warehouse(paths.warehouse), start, end, bands, cadences)
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
