"""What the scenarios would have done to the books of a range (PE-74)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

import polars as pl

from riskdesk_assets.research.backtest_tables import SCENARIO_PNL


def scenario_pnl(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """SCENARIO_PNL of a range, from scenarios and desk_positions: sum over names of net notional times shocked return.

    A session counts for a scenario that shocks every name it held.
    """
    positions = frames["desk_positions"].filter(pl.col("shares") != 0)
    nets = positions.group_by("as_of_date", "symbol").agg(pl.col("notional_cents").sum())
    held = nets.group_by("as_of_date").agg(pl.len().alias("names"))
    shocked = frames["scenarios"].select("as_of_date", "scenario_id", "kind", "symbol", "shocked_return")
    rows = shocked.join(nets, on=["as_of_date", "symbol"]).sort("scenario_id", "as_of_date", "symbol")
    by_scenario: dict[str, dict[date, list[float]]] = {}
    kinds = dict(frames["scenarios"].select("scenario_id", "kind").unique(maintain_order=True).iter_rows())
    for session, scenario_id, _, _, shock, cents in rows.iter_rows():
        by_scenario.setdefault(scenario_id, {}).setdefault(session, []).append(shock * cents / 100)
    names = dict(held.iter_rows())
    found = []
    for scenario_id, days in by_scenario.items():
        whole = [(math.fsum(parts), day) for day, parts in days.items() if len(parts) == names[day]]
        if not whole:
            continue
        worst, worst_on = min(whole)
        found.append(
            {
                "scenario_id": scenario_id,
                "kind": kinds[scenario_id],
                "sessions": len(whole),
                "worst_pnl": worst,
                "worst_on": worst_on,
                "mean_pnl": math.fsum(value for value, _ in whole) / len(whole),
                "best_pnl": max(whole)[0],
            }
        )
    return SCENARIO_PNL.frame(found)
