"""Document 002's portfolio.csv and correlations.csv of a run's last session, from the stored tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from riskdesk_assets.strategy.allocation import correlation_matrix

PORTFOLIO_FILE, CORRELATIONS_FILE = "portfolio.csv", "correlations.csv"
NAME = "StrategyName"
# Column of document 002 -> column of strategy_sizes; final = allocation x regime x correlation.
_COLUMNS: Mapping[str, str] = {
    NAME: "strategy_name",
    "RecommendedSize": "recommended_size",
    "CapitalAllocation": "capital_allocation",
    "RiskContribution": "risk_contribution",
    "CorrelationAdjustment": "correlation_adjustment",
    "RegimeAdjustment": "regime_adjustment",
    "FinalSize": "final_size",
}
_DOLLARS = ("recommended_size", "capital_allocation", "final_size")
_DIGITS = 6


def portfolio_file(sizes: pl.DataFrame, session: date) -> pl.DataFrame:
    """One row per strategy of the session, candidates included, in document 002's columns; sizes in dollars, to the cent.

    RiskContribution is a share of the strategies' variance. RegimeAdjustment is 0 where the strategy does not fit the regime.

    Args:
        sizes: rows of strategy_sizes.
        session: the session wanted.
    """
    rows = sizes.filter(pl.col("as_of_date") == session).sort("strategy_name")
    rows = rows.with_columns(pl.col("regime_adjustment") * pl.col("regime_fit"))
    return rows.select(_written(column).alias(name) for name, column in _COLUMNS.items())


def correlations_file(correlations: pl.DataFrame, session: date) -> pl.DataFrame:
    """The matrix of the session's strategies: a row and a column for each; null where two are not known together.

    Args:
        correlations: rows of strategy_correlations.
        session: the session wanted.
    """
    names, matrix = correlation_matrix(correlations.filter(pl.col("as_of_date") == session).to_dicts())
    columns: dict[str, list[object]] = {NAME: list(names)}
    # A strategy called like the first column would take its place.
    columns |= {f"{name} " if name == NAME else name: [matrix.get((row, name)) for row in names] for name in names}
    schema = {name: pl.String() if place == 0 else pl.Float64() for place, name in enumerate(columns)}
    return pl.DataFrame(columns, schema=schema).with_columns(pl.col(pl.Float64).round(_DIGITS))


def _written(column: str) -> pl.Expr:
    if column == "strategy_name":
        return pl.col(column)
    return pl.col(column).round(2 if column in _DOLLARS else _DIGITS)
