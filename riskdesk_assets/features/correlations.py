"""return_correlations: how names, and the P&L streams of pairs, move together (methods.md section 3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from riskdesk_assets.common.feature_settings import FeatureSettings
from riskdesk_assets.common.packed import Gathered
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.universe import Universe, pair_id
from riskdesk_assets.features.own_bars import log_returns
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.features.windows import Array, ewma_weights, ratio

CORRELATION_SESSIONS = 252
"""The fixed window of every correlation: older returns would weigh less than 0.06 of today's at a half-life of 60."""
INSTRUMENTS, PAIRS = "instrument", "pair"
KINDS = (INSTRUMENTS, PAIRS)
SESSIONS_AT_ONCE = 256
"""How many sessions are accumulated together, so that the sums stay in the processor's cache; it changes no value."""


@dataclass(frozen=True, eq=False)
class _Streams:
    """Return streams as seen from a stretch of sessions; ``lagged(k)`` gives shape (ids, sessions), lag k, oldest first."""

    kind: str
    ids: tuple[str, ...]
    lagged: Callable[[int, slice], Array]
    present: Array


def return_correlations(
    panel: Panel,
    universe: Universe,
    pairs: Sequence[tuple[str, str]],
    pair_states: pl.DataFrame,
    settings: FeatureSettings,
    first: date,
    last: date,
    kinds: Collection[str] = KINDS,
) -> pl.DataFrame:
    """EWMA correlations of daily log returns over a fixed window of sessions ending at each session.

    Args:
        panel: bars of the tradable names and of the pairs' legs, reaching CORRELATION_SESSIONS sessions back from ``first``.
        universe: the tradable names.
        pairs: (leg_a, leg_b) in their written order.
        pair_states: TABLES["pair_state"] of the same sessions, for each session's hedge ratio.
        settings: correlation_half_life in sessions; correlation_min_coverage, the share of the window's sessions on which
            both sides must have a return.
        first: first session wanted.
        last: last session wanted.
        kinds: those wanted; a walk reads pairs alone.

    Returns:
        TABLES["return_correlations"], id_a < id_b. Kind "instrument": two tradable names. Kind "pair": the P&L of one unit
        of two long spreads, return of leg A less today's beta times the return of leg B. No row where a side has no bar or
        no hedge ratio that day, too few returns, or does not move. Sessions on which a side has no return are left out.

    Raises:
        KeyError: a name or a leg is not in the panel.

    Source: methods.md section 3.
    """
    table = TABLES["return_correlations"]
    window = panel.between(first, last, CORRELATION_SESSIONS + 1)
    wanted = window.rows(first, last)
    sessions = window.sessions[wanted.start : wanted.stop]
    of_kind = {
        INSTRUMENTS: lambda: _names(window, universe, wanted),
        PAIRS: lambda: _spreads(window, pairs, pair_states, wanted),
    }
    streams = [of_kind[kind]() for kind in KINDS if kind in kinds]
    gathered = Gathered(table)
    for start in range(0, len(sessions), SESSIONS_AT_ONCE):
        part = slice(start, min(start + SESSIONS_AT_ONCE, len(sessions)))
        gathered.add(table.conform(pl.concat(_frame(each, part, sessions, settings) for each in streams)))
    return gathered.frame()


def _names(panel: Panel, universe: Universe, wanted: range) -> _Streams:
    columns = [panel.column(symbol) for symbol in universe.tradable]
    returns = _history(panel, columns, wanted)
    present = np.isfinite(panel.adj_close[wanted.start : wanted.stop, columns].T)

    def lagged(offset: int, part: slice) -> Array:
        return returns[:, offset + part.start : offset + part.stop]

    return _Streams(INSTRUMENTS, universe.tradable, lagged, present.astype(np.float64))


def _spreads(panel: Panel, pairs: Sequence[tuple[str, str]], pair_states: pl.DataFrame, wanted: range) -> _Streams:
    legs = dict(sorted((pair_id(*pair), pair) for pair in set(pairs)))
    returns_a = _history(panel, [panel.column(leg_a) for leg_a, _ in legs.values()], wanted)
    returns_b = _history(panel, [panel.column(leg_b) for _, leg_b in legs.values()], wanted)
    betas = {(session, pair): beta for session, pair, beta in pair_states.select("as_of_date", "pair_id", "beta").iter_rows()}
    sessions = panel.sessions[wanted.start : wanted.stop]
    hedge = np.array([[betas.get((session, pair), np.nan) for session in sessions] for pair in legs], dtype=np.float64)
    hedge = hedge.reshape(len(legs), len(sessions))

    def lagged(offset: int, part: slice) -> Array:
        earlier = slice(offset + part.start, offset + part.stop)
        return returns_a[:, earlier] - hedge[:, part] * returns_b[:, earlier]

    return _Streams(PAIRS, tuple(legs), lagged, np.isfinite(hedge).astype(np.float64))


