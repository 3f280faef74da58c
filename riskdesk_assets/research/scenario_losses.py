"""What the scenarios would have done to the books of a range (PE-74)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from riskdesk_assets.common.sample_statistics import mean
from riskdesk_assets.research.backtest_tables import SCENARIO_PNL
from riskdesk_assets.research.exact_sums import exact_sums


def scenario_pnl(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """SCENARIO_PNL of a range, from scenarios and desk_positions: sum over names of net notional times shocked return.

    A session counts for a scenario that shocks every name it held.
    """
    positions = frames["desk_positions"].filter(pl.col("shares") != 0)
    nets = positions.group_by("as_of_date", "symbol").agg(cents=pl.col("notional_cents").sum())
    held = nets.group_by("as_of_date").agg(names=pl.len())
    shocked = frames["scenarios"].select("as_of_date", "scenario_id", "symbol", "shocked_return")
    rows = shocked.join(nets, on=["as_of_date", "symbol"])
    # Divided by NumPy: Polars multiplies by 1 / 100 instead, which is another number in the last bit.
    amounts = (rows["shocked_return"] * rows["cents"]).to_numpy() / 100
    by_day = rows.select("scenario_id", "as_of_date", pnl=pl.Series(amounts))
    sums = exact_sums(by_day, ["scenario_id", "as_of_date"], ["pnl"], pl.len().alias("shocked"))
    whole = sums.join(held, on="as_of_date").filter(pl.col("shocked") == pl.col("names"))
    found = (
        whole.sort("scenario_id", "pnl", "as_of_date")
        .group_by("scenario_id", maintain_order=True)
        .agg(
            "pnl",
            sessions=pl.len(),
            worst_pnl=pl.col("pnl").first(),
            worst_on=pl.col("as_of_date").first(),
            best_pnl=pl.col("pnl").last(),
        )
        .join(frames["scenarios"].group_by("scenario_id").agg(pl.col("kind").last()), on="scenario_id")
    )
    means = pl.Series([mean(days) for days in found["pnl"].to_list()], dtype=pl.Float64)
    return SCENARIO_PNL.conform(found.with_columns(mean_pnl=means))
