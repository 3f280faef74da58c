"""``riskdesk compare``: two or more configurations over the same sessions, side by side."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from riskdesk_assets.interfaces.options import DEBUG, SESSION, echo_json, json_option, require_one_way


@click.command(short_help="Configurations side by side over a range.")
@click.option("--start", type=SESSION, required=True, help="First day; a day without a session counts as the one after it.")
@click.option("--end", type=SESSION, required=True, help="Last day; its session must have closed.")
@click.option("--variant", "variants", multiple=True, metavar="'NAME: PATH=VALUE, ...'", help="A configuration; repeatable.")
@click.option("--file", "file", type=click.Path(path_type=Path), help="A YAML file of more variants: NAME: {PATH: VALUE}.")
@json_option
@click.pass_context
def compare(ctx: click.Context, start: date, end: date, variants: tuple[str, ...], file: Path | None, as_json: bool) -> None:
    """Walk two or more configurations over the same sessions, with today's tickets and no book to start from.

    A variant is the configuration as it is with some values laid over; one without any is the configuration itself. The table
    holds size, P&L, risk against its prediction, and on how many sessions each limit cut a proposal and was binding in the
    book. It is kept in DATA_DIR/comparisons.

    \b
    riskdesk compare --start 2024-01-01 --end 2025-12-31 --variant "shipped:" \\
        --variant "bold: portfolios.bank_pairs.risk_aversion_lambda=5, limits.group.max=0.5"
    """
    require_one_way(None, start, end, required=True)
    from riskdesk_assets.interfaces.compare_run import run_comparison

    done = run_comparison(start, end, variants, file, verbose=bool(ctx.find_root().meta.get(DEBUG)))
    if as_json:
        echo_json(done.as_json())
    else:
        done.show()
