"""A training as the job ``monthly_policy``, and its verdict on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from dagster import DagsterEventType, DagsterInstance

from riskdesk_assets.common.desk_calendar import desk_calendar
from riskdesk_assets.common.settings import load_config, load_paths
from riskdesk_assets.controllers.policy_files import CURRENT, policies_folder
from riskdesk_assets.controllers.policy_model import PROMOTED, PolicyModel, read_policy
from riskdesk_assets.interfaces.dagster_run import run_job
from riskdesk_assets.interfaces.desk_run import require_finished
from riskdesk_assets.interfaces.failures import Failure
from riskdesk_assets.interfaces.instance import open_instance
from riskdesk_assets.interfaces.progress_bar import RunProgress
from riskdesk_assets.interfaces.terminal import banner, console, escaped, table
from riskdesk_assets.interfaces.wanted_sessions import asked_sessions
from riskdesk_assets.research.policy.files import METRICS, MODEL, REPORT, judged_models, read_metrics

JOB, FIRST_STEP = "monthly_policy", "policy_training_set"


@dataclass(frozen=True)
class TrainingRun:
    """A finished training: the judged model, its folder, its numbers, the model that stands, and how many were judged."""

    model: PolicyModel
    place: Path
    metrics: Mapping[str, Any]
    current: Path
    standing: PolicyModel | None
    judged: tuple[int, int]
    decides: str
    dagster_run_id: str

    @property
    def promoted(self) -> bool:
        """Whether the gate let it through."""
        return self.model.status == PROMOTED

    def as_json(self) -> dict[str, object]:
        """Everything, the verdict first."""
        return {
            "model_id": self.model.model_id,
            "status": self.model.status,
            "promoted": self.promoted,
            "criteria": [item.model_dump(mode="json") for item in self.model.gate.criteria],
            "trained_through": self.model.trained_through,
            "source": self.model.data.source,
            "controller": self.decides,
            "current_model_id": None if self.standing is None else self.standing.model_id,
            "models_judged": self.judged[0],
            "models_promoted": self.judged[1],
            "metrics": dict(self.metrics),
            "dagster_run_id": self.dagster_run_id,
            "paths": {
                "directory": self.place,
                **{name: self.place / name for name in (MODEL, METRICS, REPORT)},
                "current": self.current if self.standing is not None else None,
            },
        }

    def show(self) -> None:
        """The verdict criterion by criterion, both controllers side by side, and where everything is."""
        out, model = console(), self.model
        data = model.data
        out.print(f"{banner(data.source)}  learned policy {model.model_id}, trained through {model.trained_through}")
        out.print(f"{data.rows:,} rows of {len(data.pairs)} pairs, {data.first} to {data.last}")
        gate = table("Promotion gate", "", "")
        for item in model.gate.criteria:
            gate.add_row(escaped(item.name), "[green]met[/]" if item.passed else "[red]not met[/]", escaped(item.meaning))
        out.print(gate)
        if self.metrics["walk_forward"] is not None:
            self._show_sides(self.metrics["walk_forward"]["sides"]["base"])
        out.print(f"[bold]{model.status.upper()}[/]  {self._consequence()}", soft_wrap=True)
        judged, promoted = self.judged
        out.print(
            f"[dim]models judged here so far: {judged}, of them promoted: {promoted}; each was another look at history[/]"
        )
        out.print(f"[dim]report[/]  {self.place / REPORT}", soft_wrap=True)
        out.print(f"[dim]model[/]   {self.place / MODEL}", soft_wrap=True)

    def _show_sides(self, sides: Mapping[str, Mapping[str, Any]]) -> None:
        found = table("Out of sample, a year", ">net", ">costs", ">Sharpe", ">drawdown", ">units")
        for name, words in (("baseline", "baseline"), ("policy", "policy"), ("policy_matched", "policy, volatility matched")):
            side = sides[name]
            sharpe = "-" if side["sharpe"] is None else f"{side['sharpe']:.2f}"
            numbers = (f"{side['net_a_year']:+.2%}", f"{side['costs_a_year']:.2%}", sharpe, f"{side['drawdown']:.2%}")
            found.add_row(words, *numbers, f"{side['units']:.2f}")
        console().print(found)

    def _consequence(self) -> str:
        standing = "no promoted model stands" if self.standing is None else f"model {self.standing.model_id} stands"
        if not self.promoted:
            return f"the controller refuses it; {standing}, and nothing else was changed"
        if self.standing is None or self.standing.model_id != self.model.model_id:
            return f"but not published: {standing}, trained on later data"
        used = "the desk uses it from now on" if self.decides == "policy" else "used where controller.kind is policy"
        return f"{self.current}: {used}"


def run_training(asof: date | None, start: date | None, end: date | None, *, verbose: bool) -> TrainingRun:
    """Train and judge through Dagster.

    Args:
        asof: train through this session; or
        start, end: days of a range; all None for the newest session.

    Raises:
        InputError: an unusable range or configuration, before anything runs.
        Failure: the run stopped; says where and why.
    """
    paths = load_paths()
    config = load_config(paths)
    asked: dict[str, str] = {}
    if asof is not None or start is not None:
        wanted = asked_sessions(desk_calendar(), asof, start, end, datetime.now(UTC))
        asked = {"end": str(wanted.last)} if asof is not None else {"start": str(wanted.first), "end": str(wanted.last)}
    with open_instance() as instance:
        with RunProgress("riskdesk train-policy").shown() as watcher:
            run_config = {"ops": {FIRST_STEP: {"config": asked}}}
            outcome = run_job(instance, JOB, None, None, watcher, verbose=verbose, run_config=run_config)
        require_finished(outcome)
        place = _directory(instance, outcome.dagster_run_id)
    folder = policies_folder(paths.data)
    current = folder / CURRENT
    return TrainingRun(
        model=read_policy(place / MODEL),
        place=place,
        metrics=read_metrics(place),
        current=current,
        standing=read_policy(current) if current.is_file() else None,
        judged=judged_models(folder),
        decides=config.desk.controller.kind,
        dagster_run_id=outcome.dagster_run_id,
    )


def _directory(instance: DagsterInstance, run_id: str) -> Path:
    """Where the run says it kept the model."""
    for entry in instance.all_logs(run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION):
        event = entry.dagster_event
        if event is not None:
            found = event.step_materialization_data.materialization.metadata.get("directory")
            if found is not None:
                return Path(str(found.value))
    raise Failure(f"run {run_id} left no model", f"the whole story: `riskdesk ui`, run {run_id}")
