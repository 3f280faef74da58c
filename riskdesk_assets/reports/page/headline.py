"""The first screen: what was released, what it earned, how large and how risky it is, and what must not be missed."""

from __future__ import annotations

from collections.abc import Sequence

from riskdesk_assets.common.money import CASH
from riskdesk_assets.reports.page.blocks import Banner, Fact, Facts, Section
from riskdesk_assets.reports.page.content import PageContent, Row, number, parsed
from riskdesk_assets.reports.page.numerals import NOTHING, count, dollars, percent, plain
from riskdesk_assets.reports.regime_axes import NO_REGIMES, RegimeAxes, regime_axes, tape_words

_SOURCES = {
    "SIMULATED": "sample market: simulated prices, no real market",
    "FILES": "bars from files",
    "FMP": "bars from FMP",
}
_STATUSES = {
    "RELEASED": ("", "", ""),
    "RELEASED_BY_GOVERNOR": (
        "warn",
        "Released by the governor",
        "The optimizer gave no book that passed its audit; the mechanical governor built this one.",
    ),
    "BLOCKED": ("alarm", "Blocked", "No book was released: the positions of the session before stand."),
    "FAILED_CLOSED": ("alarm", "Failed closed", "No book was computed: the positions of the session before stand."),
}
_FINDINGS_SHOWN = 8


def state_of(content: PageContent) -> Row:
    """The session's row of desk_state; empty where there is none."""
    rows = content.rows("desk_state")
    return rows[0] if rows else {}


def released(content: PageContent) -> bool:
    """Whether a book was released."""
    return bool(state_of(content).get("released"))


def book_cents(content: PageContent) -> dict[str, int]:
    """Symbol -> signed cents held after the session, CASH left out: the released book, else the positions that stand."""
    found: dict[str, int] = {}
    rows = content.rows("ideal_portfolio") if released(content) else content.rows("desk_positions")
    for row in rows:
        if not row.get("is_cash") and row["symbol"] != CASH:
            found[str(row["symbol"])] = found.get(str(row["symbol"]), 0) + int(str(row["notional_cents"]))
    return found


def risk_metrics(content: PageContent) -> dict[str, object]:
    """The risk report's metrics of the desk's own portfolio; empty where there are none."""
    for row in content.own("portfolio_risk_reports"):
        found = parsed(row, "risk_metrics")
        if isinstance(found, dict):
            return found
    return {}


def session_pnl(content: PageContent) -> float | None:
    """Equity less that of the session before (NAV before the first), in dollars; None where either is not known."""
    state, nav = state_of(content), content.config.desk.nav
    after, day = number(state, "equity"), state.get("previous_session")
    if after is None:
        return None
    if day is None:
        return after - nav
    before = next((row for row in content.history("desk_state") if row["as_of_date"] == day), {})
    equity = number(before, "equity")
    return None if equity is None else after - equity


def headline(content: PageContent) -> Section:
    """The grid of figures below the title."""
    nav = content.config.desk.nav
    state = state_of(content)
    book = book_cents(content)
    gross, net = sum(map(abs, book.values())), sum(book.values())
    equity = number(state, "equity")
    pnl, earned = session_pnl(content), number(state, "pnl_gross")
    before_costs = "" if earned is None else f"{dollars(earned, signed=True)} before costs"
    items = [
        Fact("P&L of the session", dollars(pnl, signed=True), before_costs, _tone(pnl)),
        Fact(
            "P&L since the start",
            dollars(None if equity is None else equity - nav, signed=True),
            "",
            _tone((equity or nav) - nav),
        ),
        Fact("Equity", dollars(equity), f"static NAV {dollars(nav)}"),
        Fact("Gross", dollars(gross / 100), f"{percent(gross / 100 / nav)} of NAV"),
        Fact("Net", dollars(net / 100), f"{percent(net / 100 / nav, signed=True)} of NAV"),
        Fact("Names", count(len(book)), f"{count(len(_held_tickets(content)))} tickets held"),
        *_risk_facts(content, nav),
        *_regime_facts(axes_of(content)),
    ]
    return Section(
        "headline",
        "The session",
        [
            Facts(
                "desk_state, ideal_portfolio, desk_positions, portfolio_risk_reports, market_regime, instrument_state",
                items,
            )
        ],
    )


def banners(content: PageContent) -> Sequence[Banner]:
    """What stands above everything else: the source, the release where it is not plain, and findings in the bars."""
    found = []
    if content.source == "SIMULATED":
        found.append(Banner("note", "Simulated", "Sample market: no price on this page is a real one."))
    state = state_of(content)
    status, reason = str(state.get("release_status", "")), str(state.get("release_reason") or "")
    tone, word, text = _STATUSES.get(status, ("alarm", status or "No state", "The session has no usable desk state."))
    if tone:
        found.append(Banner(tone, word, f"{text} {reason[:1].upper() + reason[1:]}".strip()))
    bad = [row for row in content.rows("bar_findings") if row["severity"] in ("ERROR", "WARN")]
    bad.sort(key=lambda row: (row["severity"] != "ERROR", str(row["symbol"]), str(row["check_name"])))
    if bad:
        errors = sum(row["severity"] == "ERROR" for row in bad)
        told = "; ".join(f"{row['symbol']} {row['message']}" for row in bad[:_FINDINGS_SHOWN])
        more = f"; and {len(bad) - _FINDINGS_SHOWN} more in bar_findings" if len(bad) > _FINDINGS_SHOWN else ""
        word = f"Data: {_counted(errors, 'error')}, {_counted(len(bad) - errors, 'warning')}"
        found.append(Banner("alarm" if errors else "warn", word, told + more))
    return found


def source_words(content: PageContent) -> str:
    """The price source in words."""
    return _SOURCES.get(content.source, content.source)


def axes_of(content: PageContent) -> RegimeAxes:
    """The session's market regime, and the tape regime of every name."""
    tables = [content.frames.get(name) for name in ("market_regime", "instrument_state")]
    market, names = tables
    return NO_REGIMES if market is None or names is None else regime_axes(market, names)


def _regime_facts(axes: RegimeAxes) -> list[Fact]:
    """The two axes, each under its own name."""
    scores = f"volatility z {plain(axes.volatility_z, signed=True)}, dispersion z {plain(axes.dispersion_z, signed=True)}"
    return [
        Fact("Market regime", axes.market or NOTHING, f"{scores}; source {axes.volatility_source or 'none'}"),
        Fact("Tape regimes", tape_words(axes) if axes.tape else NOTHING, "names, each with its own"),
    ]


def _held_tickets(content: PageContent) -> set[str]:
    return {str(row["ticket_id"]) for row in content.rows("desk_positions")}


def _risk_facts(content: PageContent, nav: float) -> list[Fact]:
    """Volatility, VaR and expected shortfall of the risk report; the desk's state speaks where there is none."""
    metrics, state = risk_metrics(content), state_of(content)
    daily = number(metrics, "volatility")
    if daily is None:
        daily = number(state, "ex_ante_volatility")
    found = []
    if daily is not None:
        found.append(Fact("Ex-ante volatility a day", dollars(daily * nav), f"{percent(daily, 2)} of NAV"))
    for name, key in (("VaR 95", "var_95"), ("VaR 99", "var_99"), ("ES 95", "es_95"), ("ES 99", "es_99")):
        share = number(metrics, key)
        if share is None:
            share = number(state, key)
        if share is not None:
            found.append(Fact(f"{name}, one day", dollars(share * nav), f"{percent(share, 2)} of NAV"))
    return found


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _tone(value: float | None) -> str:
    return "" if not value else "good" if value > 0 else "bad"
