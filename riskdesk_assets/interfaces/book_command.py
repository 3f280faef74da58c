"""``riskdesk book``: the book of a session as ``riskdesk run`` told it, and the tickets behind it."""

from __future__ import annotations

from datetime import date

import click

from riskdesk_assets.interfaces.options import SESSION, echo_json, json_option


@click.command(short_help="The book: symbols, shares, clips, and what each ticket holds.")
@click.option("--asof", type=SESSION, help="The session; by default the newest that was computed.")
@json_option
def book(asof: date | None, as_json: bool) -> None:
    """Show the book of a session: the table that `riskdesk run` ends with, and the tickets behind it.

    Each held ticket with its legs in shares, its gross, its z-score and since when; then those that hold nothing, by reason.
    Nothing is computed or written.

    Then what each held ticket made, net of costs: on the session, and since the session its position was opened, the costs of
    its entry included. What the newest book makes, and the costs of its own trades, are pending until the next session has
    prices.

    \b
    riskdesk book
    riskdesk book --asof 2026-01-26 --json
    """
    from dataclasses import asdict

    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.common.warehouse import Warehouse
    from riskdesk_assets.interfaces.held import tickets_after
    from riskdesk_assets.interfaces.held_view import show_held, show_held_pnl
    from riskdesk_assets.interfaces.run_summary import desk_summary
    from riskdesk_assets.interfaces.run_view import show_summary
    from riskdesk_assets.interfaces.terminal import console
    from riskdesk_assets.reports.books import no_book_of
    from riskdesk_assets.reports.risk_reading import stored_session

    paths = load_paths()
    warehouse = Warehouse(paths.warehouse)
    session = stored_session(warehouse, asof)
    summary = desk_summary(warehouse, load_config(paths), session, session)
    if summary is None:
        raise no_book_of(session)
    tickets = tickets_after(warehouse, session)
    if as_json:
        lines = [{**asdict(line), "notional": line.notional} for line in summary.book]
        echo_json({**asdict(summary), "book": lines, "book_sum_cents": summary.sum_cents, **asdict(tickets)})
        return
    out = console()
    show_summary(out, summary, (), None)
    out.print()
    show_held(out, tickets)
    out.print()
    show_held_pnl(out, tickets, session)
