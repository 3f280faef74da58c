"""Run directories of a real desk: complete, immutable, replayed bit for bit, and enough to make the warehouse anew."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_assets.common.hashing import digest_file
from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.reports.page.page import PAGE
from riskdesk_assets.reports.rebuild import rebuild, restore
from riskdesk_assets.reports.replay import replay
from riskdesk_assets.reports.run_store import MANIFEST, find_run, open_run, publish
from riskdesk_assets.reports.workbook.workbook import WORKBOOK
from riskdesk_tests.desk_builder import calendar, sessions_from
from riskdesk_tests.desk_on_disk import BANKS, DeskFolder, make_desk, run

DAYS = sessions_from(date(2026, 3, 2), 5)
FIRST, LAST = DAYS[0], DAYS[-1]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> DeskFolder:
    """A desk that walked five sessions in one run; nobody changes it."""
    desk = make_desk(tmp_path_factory.mktemp("walked") / "desk")
    ended = run(desk, FIRST, LAST)
    assert ended.success, ended.errors
    assert not ended.failed_checks
    return desk


@pytest.fixture
def desk(walked: DeskFolder, tmp_path: Path) -> DeskFolder:
    """A copy to damage."""
    shutil.copytree(walked.root, tmp_path / "desk")
    return DeskFolder(tmp_path / "desk")


def only_run(desk: DeskFolder) -> Path:
    (place,) = (path for path in desk.paths.runs.iterdir() if path.is_dir())
    return place


def test_a_run_is_opened_by_the_path_that_was_printed_and_by_no_other_path(walked: DeskFolder) -> None:
    place = only_run(walked)
    assert open_run(walked.paths.runs, str(place)).manifest == open_run(walked.paths.runs, place.name).manifest
    for elsewhere in (place / "inputs", walked.paths.runs, walked.paths.runs.parent / place.name):
        with pytest.raises(InputError, match="there is no run"):
            open_run(walked.paths.runs, str(elsewhere))


def flip(path: Path) -> None:
    """One bit of the middle byte."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(raw)


def test_a_run_directory_is_complete_and_its_manifest_names_the_hash_of_every_file(walked: DeskFolder) -> None:
    place = only_run(walked)
    manifest = json.loads((place / MANIFEST).read_bytes())
    there = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()} - {MANIFEST}
    assert there == set(manifest["files"])
    assert all(digest_file(place / name) == sha for name, sha in manifest["files"].items())
    assert {"ideal_portfolio.parquet", "portfolio_blotter.csv", "metrics.json", "logs.txt", PAGE, WORKBOOK} <= there
    assert {"portfolio.csv", "correlations.csv"} <= there
    assert {f"{name}.parquet" for name in TABLES} <= there
    assert len([name for name in there if name.startswith("tickets_snapshot/")]) == 5
    assert [item["session"] for item in manifest["dates"]] == [str(day) for day in DAYS]
    for name, entry in manifest["tables"].items():
        assert entry["rows"] == walked.warehouse.read(name, FIRST, LAST).height
    states = walked.warehouse.read("desk_state")
    assert [item["run_id"] for item in manifest["dates"]] == states["run_id"].to_list()
    assert str(walked.root) not in "".join(
        (place / name).read_text() for name in (MANIFEST, "logs.txt", "metrics.json", "inputs/config.json")
    )


def test_simulated_bars_are_called_so_wherever_a_person_looks(walked: DeskFolder) -> None:
    place = only_run(walked)
    assert json.loads((place / MANIFEST).read_bytes())["source"] == "SIMULATED"
    assert "SIMULATED" in (place / "logs.txt").read_text().splitlines()[0]
    assert walked.warehouse.read("daily_bars")["source"].unique().to_list() == ["SIMULATED"]


def test_every_released_book_in_the_warehouse_sums_to_exactly_nothing(walked: DeskFolder) -> None:
    sums = walked.warehouse.read("ideal_portfolio").group_by("as_of_date").agg(pl.col("notional_cents").sum())
    assert sums.height == len(DAYS)
    assert set(sums["notional_cents"]) == {0}


