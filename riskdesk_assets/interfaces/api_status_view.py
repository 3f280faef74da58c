"""What the status page shows, as text: every number formatted, nothing left to the template but its place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.money import CASH
from riskdesk_assets.gatekeeper.config import RPMConfig
from riskdesk_assets.gatekeeper.health import health_status
from riskdesk_assets.gatekeeper.kill_switches import KillSwitchState, measures
from riskdesk_assets.gatekeeper.schemas import TradeDecision
from riskdesk_assets.interfaces.api_desk import reported_sessions
from riskdesk_assets.interfaces.api_gate import DESK, View
from riskdesk_assets.interfaces.api_server import Server
from riskdesk_assets.interfaces.api_trail import decision_of
from riskdesk_assets.interfaces.run_summary import DeskSummary
from riskdesk_assets.interfaces.terminal import dollars

_REPORTS = 5
_TONES = {"ACTIVE": "good", "REDUCING": "amber", "HALTED": "bad"}


@dataclass(frozen=True)
class Stopped:
    """One account and whether it trades."""

    account: str
    who: str
    state: str
    tone: str
    why: str
    since: str
    until: str


@dataclass(frozen=True)
class Switch:
    """One kill switch: reading, limit, and the share of the limit that is used, in percent."""

    name: str
    reading: str
    limit: str
    used: float
    tone: str


@dataclass(frozen=True)
class DecisionLine:
    """One decision."""

    at: str
    symbol: str
    side: str
    status: str
    tone: str
    units: str
    notional: str
    why: str


@dataclass(frozen=True)
class PositionLine:
    """One position of the API's account."""

    symbol: str
    units: str
    pending: str
    price: str
    exposure: str


@dataclass(frozen=True)
class BookLine:
    """One line of the desk's book."""

    symbol: str
    shares: str
    price: str
    notional: str
    tickets: str


@dataclass(frozen=True)
class Book:
    """The desk's newest book."""

    session: str
    source: str
    status: str
    released: bool
    reason: str
    lines: tuple[BookLine, ...]
    gross: str
    limits: tuple[str, ...]
    market_regime: str
    tape_regimes: str


@dataclass(frozen=True)
class StatusView:
    """The whole page."""

    health: str
    tone: str
    at: str
    accounts: tuple[Stopped, ...]
    facts: tuple[tuple[str, str, str], ...]
    switches: tuple[Switch, ...]
    decisions: tuple[DecisionLine, ...]
    positions: tuple[PositionLine, ...]
    book: Book | None
    reports: tuple[str, ...]
    problem: str
    writes: bool
    config_hash: str
    sequence: int


def status_view(server: Server) -> StatusView:
    """The page's content as things are now."""
    view, config, summary = server.gate.view, server.config, server.desk.summary
    switches = view.portfolio.switches
    health = str(health_status(view.portfolio, view.metrics, config)["health"])
    return StatusView(
        health=health,
        tone={"HEALTHY": "good", "WARNING": "amber"}.get(health, _TONES.get(health, "bad")),
        at=_time(server.gate.now()),
        accounts=(_rest(switches), _desk(view)),
        facts=_facts(view, config),
        switches=_switches(switches, config),
        decisions=tuple(_decision(server, number) for number in range(len(server.memory.newest) - 1, -1, -1)),
        positions=tuple(
            PositionLine(
                symbol,
                f"{one.units:,.2f}",
                _pending(one.buying, one.selling),
                f"{one.price:,.4f}",
                dollars(one.value),
            )
            for symbol, one in sorted(view.portfolio.account.positions.items())
        ),
        book=None if summary is None else _book(summary),
        reports=tuple(str(day) for day in reported_sessions(server.paths.runs, _REPORTS)),
        problem=server.desk.problem,
        writes=server.token is not None,
        config_hash=config.hash,
        sequence=view.sequence,
    )


def _pending(buying: float, selling: float) -> str:
    """Units that wait; of two sides both, for they do not offset each other."""
    return f"{buying:+,.2f} and {selling:+,.2f}" if buying and selling else f"{buying + selling:,.2f}"


def _rest(switches: KillSwitchState) -> Stopped:
    state = switches.state.value
    by = f"{switches.trigger}: {switches.reason} (by {switches.by})" if switches.trigger is not None else ""
    until = "" if switches.resume_from is None else f"a resume is accepted from {_time(switches.resume_from)}"
    since = "" if switches.since is None else _time(switches.since)
    return Stopped("rest", "this API's account", state, _TONES[state], by, since, until)


