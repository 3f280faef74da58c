"""What buckets should earn and what they earned, as lines of a workbook: rows of expected_pnl and the two tables behind it."""

from __future__ import annotations

from riskdesk_assets.common.buckets import BUCKETS
from riskdesk_assets.common.regimes import MARKET_REGIMES
from riskdesk_assets.reports.expected_pnl_rows import BUCKET, EXPECTED_PNL, IDLE, TOTAL
from riskdesk_assets.reports.page.content import PageContent, Row, number
from riskdesk_assets.reports.workbook.content import ActualLine, ExpectedLine


def expected_lines(page: PageContent) -> list[ExpectedLine]:
    """Every bucket: the budgets in force in it, its base return, and its factor in every regime."""
    returns, rows = page.config.expected_returns, _rows(page, BUCKET)
    return [
        ExpectedLine(
            bucket,
            number(rows.get(bucket, {}), "capital") or 0.0,
            returns.base_return(bucket),
            {regime: returns.env_factor(bucket, regime) for regime in MARKET_REGIMES},
        )
        for bucket in BUCKETS
    ]


def expected_week(page: PageContent) -> float | None:
    """Of the whole book, in dollars; None where the regime is not known."""
    return number(_rows(page, TOTAL).get(TOTAL, {}), "expected_week")


def actual_lines(page: PageContent) -> list[ActualLine]:
    """Every bucket that is not idle, and the total: expected over the last sessions, realized, and what that says."""
    rows = {name: row for name, row in _rows(page, BUCKET).items() if row["status"] != IDLE}
    return [
        ActualLine(
            name.capitalize() if name == TOTAL else name,
            int(number(row, "window_sessions") or 0),
            number(row, "window_expected"),
            number(row, "window_employed"),
            number(row, "window_realized"),
            number(row, "employed_ratio"),
            str(row["status"]).lower().replace("_", " "),
        )
        for name, row in (*rows.items(), *_rows(page, TOTAL).items())
    ]


def _rows(page: PageContent, scope: str) -> dict[str, Row]:
    return {str(row["name"]): row for row in page.rows(EXPECTED_PNL) if row["scope"] == scope}
