"""The learned policy as assets: training set, judged model, and the promotion that a failed gate blocks.

On demand and without partitions: a training looks back over years of sessions and belongs to none of them; the schedule asks
for one a month, by its last session. Not through the desk resource: training reads bars and writes its own folder, and what
it publishes is one file, replaced in one step. A desk run need not wait for it.
"""

import os
from datetime import UTC, date, datetime
from pathlib import Path

from dagster import AssetCheckExecutionContext, AssetExecutionContext, AssetKey, Config, MaterializeResult, MetadataValue, asset
from pydantic import Field

from riskdesk_assets.common.desk_calendar import desk_calendar
from riskdesk_assets.common.errors import InputError, Problem, StateError
from riskdesk_assets.common.progress import report
from riskdesk_assets.common.settings import Config as Settings
from riskdesk_assets.common.settings import Paths, load_config, load_paths
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.common.whole_file import replace_file
from riskdesk_assets.controllers.policy_files import policies_folder
from riskdesk_assets.controllers.policy_model import read_policy
from riskdesk_assets.market.newest import newest_complete_session
from riskdesk_assets.market.vendor import choose_vendor
from riskdesk_assets.research.comparison_bars import comparison_history
from riskdesk_assets.research.policy.files import MODEL, REPORT, parquet, publish_policy, write_trained
from riskdesk_assets.research.policy.training import TrainingInputs, train, training_inputs
from riskdesk_assets.research.policy.training_set import learnable, rows_hash
from riskdesk_assets.strategy.loading import load_tickets
from riskdesk_assets.strategy.ticket import Ticket

TRAINING_SET, POLICY_MODEL = "policy_training_set", "policy_model"
SEARCH_SESSIONS = 260  # how far back the newest session with bars is looked for, before all of history is
_SETS = "training_sets"


class TrainingRequest(Config):
    """Which sessions to learn from; both empty: the history the configuration asks for, to the newest closed session."""

    start: str = Field(default="", description="First day, YYYY-MM-DD; empty: policy.history_sessions before the end.")
    end: str = Field(default="", description="Last day, YYYY-MM-DD; its session must have closed. Empty: the newest.")


@asset(group_name="research", kinds={"parquet", "polars"})
def policy_training_set(context: AssetExecutionContext, config: TrainingRequest) -> MaterializeResult[None]:
    """Every pair at every session, with its features and what a unit reversion position then earned."""
    first, last = _sessions(config)
    inputs = _inputs(first, last)
    content = rows_hash(inputs.rows)
    path = policies_folder(load_paths().data) / _SETS / f"{content}.parquet"
    replace_file(path, parquet(inputs.rows))
    return MaterializeResult(
        metadata={
            "first": str(first),
            "last": str(last),
            "rows": inputs.rows.height,
            "rows_with_outcome": learnable(inputs.rows).height,
            "pairs": inputs.rows["pair_id"].n_unique(),
            "source": inputs.source,
            "hash": content,
            "file": MetadataValue.path(str(path)),
        }
    )


@asset(group_name="research", deps=[policy_training_set], kinds={"json", "html"})
def policy_model(context: AssetExecutionContext) -> MaterializeResult[None]:
    """A policy fitted on the newest training set and judged out of sample, promoted or rejected, with its report."""
    told = latest_metadata(context, TRAINING_SET)
    inputs = _inputs(date.fromisoformat(told["first"]), date.fromisoformat(told["last"]))
    if rows_hash(inputs.rows) != told["hash"]:
        raise StateError(
            f"the training set of {told['first']} to {told['last']} is not what its prices, tickets and settings give now: "
            "`riskdesk train-policy` makes both anew"
        )
    with single_threaded():
        trained = train(inputs, lambda done, total: report("walk-forward", done, total))
    model = trained.model
    place = write_trained(policies_folder(load_paths().data), trained)
    for item in model.gate.criteria:
        context.log.info(f"{'met' if item.passed else 'NOT MET'}: {item.meaning}")
    return MaterializeResult(
        metadata={
            "model_id": model.model_id,
            "status": model.status,
            "directory": MetadataValue.path(str(place)),
            "report": MetadataValue.path(str(place / REPORT)),
            "content_hash": model.content_hash,
            "rows": model.data.rows,
            "days_out_of_sample": model.gate.days,
            **{item.name: item.value for item in model.gate.criteria if item.value is not None},
            "verdict": MetadataValue.md(
                "\n".join(f"- **{'met' if item.passed else 'not met'}**: {item.meaning}" for item in model.gate.criteria)
            ),
        }
    )


