"""``riskdesk limits``: every limit with its bound, what is used of it and what it costs; and how the limits have changed."""

from __future__ import annotations

from datetime import date

import click

from riskdesk_assets.interfaces.options import SESSION, echo_json, json_option


@click.command(short_help="Bounds, what is used of them, and what changed.")
@click.option("--changes", is_flag=True, help="Every change of a limit, newest first, with who made and who approved it.")
@click.option("--asof", type=SESSION, help="The session; by default the newest that was computed.")
@json_option
def limits(changes: bool, asof: date | None, as_json: bool) -> None:
    """List the hard limits of a session, most used first: measured, bound, utilization, status, price.

    The price is what one more dollar of a binding limit would be worth, in dollars a day. With --changes, the history of the
    limits' changes up to the session.

    \b
    riskdesk limits
    riskdesk limits --changes --json
    """
    from dataclasses import asdict

    from riskdesk_assets.common.settings import load_paths
    from riskdesk_assets.common.warehouse import Warehouse
    from riskdesk_assets.interfaces.limits_view import limits as limits_of
    from riskdesk_assets.interfaces.limits_view import show_changes, show_limits
    from riskdesk_assets.interfaces.terminal import console

    found = limits_of(Warehouse(load_paths().warehouse), asof, with_changes=changes)
    if as_json:
        echo_json(asdict(found))
    elif changes:
        show_changes(console(), found)
    else:
        show_limits(console(), found)
