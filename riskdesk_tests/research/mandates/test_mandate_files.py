"""A mandate's backtest on disk: complete, immutable, beside the desk's own backtests, and the same again when replayed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_assets.common.settings import Paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.research.backtest_directory import is_backtest
from riskdesk_assets.research.backtest_replay import replay_backtest
from riskdesk_assets.research.backtest_request import BacktestRequest
from riskdesk_assets.research.backtest_run import BacktestRuns, PublishedBacktest
from riskdesk_assets.research.mandates.files import COMPARED_FILES, SCORES
from riskdesk_assets.research.mandates.tables import MANDATE_BACKTEST_TABLES
from riskdesk_tests.desk_builder import calendar, sessions_from
from riskdesk_tests.desk_on_disk import DeskFolder, edit, make_desk
from riskdesk_tests.research.mandates.mandate_backtests import LONG, NEUTRAL

DAYS = sessions_from(date(2024, 9, 3), 6)
# The rows a live mandate would have written.
LIVE_TABLES = ("instrument_scores", "scenarios", "target_portfolios", "engine_decisions", "portfolio_limits")


def request(mandate: str = NEUTRAL, **fields: object) -> BacktestRequest:
    return BacktestRequest(DAYS[0], DAYS[-1], mandate=mandate, **fields)  # type: ignore[arg-type]


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
    return runs.run(request())


@pytest.fixture
def copy(published: PublishedBacktest, desk: DeskFolder, tmp_path: Path) -> tuple[Path, Paths]:
    """The directory and its bars somewhere else, to spoil."""
    shutil.copytree(desk.root, tmp_path / "desk")
    made = DeskFolder(tmp_path / "desk")
    place = made.paths.runs / "backtests" / published.place.name
    for path in (place, *place.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return place, made.paths


def test_the_directory_has_the_form_of_a_run_and_lies_beside_the_desks_backtests(
    published: PublishedBacktest, desk: DeskFolder
) -> None:
    names = {path.relative_to(published.place).as_posix() for path in published.place.rglob("*") if path.is_file()}
    manifest = json.loads((published.place / "manifest.json").read_bytes())
    assert names == {*manifest["files"], "manifest.json"}
    assert set(COMPARED_FILES) <= names
    assert set(manifest["tables"]) == {*MANDATE_BACKTEST_TABLES, *LIVE_TABLES}
    assert (manifest["kind"], manifest["mandate"]) == ("mandate_backtest", NEUTRAL)
    assert published.place.parent == desk.paths.runs / "backtests"
    assert is_backtest(desk.paths.runs, published.place.name)
    assert (published.place / "timeseries.parquet").stat().st_mode & 0o222 == 0
    for name in manifest["tables"]:
        table = MANDATE_BACKTEST_TABLES.get(name) or TABLES[name]
        assert dict(pl.read_parquet(published.place / f"{name}.parquet").schema) == table.schema, name


def test_metrics_say_of_what_they_are_and_the_desks_own_data_are_not_touched(
    published: PublishedBacktest, desk: DeskFolder
) -> None:
    said = json.loads((published.place / "metrics.json").read_bytes())
    assert (said["mandate"], said["nav"], said["source"]) == (NEUTRAL, 10_000_000.0, "SIMULATED")
    assert said["metrics"]["total_trading_days"] == len(DAYS)
    assert "5 tickets as they read now" in said["notes"][0]
    series = pl.read_parquet(published.place / "timeseries.parquet")
    assert said["metrics"]["total_pnl_net"] == pytest.approx(series["pnl_net"].sum())
    assert not desk.paths.warehouse.exists()
    assert [path.name for path in desk.paths.runs.iterdir()] == ["backtests"]
    log = (published.place / "logs.txt").read_text()
    assert "SIMULATED prices" in log.splitlines()[0]
    assert all(str(day) in log for day in DAYS)


def test_the_same_request_gives_the_same_directory_and_any_other_another(
    published: PublishedBacktest, runs: BacktestRuns, desk: DeskFolder
) -> None:
    before = {path: path.read_bytes() for path in published.place.rglob("*") if path.is_file()}
    again = BacktestRuns(desk.paths, calendar(), desk.environ).run(request())
    assert {path: path.read_bytes() for path in again.place.rglob("*") if path.is_file()} == before
    others = [
        runs.run(request(LONG)),
        runs.run(request(overrides={"own.risk_aversion_lambda": 1})),
        runs.run(request(name="mine")),
    ]
    assert len({published.place, *(item.place for item in others)}) == 4
    config = json.loads((others[1].place / "inputs" / "config.json").read_bytes())
    assert config["portfolios"][NEUTRAL]["risk_aversion_lambda"] == 1
    assert others[1].said["overrides"] == {"own.risk_aversion_lambda": 1}


def test_a_replay_makes_every_table_and_file_again(published: PublishedBacktest, desk: DeskFolder) -> None:
    done = replay_backtest(published.place.name, desk.paths, calendar())
    assert done.identical
    assert done.same_code
    assert set(done.equal) == {*COMPARED_FILES, *MANDATE_BACKTEST_TABLES, *LIVE_TABLES}


def test_a_flipped_byte_and_another_number_are_found(copy: tuple[Path, Paths]) -> None:
    place, paths = copy
    manifest = json.loads((place / "manifest.json").read_bytes())
    manifest["tables"]["limit_slack"]["sha256"] = "0" * 64
    (place / "manifest.json").write_text(json.dumps(manifest))
    path = place / "name_pnl.parquet"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    done = replay_backtest(place.name, paths, calendar())
    assert not done.identical
    assert done.damaged == ("name_pnl.parquet",)
    assert done.different == ("limit_slack",)


def test_a_changed_input_and_lost_bars_are_refused(copy: tuple[Path, Paths]) -> None:
    place, paths = copy
    shutil.rmtree(paths.data / "backtest_bars")
    with pytest.raises(StateError, match="are in neither"):
        replay_backtest(place.name, paths, calendar())
    config = place / "inputs" / "config.json"
    config.write_text(config.read_text().replace('"risk_aversion_lambda": 0.05', '"risk_aversion_lambda": 0.5'))
    with pytest.raises(StateError, match=r"inputs/config\.json is damaged"):
        replay_backtest(place.name, paths, calendar())


def test_scores_from_a_file_are_kept_with_the_run_and_replayed_from_there(desk: DeskFolder) -> None:
    file = desk.root / "config" / "portfolios" / f"{NEUTRAL}.yaml"
    before, scores = file.read_text(), desk.root / "config" / "scores.csv"
    try:
        edit(file, "{source: pairs,", "{source: file, path: scores.csv,")
        rows = [f"{name},{DAYS[0]},{score},1.0" for name, score in (("JPM", 2.0), ("BAC", -2.0))]
        scores.write_text("\n".join(["instrument,date,score,confidence", *rows]) + "\n")
        runs = BacktestRuns(desk.paths, calendar(), desk.environ)
        made = runs.run(request())
        assert made.said["notes"][0] == "Scores come from scores.csv."
        weights = pl.read_parquet(made.place / "target_portfolios.parquet").filter(pl.col("as_of_date") == DAYS[0])
        by_name = dict(weights.select("instrument_id", "target_weight").iter_rows())
        assert by_name["JPM"] > 0 > by_name["BAC"]
        scores.write_text("instrument,date,score,confidence\nJPM,2024-09-03,two,1.0\n")
        with pytest.raises(InputError, match=r"scores\.csv:2: score: 'two' is not a number"):
            BacktestRuns(desk.paths, calendar(), desk.environ).run(request())
        scores.unlink()
        assert (made.place / SCORES).is_file()
        assert replay_backtest(made.place.name, desk.paths, calendar()).identical
    finally:
        file.write_text(before)


def test_there_is_no_walk_forward_over_mandates(runs: BacktestRuns) -> None:
    with pytest.raises(InputError, match="no walk-forward over mandates"):
        runs.run(request(candidates={"one": {}, "two": {}}))
