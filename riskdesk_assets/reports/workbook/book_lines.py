"""The book itself as lines of a workbook: headline, limits, scenarios, and how much more of each name fits."""

from __future__ import annotations

from collections.abc import Mapping

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.reports.page.content import PageContent, Row, number
from riskdesk_assets.reports.page.headline import book_cents, held_cents, risk_metrics, session_pnl, stands_apart, state_of
from riskdesk_assets.reports.page.risk import scenario_losses
from riskdesk_assets.reports.workbook.content import Figure, LimitLine, NameRoom, ScenarioLine

_SCENARIO_LIMIT = "scenario_loss:"
_CENTS = 100


def headline(page: PageContent) -> list[Figure]:
    """The session's first figures, in two lines of seven."""
    nav, state, book = page.config.desk.nav, state_of(page), book_cents(page)
    equity, metrics = number(state, "equity"), risk_metrics(page)
    audit = page.rows("limit_audit")
    amber, breached = (sum(row["status"] == word for row in audit) for word in ("AMBER", "BREACH"))
    apart = stands_apart(page)
    tickets, names = {str(row["ticket_id"]) for row in page.rows("desk_positions")}, len(held_cents(page) if apart else book)
    risks = [
        Figure(label, _share(metrics, state, key), "percent2", "of NAV a day, desk's book" if apart else "of NAV, one day")
        for label, key in (("Volatility", "volatility"), ("VaR 95", "var_95"), ("VaR 99", "var_99"), ("ES 99", "es_99"))
    ]
    return [
        Figure("NAV", nav, "dollars", "static: what limits are measured in"),
        Figure("Equity", equity, "dollars", "NAV and all P&L since"),
        Figure("P&L of the session", session_pnl(page), "dollars", "after costs"),
        *_sizes(page, book, nav),
        Figure("Tickets held", float(len(tickets)), "count", f"in {names} names"),
        Figure("Limits", float(len(audit)), "count", f"{amber} amber, {breached} breached"),
        *risks,
        Figure("Drawdown", number(metrics, "drawdown_realized"), "percent2", "largest, realized"),
        Figure("Leverage", number(metrics, "leverage"), "multiple", "desk's gross / NAV" if apart else "gross / NAV"),
        Figure("Days to liquidate", number(metrics, "days_to_liquidate"), "number", "at the desk's share of volume"),
    ]


def _sizes(page: PageContent, book: Mapping[str, int], nav: float) -> list[Figure]:
    """Gross and net of the book; beside them those of what the desk holds, where that is another one."""
    gross, net = sum(map(abs, book.values())) / _CENTS, sum(book.values()) / _CENTS
    if not stands_apart(page):
        return [
            Figure("Gross", gross, "dollars", f"{gross / nav:.1%} of NAV"),
            Figure("Net", net, "dollars", f"{net / nav:.1%} of NAV"),
        ]
    held = held_cents(page).values()
    return [
        Figure("Gross, ideal", gross, "dollars", _desk_holds(sum(map(abs, held)) / _CENTS, nav)),
        Figure("Net, ideal", net, "dollars", _desk_holds(sum(held) / _CENTS, nav)),
    ]


def _desk_holds(dollars: float, nav: float) -> str:
    return f"desk holds {'-' if dollars < 0 else ''}${abs(dollars):,.0f} ({dollars / nav:.1%})"


def limit_lines(page: PageContent) -> list[LimitLine]:
    """Every audited limit, fullest first."""
    found = []
    for row in page.rows("limit_audit"):
        unit = "count" if row["unit"] == "count" else "dollars"
        scale = 1 if unit == "count" else TICKS_PER_DOLLAR
        found.append(
            LimitLine(
                name=str(row["limit_name"]),
                family=str(row["family"]),
                mode=str(row["mode"]),
                unit=unit,
                measured=int(str(row["measured"])) / scale,
                bound=int(str(row["bound"])) / scale,
                used=number(row, "utilization"),
                price=number(row, "price_of_limit"),
                status=str(row["status"]),
                source=str(row["source"]),
            )
        )
    return sorted(found, key=lambda line: (line.status != "BREACH", -(line.used if line.used is not None else -1.0), line.name))


def scenario_lines(page: PageContent) -> list[ScenarioLine]:
    """Every scenario that was measured, worst first, with the loss the desk may come to in it."""
    config, nav = page.config.scenarios, page.config.desk.nav
    about = {item.scenario_id: ("parametric", item.description) for item in config.parametric}
    about |= {item.scenario_id: ("historical", item.description) for item in config.historical}
    limits = {line.name: line.bound for line in limit_lines(page)}
    said = _notes(page)
    return [
        ScenarioLine(name, *about.get(name, ("", "")), share * nav, limits.get(f"{_SCENARIO_LIMIT}{name}"), said.get(name, ""))
        for name, share in scenario_losses(page)
    ]


def name_rooms(page: PageContent) -> list[NameRoom]:
    """Every name of the desk's own book and those it may buy, by symbol, with the first limit in the way of more."""
    nav = page.config.desk.nav
    return [
        NameRoom(
            symbol=str(row["instrument_id"]),
            position=(number(row, "weight") or 0.0) * nav,
            buy=number(row, "headroom_up"),
            buy_limit=str(row["headroom_up_limit"] or ""),
            sell=number(row, "headroom_down"),
            sell_limit=str(row["headroom_down_limit"] or ""),
        )
        for row in sorted(page.own("risk_contributions"), key=lambda row: str(row["instrument_id"]))
    ]


def _notes(page: PageContent) -> dict[str, str]:
    """Scenario -> what its returns leave out: names of the book that did not trade then, and notes of the scenario itself."""
    book = book_cents(page)
    proxied: dict[str, list[str]] = {}
    notes: dict[str, set[str]] = {}
    for row in page.rows("scenarios"):
        name, symbol = str(row["scenario_id"]), str(row["symbol"])
        if row["proxied"] and symbol in book:
            proxied.setdefault(name, []).append(symbol)
        if row["note"]:
            notes.setdefault(name, set()).add(str(row["note"]))
    found = {name: "; ".join(sorted(said)) for name, said in notes.items()}
    for name, symbols in proxied.items():
        stood_in = f"no bars then, others stand in: {', '.join(sorted(symbols))}"
        found[name] = f"{found[name]}; {stood_in}" if name in found else stood_in
    return found


def _share(metrics: Mapping[str, object], state: Row, key: str) -> float | None:
    """A figure of the risk report; the desk's state speaks where there is none."""
    value = number(metrics, key)
    return value if value is not None else number(state, "ex_ante_volatility" if key == "volatility" else key)
