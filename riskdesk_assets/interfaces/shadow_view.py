"""The guards' shadow report on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskdesk_assets.interfaces.terminal import banner, dollars, table
from riskdesk_assets.reports.shadow_range import StoredShadow

if TYPE_CHECKING:
    from rich.console import Console

_WIDEST = 40


def show_shadow(console: Console, found: StoredShadow) -> None:
    """Both books side by side, how far they ran apart, and what each traded, session by session."""
    report = found.report
    console.print(banner(found.prices))
    console.print(f"Guards against rebalancing every session, {found.first} to {found.last}: {report.sessions} session(s)")
    listed = table("", ">every session", ">guarded", ">less by")
    listed.add_row(
        "traded", dollars(report.turnover_naive), dollars(report.turnover_guarded), _share(report.turnover_reduction)
    )
    listed.add_row("cost", dollars(report.cost_naive, 2), dollars(report.cost_guarded, 2), _share(report.cost_reduction))
    console.print(listed)
    console.print(f"P&L of the guarded book less the other: {dollars(report.pnl_difference, 2)}, after costs {_net(found)}")
    tracking = "-" if report.tracking_per_session is None else dollars(report.tracking_per_session, 2)
    console.print(f"Tracking, per session: {tracking}; mean distance {_share(report.mean_distance)} of the ideal gross")
    if found.unreleased:
        console.print(f"Left out, nothing was released: {', '.join(str(day) for day in found.unreleased)}")
    most = max((row.turnover_naive for row in report.rows), default=0.0)
    most = max(most, max((row.turnover_guarded for row in report.rows), default=0.0))
    if not most:
        return
    drawn = table("session", ">every session", "", ">guarded", "")
    for row in report.rows:
        drawn.add_row(
            str(row.session),
            dollars(row.turnover_naive),
            _bar(row.turnover_naive / most),
            dollars(row.turnover_guarded),
            _bar(row.turnover_guarded / most),
        )
    console.print(drawn)


def _net(found: StoredShadow) -> str:
    return dollars(found.report.net_difference, 2)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _bar(share: float) -> str:
    return "\u2588" * round(share * _WIDEST / 2)
