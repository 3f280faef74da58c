"""Bars of a backtest, kept: a replay reads the very ones it was computed from.

They are those of the desk's own snapshot where one of the same source covers the sessions and names, else the vendor's, kept as
an immutable snapshot in a folder of their own: the desk reads the newest of its own, and must not find a backtest's.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.history import History, history_in, history_of, lookback_start
from riskdesk_assets.market.newest import newest_bar, require_bars_to_the_end
from riskdesk_assets.market.replays import replay_rows
from riskdesk_assets.market.snapshots import Snapshot, find_snapshot, write_snapshot
from riskdesk_assets.market.vendor import Vendor

FOLDER = "backtest_bars"


def backtest_history(
    vendor: Vendor, paths: Paths, calendar: SessionCalendar, config: Config, first: date, last: date
) -> History:
    """Bars of ``first`` to ``last`` with the lookback the configuration asks for, from an immutable snapshot.

    Raises:
        InputError: no name has a usable bar on ``last``; says which session is the newest with one.
    """
    start, universe = lookback_start(calendar, config, first), config.universe
    known = find_snapshot(paths.snapshots, start, last, universe.watched)
    if known is not None and known.source == vendor.source:
        history = history_of(paths, known, calendar, config, first, last)
        # A snapshot asked for before the vendor had the last session's bars: it may have them by now.
        if newest_bar(history.bars, calendar, config) == last:
            return history
    bars = vendor.bars(universe.watched, start, last)
    require_bars_to_the_end(bars, calendar, config, first, last, vendor.source)
    index, table = universe.volatility_index, TABLES["volatility_index"]
    volatility = table.frame([]) if index is None else vendor.volatility_index(index, start, last)
    past = replay_rows(vendor, universe.tradable, bars, start, last, config.scenarios, calendar)
    snapshot = write_snapshot(paths.data / FOLDER, bars, volatility, start, last, vendor.source, past)
    return history_in(paths.data / FOLDER, snapshot, calendar, config, first, last)


def kept_history(
    paths: Paths, snapshot_id: str, source: str, calendar: SessionCalendar, config: Config, first: date, last: date
) -> History:
    """The bars a backtest was computed from.

    Raises:
        StateError: they are neither among the desk's snapshots nor the backtests', or are damaged.
    """
    folder = next((place for place in (paths.snapshots, paths.data / FOLDER) if (place / snapshot_id).is_dir()), None)
    if folder is None:
        raise StateError(f"the bars {snapshot_id} are in neither {paths.snapshots} nor {paths.data / FOLDER}")
    snapshot = Snapshot(snapshot_id, first, last, source, ())
    return history_in(Path(folder), snapshot, calendar, config, first, last)
