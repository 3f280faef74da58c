"""From a vendor to a snapshot: bars of every watched symbol with their lookback, checked against what the desk holds."""

from __future__ import annotations

from collections.abc import Set
from datetime import date

import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.history import History, history_of, lookback_start
from riskdesk_assets.market.newest import require_bars_to_the_end
from riskdesk_assets.market.quality import check_bars, check_volatility_index
from riskdesk_assets.market.replays import replay_rows
from riskdesk_assets.market.snapshots import require_one_source, write_snapshot
from riskdesk_assets.market.vendor import Vendor


def ingest(
    vendor: Vendor, paths: Paths, calendar: SessionCalendar, config: Config, first: date, last: date, held_sources: Set[str]
) -> History:
    """Pull ``first`` to ``last`` with the lookback, and keep it as an immutable snapshot.

    Args:
        vendor: where bars come from.
        held_sources: sources the warehouse already holds.

    Raises:
        StateError: bars of another source than the warehouse's, or no bar at all.
        InputError: no name that may be held has a usable bar on ``last``: the vendor is late or gone, which is no delisting of
            every name at once. Nothing is kept.
    """
    require_one_source(held_sources, vendor.source)
    start, universe = lookback_start(calendar, config, first), config.universe
    bars = vendor.bars(universe.watched, start, last)
    if bars.is_empty():
        raise StateError(f"{vendor.source} has no bar of any symbol of the universe from {start} to {last}")
    require_bars_to_the_end(bars, calendar, config, first, last, vendor.source)
    index = universe.volatility_index
    empty = pl.DataFrame(schema=TABLES["volatility_index"].schema)
    volatility = empty if index is None else vendor.volatility_index(index, start, last)
    past = replay_rows(vendor, universe.tradable, bars, start, last, config.scenarios, calendar)
    snapshot = write_snapshot(paths.snapshots, bars, volatility, start, last, vendor.source, past)
    return history_of(paths, snapshot, calendar, config, first, last)


def trading_sessions(history: History, symbols: tuple[str, ...]) -> pl.DataFrame:
    """TABLES["trading_sessions"]: close, half day, bars seen and symbols without a usable bar, per wanted session."""
    usable = history.usable.filter(pl.col("as_of_date") >= history.first)
    seen: dict[date, set[str]] = {}
    for symbol, session in usable.select("symbol", "as_of_date").iter_rows():
        seen.setdefault(session, set()).add(symbol)
    return TABLES["trading_sessions"].frame(
        [
            {
                "as_of_date": session,
                "close_utc": history.calendar.close_of(session).isoformat(),
                "half_day": history.calendar.is_half_day(session),
                "bars": len(seen.get(session, ())),
                "missing_symbols": ",".join(symbol for symbol in symbols if symbol not in seen.get(session, ())),
            }
            for session in history.wanted
        ]
    )


def bar_findings(history: History, ticket_snapshots: pl.DataFrame, config: Config) -> pl.DataFrame:
    """TABLES["bar_findings"] of the wanted sessions: of the watched names' bars, and of the volatility index.

    Args:
        history: bars with their lookback.
        ticket_snapshots: the sessions' tickets; what those in force need is an ERROR.
        config: the universe, and the thresholds.
    """
    first, last, universe = history.first, history.last, config.universe
    needed = needed_symbols(ticket_snapshots)
    of_bars = check_bars(history.bars, history.calendar, universe.watched, first, last, needed, config.desk.quality)
    of_index = check_volatility_index(history.volatility, universe.volatility_index, history.calendar, first, last)
    return TABLES["bar_findings"].conform(pl.concat([of_bars, of_index]))


def needed_symbols(ticket_snapshots: pl.DataFrame) -> dict[date, set[str]]:
    """Legs of the tickets in force, per session: the names whose faults are errors."""
    needed: dict[date, set[str]] = {}
    in_force = ticket_snapshots.filter(pl.col("status") == "IN_FORCE").select("as_of_date", "leg_a", "leg_b")
    for session, leg_a, leg_b in in_force.iter_rows():
        needed.setdefault(session, set()).update((leg_a, leg_b))
    return needed