def test_the_factor_model_of_every_session_is_in_the_warehouse(walked: DeskFolder) -> None:
    names = pl.col("instrument_id").n_unique()
    exposures = walked.warehouse.read("instrument_factors_daily").group_by("as_of_date").agg(names).sort("as_of_date")
    assert exposures.rows() == [(day, len(BANKS)) for day in DAYS]
    factors = walked.warehouse.read("factors_daily").filter(pl.col("factor_id") == "market")
    assert factors["as_of_date"].to_list() == list(DAYS)
    assert factors["factor_volatility"].is_between(0.001, 0.1).all()
    correlations = walked.warehouse.read("correlation_panels").filter(pl.col("panel_id") == "instrument")
    assert correlations.height == len(DAYS) * len(BANKS) * (len(BANKS) - 1) // 2


def test_a_range_replays_bit_for_bit(walked: DeskFolder) -> None:
    with walked.entered():
        found = replay(only_run(walked).name, walked.paths, calendar())
    assert (found.identical, found.different, found.damaged) == (True, (), ())
    assert set(found.equal) == {*TABLES, PAGE, WORKBOOK}


def test_replay_names_the_file_whose_byte_was_flipped(desk: DeskFolder) -> None:
    place = only_run(desk)
    flip(place / "ideal_portfolio.parquet")
    found = replay(place.name, desk.paths, calendar())
    assert (found.identical, found.damaged, found.different) == (False, ("ideal_portfolio.parquet",), ())


def without_scores(desk: DeskFolder) -> Path:
    """The run as a version that kept no instrument_scores would have left it."""
    place = only_run(desk)
    manifest = json.loads((place / MANIFEST).read_bytes())
    del manifest["files"]["instrument_scores.parquet"], manifest["tables"]["instrument_scores"]
    (place / MANIFEST).chmod(0o644)
    (place / MANIFEST).write_text(json.dumps(manifest))
    (place / "instrument_scores.parquet").unlink()
    return place


def scored_from_a_file(place: Path) -> None:
    """Rewrites the kept configuration, and its hash, so that one mandate's scores come from a file."""
    path = place / "inputs/config.json"
    config = json.loads(path.read_bytes())
    config["portfolios"]["bank_long_only"]["scores"] |= {"source": "file", "path": "scores.csv"}
    path.chmod(0o644)
    path.write_text(json.dumps(config))
    manifest = json.loads((place / MANIFEST).read_bytes())
    manifest["files"]["inputs/config.json"] = digest_file(path)
    (place / MANIFEST).chmod(0o644)
    (place / MANIFEST).write_text(json.dumps(manifest))


def test_scores_from_pairs_are_computed_again_where_a_run_kept_none(desk: DeskFolder) -> None:
    found = replay(without_scores(desk).name, desk.paths, calendar())
    assert found.identical
    assert set(found.equal) == {*TABLES, PAGE, WORKBOOK} - {"instrument_scores"}


def test_scores_from_a_file_that_a_run_kept_none_of_are_refused_by_name(desk: DeskFolder) -> None:
    place = without_scores(desk)
    scored_from_a_file(place)
    with pytest.raises(
        StateError, match=r"kept no instrument_scores\.parquet, and the scores of bank_long_only came from files"
    ):
        replay(place.name, desk.paths, calendar())


def test_scores_from_a_file_with_a_flipped_byte_are_refused_by_name(desk: DeskFolder) -> None:
    place = only_run(desk)
    scored_from_a_file(place)
    flip(place / "instrument_scores.parquet")
    with pytest.raises(StateError, match=r"instrument_scores\.parquet is damaged or missing"):
        replay(place.name, desk.paths, calendar())


@pytest.mark.parametrize(
    "what", ["tickets_snapshot/gs-ms-reversion.yaml", "inputs/start_state.json", "ticket_snapshots.parquet"]
)
def test_replay_refuses_inputs_with_a_flipped_byte_by_name(desk: DeskFolder, what: str) -> None:
    place = only_run(desk)
    flip(place / what)
    with pytest.raises(StateError, match=what):
        replay(place.name, desk.paths, calendar())


def test_replay_refuses_a_snapshot_with_a_flipped_byte_by_name(desk: DeskFolder) -> None:
    place = only_run(desk)
    snapshot = json.loads((place / MANIFEST).read_bytes())["snapshot_id"]
    flip(desk.paths.snapshots / snapshot / "bars.parquet")
    with pytest.raises(StateError, match=r"bars\.parquet is damaged"):
        replay(place.name, desk.paths, calendar())


