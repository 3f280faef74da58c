"""Group reports: the run directory of every session, and the book a person picks up."""

from collections.abc import Iterator
from datetime import date

import polars as pl
from dagster import (
    AssetCheckEvaluation,
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetSpec,
    BackfillPolicy,
    MaterializeResult,
    MetadataValue,
    asset,
    multi_asset,
)

from riskdesk_assets.common.checks import check_events
from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.halts import current_halts
from riskdesk_assets.common.journal import desk_journal
from riskdesk_assets.common.resources import DeskResource, partitions
from riskdesk_assets.common.session_halts import UnboundHalt, unbound_halts
from riskdesk_assets.common.session_metadata import attach, daily
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.version import code_version
from riskdesk_assets.construction.checks import hard_failures
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.construction.start import starting_state
from riskdesk_assets.controllers.policy_files import kept_policy
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.market.history import read_history
from riskdesk_assets.reports.expected_pnl_rows import (
    EXPECTED_PNL,
    ON_TRACK_CHECK,
    READ_TABLES,
    expected_pnl_rows,
    looked_back_on,
    off_track,
    reach,
)
from riskdesk_assets.reports.expected_pnl_summary import expected_digest, expected_numbers
from riskdesk_assets.reports.model_check_rows import CHECKED_TABLES, MODEL_CHECKS, REJECTED, binding_or_breached, model_checks
from riskdesk_assets.reports.page.content import EARLIER_SESSIONS, page_content
from riskdesk_assets.reports.page.copies import copy_page
from riskdesk_assets.reports.page.digest import page_digest
from riskdesk_assets.reports.page.expected import chart_image
from riskdesk_assets.reports.published import finish_publication, newest_source, publish_book
from riskdesk_assets.reports.realized import history_sessions, realized_pnl
from riskdesk_assets.reports.reconciliation import (
    HOLDINGS_RECONCILED,
    RECONCILIATION,
    Reconciliation,
    holdings_path,
    reconcile,
    reconciled_check,
)
from riskdesk_assets.reports.risk_rows import CONTRIBUTIONS, EARLIER, REPORTS, RISK_TABLES, report_numbers, risk_rows
from riskdesk_assets.reports.run_artifacts import PRIOR_TABLES, RunContent, directory_id, prior_sessions, run_files
from riskdesk_assets.reports.run_store import publish
from riskdesk_assets.reports.workbook.copies import place_workbook
from riskdesk_assets.reports.workbook.workbook import WORKBOOK
from riskdesk_assets.strategy.ticket_archive import stored

SESSIONS = partitions()
ONE_RUN = BackfillPolicy.single_run()
_BOOK = "ideal_portfolio"
_LAST_SESSION = ("ticket_snapshots", "engine_configs", "target_portfolios")
# The last tables of every branch of the graph: whatever they stand on is written by then.
_LAST_TABLES = [
    "trading_sessions",
    "bar_findings",
    "instrument_state",
    "return_correlations",
    "instrument_factors_daily",
    "factors_daily",
    "correlation_panels",
    "scenarios",
    "instrument_scores",
    "strategy_sizes",
    "strategy_correlations",
    "decisions",
    "clip_ledger",
    "guard_counters",
    "desk_state",
    "realized_pnl",
    "portfolios",
    "engine_configs",
    "models",
    "portfolio_risk_reports",
    "risk_contributions",
    "model_checks",
    "expected_pnl",
]
_RISK_INPUTS = [
    "daily_bars",
    "instrument_state",
    "scenarios",
    "instrument_factors_daily",
    "factors_daily",
    "correlation_panels",
    "desk_positions",
    "target_portfolios",
    "portfolio_blotter",
    "limit_audit",
    "desk_state",
    "engine_decisions",
    "portfolio_limits",
    "strategy_budgets",
]


