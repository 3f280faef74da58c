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

TRAINED, NEXT = "2022-06-22", "2022-06-23"


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
        # `classic` has no mandates, no risk model and no solver: what is tested here is who decides, from training to replay.
        environ = {**cleared, **self.folder.environ, "PRICES_DIR": str(self.prices), "RISKDESK_PROFILE": "classic"}
        return CliRunner().invoke(cli, list(arguments), env=environ)

    def published(self) -> str:
        return digest_file(self.folder.root / "data" / "published" / "ideal_portfolio.csv")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> PolicyDesk:
    """A desk that is told to let a policy decide, and has none yet."""
    # Importing it sets a variable of OpenMP's, which is not the command line's doing.
    import sklearn  # noqa: F401

    desk = PolicyDesk(make_desk(tmp_path_factory.mktemp("policy_desk")))
    desk.prices.mkdir()
    bars = reverting_bars(BANKS).rename({"as_of_date": "date"}).drop("source")
    bars.write_parquet(desk.prices / "bars.parquet")
    universe = desk.folder.root / "config" / "universe.yaml"
    content = yaml.safe_load(universe.read_text())
    universe.write_text(yaml.safe_dump({name: value for name, value in content.items() if name != "volatility_index"}))
    edit(desk.settings, "history_sessions: 2520", "history_sessions: 1580")
    edit(desk.settings, "entry_z: 0.6", "entry_z: 1.5")
    edit(desk.settings, "kind: baseline ", "kind: policy ")
    return desk


@pytest.fixture(scope="module")
def promoted(base: PolicyDesk) -> dict[str, object]:
    """What the training that the gate let through printed."""
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


def test_the_desk_is_decided_by_the_model_its_run_is_replayed_and_an_unusable_model_is_refused(desk: PolicyDesk) -> None:
    result = desk.run("run", "--asof", TRAINED, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["released"]
    decisions = desk.folder.warehouse.read("decisions")
    model_id = json.loads(desk.current.read_bytes())["content_hash"][:16]
    assert set(decisions["controller_version"]) == {f"policy-1:{model_id}"}
    run = Path(told["paths"]["run"])
    assert (run / "inputs" / "policy_model.json").read_bytes() == desk.current.read_bytes()
    published = desk.published()
    edit(desk.settings, "exit_z: 0.2", "exit_z: 0.3")
    refused = desk.run("run-controller", "--asof", TRAINED)
    assert (refused.exit_code, "config_hash" in refused.output) == (2, True), refused.output
    desk.current.unlink()
    shutil.rmtree(desk.models / model_id)
    refused = desk.run("run-controller", "--asof", TRAINED)
    assert refused.exit_code == 2
    assert "there is no promoted policy for controller.kind: policy" in refused.output
    assert "riskdesk train-policy" in refused.output
    assert desk.published() == published, "the last good book stands"
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


def test_a_training_on_days_without_prices_exits_2(base: PolicyDesk) -> None:
    result = base.run("train-policy", "--start", "2022-01-03", "--end", "2022-08-31")
    assert result.exit_code == 2
    assert "no symbol has a usable bar on 2022-08-31" in result.output


def test_a_training_on_too_few_sessions_is_rejected_for_it_or_refused(desk: PolicyDesk) -> None:
    result = desk.run("train-policy", "--start", "2022-01-03", "--end", TRAINED, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["status"] == "rejected"
    assert told["metrics"]["walk_forward"] is None
    result = desk.run("train-policy", "--start", "2022-06-20", "--end", TRAINED)
    assert result.exit_code == 2
    assert "too few" in result.output
