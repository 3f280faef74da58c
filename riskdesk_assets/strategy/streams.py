"""How strategies move together: P&L streams of their tickets, and the covariance of what each strategy earns per dollar.

A ticket's stream is the P&L of one dollar of its gross on the side it may take: its own side where ``orientation`` says one,
else the side that bets on reversion, against today's z-score. Its volatility is that of the hedged spread, from vol_20 of the
legs, their corr_60 and today's beta, over 1 + |beta|; its correlation with another ticket is the pair correlation of
return_correlations, turned over where one of the two is short its spread. A strategy's stream is the sum of its tickets',
each weighted by its share of the capital.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from riskdesk_assets.common.sample_statistics import SESSIONS_A_YEAR

Couple = tuple[str, str]


@dataclass(frozen=True)
class TicketStream:
    """One ticket's stream: ``volatility`` per day and dollar of gross, ``side`` 1 long its spread, -1 short."""

    ticket_id: str
    pair_id: str
    side: int
    volatility: float


@dataclass(frozen=True)
class StrategyCovariance:
    """Daily covariance of the strategies' P&L per dollar of capital; ``matrix`` (n, n) in the order of ``names``, sorted.

    A strategy whose stream is not known has a row of zeros: it is correlated with nothing and carries no risk.
    """

    names: tuple[str, ...]
    matrix: tuple[tuple[float, ...], ...]

    def volatility(self, name: str) -> float | None:
        """Per day and dollar of capital; None where the stream is not known."""
        variance = self._at(name, name)
        return math.sqrt(variance) if variance > 0 else None

    def correlation(self, one: str, other: str) -> float | None:
        """In [-1, 1]; None where a stream is not known."""
        left, right = self.volatility(one), self.volatility(other)
        if left is None or right is None:
            return None
        return max(-1.0, min(1.0, self._at(one, other) / (left * right)))

    def contributions(self, capital: Mapping[str, float]) -> dict[str, float] | None:
        """Euler shares of the variance of a book of strategies, summing to 1; None where it has no risk.

        Args:
            capital: dollars per strategy; one that is not there has none.
        """
        held = [(place, capital[name]) for place, name in enumerate(self.names) if capital.get(name)]
        parts = {self.names[i]: mine * math.fsum(self.matrix[i][j] * other for j, other in held) for i, mine in held}
        total = math.fsum(parts.values())
        if total <= 0:
            return None
        return {name: parts.get(name, 0.0) / total for name in self.names}

    def _at(self, one: str, other: str) -> float:
        if one not in self.names or other not in self.names:
            return 0.0
        return self.matrix[self.names.index(one)][self.names.index(other)]


def spread_volatility(beta: float, volatility_a: float, volatility_b: float, correlation: float) -> float:
    """Daily volatility of one dollar of gross in a hedged pair: long 1, short beta, over 1 + |beta|.

    Args:
        beta: hedge ratio.
        volatility_a, volatility_b: annualised, of the legs' returns.
        correlation: of the legs' returns.
    """
    variance = volatility_a**2 + (beta * volatility_b) ** 2 - 2 * beta * correlation * volatility_a * volatility_b
    return math.sqrt(max(0.0, variance) / SESSIONS_A_YEAR) / (1 + abs(beta))


def side_of(orientation: str, zscore: float) -> int:
    """The side a ticket's stream is seen from: its only one, else against the z-score (long at z = 0)."""
    if orientation == "LONG_SPREAD":
        return 1
    return -1 if orientation == "SHORT_SPREAD" or zscore > 0 else 1


def strategy_covariance(
    members: Mapping[str, Sequence[tuple[TicketStream, float]]], correlations: Mapping[Couple, float]
) -> StrategyCovariance:
    """The covariance of strategies from that of their tickets.

    Args:
        members: strategy -> its tickets' streams, each with its share of the capital.
        correlations: (pair id, pair id), in order, -> correlation of their long spreads; a couple that is not there counts as
            uncorrelated, a pair with itself as one.
    """
    names = tuple(sorted(members))
    ordered = {name: sorted(members[name], key=lambda item: item[0].ticket_id) for name in names}
    matrix = [[0.0] * len(names) for _ in names]
    for i, one in enumerate(names):
        for j, other in enumerate(names[: i + 1]):
            matrix[i][j] = matrix[j][i] = math.fsum(
                left * right * _covariance(stream, another, correlations)
                for stream, left in ordered[one]
                for another, right in ordered[other]
            )
    return StrategyCovariance(names, tuple(tuple(row) for row in matrix))


def _covariance(one: TicketStream, other: TicketStream, correlations: Mapping[Couple, float]) -> float:
    couple = (min(one.pair_id, other.pair_id), max(one.pair_id, other.pair_id))
    correlation = 1.0 if one.pair_id == other.pair_id else correlations.get(couple, 0.0)
    return one.side * other.side * correlation * one.volatility * other.volatility