def _desk(view: View) -> Stopped:
    found = next((one for one in view.halts if one.account == DESK), None)
    if found is None:
        return Stopped("desk", "the desk's books", "ACTIVE", "good", "", "", "")
    until = "" if found.resume_from is None else f"a resume is accepted from {_time(found.resume_from)}"
    why = f"{found.trigger}: {found.reason} (by {found.by})"
    return Stopped("desk", "the desk's books", found.state, _TONES[found.state], why, _time(found.at), until)


def _facts(view: View, config: RPMConfig) -> tuple[tuple[str, str, str], ...]:
    portfolio, account, metrics = view.portfolio, view.portfolio.account, view.metrics
    rate = f"{metrics.approval_rate:.0%} approved" if metrics.total_decisions else "none yet"
    capital = config.total_capital
    return (
        ("Equity", dollars(portfolio.equity), f"of {dollars(capital)} capital"),
        ("P&L of the day", dollars(portfolio.daily_pnl), f"week {dollars(portfolio.weekly_pnl)}"),
        ("Gross exposure", dollars(account.exposures.gross), f"at most {dollars(config.max_gross_exposure * capital)}"),
        ("Positions", str(len(account.positions)), f"at most {config.max_concurrent_positions}"),
        ("Decisions", f"{metrics.total_decisions:,}", rate),
    )


def _switches(switches: KillSwitchState, config: RPMConfig) -> tuple[Switch, ...]:
    seen, capital = measures(switches), config.total_capital
    daily, weekly = config.daily_loss_limit * capital, config.weekly_loss_limit * capital
    drawdown, in_day = config.max_drawdown, config.max_daily_drawdown
    return (
        _switch("Drawdown", f"{seen.drawdown:.2%}", f"{drawdown:.0%}", seen.drawdown / drawdown, config),
        _switch("Drawdown of the day", f"{seen.daily_drawdown:.2%}", f"{in_day:.0%}", seen.daily_drawdown / in_day, config),
        _switch("Loss of the day", dollars(max(0.0, -seen.daily_pnl)), dollars(daily), -seen.daily_pnl / daily, config),
        _switch("Loss of the week", dollars(max(0.0, -seen.weekly_pnl)), dollars(weekly), -seen.weekly_pnl / weekly, config),
    )


def _switch(name: str, reading: str, limit: str, used: float, config: RPMConfig) -> Switch:
    share = min(1.0, max(0.0, used))
    tone = "bad" if used > 1 else "amber" if used >= config.amber_fraction else ""
    return Switch(name, reading, limit, round(100 * share, 1), tone)


def _decision(server: Server, number: int) -> DecisionLine:
    record = server.memory.newest[number]
    try:
        decision: TradeDecision = decision_of(record)
    except StateError:
        return DecisionLine(_time(record.at), "?", "", "UNREADABLE", "bad", "", "", f"journal row {record.sequence}")
    trade, refused = decision.approved_trade, decision.rejected_trade
    why = "" if refused is None else f"{refused.rejection_reason.value}: {refused.detail}"
    if trade is not None and trade.binding_constraint:
        why = f"bound by {trade.binding_constraint.replace('_', ' ')}"
    return DecisionLine(
        at=_time(record.at),
        symbol=decision.intent.symbol,
        side="long" if decision.intent.direction > 0 else "short",
        status=decision.status.value,
        tone={"APPROVED": "good", "ADJUSTED": "amber"}.get(decision.status.value, "bad"),
        units="" if trade is None else f"{trade.position_units:,.2f}",
        notional="" if trade is None else dollars(trade.notional),
        why=why,
    )


def _book(summary: DeskSummary) -> Book:
    newest = summary.newest
    return Book(
        session=str(newest.session),
        source=summary.source,
        status=newest.status.replace("_", " "),
        released=newest.released,
        reason=newest.reason,
        lines=tuple(
            BookLine(
                line.symbol,
                "" if line.shares is None else f"{line.shares:+,}",
                "" if line.price is None else f"{line.price:,.2f}",
                dollars(line.notional, 2),
                ", ".join(line.tickets),
            )
            for line in summary.book
            if line.symbol != CASH or line.notional_cents
        ),
        gross=_gross(summary),
        limits=tuple(
            f"{line.name} {line.utilization:.0%}" if line.utilization is not None else line.name
            for line in summary.limits
            if line.status != "OK"
        ),
        market_regime=summary.market_regime or "unknown",
        tape_regimes=", ".join(f"{count} {regime}" for regime, count in summary.tape_regimes.items()) or "unknown",
    )


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _gross(summary: DeskSummary) -> str:
    """The book's gross, and what the desk holds where that is another book."""
    newest = summary.newest
    if summary.desk_holds is None or newest.ideal_gross is None:
        return dollars(newest.gross)
    return f"ideal {dollars(newest.ideal_gross)}, desk holds {dollars(newest.gross)}"
