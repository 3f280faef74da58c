"""Two or more configurations walked over the same sessions, side by side (PE-53, PE-75).

Each variant starts without a book on the first session and runs through the same walk as the live desk; what the variants
have in common (features, factor models, covariances) is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from riskdesk_assets.common.hashing import digest
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.construction.day_sources import WalkInputs
from riskdesk_assets.construction.walk import walk
from riskdesk_assets.controllers.policy_files import GivenPolicy
from riskdesk_assets.market.history import History
from riskdesk_assets.research.shared_inputs import SharedInputs
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
    policy_of: Callable[[Config], GivenPolicy | None] = lambda config: None,
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
        policy_of: the model of a configuration whose controller is the learned policy.

    Raises:
        InputError: an unusable variant, before anything is computed; a model that may not decide these sessions.
    """
    require_distinct(variants)
    configs = {variant.name: variant_config(config, variant) for variant in variants}
    shared = SharedInputs(history_of, tickets_of, code_version, strategies_of, policy_of)
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
        id=digest([hashes, first, last, shared.content, code_version, *([shared.models] if shared.models else [])])[:16],
        first=first,
        last=last,
        source=shared.source,
        variants=tuple(variants),
        config_hashes=hashes,
        measures=measures,
    )


def _from(progress: Callable[[int, int], None], done: int, total: int) -> Callable[[int, int], None]:
    return lambda place, _: progress(done + place, total)