def _history(panel: Panel, columns: list[int], wanted: range) -> Array:
    """Daily log returns, shape (columns, CORRELATION_SESSIONS - 1 + wanted sessions), NaN where there is none."""
    returns = np.full((len(columns), CORRELATION_SESSIONS - 1 + len(wanted)), np.nan)
    start = max(wanted.start - CORRELATION_SESSIONS + 1, 0)
    known = log_returns(panel.log_adj)[start : wanted.stop, columns].T
    if known.shape[1]:
        returns[:, returns.shape[1] - known.shape[1] :] = known
    return returns


def _frame(streams: _Streams, part: slice, sessions: Sequence[date], settings: FeatureSettings) -> pl.DataFrame:
    """Rows of one stretch of sessions, in the order of session, id_a, id_b."""
    count = len(streams.ids)
    values = _correlations(streams, part, settings)
    left, right = np.triu_indices(count, 1)
    usable = np.isfinite(values).T
    day, couple = np.nonzero(usable)
    ids = pl.Series(streams.ids, dtype=pl.String)
    return pl.DataFrame(
        {
            "as_of_date": pl.Series(sessions[part], dtype=pl.Date)[day],
            "kind": pl.repeat(streams.kind, len(day), eager=True, dtype=pl.String),
            "id_a": ids[left[couple]],
            "id_b": ids[right[couple]],
            "correlation": pl.Series(values.T[usable], dtype=pl.Float64),
        }
    )


def _correlations(streams: _Streams, part: slice, settings: FeatureSettings) -> Array:
    """EWMA correlations, shape (couples, sessions of the part), couples in the order of np.triu_indices; NaN where unknown."""
    count, length = len(streams.ids), part.stop - part.start
    weights = ewma_weights(settings.correlation_half_life, CORRELATION_SESSIONS)
    weight, mean, returns_seen = (np.zeros((count, length)) for _ in range(3))
    for offset, current in enumerate(weights):
        values = streams.lagged(offset, part)
        seen = np.isfinite(values)
        weight += current * seen
        returns_seen += seen
        mean += current * np.where(seen, values, 0.0)
    mean = ratio(mean, weight)
    complete = bool((returns_seen == CORRELATION_SESSIONS).all())
    variance = np.zeros((count, length))
    # One block for each id: its products with the ids after it, so that the additions run over long vectors.
    products, joint_weight, joint_seen = ([np.zeros((count - 1 - i, length)) for i in range(count)] for _ in range(3))
    scratch = np.empty((count, length))
    for offset, current in enumerate(weights):
        values = streams.lagged(offset, part)
        seen = np.isfinite(values)
        deviation = np.where(seen, values - mean, 0.0)
        weighted = current * deviation
        variance += weighted * deviation
        for i in range(count - 1):
            products[i] += np.multiply(weighted[i], deviation[i + 1 :], out=scratch[: count - 1 - i])
        if not complete:
            for i in range(count - 1):
                both = seen[i] & seen[i + 1 :]
                joint_weight[i] += current * both
                joint_seen[i] += both
    variance = ratio(variance, weight)
    blocks = []
    for i in range(count - 1):
        # Where nothing is missing the joint weight is the name's own, to the bit: the same additions in the same order.
        common = weight[i + 1 :] if complete else joint_weight[i]
        seen_together = returns_seen[i + 1 :] if complete else joint_seen[i]
        correlation = np.clip(ratio(ratio(products[i], common), np.sqrt(variance[i] * variance[i + 1 :])), -1.0, 1.0)
        here = (streams.present[i, part] > 0) & (streams.present[i + 1 :, part] > 0)
        enough = seen_together >= settings.correlation_min_coverage * CORRELATION_SESSIONS
        blocks.append(np.where(here & enough, correlation, np.nan))
    return np.concatenate(blocks) if blocks else np.empty((0, length))
