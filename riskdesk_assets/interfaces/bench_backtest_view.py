"""What ``riskdesk bench backtest`` measured, for a terminal."""

from __future__ import annotations

from riskdesk_assets.interfaces.bench_backtest import BacktestBench
from riskdesk_assets.interfaces.terminal import banner, console, escaped, table


def show(done: BacktestBench) -> None:
    """Print the profiles, the peers beside them or why they take no part, and the sweep where there was one."""
    out = console()
    out.print(f"{banner(done.source)}   {done.pairs} pairs, {done.sessions:,} sessions to {done.last}")
    found = table(
        "profile", ">features s", ">walk s", ">of processor", ">measured s", ">ms/session", ">peak MB", ">books to P&L s"
    )
    for item in done.profiles:
        seconds = (item.prepare, item.walk, item.walk_cpu, item.measure)
        per = 1000 * item.seconds / done.sessions
        found.add_row(
            item.profile, *(f"{value:,.2f}" for value in seconds), f"{per:,.2f}", f"{item.peak_mb:,.0f}", f"{item.books:,.2f}"
        )
    out.print(found)
    if done.peers:
        others = table("peer, on the same targets", ">processor s", ">x ours", ">P&L apart")
        for peer in done.peers:
            ratio = f"{peer.seconds / done.profiles[0].books:,.1f}"
            others.add_row(peer.name, f"{peer.seconds:,.2f}", ratio, f"{peer.apart:.1e}")
        out.print(others)
    for name, reason in done.missing.items():
        out.print(f"{name} takes no part: {escaped(reason)}")
    if done.sweep_one is not None and done.sweep_two is not None:
        out.print(
            f"sweep of {done.sweep_variants} over {done.sweep_sessions} sessions: {done.sweep_one:,.1f} s one after the other, "
            f"{done.sweep_two:,.1f} s by two: {done.speed_up:.2f} times faster"
        )
