"""``riskdesk train-policy``: the learned policy trained and judged; promoted only if it is better out of sample."""

from __future__ import annotations

from datetime import date

import click

from riskdesk_assets.interfaces.options import DEBUG, echo_json, json_option, require_one_way, session_options


@click.command("train-policy", short_help="Train the learned policy and judge it out of sample.")
@session_options
@json_option
@click.pass_context
def train_policy(ctx: click.Context, asof: date | None, start: date | None, end: date | None, as_json: bool) -> None:
    """Train the learned policy on bars and tickets, judge it against the baseline out of sample, promote it if it is better.

    Without dates it learns from the last policy.history_sessions sessions (config/desk.yaml) to the newest one; --asof trains
    through that session. Model, numbers and report are kept in DATA_DIR/models/policy/ID/; a promoted model becomes
    DATA_DIR/models/policy/current.json, which the desk uses where controller.kind is policy.

    \b
    riskdesk train-policy
    riskdesk train-policy --asof 2025-12-31
    riskdesk train-policy --start 2016-01-04 --end 2025-12-31 --json

    \b
    Exit codes: 0 trained and judged, whatever the verdict (a rejection is an answer, and the last promoted model stands);
    2 the data or the settings cannot be used.
    """
    require_one_way(asof, start, end, required=False)
    from riskdesk_assets.interfaces.policy_run import run_training

    done = run_training(asof, start, end, verbose=bool(ctx.find_root().meta.get(DEBUG)))
    if as_json:
        echo_json(done.as_json())
    else:
        done.show()
