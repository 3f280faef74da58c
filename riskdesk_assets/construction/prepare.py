"""From the warehouse's frames to the walk's inputs: what the construction asset and replay share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from riskdesk_assets.common.settings import Config
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.construction.state import DeskState
from riskdesk_assets.construction.walk import WalkInputs
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.market.history import History
from riskdesk_assets.risk_model.covariance import Covariance, covariances


def walk_inputs(
    history: History,
    panel: Panel,
    config: Config,
    *,
    pair_state: pl.DataFrame,
    ticket_snapshots: pl.DataFrame,
    strategy_budgets: pl.DataFrame,
    start: DeskState,
    code_version: str,
) -> WalkInputs:
    """Gather what a walk over the history's sessions needs.

    Args:
        history: bars with their lookback.
        panel: the same bars, aligned (all watched symbols).
        config: the effective configuration.
        pair_state, ticket_snapshots, strategy_budgets: rows of the sessions.
        start: the state of the session before the first.
        code_version: hash of the code.
    """
    return WalkInputs(
        config=config,
        code_version=code_version,
        all_sessions=history.calendar.sessions,
        sessions=history.wanted,
        bars=history.usable,
        day_digests=history.day_digests,
        splits=history.splits,
        pair_state=pair_state,
        ticket_snapshots=ticket_snapshots,
        strategy_budgets=strategy_budgets,
        covariances=_covariances(panel, config, history.wanted),
        start=start,
    )


def _covariances(panel: Panel, config: Config, sessions: Sequence[date]) -> dict[date, Covariance]:
    """Covariance per session; empty for a profile whose stages do not read one."""
    if not desk_context(config).needs_risk_model:
        return {}
    return dict(covariances(panel.select(config.universe.tradable), config.desk.optimizer, sessions))
