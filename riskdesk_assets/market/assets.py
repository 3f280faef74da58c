"""Group market: bars of the sessions, from one vendor, kept as an immutable snapshot and in the warehouse."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

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
from riskdesk_assets.common.session_metadata import attach, daily, row_counts
from riskdesk_assets.market.history import read_history
from riskdesk_assets.market.ingest import bar_findings as findings_of
from riskdesk_assets.market.ingest import ingest, trading_sessions
from riskdesk_assets.market.quality import CHECKS, finding_words
from riskdesk_assets.market.vendor import choose_vendor

SESSIONS = partitions()
ONE_RUN = BackfillPolicy.single_run()


@asset(group_name="market", partitions_def=SESSIONS, backfill_policy=ONE_RUN, kinds={"duckdb", "parquet"})
def daily_bars(context: AssetExecutionContext, desk: DeskResource) -> None:
    """Daily bars of every watched symbol, and the snapshot every later number of the run is computed from."""
    first, last = desk.session_range(context)
    paths, config, calendar, warehouse = desk.paths(), desk.config(), desk.calendar(), desk.warehouse()
    calendar.require_closed(last, datetime.now(UTC))
    vendor = choose_vendor(paths, config.universe, calendar, os.environ)
    held = set(warehouse.query("SELECT DISTINCT source FROM daily_bars ORDER BY source")["source"])
    history = ingest(vendor, paths, calendar, config, first, last, held)
    rows = history.session_bars
    warehouse.write(first, last, {"daily_bars": rows})
    attach(context, "daily_bars", daily(rows, history.wanted, pl.col("volume").sum().alias("volume")))
    context.add_asset_metadata({"source": vendor.source, "snapshot": history.snapshot.snapshot_id}, asset_key="daily_bars")


@asset(group_name="market", partitions_def=SESSIONS, backfill_policy=ONE_RUN, deps=[daily_bars], kinds={"duckdb"})
def volatility_index(context: AssetExecutionContext, desk: DeskResource) -> None:
    """Closes of the volatility index on the sessions."""
    first, last = desk.session_range(context)
    history = read_history(desk.paths(), desk.calendar(), desk.config(), first, last)
    rows = history.session_volatility
    desk.warehouse().write(first, last, {"volatility_index": rows})
    attach(context, "volatility_index", daily(rows, history.wanted, pl.col("close").last()))


@asset(
    name="trading_sessions",
    group_name="market",
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
    deps=[daily_bars],
    kinds={"duckdb"},
)
def trading_sessions_asset(context: AssetExecutionContext, desk: DeskResource) -> None:
    """Each session's close, whether it is a half day, and which symbols printed."""
    first, last = desk.session_range(context)
    history = read_history(desk.paths(), desk.calendar(), desk.config(), first, last)
    rows = trading_sessions(history, desk.config().universe.watched)
    desk.warehouse().write(first, last, {"trading_sessions": rows})
    attach(context, "trading_sessions", row_counts(rows, history.wanted))


@multi_asset(
    specs=[
        AssetSpec(
            "bar_findings",
            group_name="market",
            deps=["daily_bars", "ticket_snapshots"],
            description="Every fault of the bars; ERROR where a ticket in force needs the name, WARN elsewhere.",
            kinds={"duckdb"},
        )
    ],
    check_specs=[AssetCheckSpec(name, asset="bar_findings") for name in CHECKS],
    partitions_def=SESSIONS,
    backfill_policy=ONE_RUN,
)
def bar_findings(context: AssetExecutionContext, desk: DeskResource) -> Iterator[AssetCheckEvaluation | AssetCheckResult]:
    """Every fault of the bars; ERROR where a ticket in force needs the name, WARN elsewhere."""
    first, last = desk.session_range(context)
    config, warehouse = desk.config(), desk.warehouse()
    history = read_history(desk.paths(), desk.calendar(), config, first, last)
    findings = findings_of(history, warehouse.read("ticket_snapshots", first, last), config)
    warehouse.write(first, last, {"bar_findings": findings})
    errors = (pl.col("severity") == "ERROR").sum().alias("errors")
    attach(context, "bar_findings", daily(findings, history.wanted, errors))
    yield from check_events("bar_findings", CHECKS, _failures(findings), history.wanted)


def _failures(findings: pl.DataFrame) -> Iterator[SessionCheck]:
    """One failed result per check and session: hard where any symbol's finding is an ERROR."""
    groups = findings.group_by("check_name", "as_of_date").agg(
        (pl.col("severity") == "ERROR").any().alias("hard"),
        pl.col("symbol").sort().alias("symbols"),
        pl.col("message").sort_by("symbol").alias("messages"),
    )
    for row in groups.sort("check_name", "as_of_date").iter_rows(named=True):
        told = [finding_words(*each) for each in zip(row["symbols"], row["messages"], strict=True)]
        message = "; ".join(told[:5]) + (f"; and {len(told) - 5} more" if len(told) > 5 else "")
        yield SessionCheck(
            row["check_name"],
            row["as_of_date"],
            passed=False,
            message=message,
            limit=",".join(row["symbols"]),
            hard=row["hard"],
        )
