"""The morning's summary on one screen of 80 columns, and the strategies' quarters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from riskdesk_assets.book.clips import where
from riskdesk_assets.common.words import first_few
from riskdesk_assets.interfaces.behind import Behind
from riskdesk_assets.interfaces.held import TicketsAfter
from riskdesk_assets.interfaces.held_view import show_held_short
from riskdesk_assets.interfaces.morning import ExpectedLine, Morning, TicketChange
from riskdesk_assets.interfaces.run_view import changed_limits, model_line, size_lines
from riskdesk_assets.interfaces.terminal import (
    amount,
    banner,
    compact,
    dollars,
    escaped,
    release_style,
    shortened,
    signed,
    table,
)
from riskdesk_assets.limits.catalogue import limit_words
from riskdesk_assets.reports.expected_pnl_rows import NOT_EMPLOYED, ON_TRACK, TOO_FEW, UNDERPERFORMING
from riskdesk_assets.reports.posture import RISK_OFF, RISK_ON
from riskdesk_assets.reports.regime_axes import market_words, tape_words
from riskdesk_assets.reports.strategy_quarters import StrategyQuarter

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH = 80
_TODAY = "today: last night's book less its own trading costs (session: less today's)"
_NAMED = 3
_HELD = 6  # lines of held tickets on the one screen, less one for each line that not every session has
_BESIDE = 2  # clips, and limits, that leave them room
_REASON = 70
_STANCES = {RISK_ON: "bold green", RISK_OFF: "bold red"}
_STATUSES = {UNDERPERFORMING: "lags", ON_TRACK: "ok", TOO_FEW: "few", NOT_EMPLOYED: "flat"}
_JUDGED = {UNDERPERFORMING: "[yellow]lags[/]", ON_TRACK: "[green]on track[/]"}


def show_morning(out: Console, found: Morning, tickets: TicketsAfter | None = None, behind: Behind | None = None) -> None:
    """Session, regimes, money, posture, halts and tickets in a line each; then buckets, clips and limits.

    ``behind`` says why the book is not of the newest closed session. With ``tickets`` what each of them holds stands in place
    of the buckets, and fewer clips and limits are shown: one screen.
    """
    out.width = min(out.width, WIDTH)
    desk = found.desk
    out.print(f"{banner(found.source)}  profile {found.profile}", soft_wrap=True)
    held = f"{desk.tickets_held} ticket{'' if desk.tickets_held == 1 else 's'} held"
    out.print(f"[bold]{desk.session}[/]  [{release_style(desk.status)}]{desk.status}[/]  {held}  [dim]{desk.run_id}[/]")
    if behind is not None:
        out.print(f"late       [{'yellow' if behind.missing else 'dim'}]{escaped(behind.sentence)}[/]")
    if desk.reason:
        out.print(f"why        {escaped(shortened(desk.reason, 2 * _REASON))}")
    out.print(f"regimes    market {market_words(found.regimes)}")
    out.print(f"           tape {tape_words(found.regimes)}, a name each")
    out.print(_equity(found))
    for word, line in zip(("book", ""), size_lines(desk, found.nav, apart=found.apart), strict=False):
        out.print(f"{word:<10} {line}")
    if found.total is not None:
        out.print(_week(found.total))
        if tickets is None:
            out.print(_window(found.total))
    stance = found.posture
    out.print(f"posture    [{_STANCES.get(stance.stance, 'bold')}]{stance.stance}[/] [dim](advice only)[/]")
    out.print(f"  {escaped(stance.words)}")
    out.print(_halts(found))
    if found.guards:
        out.print(f"guards     {escaped(found.guards)}", no_wrap=True, overflow="ellipsis")
    if found.limits_changed:
        out.print(f"limits     {changed_limits(found.limits_changed, 2 * _REASON)}")
    if found.failed_model_checks:
        out.print(model_line(found.failed_model_checks), no_wrap=True, overflow="ellipsis")
    out.print(f"tickets    {_changes(found.changes)}")
    out.print(_conviction(found))
    if tickets is not None:
        found = _shorter(found, _BESIDE)
    # What not every session has to say, each in a line that may break, takes the room of clips and limits.
    said = (behind is not None) + bool(found.limits_changed) + bool(found.failed_model_checks)
    if said:
        found = _shorter(found, min(len(found.cuts), len(found.limits)) - said)
    if tickets is None:
        _buckets(out, found)
    else:
        out.print()
        apart = bool(found.guards) + found.apart + bool(found.failed_model_checks) + (0 if behind is None else 2)
        show_held_short(out, tickets, desk.session, _HELD - apart)
    _cuts(out, found)
    _limits(out, found)


def _shorter(found: Morning, most: int) -> Morning:
    """With that many clips and limits, at least one of each."""
    return replace(found, cuts=found.cuts[: max(most, 1)], limits=found.limits[: max(most, 1)])


def show_quarters(out: Console, quarters: Sequence[StrategyQuarter]) -> None:
    """A table per quarter, the newest first."""
    if not quarters:
        out.print("No session has expected P&L yet: `riskdesk run` makes it.")
        return
    shown = ""
    listed: Table | None = None
    for one in quarters:
        if one.quarter != shown:
            if listed is not None:
                out.print(listed)
                out.print()
            shown = one.quarter
            columns = (
                "strategy",
                "bucket",
                ">days",
                ">realized",
                ">on given",
                ">of it",
                ">on held",
                ">of it",
                ">hits",
                ">worst",
            )
            listed = table(*columns, title=f"{shown}, dollars: realized, and expected on capital given and on capital held")
            listed.padding = (0, 1, 0, 0)
        assert listed is not None  # noqa: S101 - the first quarter made it
        listed.add_row(
            escaped(one.strategy),
            escaped(one.bucket),
            str(one.sessions),
            f"{one.realized:,.0f}",
            f"{one.expected:,.0f}",
            "-" if one.ratio is None else f"{one.ratio:.0%}",
            f"{one.expected_employed:,.0f}",
            "-" if one.employed_ratio is None else f"{one.employed_ratio:.0%}",
            "-" if one.hit_rate is None else f"{one.hit_rate:.0%}",
            f"{one.worst:,.0f}",
            style="" if one.bucket else "bold",
        )
    out.print(listed)


def _equity(found: Morning) -> str:
    since = found.desk.equity - found.nav
    session = "unknown" if found.pnl_session is None else signed(found.pnl_session)
    fallen = "" if found.drawdown is None else f"   drawdown {found.drawdown:.2%}"
    return f"equity     {dollars(found.desk.equity)}   session {session}   since start {signed(since)}{fallen}"


def _week(total: ExpectedLine) -> str:
    target = "no target yet" if total.week_target is None else f"target {signed(total.week_target)} on capital given"
    expected, held = (
        "unknown" if amount is None else signed(amount) for amount in (total.expected_day, total.expected_day_employed)
    )
    next_session = f"next       session expects {expected} on capital given, {held} on capital held"
    return f"week       {signed(total.week_realized)} so far, {target}\n{next_session}"


def _window(total: ExpectedLine) -> str:
    """How the last sessions are judged, on which expectation, and the other one."""
    if total.status not in _JUDGED:
        return f"judged     not yet: {escaped(total.message or 'nothing was given, held or earned')}"
    realized, given, held = (signed(amount) for amount in (total.window_realized, total.window_expected, total.window_employed))
    days = f"{total.window_sessions} days"
    return f"{days:<10} {_JUDGED[total.status]}: {realized} of {held} expected on held; {given} on given"


def _halts(found: Morning) -> str:
    if not found.halts:
        return "halts      none"
    said = (f"{one.account} {one.state} since {one.since:%Y-%m-%d %H:%M} UTC: {one.reason}" for one in found.halts)
    return f"halts      [bold red]{escaped(shortened('; '.join(said), 2 * _REASON))}[/]"


def _changes(changes: Sequence[TicketChange]) -> str:
    if not changes:
        return "nothing changed since the session before"
    kinds: dict[str, list[str]] = {}
    for one in changes:
        kinds.setdefault(one.change.replace("_", " ").lower(), []).append(one.ticket_id)
    return escaped("; ".join(f"{kind} {first_few(names, _NAMED)}" for kind, names in sorted(kinds.items())))


def _conviction(found: Morning) -> str:
    tiers = [f"{line.tier} {line.strategies} ({line.share:.0%})" for line in found.conviction if line.strategies]
    return f"conviction {'  '.join(tiers) or 'no strategy is sized'}"


def _buckets(out: Console, found: Morning) -> None:
    if found.total is None:
        out.print("\nNo expected P&L of this session yet: `riskdesk run` makes it.")
        return
    capped = any(line.cap is not None for line in found.buckets)
    columns = ["bucket", ">given", *([">cap"] if capped else []), ">held", ">exp/day", ">today"]
    listed = table(*columns, f">{found.total.window_sessions} days", ">on given", ">on held", "")
    listed.padding = (0, 0, 0, 0)  # six buckets with caps fit into 80 columns
    for line in (*found.buckets, found.total):
        cap = [] if not capped else ["-" if line.cap is None else compact(line.cap)]
        listed.add_row(
            escaped("total" if line is found.total else line.name),
            compact(line.allocated),
            *cap,
            compact(line.employed),
            "-" if line.expected_day is None else compact(line.expected_day),
            compact(line.realized),
            compact(line.window_realized),
            compact(line.window_expected),
            compact(line.window_employed),
            _STATUSES.get(line.status, line.status.lower()),
            style=f"{'bold ' if line is found.total else ''}{'yellow' if line.status == UNDERPERFORMING else ''}".strip(),
        )
    out.print(f"[dim]{_TODAY}[/]")
    out.print(listed)
    if found.laggards:
        out.print(f"[yellow]lagging[/]    {escaped(first_few([one.strategy for one in found.laggards], _NAMED))}")


def _cuts(out: Console, found: Morning) -> None:
    out.print()
    if not found.cuts:
        out.print("Nothing clipped any ticket.")
        return
    out.print(f"[bold]Largest of {found.cut_count} clips[/]")
    for cut in found.cuts:
        what = f"{cut.ticket_id} {where(cut.stage, cut.symbol)}".strip()
        fall = f"{dollars(abs(cut.value_in))} to {dollars(abs(cut.value_out))}"
        line = f"{escaped(what)}  {cut.stage.lower()} {escaped(cut.limit)}  {fall}"
        out.print(line, no_wrap=True, overflow="ellipsis")
        out.print(f"  [dim]{escaped(cut.reason)}[/]", no_wrap=True, overflow="ellipsis")


def _limits(out: Console, found: Morning) -> None:
    out.print()
    if not found.limits:
        out.print("No limit was measured.")
        return
    listed = table("nearest limit", ">measured", ">bound", ">used", "")
    for line in found.limits:
        listed.add_row(
            escaped(limit_words(line.name)),
            amount(line.measured, line.unit),
            amount(line.bound, line.unit),
            "-" if line.utilization is None else f"{line.utilization:.1%}",
            "" if line.status == "OK" else line.status,
            style={"AMBER": "yellow", "BREACH": "bold red"}.get(line.status, ""),
        )
    out.print(listed)
