"""From the warehouse's frames to the walk's inputs: what the construction asset and replay share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from riskdesk_assets.common.settings import Config
from riskdesk_assets.construction.day_sources import WalkInputs
from riskdesk_assets.construction.facts import facts_by_session
from riskdesk_assets.construction.state import DeskState
from riskdesk_assets.controllers.policy import SessionPolicy
from riskdesk_assets.controllers.policy_features import policy_features, session_features
from riskdesk_assets.controllers.policy_files import GivenPolicy
from riskdesk_assets.controllers.policy_model import require_usable
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
    "return_correlations",
    "market_regime",
    "desk_halts",
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
    policy: GivenPolicy | None = None,
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
        policy: the learned policy's model, where ``controller.kind`` asks for one.

    Raises:
        InputError: the model may not decide these sessions; every reason.
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
        instrument_state=tables["instrument_state"],
        stream_correlations=tables["return_correlations"].filter(pl.col("kind") == "pair"),
        market_regime=tables["market_regime"],
        desk_halts=tables["desk_halts"],
        panel=panel.select(config.universe.tradable),
        covariances=_covariances(history, panel, config, tables),
        facts=facts_by_session(
            tables["instrument_factors_daily"], tables["instrument_state"], tables["scenarios"], history.wanted
        ),
        start=start,
        policies=_policies(history, panel, config, tables, policy),
    )


def _policies(
    history: History, panel: Panel, config: Config, tables: Mapping[str, pl.DataFrame], policy: GivenPolicy | None
) -> dict[date, SessionPolicy]:
    """The learned controller's part of each session; none where the baseline decides or no model was given."""
    if config.desk.controller.kind == "baseline" or policy is None:
        return {}
    require_usable(policy.model, policy.file, config, history.snapshot.source, history.wanted, history.calendar)
    lookback = config.desk.features.lookback_sessions
    by_session = session_features(policy_features(tables["pair_state"], tables["market_regime"], panel, lookback))
    return {session: SessionPolicy(policy.model, by_session.get(session, {})) for session in history.wanted}


def _covariances(history: History, panel: Panel, config: Config, tables: Mapping[str, pl.DataFrame]) -> dict[date, Covariance]:
    """Covariance per session, by the risk model the desk's portfolio names."""
    model_id = config.own.risk_model_id
    models = (
        models_of(tables["instrument_factors_daily"], tables["factors_daily"], tables["correlation_panels"], history.wanted)
        if model_id == FACTOR
        else {}
    )
    return covariances_of(model_id, panel, config, history.wanted, models)
