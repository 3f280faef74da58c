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
        "recommended_size": 2 * final if final else 7.0,
        "capital_allocation": 1.5 * final,
        "final_size": final,
    }


SIZES = [
    size("a", "RV", 100.0),
    size("b", "RV", 300.0),
    size("c", "Spread", 100.0),
    size("d", "RV", 0.0, "candidate", 0),
    size("e", "Volatility", 0.0, "candidate", 0),
]


def test_capital_by_bucket_leaves_out_what_has_none_to_ask_for() -> None:
    assert bucket_lines(SIZES, RULES, 1_000.0) == (
        BucketLine("Spread", 1, 200.0, 150.0, 100.0, 1_500.0),
        BucketLine("RV", 2, 800.0, 600.0, 400.0, 1_500.0),
        BucketLine("Volatility", 0, 0.0, 0.0, 0.0, 750.0),
    )


def test_capital_by_conviction_sums_to_the_whole() -> None:
    library = [{"strategy_name": name, "conviction": "High" if name in "ab" else "Low"} for name in "abcde"]
    lines = {line.tier: (line.strategies, line.final, line.share) for line in tier_lines(SIZES, library)}
    assert lines == {"Low": (1, 100.0, 0.2), "Medium": (0, 0.0, 0.0), "High": (2, 400.0, 0.8), "Exceptional": (0, 0.0, 0.0)}
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
