"""What a session's page is made of: rows of tables, configuration and source. Nothing else reaches the page."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES

# Charts, and P&L since entry, show a year of sessions, the newest included; of yesterday's positions one is enough.
CHART_SESSIONS = 250
EARLIER_SESSIONS: Mapping[str, int] = {
    "desk_state": CHART_SESSIONS - 1,
    "desk_positions": 1,
    "expected_pnl": CHART_SESSIONS - 1,
    "realized_pnl": CHART_SESSIONS - 1,
}

Row = dict[str, object]


@dataclass(frozen=True)
class PageContent:
    """One session's rows (``frames``) and what the page shows of the sessions before it (``earlier``), by table."""

    session: date
    config: Config
    source: str
    snapshot_id: str
    code_version: str
    frames: Mapping[str, pl.DataFrame]
    earlier: Mapping[str, pl.DataFrame]

    def rows(self, table: str) -> list[Row]:
        """The session's rows of a table in key order; empty where there is none."""
        frame = self.frames.get(table)
        return [] if frame is None else frame.to_dicts()

    def frame(self, table: str) -> pl.DataFrame:
        """The session's rows of a table; an empty frame where there are none."""
        return self.frames.get(table, TABLES[table].frame([]))

    def own(self, table: str) -> list[Row]:
        """The session's rows of a table that are about the desk's own portfolio."""
        return [row for row in self.rows(table) if row["portfolio_id"] == self.config.desk.portfolio_id]

    def history(self, table: str) -> list[Row]:
        """Rows of the sessions before and of this one, oldest first."""
        before = self.earlier.get(table)
        return [*([] if before is None else before.to_dicts()), *self.rows(table)]


def page_content(
    *,
    config: Config,
    source: str,
    snapshot_id: str,
    code_version: str,
    session: date,
    frames: Mapping[str, pl.DataFrame],
    prior: Mapping[str, pl.DataFrame],
) -> PageContent:
    """Cut the rows a session's page may show, so that it is the same page alone and at the end of a range.

    Args:
        frames: rows of a run's sessions by table; those after ``session`` are left out.
        prior: rows of sessions before the run's first.
    """
    today, earlier = {}, {}
    for name, table in TABLES.items():
        rows = frames.get(name)
        if rows is None:
            continue
        day = pl.col(table.partition)
        today[name] = table.conform(rows.filter(day == session))
        if name in EARLIER_SESSIONS:
            parts = [rows, *([prior[name]] if name in prior else [])]
            before = table.conform(pl.concat([table.conform(part) for part in parts]).filter(day < session).unique(table.key))
            shown = before[table.partition].unique().sort().tail(EARLIER_SESSIONS[name])
            earlier[name] = before.filter(day.is_in(shown.implode()))
    return PageContent(session, config, source, snapshot_id, code_version, today, earlier)


def parsed(row: Mapping[str, object], column: str) -> object:
    """A JSON column's value; None where it is missing, null or no JSON."""
    text = row.get(column)
    try:
        return json.loads(text) if isinstance(text, str) and text else None
    except ValueError:
        return None


def number(row: Mapping[str, object], *columns: str) -> float | None:
    """The first of the columns that holds a finite number."""
    for column in columns:
        value = row.get(column)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return None
