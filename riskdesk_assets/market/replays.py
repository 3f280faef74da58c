"""Adjusted closes of the days that scenarios from history live through again, most of them long before any lookback.

A vendor restates every past adj_close at a dividend, so a scenario's rows come from one pull and are never mixed with others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from riskdesk_assets.common.scenarios import Scenarios
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
    """The two sessions a scenario's return runs between, ``before`` its start and at its ``end``, each with its margin.

    A name's price at an end is its last one from ``opens`` to ``before``, or from ``closes`` to ``end``.
    """

    scenario_id: str
    opens: date
    before: date
    closes: date
    end: date


def no_replays() -> pl.DataFrame:
    """A frame of replays without rows."""
    return pl.DataFrame(schema=dict(REPLAY_SCHEMA))


def conform_replays(frame: pl.DataFrame) -> pl.DataFrame:
    """Exactly the columns, types and order of rows of REPLAY_SCHEMA."""
    return frame.select(pl.col(name).cast(dtype) for name, dtype in REPLAY_SCHEMA.items()).sort(REPLAY_KEY)


def windows(scenarios: Scenarios, calendar: SessionCalendar, last: date) -> Iterator[Window]:
    """The sessions of each scenario that is over by ``last``; one older than the calendar, or without a session, has none."""
    for scenario in scenarios.historical:
        within = calendar.between(scenario.start, scenario.end)
        if scenario.end > last or not within or within[0] == calendar.sessions[0]:
            continue
        before = calendar.before(within[0])
        yield Window(
            scenario.scenario_id,
            calendar.before(before, scenarios.margin_sessions),
            before,
            # The end's margin stops at the start: a price from before it has lived through nothing.
            max(within[0], calendar.before(within[-1], scenarios.margin_sessions)),
            within[-1],
        )


def replay_rows(
    vendor: Vendor,
    symbols: Sequence[str],
    bars: pl.DataFrame,
    start: date,
    last: date,
    scenarios: Scenarios,
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
        REPLAY_SCHEMA, at most one row per scenario, end and symbol. A vendor that answers for the run but not for these days
        leaves the scenario without rows, and is not asked for an older one.
    """
    frames, answering = [no_replays()], True
    # Newest first: a vendor whose history is short answers for what it has.
    for window in sorted(windows(scenarios, calendar, last), key=lambda each: (each.opens, each.scenario_id), reverse=True):
        found = bars
        if window.opens < start:
            if not answering:
                continue
            try:
                found = vendor.bars(symbols, window.opens, window.end)
            except VendorError:
                answering = False
                continue
        priced = found.filter(pl.col("symbol").is_in(list(symbols)), pl.col("adj_close").is_finite(), pl.col("adj_close") > 0)
        for first, until in ((window.opens, window.before), (window.closes, window.end)):
            near = priced.filter(pl.col("as_of_date").is_between(first, until)).sort("as_of_date", "symbol")
            ends = near.unique("symbol", keep="last", maintain_order=True)
            frames.append(conform_replays(ends.with_columns(scenario_id=pl.lit(window.scenario_id))))
    return conform_replays(pl.concat(frames))
