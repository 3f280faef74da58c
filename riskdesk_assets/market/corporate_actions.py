"""Splits, seen in the bars themselves: in raw closes, and in a vendor's restatement of a past close."""

from __future__ import annotations

from fractions import Fraction

import polars as pl

from riskdesk_assets.market.simple_ratio import (
    PRICE_ROUNDING,
    RATIO_TOLERANCE,
    SIMPLE_RATIOS,
    STOCK_DIVIDENDS,
    WIDEST_TOLERANCE,
)

SPLIT_SCHEMA = {"symbol": pl.String(), "as_of_date": pl.Date(), "ratio": pl.Float64()}


def splits(bars: pl.DataFrame) -> pl.DataFrame:
    """Sessions on which close moved by a simple ratio that adj_close did not follow (methods.md section 1).

    Bars whose close is already split-adjusted show none. A move that no simple ratio explains (a spin-off, a wrong bar) is
    not a split: the adjustment_jump check names it.

    Args:
        bars: columns symbol, as_of_date, close, adj_close at least; one row per symbol and date; prices in dollars.

    Returns: symbol, as_of_date, ratio (new shares per old share: 2.0 for 2:1, 0.1 for a reverse 1:10), sorted by both.
    """
    measured = (
        bars.filter(pl.all_horizontal(pl.col("close", "adj_close").is_finite() & (pl.col("close", "adj_close") > 0)))
        .select("symbol", "as_of_date", "close", "adj_close")
        .sort("symbol", "as_of_date")
        .with_columns(
            measured=(adjustment_factor() / adjustment_factor().shift(1)).over("symbol"),
            tolerance=pl.min_horizontal(RATIO_TOLERANCE + rounding_of_factor_change(), WIDEST_TOLERANCE),
        )
        .drop_nulls("measured")
        .sort("measured")
    )
    table = pl.DataFrame({"ratio": [float(ratio) for ratio in SIMPLE_RATIOS]}, schema={"ratio": pl.Float64()})
    return (
        measured.join_asof(table, left_on="measured", right_on="ratio", strategy="nearest", coalesce=False)
        .filter((pl.col("measured") / pl.col("ratio") - 1).abs() <= pl.col("tolerance"))
        .select(pl.col(name).cast(dtype) for name, dtype in SPLIT_SCHEMA.items())
        .sort("symbol", "as_of_date")
    )


def restatement_ratio(old_price: float, new_price: float) -> Fraction | None:
    """The split or stock dividend for which a vendor restated a past close from ``old_price`` to ``new_price``, in dollars.

    Returns: new shares per old share (2 when 100.00 became 50.00), or None when the price stands or no simple ratio fits.

    Raises:
        ValueError: a price that is not positive and finite.
    """
    for price in (old_price, new_price):
        if not 0 < price < float("inf"):
            raise ValueError(f"{price!r} is not a price")
    measured = old_price / new_price
    nearest = min((*SIMPLE_RATIOS, *STOCK_DIVIDENDS), key=lambda ratio: abs(measured / float(ratio) - 1))
    rounding = PRICE_ROUNDING / old_price + PRICE_ROUNDING / new_price
    return nearest if abs(measured / float(nearest) - 1) <= min(rounding, WIDEST_TOLERANCE) else None


def adjustment_factor() -> pl.Expr:
    """adj_close / close: rises at a dividend, and at a split of a raw close."""
    return pl.col("adj_close") / pl.col("close")


def rounding_of_factor_change() -> pl.Expr:
    """How far the adjustment factor can seem to move only because four prices are quoted to the cent (a fraction)."""
    halves = PRICE_ROUNDING / pl.col("close") + PRICE_ROUNDING / pl.col("adj_close")
    return (halves + halves.shift(1)).over("symbol")
