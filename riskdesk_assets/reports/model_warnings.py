"""Checks of the risk model that failed, each in one short line: for those who will not read to the end of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

FAILED = ("BREACHED", "RED", "REJECTED")
"""Outcomes of model_checks that must not be missed, the worst first."""


def failed_checks(rows: Iterable[Mapping[str, Any]], portfolio_id: str) -> tuple[str, ...]:
    """``bias ratio REJECTED: realized/predicted volatility 1.20, p 0.031`` for each failed check of one portfolio.

    Args:
        rows: of model_checks, of one session.
        portfolio_id: whose.

    Returns:
        The worst first: breached limits, a red traffic light, then what the data reject.
    """
    found = [row for row in rows if row["portfolio_id"] == portfolio_id and row["outcome"] in FAILED]
    return tuple(_said(row) for row in sorted(found, key=lambda row: (FAILED.index(row["outcome"]), row["check_name"])))


def _said(row: Mapping[str, Any]) -> str:
    name = str(row["check_name"])
    chance = "" if row["p_value"] is None else f", p {row['p_value']:.3f}"
    if name == "bias_ratio" and row["statistic"] is not None:
        figure = f"realized/predicted volatility {row['statistic']:.2f}"
    elif row["exceptions"] is not None and row["expected"]:
        figure = f"{row['exceptions']} losses beyond it, {row['expected']:.1f} predicted"
    else:
        figure = str(row["message"])
    return f"{name.replace('_', ' ')} {row['outcome']}: {figure}{chance}"
