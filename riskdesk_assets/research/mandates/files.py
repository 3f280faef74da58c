"""A mandate's backtest as a run directory, in the same store and the same form as a desk's (research/backtest_files)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from riskdesk_assets.common.hashing import digest, digest_bytes, digest_frame
from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES, Table
from riskdesk_assets.common.version import library_versions
from riskdesk_assets.market.history import History
from riskdesk_assets.reports.run_artifacts import csv_bytes, parquet, pretty_json
from riskdesk_assets.research.backtest_files import CONFIG, LOG, METRICS, PREFIX, REQUEST, SETTINGS, SNAPSHOTS
from riskdesk_assets.research.backtest_settings import BacktestSettings
from riskdesk_assets.research.mandates.backtest import MandateBacktest
from riskdesk_assets.research.mandates.sheet import MandateSheetContent, mandate_sheet
from riskdesk_assets.research.mandates.tables import MANDATE_BACKTEST_TABLES
from riskdesk_assets.research.tear_sheet.sheet import SHEET

KIND = "mandate_backtest"
SCORES = "inputs/instrument_scores.parquet"
COMPARED_FILES = (METRICS, LOG, SHEET, "timeseries.csv")
"""Files beside the tables that a replay makes again and compares byte for byte."""


@dataclass(frozen=True)
class MandateInputsKept:
    """What a mandate's backtest was computed from, beside its code.

    ``tickets``: file name -> bytes of the ticket files; ``snapshots``: TABLES["ticket_snapshots"] made of them, over all
    sessions. ``scores``: TABLES["instrument_scores"] where they come from a file; None where all follow from the bars.
    """

    name: str
    portfolio_id: str
    config: Config
    settings: BacktestSettings
    history: History
    tickets: Mapping[str, bytes]
    snapshots: pl.DataFrame
    scores: pl.DataFrame | None
    overrides: Mapping[str, object]
    notes: Sequence[str]
    code_version: str

    @property
    def mandate(self) -> PortfolioConfig:
        """The mandate as walked."""
        return self.config.portfolios[self.portfolio_id]

    @property
    def backtest_id(self) -> str:
        """``bt-FIRST-LAST-`` and 16 hex digits of the hash of every input: the same inputs give the same directory."""
        history = self.history
        content = [
            KIND,
            self.name,
            self.portfolio_id,
            self.config.hash,
            self.settings,
            sorted(history.day_digests.items()),
            digest_frame(history.replay_bars, history.replay_bars.columns),
            digest_frame(self.snapshots, TABLES["ticket_snapshots"].key),
            None if self.scores is None else digest_frame(self.scores, TABLES["instrument_scores"].key),
            self.overrides,
            self.notes,
            self.code_version,
        ]
        return f"{PREFIX}{history.first:%Y%m%d}-{history.last:%Y%m%d}-{digest(content)[:16]}"


def mandate_table(name: str) -> Table:
    """The declaration of a table a mandate's backtest writes."""
    return MANDATE_BACKTEST_TABLES[name] if name in MANDATE_BACKTEST_TABLES else TABLES[name]


def mandate_digest(name: str, frame: pl.DataFrame) -> str:
    """SHA-256 of a table's rows in key order."""
    return digest_frame(frame, mandate_table(name).key)


def mandate_files(done: MandateBacktest, inputs: MandateInputsKept) -> tuple[dict[str, bytes], bytes]:
    """The directory's files by relative name, and its manifest, which holds the hash of every table and file."""
    files: dict[str, bytes] = {f"{name}.parquet": parquet(frame) for name, frame in done.frames.items()}
    files |= {f"tickets_snapshot/{name}": raw for name, raw in inputs.tickets.items()}
    files[CONFIG] = pretty_json(inputs.config.model_dump(mode="json"))
    files[SETTINGS] = pretty_json(inputs.settings.model_dump(mode="json"))
    files[SNAPSHOTS] = parquet(inputs.snapshots)
    if inputs.scores is not None:
        files[SCORES] = parquet(inputs.scores)
    files[REQUEST] = pretty_json(
        {
            "first": inputs.history.first,
            "last": inputs.history.last,
            "mandate": inputs.portfolio_id,
            "snapshot": inputs.history.snapshot.snapshot_id,
            "name": inputs.name,
            "overrides": dict(inputs.overrides),
            "notes": list(inputs.notes),
        }
    )
    files |= made_files(done, inputs)
    manifest = {
        "format": 1,
        "kind": KIND,
        "run_id": inputs.backtest_id,
        "name": inputs.name,
        "mandate": inputs.portfolio_id,
        "first": done.first,
        "last": done.last,
        "profile": inputs.config.profile,
        "source": inputs.history.snapshot.source,
        "snapshot_id": inputs.history.snapshot.snapshot_id,
        "config_hash": inputs.config.hash,
        "code_version": inputs.code_version,
        "libraries": library_versions(),
        "tables": {name: {"rows": frame.height, "sha256": mandate_digest(name, frame)} for name, frame in done.frames.items()},
        "files": {name: digest_bytes(raw) for name, raw in files.items()},
    }
    return files, pretty_json(manifest)


