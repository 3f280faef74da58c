"""A mandate's backtest from its request to its directory: bars, features, walk, measures, files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.version import code_version
from riskdesk_assets.reports.run_store import publish
from riskdesk_assets.research.backtest_directory import backtests_folder
from riskdesk_assets.research.backtest_request import Asked
from riskdesk_assets.research.backtest_settings import load_backtest_settings
from riskdesk_assets.research.mandates.backtest import mandate_backtest
from riskdesk_assets.research.mandates.files import MandateInputsKept, described, mandate_files
from riskdesk_assets.research.mandates.inputs import MandateShared
from riskdesk_assets.research.range_inputs import RangeInputs, range_key

Progress = Callable[[int, int], None]


class MandateRuns:
    """Runs mandates' backtests one after the other; what two of them read of the same sessions is computed once."""

    def __init__(self, calendar: SessionCalendar, environ: Mapping[str, str]) -> None:
        self._calendar, self._environ = calendar, environ
        self._shared: dict[tuple[object, ...], MandateShared] = {}

    def run(self, asked: Asked, progress: Progress = lambda done, total: None) -> tuple[Path, Mapping[str, Any]]:
        """Compute a mandate's backtest and publish its directory below RUNS_DIR.

        Args:
            asked: a request that names a mandate.
            progress: told (sessions walked, sessions in all).

        Returns:
            The directory, and what its metrics.json says.

        Raises:
            InputError: the mandate's score file cannot be used.
            StateError: the directory exists with other content.
        """
        request = asked.request
        if request.mandate is None or asked.candidates:
            raise InputError(Problem("--mandate", None, "", "is walked as configured: there is no walk-forward over mandates"))
        prepared = self._shared_for(asked).prepared(asked.config, request.mandate)
        done = mandate_backtest(prepared, progress)
        from_file = done.mandate.scores is not None and done.mandate.scores.source == "file"
        kept = MandateInputsKept(
            name=request.name,
            portfolio_id=request.mandate,
            config=asked.config,
            settings=load_backtest_settings(asked.paths.config),
            histories={asked.config.hash: prepared.history},
            tickets={item.file: asked.folder.raw[item.file] for item in asked.folder.tickets},
            snapshots=prepared.tables["ticket_snapshots"],
            scores=prepared.tables["instrument_scores"] if from_file else None,
            overrides=request.overrides,
            notes=asked.notes,
            code_version=code_version(),
        )
        files, manifest = mandate_files(done, kept)
        return publish(backtests_folder(asked.paths.runs), kept.backtest_id, files, manifest), described(done, kept)

    def _shared_for(self, asked: Asked) -> MandateShared:
        """The inputs of every mandate over the same sessions, tickets and configuration folder."""
        key = range_key(asked)
        if key not in self._shared:
            given = RangeInputs.of(asked, self._calendar, self._environ)
            # One range at a time: bars and features of several would only take memory.
            self._shared = {key: MandateShared(given.history, given.tickets, code_version(), asked.paths.config)}
        return self._shared[key]
