"""The guards' shadow report on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskdesk_assets.interfaces.terminal import banner, dollars, table
from riskdesk_assets.reports.shadow_range import StoredShadow, periods

if TYPE_CHECKING:
    from rich.console import Console

_WIDEST = 40


def show_shadow(console: Console, found: StoredShadow) -> None:
    """Both books side by side, how far they ran apart, other guards, and what each book traded, period by period."""
    report = found.report
    console.print(banner(found.prices))
    console.print(f"Guards against rebalancing every session, {found.first} to {found.last}: {report.sessions} session(s)")
    listed = table("", ">every session", ">guarded", ">less by")
    listed.add_row(
        "traded", dollars(report.turnover_naive), dollars(report.turnover_guarded), _share(report.turnover_reduction)
    )
    listed.add_row("cost", dollars(report.cost_naive, 2), dollars(report.cost_guarded, 2), _share(report.cost_reduction))
    console.print(listed)
    net = dollars(report.net_difference, 2)
    console.print(f"P&L of the guarded book less the other: {dollars(report.pnl_difference, 2)}, after costs {net}")
    tracking = "-" if report.tracking_per_session is None else dollars(report.tracking_per_session, 2)
    yearly = "" if found.tracking_error is None else f" ({found.tracking_error:.3%} of NAV a year)"
    console.print(f"Tracking, per session: {tracking}{yearly}; mean distance {_share(report.mean_distance)} of the ideal gross")
    if found.unreleased:
        console.print(f"Left out, nothing was released: {', '.join(str(day) for day in found.unreleased)}")
    if found.variants:
        _show_variants(console, found)
    drawn = periods(found)
    most = max((max(one.turnover_naive, one.turnover_guarded) for one in drawn), default=0.0)
    if not most:
        return
    bars = table("session" if len(drawn) == report.sessions else "month", ">every session", "", ">guarded", "")
    for one in drawn:
        bars.add_row(
            one.name,
            dollars(one.turnover_naive),
            _bar(one.turnover_naive / most),
            dollars(one.turnover_guarded),
            _bar(one.turnover_guarded / most),
        )
    console.print(bars)


def _show_variants(console: Console, found: StoredShadow) -> None:
    listed = table("guards", ">band", ">cadence", ">traded", ">less by", ">cost", ">net of costs", ">tracking", ">distance")
    for one in found.variants:
        listed.add_row(
            "configured" if one.configured else "",
            f"{one.band:.1%}",
            str(one.cadence_sessions),
            dollars(one.turnover),
            _share(one.turnover_reduction),
            dollars(one.cost),
            dollars(one.net_difference),
            "-" if one.tracking_per_session is None else dollars(one.tracking_per_session),
            _share(one.mean_distance),
        )
    console.print(listed)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _bar(share: float) -> str:
    return "\u2588" * round(share * _WIDEST / 2)
