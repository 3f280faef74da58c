"""Whether a pair still behaves like one: warnings for people, never gates (methods.md section 2).

One set of thresholds for the page, ``explain`` and the console: ``desk.pair_health``, the ticket's own horizon, and the hedge
ratio and z-score at which the controller itself draws a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from riskdesk_assets.common.settings import Desk

_MOST_DIGITS = 6


@dataclass(frozen=True)
class PairHealth:
    """The figures of one row of pair_state that say how a pair fares; half-life and no-cross in sessions.

    ``half_life`` None: the spread shows no reversion, or too few bars to tell; the others None: too few bars, or not computed.
    """

    zscore: float
    beta: float
    half_life: float | None
    pvalue: float | None
    correlation: float | None
    beta_stability: float | None
    no_cross_sessions: int

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> PairHealth:
        """From a row of TABLES["pair_state"]."""
        names = ("zscore", "beta", "half_life_days", "coint_pvalue", "corr_60", "beta_stability", "no_mean_cross_days")
        return cls(*(row[name] for name in names))


def pair_warnings(health: PairHealth, horizon_days: int | None, desk: Desk) -> dict[str, str]:
    """Figure of PairHealth -> what is wrong with it, in words; empty for a pair in good health.

    Args:
        health: the pair's figures.
        horizon_days: of the ticket, in sessions; None where it is not known, and nothing is held against it then.
        desk: pair_health, and controller.min_beta and features.breakdown_z.
    """
    return dict(_warnings(health, horizon_days, desk))


def _warnings(health: PairHealth, horizon_days: int | None, desk: Desk) -> Iterator[tuple[str, str]]:
    limits, least, breakdown = desk.pair_health, desk.controller.min_beta, desk.features.breakdown_z
    beyond = "" if horizon_days is None else f", beyond the ticket's horizon of {horizon_days}"
    if abs(health.zscore) >= breakdown:
        yield "zscore", f"z {health.zscore:+.2f}, broken down from {breakdown:g} on"
    if least is not None and health.beta < least:
        yield "beta", f"hedge ratio {_apart(health.beta, least)}, below {least:g}"
    if health.half_life is None:
        yield "half_life", "no half-life: the spread shows no reversion"
    elif horizon_days is not None and health.half_life > horizon_days:
        yield "half_life", f"half-life {_apart(health.half_life, horizon_days, 0)} sessions{beyond}"
    if health.pvalue is not None and health.pvalue > limits.significance:
        yield "pvalue", f"cointegration p {_apart(health.pvalue, limits.significance)}, above {limits.significance:g}"
    if health.correlation is not None and health.correlation < limits.min_correlation:
        told = _apart(health.correlation, limits.min_correlation)
        yield "correlation", f"correlation {told}, below {limits.min_correlation:g}"
    if health.beta_stability is not None and health.beta_stability > limits.max_beta_stability:
        told = _apart(health.beta_stability, limits.max_beta_stability)
        yield "beta_stability", f"hedge ratio unsteady by {told}, above {limits.max_beta_stability:g}"
    if horizon_days is not None and health.no_cross_sessions > horizon_days:
        yield "no_cross_sessions", f"no cross of the mean for {health.no_cross_sessions} sessions{beyond}"


def _apart(value: float, bound: float, digits: int = 2) -> str:
    """The value with so many digits, or as many as it takes to be seen to differ from the bound."""
    while digits < _MOST_DIGITS and round(value, digits) == round(bound, digits):
        digits += 1
    return f"{value:.{digits}f}"
