"""A mandate's backtest computed again from what its directory names, and every hash compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from riskdesk_assets.common.hashing import digest_bytes
from riskdesk_assets.common.progress import report
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.version import code_version
from riskdesk_assets.reports.replay import Replayed, require_tickets
from riskdesk_assets.reports.run_store import RunDirectory
from riskdesk_assets.research.backtest_bars import kept_history
from riskdesk_assets.research.backtest_files import CONFIG, REQUEST, SETTINGS, SNAPSHOTS
from riskdesk_assets.research.backtest_settings import BacktestSettings
from riskdesk_assets.research.mandates.backtest import mandate_backtest
from riskdesk_assets.research.mandates.files import COMPARED_FILES, SCORES, MandateInputsKept, made_files, mandate_digest
from riskdesk_assets.research.mandates.inputs import MandateShared


def replay_mandate(run: RunDirectory, damaged: tuple[str, ...], paths: Paths, calendar: SessionCalendar) -> Replayed:
    """Recompute a mandate's backtest and compare every table, and every file made of them; writes nothing.

    Args:
        run: its directory.
        damaged: files of it that are not what the manifest says; none of its inputs.
        paths: where bars are kept.
        calendar: NYSE sessions.

    Raises:
        StateError: the bars it names are missing or damaged.
    """
    manifest = run.manifest
    config = Config.model_validate_json((run.path / CONFIG).read_bytes())
    request: Mapping[str, Any] = json.loads((run.path / REQUEST).read_bytes())
    snapshots = TABLES["ticket_snapshots"].conform(pl.read_parquet(run.path / SNAPSHOTS))
    require_tickets(run.path, snapshots)
    first, last = date.fromisoformat(request["first"]), date.fromisoformat(request["last"])
    scores = TABLES["instrument_scores"].conform(pl.read_parquet(run.path / SCORES)) if (run.path / SCORES).is_file() else None
    shared = MandateShared(
        request["mandate"],
        lambda item: kept_history(paths, request["snapshot"], manifest["source"], calendar, item, first, last),
        lambda history: snapshots,
        # The code version is part of a date's id; the manifest's own is used, so that what differs is the numbers.
        manifest["code_version"],
        scores=scores,
    )
    prepared = shared.prepared(config)
    done = mandate_backtest(prepared, lambda place, total: report("replay", place, total))
    tickets = run.path / "tickets_snapshot"
    inputs = MandateInputsKept(
        name=request["name"],
        portfolio_id=request["mandate"],
        config=config,
        settings=BacktestSettings.model_validate_json((run.path / SETTINGS).read_bytes()),
        history=prepared.history,
        tickets={path.name: path.read_bytes() for path in sorted(tickets.iterdir())} if tickets.is_dir() else {},
        snapshots=snapshots,
        scores=scores,
        overrides=request["overrides"],
        notes=request["notes"],
        code_version=manifest["code_version"],
    )
    expected = {name: entry["sha256"] for name, entry in manifest["tables"].items()}
    found = {name: mandate_digest(name, frame) for name, frame in done.frames.items()}
    # Another version of the code may say the same numbers in other words.
    if manifest["code_version"] == code_version():
        expected |= {name: manifest["files"][name] for name in COMPARED_FILES}
        found |= {name: digest_bytes(raw) for name, raw in made_files(done, inputs).items()}
    different = tuple(sorted(name for name in {*expected, *found} if found.get(name) != expected.get(name)))
    equal = tuple(sorted(set(expected) - set(different)))
    return Replayed(run.run_id, equal, different, damaged, manifest["code_version"] == code_version())
