"""From training to a decided desk through the command line: promoted, used, replayed, refused when it should be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from dagster import DagsterInstance

from riskdesk_assets.common.hashing import digest_file
from riskdesk_assets.interfaces.cli import cli
from riskdesk_assets.interfaces.instance import open_instance
from riskdesk_tests.desk_on_disk import BANKS, DeskFolder, edit, make_desk
from riskdesk_tests.interfaces.conftest import FOREIGN
from riskdesk_tests.research.policy.reverting_market import reverting_bars

BEFORE, TRAINED, NEXT, AFTER = "2022-06-21", "2022-06-22", "2022-06-23", "2022-06-24"


@dataclass(frozen=True)
class PolicyDesk:
    folder: DeskFolder

    @property
    def prices(self) -> Path:
        return self.folder.root / "prices"

    @property
    def models(self) -> Path:
        return self.folder.root / "data" / "models" / "policy"

    @property
    def current(self) -> Path:
        return self.models / "current.json"

    @property
    def settings(self) -> Path:
        return self.folder.root / "config" / "desk.yaml"

    def run(self, *arguments: str) -> Result:
        cleared: dict[str, str | None] = dict.fromkeys(FOREIGN)
        environ = {**cleared, **self.folder.environ, "PRICES_DIR": str(self.prices)}
        return CliRunner().invoke(cli, list(arguments), env=environ)

    def published(self) -> str:
        return digest_file(self.folder.root / "data" / "published" / "ideal_portfolio.csv")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> PolicyDesk:
    """A desk with a book of the baseline's, told since to let a policy decide."""
    desk = PolicyDesk(make_desk(tmp_path_factory.mktemp("policy_desk")))
    desk.prices.mkdir()
    bars = reverting_bars(BANKS).rename({"as_of_date": "date"}).drop("source")
    bars.write_parquet(desk.prices / "bars.parquet")
    universe = desk.folder.root / "config" / "universe.yaml"
    content = yaml.safe_load(universe.read_text())
    universe.write_text(yaml.safe_dump({name: value for name, value in content.items() if name != "volatility_index"}))
    edit(desk.settings, "history_sessions: 2520", "history_sessions: 1580")
    edit(desk.settings, "entry_z: 0.6", "entry_z: 1.5")
    result = desk.run("run", "--asof", BEFORE, "--json")
    assert result.exit_code == 0, result.output
    edit(desk.settings, "kind: baseline ", "kind: policy ")
    return desk


@pytest.fixture(scope="module")
def promoted(base: PolicyDesk) -> dict[str, object]:
    """What the training that the gate let through printed."""
    published = base.published()
    refused = base.run("run", "--asof", TRAINED)
    assert refused.exit_code == 2
    assert "there is no promoted policy for controller.kind: policy" in refused.output
    assert "riskdesk train-policy" in refused.output
    assert base.published() == published, "the last good book stands"
    result = base.run("train-policy", "--asof", TRAINED, "--json")
    assert result.exit_code == 0, result.output
    told: dict[str, object] = json.loads(result.stdout)
    return told


@pytest.fixture
def desk(base: PolicyDesk, promoted: dict[str, object], tmp_path: Path) -> PolicyDesk:
    """A copy of the desk with the promoted model."""
    shutil.copytree(base.folder.root, tmp_path / "desk")
    return PolicyDesk(DeskFolder(tmp_path / "desk"))


