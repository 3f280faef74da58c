"""Summaries of a session's sizes, added up by hand."""

from __future__ import annotations

import pytest

from riskdesk_assets.strategy.allocation import BucketLine, bucket_lines, correlation_matrix, tier_lines
from riskdesk_tests.desk_builder import desk_config

RULES = desk_config().sizing


def size(name: str, bucket: str, final: float, status: str = "active", tickets: int = 1) -> dict[str, object]:
    return {
        "strategy_name": name,
        "bucket": bucket,
        "status": status,
        "ticket_count": tickets,
        "capital_allocation": 1.5 * final,
        "final_size": final,
    }


SIZES = [
    size("a", "RV", 100.0),
    size("b", "RV", 300.0),
    size("c", "Spread", 100.0),
    size("d", "RV", 0.0, "candidate", 0),
    size("e", "Volatility", 0.0, "candidate", 0),
    {**size("f", "RV", 0.0), "capital_allocation": 200.0},  # its regime is not today's
    size("g", "Spread", 0.0, "active", 0),
]


def test_every_bucket_counts_the_strategies_that_take_part() -> None:
    assert bucket_lines(SIZES, RULES, 1_000.0) == (
        BucketLine("Directional", 0, 0.0, 0.0, 750.0),
        BucketLine("Discretionary", 0, 0.0, 0.0, 750.0),
        BucketLine("Spread", 1, 150.0, 100.0, 1_500.0),
        BucketLine("RV", 3, 800.0, 400.0, 1_500.0),
        BucketLine("Volatility", 0, 0.0, 0.0, 750.0),
        BucketLine("Systematic", 0, 0.0, 0.0, 750.0),
    )


def test_of_a_cap_is_used_what_was_allocated() -> None:
    assert BucketLine("RV", 1, 300.0, 100.0, 1_500.0).cap_used == 0.2
    assert BucketLine("RV", 1, 0.0, 0.0, 0.0).cap_used is None


def test_capital_by_conviction_sums_to_the_whole_and_counts_who_was_cut_to_0() -> None:
    library = [{"strategy_name": name, "conviction": "High" if name in "abf" else "Low"} for name in "abcdefg"]
    lines = {line.tier: (line.strategies, line.final, line.share) for line in tier_lines(SIZES, library)}
    assert lines == {"Low": (1, 100.0, 0.2), "Medium": (0, 0.0, 0.0), "High": (3, 400.0, 0.8), "Exceptional": (0, 0.0, 0.0)}
    assert sum(line.share for line in tier_lines([], [])) == 0.0


def test_the_matrix_is_square_and_the_same_both_ways() -> None:
    rows = [
        {"strategy_a": "a", "strategy_b": "c", "correlation": 0.3},
        {"strategy_a": "b", "strategy_b": "c", "correlation": -0.1},
    ]
    names, matrix = correlation_matrix(rows)
    assert names == ("a", "b", "c")
    assert matrix["a", "c"] == matrix["c", "a"] == pytest.approx(0.3)
    assert matrix["b", "b"] == 1.0
    assert ("a", "b") not in matrix
