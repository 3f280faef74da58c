"""A run's summary on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskdesk_assets.book.clips import enlarges
from riskdesk_assets.common.words import first_few
from riskdesk_assets.interfaces.behind import Behind
from riskdesk_assets.interfaces.dagster_run import FailedCheck
from riskdesk_assets.interfaces.failures import redact
from riskdesk_assets.interfaces.run_summary import CENTS_PER_DOLLAR, DeskSummary, SessionLine
from riskdesk_assets.interfaces.terminal import LONGEST_TEXT, amount, banner, dollars, escaped, release_style, shortened, table
from riskdesk_assets.limits.catalogue import limit_words
from riskdesk_assets.reports.limit_change_words import LimitChanged, generous, limit_change_words

if TYPE_CHECKING:
    from rich.console import Console

LISTED = 12
_FAULTS = 3


def show_summary(console: Console, summary: DeskSummary, checks: Sequence[FailedCheck], run_folder: Path | None) -> None:
    """Banner, the newest session, its book, its clips and its limits, then what failed."""
    newest = summary.newest
    console.print(f"{banner(summary.source)}  profile {summary.profile}")
    held = f"{newest.tickets_held} ticket{'' if newest.tickets_held == 1 else 's'} held"
    console.print(f"[bold]{newest.session}[/]  [{release_style(newest.status)}]{newest.status}[/]  {held}")
    sizes = size_lines(newest, summary.nav, apart=summary.desk_holds is not None)
    worth = f"NAV {dollars(summary.nav)}   equity {dollars(newest.equity)}"
    for line in (f"{sizes[0]}   {worth}",) if len(sizes) == 1 else (*sizes, worth):
        console.print(line)
    tape = ", ".join(f"{count} {regime}" for regime, count in summary.tape_regimes.items())
    console.print(f"market regime {summary.market_regime or 'unknown'}   tape regimes of the names {tape or 'unknown'}")
    if summary.guards:
        console.print(f"guards {escaped(summary.guards)}", soft_wrap=True)
    if summary.limits_changed:
        console.print(f"limits {changed_limits(summary.limits_changed)}")
    if newest.reason:
        console.print(f"  {escaped(shortened(newest.reason))}")
    if summary.failed_model_checks:
        console.print(model_line(summary.failed_model_checks), soft_wrap=True)
    _book(console, summary)
    _clips(console, summary)
    _limits(console, summary)
    if len(summary.sessions) > 1:
        console.print(f"\n{_released_line(summary)}")
    _failures(console, summary, checks)
    if run_folder is not None:
        console.print(f"\n[dim]artifacts[/]  {escaped(run_folder)}")


def model_line(failed: Sequence[str]) -> str:
    """The failed checks of the risk model in one line, as markup; there is at least one."""
    return f"[yellow]risk model {escaped('; '.join(failed))}[/]"


def size_lines(line: SessionLine, nav: float, *, apart: bool) -> tuple[str, ...]:
    """Gross and net in one line; in two, of the ideal portfolio and of what the desk holds, where that is another book."""
    gross, net = (
        f"gross {dollars(line.gross)} ({line.gross / nav:.1%} of NAV)",
        f"net {dollars(line.net)} ({line.net / nav:+.1%})",
    )
    if not apart or line.ideal_gross is None or line.ideal_net is None:
        return (f"{gross}   {net}",)
    ideal_gross, ideal_net = line.ideal_gross, line.ideal_net
    return (
        f"gross ideal {dollars(ideal_gross)} ({ideal_gross / nav:.1%} of NAV), desk holds {dollars(line.gross)} "
        f"({line.gross / nav:.1%})",
        f"net ideal {dollars(ideal_net)} ({ideal_net / nav:+.1%}), desk holds {dollars(line.net)} ({line.net / nav:+.1%})",
    )


def changed_limits(changes: Sequence[LimitChanged], most: int = LONGEST_TEXT) -> str:
    """What became of limits since the session before, as markup: one that became more generous cannot be overlooked."""
    said = escaped(shortened(limit_change_words(changes), most))
    return f"[bold yellow]{said}[/]" if generous(changes) else said


def where_to_look(console: Console, warehouse: Path, summary: DeskSummary, page: Path | None) -> None:
    """The report page, the warehouse, and the commands that show more."""
    example = next((line.symbol for line in summary.book if line.shares), "JPM")
    if page is not None:
        console.print(f"[dim]page     [/]  {escaped(page)}", soft_wrap=True)
    console.print(f"[dim]warehouse[/]  {escaped(warehouse)}", soft_wrap=True)
    console.print(f"[dim]look     [/]  riskdesk morning   riskdesk explain {example}   riskdesk ui")


def say_stale(first: date | None) -> None:
    """Tell on standard error from which session on what stands was computed from something else; nothing where none is."""
    if first is not None:
        click.echo(f"sessions from {first} on are stale now: `riskdesk run` computes them again", err=True)


def say_behind(behind: Behind) -> None:
    """Tell on standard error why the newest book is not of the newest closed session: a warning where names are in the way."""
    if not behind.missing:
        click.echo(behind.sentence, err=True)
        return
    click.echo(f"{click.style('warning:', fg='yellow')} {behind.sentence}", err=True)
    for fault in behind.faults[:_FAULTS]:
        click.echo(f"  {redact(shortened(fault))}", err=True)
    if len(behind.faults) > _FAULTS:
        click.echo(f"  and {len(behind.faults) - _FAULTS} more; --json has them all", err=True)


def _book(console: Console, summary: DeskSummary) -> None:
    title = "Ideal portfolio" if summary.newest.released else "Nothing released: these positions stand"
    held = summary.desk_holds
    column = () if held is None else (">desk holds",)
    found = table("symbol", ">shares", ">price", ">notional", ">of NAV", *column, "tickets", title=title)

    def holds(symbol: str) -> tuple[str, ...]:
        return () if held is None else (f"{held.get(symbol, 0):,}",)

    listed = {line.symbol for line in summary.book}
    for symbol in sorted(set(held or ()) - listed):
        found.add_row(symbol, "0", "", dollars(0.0, 2), "0.0%", *holds(symbol), "")
    for line in summary.book:
        style = "dim" if line.shares is None else ""
        shares = "" if line.shares is None else f"{line.shares:,}"
        price = "" if line.price is None else f"{line.price:,.2f}"
        of_nav = f"{line.notional / summary.nav:.1%}"
        own = holds(line.symbol) if line.shares is not None else ("",) * len(column)
        found.add_row(line.symbol, shares, price, dollars(line.notional, 2), of_nav, *own, ", ".join(line.tickets), style=style)
    found.add_section()
    said = "exactly zero" if summary.sum_cents == 0 else "[bold red]not zero[/]"
    total = f"[bold]{dollars(summary.sum_cents / CENTS_PER_DOLLAR, 2)}[/]"
    found.add_row("[bold]sum[/]", "", "", total, "", *("" for _ in column), said)
    console.print()
    console.print(found)


def _clips(console: Console, summary: DeskSummary) -> None:
    if not summary.clips:
        return
    larger = [enlarges(line.stage, line.value_in, line.value_out) for line in summary.clips]
    title = "Clips and scalings" if any(larger) else "Clips"
    found = table("stage", "limit", ">tickets", ">from", ">to", title=title)
    for line, grows in zip(summary.clips, larger, strict=True):
        found.add_row(
            f"{line.stage} enlarges" if grows else line.stage,
            escaped(line.limit),
            str(line.tickets),
            amount(line.value_in, line.unit),
            amount(line.value_out, line.unit),
        )
    console.print()
    console.print(found)


def _limits(console: Console, summary: DeskSummary) -> None:
    if not summary.limits:
        console.print(
            "\nNo limit is amber or binding." if summary.newest.released else "\nNothing was released: no limit was measured."
        )
        return
    found = table("limit", ">measured", ">bound", ">used", "", ">price, $/day per $", title="Limits that are close")
    for line in summary.limits[:LISTED]:
        used = "-" if line.utilization is None else f"{line.utilization:.1%}"
        style = {"AMBER": "yellow", "BREACH": "bold red"}.get(line.status, "")
        price = "" if line.price is None else f"{line.price:.6f}"
        found.add_row(
            escaped(limit_words(line.name)),
            amount(line.measured, line.unit),
            amount(line.bound, line.unit),
            used,
            line.status,
            price,
            style=style,
        )
    console.print()
    console.print(found)
    if len(summary.limits) > LISTED:
        console.print(f"[dim]and {len(summary.limits) - LISTED} more; --json has them all[/]")


def _released_line(summary: DeskSummary) -> str:
    counts: dict[str, int] = {}
    for line in summary.sessions:
        counts[line.status] = counts.get(line.status, 0) + 1
    told = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
    return f"{len(summary.sessions):,} sessions from {summary.sessions[0].session}: {told}"


def _failures(console: Console, summary: DeskSummary, checks: Sequence[FailedCheck]) -> None:
    by_status: dict[str, list[str]] = {}
    for line in summary.unreleased:
        by_status.setdefault(line.status, []).append(str(line.session))
    for status, sessions in by_status.items():
        console.print(f"[bold red]not released[/]  {status}: {first_few(sessions, LISTED)}")
    show_failed_checks(console, checks)


def show_failed_checks(console: Console, checks: Sequence[FailedCheck]) -> None:
    """Hard failures by name with their sessions and what the newest says; of warnings how often, about whom and the newest."""
    hard: dict[str, list[FailedCheck]] = {}
    warnings: dict[str, list[FailedCheck]] = {}
    for check in checks:
        if check.hard:
            hard.setdefault(check.name, []).append(check)
        else:
            warnings.setdefault(check.name, []).append(check)
    for name, found in hard.items():
        sessions = first_few([str(check.session) for check in found if check.session is not None], LISTED)
        said = f"[bold red]failed check[/]  {escaped(name)}: {sessions}"
        console.print(said)
        console.print(f"  {escaped(shortened(found[-1].message))}")
    for name, found in sorted(warnings.items()):
        about = sorted({word.strip() for check in found for word in check.about.split(",") if word.strip()})
        whose = f" of {first_few(about, LISTED)}" if about else ""
        times = f"{len(found)} warning{'' if len(found) == 1 else 's'}{whose}"
        console.print(f"[yellow]warning[/]  {escaped(name)}: {escaped(times)}", soft_wrap=True)
        console.print(f"  {escaped(shortened(found[-1].message))}")
    if warnings:
        console.print("[dim]`riskdesk ui` keeps every warning with its reason, among the checks of its asset[/]")
