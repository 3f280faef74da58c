"""``riskdesk bench``: how fast the desk is on this machine."""

from __future__ import annotations

import click

from riskdesk_assets.interfaces.options import DeskGroup, echo_json, json_option


@click.group(cls=DeskGroup)
def bench() -> None:
    """Measure the desk on this machine, in a temporary desk of its own."""


@bench.command()
@click.option("--sessions", default=250, show_default=True, type=click.IntRange(1, 2520), help="Sessions of the backfill.")
@json_option
def desk(sessions: int, as_json: bool) -> None:
    """Time a backfill through the whole graph, the funnel's own arithmetic, and one more session from cold.

    Prices, tickets and configuration are those of the environment; the desk's data are not touched.
    """
    from dataclasses import asdict

    from riskdesk_assets.interfaces.bench import bench_desk

    done = bench_desk(sessions)
    if as_json:
        echo_json(
            {
                **asdict(done),
                "overhead": done.overhead,
                "funnel_ms_per_session": done.funnel_ms_per_session,
                "backfill_ms_per_session": done.backfill_ms_per_session,
            }
        )
        return
    from riskdesk_assets.interfaces.terminal import banner, console, table

    out = console()
    out.print(f"{banner(done.source)}   {done.sessions:,} sessions to {done.last}, {done.tickets} tickets")
    found = table("measured", ">seconds", ">ms/session", ">x funnel")
    found.add_row("whole graph through Dagster", *_cells(done.backfill, done.backfill_ms_per_session, done.overhead))
    found.add_row(
        "features and covariances", *_cells(done.inputs, 1000 * done.inputs / done.sessions, done.inputs / done.funnel)
    )
    found.add_row("funnel (desk days alone)", *_cells(done.funnel, done.funnel_ms_per_session, 1.0))
    found.add_row("one more session, from cold", f"{done.one_more:,.1f}", "", "")
    out.print(found)


