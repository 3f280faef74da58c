"""A newest bar that is wrong, late or missing: no book is made of it, and the run says whose bar it is."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.sessions import calendar_end, load_calendar
from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.market.sample import SampleMarket
from riskdesk_tests.desk_builder import desk_config
from riskdesk_tests.interfaces.conftest import DeskFolder

PRICES = ("open", "high", "low", "close", "adj_close")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> DeskFolder:
    """A desk with bars from files that stands one session behind the newest closed one. Never written to by a test."""
    root, now = tmp_path_factory.mktemp("kept"), datetime.now(UTC)
    calendar = load_calendar(root / "data" / "calendar", calendar_end(now))
    newest = calendar.newest_closed(now)
    last = calendar.before(newest)
    desk = DeskFolder(root, calendar.before(last), last, calendar)
    desk.active.mkdir(parents=True)
    for name in ("jpm-bac-reversion", "gs-ms-reversion"):
        text = (ROOT / "tickets" / "active" / f"{name}.yaml").read_text()
        (desk.active / f"{name}.yaml").write_text(f"{text}entry_z: 0.02\nexit_z: 0.01\n")
    universe = desk_config().universe
    market = SampleMarket(universe, calendar)
    (desk.root / "prices").mkdir()
    _write(desk, market.bars(universe.watched, calendar.before(newest, 560), newest))
    done = desk.run("run", "--start", str(desk.first), "--end", str(last), PRICES_DIR=str(desk.root / "prices"))
    assert done.exit_code == 0, done.output
    return desk


@pytest.fixture
def desk(kept: DeskFolder, tmp_path: Path) -> DeskFolder:
    """A copy of it, to write to."""
    shutil.copytree(kept.root, tmp_path / "desk")
    return DeskFolder(tmp_path / "desk", kept.first, kept.last, kept.calendar)


def _bars(desk: DeskFolder) -> pl.DataFrame:
    return pl.read_parquet(desk.root / "prices" / "bars.parquet")


def _write(desk: DeskFolder, bars: pl.DataFrame) -> None:
    table = bars.rename({"as_of_date": "date"}).drop("source") if "source" in bars.columns else bars
    table.write_parquet(desk.root / "prices" / "bars.parquet")


def _prices(desk: DeskFolder) -> str:
    return str(desk.root / "prices")


def test_a_tenfold_newest_print_touches_no_book(desk: DeskFolder) -> None:
    newest = desk.calendar.after(desk.last)
    wrong = (pl.col("symbol") == "MS") & (pl.col("date") == newest)
    _write(desk, _bars(desk).with_columns(pl.when(wrong).then(pl.col(*PRICES) * 10).otherwise(pl.col(*PRICES))))
    before = desk.warehouse.read("ideal_portfolio", desk.last, desk.last)
    done = desk.run("run", PRICES_DIR=_prices(desk))
    assert done.exit_code == 1, done.output
    late = f"newest closed session {newest}; this book is of {desk.last}: no usable bar of MS on {newest}"
    assert f"warning: {late}" in done.stderr
    assert "MS off_level: is no bar" in done.stderr
    assert late in " ".join(desk.run("morning").output.split())
    told = json.loads(desk.run("morning", "--json").stdout)["behind"]
    assert (told["missing"], told["source_ends"], told["message"]) == (["MS"], str(newest), late)
    assert desk.warehouse.read("desk_state")["as_of_date"].to_list() == [desk.first, desk.last], done.output
    assert desk.warehouse.read("ideal_portfolio").filter(pl.col("as_of_date") == desk.last).equals(before)
    assert "MS" in before.filter(pl.col("shares") != 0)["symbol"].to_list()

    asked = desk.run("run", "--asof", str(newest), PRICES_DIR=_prices(desk))
    assert asked.exit_code == 1, asked.output
    assert "bar_findings/off_level" in asked.output
    states = desk.warehouse.read("desk_state").sort("as_of_date")
    assert abs(states["equity"][-1] - states["equity"][-2]) < 20_000


def test_prices_that_end_for_every_name_are_told_calmly(desk: DeskFolder) -> None:
    newest = desk.calendar.after(desk.last)
    _write(desk, _bars(desk).filter(pl.col("date") < newest))
    late = f"newest closed session {newest}; this book is of {desk.last}"
    assert f"{late}: `riskdesk run` brings the desk up to date" in " ".join(desk.run("morning").output.split())
    done = desk.run("run", "--json", PRICES_DIR=_prices(desk))
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["behind"]
    assert (told["message"], told["missing"]) == (f"{late}: the price source ends on {desk.last}", [])
    assert f"{late}: the price source ends on {desk.last}" in " ".join(desk.run("morning").output.split())


def test_a_desk_on_the_newest_session_says_nothing(desk: DeskFolder) -> None:
    done = desk.run("run", PRICES_DIR=_prices(desk))
    assert done.exit_code == 0, done.output
    assert "newest closed session" not in done.output
    assert json.loads(desk.run("morning", "--json").stdout)["behind"] is None