def made_files(done: MandateBacktest, inputs: MandateInputsKept) -> dict[str, bytes]:
    """The files beside the tables that follow from what was computed: COMPARED_FILES."""
    return {
        METRICS: pretty_json(described(done, inputs)),
        LOG: _log(done, inputs).encode(),
        SHEET: mandate_sheet(sheet_content(done, inputs)).encode(),
        "timeseries.csv": csv_bytes(done.frames["timeseries"]),
    }


def described(done: MandateBacktest, inputs: MandateInputsKept) -> dict[str, Any]:
    """What metrics.json and ``--json`` say: the metrics, and of what."""
    return {
        "backtest_id": inputs.backtest_id,
        "name": inputs.name,
        "mandate": inputs.portfolio_id,
        "first": done.first,
        "last": done.last,
        "profile": inputs.config.profile,
        "source": inputs.history.snapshot.source,
        "nav": done.mandate.own_nav,
        "overrides": dict(inputs.overrides),
        "notes": list(inputs.notes),
        "metrics": done.metrics,
    }


def sheet_content(done: MandateBacktest, inputs: MandateInputsKept) -> MandateSheetContent:
    """What the tear sheet is drawn from."""
    return MandateSheetContent(
        backtest_id=inputs.backtest_id,
        name=inputs.name,
        config=inputs.config,
        settings=inputs.settings,
        source=inputs.history.snapshot.source,
        snapshot_id=inputs.history.snapshot.snapshot_id,
        code_version=inputs.code_version,
        overrides=inputs.overrides,
        notes=inputs.notes,
        metrics=done.metrics,
        frames=done.frames,
        mandate=done.mandate,
    )


def _log(done: MandateBacktest, inputs: MandateInputsKept) -> str:
    """What happened, session by session, in one line each; names that were closed or left the universe are named."""
    source = inputs.history.snapshot.source
    banner = " (SIMULATED prices: no real market)" if source == "SIMULATED" else ""
    lines = [
        f"backtest {inputs.backtest_id}: {inputs.portfolio_id}, {inputs.name}, profile {inputs.config.profile}, {source} bars"
        f"{banner}, snapshot {inputs.history.snapshot.snapshot_id}",
        *inputs.notes,
    ]
    decisions = {row["as_of_date"]: row for row in done.frames["engine_decisions"].iter_rows(named=True)}
    closed = done.frames["name_pnl"].filter(pl.col("status") == "DELISTED").select("as_of_date", "symbol", "pnl_gross")
    for row in done.frames["timeseries"].iter_rows(named=True):
        session = row["as_of_date"]
        decision = decisions[session]
        why = f": {decision['reason']}" if decision["reason"] else ""
        known = f", known on {row['next_date']}" if row["next_date"] else ""
        missing = f" for {row['missing_symbols']}" if row["missing_symbols"] else ""
        lines.append(
            f"{session} {decision['run_id']} {decision['status']}{why}: {row['names']} names, gross {row['equity_gross']:.2f}, "
            f"traded {row['turnover']:.2f}, {row['status']}{missing}, pnl {row['pnl_gross']:.2f} - costs {row['costs']:.2f}"
            f"{known}"
        )
        left = json.loads(decision["metadata"])["left_the_universe"]
        if left:
            lines.append(f"  can no longer be chosen: {', '.join(left)}")
        for _, symbol, pnl in closed.filter(pl.col("as_of_date") == session).iter_rows():
            lines.append(f"  closed {symbol}, silent for too long: {pnl:.2f}")
    return "\n".join(lines) + "\n"
