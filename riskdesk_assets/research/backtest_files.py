"""A backtest of the desk as a run directory: beside what every backtest keeps, strategies, models and candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from riskdesk_assets.common.settings import Config
from riskdesk_assets.controllers.policy_model import PolicyModel
from riskdesk_assets.reports.run_artifacts import csv_bytes, pretty_json
from riskdesk_assets.research.backtest import Backtest
from riskdesk_assets.research.backtest_directory import LOG, METRICS, Declared, KeptInputs, directory
from riskdesk_assets.research.backtest_tables import BACKTEST_TABLES
from riskdesk_assets.research.tear_sheet.content import SheetContent
from riskdesk_assets.research.tear_sheet.sheet import SHEET, tear_sheet
from riskdesk_assets.strategy.strategy_file import Strategy

KIND = "backtest"
STRATEGIES, POLICIES = "inputs/strategies.json", "inputs/policies/"
COMPARED_FILES = (METRICS, LOG, SHEET, "portfolio_blotter.csv", "timeseries.csv")
"""Files beside the tables that a replay makes again and compares byte for byte."""
DECLARED = Declared(BACKTEST_TABLES)


@dataclass(frozen=True, kw_only=True)
class BacktestInputs(KeptInputs):
    """What a backtest of the desk was computed from, beside its code.

    ``strategies``: those of the library's file. ``policies``: hash of a configuration -> the model its learned controller
    decided with. ``candidates``: the configurations a walk-forward chose among, by name; empty for a plain backtest.
    """

    strategies: Sequence[Strategy]
    policies: Mapping[str, PolicyModel]
    candidates: Mapping[str, Config]

    @property
    def own_inputs(self) -> Sequence[object]:
        """Strategies, models and candidates."""
        return (
            [item.model_dump(mode="json") for item in self.strategies],
            sorted((name, model.content_hash) for name, model in self.policies.items()),
            sorted((name, config.hash) for name, config in self.candidates.items()),
        )


def backtest_files(done: Backtest, inputs: BacktestInputs) -> tuple[dict[str, bytes], bytes]:
    """The directory's files by relative name, and its manifest."""
    kept = {STRATEGIES: pretty_json({"strategies": [item.model_dump(mode="json") for item in inputs.strategies]})}
    kept |= {f"{POLICIES}{model.content_hash}.json": model.canonical for model in inputs.policies.values()}
    request = {
        "candidates": {name: config.model_dump(mode="json") for name, config in inputs.candidates.items()},
        "policies": {name: model.content_hash for name, model in inputs.policies.items()},
    }
    return directory(KIND, inputs, done, DECLARED, {**kept, **made_files(done, inputs)}, request)


def made_files(done: Backtest, inputs: BacktestInputs) -> dict[str, bytes]:
    """The files beside the tables that follow from what was computed: COMPARED_FILES."""
    return {
        METRICS: pretty_json(described(done, inputs)),
        LOG: _log(done, inputs).encode(),
        SHEET: tear_sheet(sheet_content(done, inputs)).encode(),
        "portfolio_blotter.csv": csv_bytes(done.frames["portfolio_blotter"]),
        "timeseries.csv": csv_bytes(done.frames["timeseries"]),
    }


def described(done: Backtest, inputs: BacktestInputs) -> dict[str, Any]:
    """What metrics.json and ``--json`` say."""
    return inputs.said(done, inputs.config.desk.nav)


def sheet_content(done: Backtest, inputs: BacktestInputs) -> SheetContent:
    """What the tear sheet is drawn from."""
    return SheetContent(
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
    )


def _log(done: Backtest, inputs: BacktestInputs) -> str:
    """What happened, session by session, in one line each, and every name that was closed."""
    lines = inputs.log_heading(inputs.name)
    states = {row["as_of_date"]: row for row in done.frames["desk_state"].iter_rows(named=True)}
    orders = _counted(done.frames["portfolio_blotter"])
    delisted: dict[date, list[str]] = {}
    closed = done.frames["clip_ledger"].filter(pl.col("limit_name") == "delisted")
    for session, ticket_id, symbol, reason in closed.select("as_of_date", "ticket_id", "symbol", "reason").iter_rows():
        delisted.setdefault(session, []).append(f"  closed {symbol} of {ticket_id}: {reason}")
    for row in done.frames["timeseries"].iter_rows(named=True):
        session = row["as_of_date"]
        state = states[session]
        why = f": {state['release_reason']}" if state["release_reason"] else ""
        known = f", known on {row['next_date']}" if row["next_date"] else ""
        missing = f" for {row['missing_symbols']}" if row["missing_symbols"] else ""
        lines.append(
            f"{session} {state['run_id']} {state['release_status']}{why}: {orders.get(session, 0)} orders, gross "
            f"{row['equity_gross']:.2f}, {row['status']}{missing}, pnl {row['pnl_gross']:.2f} - costs {row['costs']:.2f}{known}"
        )
        lines.extend(delisted.get(session, ()))
    return "\n".join(lines) + "\n"


def _counted(blotter: pl.DataFrame) -> dict[date, int]:
    found: dict[date, int] = {}
    for session in blotter["as_of_date"]:
        found[session] = found.get(session, 0) + 1
    return found
