"""model.json: a trained policy as one canonical, hashable document, and every reason not to use one.

Three hashes make a chain: ``fit_hash`` seals what was fitted together with the hash of the data and of the settings it was
fitted with; the gate names the fit it judged; ``content_hash`` seals the whole. A model is used only when the chain is whole,
the gate says promoted, and what it was fitted with is what the desk runs with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.hashing import canonical_json, digest
from riskdesk_assets.common.model import StrictModel, details_of
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config
from riskdesk_assets.controllers.baseline import CONTROLLER_VERSION
from riskdesk_assets.controllers.policy_features import FEATURES

SCHEMA = "riskdesk.policy/1"
POLICY_VERSION = "policy-1"
PROMOTED, REJECTED = "promoted", "rejected"
MAX_BYTES = 256 * 1024
_SEALED_BY_FIT = (
    *("schema", "feature_version", "baseline_id", "config_hash", "windows", "horizon", "purge"),
    *("trained_through", "data", "fit"),
)
_UNSEALED = "0" * 64

Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Thresholds(StrictModel):
    """Predicted net returns from which a unit position is kept at half, taken at half, and taken in full."""

    hold: float
    half: float
    full: float

    @model_validator(mode="after")
    def _rising(self) -> Thresholds:
        if not self.hold <= self.half <= self.full:
            raise ValueError(f"hold {self.hold}, half {self.half} and full {self.full} do not rise")
        return self


class TrainingData(StrictModel):
    """What a model was fitted on: ``hash`` of the rows it could learn from, and of the whole set with what came after them."""

    source: str
    first: date
    last: date
    rows: int = Field(ge=1)
    pairs: tuple[str, ...]
    tickets_hash: Sha
    hash: Sha
    training_set_hash: Sha


class Fit(StrictModel):
    """The fitted part: a linear prediction of the net return of a unit reversion position over the horizon."""

    features: tuple[str, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    ridge_lambda: float = Field(alias="lambda")
    clip: float = Field(gt=0)
    thresholds: Thresholds

    @model_validator(mode="after")
    def _aligned(self) -> Fit:
        sizes = {len(self.features), len(self.means), len(self.sds), len(self.coefficients)}
        if len(sizes) != 1:
            raise ValueError("features, means, sds and coefficients are not equally many")
        if any(sd <= 0 for sd in self.sds):
            raise ValueError("a standard deviation is not above 0")
        return self

    def predict(self, values: Sequence[float]) -> float:
        """Predicted net return, a fraction of the position's gross over the horizon; features in their order, one by one."""
        total = self.intercept
        for value, mean, sd, coefficient in zip(values, self.means, self.sds, self.coefficients, strict=True):
            total += coefficient * min(max((value - mean) / sd, -self.clip), self.clip)
        return total


class Criterion(StrictModel):
    """One condition of the gate: the number found, the one it is held against, and in words what that means."""

    name: str
    value: float | None
    bound: float
    passed: bool
    meaning: str


class Gate(StrictModel):
    """The verdict on one fit, told apart by its hash, out of sample."""

    fit_hash: Sha
    status: Literal["promoted", "rejected"]
    first: date | None
    last: date | None
    days: int = Field(ge=0)
    criteria: tuple[Criterion, ...]

    @model_validator(mode="after")
    def _says_what_it_found(self) -> Gate:
        if (self.status == PROMOTED) != (bool(self.criteria) and all(item.passed for item in self.criteria)):
            raise ValueError(f"status {self.status} does not follow from the criteria")
        return self


class PolicyModel(StrictModel):
    """A trained policy with its verdict; ``windows`` and ``horizon``, ``purge`` in sessions."""

    schema_id: Literal["riskdesk.policy/1"] = Field(alias="schema")
    feature_version: str
    baseline_id: str
    config_hash: Sha
    windows: dict[str, int]
    horizon: int = Field(ge=1)
    purge: int = Field(ge=1)
    trained_through: date
    data: TrainingData
    fit: Fit
    fit_hash: Sha
    gate: Gate
    content_hash: Sha

    @property
    def status(self) -> str:
        """promoted or rejected."""
        return self.gate.status

    @property
    def model_id(self) -> str:
        """The first 16 hex digits of the content hash: the name of the model's folder."""
        return self.content_hash[:16]

    @cached_property
    def canonical(self) -> bytes:
        """model.json: sorted keys, one line end; the same model gives the same bytes."""
        return document(self.model_dump(mode="json", by_alias=True))


