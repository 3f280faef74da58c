"""``riskdesk backtest``: what the desk's own rules would have earned over a range of history."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from riskdesk_assets.interfaces.failures import FAILED
from riskdesk_assets.interfaces.options import DEBUG, SESSION, echo_json, json_option


@click.command(short_help="What the desk's rules would have earned over a range.")
@click.option("--start", type=SESSION, help="First day; a day without a session counts as the one after it.")
@click.option("--end", type=SESSION, help="Last day; its session must have closed.")
@click.option("--last", "reach", metavar="6m", help="Instead: the time up to the newest session, in d, w, m or y.")
@click.option("--tickets", type=click.Path(path_type=Path), help="A folder of tickets instead of TICKETS_DIR.")
@click.option("--profile", help="desk, seed or classic instead of RISKDESK_PROFILE.")
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="A value laid over the configuration; repeatable.")
@click.option("--name", help="What the backtest is called.")
@click.option(
    "--sweep", type=click.Path(path_type=Path), help="A YAML file of variants: NAME: {PATH: VALUE}; each is a backtest."
)
@click.option("--walk-forward", is_flag=True, help="With --sweep: choose among the variants as time goes by.")
@click.option(
    "--mandate",
    "mandates",
    multiple=True,
    metavar="NAME",
    help="Walk this research mandate instead of the tickets; repeatable.",
)
@click.option("--workers", type=click.IntRange(1, 64), help="Processes of a sweep; as many as processors when left out.")
@json_option
@click.pass_context
def backtest(
    ctx: click.Context,
    start: date | None,
    end: date | None,
    reach: str | None,
    tickets: Path | None,
    profile: str | None,
    settings: tuple[str, ...],
    name: str | None,
    sweep: Path | None,
    walk_forward: bool,
    mandates: tuple[str, ...],
    workers: int | None,
    as_json: bool,
) -> None:
    """Walk the tickets over a range of history from an empty book, by the desk's own function, and tell what they earned.

    Tickets count as if in force on every session; P&L of a book is known on the one next session on which every name of it has
    a price, and a session without is skipped whole. The backtest is kept as an immutable directory below RUNS_DIR/backtests,
    with a tear sheet; `riskdesk replay` computes it again. The desk's own data are not touched.

    A sweep runs its variants side by side and shows them in one table; in its file `grid: {PATH: [VALUE, ...]}` spans every
    combination. Windows of a walk-forward are in config/backtest.yaml.

    With --mandate a research mandate of config/portfolios/ is walked as the live asset walks it: scores, universe, optimizer,
    yesterday's weights carried. Its paths are `own.FIELD` (own.risk_aversion_lambda=2), and the settings it reads; tickets push
    its scores by their convictions. There is no walk-forward over mandates.

    \b
    riskdesk backtest --last 6m
    riskdesk backtest --start 2016-01-04 --end 2025-12-31 --profile classic --json
    riskdesk backtest --start 2020-01-01 --end 2024-12-31 --sweep lambda.yaml --walk-forward
    riskdesk backtest --mandate bank_long_only --start 2022-01-03 --end 2024-12-31 --set own.risk_aversion_lambda=10
    """
    from riskdesk_assets.common.strict_yaml import require_plain
    from riskdesk_assets.interfaces.backtest_run import asked_range, run_backtest, run_mandates
    from riskdesk_assets.interfaces.failures import Unusable
    from riskdesk_assets.interfaces.sweep_run import run_sweep
    from riskdesk_assets.research.backtest_request import BacktestRequest
    from riskdesk_assets.research.sweep import load_sweep, parse_settings
    from riskdesk_assets.research.variants import AS_CONFIGURED

    verbose = bool(ctx.find_root().meta.get(DEBUG))
    if mandates and walk_forward:
        raise Unusable("--walk-forward chooses among ways to walk the desk's tickets: compare mandates by --sweep alone")
    variants = load_sweep(sweep) if sweep else ()
    overrides = parse_settings(settings)
    called = require_plain(name or "", "--name") or require_plain(", ".join(settings), "--set")
    first, last = asked_range(start, end, reach, tickets, profile)
    request = BacktestRequest(first, last, called or AS_CONFIGURED, profile, tickets and tickets.resolve(), overrides)
    if mandates and not variants:
        walked = run_mandates(request, mandates, verbose=verbose)
        if as_json:
            told = {str(item.said["mandate"]): item.as_json() for item in walked}
            echo_json(walked[0].as_json() if len(walked) == 1 else {"mandates": told})
        else:
            for item in walked:
                item.show()
        if any(item.breached for item in walked):
            ctx.exit(FAILED)
        return
    if walk_forward or not variants:
        done = run_backtest(request, variants, walk_forward=walk_forward, verbose=verbose)
        if as_json:
            echo_json(done.as_json())
        else:
            done.show()
        if done.breached:
            ctx.exit(FAILED)
        return
    many = run_sweep(request, variants, workers, verbose=verbose, mandates=mandates)
    if as_json:
        echo_json(many.as_json())
    else:
        many.show()