@asset(group_name="research", deps=[policy_model], kinds={"json"})
def policy_promotion(context: AssetExecutionContext) -> MaterializeResult[None]:
    """The promoted model as the one the controller uses; a failed gate blocks it, and the last promoted one stands."""
    place = Path(latest_metadata(context, POLICY_MODEL)["directory"])
    model = read_policy(place / MODEL)
    path, published = publish_policy(policies_folder(load_paths().data), model)
    if not published:
        context.log.warning(f"{path} was trained on later data than {model.model_id}: it stands")
    return MaterializeResult(
        metadata={"model_id": model.model_id, "path": MetadataValue.path(str(path)), "published": published}
    )


def latest_metadata(context: AssetExecutionContext | AssetCheckExecutionContext, asset_name: str) -> dict[str, str]:
    """What the newest materialization of an asset says of itself.

    Raises:
        StateError: there is none.
    """
    entry = context.instance.get_latest_materialization_event(AssetKey(asset_name))
    found = None if entry is None else entry.asset_materialization
    if found is None:
        raise StateError(f"{asset_name} was never materialized: `riskdesk train-policy` makes it")
    return {name: str(value.value) for name, value in found.metadata.items()}


def _sessions(request: TrainingRequest) -> tuple[date, date]:
    """First and last session of a request."""
    calendar, now = desk_calendar(), datetime.now(UTC)
    last = calendar.on_or_before(_day("end", request.end)) if request.end else _newest(now)
    calendar.require_closed(last, now)
    if not request.start:
        place = calendar.position(last)
        settings = load_config(load_paths()).desk.policy
        return calendar.sessions[max(0, place - settings.history_sessions + 1)], last
    sessions = calendar.between(_day("start", request.start), last)
    if not sessions:
        raise InputError(Problem("", None, "session", f"there is no session from {request.start} to {last}"))
    return sessions[0], last


def _newest(now: datetime) -> date:
    """The newest closed session on which every name of a ticket has a bar."""
    paths, calendar = load_paths(), desk_calendar()
    desk = load_config(paths)
    vendor = choose_vendor(paths, desk.universe, calendar, os.environ)
    needed = sorted({leg for ticket in _tickets(paths, desk) for leg in (ticket.leg_a, ticket.leg_b)})
    closed = calendar.newest_closed(now)
    for start in (calendar.before(closed, SEARCH_SESSIONS), calendar.sessions[0]):
        bars = vendor.bars(needed, start, closed)
        if not bars.is_empty():
            break
    return newest_complete_session(bars, calendar, desk, needed, now)


def _inputs(first: date, last: date) -> TrainingInputs:
    """Bars, features and outcomes of the sessions, with the tickets of today's folder."""
    paths, calendar = load_paths(), desk_calendar()
    desk = load_config(paths)
    tickets = _tickets(paths, desk)
    vendor = choose_vendor(paths, desk.universe, calendar, os.environ)
    return training_inputs(comparison_history(vendor, paths, calendar, desk, first, last), desk, tickets)


def _tickets(paths: Paths, desk: Settings) -> list[Ticket]:
    """Every ticket of the active folder; an unusable file is told, not left out."""
    folder = load_tickets(paths.tickets, desk.universe)
    if folder.problems:
        raise InputError(list(folder.problems))
    return [item.ticket for item in folder.tickets]


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(Problem("run config", None, field, f"is {text!r}", "YYYY-MM-DD")) from None
