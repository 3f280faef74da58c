"""How the best pairs of a formation window fared in the window after it, beside all pairs: is the ranking worth anything?

Every pair is held to what was known at the end of its formation: the same legs in the same order, the same hedge for its
half-life. Its trade is the baseline controller's own rule for a ticket of either side and full units: entered and left at the
close on that session's pair state, a dollar of gross at a time, with costs and borrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.sample_statistics import SESSIONS_A_YEAR, mean
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.common.universe import pair_id
from riskdesk_assets.construction.inputs import DeskContext, desk_context
from riskdesk_assets.controllers.baseline import Rules, Signal, Stance, leg_notionals, propose
from riskdesk_assets.features.cointegration import engle_granger_pvalue
from riskdesk_assets.features.own_bars import log_returns
from riskdesk_assets.features.pair_state import pair_state
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.features.spread import half_life
from riskdesk_assets.features.windows import Array, windowed_correlation
from riskdesk_assets.research.pair_finder import PairSearch
from riskdesk_assets.research.rank_correlation import spearman
from riskdesk_assets.strategy.usual_terms import TIME_STOP_SESSIONS

OUTCOME_SCHEMA = {
    "rank": pl.Int64,
    "pair_id": pl.String,
    "score": pl.Float64,
    "next_half_life": pl.Float64,
    "next_correlation": pl.Float64,
    "next_pvalue": pl.Float64,
    "net_return": pl.Float64,
    "sessions_held": pl.Int64,
}


@dataclass(frozen=True)
class Fared:
    """What a group of pairs did in the next window.

    ``passed`` is the share whose cointegration test passes again; ``half_life`` the median in sessions, one that does not
    revert counting as the desk's longest; ``net_return`` the mean a year per dollar of gross; ``gained`` the share above 0.
    """

    pairs: int
    passed: float
    half_life: float
    correlation: float
    net_return: float
    gained: float


@dataclass(frozen=True)
class PairOutcomes:
    """Every pair in the order of its formation score (OUTCOME_SCHEMA), and the top ones beside all.

    ``rank_correlation`` is Spearman's between score and net return: 0 where the score told nothing.
    """

    asof: date
    first: date
    last: date
    pairs: pl.DataFrame
    top: Fared
    everyone: Fared
    rank_correlation: float | None


def pair_outcomes(
    panel: Panel, search: PairSearch, config: Config, sessions: int, significance: float, top: int
) -> PairOutcomes:
    """Follow the pairs of a search through the ``sessions`` after it.

    Args:
        panel: bars that reach the features' lookback before the window, and to its end.
        search: the ranking, made on bars up to its own date.
        config: windows, thresholds, costs, borrow.
        sessions: length of the next window.
        significance: of the cointegration test.
        top: how many of the best are put beside all.

    Raises:
        InputError: the panel does not reach to the end of the window.
    """
    start = panel.sessions.index(search.asof) + 1
    # A session on which no name has a bar lies beyond what the vendor has: followed into it, every pair would look dead.
    barred = np.flatnonzero(~np.isnan(panel.log_adj).all(axis=1))
    there = max(0, int(barred[-1]) + 1 - start) if len(barred) else 0
    if sessions > there:
        message = f"{there} sessions of bars follow {search.asof}, of {sessions} that are looked at"
        raise InputError(Problem("", None, "next_sessions", message, f"at most {there}, or an earlier date"))
    window = slice(start, start + sessions)
    pairs = list(search.pairs.select("leg_a", "leg_b").iter_rows())
    quiet = config.desk.features.model_copy(update={"coint_refresh": "never"})
    last = panel.sessions[window.stop - 1]
    states = pair_state(panel, pairs, quiet, config.feature_version, search.asof, last)
    by_pair = {key[0]: rows for key, rows in states.group_by("pair_id", maintain_order=True)}
    none, context = states.clear(), desk_context(config)
    rows = []
    with single_threaded():
        for rank, legs, score, level in zip(
            search.pairs["rank"], pairs, search.pairs["score"], search.pairs["level_beta"], strict=True
        ):
            name = pair_id(*legs)
            held = _trade(panel, legs, by_pair.get(name, none), context, window)
            rows.append({"rank": rank, "pair_id": name, "score": score, **_behaviour(panel, legs, level, window), **held})
    frame = pl.DataFrame(rows, schema=OUTCOME_SCHEMA)
    longest = config.desk.optimizer.default_half_life
    return PairOutcomes(
        asof=search.asof,
        first=panel.sessions[window.start],
        last=last,
        pairs=frame,
        top=_fared(frame.head(top), significance, longest),
        everyone=_fared(frame, significance, longest),
        rank_correlation=spearman(frame["score"], frame["net_return"]),
    )


def _behaviour(panel: Panel, legs: tuple[str, str], level: float | None, window: slice) -> dict[str, float | None]:
    log_a, log_b = (panel.log_adj[window, panel.column(leg)] for leg in legs)
    common = ~np.isnan(log_a) & ~np.isnan(log_b)
    log_a, log_b = np.ascontiguousarray(log_a[common]), np.ascontiguousarray(log_b[common])
    count = len(log_a)
    if count < window.stop - window.start:
        return dict.fromkeys(("next_half_life", "next_correlation", "next_pvalue"))
    found = {
        "next_half_life": np.nan if level is None else half_life(log_a, log_b, np.full(count, level), count)[-1],
        "next_correlation": windowed_correlation(log_returns(log_a)[1:], log_returns(log_b)[1:], count - 1)[-1],
        "next_pvalue": engle_granger_pvalue(log_a, log_b),
    }
    return {name: float(value) if np.isfinite(value) else None for name, value in found.items()}


def _trade(
    panel: Panel, legs: tuple[str, str], states: pl.DataFrame, context: DeskContext, window: slice
) -> dict[str, float | int]:
    """Net return a year per dollar of gross of the baseline rule, decided at each close and earned to the next one."""
    rules = _rules(context.config)
    signals = {
        day: Signal(z, beta, broken)
        for day, z, beta, broken in states.select("as_of_date", "zscore", "beta", "extreme_z").iter_rows()
    }
    prices = [panel.adj_close[:, panel.column(leg)] for leg in legs]
    stance, held, sessions_held, earned = Stance(0, 0, armed=True), (0.0, 0.0), 0, 0.0
    for row in range(window.start - 1, window.stop - 1):
        age = stance.age + 1 if stance.side else 0
        signal = signals.get(panel.sessions[row])
        proposal = propose(rules, signal, Stance(stance.side, age, stance.armed), panel.sessions[row], None)
        side = int(np.sign(proposal.units))
        still = held if side else (0.0, 0.0)
        wanted = still if signal is None else leg_notionals(proposal.units, 1.0, signal.beta)
        earned -= _costs(context, legs, held, wanted)
        moves = [_simple_return(path, row) for path in prices]
        earned += sum(size * move for size, move in zip(wanted, moves, strict=True))
        earned -= _borrow(context, legs, wanted)
        stance = Stance(side, age if side == stance.side else 0, proposal.armed)
        sessions_held += side != 0
        held = wanted
    earned -= _costs(context, legs, held, (0.0, 0.0))
    return {"net_return": earned * SESSIONS_A_YEAR / (window.stop - window.start), "sessions_held": sessions_held}


def _rules(config: Config) -> Rules:
    controller = config.desk.controller
    return Rules(
        orientation="BOTH",
        max_units=1.0,
        entry_z=controller.entry_z,
        exit_z=controller.exit_z,
        time_stop_sessions=TIME_STOP_SESSIONS,
        flatten_on_breakdown=True,
        rearm_after_breakdown=controller.rearm_after_breakdown,
        min_beta=controller.min_beta,
        effective_from=None,
        expires_on=date.max,
    )


def _simple_return(path: Array, row: int) -> float:
    """To the next session; 0 where either of the two has no bar: a gap is left out, never filled."""
    before, after = float(path[row]), float(path[row + 1])
    return after / before - 1.0 if np.isfinite(before) and np.isfinite(after) else 0.0


def _costs(context: DeskContext, legs: tuple[str, str], held: tuple[float, float], wanted: tuple[float, float]) -> float:
    return sum(abs(after - before) * context.cost_rates[leg] for leg, before, after in zip(legs, held, wanted, strict=True))


def _borrow(context: DeskContext, legs: tuple[str, str], held: tuple[float, float]) -> float:
    return sum(max(0.0, -size) * context.borrow_rates[leg] for leg, size in zip(legs, held, strict=True))


def _fared(frame: pl.DataFrame, significance: float, longest: float) -> Fared:
    lives = frame["next_half_life"].fill_null(longest).clip(upper_bound=longest)
    net = frame["net_return"]
    return Fared(
        pairs=frame.height,
        passed=_mean(frame["next_pvalue"] < significance),
        half_life=float(np.median(lives.to_numpy())),
        correlation=_mean(frame["next_correlation"]),
        net_return=_mean(net),
        gained=_mean(net > 0),
    )


def _mean(values: pl.Series) -> float:
    """Of what is known; 0 of nothing."""
    return mean(values.drop_nulls().to_list()) or 0.0
