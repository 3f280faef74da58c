"""A range that runs past the last bar of every name: prices that end are no delisting of all of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.settings import Paths, load_paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.files import FilesVendor
from riskdesk_assets.market.history import History, lookback_start
from riskdesk_assets.market.replays import replay_rows
from riskdesk_assets.market.sample import SampleMarket
from riskdesk_assets.market.snapshots import write_snapshot
from riskdesk_assets.research.backtest_bars import backtest_history
from riskdesk_assets.research.comparison_bars import comparison_history
from riskdesk_tests.desk_builder import calendar, desk_config, sessions_from

DAYS = sessions_from(date(2025, 9, 2), 8)
NEWEST = DAYS[4]


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bars of every name up to NEWEST, and of one to the session after it."""
    folder, config = tmp_path_factory.mktemp("prices"), desk_config()
    bars = SampleMarket(config.universe, calendar()).bars(config.universe.watched, date(2023, 1, 3), DAYS[5])
    kept = bars.filter((pl.col("as_of_date") <= NEWEST) | (pl.col("symbol") == "KEY"))
    kept.rename({"as_of_date": "date"}).drop("source").write_parquet(folder / "bars.parquet")
    return folder


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return load_paths({"DATA_DIR": str(tmp_path / "data")})


@pytest.mark.parametrize("history", [backtest_history, comparison_history])
@pytest.mark.parametrize("past", [6, 7])
def test_one_session_or_more_past_the_last_bar_is_refused_and_the_newest_is_named(
    prices: Path, paths: Paths, history: Callable[..., History], past: int
) -> None:
    vendor = FilesVendor(prices, calendar())
    with pytest.raises(InputError, match=rf"no symbol has a usable bar on {DAYS[past]}: .* is of {DAYS[5]}"):
        history(vendor, paths, calendar(), desk_config(), DAYS[0], DAYS[past])
    assert not (paths.data / "backtest_bars").exists()


def test_one_name_that_still_trades_is_enough_for_the_others_are_dead(prices: Path, paths: Paths) -> None:
    found = backtest_history(FilesVendor(prices, calendar()), paths, calendar(), desk_config(), DAYS[0], DAYS[5])
    assert found.last == DAYS[5]


@pytest.mark.parametrize("history", [backtest_history, comparison_history])
def test_a_snapshot_of_the_desk_that_ends_early_gives_way_to_what_the_vendor_has_by_now(
    prices: Path, paths: Paths, history: Callable[..., History], tmp_path: Path
) -> None:
    config, early = desk_config(), tmp_path / "early"
    early.mkdir()
    pl.read_parquet(prices / "bars.parquet").filter(pl.col("date") <= DAYS[3]).write_parquet(early / "bars.parquet")
    vendor, start = FilesVendor(early, calendar()), lookback_start(calendar(), config, DAYS[0])
    bars, index = vendor.bars(config.universe.watched, start, NEWEST), TABLES["volatility_index"].frame([])
    past = replay_rows(vendor, config.universe.tradable, bars, start, NEWEST, config.scenarios, calendar())
    write_snapshot(paths.snapshots, bars, index, start, NEWEST, vendor.source, past)
    with pytest.raises(InputError, match=f"is of {DAYS[3]}"):
        history(FilesVendor(early, calendar()), paths, calendar(), config, DAYS[0], NEWEST)
    found = history(FilesVendor(prices, calendar()), paths, calendar(), config, DAYS[0], NEWEST)
    assert found.bars["as_of_date"].max() == NEWEST
