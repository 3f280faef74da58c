"""The hard limits as asset checks, one per family, measured a second time from the written tables."""

from collections.abc import Iterator
from dataclasses import fields

from dagster import (
    AssetCheckEvaluation,
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSpec,
    multi_asset_check,
)

from riskdesk_assets.common.checks import check_events
from riskdesk_assets.common.resources import DeskResource, WarehouseResource, partitions
from riskdesk_assets.construction.fallback import CONSTRUCTED_AS_MEANT, fallbacks
from riskdesk_assets.construction.remeasure import CHECKS, Written, remeasure
from riskdesk_assets.construction.remeasure_gate import GATE, HALT

CHECKED = "ideal_portfolio"
TABLES = tuple(each.name for each in fields(Written))
_OTHERS = {
    HALT: "Nothing grew that a kill switch or a person stopped; a halt that stands is told of.",
    GATE: "No ticket is larger in the book than the gatekeeper approved in this run.",
}


@multi_asset_check(
    name="hard_limits",
    specs=[
        AssetCheckSpec(
            name,
            asset=CHECKED,
            blocking=True,
            # What the walk reads is there before the book is.
            additional_deps=[
                "desk_positions",
                "guard_decisions",
                "portfolio_blotter",
                "limit_audit",
                "desk_state",
                "gate_decisions",
            ],
            partitions_def=partitions(),
            description=_OTHERS.get(name, f"Hard limit family {name}, measured from the written tables."),
        )
        for name in CHECKS
    ],
)
def hard_limits(
    context: AssetCheckExecutionContext, desk: DeskResource, duckdb: WarehouseResource
) -> Iterator[AssetCheckEvaluation | AssetCheckResult]:
    """Every limit family of every session of the run."""
    first, last = desk.session_range(context)
    warehouse = duckdb.tables()
    written = Written(**warehouse.read_all(TABLES, first, last))
    sessions = desk.calendar().between(first, last)
    yield from check_events(CHECKED, CHECKS, remeasure(written, desk.config(), sessions), sessions)


@multi_asset_check(
    name="fallbacks",
    specs=[
        AssetCheckSpec(
            CONSTRUCTED_AS_MEANT,
            asset="engine_decisions",
            partitions_def=partitions(),
            description="Every portfolio was built as meant: not by the governor, no limit softened, no mandate unmet.",
        )
    ],
)
def fallback_check(
    context: AssetCheckExecutionContext, desk: DeskResource, duckdb: WarehouseResource
) -> Iterator[AssetCheckEvaluation | AssetCheckResult]:
    """A warning with its reason for every session on which a portfolio needed a fallback."""
    first, last = desk.session_range(context)
    sessions = desk.calendar().between(first, last)
    decisions = duckdb.tables().read("engine_decisions", first, last)
    yield from check_events("engine_decisions", (CONSTRUCTED_AS_MEANT,), fallbacks(decisions, sessions), sessions)
