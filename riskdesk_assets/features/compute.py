"""All features of a range from one stretch of history: what the assets and replay both call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.features.pair_state import pair_state
from riskdesk_assets.features.panel import Panel, build_panel
from riskdesk_assets.market.history import History

Pair = tuple[str, str]


def panel_of(history: History, config: Config) -> Panel:
    """The history's usable bars of every watched symbol, aligned on sessions."""
    return build_panel(history.usable, history.sessions, config.universe.watched)


def watched_pairs(config: Config, ticket_snapshots: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """The pairs of each session: the universe's own, and those of every readable ticket of that session.

    Returns:
        Columns as_of_date, leg_a, leg_b; unique, sorted.
    """
    tradable = set(config.universe.tradable)
    of_tickets = (
        ticket_snapshots.filter(pl.col("status").is_in(["IN_FORCE", "EXPIRED", "NOT_YET"]))
        .filter(pl.col("leg_a").is_in(tradable) & pl.col("leg_b").is_in(tradable))
        .select("as_of_date", "leg_a", "leg_b")
    )
    rows = [(session, a, b) for session in sessions for a, b in config.universe.pairs]
    own = pl.DataFrame(rows, schema=of_tickets.schema, orient="row")
    return pl.concat([own, of_tickets]).unique().sort("as_of_date", "leg_a", "leg_b")


def distinct_pairs(pairs: pl.DataFrame) -> list[Pair]:
    """Every pair of any session, sorted."""
    return list(pairs.select("leg_a", "leg_b").unique().sort("leg_a", "leg_b").iter_rows())


def pair_states(panel: Panel, config: Config, pairs: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """TABLES["pair_state"] of the pairs watched on each session."""
    frame = pair_state(panel, distinct_pairs(pairs), config.desk.features, config.feature_version, first, last)
    return TABLES["pair_state"].conform(frame.join(pairs, on=["as_of_date", "leg_a", "leg_b"], how="semi"))