@asset(
    name="realized_pnl",
    group_name="research",
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
    deps=["daily_bars", "desk_positions", "portfolio_blotter", "clip_ledger"],
    kinds={"duckdb"},
)
def realized_pnl_asset(context: AssetExecutionContext, desk: DeskResource) -> None:
    """Realized P&L per ticket and name, on the session it became known."""
    first, last = desk.session_range(context)
    config, calendar, warehouse = desk.config(), desk.calendar(), desk.warehouse()
    history = read_history(desk.paths(), calendar, config, first, last)
    start = calendar.before(first, history_sessions(config))
    rows = realized_pnl(
        history.wanted,
        warehouse.read("desk_positions", start, last),
        warehouse.read("portfolio_blotter", start, last),
        warehouse.read("clip_ledger", start, last),
        history.prints,
        desk_context(config),
    )
    warehouse.write(first, last, {"realized_pnl": rows})
    totals = {
        row["realized_on"]: {"pnl_gross": row["pnl_gross"], "pnl_net": row["pnl_net"], "costs": row["costs"]}
        for row in rows.group_by("realized_on").agg(pl.col("pnl_gross", "pnl_net", "costs").sum()).to_dicts()
    }
    attach(context, "realized_pnl", {session: totals.get(session, {"pnl_net": 0.0}) for session in history.wanted})


@multi_asset(
    name="risk_report",
    specs=[
        AssetSpec(name, group_name="reports", deps=_RISK_INPUTS, description=description, kinds={"duckdb", "polars"})
        for name, description in (
            (REPORTS, "Risk of every portfolio: volatility, VaR and ES, exposures, liquidity, drawdown, scenarios, stability."),
            (
                CONTRIBUTIONS,
                "What each name adds to a portfolio's risk, how long it takes to sell, what limits leave of it.",
            ),
        )
    ],
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
)
def risk_report_asset(context: AssetExecutionContext, desk: DeskResource) -> Iterator[MaterializeResult[None]]:
    """The risk report of every portfolio, of what stands after each session."""
    first, last = desk.session_range(context)
    config, calendar, warehouse = desk.config(), desk.calendar(), desk.warehouse()
    history = read_history(desk.paths(), calendar, config, first, last)
    start = calendar.before(first, config.desk.risk_report.check_window)
    tables = warehouse.read_all(RISK_TABLES, first, last) | warehouse.read_all(EARLIER, start, last)
    frames = risk_rows(panel_of(history, config), config, tables, history.wanted, calendar.sessions)
    warehouse.write(first, last, frames)
    own = frames[REPORTS].filter(pl.col("portfolio_id") == config.desk.portfolio_id)
    attach(context, REPORTS, {row["as_of_date"]: report_numbers(row) for row in own.iter_rows(named=True)})
    for name, frame in frames.items():
        yield MaterializeResult(asset_key=name, metadata={"rows_in_run": frame.height})


@asset(
    name=MODEL_CHECKS,
    group_name="reports",
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
    deps=["desk_state", "engine_decisions", "limit_audit"],
    kinds={"duckdb", "polars"},
)
def model_checks_asset(context: AssetExecutionContext, desk: DeskResource) -> None:
    """Stored predictions of risk against what happened: bias, VaR exceptions, limit adherence, drawdown."""
    first, last = desk.session_range(context)
    config, calendar, warehouse = desk.config(), desk.calendar(), desk.warehouse()
    start = calendar.before(first, config.desk.risk_report.check_window)
    tables = warehouse.read_all(CHECKED_TABLES, start, last)
    sessions = calendar.between(first, last)
    rows = model_checks(config, tables, sessions, calendar.sessions)
    warehouse.write(first, last, {MODEL_CHECKS: rows})
    against = (pl.col("outcome") == REJECTED).sum().alias("rejected")
    attach(context, MODEL_CHECKS, daily(rows, sessions, against, pl.col("observations").max()))


@multi_asset(
    name=EXPECTED_PNL,
    specs=[
        AssetSpec(
            EXPECTED_PNL,
            group_name="reports",
            deps=["market_regime", "strategy_library", "strategy_budgets", "desk_positions", "realized_pnl"],
            description="What each bucket and strategy should earn in today's market regime, and what they earned of it.",
            kinds={"duckdb", "polars"},
        )
    ],
    check_specs=[
        AssetCheckSpec(
            ON_TRACK_CHECK, asset=EXPECTED_PNL, description="No bucket earns far less than expected of the capital it employed."
        )
    ],
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
)
def expected_pnl_asset(
    context: AssetExecutionContext, desk: DeskResource
) -> Iterator[MaterializeResult[None] | AssetCheckEvaluation | AssetCheckResult]:
    """Expected P&L by bucket, strategy and in total, against what was realized; a laggard is a warning."""
    first, last = desk.session_range(context)
    config, calendar, warehouse = desk.config(), desk.calendar(), desk.warehouse()
    sessions = calendar.between(first, last)
    tables = warehouse.read_spans({name: (calendar.before(first, reach(config, name)), last) for name in READ_TABLES})
    rows = expected_pnl_rows(config, tables, sessions, calendar.sessions)
    warehouse.write(first, last, {EXPECTED_PNL: rows})
    attach(context, EXPECTED_PNL, expected_numbers(rows))
    drawn = chart_image([*tables[EXPECTED_PNL].filter(pl.col("as_of_date") < first).to_dicts(), *rows.to_dicts()])
    said = expected_digest(rows) + (f"\n\n![cumulated P&L and what was expected]({drawn})" if drawn else "")
    yield MaterializeResult(asset_key=EXPECTED_PNL, metadata={"newest": MetadataValue.md(said)})
    yield from check_events(EXPECTED_PNL, [ON_TRACK_CHECK], off_track(rows), sessions)


