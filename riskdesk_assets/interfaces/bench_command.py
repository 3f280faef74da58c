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


def _cells(seconds: float, milliseconds: float, ratio: float) -> tuple[str, str, str]:
    return f"{seconds:,.1f}", f"{milliseconds:,.1f}", f"{ratio:,.1f}"
