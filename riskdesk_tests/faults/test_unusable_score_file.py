"""A score file that cannot be used costs its mandate the day, and the desk's book nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.reports.replay import replay
from riskdesk_tests.desk_builder import calendar
from riskdesk_tests.desk_on_disk import BANKS, DeskFolder, edit, make_desk, run

DAY = date(2026, 3, 2)
PAIRS = "scores: {source: pairs,"
BOOK = ("ideal_portfolio", "desk_positions", "portfolio_blotter", "limit_audit")


@pytest.fixture(scope="module")
def from_pairs(tmp_path_factory: pytest.TempPathFactory) -> DeskFolder:
    """A desk whose mandates' scores come from the pairs."""
    desk = make_desk(tmp_path_factory.mktemp("pairs") / "desk")
    assert run(desk, DAY, DAY).success
    return desk


def book(desk: DeskFolder) -> dict[str, pl.DataFrame]:
    """The desk's own tables, without the run's name: another configuration is another run."""
    frames = {name: desk.warehouse.read(name, DAY, DAY) for name in BOOK}
    return {name: frame.drop("run_id", strict=False) for name, frame in frames.items()}


def reasons(desk: DeskFolder) -> dict[str, tuple[str, str]]:
    rows = desk.warehouse.read("engine_decisions", DAY, DAY).select("portfolio_id", "status", "reason")
    return {portfolio: (status, reason) for portfolio, status, reason in rows.iter_rows()}


def with_file(root: Path, content: bytes, name: str = "scores.csv") -> DeskFolder:
    desk = make_desk(root / "desk")
    edit(desk.root / "config" / "portfolios" / "bank_long_only.yaml", PAIRS, f"scores: {{source: file, path: {name},")
    (desk.root / "config" / name).write_bytes(content)
    return desk


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("scores.csv", b"instrument,date,score,confidence\nJPN,2026-03-02,1,1\n"),
        ("scores.parquet", b"PAR1 not at all PAR1"),
    ],
    ids=["unknown-name", "damaged"],
)
def test_an_unusable_score_file_leaves_the_mandate_without_scores_and_the_book_as_it_is(
    tmp_path: Path, from_pairs: DeskFolder, name: str, content: bytes
) -> None:
    desk = with_file(tmp_path, content, name)
    ended = run(desk, DAY, DAY)
    assert ended.success, ended.errors
    assert not ended.failed_checks, "what is wrong with a research mandate blocks nothing"
    found, honest = book(desk), book(from_pairs)
    assert all(found[table].equals(honest[table]) for table in BOOK)
    said = reasons(desk)
    assert said["bank_long_only"][0] == "NO_SCORES"
    assert said["bank_market_neutral"] == reasons(from_pairs)["bank_market_neutral"]
    assert set(desk.warehouse.read("instrument_scores", DAY, DAY)["portfolio_id"]) == {"bank_market_neutral"}


@pytest.mark.slow
def test_a_run_with_scores_from_a_file_replays_from_what_it_kept(tmp_path: Path) -> None:
    rows = "".join(f"{bank},2026-02-27,{place - 3.5},0.5\n" for place, bank in enumerate(BANKS))
    desk = with_file(tmp_path, f"instrument,date,score,confidence\n{rows}".encode())
    ended = run(desk, DAY, DAY)
    assert ended.success, ended.errors
    scores = desk.warehouse.read("instrument_scores", DAY, DAY).filter(pl.col("portfolio_id") == "bank_long_only")
    assert scores.sort("instrument_id").select("instrument_id", "score", "source").rows() == [
        (bank, place - 3.5, "file") for place, bank in enumerate(sorted(BANKS))
    ]
    assert reasons(desk)["bank_long_only"][0] != "NO_SCORES"
    (desk.root / "config" / "scores.csv").write_text("instrument,date,score,confidence\n")
    (place,) = (path for path in desk.paths.runs.iterdir() if path.is_dir())
    assert replay(place.name, desk.paths, calendar()).identical
