"""A usable policy model made by hand, for the configuration of a test."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from riskdesk_assets.common.settings import Config
from riskdesk_assets.controllers.baseline import CONTROLLER_VERSION
from riskdesk_assets.controllers.policy_features import FEATURES
from riskdesk_assets.controllers.policy_model import SCHEMA, PolicyModel, config_hash, sealed, windows_of

PASSED = {"name": "n_days", "value": 900.0, "bound": 500.0, "passed": True, "meaning": "900 sessions out of sample"}
FAILED = {"name": "lower_bound", "value": -1e-5, "bound": 0.0, "passed": False, "meaning": "the lower bound is below 0"}
HASH = "ab" * 32


def content_for(config: Config, trained_through: date, source: str = "SIMULATED") -> dict[str, Any]:
    """What is fitted: |z| alone decides, half a unit from 1 sd above its mean, a full one from 2."""
    return {
        "schema": SCHEMA,
        "feature_version": config.feature_version,
        "baseline_id": CONTROLLER_VERSION,
        "config_hash": config_hash(config),
        "windows": windows_of(config),
        "horizon": 5,
        "purge": 6,
        "trained_through": trained_through,
        "data": {
            "source": source,
            "first": date(2016, 1, 4),
            "last": date(2020, 1, 3),
            "rows": 1000,
            "pairs": ["JPM__BAC"],
            "tickets_hash": HASH,
            "hash": HASH,
            "training_set_hash": HASH,
        },
        "fit": {
            "features": list(FEATURES),
            "means": [0.0] * len(FEATURES),
            "sds": [1.0] * len(FEATURES),
            "coefficients": [0.001, *[0.0] * (len(FEATURES) - 1)],
            "intercept": -0.001,
            "lambda": 1000,
            "clip": 4,
            "thresholds": {"hold": -0.0005, "half": 0, "full": 0.001},
        },
    }


def verdict(*criteria: Mapping[str, Any]) -> dict[str, Any]:
    """A gate's content with these criteria."""
    status = "promoted" if all(item["passed"] for item in criteria) else "rejected"
    return {"status": status, "first": date(2018, 1, 2), "last": date(2020, 1, 3), "days": 900, "criteria": list(criteria)}


def model_for(config: Config, trained_through: date, source: str = "SIMULATED") -> PolicyModel:
    """A promoted model."""
    return sealed(content_for(config, trained_through, source), verdict(PASSED))
