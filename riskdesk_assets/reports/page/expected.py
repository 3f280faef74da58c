"""What the desk should earn and what it earned: today's expectation by bucket, the last sessions against theirs, a chart."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from riskdesk_assets.common.expected_pnl_settings import ExpectedPnlSettings
from riskdesk_assets.reports.expected_pnl_rows import (
    BUCKET,
    EXPECTED_PNL,
    IDLE,
    NOT_EMPLOYED,
    ON_TRACK,
    STRATEGY,
    TOO_FEW,
    TOTAL,
    UNDERPERFORMING,
)
from riskdesk_assets.reports.page.blocks import Block, Cell, Column, Fact, Facts, Figure, Section, Table
from riskdesk_assets.reports.page.charts import Line, Panel, line_chart
from riskdesk_assets.reports.page.content import PageContent, Row, number
from riskdesk_assets.reports.page.numerals import count, dollars, percent, plain
from riskdesk_assets.reports.posture import NEUTRAL, RISK_OFF, session_posture

_STATUSES = {
    UNDERPERFORMING: "underperforming",
    ON_TRACK: "on track",
    TOO_FEW: "too few sessions",
    NOT_EMPLOYED: "not employed",
}
_SVG = "http://www.w3.org/2000/svg"
_STYLE = (
    ".line{fill:none;stroke:#1a5a8a;stroke-width:1.6}.line.dashed{stroke:#333;stroke-dasharray:4 3}"
    ".line.dotted{stroke:#333;stroke-dasharray:1.5 3}.grid{stroke:#ccc}.zero{stroke:#888}"
    "text{font:11px sans-serif;fill:#555}text.end{text-anchor:end}"
)
_TONES = {UNDERPERFORMING: "amber", ON_TRACK: "good"}
_TWO_EXPECTATIONS = (
    "Two expectations are told: of the capital allocated, the budgets in force, and of that employed, the gross of what was "
    "held overnight. Budgets are ceilings, together more than a book may hold at once, so the status is judged on the capital "
    "employed. "
)
_TWO_PNLS = (
    "P&L of the session, at the top, is what was held overnight made by this close, less today's trades and last night's "
    "borrow; what became known today is the same book's, less the trades and the borrow of the session that made it."
)


def expected_section(content: PageContent) -> Section | None:
    """Facts, buckets, strategies and cumulated P&L; None where the session has no row of expected_pnl."""
    rows = content.rows(EXPECTED_PNL)
    total = next((row for row in rows if row["scope"] == TOTAL), None)
    if total is None:
        return None
    buckets = [row for row in rows if row["scope"] == BUCKET and row["status"] != IDLE]
    strategies = [row for row in rows if row["scope"] == STRATEGY]
    blocks: list[Block] = [
        _facts(content, total),
        _buckets(buckets, total),
        _judged(buckets, total, content.config.desk.expected_pnl),
        *_strategies(strategies),
        *_charts(content, buckets),
    ]
    regime = total["market_regime"]
    lead = (
        f"Market regime {regime}: budgets in force x the bucket's weekly return x its factor in that regime; a day is a fifth "
        "of a week. What became known is held against what the session before expected of it. " + _TWO_EXPECTATIONS + _TWO_PNLS
        if regime
        else "The market regime is not known, so nothing can be expected."
    )
    return Section("expected", "Expected P&L", blocks, lead)


def _facts(content: PageContent, total: Row) -> Facts:
    week, target = number(total, "week_realized"), number(total, "week_target")
    sessions = content.config.desk.expected_pnl.window_sessions
    stance = session_posture(content.rows(EXPECTED_PNL), content.rows("proposals"), content.config.desk.expected_pnl)
    return Facts(
        "expected_pnl; market_regime, proposals",
        [
            Fact("Expected next session", dollars(number(total, "expected_day"), signed=True), _next(total)),
            Fact(
                "Became known today",
                dollars(number(total, "realized"), signed=True),
                f"expected of it {_on_both(total, 'forecast', 'forecast_employed')}",
                _tone(number(total, "realized")),
            ),
            Fact(
                "This week so far",
                dollars(week, signed=True),
                f"target {dollars(target, signed=True)} on allocated",
                _tone(week),
            ),
            Fact(
                f"Last {sessions} sessions",
                dollars(number(total, "window_realized"), signed=True),
                f"expected {_on_both(total, 'window_expected', 'window_employed')}",
                _tone(number(total, "window_realized")),
            ),
            Fact(
                "Judged on employed",
                _status(total).capitalize(),
                f"realized is {percent(number(total, 'employed_ratio'), 0)} of expected on employed, "
                f"{percent(number(total, 'realized_ratio'), 0)} on allocated",
                _TONES.get(str(total["status"]), ""),
            ),
            Fact(
                "Posture",
                stance.stance.capitalize(),
                f"advice only: {stance.words}",
                "" if stance.stance == NEUTRAL else "bad" if stance.stance == RISK_OFF else "good",
            ),
        ],
    )


def _next(row: Row) -> str:
    employed, week = (dollars(number(row, name), signed=True) for name in ("expected_day_employed", "expected_week"))
    return f"on allocated, {employed} on employed; a week {week} on allocated"


def _on_both(row: Row, allocated: str, employed: str) -> str:
    """Two columns of the row, each with the capital it is of."""
    given, held = (dollars(number(row, name), signed=True) for name in (allocated, employed))
    return f"{given} on allocated, {held} on employed"


def _status(row: Row) -> str:
    status = str(row["status"])
    return _STATUSES.get(status, status.lower())


def _buckets(buckets: Sequence[Row], total: Row) -> Table:
    columns = (
        Column("Bucket", "text"),
        Column("Allocated to tickets"),
        Column("Employed"),
        Column("Weekly return"),
        Column("x factor"),
        Column("Expected week"),
        Column("Expected day"),
        Column("Day on employed"),
        Column("Known today"),
        Column("Expected of it"),
    )
    return Table(
        name="expected",
        caption="Each bucket in today's market regime, and what became known of what was expected",
        source="expected_pnl",
        columns=columns,
        rows=[_line(row) for row in buckets],
        total=_line(total),
        note="Allocated to tickets: the budgets in force, after the tickets' own caps; expected is of it unless it says "
        "employed. Employed: gross of the positions held.",
    )


def _line(row: Row) -> tuple[Cell, ...]:
    return (
        Cell(_name(row)),
        Cell(dollars(number(row, "capital"))),
        Cell(dollars(number(row, "employed"))),
        Cell(percent(number(row, "base_return"), 2) if row["scope"] != TOTAL else ""),
        Cell(plain(number(row, "env_factor")) if row["scope"] != TOTAL else ""),
        Cell(dollars(number(row, "expected_week"))),
        Cell(dollars(number(row, "expected_day"))),
        Cell(dollars(number(row, "expected_day_employed"))),
        Cell(dollars(number(row, "realized"), signed=True)),
        Cell(dollars(number(row, "forecast"), signed=True)),
    )


def _judged(buckets: Sequence[Row], total: Row, settings: ExpectedPnlSettings) -> Table:
    columns = (
        Column("Bucket", "text"),
        Column("Sessions"),
        Column("Realized"),
        Column("Expected on allocated"),
        Column("of it"),
        Column("Expected on employed"),
        Column("of it"),
        Column("Status", "text"),
    )
    return Table(
        name="expected-judged",
        caption="Realized against expected, judged on the capital employed",
        source="expected_pnl",
        columns=columns,
        rows=[_judged_line(row) for row in buckets],
        total=_judged_line(total),
        note=f"Of the last {count(settings.window_sessions)} sessions with an expectation. Underperforming: realized below "
        f"{percent(settings.underperforming_below, 0)} of what was expected on employed.",
    )


def _judged_line(row: Row) -> tuple[Cell, ...]:
    return (
        Cell(_name(row)),
        Cell(count(int(number(row, "window_sessions") or 0))),
        Cell(dollars(number(row, "window_realized"), signed=True)),
        Cell(dollars(number(row, "window_expected"), signed=True)),
        Cell(percent(number(row, "realized_ratio"), 0)),
        Cell(dollars(number(row, "window_employed"), signed=True)),
        Cell(percent(number(row, "employed_ratio"), 0)),
        Cell(_status(row), _TONES.get(str(row["status"]), "")),
    )


def _name(row: Row) -> str:
    return "Total" if row["scope"] == TOTAL else str(row["name"])


def _strategies(rows: Sequence[Row]) -> list[Table]:
    if not rows:
        return []
    worst = sorted(
        rows, key=lambda row: (row["status"] != UNDERPERFORMING, number(row, "window_realized") or 0.0, str(row["name"]))
    )
    lagging = sum(row["status"] == UNDERPERFORMING for row in rows)
    lines = [
        (
            Cell(str(row["name"])),
            Cell(str(row["bucket"]), "dim"),
            Cell(dollars(number(row, "capital"))),
            Cell(dollars(number(row, "employed"))),
            Cell(dollars(number(row, "expected_day"))),
            Cell(dollars(number(row, "realized"), signed=True)),
            Cell(_status(row), _TONES.get(str(row["status"]), "")),
            Cell(str(row["message"] or "")),
        )
        for row in worst
    ]
    columns = (
        Column("Strategy", "text"),
        Column("Bucket", "text"),
        Column("Allocated to tickets"),
        Column("Employed"),
        Column("Expected day"),
        Column("Known today"),
        Column("Status", "text"),
        Column("What it says", "prose"),
    )
    folded = f"{count(len(rows))} strateg{'y' if len(rows) == 1 else 'ies'}, {count(lagging)} underperforming"
    return [Table("expected-strategies", "Strategies, the laggards first", "expected_pnl", columns, lines, folded=folded)]


def _charts(content: PageContent, buckets: Sequence[Row]) -> list[Figure]:
    """Cumulated P&L of the total and, where several are busy, of each bucket; none before the second session."""
    history = [row for row in content.history(EXPECTED_PNL) if row["scope"] in (BUCKET, TOTAL)]
    names = [str(row["name"]) for row in buckets] if len(buckets) > 1 else []
    found = []
    for scope, name in ((TOTAL, TOTAL), *((BUCKET, name) for name in names)):
        rows = [row for row in history if row["scope"] == scope and row["name"] == name]
        if len(rows) >= 2:
            found.append(_chart("total" if scope == TOTAL else name, rows))
    return found


def chart_image(rows: Sequence[Row]) -> str | None:
    """The total's cumulated P&L as a ``data:`` image that stands alone, for where no page can be shown.

    Args:
        rows: of expected_pnl, oldest first; None is returned for fewer than two sessions.
    """
    total = [row for row in rows if row["scope"] == TOTAL]
    if len(total) < 2:
        return None
    drawing = str(_chart("total", total).drawing).replace("<svg ", f'<svg xmlns="{_SVG}" ', 1)
    head, rest = drawing.split(">", 1)
    return f"data:image/svg+xml;base64,{b64encode(f'{head}><style>{_STYLE}</style>{rest}'.encode()).decode()}"


def _chart(name: str, rows: Sequence[Row]) -> Figure:
    realized, expected, employed = cumulated(rows)
    title = f"{name[:1].upper()}{name[1:]}: cumulated P&L and what was expected"
    described = (
        f"Realized over {len(rows)} sessions: {dollars(realized[-1], signed=True)}; expected of the capital allocated: "
        f"{dollars(expected[-1], signed=True)}, of what was employed: {dollars(employed[-1], signed=True)}."
    )
    lines = [Line("realized", realized), Line("expected", expected, "dashed"), Line("expected on employed", employed, "dotted")]
    panels = (Panel(lines, 130, lambda value: f"{dollars(value / 1000)}k", with_zero=True),)
    dates = [str(row["as_of_date"]) for row in rows]
    drawing = line_chart(f"chart-expected-{name.lower()}", title, described, dates, panels)
    capital = "expected of allocated (dashed) and of employed capital (dotted)"
    caption = f"{name[:1].upper()}{name[1:]}, cumulated: realized (solid), {capital}. {described}"
    return Figure(caption, "expected_pnl: realized, forecast, forecast_employed", drawing)


def cumulated(rows: Sequence[Row]) -> tuple[list[float], list[float], list[float]]:
    """Running sums of realized, expected and expected-on-employed P&L over the sessions on which something was expected."""
    sums = [0.0, 0.0, 0.0]
    lines: tuple[list[float], list[float], list[float]] = ([], [], [])
    for row in rows:
        if number(row, "forecast") is not None:
            for place, name in enumerate(("realized", "forecast", "forecast_employed")):
                sums[place] += number(row, name) or 0.0
        for line, value in zip(lines, sums, strict=True):
            line.append(value)
    return lines


def _tone(value: float | None) -> str:
    return "" if not value else "good" if value > 0 else "bad"