# Not downstream of ideal_portfolio itself: a blocked session's directory is evidence, and the next day starts from its state.
@asset(group_name="reports", partitions_def=SESSIONS, backfill_policy=ONE_RUN, deps=_LAST_TABLES, kinds={"parquet", "json"})
def run_artifacts(context: AssetExecutionContext, desk: DeskResource) -> None:
    """The immutable run directory: every table of the dates, tickets, inputs, metrics, log and manifest."""
    first, last = desk.session_range(context)
    paths, config, calendar, warehouse = desk.paths(), desk.config(), desk.calendar(), desk.warehouse()
    history = read_history(paths, calendar, config, first, last)
    before = calendar.before(first)
    reach = {name: calendar.before(first, prior_sessions(config, name)) for name in PRIOR_TABLES}
    frames = warehouse.read_all(TABLES, first, last)
    earlier = warehouse.read_spans({name: (start, before) for name, start in reach.items()})
    content = RunContent(
        config=config,
        snapshot_id=history.snapshot.snapshot_id,
        source=history.snapshot.source,
        first=first,
        last=last,
        frames=frames,
        prior={name: _prior(rows, name, first, config) for name, rows in earlier.items()},
        start_state=starting_state(warehouse.read("desk_state", None, before), calendar, first).json,
        tickets=stored(frames["ticket_snapshots"], paths.snapshots),
        code_version=code_version(),
        policy=kept_policy(frames["desk_state"], paths.snapshots),
    )
    run_id, files, manifest = run_files(content)
    place = publish(paths.runs, run_id, files, manifest, desk_journal(paths.data).head())
    context.add_asset_metadata({"run_id": run_id, "directory": str(place), "files": len(files) + 1}, asset_key="run_artifacts")


def _prior(rows: pl.DataFrame, name: str, first: date, config: Config) -> pl.DataFrame:
    """Rows strictly before the run; of what only tells a change from the session before, only the last session is an input."""
    earlier = rows.filter(pl.col(TABLES[name].partition) < first)
    if name == EXPECTED_PNL:
        return looked_back_on(earlier, config)
    if name in ("limit_audit", "portfolio_limits"):
        return earlier.filter(binding_or_breached())
    return earlier.filter(pl.col("as_of_date") == pl.col("as_of_date").max()) if name in _LAST_SESSION else earlier


@asset(group_name="reports", partitions_def=SESSIONS, backfill_policy=ONE_RUN, deps=[run_artifacts], kinds={"html"})
def desk_report(context: AssetExecutionContext, desk: DeskResource) -> None:
    """The report page of the run's newest session, copied to DATA_DIR/reports/, and its headline."""
    first, last = desk.session_range(context)
    paths, config, calendar, warehouse = desk.paths(), desk.config(), desk.calendar(), desk.warehouse()
    run_ids = warehouse.read("desk_state", first, last)["run_id"].to_list()
    page = copy_page(paths.data, paths.runs / directory_id(run_ids, first, last), last)
    snapshot = read_history(paths, calendar, config, first, last).snapshot
    content = page_content(
        config=config,
        source=snapshot.source,
        snapshot_id=snapshot.snapshot_id,
        code_version=code_version(),
        session=last,
        frames=warehouse.read_all(TABLES, last, last),
        prior=warehouse.read_spans(
            {name: (calendar.before(last, reach), calendar.before(last)) for name, reach in EARLIER_SESSIONS.items()}
        ),
    )
    said = {"page": MetadataValue.path(page), "headline": MetadataValue.md(page_digest(content))}
    context.add_asset_metadata(said, asset_key="desk_report", partition_key=last.isoformat())


