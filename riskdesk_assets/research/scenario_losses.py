"""What the scenarios would have done to the books of a range (PE-74)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import polars as pl

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
    key = ["scenario_id", "as_of_date"]
    sums = exact_sums(rows.select(*key, pnl=pl.Series(amounts)), key, ["pnl"])
    whole = rows.group_by(key).agg(shocked=pl.len()).join(held, on="as_of_date").filter(pl.col("shocked") == pl.col("names"))
    losses = sums.join(whole, on=key, how="semi")
    kinds = dict(frames["scenarios"].group_by("scenario_id").agg(pl.col("kind").last()).iter_rows())
    found = []
    for (scenario_id,), days in losses.partition_by("scenario_id", as_dict=True).items():
        worst, worst_on = min(days.select("pnl", "as_of_date").iter_rows())
        found.append(
            {
                "scenario_id": scenario_id,
                "kind": kinds[scenario_id],
                "sessions": days.height,
                "worst_pnl": worst,
                "worst_on": worst_on,
                "mean_pnl": math.fsum(days["pnl"]) / days.height,
                "best_pnl": days["pnl"].max(),
            }
        )
    return SCENARIO_PNL.frame(found)
