"""Group research: what is asked of history beside the desk's own day."""

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from dagster import AssetExecutionContext, Config, DynamicPartitionsDefinition, MaterializeResult, MetadataValue, asset
from pydantic import Field

from riskdesk_assets.common.desk_calendar import desk_calendar
from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.hashing import digest_bytes
from riskdesk_assets.common.progress import report
from riskdesk_assets.common.settings import load_config, load_paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.version import code_version
from riskdesk_assets.controllers.policy_files import given_policy
from riskdesk_assets.market.history import History
from riskdesk_assets.market.vendor import choose_vendor
from riskdesk_assets.reports.run_artifacts import pretty_json
from riskdesk_assets.research.backtest_request import BacktestRequest
from riskdesk_assets.research.backtest_run import backtest_runs
from riskdesk_assets.research.comparison import compare
from riskdesk_assets.research.comparison_bars import comparison_history
from riskdesk_assets.research.comparison_files import markdown, write_comparison
from riskdesk_assets.research.tear_sheet.sheet import SHEET
from riskdesk_assets.research.variants import AS_CONFIGURED, Variant
from riskdesk_assets.strategy.library import filed_strategies
from riskdesk_assets.strategy.loading import archived_ids, load_tickets
from riskdesk_assets.strategy.snapshots import ticket_snapshots


class ComparisonRequest(Config):
    """Which configurations to compare over which sessions."""

    start: str = Field(description="First day, YYYY-MM-DD.")
    end: str = Field(description="Last day, YYYY-MM-DD; its session must have closed.")
    # Any: a map of Dagster's may hold no null, and null is what lifts a limit.
    variants: Any = Field(
        description="Name -> {path: value}, such as {wide: {limits.group.max: 0.5}}; {} is the configuration as it is."
    )


# Not through the desk resource: a comparison writes nothing the desk reads, so it need not hold the desk's writer lock.
@asset(group_name="research", kinds={"parquet", "markdown"})
def config_comparisons(context: AssetExecutionContext, config: ComparisonRequest) -> MaterializeResult[None]:
    """Two or more configurations walked over the same sessions with today's tickets, side by side."""
    paths, calendar = load_paths(), desk_calendar()
    desk = load_config(paths)
    sessions = calendar.between(_day("start", config.start), _day("end", config.end))
    if not sessions:
        raise InputError(Problem("", None, "session", f"there is no session from {config.start} to {config.end}"))
    first, last = sessions[0], sessions[-1]
    calendar.require_closed(last, datetime.now(UTC))
    vendor = choose_vendor(paths, desk.universe, calendar, os.environ)
    folder = load_tickets(paths.tickets, desk.universe)
    if folder.problems:
        raise InputError(list(folder.problems))

    def tickets_of(history: History) -> pl.DataFrame:
        none_before = TABLES["ticket_snapshots"].frame([])
        return ticket_snapshots(folder, history.wanted, none_before, archived_ids(paths.archived))

    comparison = compare(
        desk,
        [Variant(name, overrides, f"variant {name}") for name, overrides in _variants("variants", config.variants).items()],
        lambda changed: comparison_history(vendor, paths, calendar, changed, first, last),
        tickets_of,
        lambda changed: filed_strategies(changed, paths.config),
        code_version(),
        lambda done, total: report("comparison", done, total),
        lambda changed: given_policy(paths, changed),
    )
    place = write_comparison(paths.data / "comparisons", comparison)
    context.log.info(f"comparison {comparison.id} of {len(comparison.variants)} configurations: {place}")
    return MaterializeResult(
        metadata={
            "comparison_id": comparison.id,
            "directory": MetadataValue.path(str(place)),
            "variants": len(comparison.variants),
            "sessions": len(sessions),
            "table": MetadataValue.md(markdown(comparison)),
        }
    )


BACKTESTS = DynamicPartitionsDefinition(name="backtests")
METRICS_HASH = "metrics_sha256"


class BacktestAsked(Config):
    """What to walk over which sessions; the partition key is a label, and nothing is computed from it."""

    start: str = Field(description="First session, YYYY-MM-DD.")
    end: str = Field(description="Last session, YYYY-MM-DD; it must have closed.")
    name: str = Field(default=AS_CONFIGURED, description="What the backtest is called.")
    profile: str | None = Field(default=None, description="desk, seed or classic; none: the environment's.")
    tickets: str | None = Field(default=None, description="A folder of tickets; none: the environment's.")
    # Any: a map of Dagster's may hold no null, and null is what lifts a limit.
    overrides: Any = Field(default_factory=dict, description="Path -> value, such as {limits.group.max: 0.5}.")
    candidates: Any = Field(default_factory=dict, description="A walk-forward over these variants: name -> {path: value}.")
    mandate: str | None = Field(default=None, description="A research mandate to walk in place of the desk's tickets.")

    def request(self) -> BacktestRequest:
        """The request in the house's own terms."""
        return BacktestRequest(
            first=_day("start", self.start),
            last=_day("end", self.end),
            name=self.name,
            profile=self.profile,
            tickets=Path(self.tickets) if self.tickets else None,
            overrides=_values("overrides", self.overrides),
            candidates=_variants("candidates", self.candidates),
            mandate=self.mandate,
        )


# No BackfillPolicy.single_run(): partitions are independent of one another, and a sweep runs them side by side. Not through the
# desk resource: a backtest writes nothing the desk reads, so it need not hold the desk's writer lock.
@asset(group_name="research", partitions_def=BACKTESTS, kinds={"parquet", "html"})
def backtests(context: AssetExecutionContext, config: BacktestAsked) -> MaterializeResult[None]:
    """The desk's own days over a range of history: what they would have earned, as a run directory with a tear sheet."""
    paths, calendar, request = load_paths(), desk_calendar(), config.request()
    if not calendar.between(request.first, request.last):
        raise InputError(Problem("", None, "session", f"there is no session from {config.start} to {config.end}"))
    calendar.require_closed(calendar.between(request.first, request.last)[-1], datetime.now(UTC))
    done = backtest_runs(paths, calendar).run(request, lambda walked, total: report("backtest", walked, total))
    metrics = done.said["metrics"]
    context.log.info(f"backtest {done.said['backtest_id']}: {done.place}")
    numbers = {name: value for name, value in metrics.items() if isinstance(value, int | float)}
    return MaterializeResult(
        metadata={
            "backtest_id": done.said["backtest_id"],
            "directory": MetadataValue.path(str(done.place)),
            "tear_sheet": MetadataValue.path(str(done.place / SHEET)),
            # Whoever shows the file can tell that it is the one just computed.
            METRICS_HASH: digest_bytes(pretty_json(done.said)),
            **numbers,
        }
    )


def _values(field: str, found: object) -> dict[str, object]:
    """Paths and values of a run config."""
    if not isinstance(found, dict) or not all(isinstance(path, str) for path in found):
        raise InputError(Problem("run config", None, field, f"is {found!r}", "a map of paths to values"))
    return found


def _variants(field: str, found: object) -> dict[str, dict[str, object]]:
    """Variants of a run config by name."""
    return {name: _values(f"{field}.{name}", overrides or {}) for name, overrides in _values(field, found).items()}


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(Problem("run config", None, field, f"is {text!r}", "YYYY-MM-DD")) from None
