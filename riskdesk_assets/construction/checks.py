"""The hard limits as asset checks, one per family, measured a second time from the written tables."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import date

from dagster import (
    AssetCheckEvaluation,
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSpec,
    multi_asset_check,
)

from riskdesk_assets.common.checks import check_events
from riskdesk_assets.common.resources import DeskResource, WarehouseResource, partitions
from riskdesk_assets.common.session_check import SessionCheck
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.warehouse import Warehouse
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
    sessions = desk.calendar().between(first, last)
    yield from check_events(CHECKED, CHECKS, measured_again(duckdb.tables(), desk.config(), sessions), sessions)


def measured_again(warehouse: Warehouse, config: Config, sessions: Sequence[date]) -> Iterator[SessionCheck]:
    """One result per check and session, measured from the tables as they stand; ``sessions`` in order, without a gap."""
    written = Written(**warehouse.read_all(TABLES, sessions[0], sessions[-1]))
    return remeasure(written, config, sessions)


def hard_failures(warehouse: Warehouse, config: Config, session: date) -> tuple[SessionCheck, ...]:
    """What forbids publishing a session's book: in a range no check stops what comes after it, so a publisher asks here."""
    return tuple(one for one in measured_again(warehouse, config, [session]) if one.hard and not one.passed)


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
