"""What a mandate is walked on: bars, features, risk model and scores, computed once for every variant that shares them.

The functions are those the live assets call; nothing a mandate does not read (budgets, gates, cointegration) is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from riskdesk_assets.common.hashing import digest, digest_bytes, digest_frame
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.day_sources import run_id
from riskdesk_assets.construction.facts import facts_digest
from riskdesk_assets.construction.mandates import MandateInputs, mandate_inputs
from riskdesk_assets.features.compute import pair_states, panel_of, watched_pairs
from riskdesk_assets.features.instrument_state import instrument_state
from riskdesk_assets.features.market_regime import market_regime
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.limits.fact_limits import NO_FACTS
from riskdesk_assets.market.history import History, sessions_behind
from riskdesk_assets.risk_model.factors import factor_models
from riskdesk_assets.risk_model.rows import FACTORS, correlation_panels, factors_daily, instrument_factors_daily
from riskdesk_assets.risk_model.scenario_rows import scenario_rows
from riskdesk_assets.strategy.scores import instrument_scores

# What no table before the walk depends on: variants that differ in nothing else share all of them. Whatever is not named
# here, a setting still to come included, is taken to change them.
_WALK_ONLY = ("controller", "optimizer", "frozen", "risk_report")
_NO_PRIOR = ("target_portfolios", "engine_decisions")


@dataclass(frozen=True)
class PreparedMandate:
    """One configuration ready to be walked: its bars, the tables before the walk with its scores, and the walk's inputs."""

    history: History
    tables: Mapping[str, pl.DataFrame]
    walk: MandateInputs


class MandateShared:
    """The inputs of any mandate under any configuration over the same sessions.

    Args:
        history_of: bars of the sessions, with the lookback the given configuration asks for.
        tickets_of: TABLES["ticket_snapshots"] of a history's sessions.
        code_version: hash of the code.
        scores_folder: the configuration folder score files are relative to; None where ``scores`` are given.
        scores: TABLES["instrument_scores"] of the one mandate asked for, where an earlier run kept them for coming from a file.
    """

    def __init__(
        self,
        history_of: Callable[[Config], History],
        tickets_of: Callable[[History], pl.DataFrame],
        code_version: str,
        scores_folder: Path | None = None,
        scores: pl.DataFrame | None = None,
    ) -> None:
        self._history_of, self._tickets_of = history_of, tickets_of
        self._code_version, self._scores_folder, self._scores = code_version, scores_folder, scores
        self._tables: dict[str, tuple[History, Panel, dict[str, pl.DataFrame]]] = {}

    def prepared(self, config: Config, portfolio_id: str) -> PreparedMandate:
        """Everything a mandate's walk is computed from, from no book on.

        Raises:
            InputError: the mandate's score file cannot be used.
        """
        before = before_the_walk(config)
        if before not in self._tables:
            history = self._history_of(config)
            panel = panel_of(history, config)
            self._tables[before] = (history, panel, feature_tables(history, panel, config, self._tickets_of(history)))
        history, panel, shared = self._tables[before]
        alone = alone_in(config, portfolio_id)
        tables = {**shared, "instrument_scores": self._scored(alone, history, shared)}
        nothing = {name: TABLES[name].frame([]) for name in _NO_PRIOR}
        walk = mandate_inputs(history, panel, alone, tables, run_ids={}, prior=nothing)
        ids = session_ids(history, walk, config, portfolio_id, self._code_version)
        return PreparedMandate(history, tables, replace(walk, run_ids=ids))

    def _scored(self, alone: Config, history: History, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        if self._scores is not None:
            return self._scores
        rows, unusable = instrument_scores(
            alone,
            self._scores_folder,
            tables["pair_state"],
            tables["instrument_state"],
            tables["ticket_snapshots"],
            history.wanted,
            history.calendar.sessions,
        )
        for error in unusable.values():
            raise error
        return rows


def before_the_walk(config: Config) -> str:
    """Hash of every setting that a table before the walk may depend on."""
    content: dict[str, Any] = config.model_dump(mode="json")
    for name in _WALK_ONLY:
        content["desk"].pop(name)
    del content["limits"], content["portfolios"]
    return digest(content)


def alone_in(config: Config, portfolio_id: str) -> Config:
    """The configuration with one research mandate beside the desk's own portfolio: what its walk reads."""
    kept = {config.own.portfolio_id: config.own, portfolio_id: config.portfolios[portfolio_id]}
    return config.model_copy(update={"portfolios": kept})


def feature_tables(history: History, panel: Panel, config: Config, tickets: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The tables before a mandate's walk but its scores, over the history's sessions.

    Args:
        history: bars with their lookback.
        panel: the same bars, aligned (all watched symbols).
        config: the effective configuration.
        tickets: TABLES["ticket_snapshots"] of the sessions; which pairs push a name's score, and how hard.
    """
    first, last, features = history.first, history.last, config.desk.features
    # Cointegration is a warning on tickets: no score reads it, and it would take longer than everything else together.
    quiet = config.model_copy(
        update={"desk": config.desk.model_copy(update={"features": features.model_copy(update={"coint_refresh": "never"})})}
    )
    regimes = market_regime(panel, history.volatility, config.universe, features, first, last)
    names = instrument_state(panel, config.universe, features, config.desk.costs, regimes, config.feature_version, first, last)
    models = list(factor_models(panel, config, history.wanted))
    exposures = instrument_factors_daily(models)
    return {
        "ticket_snapshots": tickets,
        "pair_state": pair_states(panel, quiet, watched_pairs(config, tickets, history.wanted), first, last),
        "instrument_state": names,
        "instrument_factors_daily": exposures,
        "factors_daily": factors_daily(models),
        "correlation_panels": correlation_panels(models, (FACTORS,)),
        "scenarios": scenario_rows(config, exposures, names, history.replay_bars, history.wanted),
    }


def session_ids(history: History, walk: MandateInputs, config: Config, portfolio_id: str, code_version: str) -> dict[date, str]:
    """Session -> run id: the hash of what the session's weights are a function of, the session before included, and no more."""
    days, behind = history.sessions, sessions_behind(config)
    place = {session: number for number, session in enumerate(days)}
    scores = {day: rows for (day,), rows in walk.scores.partition_by("as_of_date", as_dict=True).items()}
    ids: dict[date, str] = {}
    before: str | None = None
    for session in walk.sessions:
        window = days[max(0, place[session] - behind) : place[session] + 1]
        hashes = {
            "session": session.isoformat(),
            "mandate": portfolio_id,
            "bars": digest_bytes("".join(history.day_digests.get(day, "-") for day in window).encode()),
            "scores": digest_frame(scores.get(session, walk.scores.clear()), TABLES["instrument_scores"].key),
            "facts": facts_digest(walk.facts.get(session, NO_FACTS)),
            "config": config.hash,
            "before": before,
            "code": code_version,
        }
        before = ids[session] = run_id(session, hashes)
    return ids
