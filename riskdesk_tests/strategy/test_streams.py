"""Streams of strategies: covariance, correlation and Euler shares against numpy on simulated P&L."""

from __future__ import annotations

import math

import numpy as np
import pytest

from riskdesk_assets.strategy.streams import (
    StrategyCovariance,
    TicketStream,
    side_of,
    spread_volatility,
    strategy_covariance,
)

PAIRS = ("A__B", "C__D", "E__F", "G__H")


def simulated() -> tuple[np.ndarray, dict[str, float], dict[tuple[str, str], float]]:
    """P&L of one dollar long each pair, shape (pairs, days), with its volatilities and correlations."""
    rng = np.random.default_rng(5)
    pnl = rng.normal(size=(4, 4)) @ rng.normal(size=(4, 5000)) * 0.003
    matrix = np.corrcoef(pnl)
    found = {(PAIRS[i], PAIRS[j]): float(matrix[i, j]) for i in range(4) for j in range(i + 1, 4)}
    return pnl, {pair: float(pnl[i].std(ddof=1)) for i, pair in enumerate(PAIRS)}, found


def test_strategies_are_as_correlated_as_the_sums_of_their_tickets_pnl() -> None:
    pnl, vols, correlations = simulated()
    sides = (1, -1, -1, 1)
    tickets = [TicketStream(f"t{i}", pair, sides[i], vols[pair]) for i, pair in enumerate(PAIRS)]
    members = {"two": [(tickets[0], 0.7), (tickets[1], 0.3)], "one": [(tickets[2], 1.0)], "half": [(tickets[3], 0.5)]}
    found = strategy_covariance(members, correlations)
    streams = {
        "two": 0.7 * pnl[0] - 0.3 * pnl[1],
        "one": -pnl[2],
        "half": 0.5 * pnl[3],
    }
    for one, stream in streams.items():
        assert found.volatility(one) == pytest.approx(stream.std(ddof=1), rel=1e-9)
        for other, another in streams.items():
            expected = np.corrcoef(stream, another)[0, 1]
            assert found.correlation(one, other) == pytest.approx(expected, abs=1e-9)
    capital = {"two": 3.0, "one": 2.0, "half": 1.0}
    book = sum(capital[name] * stream for name, stream in streams.items())
    shares = found.contributions(capital)
    assert shares is not None
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-12)
    for name, stream in streams.items():
        expected = capital[name] * np.cov(stream, book)[0, 1] / book.var(ddof=1)
        assert shares[name] == pytest.approx(expected, rel=1e-9)


def test_two_tickets_on_one_pair_are_one_stream_and_on_opposite_sides_its_mirror() -> None:
    long, short = TicketStream("a", "A__B", 1, 0.01), TicketStream("b", "A__B", -1, 0.02)
    found = strategy_covariance({"x": [(long, 1.0)], "y": [(short, 1.0)]}, {})
    assert found.correlation("x", "y") == -1.0
    both = strategy_covariance({"x": [(long, 0.5), (TicketStream("c", "A__B", 1, 0.01), 0.5)]}, {})
    assert both.volatility("x") == pytest.approx(0.01)


def test_a_strategy_without_a_stream_is_correlated_with_nothing_and_carries_no_risk() -> None:
    found = strategy_covariance({"known": [(TicketStream("a", "A__B", 1, 0.01), 1.0)], "silent": []}, {})
    assert found.correlation("known", "silent") is None
    assert found.volatility("silent") is None
    assert found.contributions({"known": 1.0, "silent": 5.0}) == {"known": 1.0, "silent": 0.0}
    assert found.contributions({"silent": 5.0}) is None
    assert StrategyCovariance((), ()).correlation("a", "b") is None


def test_pairs_whose_correlation_is_not_known_count_as_uncorrelated() -> None:
    members = {name: [(TicketStream(name, pair, 1, 0.01), 1.0)] for name, pair in (("x", "A__B"), ("y", "C__D"))}
    assert strategy_covariance(members, {}).correlation("x", "y") == 0.0


def test_the_volatility_of_a_hedged_dollar_by_hand() -> None:
    # 0.3^2 + (0.8 x 0.25)^2 - 2 x 0.8 x 0.7 x 0.3 x 0.25 = 0.046; sqrt(0.046 / 252) / 1.8
    assert spread_volatility(0.8, 0.3, 0.25, 0.7) == pytest.approx(math.sqrt(0.046 / 252) / 1.8, rel=1e-12)
    assert spread_volatility(1.0, 0.2, 0.2, 1.0) == 0.0


def test_a_ticket_is_seen_from_its_only_side_or_against_its_z() -> None:
    assert [side_of("BOTH", z) for z in (1.5, -1.5, 0.0)] == [-1, 1, 1]
    assert [side_of("LONG_SPREAD", z) for z in (1.5, -1.5)] == [1, 1]
    assert [side_of("SHORT_SPREAD", z) for z in (1.5, -1.5)] == [-1, -1]