def document(content: dict[str, Any]) -> bytes:
    """A canonical JSON document a person can read too."""
    return (json.dumps(json.loads(canonical_json(content)), indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def fit_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of the fitted part and of everything that says what it was fitted with and how it may be used."""
    return digest({name: content[name] for name in _SEALED_BY_FIT})


def sealed(content: Mapping[str, Any], verdict: Mapping[str, Any]) -> PolicyModel:
    """A model from its content and its gate's, both without the hashes, which are added."""
    gate = {**verdict, "fit_hash": _UNSEALED}
    draft = PolicyModel.model_validate({**content, "gate": gate, "fit_hash": _UNSEALED, "content_hash": _UNSEALED})
    written = draft.model_dump(mode="json", by_alias=True, exclude={"content_hash"})
    written["fit_hash"] = written["gate"]["fit_hash"] = fit_hash(written)
    return PolicyModel.model_validate({**written, "content_hash": digest(written)})


def config_hash(config: Config) -> str:
    """SHA-256 of the settings that decide what a feature, a position or a cost is: a model lives and dies with them."""
    desk = config.desk
    content = {
        "features": desk.features.model_dump(mode="json", exclude={"coint_refresh"}),
        "controller": desk.controller.model_dump(mode="json", exclude={"kind", "policy_model"}),
        "costs": desk.costs.model_dump(mode="json"),
        "horizon": desk.policy.horizon_sessions,
    }
    return digest(content)


def windows_of(config: Config) -> dict[str, int]:
    """The windows of the features, in sessions, as a model records them."""
    features = config.desk.features
    names = ("window_hedge", "window_z", "half_life_window", "long_window", "dispersion_mean_sessions", "lookback_sessions")
    return {name: int(getattr(features, name)) for name in names}


def read_policy(path: Path) -> PolicyModel:
    """A model from its file, whole and unchanged since it was written; whether it may be used is another question.

    Raises:
        InputError: missing, not JSON, an unknown or missing field, a number that is none, a hash that does not fit.
    """
    return parse_policy(strict_yaml.read_bytes(path, MAX_BYTES), str(path))


def parse_policy(raw: bytes, file: str) -> PolicyModel:
    """A model from the bytes of model.json; see :func:`read_policy`."""
    try:
        content = json.loads(raw, object_pairs_hook=_no_twins, parse_constant=_no_constant)
        model = PolicyModel.model_validate(content)
    except ValidationError as error:
        raise InputError([_problem(file, dict(item)) for item in details_of(error)]) from None
    except (ValueError, RecursionError) as error:
        raise InputError(Problem(file, None, "", f"is not a policy model: {str(error) or 'nested too deeply'}")) from None
    stated = content.pop("content_hash")
    broken: list[Problem] = []
    if digest(content) != stated:
        said = "does not fit the content: the file was changed after it was written"
        broken.append(Problem(file, None, "content_hash", said, "the file as `riskdesk train-policy` wrote it"))
    if fit_hash(content) != model.fit_hash:
        broken.append(Problem(file, None, "fit_hash", "is not that of the fitted part and its data"))
    if model.gate.fit_hash != model.fit_hash:
        broken.append(Problem(file, None, "gate.fit_hash", "the verdict is of another fit", model.fit_hash))
    if broken:
        raise InputError(broken)
    return model


def require_usable(
    model: PolicyModel, file: str, config: Config, source: str, sessions: Sequence[date], calendar: SessionCalendar
) -> None:
    """Refuse a model that may not decide these sessions.

    Args:
        model: a whole model.
        file: what problems call it.
        config: the desk's configuration.
        source: of the desk's bars.
        sessions: those to be decided, in order; none are asked of no session.
        calendar: NYSE sessions.

    Raises:
        InputError: rejected; other features, feature version, baseline, settings or prices than the desk's; too old for a
            session, or trained on what came after it; every reason.
    """
    problems: list[Problem] = []

    def refuse(field: str, message: str, allowed: str = "") -> None:
        problems.append(Problem(file, None, field, message, allowed))

    if model.status != PROMOTED:
        failed = "; ".join(item.meaning for item in model.gate.criteria if not item.passed)
        refuse(
            "gate.status",
            f"is {model.status}: {failed or 'no criterion was met'}",
            "a promoted model, or controller.kind: baseline",
        )
    if model.fit.features != FEATURES:
        refuse("fit.features", f"are {', '.join(model.fit.features)}", ", ".join(FEATURES))
    if model.feature_version != config.feature_version:
        refuse("feature_version", f"is {model.feature_version}", config.feature_version)
    if model.baseline_id != CONTROLLER_VERSION:
        refuse("baseline_id", f"is {model.baseline_id}: its limits are not those it was judged within", CONTROLLER_VERSION)
    if model.config_hash != config_hash(config):
        said = "is of other features, controller rules, costs or horizon than the desk's: train it again"
        refuse("config_hash", said, config_hash(config))
    if model.data.source != source:
        refuse("data.source", f"is {model.data.source}: it was trained on other prices than the desk's", source)
    if sessions:
        _require_fresh(model, config, sessions, calendar, refuse)
    if problems:
        raise InputError(problems)


def _require_fresh(
    model: PolicyModel, config: Config, sessions: Sequence[date], calendar: SessionCalendar, refuse: Callable[..., None]
) -> None:
    first, last = sessions[0], sessions[-1]
    if first < model.trained_through:
        refuse(
            "trained_through",
            f"is {model.trained_through}: deciding {first} with it would look ahead",
            f"sessions from {model.trained_through} on, or controller.kind: baseline before it",
        )
    age = calendar.position(last) - calendar.position(calendar.on_or_before(model.trained_through))
    most = config.desk.policy.max_age_sessions
    if age > most:
        refuse(
            "trained_through", f"is {model.trained_through}, {age} sessions before {last}: too old", f"at most {most} sessions"
        )


def _problem(file: str, error: dict[str, Any]) -> Problem:
    place = ".".join(str(part) for part in error["loc"])
    given = error.get("input")
    shown = f" ({given!r})" if isinstance(given, str | int | float) else ""
    return Problem(file, None, place, f"{error['msg']}{shown}")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key} stands twice")
        found[key] = value
    return found


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number")
