"""A risk report, and the headroom of a name or a ticket, on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from riskdesk_assets.interfaces.terminal import banner, dollars, escaped, table
from riskdesk_assets.reports.risk_measures import NameRisk
from riskdesk_assets.reports.risk_reading import Breach
from riskdesk_assets.reports.risk_report import RiskReport
from riskdesk_assets.reports.ticket_headroom import Headroom

if TYPE_CHECKING:
    from rich.console import Console

LISTED = 12
_METHODS = (("historical", "historical"), ("normal", "normal"), ("student_t", "Student-t"), ("monte_carlo", "Monte Carlo"))


def show_risk(out: Console, report: RiskReport, prices: str, nav: float, breaches: Sequence[Breach] | None) -> None:
    """Size and volatility, tails by method, scenarios, exposures, who makes the risk; broken limits of a what-if first."""
    metrics = report.risk_metrics
    out.print(
        f"{banner(prices)}   {report.as_of_date}   [bold]{escaped(report.portfolio_id)}[/]   {escaped(report.weights_source)}"
    )
    if breaches is not None:
        _breaches(out, breaches)
    concentration = f"{1 / metrics['concentration']:.1f} equal ones" if metrics["concentration"] else "none"
    out.print(
        f"size         gross {metrics['gross']:.1%} of NAV ({dollars(metrics['gross'] * nav)})   net {metrics['net']:+.1%}   "
        f"{metrics['names']:.0f} names, as concentrated as {concentration}"
    )
    if "volatility" in metrics:
        split = f"   {metrics['factor_share']:.0%} from factors" if "factor_share" in metrics else ""
        daily = dollars(metrics["volatility"] * nav)
        out.print(
            f"volatility   {metrics['volatility']:.3%} a day ({daily})   {metrics['volatility_annual']:.2%} a year{split}"
        )
    if "drawdown_current" in metrics:
        estimate = f"   {metrics['drawdown_estimated']:.2%} to be expected" if "drawdown_estimated" in metrics else ""
        out.print(
            f"drawdown     {metrics['drawdown_current']:.2%} now   {metrics['drawdown_realized']:.2%} at its largest{estimate}"
        )
    if "days_to_liquidate" in metrics:
        gone = f"{metrics['liquidated_in_one_day']:.1%} of gross in one day"
        out.print(f"liquidity    {metrics['days_to_liquidate']:.2f} days for the slowest name, {gone}")
    vector = report.stability_vector
    if vector is not None:
        parts = ((name, getattr(vector, name)) for name in ("volatility", "correlation", "liquidity", "drawdown", "fragility"))
        said = "   ".join(f"{name} {value:.2f}" for name, value in parts if value is not None)
        out.print(f"stability    {said}   {vector.fragility_class or ''}")
    for note in report.notes:
        out.print(f"[yellow]note[/]         {escaped(note)}")
    _tails(out, report, nav)
    _scenarios(out, report, nav)
    _exposures(out, report)
    _names(out, report.contributions, nav)


def show_headroom(out: Console, found: Sequence[Headroom], prices: str, session: date) -> None:
    """One table per direction, the smallest room first."""
    out.print(f"{banner(prices)}   {session}   [bold]{escaped(found[0].word)}[/]")
    for each in found:
        rows = table("limit", ">room", ">measured", ">bound", "where", title=f"{each.word}: {each.direction}")
        for room in each.rooms[:LISTED]:
            style = "bold red" if room.measured > room.bound else "yellow" if room.room == 0 else ""
            amounts = (f"{room.measured:,.0f}", f"{room.bound:,.0f}") if room.family == "position_count" else ()
            measured, bound = amounts or (dollars(room.measured), dollars(room.bound))
            rows.add_row(escaped(room.limit_name), dollars(room.room), measured, bound, escaped(room.source), style=style)
        out.print()
        out.print(rows if each.rooms else f"No limit bounds {each.word}.")
        if len(each.rooms) > LISTED:
            out.print(f"[dim]and {len(each.rooms) - LISTED} wider; --json has them all[/]")


def _breaches(out: Console, breaches: Sequence[Breach]) -> None:
    if not breaches:
        out.print("[bold green]No limit would be broken.[/]")
        return
    rows = table("limit it would break", ">measured", ">bound", ">too much", "where")
    for breach in breaches[:LISTED]:
        amounts = (dollars(breach.measured), dollars(breach.bound), dollars(breach.excess))
        rows.add_row(escaped(breach.limit_name), *amounts, escaped(breach.source), style="bold red")
    out.print(rows)
    if len(breaches) > LISTED:
        out.print(f"[dim]and {len(breaches) - LISTED} more; --json has them all[/]")
    out.print()


def _tails(out: Console, report: RiskReport, nav: float) -> None:
    metrics = report.risk_metrics
    known = [(key, label) for key, label in _METHODS if f"var_99_{key}" in metrics]
    if not known:
        return
    rows = table("one day", ">VaR 95", ">ES 95", ">VaR 99", ">ES 99", title="What a day may cost")
    for key, label in known:
        values = (metrics[f"{kind}_{level}_{key}"] * nav for level in ("95", "99") for kind in ("var", "es"))
        rows.add_row(label, *(dollars(value) for value in values))
    out.print()
    out.print(rows)


def _scenarios(out: Console, report: RiskReport, nav: float) -> None:
    if not report.scenario_pnl:
        return
    rows = table("scenario", ">P&L", ">of NAV", title="Scenarios, the worst first")
    for scenario, pnl in sorted(report.scenario_pnl.items(), key=lambda item: (item[1], item[0])):
        rows.add_row(scenario, dollars(pnl * nav), f"{pnl:+.2%}", style="red" if pnl < 0 else "")
    out.print()
    out.print(rows)


def _exposures(out: Console, report: RiskReport) -> None:
    rows = table("exposure", ">net", ">gross", title="Exposures, fractions of NAV")
    found: dict[str, dict[str, float]] = {}
    for key, value in report.exposures.items():
        name, _, kind = key.rpartition(":")
        if kind in ("net", "gross"):
            found.setdefault(name, {})[kind] = value
        else:
            found[key] = {"net": value}
    for name, values in found.items():
        if any(values.values()):
            cells = ("" if kind not in values else f"{values[kind]:+.2%}" for kind in ("net", "gross"))
            rows.add_row(escaped(name), *cells)
    if rows.row_count:
        out.print()
        out.print(rows)


def _names(out: Console, names: Sequence[NameRisk], nav: float) -> None:
    held = [name for name in names if name.weight]
    held.sort(key=lambda name: (-abs(name.component_volatility or 0.0), name.symbol))
    if not held:
        return
    rows = table(
        "name",
        ">weight",
        ">volatility",
        ">VaR 99",
        ">of $1 more",
        ">ES 99 lived",
        ">days to sell",
        title="Who makes the risk, dollars a day: parts of volatility and VaR (normal) and of ES (historical)",
    )
    for name in held[:LISTED]:
        volatility, var, lived = (
            "-" if part is None else dollars(part * nav)
            for part in (name.component_volatility, name.component_var_99, name.component_es_99_historical)
        )
        more = "-" if name.marginal_var_99 is None else f"{100 * name.marginal_var_99:+.1f}¢"
        days = "-" if name.days_to_liquidate is None else f"{name.days_to_liquidate:.2f}"
        rows.add_row(name.symbol, f"{name.weight:+.2%}", volatility, var, more, lived, days)
    out.print()
    out.print(rows)
    if len(held) > LISTED:
        out.print(f"[dim]and {len(held) - LISTED} smaller; --json has them all[/]")
