from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_assets.common.hashing import digest
from riskdesk_assets.common.settings import Config, load_paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.controllers.policy_files import CURRENT, given_policy, keep_policy, kept_policy, policies_folder
from riskdesk_assets.controllers.policy_model import (
    PolicyModel,
    config_hash,
    document,
    fit_hash,
    parse_policy,
    read_policy,
    require_usable,
    sealed,
)
from riskdesk_tests.controllers.policy_models import FAILED, PASSED, content_for, model_for, verdict
from riskdesk_tests.desk_builder import calendar, changed, desk_config, sessions_from

TRAINED = date(2026, 1, 30)
DAYS = sessions_from(date(2026, 2, 2), 5)
CONFIG = desk_config()
MODEL = model_for(CONFIG, TRAINED)
Change = Callable[[dict[str, Any]], None]


def refused(model: PolicyModel, config: Config = CONFIG, source: str = "SIMULATED", days: tuple[date, ...] = DAYS) -> str:
    with pytest.raises(InputError) as found:
        require_usable(model, "model.json", config, source, days, calendar())
    return str(found.value)


def resealed(change: Change, criteria: tuple[dict[str, Any], ...] = (PASSED,)) -> PolicyModel:
    """A model of other content whose hashes are right: as another version, or another desk, would have written it."""
    content = content_for(CONFIG, TRAINED)
    change(content)
    return sealed(content, verdict(*criteria))


def test_a_promoted_fresh_and_matching_model_is_used() -> None:
    require_usable(MODEL, "model.json", CONFIG, "SIMULATED", DAYS, calendar())
    require_usable(MODEL, "model.json", CONFIG, "SIMULATED", sessions_from(TRAINED, 1), calendar())


def test_its_file_is_canonical_and_comes_back_whole() -> None:
    assert parse_policy(MODEL.canonical, "model.json") == MODEL
    assert parse_policy(MODEL.canonical, "model.json").canonical == MODEL.canonical
    assert model_for(CONFIG, TRAINED).canonical == MODEL.canonical
    content = json.loads(MODEL.canonical)
    stated = content.pop("content_hash")
    assert stated == digest(content) == MODEL.content_hash
    assert content["fit_hash"] == fit_hash(content) == content["gate"]["fit_hash"]
    assert {"lambda", "schema"} <= {*content, *content["fit"]}


def test_a_rejected_model_is_refused_with_its_reasons() -> None:
    found = refused(resealed(lambda content: None, (PASSED, FAILED)))
    assert "is rejected" in found
    assert FAILED["meaning"] in found
    assert "controller.kind: baseline" in found


def _other_features(content: dict[str, Any]) -> None:
    content["fit"]["features"] = list(reversed(content["fit"]["features"]))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (_other_features, "fit.features"),
        (lambda content: content.update(feature_version="v2"), "feature_version"),
        (lambda content: content.update(baseline_id="baseline-0"), "baseline_id"),
        (lambda content: content.update(config_hash="0" * 64), "config_hash"),
        (lambda content: content["data"].update(source="FILES"), "data.source"),
    ],
)
def test_a_model_of_another_desk_is_refused_by_what_differs(change: Change, field: str) -> None:
    assert f"model.json: {field}" in refused(resealed(change))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("desk.features.window_z", 50),
        ("desk.controller.exit_z", 0.3),
        ("desk.controller.min_beta", None),
        ("desk.costs.cost_bps", 2.0),
        ("desk.policy.horizon_sessions", 10),
    ],
)
def test_a_setting_that_a_feature_a_limit_or_a_cost_rests_on_makes_a_model_useless(path: str, value: object) -> None:
    assert "config_hash" in refused(MODEL, changed(CONFIG, path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("desk.controller.kind", "policy"),
        ("desk.features.coint_refresh", "never"),
        ("limits.group.max", 0.3),
        ("desk.policy.ridge_lambda", 5.0),
    ],
)
def test_any_other_setting_leaves_it_usable(path: str, value: object) -> None:
    assert config_hash(changed(CONFIG, path, value)) == config_hash(CONFIG)


def test_a_model_is_stale_the_session_after_its_last_allowed_one() -> None:
    most = CONFIG.desk.policy.max_age_sessions
    days = sessions_from(TRAINED, most + 2)
    require_usable(MODEL, "model.json", CONFIG, "SIMULATED", days[most : most + 1], calendar())
    found = refused(MODEL, days=days[most + 1 :])
    assert f"{most + 1} sessions before {days[-1]}: too old" in found


def test_a_session_before_the_end_of_its_training_is_refused_for_looking_ahead() -> None:
    found = refused(MODEL, days=sessions_from(date(2026, 1, 29), 3))
    assert "deciding 2026-01-29 with it would look ahead" in found


def test_every_reason_is_told_at_once() -> None:
    model = resealed(lambda content: content.update(feature_version="v2"), (FAILED,))
    found = refused(model, source="FILES", days=sessions_from(date(2024, 1, 2), 1))
    assert [word in found for word in ("gate.status", "feature_version", "data.source", "look ahead")] == [True] * 4


