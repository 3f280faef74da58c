"""``riskdesk explain``: why a position is what it is."""

from __future__ import annotations

from datetime import date

import click

from riskdesk_assets.interfaces.options import SESSION, echo_json, json_option


@click.command()
@click.argument("word", metavar="SYMBOL|TICKET")
@click.option("--asof", type=SESSION, help="The session; by default the newest that was computed.")
@json_option
def explain(word: str, asof: date | None, as_json: bool) -> None:
    """Say why a position is what it is, from intent to shares.

    A ticket: its signal, the controller's answer, what each stage of the funnel left of it, every clip with its limit, and the
    shares held. A symbol: every ticket on it, how they net, and the limits it counts in.

    \b
    riskdesk explain JPM
    riskdesk explain jpm-bac-reversion --asof 2026-01-26
    """
    from dataclasses import asdict

    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.common.warehouse import Warehouse
    from riskdesk_assets.interfaces.explain import TicketStory
    from riskdesk_assets.interfaces.explain import explain as story_of
    from riskdesk_assets.interfaces.explain_view import show_symbol, show_ticket
    from riskdesk_assets.interfaces.terminal import console

    paths = load_paths()
    story = story_of(word, asof, Warehouse(paths.warehouse), load_config(paths))
    if as_json:
        echo_json({"kind": "ticket" if isinstance(story, TicketStory) else "symbol", **asdict(story)})
    elif isinstance(story, TicketStory):
        show_ticket(console(), story)
    else:
        show_symbol(console(), story)
