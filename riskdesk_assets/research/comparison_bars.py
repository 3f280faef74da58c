"""Bars of a comparison: the snapshot the desk holds where it covers the sessions, else the vendor's, which nobody keeps.

A snapshot of a comparison's own would become the newest, and the desk reads the newest that covers what it asks for. Scores
that a mandate takes from a file do not enter a comparison: the mandate has none there, and the desk's book never reads them.
"""

from __future__ import annotations

from datetime import date

from riskdesk_assets.common.hashing import digest_frame
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.history import History, lookback_start, read_history
from riskdesk_assets.market.newest import newest_bar, require_bars_to_the_end
from riskdesk_assets.market.replays import replay_rows
from riskdesk_assets.market.snapshots import Snapshot, find_snapshot
from riskdesk_assets.market.vendor import Vendor


def comparison_history(
    vendor: Vendor, paths: Paths, calendar: SessionCalendar, config: Config, first: date, last: date
) -> History:
    """Bars of ``first`` to ``last`` with the lookback the configuration asks for.

    Raises:
        InputError: no name has a usable bar on ``last``; says which session is the newest with one.
    """
    start, universe = lookback_start(calendar, config, first), config.universe
    known = find_snapshot(paths.snapshots, start, last, ())
    if known is not None and known.source == vendor.source:
        history = read_history(paths, calendar, config, first, last)
        # A snapshot asked for before the vendor had the last session's bars: it may have them by now.
        if newest_bar(history.bars, calendar, config) == last:
            return history
    bars = vendor.bars(universe.watched, start, last)
    require_bars_to_the_end(bars, calendar, config, first, last, vendor.source)
    index = universe.volatility_index
    table = TABLES["volatility_index"]
    volatility = table.frame([]) if index is None else vendor.volatility_index(index, start, last)
    past = replay_rows(vendor, universe.tradable, bars, start, last, config.scenarios, calendar)
    snapshot = Snapshot(digest_frame(bars, TABLES["daily_bars"].key), start, last, vendor.source, ())
    return History(snapshot, calendar, first, last, bars, volatility, config.desk.quality, past)
