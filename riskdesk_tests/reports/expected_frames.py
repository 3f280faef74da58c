"""Hand-made tables for the rows of expected_pnl: a desk of a few strategies, its budgets, positions and P&L by session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.expected_pnl_rows import EXPECTED_PNL, READ_TABLES, expected_pnl_rows
from riskdesk_tests.desk_builder import calendar

Money = Mapping[date, Mapping[str, float]]  # session -> ticket -> dollars
RV_TICKET, SPREAD_TICKET = "jpm-bac", "gs-ms"
STRATEGIES: Mapping[str, tuple[str, str]] = {RV_TICKET: ("banks", "RV"), SPREAD_TICKET: ("brokers", "Spread")}


def tables_of(
    sessions: Sequence[date],
    *,
    regimes: Mapping[date, str | None] | str = "Normal",
    budgets: Money | Mapping[str, float] | None = None,
    held: Money | None = None,
    realized: Money | None = None,
    owners: Mapping[str, tuple[str, str]] = STRATEGIES,
) -> dict[str, pl.DataFrame]:
    """The tables the rows read. ``realized`` of a session is of the book of the session before it in ``sessions``."""
    given = budgets if budgets is not None else {RV_TICKET: 1_000_000.0}
    by_day: Money = given if all(isinstance(key, date) for key in given) else dict.fromkeys(sessions, given)  # type: ignore[assignment, arg-type]
    market = [
        {
            "as_of_date": day,
            "volatility_source": "^VIX",
            "volatility_z": 0.5,
            "dispersion_z": 0.5,
            "regime": regimes if isinstance(regimes, str) else regimes.get(day),
        }
        for day in sessions
    ]
    budget_rows = [
        {
            "as_of_date": day,
            "strategy_name": owners[ticket][0],
            "ticket_id": ticket,
            "max_gross_notional": dollars,
            "budget": dollars,
            "reason": "",
        }
        for day in sessions
        for ticket, dollars in by_day.get(day, {}).items()
    ]
    named = sorted({(row["as_of_date"], owners[str(row["ticket_id"])]) for row in budget_rows}, key=str)
    library = [
        {
            "as_of_date": day,
            "strategy_name": strategy,
            "bucket": bucket,
            "signal_type": "mean_reversion",
            "status": "active",
            "conviction": "Medium",
            "ticket_count": 1,
        }
        for day, (strategy, bucket) in named
    ]
    return {
        "market_regime": TABLES["market_regime"].frame(market),
        "strategy_budgets": frame("strategy_budgets", budget_rows),
        "strategy_library": frame("strategy_library", library),
        "desk_positions": frame("desk_positions", [_position(*item) for item in _flat(held or {})]),
        "realized_pnl": frame("realized_pnl", list(_realized(sessions, realized or {}))),
        EXPECTED_PNL: TABLES[EXPECTED_PNL].frame([]),
    }


def frame(name: str, rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Rows of a table; columns nobody gave are null."""
    table = TABLES[name]
    return table.frame([{**dict.fromkeys(table.columns), **row} for row in rows])


def computed(config: Config, tables: Mapping[str, pl.DataFrame], sessions: Sequence[date]) -> pl.DataFrame:
    """The rows of the sessions."""
    return expected_pnl_rows(config, tables, sessions, calendar().sessions)


def cut(tables: Mapping[str, pl.DataFrame], reach: Mapping[str, int], first: date, last: date) -> dict[str, pl.DataFrame]:
    """The tables as the asset reads them for a range: each as far back as ``reach`` says."""
    found = {}
    for name in READ_TABLES:
        day = TABLES[name].partition
        start = calendar().before(first, reach[name]) if reach[name] else first
        found[name] = tables[name].filter(pl.col(day).is_between(start, last))
    return found


def row_of(rows: pl.DataFrame, session: date, scope: str, name: str) -> dict[str, object]:
    """One row."""
    (found,) = rows.filter(pl.col("as_of_date") == session, pl.col("scope") == scope, pl.col("name") == name).to_dicts()
    return found


def _flat(money: Money) -> list[tuple[date, str, float]]:
    return [(day, ticket, dollars) for day, tickets in money.items() for ticket, dollars in tickets.items()]


def _position(day: date, ticket: str, dollars: float) -> dict[str, object]:
    return {
        "as_of_date": day,
        "ticket_id": ticket,
        "leg": "A",
        "symbol": "JPM",
        "shares": 1,
        "notional_cents": round(dollars * 100),
    }


def _realized(sessions: Sequence[date], realized: Money) -> list[dict[str, object]]:
    before = dict(zip(sessions[1:], sessions, strict=False))
    return [
        {
            "realized_on": day,
            "as_of_date": before[day],
            "next_date": day,
            "status": "OK",
            "ticket_id": ticket,
            "symbol": "JPM",
            "pnl_net": dollars,
        }
        for day, ticket, dollars in _flat(realized)
    ]
