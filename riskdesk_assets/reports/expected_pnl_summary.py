"""Rows of expected_pnl as numbers worth a line over time, and as a few lines of markdown."""

from __future__ import annotations

from datetime import date

import polars as pl

from riskdesk_assets.common.session_metadata import Value
from riskdesk_assets.reports.expected_pnl_rows import BUCKET, IDLE, STRATEGY, TOTAL, UNDERPERFORMING

_SHOWN = (
    "capital",
    "employed",
    "expected_week",
    "expected_day",
    "expected_day_employed",
    "realized",
    "window_realized",
    "window_expected",
    "window_employed",
)


def expected_numbers(rows: pl.DataFrame) -> dict[date, dict[str, Value | None]]:
    """Per session: the total's figures, each busy bucket's expected and realized P&L, and how many lag behind."""
    found: dict[date, dict[str, Value | None]] = {}
    for row in rows.iter_rows(named=True):
        numbers = found.setdefault(row["as_of_date"], {"rows": 0, "underperforming": 0})
        numbers["rows"] = int(numbers["rows"] or 0) + 1
        if row["status"] == UNDERPERFORMING:
            numbers["underperforming"] = int(numbers["underperforming"] or 0) + 1
        if row["scope"] == STRATEGY or row["status"] == IDLE:
            continue
        suffix = "" if row["scope"] == TOTAL else f"_{row['name']}"
        for name in (
            "expected_day",
            "expected_day_employed",
            "expected_week",
            "realized",
            "window_realized",
            "window_expected",
            "window_employed",
            "realized_ratio",
            "employed_ratio",
        ):
            numbers[f"{name}{suffix}"] = row[name]
    return found


def expected_digest(rows: pl.DataFrame) -> str:
    """Markdown: the newest session's buckets and total, expected against realized."""
    session: date | None = max(rows["as_of_date"].to_list(), default=None)
    newest = rows.filter(pl.col("as_of_date") == session, pl.col("status") != IDLE)
    shown = [row for scope in (BUCKET, TOTAL) for row in newest.filter(pl.col("scope") == scope).to_dicts()]
    if not shown:
        return f"### {session}\n\nNothing was given, held or earned."
    lines = [
        f"### {session}: market regime {shown[-1]['market_regime'] or 'unknown'}",
        "",
        "| bucket | allocated | employed | expected a week on allocated | a day | a day on employed | realized today | "
        "realized lately | expected on allocated | expected on employed | of employed | judged on employed |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    lines += [
        f"| {row['name']} | {' | '.join(_dollars(row[name]) for name in _SHOWN)} | "
        f"{_share(row['employed_ratio'])} over {row['window_sessions']} sessions | "
        f"{str(row['status']).replace('_', ' ').lower()} |"
        for row in shown
    ]
    return "\n".join(lines)


def _dollars(value: object) -> str:
    if not isinstance(value, float):
        return "-"
    return f"{'-' if value < 0 else ''}${abs(value):,.0f}"


def _share(value: object) -> str:
    return f"{value:.0%}" if isinstance(value, float) else "-"
