"""A training as files: DATA_DIR/models/policy/<id>/ with model.json, metrics.json, report.html and the rows behind them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.whole_file import replace_file
from riskdesk_assets.controllers.policy_files import CURRENT
from riskdesk_assets.controllers.policy_model import PROMOTED, PolicyModel, document, read_policy
from riskdesk_assets.research.policy.measures import metrics, walk_frame
from riskdesk_assets.research.policy.report import policy_page
from riskdesk_assets.research.policy.training import Trained

MODEL, METRICS, REPORT = "model.json", "metrics.json", "report.html"
WALK, ROWS = "walk_forward.parquet", "training_set.parquet"


def write_trained(folder: Path, trained: Trained) -> Path:
    """Write ``folder/<id>/``, each file in one step; the same training gives the same bytes again.

    Args:
        folder: DATA_DIR/models/policy.
        trained: the model with everything its report shows.
    """
    place = folder / trained.model.model_id
    measured = metrics(trained)
    replace_file(place / ROWS, parquet(trained.inputs.rows))
    if trained.walk is not None:
        replace_file(place / WALK, parquet(walk_frame(trained.walk)))
    replace_file(place / METRICS, document(measured))
    replace_file(place / REPORT, policy_page(trained).encode())
    # Last: whoever finds the model finds what it was judged by.
    replace_file(place / MODEL, trained.model.canonical)
    return place


def publish_policy(folder: Path, model: PolicyModel) -> tuple[Path, bool]:
    """Make a promoted model the one the desk uses, unless that was trained on later data.

    Returns:
        (path, published): False where a newer one stands.

    Raises:
        StateError: the model was rejected; nothing is published by mistake.
    """
    if model.status != PROMOTED:
        raise StateError(f"policy {model.model_id} is {model.status}: it is not published")
    path = folder / CURRENT
    if path.is_file() and read_policy(path).trained_through > model.trained_through:
        return path, False
    replace_file(path, model.canonical)
    return path, True


def read_metrics(place: Path) -> dict[str, Any]:
    """metrics.json of a training. Raises StateError where it is missing or cannot be read."""
    try:
        found: dict[str, Any] = json.loads((place / METRICS).read_bytes())
    except (OSError, ValueError) as error:
        raise StateError(f"{place / METRICS} cannot be read: {error}") from error
    return found


def judged_models(folder: Path) -> tuple[int, int]:
    """How many models stand in the folder, and how many of them were promoted: every one was another look at the same test."""
    statuses = [json.loads(path.read_bytes())["gate"]["status"] for path in sorted(folder.glob(f"*/{MODEL}"))]
    return len(statuses), statuses.count(PROMOTED)


def parquet(frame: pl.DataFrame) -> bytes:
    """The frame as Parquet bytes."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()
