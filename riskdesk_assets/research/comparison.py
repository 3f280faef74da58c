"""Two or more configurations walked over the same sessions, side by side (PE-53, PE-75).

Each variant starts without a book on the first session and runs through the same walk as the live desk; what the variants
have in common (features, factor models, covariances) is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from riskdesk_assets.common.hashing import digest, digest_frame
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.prepare import walk_inputs
from riskdesk_assets.construction.state import GENESIS
from riskdesk_assets.construction.walk import WalkInputs, walk
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.market.history import History
from riskdesk_assets.reports.recompute import day_tables
from riskdesk_assets.research.variants import Variant, require_distinct, variant_config
from riskdesk_assets.research.walk_measures import Measure, walk_measures
from riskdesk_assets.strategy.strategy_file import Strategy

SCHEMA = {
    "variant": pl.String(),
    "section": pl.String(),
    "measure": pl.String(),
    "unit": pl.String(),
    "value": pl.Float64(),
}
# What only the walk reads: variants that differ in nothing else share every table before it. Whatever is not named here,
# a setting still to come included, is taken to change them.
_WALK_ONLY = ("controller", "vol_target", "optimizer", "frozen", "alerts", "genesis_sessions", "risk_report")


@dataclass(frozen=True)
class Comparison:
    """The measures of every variant over ``first`` to ``last``; ``id`` is derived from everything they were computed from."""

    id: str
    first: date
    last: date
    source: str
    variants: tuple[Variant, ...]
    config_hashes: Mapping[str, str]
    measures: Mapping[str, tuple[Measure, ...]]

    @property
    def frame(self) -> pl.DataFrame:
        """One row per variant and measure (columns: SCHEMA), in the order of the table."""
        rows = [
            (variant.name, item.section, item.name, item.unit, item.value)
            for variant in self.variants
            for item in self.measures[variant.name]
        ]
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def compare(
    config: Config,
    variants: Sequence[Variant],
    history_of: Callable[[Config], History],
    tickets_of: Callable[[History], pl.DataFrame],
    strategies_of: Callable[[Config], Sequence[Strategy]],
    code_version: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Comparison:
    """Walk every variant over the same sessions.

    Args:
        config: what the variants are laid over.
        variants: one or more, of different names.
        history_of: bars of the sessions, with the lookback the given configuration asks for.
        tickets_of: TABLES["ticket_snapshots"] of a history's sessions.
        strategies_of: the strategies of the library's file, as a configuration reads it.
        code_version: hash of the code.
        progress: told (sessions walked, sessions in all).

    Raises:
        InputError: an unusable variant, before anything is computed.
    """
    require_distinct(variants)
    configs = {variant.name: variant_config(config, variant) for variant in variants}
    shared = _Shared(history_of, tickets_of, strategies_of, code_version)
    measures: dict[str, tuple[Measure, ...]] = {}
    inputs: WalkInputs | None = None
    for place, (name, changed) in enumerate(configs.items()):
        inputs = shared.inputs(changed)
        count = len(inputs.sessions)
        with single_threaded():
            done = walk(inputs, _from(progress, place * count, len(configs) * count))
        measures[name] = walk_measures(done, changed)
    if inputs is None:
        raise ValueError("a comparison has at least one variant")
    hashes = {name: changed.hash for name, changed in configs.items()}
    first, last = inputs.sessions[0], inputs.sessions[-1]
    return Comparison(
        id=digest([hashes, first, last, shared.content, code_version])[:16],
        first=first,
        last=last,
        source=shared.source,
        variants=tuple(variants),
        config_hashes=hashes,
        measures=measures,
    )


class _Shared:
    """What several variants read, computed once for each set of settings it depends on."""

    def __init__(
        self,
        history_of: Callable[[Config], History],
        tickets_of: Callable[[History], pl.DataFrame],
        strategies_of: Callable[[Config], Sequence[Strategy]],
        code_version: str,
    ) -> None:
        self._history_of, self._tickets_of, self._code_version = history_of, tickets_of, code_version
        self._strategies_of = strategies_of
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
        before = _before_the_walk(config)
        if before not in self._tables:
            history = self._history_of(config)
            panel = panel_of(history, config)
            earlier = TABLES["engine_configs"].frame([])
            strategies = dict.fromkeys(history.wanted, self._strategies_of(config))
            tables = day_tables(history, panel, config, self._tickets_of(history), strategies, earlier)
            self._tables[before] = (history, panel, tables)
            self.source = history.snapshot.source
        optimizer = config.desk.optimizer
        key = digest([before, config.own.risk_model_id, optimizer.covariance_window, optimizer.covariance_min_coverage])
        if key not in self._inputs:
            history, panel, tables = self._tables[before]
            self._inputs[key] = walk_inputs(history, panel, config, tables, start=GENESIS, code_version=self._code_version)
        return replace(self._inputs[key], config=config)


def _before_the_walk(config: Config) -> str:
    """Hash of every setting that a table before the walk may depend on."""
    content: dict[str, Any] = config.model_dump(mode="json")
    for name in _WALK_ONLY:
        content["desk"].pop(name)
    del content["limits"], content["portfolios"][config.desk.portfolio_id]
    return digest(content)


def _from(progress: Callable[[int, int], None], done: int, total: int) -> Callable[[int, int], None]:
    return lambda place, _: progress(done + place, total)
