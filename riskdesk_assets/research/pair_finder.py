"""Which pairs of the universe look worth a draft, on formation data only; not a signal, and no part of a desk day.

Each pair gets four numbers over the sessions up to a date (research.pair_formation): how unsteady its hedge ratio is, its
half-life, the correlation of its legs, and what a round trip costs in standard deviations of its spread. Each number becomes
a rank in [0, 1] among the pairs, 1 the best; the score is the weighted mean of the four ranks. The cointegration test has no
part in it: of hundreds of pairs some always pass. How many would by chance alone is told beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import combinations

import numpy as np
import polars as pl

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.common.universe import pair_id
from riskdesk_assets.construction.inputs import DeskContext, desk_context
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.features.windows import Array
from riskdesk_assets.research.multiple_testing import benjamini_hochberg, bonferroni
from riskdesk_assets.research.pair_formation import PairFormation, pair_formations
from riskdesk_assets.research.pair_settings import PairFinderSettings

# Column of a number -> what it counts as in the score, and whether more of it is better.
COMPONENTS = {
    "hedge_instability": ("stability", False),
    "half_life": ("half_life", False),
    "correlation": ("correlation", True),
    "cost": ("cost", False),
}
SCHEMA = {
    "rank": pl.Int64,
    "pair_id": pl.String,
    "leg_a": pl.String,
    "leg_b": pl.String,
    "score": pl.Float64,
    **{f"rank_{name}": pl.Float64 for name, _ in COMPONENTS.values()},
    **dict.fromkeys(
        (
            "hedge_instability",
            "half_life",
            "correlation",
            "cost",
            "hedge_ratio",
            "level_beta",
            "spread_sd",
            "pvalue",
            "pvalue_bonferroni",
            "pvalue_benjamini_hochberg",
        ),
        pl.Float64,
    ),
}


@dataclass(frozen=True)
class ManyTests:
    """What the cointegration tests of a search are worth together, at one significance.

    ``by_chance`` is how many of ``tests`` pass when no pair is cointegrated; it holds however the pairs depend on each other.
    """

    tests: int
    significance: float
    by_chance: float
    passed: int
    passed_bonferroni: int
    passed_benjamini_hochberg: int


@dataclass(frozen=True)
class PairSearch:
    """A finished search: every pair, best first (SCHEMA); names left out for want of bars; what the tests are worth."""

    asof: date
    first: date
    sessions: int
    pairs: pl.DataFrame
    left_out: tuple[str, ...]
    tests: ManyTests


def find_pairs(panel: Panel, symbols: Sequence[str], config: Config, settings: PairFinderSettings, asof: date) -> PairSearch:
    """Rank every pair of ``symbols`` on the formation window that ends at ``asof``; no later bar is read.

    Args:
        panel: bars that reach at least the formation window back.
        symbols: the names, in any order; the answer does not depend on it.
        config: windows, costs, borrow, significance of the cointegration test.
        settings: formation window, coverage, weights.
        asof: a session of the panel.

    Raises:
        InputError: the panel does not hold the window, or fewer than two names have enough bars in it.
    """
    rows = panel.rows(panel.sessions[0], asof)
    if asof not in panel.sessions or len(rows) < settings.formation_sessions:
        message = f"{len(rows)} sessions of bars up to {asof}, of {settings.formation_sessions} that are looked at"
        raise InputError(Problem("", None, "formation_sessions", message, f"at most {len(rows)}, or more bars"))
    window = slice(rows.stop - settings.formation_sessions, rows.stop)
    needed = int(np.ceil(settings.min_coverage * settings.formation_sessions))
    prices = {symbol: np.ascontiguousarray(panel.log_adj[window, panel.column(symbol)]) for symbol in sorted(set(symbols))}
    covered = {symbol: prices[symbol] for symbol in prices if _bars(prices[symbol]) >= needed and _ends(prices[symbol])}
    if len(covered) < 2:
        message = f"{len(covered)} of {len(prices)} names have bars on {needed} of the {settings.formation_sessions} sessions"
        raise InputError(Problem("", None, "min_coverage", message, "at least two names with bars up to the date"))
    found = _formations(covered, needed, desk_context(config))
    frame = _adjusted(_scored(found, settings))
    return PairSearch(
        asof=asof,
        first=panel.sessions[window.start],
        sessions=settings.formation_sessions,
        pairs=frame,
        left_out=tuple(sorted(prices.keys() - covered.keys())),
        tests=_many_tests(frame, config.desk.pair_health.significance),
    )


def _bars(log_price: Array) -> int:
    return int(np.count_nonzero(~np.isnan(log_price)))


def _ends(log_price: Array) -> bool:
    return not np.isnan(log_price[-1])


def _formations(prices: dict[str, Array], needed: int, context: DeskContext) -> list[PairFormation]:
    """Every pair with enough common bars; those with the same common sessions are measured together."""
    sharing: dict[bytes, list[tuple[str, str]]] = {}
    for one, other in combinations(sorted(prices), 2):
        common = ~np.isnan(prices[one]) & ~np.isnan(prices[other])
        if np.count_nonzero(common) >= needed:
            sharing.setdefault(common.tobytes(), []).append((one, other))
    found = []
    with single_threaded():
        for mask, pairs in sorted(sharing.items()):
            common = np.frombuffer(mask, dtype=np.bool_)
            log_one, log_other = (np.column_stack([prices[pair[side]][common] for pair in pairs]) for side in (0, 1))
            found.extend(pair_formations(pairs, log_one, log_other, context))
    return found


def _scored(found: Sequence[PairFormation], settings: PairFinderSettings) -> pl.DataFrame:
    rows = [{**asdict(item), "pair_id": pair_id(item.leg_a, item.leg_b)} for item in found]
    frame = pl.DataFrame(rows, schema={name: kind for name, kind in SCHEMA.items() if name in {"pair_id", *asdict(found[0])}})
    frame = frame.with_columns(_rank(column, more=more).alias(f"rank_{name}") for column, (name, more) in COMPONENTS.items())
    weights = settings.weights.model_dump()
    score = pl.lit(0.0)
    for name, _ in COMPONENTS.values():
        score = score + weights[name] * pl.col(f"rank_{name}")
    frame = frame.with_columns((score / settings.weights.total).alias("score"))
    order = ["score", "correlation", "pair_id"]  # names decide last: a ranking must not depend on what a name is called
    return frame.sort(order, descending=[True, True, False], nulls_last=True).with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("rank")
    )


def _rank(column: str, *, more: bool) -> pl.Expr:
    """Share of the other pairs that are worse, equal ones counting half; a number that does not exist is the worst."""
    size = pl.col(column) if more else -pl.col(column)
    place = size.fill_null(-float("inf")).rank("average") - 1.0
    return place / (pl.len() - 1).clip(1)


def _adjusted(frame: pl.DataFrame) -> pl.DataFrame:
    tested = frame.filter(pl.col("pvalue").is_not_null()).select("pair_id", "pvalue")
    values = tested["pvalue"].to_list()
    adjusted = tested.select("pair_id").with_columns(
        pl.Series("pvalue_bonferroni", bonferroni(values), pl.Float64),
        pl.Series("pvalue_benjamini_hochberg", benjamini_hochberg(values), pl.Float64),
    )
    return frame.join(adjusted, on="pair_id", how="left", maintain_order="left").select(*SCHEMA)


def _many_tests(frame: pl.DataFrame, significance: float) -> ManyTests:
    def passed(column: str) -> int:
        return int((frame[column] < significance).sum())

    tests = frame["pvalue"].count()
    return ManyTests(
        tests=tests,
        significance=significance,
        by_chance=significance * tests,
        passed=passed("pvalue"),
        passed_bonferroni=passed("pvalue_bonferroni"),
        passed_benjamini_hochberg=passed("pvalue_benjamini_hochberg"),
    )
