"""``riskdesk risk``: the risk of a portfolio, or of any weights."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from riskdesk_assets.interfaces.options import SESSION, echo_json, json_option


@click.command(short_help="How much risk a book has, and from what.")
@click.option("--asof", type=SESSION, help="The session; by default the newest that was computed.")
@click.option("--portfolio", metavar="ID", help="The portfolio; by default the desk's own.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="What if: these weights in its place (CSV with instrument,weight, or YAML). Writes nothing.",
)
@json_option
def risk(asof: date | None, portfolio: str | None, weights: Path | None, as_json: bool) -> None:
    """Say how much risk a book has, and from what.

    Volatility, VaR and expected shortfall, what each name adds, exposures, scenarios, days to liquidate, drawdown and
    stability. With --weights the same for a book that is only an idea, and the limits it would break.

    \b
    riskdesk risk
    riskdesk risk --weights idea.csv
    riskdesk risk --portfolio bank_long_only --asof 2026-01-26 --json
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from riskdesk_assets.common.sessions import calendar_end, load_calendar
    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.common.warehouse import Warehouse
    from riskdesk_assets.interfaces.risk_view import show_risk
    from riskdesk_assets.interfaces.terminal import console
    from riskdesk_assets.interfaces.weights_file import read_weights
    from riskdesk_assets.reports.risk_reading import stored_risk, stored_session

    paths = load_paths()
    config = load_config(paths)
    book = None if weights is None else read_weights(weights, config.universe.tradable)
    warehouse = Warehouse(paths.warehouse)
    session = stored_session(warehouse, asof)
    calendar = load_calendar(paths.data / "calendar", calendar_end(datetime.now(UTC)))
    stored = stored_risk(paths, calendar, config, warehouse, session)
    portfolio_id = portfolio or config.desk.portfolio_id
    report = stored.report(portfolio_id, book)
    breaches = None if book is None else stored.breaches(portfolio_id, book)
    if as_json:
        said = None if breaches is None else [asdict(breach) for breach in breaches]
        echo_json(asdict(report) | {"source": stored.prices, "breaches": said})
    else:
        show_risk(console(), report, stored.prices, stored.source.inputs(portfolio_id, session).nav, breaches)