@pytest.fixture
def instance(desk: PolicyDesk, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    for name, value in desk.folder.environ.items():
        monkeypatch.setenv(name, value)
    with open_instance() as opened:
        yield opened


def test_a_training_tells_its_verdict_criterion_by_criterion_and_keeps_everything(
    base: PolicyDesk, promoted: dict[str, object]
) -> None:
    assert promoted["status"] == "promoted"
    criteria = promoted["criteria"]
    assert isinstance(criteria, list)
    assert [(item["name"], item["passed"]) for item in criteria] == [
        (name, True)
        for name in ("n_days", "lower_bound", "lower_bound_stressed", "drawdown", "drawdown_stressed", "net_stressed")
    ]
    place = base.models / str(promoted["model_id"])
    assert {path.name for path in place.iterdir()} >= {"model.json", "metrics.json", "report.html"}
    assert base.current.read_bytes() == (place / "model.json").read_bytes()
    assert (promoted["source"], promoted["trained_through"]) == ("FILES", TRAINED)


def test_the_desk_is_decided_by_the_model_and_its_run_is_replayed_from_its_own_directory(desk: PolicyDesk) -> None:
    result = desk.run("run", "--start", TRAINED, "--end", NEXT, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["released"]
    decisions = desk.folder.warehouse.read("decisions")
    model_id = json.loads(desk.current.read_bytes())["content_hash"][:16]
    versions = dict(decisions.select("as_of_date", "controller_version").unique().sort("as_of_date").iter_rows())
    assert {str(day): version for day, version in versions.items()} == {
        BEFORE: "baseline-1",
        TRAINED: f"policy-1:{model_id}",
        NEXT: f"policy-1:{model_id}",
    }
    run = Path(told["paths"]["run"])
    assert (run / "inputs" / "policy_model.json").read_bytes() == desk.current.read_bytes()
    desk.current.unlink()
    shutil.rmtree(desk.models / model_id)
    replayed = desk.run("replay", run.name)
    assert replayed.exit_code == 0, replayed.output
    assert "identical, bit for bit" in replayed.output


def test_a_rejected_training_is_an_answer_and_the_promoted_model_stands(desk: PolicyDesk, instance: DagsterInstance) -> None:
    standing = desk.current.read_bytes()
    edit(desk.settings, "    min_days: 500", "    min_days: 1400")
    result = desk.run("train-policy", "--asof", NEXT)
    assert result.exit_code == 0, result.output
    assert "REJECTED  the controller refuses it" in result.output
    assert "at least 1,400 asked" in result.output
    assert "models judged here so far: 2, of them promoted: 1" in result.output
    assert desk.current.read_bytes() == standing
    run = instance.get_runs(limit=1)[0]
    assert run.job_name == "monthly_policy"
    materialized = {event.asset_key.to_user_string() for event in _materialized(instance, run.run_id)}
    assert materialized == {"policy_training_set", "policy_model"}, "the gate blocks the promotion"


def _materialized(instance: DagsterInstance, run_id: str):  # type: ignore[no-untyped-def]
    from dagster import DagsterEventType

    for entry in instance.all_logs(run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION):
        assert entry.dagster_event is not None
        yield entry.dagster_event.step_materialization_data.materialization


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("max_age_sessions: 42", "max_age_sessions: 1", "2 sessions before 2022-06-24: too old"),
        ("exit_z: 0.2", "exit_z: 0.3", "config_hash"),
    ],
)
def test_a_stale_or_mismatched_model_stops_the_run_and_the_last_book_stands(
    desk: PolicyDesk, old: str, new: str, said: str
) -> None:
    edit(desk.settings, old, new)
    published = desk.published()
    # From the book of the session before: what is refused is the model, not the start.
    result = desk.run("run", "--start", TRAINED, "--end", AFTER)
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert desk.published() == published


def test_a_training_on_days_without_prices_exits_2(base: PolicyDesk) -> None:
    result = base.run("train-policy", "--start", "2022-01-03", "--end", "2022-08-31")
    assert result.exit_code == 2
    assert "no pair has enough bars on 2022-08-31" in result.output


def test_a_training_on_too_few_sessions_is_rejected_for_it_or_refused(desk: PolicyDesk) -> None:
    result = desk.run("train-policy", "--start", "2022-01-03", "--end", TRAINED, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["status"] == "rejected"
    assert told["metrics"]["walk_forward"] is None
    result = desk.run("train-policy", "--start", "2022-06-20", "--end", TRAINED)
    assert result.exit_code == 2
    assert "too few" in result.output
