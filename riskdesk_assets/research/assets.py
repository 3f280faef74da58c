"""Group research: what the books earned."""

import polars as pl
from dagster import AssetExecutionContext, BackfillPolicy, asset

from riskdesk_assets.common.resources import DeskResource, partitions
from riskdesk_assets.common.session_metadata import attach
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.construction.walk import prints_of
from riskdesk_assets.market.history import read_history
from riskdesk_assets.research.realized_pnl import realized_pnl


@asset(
    name="realized_pnl",
    group_name="research",
    partitions_def=partitions(),
    backfill_policy=BackfillPolicy.single_run(),
    deps=["daily_bars", "desk_positions", "portfolio_blotter", "clip_ledger"],
    kinds={"duckdb"},
)
def realized_pnl_asset(context: AssetExecutionContext, desk: DeskResource) -> None:
    """Realized P&L per ticket and name, on the session it became known."""
    first, last = desk.session_range(context)
    config, calendar, warehouse = desk.config(), desk.calendar(), desk.warehouse()
    history = read_history(desk.paths(), calendar, config, first, last)
    start = history.snapshot.first
    rows = realized_pnl(
        history.wanted,
        calendar.sessions,
        warehouse.read("desk_positions", start, last),
        warehouse.read("portfolio_blotter", start, last),
        warehouse.read("clip_ledger", start, last),
        prints_of(history.usable),
        desk_context(config),
    )
    warehouse.write(first, last, {"realized_pnl": rows})
    totals = {
        row["realized_on"]: {"pnl_gross": row["pnl_gross"], "pnl_net": row["pnl_net"], "costs": row["costs"]}
        for row in rows.group_by("realized_on").agg(pl.col("pnl_gross", "pnl_net", "costs").sum()).to_dicts()
    }
    attach(context, "realized_pnl", {session: totals.get(session, {"pnl_net": 0.0}) for session in history.wanted})
