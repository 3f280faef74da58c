"""The guards' shadow report as one HTML file that needs nothing else: totals, charts, other guards, month by month."""

from __future__ import annotations

from functools import cache
from itertools import accumulate

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from riskdesk_assets.reports.page.charts import Line, Panel, line_chart, share_bar
from riskdesk_assets.reports.shadow_range import StoredShadow, periods

_HEIGHT = 150


def shadow_page(found: StoredShadow) -> str:
    """The page of a range; the same report gives the same bytes."""
    report, drawn = found.report, periods(found)
    most = max((max(one.turnover_naive, one.turnover_guarded) for one in drawn), default=0.0)
    return _template().render(
        found=found,
        report=report,
        charts=_charts(found) if report.sessions > 1 else [],
        drawn=[(one, *(_bar(part, most) for part in (one.turnover_naive, one.turnover_guarded))) for one in drawn],
        by="session" if len(drawn) == report.sessions else "month",
        widest=max((abs(one.turnover_reduction or 0.0) for one in found.variants), default=0.0),
        bar=share_bar,
        dollars=_dollars,
        share=_share,
    )


def _charts(found: StoredShadow) -> list[tuple[str, object]]:
    rows = found.report.rows
    dates = [row.session.isoformat() for row in rows]
    cost_naive = list(accumulate(row.cost_naive for row in rows))
    cost_guarded = list(accumulate(row.cost_guarded for row in rows))
    ahead = list(accumulate(row.pnl_guarded - row.pnl_naive for row in rows))
    net = [gain + saved - paid for gain, saved, paid in zip(ahead, cost_naive, cost_guarded, strict=True)]
    far = [row.distance / row.gross if row.gross else None for row in rows]
    return [
        (
            "Cost so far: rebalancing every session (solid), guarded (dashed)",
            line_chart(
                "cost",
                "Cumulative cost in dollars",
                f"Every session: {_dollars(cost_naive[-1])}; following the guards: {_dollars(cost_guarded[-1])}.",
                dates,
                [Panel([Line("every session", cost_naive), Line("guarded", cost_guarded, "dashed")], _HEIGHT, _dollars, True)],
            ),
        ),
        (
            "P&L of the guarded book less the other, so far: after costs (solid), before (dashed)",
            line_chart(
                "ahead",
                "Cumulative difference in P&L in dollars",
                f"At the end {_dollars(net[-1])} after costs, {_dollars(ahead[-1])} before.",
                dates,
                [Panel([Line("after costs", net), Line("before costs", ahead, "dashed")], _HEIGHT, _dollars, True)],
            ),
        ),
        (
            "Distance of the guarded book from the ideal portfolio, share of its gross",
            line_chart(
                "distance",
                "Distance from the ideal portfolio",
                f"On average {_share(found.report.mean_distance)} of the ideal portfolio's gross.",
                dates,
                [Panel([Line("distance", far)], _HEIGHT, _share, True)],
            ),
        ),
    ]


def _bar(value: float, most: float) -> object:
    return share_bar(value / most if most else 0.0)


def _dollars(value: float | None) -> str:
    if value is None:
        return "-"
    text = f"${abs(value):,.0f}"
    return f"-{text}" if value < 0 and text != "$0" else text


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


@cache
def _template() -> Template:
    loader = PackageLoader("riskdesk_assets.reports.page", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("shadow.html")
