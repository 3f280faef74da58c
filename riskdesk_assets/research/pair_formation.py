"""One pair over a formation window: how steady its hedge, how quick its return, how alike its legs, how dear its trade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
import numpy.typing as npt

from riskdesk_assets.construction.inputs import DeskContext
from riskdesk_assets.features.cointegration import engle_granger_pvalue
from riskdesk_assets.features.own_bars import log_returns
from riskdesk_assets.features.spread import SMALLEST_SD, half_life, spread_moments
from riskdesk_assets.features.windows import Array, ratio, windowed_correlation, windowed_covariance, windowed_sd

SIDES_OF_A_TRADE = 2  # in and out


@dataclass(frozen=True)
class PairFormation:
    """A pair's numbers over a formation window; None where one does not exist.

    Attributes:
        leg_a: the name that moves more over the window (in a tie, the first by name).
        leg_b: the other.
        level_beta: least-squares slope of ln A on ln B over the window, the first step of Engle and Granger.
        half_life: sessions in which half of a deviation of ln A - level_beta ln B goes; None: it does not revert.
        correlation: of the daily log returns.
        hedge_ratio: mean of the desk's own hedge ratio (methods.md section 2) over the window.
        hedge_instability: its standard deviation as a share of its mean: 0 is a hedge that never changes.
        spread_sd: median, over the window, of the sd in which the desk measures z.
        cost: a round trip with borrow over one half-life, as a share of ``spread_sd``.
        pvalue: of the Engle-Granger test with one lag.
    """

    leg_a: str
    leg_b: str
    level_beta: float | None
    half_life: float | None
    correlation: float | None
    hedge_ratio: float | None
    hedge_instability: float | None
    spread_sd: float | None
    cost: float | None
    pvalue: float | None


def pair_formations(
    pairs: Sequence[tuple[str, str]], log_one: Array, log_other: Array, context: DeskContext
) -> list[PairFormation]:
    """Measure pairs on the common bars of the formation window.

    Args:
        pairs: the two names of each, in any order.
        log_one, log_other: log adj_close of the first and the second name of each pair, shape (bars, pairs), oldest first;
            nothing else is read.
        context: windows; cost and borrow rates.
    """
    features, bars = context.config.desk.features, len(log_one)
    turned = _second_moves_more(pairs, log_one, log_other)
    log_a, log_b = np.where(turned, log_other, log_one), np.where(turned, log_one, log_other)
    return_a, return_b = log_returns(log_a)[1:], log_returns(log_b)[1:]
    level = level_beta(log_a, log_b)
    lives = half_life(log_a, log_b, np.broadcast_to(level, log_a.shape), bars)[-1]
    correlations = windowed_correlation(return_a, return_b, bars - 1)[-1]
    variance_b = windowed_covariance(return_b, return_b, features.window_hedge)
    moving = np.where(np.sqrt(variance_b) > SMALLEST_SD, variance_b, np.nan)
    beta = np.full_like(log_a, np.nan)
    beta[1:] = ratio(windowed_covariance(return_a, return_b, features.window_hedge), moving)
    _, sds = spread_moments(log_a, log_b, beta, features.window_z)
    found = []
    for place, (one, other) in enumerate(pairs):
        legs = (other, one) if turned[place] else (one, other)
        hedges, own_sds = (column[np.isfinite(column)] for column in (beta[:, place], sds[:, place]))
        hedge = _known(np.mean(hedges)) if len(hedges) else None
        reverts = _known(lives[place])
        spread_sd = _known(np.median(own_sds)) if len(own_sds) else None
        found.append(
            PairFormation(
                leg_a=legs[0],
                leg_b=legs[1],
                level_beta=_known(level[place]),
                half_life=reverts,
                correlation=_known(correlations[place]),
                hedge_ratio=hedge,
                hedge_instability=_known(np.std(hedges, ddof=1) / abs(hedge)) if hedge and len(hedges) > 1 else None,
                spread_sd=spread_sd,
                cost=_cost(context, legs, hedge, spread_sd, reverts),
                pvalue=_known(engle_granger_pvalue(*(np.ascontiguousarray(log[:, place]) for log in (log_a, log_b)))),
            )
        )
    return found


def level_beta(log_a: Array, log_b: Array) -> Array:
    """Slope of the least-squares line of ln A on ln B, shape (bars, pairs) each; NaN where leg B stands still."""
    count = len(log_b)
    variance = windowed_covariance(log_b, log_b, count)[-1]
    moving = np.where(np.sqrt(variance) > SMALLEST_SD, variance, np.nan)
    return ratio(windowed_covariance(log_a, log_b, count)[-1], moving)


def round_trip(context: DeskContext, legs: tuple[str, str], hedge: float, sessions: float) -> float:
    """Cost of one dollar of leg A with its hedge, in and out again and held between, as a fraction of that dollar.

    Half spreads and cost_bps on both legs, twice; borrow over ``sessions`` on the leg that is dearer to be short.
    """
    sizes = (1.0, abs(hedge))
    trade = sum(size * context.cost_rates[leg] for size, leg in zip(sizes, legs, strict=True))
    borrow = max(size * context.borrow_rates[leg] for size, leg in zip(sizes, legs, strict=True))
    return SIDES_OF_A_TRADE * trade + borrow * sessions


def _cost(
    context: DeskContext, legs: tuple[str, str], hedge: float | None, spread_sd: float | None, reverts: float | None
) -> float | None:
    if hedge is None or spread_sd is None or not spread_sd > SMALLEST_SD:
        return None
    longest = context.config.desk.optimizer.default_half_life
    held = longest if reverts is None else min(reverts, longest)
    return round_trip(context, legs, hedge, held) / spread_sd


def _second_moves_more(pairs: Sequence[tuple[str, str]], log_one: Array, log_other: Array) -> npt.NDArray[np.bool_]:
    """Which pairs are turned round: by size, not by name, so that a ranking does not depend on what a name is called."""
    one, other = (windowed_sd(log_returns(log)[1:], len(log) - 1)[-1] for log in (log_one, log_other))
    later = np.array([first > second for first, second in pairs], dtype=np.bool_)
    turned: npt.NDArray[np.bool_] = (other > one) | ((other == one) & later)
    return turned


def _known(value: float | np.floating) -> float | None:
    return float(value) if isfinite(value) else None
