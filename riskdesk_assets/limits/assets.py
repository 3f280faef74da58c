"""Group strategy: the register of what a session is computed with, and the changes of its limits since the session before.

desk_days stands on limit_changes: a change that lacks its second name stops the run before any book is built.
"""

import os
from collections.abc import Iterator

import polars as pl
from dagster import AssetExecutionContext, AssetSpec, BackfillPolicy, MaterializeResult, multi_asset

from riskdesk_assets.common.resources import DeskResource, partitions
from riskdesk_assets.common.session_metadata import attach, daily
from riskdesk_assets.limits.changes import limit_changes, required_approval, session_changes
from riskdesk_assets.limits.four_eyes import require_approved
from riskdesk_assets.limits.register import engine_configs, model_rows, portfolios

SESSIONS = partitions()
ONE_RUN = BackfillPolicy.single_run()
_DESCRIPTIONS = {
    "portfolios": "Every portfolio: the desk's own and the research mandates.",
    "engine_configs": "The configuration of every portfolio, and the desk's limits, as canonical JSON with its hash.",
    "models": "Every risk model and report, construction, controller and cost model, with a hash of its settings and sources.",
    "limit_changes": "Every change of a limit since the session before: from, to, and who made and who approved it.",
}
_NUMBERS = {
    "limit_changes": [
        (pl.col("change") == kind).sum().alias(kind.lower()) for kind in ("ADDED", "REMOVED", "TIGHTENED", "LOOSENED")
    ],
    "models": [pl.col("content_hash").n_unique().alias("distinct")],
}


@multi_asset(
    name="register",
    specs=[
        AssetSpec(name, group_name="strategy", description=description, kinds={"yaml", "duckdb"})
        for name, description in _DESCRIPTIONS.items()
    ],
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
)
def register(context: AssetExecutionContext, desk: DeskResource) -> Iterator[MaterializeResult[None]]:
    """The register of every session, written as its four tables in one transaction."""
    first, last = desk.session_range(context)
    paths, config, calendar, warehouse = desk.paths(), desk.config(), desk.calendar(), desk.warehouse()
    sessions, before = calendar.between(first, last), calendar.before(first)
    previous = warehouse.read("engine_configs", before, before).filter(pl.col("as_of_date") < first)
    configs = engine_configs(config, sessions)
    changes = limit_changes(previous, configs.filter(pl.col("as_of_date") == first))
    approval = required_approval(config.limits.approval, previous)
    require_approved(changes, approval, paths, config.profile, os.environ)
    frames = {
        "portfolios": portfolios(config, sessions),
        "engine_configs": configs,
        "models": model_rows(config, sessions),
        "limit_changes": session_changes(config, previous, configs, before),
    }
    warehouse.write(first, last, frames)
    for change in changes:
        context.log.warning(f"{first}: {change.sentence()}")
    for name, frame in frames.items():
        attach(context, name, daily(frame, sessions, *_NUMBERS.get(name, ())))
        yield MaterializeResult(asset_key=name, metadata={"rows_in_run": frame.height})
