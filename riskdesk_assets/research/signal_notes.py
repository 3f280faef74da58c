"""What has to be said of tickets that never had a signal: they earn nothing, and nothing else in a backtest says why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from riskdesk_assets.market.history import History
from riskdesk_assets.strategy.snapshots import IN_FORCE


def signal_notes(tables: Mapping[str, pl.DataFrame], history: History) -> tuple[str, ...]:
    """A sentence per reason for which tickets in force had no z-score on any session; none where every ticket had one.

    Args:
        tables: ticket_snapshots and pair_state of the range.
        history: the bars they were computed from, with their lookback.
    """
    in_force = tables["ticket_snapshots"].filter(pl.col("status") == IN_FORCE)
    keys = ["as_of_date", "pair_id"]
    signals = in_force.join(tables["pair_state"].select(keys), on=keys, how="semi")
    silent = in_force.filter(~pl.col("ticket_id").is_in(signals["ticket_id"].unique().implode()))
    ends = history.usable.group_by("symbol").agg(first=pl.col("as_of_date").min(), last=pl.col("as_of_date").max())
    reach: dict[str, tuple[date, date]] = {symbol: (first, last) for symbol, first, last in ends.iter_rows()}
    reasons: dict[str, list[str]] = {}
    for ticket_id, leg_a, leg_b in silent.select("ticket_id", "leg_a", "leg_b").unique().sort("ticket_id").iter_rows():
        reasons.setdefault(_reason((leg_a, leg_b), reach, history), []).append(ticket_id)
    return tuple(
        f"{'ticket' if len(names) == 1 else 'tickets'} {', '.join(names)}: no session with a signal ({reason})."
        for reason, names in reasons.items()
    )


def _reason(legs: tuple[str, str], reach: Mapping[str, tuple[date, date]], history: History) -> str:
    missing = [symbol for symbol in legs if symbol not in reach]
    if missing:
        return f"no bars of {', '.join(missing)}"
    dead = [f"{symbol} after {reach[symbol][1]}" for symbol in legs if reach[symbol][1] < history.first]
    if dead:
        return f"no bars of {', '.join(dead)}"
    youngest = max(reach[symbol][0] for symbol in legs)
    # Whoever has a bar on the first session of the lookback lacks none for being young.
    if youngest > history.sessions[0]:
        return f"bars of both legs begin on {youngest}, too late for a z-score by {history.last}"
    return "too few sessions with bars of both legs"