@asset(group_name="reports", partitions_def=SESSIONS, backfill_policy=ONE_RUN, deps=[run_artifacts], kinds={"excel"})
def desk_workbook(context: AssetExecutionContext, desk: DeskResource) -> None:
    """The Excel workbook of the run's newest session, copied to DATA_DIR/workbooks/; an edited copy is kept beside it."""
    first, last = desk.session_range(context)
    paths, warehouse = desk.paths(), desk.warehouse()
    run_ids = warehouse.read("desk_state", first, last)["run_id"].to_list()
    run = paths.runs / directory_id(run_ids, first, last)
    copied = place_workbook(paths.data, last, (run / WORKBOOK).read_bytes())
    said = {"workbook": MetadataValue.path(copied.path), "bytes": copied.path.stat().st_size}
    if copied.edited is not None:
        context.log.warning(f"the copy that stood there had been edited: it is kept as {copied.edited}")
        said["edited"] = MetadataValue.path(copied.edited)
    context.add_asset_metadata(said, asset_key="desk_workbook", partition_key=last.isoformat())


@asset(group_name="reports", partitions_def=SESSIONS, backfill_policy=ONE_RUN, deps=[_BOOK, run_artifacts], kinds={"csv"})
def published_book(context: AssetExecutionContext, desk: DeskResource) -> None:
    """The run's newest released book that breaks no hard limit, as a file; where there is none, the last good one stands."""
    first, last = desk.session_range(context)
    warehouse = desk.warehouse()
    found = finish_publication(desk.paths().data)
    if found:
        context.log.warning(found)
    released = warehouse.read("desk_state", first, last).filter("released").sort("as_of_date", descending=True)
    for newest in released.iter_rows(named=True):
        failed = hard_failures(warehouse, desk.config(), newest["as_of_date"])
        if not failed:
            break
        why = "; ".join(f"{one.check}: {one.message}" for one in failed)
        context.log.warning(f"the book of {newest['as_of_date']} is not published: {why}")
        attach(context, "published_book", {newest["as_of_date"]: {"withheld": why}})
    else:
        context.log.warning(f"no session from {first} to {last} has a book that may be published: the last good one stands")
        return
    session = newest["as_of_date"]
    source = newest_source(warehouse, session)
    data, book = desk.paths().data, warehouse.read(_BOOK, session, session)
    path = publish_book(data, book, session, str(newest["run_id"]), source, _unbound_halts(desk, session))
    said = {"path": str(path)} if path else {"path": "a newer book stands"}
    attach(context, "published_book", {session: said})


def _unbound_halts(desk: DeskResource, session: date) -> tuple[UnboundHalt, ...]:
    """Halts that stand in the journal and that a session's book was not bound by."""
    if not desk.config().desk.gatekeeper.enabled:
        return ()
    journal = desk_journal(desk.paths().data)
    try:
        return unbound_halts(current_halts(journal), desk.calendar(), session)
    finally:
        journal.close()


@multi_asset(
    specs=[
        AssetSpec(
            RECONCILIATION,
            group_name="reports",
            deps=["desk_positions", "daily_bars"],
            description="The desk's shares of the run's newest session beside desk.guards.holdings_file, name by name.",
            kinds={"duckdb"},
        )
    ],
    check_specs=[
        AssetCheckSpec(HOLDINGS_RECONCILED, asset=RECONCILIATION, description="What is really held is what the desk holds.")
    ],
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
)
def holdings_reconciliation(
    context: AssetExecutionContext, desk: DeskResource
) -> Iterator[AssetCheckEvaluation | AssetCheckResult]:
    """Real holdings against the desk's; no file: no rows. A file that cannot be used costs the run nothing but a warning."""
    first, last = desk.session_range(context)
    config, warehouse, path = desk.config(), desk.warehouse(), holdings_path(desk.paths(), desk.config())
    found: Reconciliation | InputError | None = None
    if path is not None:
        try:
            found = reconcile(warehouse, config.universe, last, path)
        except InputError as error:
            found = error
    if isinstance(found, Reconciliation):
        warehouse.write(last, last, {RECONCILIATION: found.frame})
        attach(context, RECONCILIATION, {last: {"rows": len(found.rows), "breaks": len(found.breaks)}})
    sessions = desk.calendar().between(first, last)
    yield from check_events(RECONCILIATION, [HOLDINGS_RECONCILED], reconciled_check(sessions, path, found), sessions)
