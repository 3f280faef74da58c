"""The first screen: what was released, what it earned, how large and how risky it is, and what must not be missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from riskdesk_assets.common.money import CASH
from riskdesk_assets.market.quality import finding_words
from riskdesk_assets.reports.limit_change_words import generous, limit_change_words, limits_changed
from riskdesk_assets.reports.model_warnings import failed_checks
from riskdesk_assets.reports.page.blocks import Banner, Fact, Facts, Section
from riskdesk_assets.reports.page.content import PageContent, Row, number, parsed
from riskdesk_assets.reports.page.numerals import NOTHING, count, dollars, percent, plain
from riskdesk_assets.reports.regime_axes import NO_REGIMES, RegimeAxes, regime_axes

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
    """Symbol -> signed cents, CASH left out: the ideal portfolio where it was released, else the positions that stand."""
    return _summed(content, "ideal_portfolio" if released(content) else "desk_positions", "notional_cents")


def held_cents(content: PageContent) -> dict[str, int]:
    """Symbol -> signed cents of what the desk itself holds after the session."""
    return _summed(content, "desk_positions", "notional_cents")


def held_shares(content: PageContent) -> dict[str, int]:
    """Symbol -> signed shares of what the desk itself holds after the session."""
    return _summed(content, "desk_positions", "shares")


def stands_apart(content: PageContent) -> bool:
    """Whether the desk follows its guards (paper, enforce), so that what it holds may be another book than the ideal one."""
    return released(content) and content.config.desk.guards.mode != "shadow"


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
        *_size_facts(content, nav),
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
    """What stands above everything else: the source, the release where it is not plain, halts, changed limits, what the checks
    of the risk model reject, and findings in the bars.
    """
    found = []
    if content.source == "SIMULATED":
        found.append(Banner("note", "Simulated", "Sample market: no price on this page is a real one."))
    state = state_of(content)
    status, reason = str(state.get("release_status", "")), str(state.get("release_reason") or "")
    tone, word, text = _STATUSES.get(status, ("alarm", status or "No state", "The session has no usable desk state."))
    if tone:
        found.append(Banner(tone, word, f"{text} {reason[:1].upper() + reason[1:]}".strip()))
    found.extend(_halt_banners(content, state))
    found.extend(_limit_banners(content))
    failed = failed_checks(content.rows("model_checks"), content.config.desk.portfolio_id)
    if failed:
        found.append(Banner("warn", f"Risk model: {_counted(len(failed), 'failed check')}", f"{'; '.join(failed)}."))
    bad = [row for row in content.rows("bar_findings") if row["severity"] in ("ERROR", "WARN")]
    bad.sort(key=lambda row: (row["severity"] != "ERROR", str(row["symbol"]), str(row["check_name"])))
    if bad:
        errors = sum(row["severity"] == "ERROR" for row in bad)
        told = "; ".join(finding_words(str(row["symbol"]), str(row["message"])) for row in bad[:_FINDINGS_SHOWN])
        more = f"; and {len(bad) - _FINDINGS_SHOWN} more in bar_findings" if len(bad) > _FINDINGS_SHOWN else ""
        word = f"Data: {_counted(errors, 'error')}, {_counted(len(bad) - errors, 'warning')}"
        found.append(Banner("alarm" if errors else "warn", word, told + more))
    return found


def _halt_banners(content: PageContent, state: Row) -> Iterator[Banner]:
    """What the kill switches or a person stopped."""
    trading = str(state.get("trading_state") or "ACTIVE")
    if trading != "ACTIVE":
        why = f"Since {state.get('halt_since')}: {state.get('halt_reason')} ({state.get('halt_trigger')})."
        text = f"{why} {_what_a_halt_does(trading, content)}"
        yield Banner("alarm", f"The desk is {trading}", text)
    tickets = str(state.get("halted_tickets") or "")
    if tickets:
        names = tickets.split(",")
        text = f"{', '.join(names)}: a leg's volatility reached the shock ratio, or a person stopped it."
        yield Banner("warn", f"{_counted(len(names), 'ticket')} halted", text)


def _what_a_halt_does(trading: str, content: PageContent) -> str:
    if not released(content):
        return "Nothing is added."
    if trading != "HALTED":
        return "Positions may only shrink: nothing is added."
    if content.config.desk.gatekeeper.on_halt == "hold":
        return "What is held stands: nothing trades."
    return "Every position that can trade is closed, and nothing is added."


def _limit_banners(content: PageContent) -> Iterator[Banner]:
    """Limits that are not what they were the session before."""
    rows = content.frames.get("limit_changes")
    changes = () if rows is None else limits_changed(rows)
    if changes:
        said = limit_change_words(changes)
        yield Banner("warn" if generous(changes) else "note", "Limits changed", f"{said[:1].upper()}{said[1:]}.")


def source_words(content: PageContent) -> str:
    """The price source in words."""
    return _SOURCES.get(content.source, content.source)


def axes_of(content: PageContent) -> RegimeAxes:
    """The session's market regime, and the tape regime of every name."""
    market, names = content.frames.get("market_regime"), content.frames.get("instrument_state")
    return NO_REGIMES if market is None or names is None else regime_axes(market, names)


