"""Where policy models are: the one the desk is told to use, and those that past sessions used, kept by their hash."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from riskdesk_assets.common.errors import InputError, Problem, StateError
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.whole_file import replace_file
from riskdesk_assets.controllers.policy_model import PolicyModel, read_policy

FOLDER = Path("models", "policy")
CURRENT = "current.json"
_KEPT = "policies"


@dataclass(frozen=True)
class GivenPolicy:
    """A whole model and the file it came from."""

    model: PolicyModel
    file: str


def policies_folder(data: Path) -> Path:
    """DATA_DIR/models/policy: a folder per trained model, and the promoted one beside them."""
    return data / FOLDER


def given_policy(paths: Paths, config: Config) -> GivenPolicy | None:
    """The model the configuration names, or the last one promoted; None where the baseline decides.

    Raises:
        InputError: there is none, or its file is not whole.
    """
    controller = config.desk.controller
    if controller.kind == "baseline":
        return None
    published = policies_folder(paths.data) / CURRENT
    path = published if controller.policy_model is None else paths.config / controller.policy_model
    if controller.policy_model is None and not path.is_file():
        said = "there is no promoted policy for controller.kind: policy"
        raise InputError(
            Problem(str(path), None, "", said, "`riskdesk train-policy` promotes one, or controller.kind: baseline")
        )
    return GivenPolicy(read_policy(path), str(path))


def keep_policy(model: PolicyModel, snapshots: Path) -> None:
    """Store a model a session was decided with as ``snapshots/policies/<content hash>.json``, for its run directory."""
    path = snapshots / _KEPT / f"{model.content_hash}.json"
    if not path.exists():
        replace_file(path, model.canonical)


def kept_policy(states: pl.DataFrame, snapshots: Path) -> bytes | None:
    """The model file that the sessions of desk_state rows were decided with; None where the baseline decided them all.

    Raises:
        StateError: they were decided with more than one, or the one is not among those kept.
    """
    models = [json.loads(text).get("model") for text in states.sort("as_of_date")["inputs_json"].to_list()]
    used = sorted({str(model["content_hash"]) for model in models if model is not None})
    if not used:
        return None
    if len(used) > 1:
        raise StateError(
            f"{states.height} sessions were decided with {len(used)} policy models, and a run has one: "
            "`riskdesk run` over them computes them again with today's"
        )
    path = snapshots / _KEPT / f"{used[0]}.json"
    if not path.is_file():
        raise StateError(f"{path}, the policy model these sessions were decided with, is missing: restore it from a backup")
    return path.read_bytes()
