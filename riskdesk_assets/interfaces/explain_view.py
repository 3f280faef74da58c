"""The story of a ticket or a symbol on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from riskdesk_assets.book.clips import enlarges, where
from riskdesk_assets.features.pair_health import PairHealth
from riskdesk_assets.interfaces.explain import ClipRow, SymbolStory, TicketStory
from riskdesk_assets.interfaces.explain_stages import units_said
from riskdesk_assets.interfaces.run_summary import LimitLine
from riskdesk_assets.interfaces.terminal import amount, banner, counted, dollars, escaped, release_style, signed, table
from riskdesk_assets.limits.catalogue import limit_words
from riskdesk_assets.reports.ticket_pnl import TicketPnl
from riskdesk_assets.strategy.budget_cuts import MULTIPLIERS

if TYPE_CHECKING:
    from rich.console import Console

LISTED = 12


def show_ticket(out: Console, story: TicketStory) -> None:
    """Signal and controller, the waterfall, each clip in words, and the limits around it."""
    _head(out, story, f"{story.ticket_id}  [bold]{story.leg_a} / {story.leg_b}[/]")
    intent = story.intent
    terms = [
        str(intent.get("orientation", "")),
        f"conviction {intent['conviction']}" if "conviction" in intent else "",
        f"horizon {intent['horizon_days']} sessions" if "horizon_days" in intent else "",
        f"expires {intent['expires_on']}" if "expires_on" in intent else "",
        f"{intent.get('status', 'not in the folder any more')}".replace("_", " ").lower(),
    ]
    out.print(f"intent       {escaped(', '.join(filter(None, terms)))}")
    if story.sizing.get("base_size") is not None:
        out.print(f"sizing       {escaped(_sizing(story.sizing))}")
    z = "-" if story.zscore is None else f"{story.zscore:+.2f}"
    beta = "-" if story.beta is None else f"{story.beta:.3f}"
    out.print(f"controller   z {z}   beta {beta}   units {units_said(story.units)}   {escaped(story.reason)}")
    if story.health is not None:
        out.print(f"pair         {_health(story.health)}")
    if story.warnings:
        out.print(f"warns of     [yellow]{escaped('; '.join(story.warnings))}[/]")
    if story.halt:
        out.print(f"halt         [bold red]{escaped(story.halt)}[/]")
    for line in story.held:
        frozen = "   [bold red]frozen[/]" if line.frozen else ""
        held = f"{line.shares:+,} {line.symbol} at {line.price:,.2f} = {dollars(line.notional, 2)}"
        out.print(f"holds        {held}   since {line.entered_on}, {line.age_sessions} sessions{frozen}")
    if not story.held:
        out.print("holds        nothing")
    if story.pnl is not None:
        out.print(f"P&L          {pnl_words(story.pnl, story.sessions_left)}")
    if story.guards:
        out.print(f"guards       {escaped(story.guards)}")
    found = table("stage", ">gross", f">{story.leg_a}", f">{story.leg_b}", "")
    for stage in story.stages:
        legs = ["" if leg is None else dollars(leg) for leg in (stage.leg_a, stage.leg_b)]
        found.add_row(stage.name, dollars(stage.gross), *legs, escaped(stage.note))
    out.print()
    out.print(found)
    _gate(out, story)
    _clips(out, story.clips)
    _limits(out, story.limits)


def pnl_words(pnl: TicketPnl, left: int | None) -> str:
    """What a position made net of costs, on the newest session of which it is known and since entry; then its time stop."""
    stop = "" if left is None else "; time stop due" if left == 0 else f"; time stop in {counted(left, 'session')}"
    if pnl.last is None or pnl.since_entry is None:
        return f"pending: known once the next session has prices{stop}"
    books = counted(pnl.sessions, "session")
    return f"{signed(pnl.last)} on {pnl.known_on}, {signed(pnl.since_entry)} since entry ({books}), net of costs{stop}"


def _health(health: PairHealth) -> str:
    """How the pair fares, in one line: p of the cointegration test, sessions without a cross of the mean."""
    life = "no half-life" if health.half_life is None else f"half-life {health.half_life:.1f} sessions"
    figures = (
        ("p", health.pvalue, ".3f"),
        ("correlation", health.correlation, ".2f"),
        ("sd of beta", health.beta_stability, ".3f"),
    )
    known = (f"{name} {value:{digits}}" for name, value, digits in figures if value is not None)
    return "   ".join((life, *known, f"no cross for {health.no_cross_sessions}"))


def _gate(out: Console, story: TicketStory) -> None:
    """The gatekeeper's audit trail, in the order of its checks."""
    if not story.gate:
        return
    found = table("check", "outcome", ">from", ">to", "", title="Gatekeeper, check by check")
    for line in story.gate:
        style = {"PASS": "", "ADJUST": "yellow"}.get(line.outcome, "bold red")
        cells = (line.check.replace("_", " "), line.outcome, dollars(line.gross_before), dollars(line.gross_after))
        found.add_row(*cells, escaped(line.note), style=style)
    out.print()
    out.print(found)


