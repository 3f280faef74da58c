"""The last year of the desk: equity and drawdown, gross and net, and the volatility it expected against the one it had."""

from __future__ import annotations

import math
from collections.abc import Sequence

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.sample_statistics import deviation
from riskdesk_assets.reports.page.blocks import Figure, Section
from riskdesk_assets.reports.page.charts import Line, Panel, line_chart
from riskdesk_assets.reports.page.content import PageContent, Row, number, parsed
from riskdesk_assets.reports.page.numerals import dollars, percent

# A month of sessions: the shortest stretch over which a volatility of daily P&L says something.
_REALIZED_WINDOW = 21


def history_section(content: PageContent) -> Section | None:
    """Charts of up to a year of sessions; None before the second session."""
    states = content.history("desk_state")
    if len(states) < 2:
        return None
    nav = content.config.desk.nav
    dates = [str(row["as_of_date"]) for row in states]
    figures = [_equity(states, dates, nav), *_sizes(states, dates, nav), *_volatility(states, dates, nav)]
    return Section("history", "History", figures, f"{len(states)} sessions, {dates[0]} to {dates[-1]}.")


def drawdowns(equities: Sequence[float]) -> list[float]:
    """Each session's fall from the highest equity so far, in dollars, zero or negative."""
    peak, found = -math.inf, []
    for equity in equities:
        peak = max(peak, equity)
        found.append(equity - peak)
    return found


def _equity(states: Sequence[Row], dates: Sequence[str], nav: float) -> Figure:
    equities = [number(row, "equity") or 0.0 for row in states]
    falls = drawdowns(equities)
    described = (
        f"Equity went from {dollars(equities[0])} to {dollars(equities[-1])}; the deepest fall from a peak within these "
        f"sessions was {dollars(min(falls))}, {percent(-min(falls) / nav)} of NAV; today's is {dollars(falls[-1])}."
    )
    panels = (
        Panel([Line("equity", equities)], 110, _thousands),
        Panel([Line("drawdown", falls, "area")], 56, _thousands, with_zero=True),
    )
    drawing = line_chart("chart-equity", "Equity, and below it the drawdown, in dollars", described, dates, panels)
    return Figure(f"Equity (above) and drawdown from its peak (below). {described}", "desk_state: equity", drawing)


def _sizes(states: Sequence[Row], dates: Sequence[str], nav: float) -> list[Figure]:
    held = [net_ticks(row) for row in states]
    if sum(value is not None for value in held) < 2:
        return []
    scale = nav * TICKS_PER_DOLLAR
    gross = [None if ticks is None else sum(map(abs, ticks.values())) / scale for ticks in held]
    net = [None if ticks is None else sum(ticks.values()) / scale for ticks in held]
    described = f"Today gross is {percent(gross[-1])} and net {percent(net[-1], signed=True)} of NAV."
    panels = (Panel([Line("gross", gross), Line("net", net, "dashed")], 120, lambda value: percent(value, 0), with_zero=True),)
    drawing = line_chart("chart-sizes", "Gross and net, of NAV", described, dates, panels)
    return [Figure(f"Gross (solid) and net (dashed), of NAV. {described}", "desk_state: positions of state_json", drawing)]


def _volatility(states: Sequence[Row], dates: Sequence[str], nav: float) -> list[Figure]:
    expected = [number(row, "ex_ante_volatility") for row in states]
    realized = realized_volatility([number(row, "equity") or 0.0 for row in states], nav)
    if sum(value is not None for value in expected) < 2 and sum(value is not None for value in realized) < 2:
        return []
    described = (
        f"Today the model expects {percent(expected[-1], 2)} of NAV a day; the last {_REALIZED_WINDOW} sessions' P&L had "
        f"{percent(realized[-1], 2)}."
    )
    lines = [Line("expected", expected), Line("realized", realized, "dashed")]
    panels = (Panel(lines, 120, lambda value: percent(value, 2), with_zero=True),)
    drawing = line_chart("chart-volatility", "Volatility a day expected and realized, of NAV", described, dates, panels)
    caption = f"Volatility a day, of NAV: expected (solid) and realized over {_REALIZED_WINDOW} sessions (dashed). {described}"
    return [Figure(caption, "desk_state: ex_ante_volatility, equity", drawing)]


def realized_volatility(equities: Sequence[float], nav: float, window: int = _REALIZED_WINDOW) -> list[float | None]:
    """Standard deviation (n - 1) of the last ``window`` daily changes of equity, of NAV; None before there are as many."""
    found: list[float | None] = []
    for place in range(len(equities)):
        changes = [equities[at] - equities[at - 1] for at in range(place - window + 1, place + 1)] if place >= window else []
        spread = deviation(changes)
        found.append(None if spread is None else spread / nav)
    return found


def net_ticks(state: Row) -> dict[str, int] | None:
    """Symbol -> net ticks of 1e-4 dollars held after a session, from its state; None where the state does not say."""
    said = parsed(state, "state_json")
    positions = said.get("positions") if isinstance(said, dict) else None
    if not isinstance(positions, list):
        return None
    found: dict[str, int] = {}
    for position in positions:
        for leg in (position["leg_a"], position["leg_b"]):
            found[leg["symbol"]] = found.get(leg["symbol"], 0) + leg["shares"] * leg["price"]
    return found


def _thousands(value: float) -> str:
    return f"{dollars(value / 1000, 0 if value % 1000 == 0 else 1)}k"
