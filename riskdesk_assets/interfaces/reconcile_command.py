"""``riskdesk reconcile``: what is really held against what the desk believes it holds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from riskdesk_assets.interfaces.failures import FAILED
from riskdesk_assets.interfaces.options import SESSION, echo_json, json_option

HOLDINGS = click.Path(path_type=Path, dir_okay=False)


@click.command(short_help="What is really held against what the desk holds.")
@click.option("--holdings", type=HOLDINGS, help="CSV with the header symbol,shares; by default desk.guards.holdings_file.")
@click.option("--asof", type=SESSION, help="The session; by default the newest that was computed.")
@json_option
@click.pass_context
def reconcile(ctx: click.Context, holdings: Path | None, asof: date | None, as_json: bool) -> None:
    """Set a file of real holdings beside the desk's positions after a session, name by name. Writes nothing.

    Shares are signed and whole. A name that one side does not list counts as 0 shares there; dollars are at the close.

    \b
    riskdesk reconcile --holdings holdings.csv
    Exit codes: 0 they agree; 1 there are breaks; 2 the file cannot be used (file, line, field).
    """
    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.common.warehouse import Warehouse
    from riskdesk_assets.interfaces.holdings_view import named_holdings, show_reconciliation
    from riskdesk_assets.interfaces.terminal import console
    from riskdesk_assets.reports import reconciliation
    from riskdesk_assets.reports.risk_reading import stored_session

    paths = load_paths()
    config, warehouse = load_config(paths), Warehouse(paths.warehouse)
    path = named_holdings(holdings, paths, config)
    found = reconciliation.reconcile(warehouse, config.universe, stored_session(warehouse, asof), path)
    if as_json:
        rows = found.frame.drop("as_of_date", "holdings_hash").to_dicts()
        seal = {"holdings": str(path), "holdings_hash": found.holdings_hash}
        echo_json({"session": found.session, **seal, "breaks": len(found.breaks), "rows": rows})
    else:
        show_reconciliation(console(), found, path)
    if found.breaks:
        ctx.exit(FAILED)
