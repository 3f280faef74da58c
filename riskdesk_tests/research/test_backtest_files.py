"""A backtest's directory: complete, immutable, derived from its inputs, and the same again when it is replayed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_assets.common.settings import Paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.snapshots import find_snapshot
from riskdesk_assets.reports.run_artifacts import parquet
from riskdesk_assets.research.backtest_directory import is_backtest, open_backtest
from riskdesk_assets.research.backtest_files import COMPARED_FILES
from riskdesk_assets.research.backtest_replay import replay_backtest
from riskdesk_assets.research.backtest_request import BacktestRequest
from riskdesk_assets.research.backtest_run import BacktestRuns, PublishedBacktest
from riskdesk_assets.research.backtest_tables import BACKTEST_TABLES
from riskdesk_tests.desk_builder import calendar, sessions_from
from riskdesk_tests.desk_on_disk import DeskFolder, edit, make_desk

DAYS = sessions_from(date(2024, 9, 3), 8)
REQUEST = BacktestRequest(DAYS[0], DAYS[-1])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskFolder]:
    made = make_desk(tmp_path_factory.mktemp("desk"))
    with made.entered():
        yield made


@pytest.fixture(scope="module")
def runs(desk: DeskFolder) -> BacktestRuns:
    return BacktestRuns(desk.paths, calendar(), desk.environ)


@pytest.fixture(scope="module")
def published(runs: BacktestRuns) -> PublishedBacktest:
    return runs.run(REQUEST)


@pytest.fixture
def copy(published: PublishedBacktest, desk: DeskFolder, tmp_path: Path) -> tuple[Path, Paths]:
    """The directory and its bars somewhere else, to spoil."""
    shutil.copytree(desk.root, tmp_path / "desk")
    made = DeskFolder(tmp_path / "desk")
    place = made.paths.runs / "backtests" / published.place.name
    for path in (place, *place.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return place, made.paths


def test_the_directory_has_the_form_of_a_run(published: PublishedBacktest) -> None:
    names = {path.relative_to(published.place).as_posix() for path in published.place.rglob("*") if path.is_file()}
    manifest = json.loads((published.place / "manifest.json").read_bytes())
    assert names == {*manifest["files"], "manifest.json"}
    assert {"ideal_portfolio.parquet", "portfolio_blotter.csv", "metrics.json", "logs.txt", "tear_sheet.html"} <= names
    assert {f"tickets_snapshot/{path.name}" for path in (published.place / "tickets_snapshot").iterdir()} <= names
    assert set(manifest["tables"]) >= {*BACKTEST_TABLES, "realized_pnl", "decisions", "limit_audit"} - {"choices"}
    assert manifest["kind"] == "backtest"
    assert all(not os.access(published.place / name, os.W_OK) or os.getuid() == 0 for name in names)
    assert (published.place / "timeseries.parquet").stat().st_mode & 0o222 == 0


def test_metrics_and_tables_say_the_same(published: PublishedBacktest) -> None:
    said = json.loads((published.place / "metrics.json").read_bytes())
    series = pl.read_parquet(published.place / "timeseries.parquet")
    assert said["metrics"]["total_pnl_net"] == pytest.approx(series["pnl_net"].sum())
    assert said["backtest_id"] == published.place.name
    assert said["notes"][0].startswith("5 tickets as they read now, as if in force")
    for name, table in BACKTEST_TABLES.items():
        if name != "choices":
            frame = pl.read_parquet(published.place / f"{name}.parquet")
            assert dict(frame.schema) == table.schema, name


def test_the_desks_own_data_are_not_touched(published: PublishedBacktest, desk: DeskFolder) -> None:
    assert not desk.paths.warehouse.exists()
    assert find_snapshot(desk.paths.snapshots, DAYS[0], DAYS[-1], ()) is None
    assert not (desk.paths.data / "published").exists()
    assert [path.name for path in desk.paths.runs.iterdir()] == ["backtests"]


def test_the_same_request_gives_the_same_directory_and_any_other_another(
    published: PublishedBacktest, runs: BacktestRuns, desk: DeskFolder
) -> None:
    before = {path: path.read_bytes() for path in published.place.rglob("*") if path.is_file()}
    again = BacktestRuns(desk.paths, calendar(), desk.environ).run(REQUEST)
    assert again.place == published.place
    assert {path: path.read_bytes() for path in again.place.rglob("*") if path.is_file()} == before
    shorter = runs.run(BacktestRequest(DAYS[0], DAYS[-2]))
    tighter = runs.run(BacktestRequest(DAYS[0], DAYS[-1], overrides={"limits.portfolio_gross.max": 0.2}))
    renamed = runs.run(BacktestRequest(DAYS[0], DAYS[-1], name="mine"))
    assert len({published.place, shorter.place, tighter.place, renamed.place}) == 4
    assert tighter.said["metrics"]["most_gross"] <= 0.2 * 2_500_000


def test_a_replay_makes_every_table_and_file_again(published: PublishedBacktest, desk: DeskFolder) -> None:
    done = replay_backtest(published.place.name, desk.paths, calendar())
    assert done.identical
    assert done.same_code
    assert set(done.equal) >= {*COMPARED_FILES, "timeseries", "attribution", "challengers", "decisions", "desk_state"}
    assert replay_backtest(str(published.place), desk.paths, calendar()).identical


def test_a_replay_of_a_walk_forward_chooses_again(desk: DeskFolder, runs: BacktestRuns) -> None:
    text = (desk.root / "config" / "backtest.yaml").read_text()
    try:
        edit(desk.root / "config" / "backtest.yaml", "formation_sessions: 252 ", "formation_sessions: 20 ")
        days = sessions_from(DAYS[0], 28)
        candidates = {"as it is": {}, "late": {"desk.controller.entry_z": 2.2}}
        made = runs.run(BacktestRequest(days[0], days[-1], candidates=candidates))
    finally:
        (desk.root / "config" / "backtest.yaml").write_text(text)
    done = replay_backtest(made.place.name, desk.paths, calendar())
    assert done.identical
    assert "choices" in done.equal
    assert made.said["first"] == days[25]


def test_a_flipped_byte_is_found(copy: tuple[Path, Paths]) -> None:
    place, paths = copy
    path = place / "timeseries.parquet"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    done = replay_backtest(place.name, paths, calendar())
    assert done.damaged == ("timeseries.parquet",)
    assert not done.identical


def test_a_file_nobody_wrote_is_found(copy: tuple[Path, Paths]) -> None:
    place, paths = copy
    (place / "inputs" / "extra.json").write_text("{}")
    done = replay_backtest(place.name, paths, calendar())
    assert done.unknown == ("inputs/extra.json",)
    assert not done.damaged
    assert not done.identical


def test_a_backtest_run_again_over_a_damaged_directory_is_refused_and_the_directory_kept(copy: tuple[Path, Paths]) -> None:
    place, paths = copy
    (place / "metrics.json").write_text("{}")
    desk = DeskFolder(paths.data.parent)
    with pytest.raises(StateError, match=r"metrics\.json is damaged or missing"):
        BacktestRuns(desk.paths, calendar(), desk.environ).run(REQUEST)
    assert (place / "metrics.json").read_text() == "{}"


def test_another_number_under_a_right_checksum_is_told_by_its_table(copy: tuple[Path, Paths]) -> None:
    place, paths = copy
    manifest = json.loads((place / "manifest.json").read_bytes())
    manifest["tables"]["attribution"]["sha256"] = "0" * 64
    (place / "manifest.json").write_text(json.dumps(manifest))
    assert replay_backtest(place.name, paths, calendar()).different == ("attribution",)


def test_a_changed_input_is_refused_and_so_are_lost_bars(copy: tuple[Path, Paths]) -> None:
    place, paths = copy
    config = place / "inputs" / "config.json"
    kept = config.read_text()
    config.write_text(kept.replace('"entry_z": 0.6', '"entry_z": 0.7'))
    with pytest.raises(StateError, match=r"inputs/config\.json is damaged"):
        replay_backtest(place.name, paths, calendar())
    config.write_text(kept)
    shutil.rmtree(paths.data / "backtest_bars")
    with pytest.raises(StateError, match="are in neither"):
        replay_backtest(place.name, paths, calendar())


def test_a_ticket_file_that_says_something_else_is_refused(copy: tuple[Path, Paths]) -> None:
    place, paths = copy
    path = next((place / "tickets_snapshot").iterdir())
    path.write_text(path.read_text().replace("max_gross_notional: 800000", "max_gross_notional: 700000"))
    with pytest.raises(StateError, match="is damaged or missing"):
        replay_backtest(place.name, paths, calendar())


def test_no_such_backtest_names_the_nearest(published: PublishedBacktest, desk: DeskFolder) -> None:
    wrong = published.place.name[:-1] + "x"
    with pytest.raises(InputError, match=f"did you mean '{published.place.name}'"):
        open_backtest(desk.paths.runs, wrong)
    assert is_backtest(desk.paths.runs, published.place.name)
    assert is_backtest(desk.paths.runs, str(published.place))
    assert not is_backtest(desk.paths.runs, "20260126-0f3a5c7e9b1d2468")


def test_what_a_directory_keeps_of_tables_before_the_walk_is_what_was_walked_on(published: PublishedBacktest) -> None:
    snapshots = pl.read_parquet(published.place / "ticket_snapshots.parquet")
    assert snapshots.equals(pl.read_parquet(published.place / "inputs" / "ticket_snapshots.parquet"))
    assert parquet(TABLES["ticket_snapshots"].conform(snapshots))
    assert snapshots["as_of_date"].unique().sort().to_list() == list(DAYS)
