"""What several configurations read of the same sessions, computed once for each set of settings it depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from riskdesk_assets.common.hashing import digest, digest_frame
from riskdesk_assets.common.packed import packed, unpacked
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.day_sources import WalkInputs
from riskdesk_assets.construction.prepare import WALK_TABLES, walk_inputs
from riskdesk_assets.construction.state import GENESIS
from riskdesk_assets.controllers.policy_files import GivenPolicy
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.market.history import History
from riskdesk_assets.reports.recompute import decided_on
from riskdesk_assets.strategy.strategy_file import Strategy

# What only the walk reads: variants that differ in nothing else share every table before it. Whatever is not named here,
# a setting still to come included, is taken to change them.
_WALK_ONLY = ("controller", "policy", "vol_target", "optimizer", "frozen", "alerts", "genesis_sessions", "risk_report")

INPUT_TABLES = (
    "ticket_snapshots",
    "pair_state",
    "market_regime",
    "instrument_state",
    "scenarios",
    "strategy_library",
    "strategy_budgets",
)
"""Tables before the walk that a backtest keeps: what its days were decided on. Others but WALK_TABLES are let go."""

_PACKED = {
    "return_correlations": ("kind", "id_a", "id_b"),
    "instrument_factors_daily": ("instrument_id", "factor_id", "model_id"),
}
"""The longest tables that only a walk reads, and their text."""


@dataclass(frozen=True)
class Prepared:
    """One configuration ready for a long walk: its bars, the tables before the walk, and the walk's inputs from genesis.

    Correlations and exposures, the longest tables, are packed.
    """

    history: History
    tables: Mapping[str, pl.DataFrame]
    walk: WalkInputs


class SharedInputs:
    """The inputs of any configuration over the same sessions.

    Args:
        history_of: bars of the sessions, with the lookback the given configuration asks for.
        tickets_of: TABLES["ticket_snapshots"] of a history's sessions.
        code_version: hash of the code.
        strategies_of: the strategies of the library's file, as a configuration reads it.
        policy_of: the model of a configuration whose controller is the learned policy.
    """

    def __init__(
        self,
        history_of: Callable[[Config], History],
        tickets_of: Callable[[History], pl.DataFrame],
        code_version: str,
        strategies_of: Callable[[Config], Sequence[Strategy]],
        policy_of: Callable[[Config], GivenPolicy | None] = lambda config: None,
    ) -> None:
        self._history_of, self._tickets_of, self._code_version = history_of, tickets_of, code_version
        self._strategies_of, self._policy_of = strategies_of, policy_of
        self.models: dict[str, str] = {}
        self._tables: dict[str, tuple[History, Panel, dict[str, pl.DataFrame]]] = {}
        self._inputs: dict[str, WalkInputs] = {}
        self.source = ""

    @property
    def content(self) -> list[object]:
        """The bars and tickets everything was computed from."""
        return [
            [
                sorted(history.day_digests.items()),
                digest_frame(history.replay_bars, history.replay_bars.columns),
                tables["ticket_snapshots"].to_dicts(),
                tables["strategy_library"].to_dicts(),
            ]
            for history, _, tables in self._tables.values()
        ]

    def inputs(self, config: Config) -> WalkInputs:
        """The walk's inputs of a configuration, from genesis."""
        found = self.prepared(config).walk
        return replace(found, stream_correlations=unpacked(found.stream_correlations))

    def prepared(self, config: Config) -> Prepared:
        """Everything a configuration's walk is computed from."""
        before = before_the_walk(config)
        if before not in self._tables:
            history = self._history_of(config)
            panel = panel_of(history, config)
            earlier = TABLES["engine_configs"].frame([])
            strategies = dict.fromkeys(history.wanted, self._strategies_of(config))
            tables = decided_on(history, panel, config, self._tickets_of(history), strategies, earlier)
            kept = {name: tables[name] for name in (*WALK_TABLES, *INPUT_TABLES)}
            kept |= {name: packed(kept[name], columns) for name, columns in _PACKED.items()}
            self._tables[before] = (history, panel, kept)
            self.source = history.snapshot.source
        history, panel, tables = self._tables[before]
        policy = self._policy_of(config)
        model = None if policy is None else policy.model.content_hash
        # A model is held against the very controller it decides for; without one, variants may share what they read.
        key = digest([with_the_risk_model(config), None if model is None else [model, config.hash, config.desk.policy]])
        if key not in self._inputs:
            start, version = GENESIS, self._code_version
            self._inputs[key] = walk_inputs(history, panel, config, tables, start=start, code_version=version, policy=policy)
        if model is not None:
            self.models[config.hash] = model
        return Prepared(history, tables, replace(self._inputs[key], config=config))


def before_the_walk(config: Config) -> str:
    """Hash of every setting that a table before the walk may depend on."""
    content: dict[str, Any] = config.model_dump(mode="json")
    for name in _WALK_ONLY:
        content["desk"].pop(name)
    del content["limits"], content["portfolios"][config.desk.portfolio_id]
    return digest(content)


def with_the_risk_model(config: Config) -> str:
    """Hash of every setting that the walk's inputs may depend on: the tables before it, and the covariances."""
    optimizer = config.desk.optimizer
    settings = [config.own.risk_model_id, optimizer.covariance_window, optimizer.covariance_min_coverage]
    return digest([before_the_walk(config), *settings])