def show_symbol(out: Console, story: SymbolStory) -> None:
    """Tickets and how they net, the limits that touch the symbol, and what clipped its tickets."""
    price = "no bar" if story.price is None else f"close {story.price:,.2f}"
    _head(out, story, f"[bold]{story.symbol}[/]  {escaped(story.name)}, {escaped(story.group)}, {price}")
    found = table("ticket", "leg", ">units", ">shares", ">notional", "controller", "since")
    for answer in story.tickets:
        line = answer.held
        cells = ["", "", ""] if line is None else [f"{line.shares:+,}", dollars(line.notional, 2), str(line.entered_on)]
        style = "dim" if line is None else ""
        found.add_row(answer.ticket_id, answer.leg, units_said(answer.units), *cells[:2], answer.reason, cells[2], style=style)
    found.add_section()
    found.add_row("[bold]net[/]", "", "", f"[bold]{story.shares:+,}[/]", f"[bold]{dollars(story.net, 2)}[/]", "", "")
    if story.ideal_shares not in (None, story.shares):
        found.add_row("ideal portfolio", "", "", f"{story.ideal_shares:+,}", "", "", "")
    found.add_row("gross before netting", "", "", "", dollars(story.gross, 2), "", "")
    out.print()
    out.print(found if story.tickets else "No ticket trades it.")
    _clips(out, story.clips)
    _limits(out, story.limits)


def _sizing(row: Mapping[str, Any]) -> str:
    """The way of a strategy's capital, factor by factor, to this ticket's share of it."""
    way = [dollars(row["base_size"])]
    for name, column in MULTIPLIERS.items():
        if column in ("conviction_multiplier", "return_risk_multiplier", "regime_adjustment") or row[column] != 1.0:
            way.append(f"x {row[column]:.3g} {name.replace('_', ' ')}")
    hedge = f", hedge ratio {row['hedge_ratio']:.3f}" if "hedge_ratio" in row else ""
    capital = f"{' '.join(way)} = {dollars(row['capital'])}"
    return f"{row['strategy_name']} ({row['bucket']}): {capital}, share {row['share']:.1%}{hedge}"


def _head(out: Console, story: TicketStory | SymbolStory, title: str) -> None:
    out.print(f"{banner(story.source)}   {story.session}   [{release_style(story.status)}]{story.status}[/]")
    out.print(title)
    tape = ", ".join(f"{symbol} {regime}{_stress(story, symbol)}" for symbol, regime in story.tape_regimes.items())
    out.print(f"regimes      market {story.market_regime or 'unknown'}   tape {escaped(tape or 'unknown')}")
    if not story.released:
        out.print("[bold red]No book was released[/]: what is held is what stood before.")
        out.print(f"why          {escaped(story.release_reason)}")


def _stress(story: TicketStory | SymbolStory, symbol: str) -> str:
    """The spread that highs and lows suggest: an indicator of stress, and no cost of the desk's."""
    found = story.stress_bps.get(symbol)
    return "" if found is None else f" (stress {found:.0f} bp)"


def _clips(out: Console, clips: Sequence[ClipRow]) -> None:
    if not clips:
        out.print("\nNothing clipped it.")
        return
    larger = [enlarges(clip.stage, clip.value_in, clip.value_out) for clip in clips]
    title = "Clips and scalings" if any(larger) else "Clips"
    found = table("stage", "limit", ">bound", ">from", ">to", "why", title=f"{title}, in the order they happened")
    several = len({clip.ticket_id for clip in clips}) > 1
    for clip, grows in zip(clips, larger, strict=True):
        why = f"{clip.ticket_id}: {clip.reason}" if several else clip.reason
        stage = f"{clip.stage} {'enlarges' if grows else where(clip.stage, clip.symbol)}".strip()
        values = (amount(clip.value_in, clip.unit), amount(clip.value_out, clip.unit))
        found.add_row(stage, escaped(clip.limit), _bound(clip), *values, escaped(why))
    out.print()
    out.print(found)


def _bound(clip: ClipRow) -> str:
    """The volatility target is a fraction of NAV, everything else dollars."""
    if clip.bound is None:
        return "-"
    return f"{clip.bound:.2%}" if clip.stage == "VOL_TARGET" else dollars(clip.bound)


def _limits(out: Console, limits: Sequence[LimitLine]) -> None:
    if not limits:
        return
    found = table("limit", ">measured", ">bound", ">used", "", ">$/day per $", title="Limits it counts in")
    for line in limits[:LISTED]:
        used = "-" if line.utilization is None else f"{line.utilization:.1%}"
        style = {"AMBER": "yellow", "BREACH": "bold red"}.get(line.status, "")
        price = "" if line.price is None else f"{line.price:.6f}"
        cells = (amount(line.measured, line.unit), amount(line.bound, line.unit), used)
        found.add_row(escaped(limit_words(line.name)), *cells, "" if line.status == "OK" else line.status, price, style=style)
    out.print()
    out.print(found)
    if len(limits) > LISTED:
        out.print(f"[dim]and {len(limits) - LISTED} less used; --json has them all[/]")
