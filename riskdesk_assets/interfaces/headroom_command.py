"""``riskdesk headroom``: how much more of a name or a ticket the limits would let through."""

from __future__ import annotations

from datetime import date

import click

from riskdesk_assets.interfaces.options import SESSION, echo_json, json_option


@click.command(short_help="How much more each limit would let through.")
@click.argument("word", metavar="SYMBOL|TICKET")
@click.option("--asof", type=SESSION, help="The session; by default the newest that was computed.")
@json_option
def headroom(word: str, asof: date | None, as_json: bool) -> None:
    """Say how many more dollars of a symbol or a ticket each limit would let through, the smallest first.

    A symbol: bought and sold, on its own. A ticket: both legs in proportion, in dollars of gross, on the side it holds (or
    was approved for). Measured on the positions that stand after the session, under the bounds its audit recorded.

    \b
    riskdesk headroom JPM
    riskdesk headroom jpm-bac-reversion
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from riskdesk_assets.common.sessions import calendar_end, load_calendar
    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.common.warehouse import Warehouse
    from riskdesk_assets.interfaces.risk_view import show_headroom
    from riskdesk_assets.interfaces.terminal import console
    from riskdesk_assets.reports.risk_reading import stored_risk, stored_session

    paths = load_paths()
    config, warehouse = load_config(paths), Warehouse(paths.warehouse)
    session = stored_session(warehouse, asof)
    calendar = load_calendar(paths.data / "calendar", calendar_end(datetime.now(UTC)))
    stored = stored_risk(paths, calendar, config, warehouse, session)
    found = stored.headroom(word)
    if as_json:
        echo_json({"session": session, "source": stored.prices, "headroom": [asdict(each) for each in found]})
    else:
        show_headroom(console(), found, stored.prices, session)
