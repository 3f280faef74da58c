"""A vendor without any bar of a session: nothing is computed of it, nothing is lost, and the next run catches up."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.market.sample import SampleMarket
from riskdesk_tests.desk_builder import calendar, sessions_from
from riskdesk_tests.desk_on_disk import DeskFolder, make_desk, run

pytestmark = pytest.mark.slow

DAYS = sessions_from(date(2026, 3, 2), 8)


def post(desk: DeskFolder, folder: Path, last: date, without: frozenset[date] = frozenset()) -> None:
    """The vendor's files, with bars to ``last``."""
    config = desk.config()
    market = SampleMarket(config.universe, calendar())
    index = config.universe.volatility_index
    assert index is not None
    folder.mkdir(exist_ok=True)
    frames = {
        "bars": market.bars(config.universe.watched, date(2023, 6, 1), last),
        "vix": market.volatility_index(index, date(2023, 6, 1), last),
    }
    for name, frame in frames.items():
        kept = frame.filter(~pl.col("as_of_date").is_in(sorted(without)))
        kept.drop("source").rename({"as_of_date": "date"}).write_parquet(folder / f"{name}.parquet")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskFolder:
    """A desk at the first day, from files that end there."""
    found = make_desk(tmp_path_factory.mktemp("late") / "desk")
    post(found, found.root / "prices", DAYS[0])
    ended = run(found, DAYS[0], DAYS[0], PRICES_DIR=str(found.root / "prices"))
    assert ended.success, ended.errors
    return found


def test_a_session_without_any_bar_is_refused_and_made_up_for(desk: DeskFolder) -> None:
    prices = desk.root / "prices"
    before, published = desk.digests(last=DAYS[0]), (desk.paths.data / "published" / "ideal_portfolio.json").read_bytes()
    for first, last in ((DAYS[1], DAYS[1]), (DAYS[1], DAYS[7])):
        late = run(desk, first, last, PRICES_DIR=str(prices))
        assert not late.success
        assert f"no symbol has a usable bar on {last}" in late.errors
        assert f"the vendor's newest (FILES) is of {DAYS[0]}" in late.errors
        assert desk.digests(last=DAYS[0]) == before
        assert desk.warehouse.read("desk_state", DAYS[1], None).is_empty()
        assert (desk.paths.data / "published" / "ideal_portfolio.json").read_bytes() == published
    post(desk, prices, DAYS[2])
    caught_up = run(desk, DAYS[1], DAYS[2], PRICES_DIR=str(prices))
    assert caught_up.success, caught_up.errors
    assert desk.warehouse.read("trading_sessions", DAYS[1], DAYS[1])["bars"].item() > 0


def test_days_that_the_vendor_never_posts_kill_no_name(tmp_path: Path) -> None:
    desk, prices = make_desk(tmp_path / "desk"), tmp_path / "prices"
    hole = frozenset(DAYS[1:7])  # six sessions: a name alone would be closed after five
    post(desk, prices, DAYS[7], hole)
    ended = run(desk, DAYS[0], DAYS[7], PRICES_DIR=str(prices))
    assert ended.success, ended.errors
    ledger = desk.warehouse.read("clip_ledger", DAYS[0], DAYS[7])
    assert ledger.filter(pl.col("limit_name") == "delisted").is_empty()
    held = desk.warehouse.read("desk_positions", DAYS[0], DAYS[7]).filter(pl.col("shares") != 0)
    assert set(held["as_of_date"]) >= {DAYS[0], *hole}, "what was held through the hole is held on each of its days"