def test_a_manifest_that_was_rewritten_to_fit_a_changed_table_is_found_by_replay(desk: DeskFolder) -> None:
    place = only_run(desk)
    manifest = json.loads((place / MANIFEST).read_bytes())
    manifest["tables"]["decisions"]["sha256"] = "0" * 64
    (place / MANIFEST).chmod(0o644)
    (place / MANIFEST).write_text(json.dumps(manifest))
    assert replay(place.name, desk.paths, calendar()).different == ("decisions",)


def test_an_unknown_run_is_refused_with_the_nearest_name(walked: DeskFolder) -> None:
    name = only_run(walked).name
    with pytest.raises(InputError, match=name):
        replay(name[:-1], walked.paths, calendar())


def test_a_session_of_a_range_is_found_in_the_run_that_holds_it(walked: DeskFolder) -> None:
    place, ids = only_run(walked), walked.warehouse.read("desk_state")["run_id"].to_list()
    for session_id in ids:
        assert find_run(walked.paths.runs, session_id).run_id == place.name
    with pytest.raises(InputError, match=rf"there is no run '{ids[0][:-1]}'; did you mean '{ids[0]}'"):
        find_run(walked.paths.runs, ids[0][:-1])


def test_of_two_runs_with_a_session_the_last_one_published_is_meant(tmp_path: Path) -> None:
    for run_id in ("b-range", "a-range"):
        manifest = {"run_id": run_id, "first": "2026-03-02", "last": "2026-03-03", "dates": [{"run_id": "20260302-1"}]}
        publish(tmp_path, run_id, {}, json.dumps(manifest).encode())
    assert find_run(tmp_path, "20260302-1").run_id == "a-range"


def test_another_content_under_the_same_id_is_refused_and_nothing_changes(desk: DeskFolder) -> None:
    place = only_run(desk)
    before = {path: path.read_bytes() for path in desk.paths.runs.rglob("*") if path.is_file()}
    manifest = json.loads((place / MANIFEST).read_bytes())
    manifest["tables"]["decisions"]["sha256"] = "0" * 64
    with pytest.raises(StateError, match="other content in decisions"):
        publish(desk.paths.runs, place.name, {"decisions.parquet": b"other"}, json.dumps(manifest).encode())
    assert {path: path.read_bytes() for path in desk.paths.runs.rglob("*") if path.is_file()} == before


def test_the_publish_log_names_the_manifest_that_stands(desk: DeskFolder) -> None:
    """Publishing the same tables again with another manifest changes no file, and the log says what the file says."""
    place = only_run(desk)
    manifest = json.loads((place / MANIFEST).read_bytes())
    manifest["snapshot_id"] = "f" * 64
    publish(desk.paths.runs, place.name, {}, json.dumps(manifest).encode())
    records = [json.loads(line) for line in (desk.paths.runs / "publish_log.jsonl").read_text().splitlines()]
    assert [record["manifest_sha256"] for record in records] == [digest_file(place / MANIFEST)] * 2


def test_rebuild_restores_every_table_byte_for_byte(desk: DeskFolder) -> None:
    before = desk.digests()
    desk.paths.warehouse.unlink()
    done = rebuild(desk.paths)
    assert (done.runs, done.sessions, done.kept) == (1, len(DAYS), None)
    assert desk.digests() == before


def test_rebuild_refuses_a_damaged_directory_by_name_and_the_old_warehouse_stands(desk: DeskFolder) -> None:
    before = desk.paths.warehouse.read_bytes()
    flip(only_run(desk) / "desk_positions.parquet")
    with pytest.raises(StateError, match=r"desk_positions\.parquet"):
        rebuild(desk.paths)
    assert desk.paths.warehouse.read_bytes() == before
    assert not list(desk.paths.data.glob("*.rebuilding*"))