def _regime_facts(axes: RegimeAxes) -> list[Fact]:
    """The two axes, each under its own name."""
    scores = f"volatility z {plain(axes.volatility_z, signed=True)}, dispersion z {plain(axes.dispersion_z, signed=True)}"
    known = Fact("Market regime", axes.market or NOTHING, f"{scores}; source {axes.volatility_source or 'none'}")
    counts = sorted(axes.tape_counts.items(), key=lambda item: -item[1])
    said = [f"{count(held)} {regime}" for regime, held in counts] or [NOTHING]
    return [known, Fact("Tape regimes of the names", said[0], ", ".join(said[1:]))]


def _size_facts(content: PageContent, nav: float) -> list[Fact]:
    """Gross, net and names: of the book, and of what the desk holds where that is another one."""
    book = book_cents(content)
    gross, net = _size(book)
    tickets = _counted(len(_held_tickets(content)), "ticket")
    if not stands_apart(content):
        return [
            Fact("Gross", dollars(gross), f"{percent(gross / nav)} of NAV"),
            Fact("Net", dollars(net), f"{percent(net / nav, signed=True)} of NAV"),
            Fact("Names", count(len(book)), f"{tickets} held"),
        ]
    held = held_cents(content)
    held_gross, held_net = _size(held)
    return [
        Fact("Gross, ideal", dollars(gross), f"{percent(gross / nav)} of NAV; desk holds {dollars(held_gross)}"),
        Fact("Net, ideal", dollars(net), f"{percent(net / nav, signed=True)} of NAV; desk holds {dollars(held_net)}"),
        Fact("Names, ideal", count(len(book)), f"desk holds {count(len(held))}, of {tickets}"),
    ]


def _size(book: Mapping[str, int]) -> tuple[float, float]:
    """Gross and net in dollars."""
    return sum(map(abs, book.values())) / 100, sum(book.values()) / 100


def _summed(content: PageContent, table: str, column: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in content.rows(table):
        if not row.get("is_cash") and row["symbol"] != CASH:
            found[str(row["symbol"])] = found.get(str(row["symbol"]), 0) + int(str(row[column]))
    return found


def _held_tickets(content: PageContent) -> set[str]:
    return {str(row["ticket_id"]) for row in content.rows("desk_positions")}


def _risk_facts(content: PageContent, nav: float) -> list[Fact]:
    """Volatility, VaR and expected shortfall of the risk report; the desk's state speaks where there is none."""
    of_nav = "of NAV, as the desk holds" if stands_apart(content) else "of NAV"
    metrics, state = risk_metrics(content), state_of(content)
    daily = number(metrics, "volatility")
    if daily is None:
        daily = number(state, "ex_ante_volatility")
    found = []
    if daily is not None:
        found.append(Fact("Ex-ante volatility a day", dollars(daily * nav), f"{percent(daily, 2)} {of_nav}"))
    for name, key in (("VaR 95", "var_95"), ("VaR 99", "var_99"), ("ES 95", "es_95"), ("ES 99", "es_99")):
        share = number(metrics, key)
        if share is None:
            share = number(state, key)
        if share is not None:
            found.append(Fact(f"{name}, one day", dollars(share * nav), f"{percent(share, 2)} {of_nav}"))
    return found


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _tone(value: float | None) -> str:
    return "" if not value else "good" if value > 0 else "bad"
