"""A library with one wrong cell stops the run before construction: no budget is guessed, and the last good book stands."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.reports.replay import replay
from riskdesk_tests.desk_builder import calendar, sessions_from
from riskdesk_tests.desk_on_disk import DeskFolder, edit, make_desk, run

FIRST, NEXT = sessions_from(date(2026, 3, 2), 2)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskFolder:
    """A desk with one good session."""
    desk = make_desk(tmp_path_factory.mktemp("library") / "desk")
    ended = run(desk, FIRST, FIRST)
    assert ended.success, ended.errors
    assert not ended.failed_checks
    return desk


def library(desk: DeskFolder) -> Path:
    return desk.root / "config" / "strategies.csv"


def published(desk: DeskFolder) -> dict[str, bytes]:
    folder = desk.root / "data" / "published"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.slow
def test_a_wrong_cell_and_a_missing_file_stop_the_run_and_the_last_book_stands(desk: DeskFolder) -> None:
    good, stands, digests = library(desk).read_bytes(), published(desk), desk.digests(FIRST, FIRST)
    assert stands
    edit(library(desk), "Broker-dealer reversion,RV,", "Broker-dealer reversion,Rv,")
    for said in ("strategies.csv:3: Bucket: is 'Rv'; did you mean 'RV'?", "strategies.csv: does not exist"):
        ended = run(desk, NEXT, NEXT)
        assert not ended.success
        assert said in ended.errors
        assert desk.warehouse.read("desk_state")["as_of_date"].to_list() == [FIRST]
        assert desk.warehouse.read("strategy_budgets", NEXT, NEXT).is_empty()
        assert published(desk) == stands
        assert desk.digests(FIRST, FIRST) == digests
        library(desk).unlink(missing_ok=True)
    library(desk).write_bytes(good)
    ended = run(desk, NEXT, NEXT)
    assert ended.success, ended.errors
    assert desk.warehouse.read("desk_state")["as_of_date"].to_list() == [FIRST, NEXT]


def test_a_run_replays_from_the_library_it_kept_whatever_the_file_says_now(desk: DeskFolder) -> None:
    sizes = desk.warehouse.read("strategy_sizes", FIRST, FIRST)
    (place,) = (path for path in desk.paths.runs.iterdir() if path.is_dir() and path.name.startswith(f"{FIRST:%Y%m%d}"))
    kept = pl.read_csv(place / "portfolio.csv")
    assert kept.columns == [
        "StrategyName",
        "RecommendedSize",
        "CapitalAllocation",
        "RiskContribution",
        "CorrelationAdjustment",
        "RegimeAdjustment",
        "FinalSize",
    ]
    assert kept["StrategyName"].to_list() == sizes["strategy_name"].to_list()
    product = kept["CapitalAllocation"] * kept["RegimeAdjustment"] * kept["CorrelationAdjustment"]
    assert product.to_list() == pytest.approx(kept["FinalSize"].to_list(), abs=1.0)
    assert kept["RiskContribution"].sum() == pytest.approx(1.0, abs=1e-5)
    matrix = pl.read_csv(place / "correlations.csv")
    names = matrix["StrategyName"].to_list()
    assert matrix.columns == ["StrategyName", *names]
    assert set(names) == set(sizes.filter((pl.col("status") == "active") & (pl.col("ticket_count") > 0))["strategy_name"])
    assert all(matrix.filter(pl.col("StrategyName") == name)[name].to_list() == [1.0] for name in names)
    assert all(matrix[name].is_between(-1, 1).all() for name in names)
    library(desk).write_text("StrategyName,Bucket,SignalType,Conviction\n")
    assert replay(place.name, desk.paths, calendar()).identical


def test_a_note_alone_is_another_run_and_its_book_the_same(tmp_path: Path, desk: DeskFolder) -> None:
    other = make_desk(tmp_path / "desk")
    edit(library(other), "One cycle drives these banks", "One credit cycle drives these banks")
    assert run(other, FIRST, FIRST).success
    books = [each.warehouse.read("ideal_portfolio", FIRST, FIRST) for each in (desk, other)]
    assert books[0].equals(books[1])
    ids = [each.warehouse.read("desk_state", FIRST, FIRST)["run_id"][0] for each in (desk, other)]
    assert ids[0] != ids[1]
