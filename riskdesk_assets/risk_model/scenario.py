"""What a book would make or lose if named things happened at once: linear P&L under shocks, and correlations gone wrong."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from riskdesk_assets.common.errors import nearest
from riskdesk_assets.risk_model.arguments import Matrix, finite_number
from riskdesk_assets.risk_model.risk_contributions import checked_covariance


@dataclass(frozen=True)
class Shock:
    """A named scenario: returns as fractions (-0.2 is a fall of 20%), by factor, by group and by name."""

    scenario: str
    factors: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, float] = field(default_factory=dict)
    names: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ScenarioPnl:
    """P&L of a book under one scenario, fractions of NAV, a loss negative; ``by_name`` sorted by symbol sums to ``total``."""

    scenario: str
    total: float
    by_name: tuple[tuple[str, float], ...]


def scenario_pnl(
    weights: Mapping[str, float],
    shock: Shock,
    *,
    groups: Mapping[str, Collection[str]],
    exposures: Mapping[str, Mapping[str, float]],
) -> ScenarioPnl:
    """Weight x shocked return of every name held.

    A name's return is its own shock where it has one; else the shocks of all groups it is in, plus exposure x shock of every
    shocked factor.

    Args:
        weights: of the book by symbol, fractions of NAV.
        shock: what happens.
        groups: symbols by group, every group a shock may name, also one that is empty today.
        exposures: by symbol, the exposure to each factor; one not listed for a symbol that is there is 0.

    Raises:
        ValueError: the shock names a factor, group or symbol nobody knows (with the nearest); a shock that is not finite, or
            below -1 on a group or a name; a held name without exposures when a factor is shocked.

    Source: methods.md section 10.
    """
    symbols = {*weights, *exposures, *(symbol for members in groups.values() for symbol in members)}
    _check_known("factors", shock.factors, {factor for row in exposures.values() for factor in row})
    _check_known("groups", shock.groups, groups)
    _check_known("names", shock.names, symbols)
    for kind, shocks, least in (("factors", shock.factors, None), ("groups", shock.groups, -1.0), ("names", shock.names, -1.0)):
        for target, size in shocks.items():
            finite_number(f"{kind}[{target!r}]", size, least=least)
    by_name = tuple(
        (symbol, finite_number(f"weights[{symbol!r}]", weights[symbol]) * _shocked_return(symbol, shock, groups, exposures))
        for symbol in sorted(weights)
        if weights[symbol] != 0.0
    )
    return ScenarioPnl(shock.scenario, math.fsum(pnl for _, pnl in by_name), by_name)


def correlation_shock(covariance: Sequence[Sequence[float]] | Matrix, toward_one: float) -> Matrix:
    """The covariance with every correlation moved toward 1 and every volatility as it was.

    Args:
        covariance: of daily returns, shape (names, names), positive semidefinite.
        toward_one: how far, from 0 (as it is) to 1 (all correlations are 1).

    Returns:
        (1 - toward_one) x covariance + toward_one x the outer product of the volatilities: positive semidefinite.

    Raises:
        ValueError: ``toward_one`` is not from 0 to 1, the covariance is not symmetric and semidefinite.

    Source: methods.md section 10 (parametric shocks).
    """
    share = finite_number("toward_one", toward_one, least=0.0)
    if share > 1.0:
        raise ValueError(f"toward_one is {share:g} (allowed: from 0 to 1)")
    matrix = checked_covariance(covariance, len(covariance))
    volatilities = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    shocked: Matrix = (1.0 - share) * matrix + share * np.outer(volatilities, volatilities)
    return shocked


def _shocked_return(
    symbol: str, shock: Shock, groups: Mapping[str, Collection[str]], exposures: Mapping[str, Mapping[str, float]]
) -> float:
    if symbol in shock.names:
        return shock.names[symbol]
    parts = [size for group, size in shock.groups.items() if symbol in groups[group]]
    if shock.factors:
        if symbol not in exposures:
            raise ValueError(f"exposures has no {symbol!r} (allowed: every name held when a factor is shocked)")
        row = exposures[symbol]
        for factor, size in shock.factors.items():
            parts.append(finite_number(f"exposures[{symbol!r}][{factor!r}]", row.get(factor, 0.0)) * size)
    return math.fsum(parts)


def _check_known(kind: str, shocks: Mapping[str, float], known: Collection[str]) -> None:
    for target in sorted(shocks):
        if target not in known:
            raise ValueError(f"{kind} has {target!r}{nearest(target, known)} (allowed: {', '.join(sorted(known)) or 'none'})")
