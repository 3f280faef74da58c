"""``riskdesk pairs``: which pairs look worth a draft, and how those of an earlier date fared."""

from __future__ import annotations

from datetime import date

import click

from riskdesk_assets.interfaces.options import SESSION, DeskGroup, echo_json, json_option

TOP, MOST_SHOWN = 10, 10_000
MOST_SESSIONS, LEAST_SESSIONS, LEAST_AFTER = 2000, 120, 60


@click.group(cls=DeskGroup, short_help="Which pairs look worth a draft, and how earlier ones fared.")
def pairs() -> None:
    """Rank the universe's pairs for whoever drafts a ticket.

    Nothing here trades, drafts or enters a desk day: it is a look at the past, with what so many looks are worth in numbers.
    """


@pairs.command(short_help="The best pairs on formation data up to a date.")
@click.option("--asof", type=SESSION, help="The session; by default the newest with bars. No later bar is read.")
@click.option("--top", type=click.IntRange(1, MOST_SHOWN), default=TOP, show_default=True, help="How many are shown.")
@click.option("--sessions", type=click.IntRange(LEAST_SESSIONS, MOST_SESSIONS), help="Formation window.  [default: config]")
@json_option
def find(asof: date | None, top: int, sessions: int | None, as_json: bool) -> None:
    """Rank every pair of the universe by how steady, quick, alike and cheap it was.

    Four numbers over the formation window become ranks among all pairs; the score is their weighted mean
    (config/pair_finder.yaml). Engle-Granger p-values stand beside it, raw and corrected for how many were looked at.

    \b
    riskdesk pairs find
    riskdesk pairs find --asof 2024-12-31 --sessions 504 --top 20
    """
    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.interfaces.pair_search import search_pairs
    from riskdesk_assets.interfaces.pair_view import show_found
    from riskdesk_assets.interfaces.terminal import console

    paths = load_paths()
    found = search_pairs(paths, load_config(paths), asof, top, sessions)
    if as_json:
        echo_json(found.as_json())
    else:
        show_found(console(), found)


@pairs.command(short_help="How the best pairs of an earlier date did afterwards.")
@click.option("--asof", type=SESSION, required=True, help="The session of the ranking.")
@click.option("--top", type=click.IntRange(1, MOST_SHOWN), default=TOP, show_default=True, help="How many stand beside all.")
@click.option("--sessions", type=click.IntRange(LEAST_SESSIONS, MOST_SESSIONS), help="Formation window.  [default: config]")
@click.option("--after", type=click.IntRange(LEAST_AFTER, MOST_SESSIONS), help="Sessions followed.  [default: config]")
@json_option
def fared(asof: date, top: int, sessions: int | None, after: int | None, as_json: bool) -> None:
    """Follow the pairs ranked on a date through the sessions after it, the best beside all of them.

    \b
    riskdesk pairs fared --asof 2023-12-29 --top 20
    """
    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.interfaces.pair_search import follow_pairs
    from riskdesk_assets.interfaces.pair_view import show_fared
    from riskdesk_assets.interfaces.terminal import console

    paths = load_paths()
    found = follow_pairs(paths, load_config(paths), asof, top, sessions, after)
    if as_json:
        echo_json(found.as_json())
    else:
        show_fared(console(), found)
