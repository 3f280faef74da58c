"""From the warehouse's frames to the walk's inputs: what the construction asset and replay share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from riskdesk_assets.common.settings import Config
from riskdesk_assets.construction.facts import facts_by_session
from riskdesk_assets.construction.state import DeskState
from riskdesk_assets.construction.walk import WalkInputs
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.market.history import History
from riskdesk_assets.risk_model.covariance import Covariance
from riskdesk_assets.risk_model.estimators import FACTOR, covariances_of
from riskdesk_assets.risk_model.rows import models_of

WALK_TABLES = (
    "pair_state",
    "ticket_snapshots",
    "strategy_library",
    "strategy_budgets",
    "instrument_state",
    "instrument_factors_daily",
    "factors_daily",
    "correlation_panels",
    "scenarios",
    "instrument_scores",
    "limit_changes",
)
"""The tables whose rows of a session the walk of that session reads."""


def walk_inputs(
    history: History,
    panel: Panel,
    config: Config,
    tables: Mapping[str, pl.DataFrame],
    *,
    start: DeskState,
    code_version: str,
) -> WalkInputs:
    """Gather what a walk over the history's sessions needs.

    Args:
        history: bars with their lookback.
        panel: the same bars, aligned (all watched symbols).
        config: the effective configuration.
        tables: rows of the sessions, for every name in WALK_TABLES; those of the risk model, the scenarios and the scores may
            be empty: the sessions then have no facts.
        start: the state of the session before the first.
        code_version: hash of the code.

    Raises:
        KeyError: a table of WALK_TABLES is not among ``tables``.
        StateError: rows of the factor model are of another version.
    """
    return WalkInputs(
        config=config,
        code_version=code_version,
        all_sessions=history.calendar.sessions,
        sessions=history.wanted,
        bars=history.usable,
        day_digests=history.day_digests,
        splits=history.splits,
        pair_state=tables["pair_state"],
        ticket_snapshots=tables["ticket_snapshots"],
        strategy_library=tables["strategy_library"],
        strategy_budgets=tables["strategy_budgets"],
        instrument_scores=tables["instrument_scores"],
        limit_changes=tables["limit_changes"],
        panel=panel.select(config.universe.tradable),
        covariances=_covariances(history, panel, config, tables),
        facts=facts_by_session(
            tables["instrument_factors_daily"], tables["instrument_state"], tables["scenarios"], history.wanted
        ),
        start=start,
    )


def _covariances(history: History, panel: Panel, config: Config, tables: Mapping[str, pl.DataFrame]) -> dict[date, Covariance]:
    """Covariance per session, by the risk model the desk's portfolio names."""
    model_id = config.own.risk_model_id
    models = (
        models_of(tables["instrument_factors_daily"], tables["factors_daily"], tables["correlation_panels"], history.wanted)
        if model_id == FACTOR
        else {}
    )
    return covariances_of(model_id, panel, config, history.wanted, models)
