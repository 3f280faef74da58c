"""Adjusted closes of the days that scenarios from history live through again, most of them long before any lookback.

A vendor restates every past adj_close at a dividend, so a scenario's rows come from one pull and are never mixed with others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from riskdesk_assets.common.scenarios import HistoricalScenario
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.market.vendor import Vendor, VendorError

REPLAY_KEY = ("scenario_id", "as_of_date", "symbol")
REPLAY_SCHEMA: Mapping[str, pl.DataType] = {
    "scenario_id": pl.String(),
    "as_of_date": pl.Date(),
    "symbol": pl.String(),
    "adj_close": pl.Float64(),
    "source": pl.String(),
}


@dataclass(frozen=True)
class Window:
    """The two sessions a scenario's return runs between: the last one before its start, and the last one up to its end."""

    scenario_id: str
    before: date
    end: date


def no_replays() -> pl.DataFrame:
    """A frame of replays without rows."""
    return pl.DataFrame(schema=dict(REPLAY_SCHEMA))


def conform_replays(frame: pl.DataFrame) -> pl.DataFrame:
    """Exactly the columns, types and order of rows of REPLAY_SCHEMA."""
    return frame.select(pl.col(name).cast(dtype) for name, dtype in REPLAY_SCHEMA.items()).sort(REPLAY_KEY)


def windows(scenarios: Sequence[HistoricalScenario], calendar: SessionCalendar, last: date) -> Iterator[Window]:
    """The sessions of each scenario that is over by ``last``; one older than the calendar, or without a session, has none."""
    sessions = calendar.sessions
    for scenario in scenarios:
        before = [session for session in sessions if session < scenario.start]
        until = [session for session in sessions if session <= scenario.end]
        if scenario.end <= last and before and until and before[-1] < until[-1]:
            yield Window(scenario.scenario_id, before[-1], until[-1])


def replay_rows(
    vendor: Vendor,
    symbols: Sequence[str],
    bars: pl.DataFrame,
    start: date,
    last: date,
    scenarios: Sequence[HistoricalScenario],
    calendar: SessionCalendar,
) -> pl.DataFrame:
    """Adjusted closes at the two ends of every scenario that is over, by symbol.

    Args:
        vendor: asked for the days of a window that begins before ``start``, in one range, so that both ends are of one pull.
        symbols: names to ask for.
        bars: TABLES["daily_bars"] from ``start`` to ``last``, already pulled; windows inside it need no call.
        start: first session of ``bars``.
        last: last session of the run.
        scenarios: of config/scenarios.yaml.
        calendar: the exchange's sessions.

    Returns:
        REPLAY_SCHEMA. A vendor that answers for the run but not for these days leaves the scenario without rows, and is not
        asked for another one.
    """
    frames, answering = [no_replays()], True
    for window in windows(scenarios, calendar, last):
        found = bars
        if window.before < start:
            if not answering:
                continue
            try:
                found = vendor.bars(symbols, window.before, window.end)
            except VendorError:
                answering = False
                continue
        ends = found.filter(pl.col("as_of_date").is_in([window.before, window.end]))
        frames.append(conform_replays(ends.with_columns(scenario_id=pl.lit(window.scenario_id))))
    return conform_replays(pl.concat(frames))
