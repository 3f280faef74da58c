"""SIVB in March 2023: 106.04 on the 9th was its last print; what stands in the file for the 10th is a stale copy of it."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.settings import Config
from riskdesk_assets.research.backtest import Backtest
from riskdesk_tests.desk_builder import calendar, make_ticket
from riskdesk_tests.research.backtests import backtested, quiet, real_bars

FIRST, LAST = date(2023, 2, 21), date(2023, 4, 14)
LAST_PRINT, SILENT = date(2023, 3, 9), date(2023, 3, 10)
CLOSED = date(2023, 3, 16)  # the fifth session without a print


def config() -> Config:
    """Short windows, for the file begins in December; entered on any z, and never left of its own accord."""
    base = quiet("classic", {"desk.controller.exit_z": 0.0, "desk.controller.entry_z": 0.0})
    raw = base.model_dump()
    raw["desk"]["features"] |= {"window_hedge": 15, "window_z": 15, "breakdown_z": 50.0}
    raw["universe"]["symbols"]["SIVB"] = {**raw["universe"]["symbols"]["KEY"], "name": "SVB Financial"}
    raw["universe"]["pairs"] = []
    return Config.model_validate(raw)


# With these windows the spread against MTB is low on the day of the last print, so SIVB is held long; against CFG it is high.
LONG, SHORT = "MTB", "CFG"


@cache
def collapsed(folder: Path, other_leg: str) -> Backtest:
    bars = real_bars(folder, "bank_bars_2015_2025.parquet", "sivb_collapse_2023.parquet")
    pair = make_ticket("sivb", "SIVB", other_leg, time_stop_days=250)
    other = make_ticket("gs-ms", "GS", "MS", time_stop_days=250)
    return backtested(config(), [pair, other], FIRST, LAST, bars)


def shares_on(done: Backtest, day: date) -> int:
    rows = done.frames["desk_positions"].filter((pl.col("as_of_date") == day) & (pl.col("symbol") == "SIVB"))
    return int(rows["shares"][0])


def test_a_long_of_a_dead_name_is_frozen_then_lost_whole_at_its_last_real_print(real_bars_dir: Path) -> None:
    done = collapsed(real_bars_dir, LONG)
    positions = {
        row["as_of_date"]: row
        for row in done.frames["desk_positions"].iter_rows(named=True)
        if row["symbol"] == "SIVB" and row["shares"]
    }
    shares = shares_on(done, LAST_PRINT)
    assert shares > 0
    frozen = [day for day in calendar().between(SILENT, CLOSED) if day < CLOSED]
    for day in frozen:
        row = positions[day]
        assert (row["shares"], row["price"], row["frozen"]) == (shares, 106.04, True)
    assert max(positions) == frozen[-1]
    (gone,) = done.frames["realized_pnl"].filter(pl.col("status") == "DELISTED").to_dicts()
    assert (gone["as_of_date"], gone["symbol"]) == (CLOSED, "SIVB")
    assert gone["pnl_gross"] == pytest.approx(-shares * 106.04, abs=0.01)
    assert done.metrics["delisting_pnl"] == gone["pnl_gross"]
    assert done.metrics["attribution"]["delisting"] == pytest.approx(gone["pnl_gross"], abs=1e-4)  # type: ignore[index]


def test_days_without_its_price_are_skipped_whole_counted_and_named(real_bars_dir: Path) -> None:
    done = collapsed(real_bars_dir, LONG)
    rows = {row["as_of_date"]: row for row in done.frames["timeseries"].iter_rows(named=True)}
    # The book of the last print waits for a common next session that never comes; those after it have no price of their own.
    assert rows[LAST_PRINT]["status"] == "SKIPPED_NO_COMMON_SESSION"
    silent = [day for day in calendar().between(SILENT, CLOSED) if day < CLOSED]
    assert {rows[day]["status"] for day in silent} == {"SKIPPED_NO_PRICE"}
    assert {rows[day]["missing_symbols"] for day in (LAST_PRINT, *silent)} == {"SIVB"}
    # GS and MS printed on every one of them: no part of such a day is counted
    assert {rows[day]["pnl_gross"] for day in (LAST_PRINT, *silent)} == {0.0}
    assert done.metrics["days_skipped_due_to_prices"] == 1 + len(silent)
    assert [row["as_of_date"] for row in done.metrics["skipped_days"]] == [LAST_PRINT, *silent]  # type: ignore[union-attr]
    assert rows[CLOSED]["delisting_pnl"] == done.metrics["delisting_pnl"]
    assert rows[calendar().after(CLOSED)]["status"] == "OK"


def test_positions_and_turnover_carry_over_the_skipped_days(real_bars_dir: Path) -> None:
    done = collapsed(real_bars_dir, LONG)
    traded = done.frames["portfolio_blotter"].filter(pl.col("symbol") == "SIVB")
    assert not set(traded["as_of_date"]) & set(calendar().between(SILENT, LAST))
    series = done.frames["timeseries"]
    blotter = done.frames["portfolio_blotter"]
    assert series["turnover"].sum() == pytest.approx(blotter["notional_delta_cents"].abs().sum() / 100)


def test_a_short_of_a_dead_name_earns_nothing_more_and_no_stale_print_marks_it(real_bars_dir: Path) -> None:
    done = collapsed(real_bars_dir, SHORT)
    assert shares_on(done, LAST_PRINT) < 0
    assert done.frames["realized_pnl"].filter(pl.col("status") == "DELISTED").height == 1
    assert done.metrics["delisting_pnl"] == 0.0
    stale = done.frames["realized_pnl"].filter((pl.col("symbol") == "SIVB") & (pl.col("next_date") == SILENT))
    assert stale.is_empty()


def test_challengers_lose_a_dead_long_too(real_bars_dir: Path) -> None:
    done = collapsed(real_bars_dir, LONG)
    rivals = done.frames["challengers"]
    for name in ("equal_weight", "inverse_volatility"):
        rows = {row["as_of_date"]: row for row in rivals.filter(pl.col("challenger") == name).iter_rows(named=True)}
        assert rows[SILENT]["status"] == "SKIPPED_NO_PRICE"
        # all that was in SIVB at 106.04, at least a tenth of the book, is gone on the day the desk's is
        assert rows[CLOSED]["pnl_gross"] < -0.05 * rows[LAST_PRINT]["gross"]
