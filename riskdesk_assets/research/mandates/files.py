"""A mandate's backtest as a run directory: beside what every backtest keeps, the mandate it is of and scores from a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from riskdesk_assets.common.hashing import digest_frame
from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.run_artifacts import csv_bytes, parquet, pretty_json
from riskdesk_assets.research.backtest_directory import LOG, METRICS, Declared, KeptInputs, directory
from riskdesk_assets.research.mandates.backtest import MandateBacktest
from riskdesk_assets.research.mandates.sheet import MandateSheetContent, mandate_sheet
from riskdesk_assets.research.mandates.tables import MANDATE_BACKTEST_TABLES
from riskdesk_assets.research.tear_sheet.sheet import SHEET

KIND = "mandate_backtest"
SCORES = "inputs/instrument_scores.parquet"
COMPARED_FILES = (METRICS, LOG, SHEET, "timeseries.csv")
"""Files beside the tables that a replay makes again and compares byte for byte."""
DECLARED = Declared(MANDATE_BACKTEST_TABLES)


@dataclass(frozen=True, kw_only=True)
class MandateInputsKept(KeptInputs):
    """What a mandate's backtest was computed from, beside its code.

    ``scores``: TABLES["instrument_scores"] where they come from a file; None where all follow from the bars.
    """

    portfolio_id: str
    scores: pl.DataFrame | None

    @property
    def mandate(self) -> PortfolioConfig:
        """The mandate as walked."""
        return self.config.portfolios[self.portfolio_id]

    @property
    def own_inputs(self) -> Sequence[object]:
        """The mandate, and scores from a file."""
        scores = None if self.scores is None else digest_frame(self.scores, TABLES["instrument_scores"].key)
        return KIND, self.portfolio_id, scores


def mandate_files(done: MandateBacktest, inputs: MandateInputsKept) -> tuple[dict[str, bytes], bytes]:
    """The directory's files by relative name, and its manifest."""
    kept = {} if inputs.scores is None else {SCORES: parquet(inputs.scores)}
    of_what = {"mandate": inputs.portfolio_id}
    return directory(KIND, inputs, done, DECLARED, {**kept, **made_files(done, inputs)}, of_what, **of_what)


def made_files(done: MandateBacktest, inputs: MandateInputsKept) -> dict[str, bytes]:
    """The files beside the tables that follow from what was computed: COMPARED_FILES."""
    return {
        METRICS: pretty_json(described(done, inputs)),
        LOG: _log(done, inputs).encode(),
        SHEET: mandate_sheet(sheet_content(done, inputs)).encode(),
        "timeseries.csv": csv_bytes(done.frames["timeseries"]),
    }


def described(done: MandateBacktest, inputs: MandateInputsKept) -> dict[str, Any]:
    """What metrics.json and ``--json`` say."""
    return inputs.said(done, done.mandate.own_nav, mandate=inputs.portfolio_id)


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
    lines = inputs.log_heading(f"{inputs.portfolio_id}, {inputs.name}")
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
