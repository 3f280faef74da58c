"""The PM's part of the page: what each strategy has and why, capital by bucket and conviction, and how they move together."""

from __future__ import annotations

from riskdesk_assets.reports.page.blocks import Block, Cell, Column, Section, Table
from riskdesk_assets.reports.page.charts import share_bar
from riskdesk_assets.reports.page.content import PageContent, Row, number
from riskdesk_assets.reports.page.numerals import NOTHING, count, dollars, percent, plain
from riskdesk_assets.strategy.allocation import bucket_lines, correlation_matrix, tier_lines

_WARM, _HOT = 0.3, 0.6
# A matrix wider than this is for the file, not for a page.
_MOST_NAMES = 16


def strategies_section(content: PageContent) -> Section | None:
    """Sizes, summaries and the heat map; None where budgets are off, for then there are no sizes."""
    sizes = content.rows("strategy_sizes")
    if not sizes:
        return None
    regime = next((row["regime"] for row in content.rows("market_regime")), None)
    lead = f"Market regime {regime}. " if regime else "The market regime is not known: the most cautious adjustment holds. "
    lead += "Final size is the recommended size within its bucket, times the adjustments; the tickets share it."
    blocks: list[Block] = [_sizes(content, sizes), _buckets(content, sizes), _tiers(content, sizes)]
    heat = _heat(content)
    return Section("strategies", "Strategies", [*blocks, *([heat] if heat else [])], lead)


def _sizes(content: PageContent, sizes: list[Row]) -> Table:
    library = {row["strategy_name"]: row for row in content.rows("strategy_library")}
    lines = []
    for row in sorted(sizes, key=lambda row: (-(number(row, "final_size") or 0.0), str(row["strategy_name"]))):
        strategy = library.get(row["strategy_name"], {})
        idle = "" if number(row, "final_size") else "dim"
        lines.append(
            (
                Cell(str(row["strategy_name"]), idle),
                Cell(str(row["bucket"]), idle),
                Cell(str(strategy.get("conviction", NOTHING)), idle),
                Cell(dollars(number(row, "recommended_size")), idle),
                Cell(_factor(row, "bucket_multiplier", "strategy_cap_multiplier"), idle),
                Cell(_factor(row, "regime_adjustment", "regime_fit"), idle),
                Cell(_factor(row, "correlation_adjustment"), idle),
                Cell(dollars(number(row, "final_size")), idle),
                Cell(percent(number(row, "risk_contribution")), idle),
                Cell(count(int(str(row["ticket_count"]))), idle),
                Cell(plain(number(strategy, "score")), idle),
                Cell(str(row["reason"] or ""), "dim"),
            )
        )
    columns = (
        Column("Strategy", "text"),
        Column("Bucket", "text"),
        Column("Conviction", "text"),
        Column("Recommended"),
        Column("x caps"),
        Column("x regime"),
        Column("x correlation"),
        Column("Final"),
        Column("of the budgets' risk"),
        Column("Tickets"),
        Column("Score"),
        Column("", "text"),
    )
    note = (
        "Of the budgets' risk: its share of the variance that all budgets would have if they were used whole; who makes the "
        "risk of the book is under Risk."
    )
    return Table("strategy-sizes", "Capital, largest first", "strategy_sizes, strategy_library", columns, lines, note=note)


def _factor(row: Row, *columns: str) -> str:
    product = 1.0
    for column in columns:
        product *= number(row, column) or 0.0
    return plain(product, 3)


def _buckets(content: PageContent, sizes: list[Row]) -> Table:
    config, named = content.config, {row["bucket"] for row in sizes}
    lines = [
        (
            Cell(line.bucket),
            Cell("", drawing=share_bar(line.cap_used or 0.0)),
            Cell(dollars(line.allocated)),
            Cell(dollars(line.cap)),
            Cell(dollars(line.final)),
            Cell(count(line.strategies)),
        )
        for line in bucket_lines(sizes, config.sizing, config.desk.nav)
        if line.bucket in named
    ]
    columns = (
        Column("Bucket", "text"),
        Column("of its cap", "bar"),
        Column("Allocated to strategies"),
        Column("Cap"),
        Column("Final"),
        Column("Strategies"),
    )
    note = (
        "Allocated to strategies: within the bucket's cap, before the adjustments and before the tickets' own caps. What is "
        "left of it after both is allocated to tickets, under Expected P&L."
    )
    return Table("buckets", "Capital by bucket", "strategy_sizes", columns, lines, note=note)


def _tiers(content: PageContent, sizes: list[Row]) -> Table:
    lines = [
        (
            Cell(line.tier),
            Cell("", drawing=share_bar(line.share)),
            Cell(dollars(line.final)),
            Cell(percent(line.share)),
            Cell(count(line.strategies)),
        )
        for line in tier_lines(sizes, content.rows("strategy_library"))
    ]
    columns = (Column("Conviction", "text"), Column("of all", "bar"), Column("Capital"), Column("Share"), Column("Strategies"))
    return Table("convictions", "Capital by conviction", "strategy_sizes, strategy_library", columns, lines)


def _heat(content: PageContent) -> Table | None:
    names, matrix = correlation_matrix(content.rows("strategy_correlations"))
    if not 1 < len(names) <= _MOST_NAMES:
        return None
    lines = [(Cell(row), *(_heat_cell(row, name, matrix.get((row, name))) for name in names)) for row in names]
    columns = (Column("", "text"), *(Column(name) for name in names))
    note = f"Amber from {_WARM:g}, red from {_HOT:g}: what moves together costs each of the two capital."
    caption = "Correlation of the strategies' P&L streams, each on the side it bets on today"
    return Table("heat", caption, "strategy_correlations", columns, lines, note=note)


def _heat_cell(row: str, name: str, value: float | None) -> Cell:
    if row == name:
        return Cell("1", "dim")
    tone = "" if value is None or value < _WARM else "amber" if value < _HOT else "bad"
    return Cell(plain(value), tone)
