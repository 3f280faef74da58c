"""Group strategy: what the people say: tickets as they stood on each session, strategies, budgets."""

from collections.abc import Iterator

import polars as pl
from dagster import (
    AssetCheckEvaluation,
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetSpec,
    BackfillPolicy,
    asset,
    multi_asset,
)

from riskdesk_assets.common.checks import check_events
from riskdesk_assets.common.resources import DeskResource, partitions
from riskdesk_assets.common.session_check import SessionCheck
from riskdesk_assets.common.session_metadata import attach, daily
from riskdesk_assets.strategy.budget_checks import HAVE_CAPITAL, budget_numbers, without_capital
from riskdesk_assets.strategy.budgets import BUDGET_INPUTS, BUDGETS, CORRELATIONS, SIZES, strategy_budgets
from riskdesk_assets.strategy.library import FROM_TICKET, filed_strategies, strategy_library
from riskdesk_assets.strategy.loading import archived_ids, load_tickets
from riskdesk_assets.strategy.scores import instrument_scores
from riskdesk_assets.strategy.snapshots import notices, ticket_snapshots
from riskdesk_assets.strategy.ticket_archive import keep

SESSIONS = partitions()
ONE_RUN = BackfillPolicy.single_run()
READABLE = "tickets_readable"
_BUDGET_TABLES = {
    SIZES: "Capital of every strategy: recommended, allocated and final size, with each multiplier and its share of the risk.",
    BUDGETS: "What each ticket may use, with each multiplier that made it, its bucket and its hedge ratio.",
    CORRELATIONS: "How the P&L streams of every two strategies with tickets in force move together.",
}
SCORES, SCORES_READABLE = "instrument_scores", "scores_readable"


@multi_asset(
    specs=[
        AssetSpec(
            "ticket_snapshots",
            group_name="strategy",
            description="Every ticket file as it stood, with its content hash and what changed since the session before.",
            kinds={"yaml", "duckdb"},
        )
    ],
    check_specs=[AssetCheckSpec(READABLE, asset="ticket_snapshots", description="Every ticket file can be used.")],
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
)
def ticket_snapshots_asset(
    context: AssetExecutionContext, desk: DeskResource
) -> Iterator[AssetCheckEvaluation | AssetCheckResult]:
    """Every ticket file as it stood, with its content hash and what changed since the session before."""
    first, last = desk.session_range(context)
    paths, calendar, warehouse = desk.paths(), desk.calendar(), desk.warehouse()
    sessions = calendar.between(first, last)
    before = calendar.before(first)
    previous = warehouse.read("ticket_snapshots", before, before)
    folder = load_tickets(paths.tickets, desk.config().universe)
    keep(folder, paths.snapshots)
    rows = ticket_snapshots(folder, sessions, previous, archived_ids(paths.archived))
    warehouse.write(first, last, {"ticket_snapshots": rows})
    for notice in notices(rows, previous):
        context.log.info(str(notice))
    in_force = (pl.col("status") == "IN_FORCE").sum().alias("in_force")
    unusable = (pl.col("status") == "INVALID").sum().alias("unusable")
    attach(context, "ticket_snapshots", daily(rows, sessions, in_force, unusable))
    yield from check_events("ticket_snapshots", [READABLE], _unreadable(rows), sessions)


def _unreadable(rows: pl.DataFrame) -> Iterator[SessionCheck]:
    invalid = (
        rows.filter(pl.col("status") == "INVALID")
        .group_by("as_of_date")
        .agg(pl.col("file").sort(), pl.col("note").sort_by("file"))
    )
    for row in invalid.sort("as_of_date").iter_rows(named=True):
        problems = "; ".join(str(note) for note in row["note"])
        yield SessionCheck(READABLE, row["as_of_date"], passed=False, message=problems, limit=",".join(row["file"]))