@bench.command()
@click.option(
    "--names", multiple=True, type=click.IntRange(5, 2000), help="Measure these numbers of names instead of 24, 100 and 500."
)
@click.option("--days", type=click.IntRange(1, 1000), help="Days of each size instead of 40, 15 and 5.")
@click.option("--tickets", default=1250, show_default=True, type=click.IntRange(1, 10000), help="Daily ticket solves.")
@json_option
def optimizer(names: tuple[int, ...], days: int | None, tickets: int, as_json: bool) -> None:
    """Time the optimizer against Clarabel called directly, CVXPY as it comes and other libraries, in one run.

    The problem is mean-variance with cost and bounds, coefficients changing daily; all must reach the same optimum. Other
    libraries take part where they are installed (`pip install "riskdesk[bench]"`).
    """
    from dataclasses import asdict

    from riskdesk_assets.interfaces.bench_optimizer import SIZES, bench_optimizer

    sizes = [(n, max(2, n // 20), 5) for n in names] if names else list(SIZES)
    done = bench_optimizer([(n, k, days or count) for n, k, count in sizes], tickets)
    if as_json:
        echo_json({**asdict(done), "ticket_ms": done.ticket_ms})
        return
    from riskdesk_assets.interfaces.terminal import console, table

    out = console()
    found = table(">names", ">factors", "solved by", ">ms/day", ">x Clarabel", ">short of best/day")
    last = 0
    for timed in done.timed:
        if last not in (0, timed.names):
            found.add_section()
        last = timed.names
        size = f"{timed.names:,}", f"{timed.factors}"
        found.add_row(*size, timed.name, f"{timed.milliseconds:,.2f}", f"{timed.ratio:,.2f}", f"{timed.short:.0e}")
    out.print(found)
    for name in done.missing:
        out.print(f"{name} is not installed")
    out.print(f"{done.ticket_days:,} daily ticket solves: {done.ticket_seconds:,.2f} s, {done.ticket_ms:,.2f} ms each")


@bench.command()
@click.option("--sessions", default=1257, show_default=True, type=click.IntRange(30, 5000), help="Sessions of the backtest.")
@click.option("--pairs", default=20, show_default=True, type=click.IntRange(1, 100), help="Pairs, one ticket each.")
@click.option("--variants", default=16, show_default=True, type=click.IntRange(0, 256), help="Variants of the sweep; 0: none.")
@click.option("--sweep-sessions", default=250, show_default=True, type=click.IntRange(5, 5000), help="Sessions of the sweep.")
@json_option
def backtest(sessions: int, pairs: int, variants: int, sweep_sessions: int, as_json: bool) -> None:
    """Time a backtest, features already there, beside vectorbt, bt and backtrader on the same targets, and a sweep by two.

    The peers account for given targets and decide nothing, so what they are held against is "books to P&L". Those not installed
    are named with the reason (`pip install "riskdesk[bench]"`).
    """
    from dataclasses import asdict

    from riskdesk_assets.interfaces.bench_backtest import bench_backtest
    from riskdesk_assets.interfaces.bench_backtest_view import show

    done = bench_backtest(sessions, pairs, variants, sweep_sessions)
    if as_json:
        echo_json({**asdict(done), "speed_up": done.speed_up})
        return
    show(done)


@bench.command()
@click.option("--decisions", default=5000, show_default=True, type=click.IntRange(100, 200_000), help="Decisions of a round.")
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1, 100), help="Rounds; medians over them count.")
@json_option
def gatekeeper(decisions: int, rounds: int, as_json: bool) -> None:
    """Time the gatekeeper in this process: whole decisions, every check, the audit trail and the account's update in them."""
    from dataclasses import asdict

    from riskdesk_assets.interfaces.bench_gatekeeper import bench_gatekeeper

    done = bench_gatekeeper(decisions, rounds)
    if as_json:
        echo_json(asdict(done))
        return
    from riskdesk_assets.interfaces.terminal import console, table

    out = console()
    found = table("measured in this process", ">each intent's median", ">median round", ">worst round")
    rates = (done.per_second, done.per_second_median_round, done.per_second_worst_round)
    found.add_row("decisions per second of processor time", *(f"{rate:,.0f}" for rate in rates))
    found.add_row("decisions per second by the clock on the wall", "", f"{done.wall_per_second:,.0f}", "")
    found.add_row("milliseconds, half of them within", f"{done.p50_ms:.4f}", "", "")
    tails = (done.p99_ms, done.p99_ms_median_round, done.p99_ms_worst_round)
    found.add_row("milliseconds, 99% within", *(f"{tail:.4f}" for tail in tails))
    out.print(found)
    shares = ", ".join(f"{share:.0%} {name.lower()}" for name, share in done.shares.items())
    out.print(f"{done.rounds} rounds of {done.decisions:,} decisions with {done.checks} checks each: {shares}")


@bench.command()
@click.option("--seconds", default=4.0, show_default=True, type=click.FloatRange(0.5, 600), help="Load of each of four turns.")
@click.option("--overload", default=0.0, type=click.FloatRange(0, 3600), help="Then twice that load for so many seconds.")
@click.option("--overload-minutes", default=0.0, type=click.FloatRange(0, 60), help="The same in minutes.")
@json_option
def rest(seconds: float, overload: float, overload_minutes: float, as_json: bool) -> None:
    """Time the REST gatekeeper, its journal committed before each answer, beside an empty FastAPI endpoint in the same run.

    32 connections ask both servers in turns; then halts are sent until the first trade is refused, idle and under load. With
    --overload twice the measured load is offered from then on: the surplus has to be told 429, and the server's memory to grow
    by less than 20 MB. Both servers listen on loopback, in a temporary folder, and end with this command; the journal of an
    overload takes some 5 MB of disk a second while it lasts.

    \b
    riskdesk bench rest --overload-minutes 10
    """
    from dataclasses import asdict

    from riskdesk_assets.interfaces.bench_rest import bench_rest

    done = bench_rest(seconds, overload + 60 * overload_minutes)
    if as_json:
        echo_json({**asdict(done), "overload_held": None if done.overload is None else done.overload.held})
        return
    from riskdesk_assets.interfaces.terminal import console, table

    out = console()
    found = table(f"measured over {done.connections} connections", ">per second", ">median ms", ">99% within ms")
    found.add_row("empty FastAPI endpoint", f"{done.empty_per_second:,.0f}", "", f"{done.empty_p99_ms:,.1f}")
    found.add_row("decisions, in the journal first", f"{done.per_second:,.0f}", f"{done.p50_ms:,.1f}", f"{done.p99_ms:,.1f}")
    found.add_row("ratio of the two", f"{done.ratio:.2f}", "", "")
    out.print(found)
    idle, loaded = (done.halt_idle_ms, done.halt_idle_worst_ms), (done.halt_loaded_ms, done.halt_loaded_worst_ms)
    out.print(f"POST /halt to the first refusal: {idle[0]:,.1f} ms idle (worst {idle[1]:,.1f}), ", end="")
    out.print(f"{loaded[0]:,.1f} ms under load (worst {loaded[1]:,.1f})")
    if done.overload is not None:
        over = done.overload
        told = ", ".join(f"{number:,} x {status}" for status, number in over.statuses.items())
        out.print(
            f"{over.offered_per_second:,.0f} a second offered for {over.seconds:,.0f} s: {told}; 99% of those decided within"
        )
        out.print(f"{over.p99_ms:,.1f} ms (0: no free connection); journal {over.journal_mb:,.0f} MB")
        out.print(
            f"the server's memory grew by {over.memory_growth_mb:,.1f} MB, {over.memory_peak_mb:,.1f} MB at most: ", end=""
        )
        out.print("[green]held[/]" if over.held else "[bold red]not held[/]")


def _cells(seconds: float, milliseconds: float, ratio: float) -> tuple[str, str, str]:
    return f"{seconds:,.1f}", f"{milliseconds:,.1f}", f"{ratio:,.1f}"