def test_rebuild_refuses_a_manifest_that_was_rewritten_to_fit_a_changed_file(desk: DeskFolder) -> None:
    before, place = desk.paths.warehouse.read_bytes(), only_run(desk)
    flip(place / "desk_positions.parquet")
    manifest = json.loads((place / MANIFEST).read_bytes())
    manifest["files"]["desk_positions.parquet"] = digest_file(place / "desk_positions.parquet")
    (place / MANIFEST).chmod(0o644)
    (place / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(StateError, match=r"manifest\.json is not the one that was published"):
        rebuild(desk.paths)
    assert desk.paths.warehouse.read_bytes() == before


def test_rebuild_follows_the_order_of_publishing_and_keeps_the_old_file(desk: DeskFolder) -> None:
    cut = {"PORTFOLIO_MAX_GROSS_NOTIONAL": "300000"}
    assert run(desk, DAYS[3], LAST, **cut).success
    before = desk.digests()
    done = rebuild(desk.paths)
    assert (done.runs, done.kept) == (2, desk.paths.data / "riskdesk.before-rebuild.duckdb")
    assert desk.digests() == before


def test_a_run_of_an_earlier_version_is_restored_with_the_later_columns_empty(desk: DeskFolder, tmp_path: Path) -> None:
    place = only_run(desk)
    later = ["pnl_gross", "ex_ante_volatility", "var_95", "var_99"]
    old = pl.read_parquet(place / "desk_state.parquet").drop(later)
    (place / "desk_state.parquet").chmod(0o644)
    old.write_parquet(place / "desk_state.parquet")
    warehouse = Warehouse(tmp_path / "restored.duckdb")
    restore(warehouse, open_run(desk.paths.runs, place.name))
    found = warehouse.read("desk_state")
    assert found.drop(later).equals(old.sort("as_of_date"))
    assert found.select(pl.col(later).null_count()).row(0) == (len(DAYS),) * 4


@pytest.mark.slow
def test_written_dates_run_again_one_at_a_time_newest_first_change_no_byte(desk: DeskFolder) -> None:
    before = desk.digests()
    for session in reversed(DAYS):
        ended = run(desk, session, session)
        assert ended.success, ended.errors
    assert desk.digests() == before
    for place in desk.paths.runs.iterdir():
        if place.is_dir():
            assert not open_run(desk.paths.runs, place.name).damaged()


def test_a_cut_limit_in_the_past_makes_the_next_session_refuse_by_name(desk: DeskFolder) -> None:
    assert run(desk, DAYS[3], DAYS[3], PORTFOLIO_MAX_GROSS_NOTIONAL="150000").success
    following = calendar().after(LAST)
    refused = run(desk, following, following)
    assert not refused.success
    assert f"desk states from {DAYS[4]} on are stale" in refused.errors
    assert run(desk, DAYS[4], following).success


def test_a_session_after_a_gap_is_refused_by_name(desk: DeskFolder) -> None:
    before = desk.digests()
    missing = calendar().after(LAST)
    refused = run(desk, calendar().after(missing), calendar().after(missing))
    assert not refused.success
    assert f"session before it, {missing}" in refused.errors
    assert desk.digests(FIRST, LAST) == before
    assert desk.warehouse.read("desk_state").height == len(DAYS)


def threads(count: int) -> dict[str, str]:
    return dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS"), str(count))


@pytest.mark.parametrize(
    "changes",
    [
        {"TZ": "Asia/Tokyo", "LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "1", **threads(1)},
        {"TZ": "America/Los_Angeles", "LANG": "C", "LC_ALL": "C", "PYTHONHASHSEED": "2", **threads(2)},
    ],
    ids=["tokyo-german-one-thread", "los-angeles-c-two-threads"],
)
def test_another_time_zone_locale_hash_seed_or_thread_count_gives_the_same_manifest(
    walked: DeskFolder, tmp_path: Path, changes: dict[str, str]
) -> None:
    elsewhere = make_desk(tmp_path / "elsewhere")
    command = [sys.executable, "-m", "riskdesk_tests.desk_on_disk", str(FIRST), str(LAST)]
    done = subprocess.run(
        command, cwd=ROOT, env=elsewhere.subprocess_environ(**changes), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    here, there = only_run(walked), only_run(elsewhere)
    assert here.name == there.name
    assert (here / MANIFEST).read_bytes() == (there / MANIFEST).read_bytes()