@asset(
    name="strategy_library",
    group_name="strategy",
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
    deps=["ticket_snapshots", "market_regime"],
    kinds={"csv", "duckdb"},
)
def strategy_library_asset(context: AssetExecutionContext, desk: DeskResource) -> None:
    """The strategies of config/strategies.csv and of the tickets that stand alone, with the score of each.

    A file with anything wrong in it stops the run before construction: nobody could say which budgets still hold, and the
    last good book stands.
    """
    first, last = desk.session_range(context)
    config, calendar, warehouse = desk.config(), desk.calendar(), desk.warehouse()
    sessions = calendar.between(first, last)
    strategies = filed_strategies(config, desk.paths().config)
    rows = strategy_library(
        config,
        dict.fromkeys(sessions, strategies),
        warehouse.read("ticket_snapshots", first, last),
        warehouse.read("market_regime", first, last),
    )
    warehouse.write(first, last, {"strategy_library": rows})
    candidates = (pl.col("status") == "candidate").sum().alias("candidates")
    lone = (pl.col("source") == FROM_TICKET).sum().alias("lone_tickets")
    fitting = pl.col("fits_regime").sum().alias("fitting_the_regime")
    attach(
        context, "strategy_library", daily(rows, sessions, candidates, lone, fitting, pl.col("score").max().alias("best_score"))
    )


@multi_asset(
    name="strategy_budgets",
    specs=[
        AssetSpec(
            name,
            group_name="strategy",
            deps=BUDGET_INPUTS,
            description=description,
            kinds={"duckdb", "polars"},
        )
        for name, description in _BUDGET_TABLES.items()
    ],
    check_specs=[
        AssetCheckSpec(HAVE_CAPITAL, asset=BUDGETS, description="Every ticket in force belongs to a strategy with capital.")
    ],
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
)
def strategy_budgets_asset(
    context: AssetExecutionContext, desk: DeskResource
) -> Iterator[AssetCheckEvaluation | AssetCheckResult]:
    """What each strategy may have, every multiplier by itself, and what each of its tickets may use of that."""
    first, last = desk.session_range(context)
    config, calendar, warehouse = desk.config(), desk.calendar(), desk.warehouse()
    sessions = calendar.between(first, last)
    tables = warehouse.read_all(BUDGET_INPUTS, first, last)
    frames = strategy_budgets(config, *(tables[name] for name in BUDGET_INPUTS))
    warehouse.write(first, last, frames)
    for name, numbers in budget_numbers(config.desk.nav).items():
        attach(context, name, daily(frames[name], sessions, *numbers))
    yield from check_events(BUDGETS, [HAVE_CAPITAL], without_capital(frames[BUDGETS], tables["ticket_snapshots"]), sessions)


@multi_asset(
    specs=[
        AssetSpec(
            SCORES,
            group_name="strategy",
            deps=["pair_state", "instrument_state", "ticket_snapshots"],
            description="What each research mandate expects of each name: score, confidence, expected return a day.",
            kinds={"duckdb"},
        )
    ],
    check_specs=[AssetCheckSpec(SCORES_READABLE, asset=SCORES, description="Every mandate's score file can be used.")],
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
)
def instrument_scores_asset(
    context: AssetExecutionContext, desk: DeskResource
) -> Iterator[AssetCheckEvaluation | AssetCheckResult]:
    """What each research mandate expects of each name; a mandate without usable scores leaves the desk's book alone."""
    first, last = desk.session_range(context)
    paths, calendar, warehouse = desk.paths(), desk.calendar(), desk.warehouse()
    sessions = calendar.between(first, last)
    rows, unusable = instrument_scores(
        desk.config(),
        paths.config,
        warehouse.read("pair_state", first, last),
        warehouse.read("instrument_state", first, last),
        warehouse.read("ticket_snapshots", first, last),
        sessions,
        calendar.sessions,
    )
    warehouse.write(first, last, {SCORES: rows})
    attach(context, SCORES, daily(rows, sessions, pl.col("portfolio_id").n_unique().alias("mandates")))
    failures = (
        SessionCheck(SCORES_READABLE, session, passed=False, message=str(error), limit=mandate, hard=False)
        for session in sessions
        for mandate, error in sorted(unusable.items())
    )
    yield from check_events(SCORES, [SCORES_READABLE], failures, sessions)
