"""A mandate's backtest computed again from what its directory names, and every hash compared."""

from __future__ import annotations

import polars as pl

from riskdesk_assets.common.progress import report
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.replay import Replayed
from riskdesk_assets.reports.run_store import RunDirectory
from riskdesk_assets.research.backtest_bars import kept_history
from riskdesk_assets.research.backtest_directory import Stored, compared
from riskdesk_assets.research.mandates.backtest import mandate_backtest
from riskdesk_assets.research.mandates.files import COMPARED_FILES, DECLARED, SCORES, MandateInputsKept, made_files
from riskdesk_assets.research.mandates.inputs import MandateShared


def replay_mandate(run: RunDirectory, paths: Paths, calendar: SessionCalendar) -> Replayed:
    """Recompute a mandate's backtest and compare every table, and every file made of them; writes nothing.

    Args:
        run: its directory; none of its inputs is damaged.
        paths: where bars are kept.
        calendar: NYSE sessions.

    Raises:
        StateError: the bars it names are missing or damaged.
    """
    stored = Stored.of(run)
    request, source, snapshots = stored.request, run.manifest["source"], stored.snapshots
    scores = TABLES["instrument_scores"].conform(pl.read_parquet(run.path / SCORES)) if (run.path / SCORES).is_file() else None
    shared = MandateShared(
        lambda item: kept_history(paths, request["snapshots"][item.hash], source, calendar, item, stored.first, stored.last),
        lambda history: snapshots,
        stored.code_version,
        scores=scores,
    )
    prepared = shared.prepared(stored.config, request["mandate"])
    done = mandate_backtest(prepared, lambda place, total: report("replay", place, total))
    inputs = MandateInputsKept(
        name=request["name"],
        portfolio_id=request["mandate"],
        config=stored.config,
        settings=stored.settings,
        histories={stored.config.hash: prepared.history},
        tickets=stored.tickets,
        snapshots=snapshots,
        scores=scores,
        overrides=request["overrides"],
        notes=request["notes"],
        code_version=stored.code_version,
    )
    return compared(run, done.frames, DECLARED, lambda: made_files(done, inputs), COMPARED_FILES)
