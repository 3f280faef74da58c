"""``riskdesk guard``: document 004's guards, name by name, from what is really held toward the ideal portfolio."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from riskdesk_assets.interfaces.options import SESSION, echo_json, json_option

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(short_help="What the guards let through from real holdings toward the ideal portfolio.")
@click.option("--holdings", type=FILE, help="CSV with the header symbol,shares; by default desk.guards.holdings_file.")
@click.option("--asof", type=SESSION, help="The session; by default the newest with a released book.")
@click.option("--policy", type=FILE, help="Document 004's YAML; by default desk.guards of the configuration.")
@click.option("--log", is_flag=True, help="Also say each POLICY_DECISION line, on stderr.")
@json_option
def guard(holdings: Path | None, asof: date | None, policy: Path | None, log: bool, as_json: bool) -> None:
    """Ask the guards for every name of the ideal portfolio, and for what is held beside it, from the shares really held.

    What reduces is asked first, then what adds, the side that the net leaves room on before the other; an order that passed
    counts as filled in the questions after it. No name waits for its cadence: of a real account no earlier targets are known.
    Nothing is written and nothing is traded.

    \b
    riskdesk guard --holdings holdings.csv
    riskdesk guard --holdings holdings.csv --policy config/policy/seed.yaml --json
    """
    from datetime import UTC, datetime

    from riskdesk_assets.common.sessions import calendar_end, load_calendar
    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.common.warehouse import Warehouse
    from riskdesk_assets.interfaces.holdings_view import decision_json, named_holdings, show_decisions
    from riskdesk_assets.interfaces.terminal import console
    from riskdesk_assets.reports.holdings_reading import stored_decisions

    paths = load_paths()
    config, warehouse = load_config(paths), Warehouse(paths.warehouse)
    path = named_holdings(holdings, paths, config)
    calendar = load_calendar(paths.data / "calendar", calendar_end(datetime.now(UTC)))
    found = stored_decisions(warehouse, calendar, config, path, asof, policy)
    if log:
        for item in found.decided.decisions:
            click.echo(item.line, err=True)
    if as_json:
        echo_json(decision_json(found, path))
    else:
        show_decisions(console(), found, path)
