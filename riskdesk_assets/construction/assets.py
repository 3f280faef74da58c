"""Group construction: one multi-asset that walks the sessions in order, and the hard limits as its checks.

The feedback from day to day (positions, ages, equity) lives inside the walk; it reads the state of the session before its
first one from the warehouse. A declared self-dependency would split a backfill in two (architecture.md).
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

import polars as pl
from dagster import (
    AssetExecutionContext,
    AssetSpec,
    BackfillPolicy,
    MaterializeResult,
    MetadataValue,
    multi_asset,
)

from riskdesk_assets.common.halts import write_session_halt
from riskdesk_assets.common.journal import desk_journal
from riskdesk_assets.common.progress import report
from riskdesk_assets.common.resources import DeskResource, partitions
from riskdesk_assets.common.session_halts import session_halts
from riskdesk_assets.common.session_metadata import attach
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.common.version import code_version
from riskdesk_assets.construction.desk_day import DayResult
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.construction.mandates import MANDATE_TABLES, mandate_inputs, walk_mandates
from riskdesk_assets.construction.prepare import WALK_TABLES, walk_inputs
from riskdesk_assets.construction.rows import joined
from riskdesk_assets.construction.start import starting_state
from riskdesk_assets.construction.summary import session_numbers, walk_digest
from riskdesk_assets.construction.walk import CONSTRUCTION_TABLES, Walk, walk
from riskdesk_assets.controllers.policy_files import given_policy, keep_policy
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.gatekeeper.desk_switches import automatic_halts
from riskdesk_assets.market.history import read_history

SESSIONS = partitions()
HALTS = "desk_halts"
# Prices may come late: the desk's newest session is live while it is at most this many sessions behind the exchange's. An older
# one is history, and its halts are simulated.
LIVE_SESSIONS = 10
ONE_RUN = BackfillPolicy.single_run()
_DESCRIPTIONS = {
    HALTS: "The journal's halts of the desk as each session sees them: what stands, and which automatic ones are known.",
    "proposals": "Stages 1 to 3 per ticket: budget, the controller's units and why, volatility scale, the ticket's own caps.",
    "gate_decisions": "Stage 4 per ticket: APPROVED, ADJUSTED or REJECTED, and what may pass.",
    "target_portfolios": "Stage 5: net target weight per name, as a fraction of nav.",
    "decisions": "Per ticket: proposed and final units, legs after the ticket caps and after every stage, costs, volatility.",
    "limit_audit": "Every hard limit measured in integers on the book: bound, utilization, OK, AMBER or BREACH, and its price.",
    "ideal_portfolio": "Stage 6, the released book: whole shares and exact cents per name, with CASH that makes the sum zero.",
    "portfolio_blotter": "What changes from yesterday's desk positions, per ticket leg.",
    "guard_decisions": "Stage 7 per ticket leg: ALLOW, CLIP, DENY or NOOP, by which guard and why, in every mode.",
    "guard_counters": "Stage 7: how many tickets each guard let pass, clipped, denied or left, and the mean clip ratio.",
    "desk_positions": "Stage 7: what the desk holds after the session; tomorrow starts from it.",
    "clip_ledger": "Every touch of every ticket: stage, limit, bound, value in, value out, and the reason in words.",
    "desk_state": "What one session hands to the next, with the hash of what it started from; the day's P&L, volatility, VaR.",
    "engine_decisions": "What the optimizer was asked and answered: every attempt, which limits bind, and their price.",
    "portfolio_limits": "Every limit of the research mandates on the weights they end the session with, and its price.",
}
_INPUTS = ["daily_bars", *WALK_TABLES]
_DEPENDENCIES: dict[str, list[str]] = {
    HALTS: [],
    "proposals": _INPUTS,
    "gate_decisions": ["proposals"],
    "target_portfolios": ["gate_decisions"],
    "decisions": ["gate_decisions", "target_portfolios"],
    "limit_audit": ["target_portfolios"],
    "ideal_portfolio": ["target_portfolios", "limit_audit"],
    "portfolio_blotter": ["ideal_portfolio", "guard_decisions"],
    "guard_decisions": ["ideal_portfolio"],
    "guard_counters": ["guard_decisions"],
    "desk_positions": ["ideal_portfolio", "guard_decisions"],
    "clip_ledger": ["proposals", "gate_decisions", "target_portfolios"],
    "desk_state": ["desk_positions"],
    "engine_decisions": ["target_portfolios", "limit_audit"],
    "portfolio_limits": ["target_portfolios"],
}
_WRITTEN = tuple(dict.fromkeys((HALTS, *CONSTRUCTION_TABLES, *MANDATE_TABLES)))


@multi_asset(
    name="desk_days",
    specs=[
        AssetSpec(
            name,
            group_name="construction",
            deps=_DEPENDENCIES[name],
            description=_DESCRIPTIONS[name],
            kinds={"duckdb", "polars"},
        )
        for name in _WRITTEN
    ],
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
)
def desk_days(context: AssetExecutionContext, desk: DeskResource) -> Iterator[MaterializeResult[None]]:
    """The funnel, one session after another: proposals to desk positions, with every clip and every limit measured.

    The research mandates are walked beside it, from the same frames, and are written with it; nothing of theirs reaches it.
    """
    first, last = desk.session_range(context)
    config, warehouse, calendar = desk.config(), desk.warehouse(), desk.calendar()
    start = starting_state(warehouse.read("desk_state", None, calendar.before(first)), calendar, first)
    history = read_history(desk.paths(), calendar, config, first, last)
    panel, before = panel_of(history, config), calendar.before(first)
    tables = warehouse.read_all([name for name in WALK_TABLES if name != HALTS], first, last)
    # Read here and now: a halt must never be missed because somebody left a step out.
    tables[HALTS] = _halts_of(desk, calendar.between(first, last))
    policy = given_policy(desk.paths(), config)
    inputs = walk_inputs(history, panel, config, tables, start=start, code_version=code_version(), policy=policy)
    if policy is not None:
        keep_policy(policy.model, desk.paths().snapshots)
    with single_threaded():
        done = walk(inputs, lambda place, total: report("desk days", place, total))
        beside = mandate_inputs(
            history,
            panel,
            config,
            tables,
            run_ids={day.session: day.run_id for day in done.days},
            prior=warehouse.read_all(("target_portfolios", "engine_decisions"), before, before),
        )
        mandates = walk_mandates(beside, lambda place, total: report("research mandates", place, total))
    frames = {HALTS: tables[HALTS], **joined([done.frames, mandates])}
    later = warehouse.read("desk_state", calendar.after(last), None)
    warehouse.write(first, last, frames)
    if later.is_empty() and last >= calendar.before(calendar.newest_closed(datetime.now(UTC)), LIVE_SESSIONS):
        _keep_halts(desk, done.days[-1], config)
    for message in (f"{day.session}: {message}" for day in done.days for message in day.messages):
        context.log.warning(message)
    for table, numbers in session_numbers(done, config.desk.nav).items():
        attach(context, table, numbers)
    for name in _WRITTEN:
        yield MaterializeResult(asset_key=name, metadata=_run_metadata(name, frames[name].height, done, config))


def _halts_of(desk: DeskResource, sessions: Sequence[date]) -> pl.DataFrame:
    journal = desk_journal(desk.paths().data)
    try:
        return session_halts(journal, desk.calendar(), sessions)
    finally:
        journal.close()


def _keep_halts(desk: DeskResource, newest: DayResult, config: Config) -> None:
    """What the newest session's kill switches stopped goes into the journal; from there only a person's resume ends it."""
    context, halts = desk_context(config), newest.halts
    found = list(automatic_halts(newest.state.switches, newest.session, halts, context.rpm))
    if found:
        journal = desk_journal(desk.paths().data)
        try:
            for halt in found:
                write_session_halt(journal, halt)
        finally:
            journal.close()


def _run_metadata(name: str, rows: int, done: Walk, config: Config) -> dict[str, MetadataValue]:
    """What the whole run says of one asset; the book carries a digest to read."""
    metadata: dict[str, MetadataValue] = {"rows_in_run": MetadataValue.int(rows)}
    if name == "ideal_portfolio":
        metadata["digest"] = MetadataValue.md(walk_digest(done, config))
    return metadata