def _written(change: Change) -> bytes:
    """The file with something changed in it and nothing else put right."""
    content = json.loads(MODEL.canonical)
    change(content)
    return json.dumps(content).encode()


def _promoted_gate_of_another_fit(content: dict[str, Any]) -> None:
    content["fit"]["intercept"] = 0.5
    content["fit_hash"] = fit_hash(content)
    content["content_hash"] = digest({name: value for name, value in content.items() if name != "content_hash"})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content["fit"].update(intercept=0.5), "content_hash: does not fit the content"),
        (lambda content: content.update(trained_through="2026-02-27"), "content_hash: does not fit the content"),
        (lambda content: content["data"].update(hash="cd" * 32), "fit_hash: is not that of the fitted part"),
        (_promoted_gate_of_another_fit, "gate.fit_hash: the verdict is of another fit"),
        (lambda content: content["fit"].update(coefficients=[float("nan")] * 10), "NaN is not a number"),
        (lambda content: content["fit"].update(intercept=float("inf")), "Infinity is not a number"),
        (lambda content: content["fit"].update(coefficients=[0.0] * 9), "not equally many"),
        (lambda content: content["fit"]["sds"].__setitem__(0, 0.0), "not above 0"),
        (lambda content: content["fit"]["thresholds"].update(hold=1.0), "do not rise"),
        (lambda content: content["gate"].update(status="rejected"), "does not follow from the criteria"),
        (lambda content: content.update(schema="riskdesk.policy/2"), "schema"),
        (lambda content: content.pop("baseline_id"), "baseline_id"),
        (lambda content: content.update(note="hello"), "note"),
    ],
)
def test_a_corrupted_file_is_refused(change: Change, said: str) -> None:
    with pytest.raises(InputError) as found:
        parse_policy(_written(change), "model.json")
    assert said in str(found.value)
    assert "model.json" in str(found.value)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'"x"', b"null", b'{"schema": 1, "schema": 2}', b"[" * 100_000, b"\xff\xfe", b'{"a": 1e999}']
)
def test_bytes_that_are_no_model_are_refused_by_name(raw: bytes) -> None:
    with pytest.raises(InputError, match=r"model\.json"):
        parse_policy(raw, "model.json")


@pytest.mark.parametrize("place", range(0, len(MODEL.canonical), 97))
def test_no_flipped_bit_goes_unnoticed(place: int) -> None:
    raw = bytearray(MODEL.canonical)
    raw[place] ^= 1
    try:
        found = parse_policy(bytes(raw), "model.json")
    except InputError:
        return
    assert found == MODEL, "a blank that is another blank says the same"


def test_the_desk_reads_the_last_promoted_model_or_the_one_it_is_told(tmp_path: Path) -> None:
    paths = load_paths({"DATA_DIR": str(tmp_path / "data"), "RISKDESK_CONFIG_DIR": str(tmp_path / "config")})
    wanted = changed(CONFIG, "desk.controller.kind", "policy")
    assert given_policy(paths, CONFIG) is None
    with pytest.raises(InputError, match=r"there is no promoted policy.*riskdesk train-policy"):
        given_policy(paths, wanted)
    folder = policies_folder(paths.data)
    folder.mkdir(parents=True)
    (folder / CURRENT).write_bytes(MODEL.canonical)
    found = given_policy(paths, wanted)
    assert found is not None
    assert found.model == MODEL
    named = changed(wanted, "desk.controller.policy_model", "my_model.json")
    with pytest.raises(InputError, match=r"my_model\.json: does not exist"):
        given_policy(paths, named)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "my_model.json").write_bytes(model_for(CONFIG, DAYS[0]).canonical)
    told = given_policy(paths, named)
    assert told is not None
    assert told.model.trained_through == DAYS[0]


def test_the_model_a_session_used_is_kept_by_its_hash(tmp_path: Path) -> None:
    def states(*models: PolicyModel | None) -> Any:
        table = TABLES["desk_state"]
        rows = [
            dict.fromkeys(table.columns)
            | {
                "as_of_date": day,
                "inputs_json": json.dumps({"model": None if model is None else {"content_hash": model.content_hash}}),
            }
            for day, model in zip(DAYS, models, strict=False)
        ]
        return table.frame(rows)

    other = model_for(CONFIG, DAYS[0])
    assert kept_policy(states(None, None), tmp_path) is None
    with pytest.raises(StateError, match="is missing"):
        kept_policy(states(None, MODEL), tmp_path)
    keep_policy(MODEL, tmp_path)
    keep_policy(MODEL, tmp_path)
    assert kept_policy(states(None, MODEL, MODEL), tmp_path) == MODEL.canonical
    with pytest.raises(StateError, match="2 policy models, and a run has one"):
        kept_policy(states(MODEL, other), tmp_path)


def test_a_model_file_may_not_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_bytes(MODEL.canonical)
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    assert read_policy(tmp_path / "real.json") == MODEL
    with pytest.raises(InputError, match="symbolic link"):
        read_policy(tmp_path / "link.json")


def test_the_document_is_the_same_whatever_the_order_of_its_keys() -> None:
    assert document({"b": 1, "a": [1.0, 2]}) == document({"a": [1.0, 2], "b": 1})
