"""One profile's backtest in a process of its own: PROFILE FIRST LAST FOLDER; prints seconds and peak memory as JSON.

Leaves the desk profile's books in FOLDER as shares.parquet and prices.parquet, for the peers.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from datetime import date
from pathlib import Path

import polars as pl

from riskdesk_assets.common.desk_calendar import desk_calendar
from riskdesk_assets.common.settings import load_paths
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.research.backtest import measured
from riskdesk_assets.research.backtest_request import BacktestRequest, read_request
from riskdesk_assets.research.backtest_run import shared_inputs
from riskdesk_assets.research.backtest_settings import load_backtest_settings
from riskdesk_assets.research.long_walk import long_walk
from riskdesk_assets.research.performance import annual_volatility, drawdown, sharpe_ratio
from riskdesk_assets.research.range_inputs import RangeInputs
from riskdesk_assets.research.timeseries import realized_rows, timeseries


def main(profile: str, first: date, last: date, folder: Path) -> None:
    """Prepare, walk, measure, and tell."""
    paths, calendar = load_paths(), desk_calendar()
    asked = read_request(BacktestRequest(first, last, profile=profile), paths, os.environ)
    given = RangeInputs.of(asked, calendar, os.environ)
    begun = time.perf_counter()
    ready = shared_inputs(given).prepared(asked.config)
    prepare = time.perf_counter() - begun
    settings = load_backtest_settings(paths.config)
    begun, cpu = time.perf_counter(), time.process_time()
    walked = long_walk(ready.walk)
    walk, walk_cpu = time.perf_counter() - begun, time.process_time() - cpu
    begun = time.perf_counter()
    done = measured(ready.history, ready.tables, asked.config, walked, settings)
    measure = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sessions, context, prints = ready.history.wanted, desk_context(asked.config), ready.history.prints
    cpu = time.process_time()
    realized = realized_rows(sessions, walked.frames, prints, context)
    series = timeseries(sessions, walked.frames, realized, prints, context)
    pnl = series["pnl_net"].to_list()
    returns = [value / asked.config.desk.nav for value in pnl]
    _ = sharpe_ratio(returns), annual_volatility(returns), drawdown(pnl, asked.config.desk.nav)
    books = time.process_time() - cpu
    if profile == "desk":
        _write_targets(walked.frames["desk_positions"], ready.history.usable, sessions, folder)
    said = {"prepare": prepare, "walk": walk, "walk_cpu": walk_cpu, "measure": measure, "books": books, "peak_mb": peak}
    sys.stdout.write(json.dumps({**said, "pnl_net": done.metrics["total_pnl_net"]}) + "\n")


def _write_targets(positions: pl.DataFrame, bars: pl.DataFrame, sessions: tuple[date, ...], folder: Path) -> None:
    """Net notional over adjusted close, and adjusted closes, a column per name: what the books are in adjusted shares."""
    days = pl.DataFrame({"as_of_date": sessions})
    names = sorted(positions["symbol"].unique())
    closes = bars.filter(pl.col("symbol").is_in(names) & pl.col("as_of_date").is_in(sessions))
    prices = days.join(closes.pivot(on="symbol", index="as_of_date", values="adj_close"), on="as_of_date", how="left")
    nets = positions.group_by("as_of_date", "symbol").agg((pl.col("notional_cents").sum() / 100).alias("notional"))
    held = nets.join(closes, on=["as_of_date", "symbol"]).with_columns(shares=pl.col("notional") / pl.col("adj_close"))
    shares = days.join(held.pivot(on="symbol", index="as_of_date", values="shares"), on="as_of_date", how="left")
    columns = ["as_of_date", *names]
    shares.select(columns).fill_null(0.0).sort("as_of_date").write_parquet(folder / "shares.parquet")
    prices.select(columns).sort("as_of_date").fill_null(strategy="forward").write_parquet(folder / "prices.parquet")


if __name__ == "__main__":
    main(sys.argv[1], date.fromisoformat(sys.argv[2]), date.fromisoformat(sys.argv[3]), Path(sys.argv[4]))
