"""The main job's stages one at a time: bars, features, the controller with construction, realized P&L."""

from __future__ import annotations

from datetime import date

import click

from riskdesk_assets.interfaces.failures import FAILED
from riskdesk_assets.interfaces.options import DEBUG, SESSION, json_option, require_one_way, session_options


@click.command("ingest-prices", short_help="Bring in daily bars and check them.")
@click.option("--start", type=SESSION, required=True, help="First day; a day without a session counts as the one after it.")
@click.option("--end", type=SESSION, required=True, help="Last day; its session must have closed.")
@json_option
@click.pass_context
def ingest_prices(ctx: click.Context, start: date, end: date, as_json: bool) -> None:
    """Bring in daily bars, with the lookback the features need, and check them.

    Bars come from FMP (FMP_API_KEY), from files (PRICES_DIR) or from the sample market; one warehouse holds one kind only.
    They are kept as an immutable snapshot, which every later number of those sessions is computed from.

    \b
    riskdesk ingest-prices --start 2025-01-01 --end 2026-01-26
    """
    require_one_way(None, start, end, required=True)
    _stage(ctx, "ingest", None, start, end, as_json=as_json)


@click.command("build-features", short_help="Hedge ratios, z-scores, volatilities, regimes.")
@session_options
@json_option
@click.pass_context
def build_features(ctx: click.Context, asof: date | None, start: date | None, end: date | None, as_json: bool) -> None:
    """Compute hedge ratios, z-scores, volatilities, regimes and correlations from ingested bars.

    The pairs are those of the tickets and of the universe. Every value is a function of its own window alone: a day computed
    by itself is the same day computed in a range.

    \b
    riskdesk build-features --asof 2026-01-26
    """
    require_one_way(asof, start, end, required=True)
    _stage(ctx, "features", asof, start, end, as_json=as_json)


@click.command("run-controller", short_help="From tickets and features to a released book.")
@session_options
@json_option
@click.pass_context
def run_controller(ctx: click.Context, asof: date | None, start: date | None, end: date | None, as_json: bool) -> None:
    """Walk tickets and features to a released book: controller, limits, whole shares, audit.

    Needs bars of the sessions (ingest-prices) and the state of the session before them. Features are made again from those bars
    for the tickets as they stand: byte for byte what build-features made, where nothing has changed since. The book is
    published with its run directory and reports like that of `riskdesk run`, which brings in the bars as well.

    \b
    riskdesk run-controller --asof 2026-01-26
    """
    require_one_way(asof, start, end, required=True)
    _stage(ctx, "controller", asof, start, end, as_json=as_json)


@click.command(short_help="What earlier books earned.")
@session_options
@json_option
@click.pass_context
def realize(ctx: click.Context, asof: date | None, start: date | None, end: date | None, as_json: bool) -> None:
    """Compute what earlier books earned, on the sessions on which it became known.

    A book is marked on the one next session on which every name of it has a price; a book that finds none is skipped whole
    and counted.

    \b
    riskdesk realize --asof 2026-01-26
    """
    require_one_way(asof, start, end, required=True)
    _stage(ctx, "realize", asof, start, end, as_json=as_json)


def _stage(ctx: click.Context, job: str, asof: date | None, start: date | None, end: date | None, *, as_json: bool) -> None:
    from riskdesk_assets.interfaces.stage_run import run_stage
    from riskdesk_assets.interfaces.stage_view import show_stage

    verbose = bool(ctx.find_root().meta.get(DEBUG))
    done = run_stage(job, asof, start, end, verbose=verbose)
    show_stage(done, as_json=as_json)
    if done.failed:
        ctx.exit(FAILED)
