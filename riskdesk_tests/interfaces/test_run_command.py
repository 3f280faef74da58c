"""``riskdesk run`` and its stages: what they compute, what they print, and how they refuse."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import timedelta

import polars as pl
import pytest

from riskdesk_assets.common.settings import load_paths
from riskdesk_assets.common.writer_lock import single_writer
from riskdesk_assets.reports.model_warnings import failed_checks
from riskdesk_tests.interfaces.conftest import BEHIND, BUILT, DeskFolder

PATIENCE_SECONDS = 300  # with a process, however busy the machine is: nothing is measured by it


def test_a_first_run_releases_a_book_that_sums_to_exactly_zero(built: DeskFolder, first_run: dict[str, object]) -> None:
    assert first_run["status"] == "RELEASED"
    assert first_run["released"] is True
    assert first_run["source"] == "SIMULATED"
    assert first_run["session"] == str(built.last)
    assert first_run["book_sum_cents"] == 0
    checks = built.warehouse.read("model_checks", built.last, built.last).iter_rows(named=True)
    assert first_run["failed_model_checks"] == list(failed_checks(checks, "bank_pairs"))
    written = built.warehouse.read("ideal_portfolio", built.last, built.last)
    book = first_run["book"]
    assert isinstance(book, list)
    assert {line["symbol"]: line["notional_cents"] for line in book} == dict(
        written.select("symbol", "notional_cents").iter_rows()
    )
    assert book[-1]["symbol"] == "CASH"
    assert len(book) > 1


def test_every_session_of_the_range_is_told_with_its_run_id(built: DeskFolder, first_run: dict[str, object]) -> None:
    sessions = first_run["sessions"]
    assert isinstance(sessions, list)
    assert len(sessions) == BUILT
    states = built.warehouse.read("desk_state")
    assert [line["run_id"] for line in sessions] == states["run_id"].to_list()


def test_the_artifacts_are_where_the_run_says(first_run: dict[str, object]) -> None:
    paths = first_run["paths"]
    assert isinstance(paths, dict)
    with open(f"{paths['run']}/manifest.json") as file:
        assert json.load(file)["first"] == first_run["first"]


def test_a_run_without_dates_catches_up_and_says_so_with_nothing_but_json_on_stdout(desk: DeskFolder) -> None:
    command = [sys.executable, "-m", "riskdesk_assets.interfaces.cli", "run", "--json"]
    done = subprocess.run(command, env={"PATH": "/usr/bin:/bin", **desk.environ}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["first"] == str(desk.calendar.after(desk.last))
    assert told["why"].startswith(f"catching up from {desk.last}: {BEHIND} sessions")
    assert desk.warehouse.read("desk_state").height == BUILT + BEHIND


def test_a_session_computed_again_is_told_in_a_table_and_changes_no_book(desk: DeskFolder) -> None:
    before = desk.warehouse.read("ideal_portfolio")
    result = desk.run("run", "--asof", str(desk.last))
    assert result.exit_code == 0, result.output
    assert "SIMULATED" in result.stdout
    assert "exactly zero" in result.stdout
    assert "riskdesk explain" in result.stdout
    assert "\x1b[" not in result.stdout
    assert max(len(line) for line in result.stdout.splitlines() if "/" not in line) <= 100
    assert desk.warehouse.read("ideal_portfolio").equals(before)


def test_rewriting_an_early_session_with_another_ticket_says_which_sessions_are_stale(desk: DeskFolder) -> None:
    book = desk.warehouse.read("desk_positions", desk.first, desk.first)
    held = book["ticket_id"][0]
    (desk.active / f"{held}.yaml").unlink()
    result = desk.run("run", "--asof", str(desk.first))
    assert result.exit_code == 0, result.output
    assert f"sessions from {desk.calendar.after(desk.first)} on are stale now" in result.stderr


def test_a_day_without_the_state_before_it_is_refused_by_name_and_writes_nothing(desk: DeskFolder) -> None:
    skipped = desk.calendar.after(desk.last)
    wanted = desk.calendar.after(desk.last, 2)
    result = desk.run("run", "--asof", str(wanted))
    assert result.exit_code == 2
    assert f"{wanted} cannot be computed: there is no desk state for the session before it, {skipped}" in result.stderr
    assert f"riskdesk run --start {skipped} --end {wanted}" in result.stderr
    assert desk.warehouse.read("daily_bars", wanted, wanted).is_empty()


def test_a_weekend_is_refused_with_its_neighbours(built: DeskFolder) -> None:
    result = built.run("run", "--asof", "2026-01-24")
    assert result.exit_code == 2
    assert "2026-01-24 is no session (a weekend); the nearest are 2026-01-23 and 2026-01-26" in result.stderr
    assert result.stdout == ""


def test_a_session_that_has_not_closed_is_refused_by_name(built: DeskFolder) -> None:
    newest = built.calendar.after(built.last, BEHIND)
    coming = built.calendar.after(newest, 2)
    for arguments in (["--asof", str(coming)], ["--start", str(built.first), "--end", str(coming)]):
        result = built.run("run", *arguments)
        assert result.exit_code == 2
        assert f"{coming} has not closed" in result.stderr
        assert f"the newest closed session is {newest}" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--start", "2026-01-26", "--end", "2026-01-23"], "--end 2026-01-23 is before --start 2026-01-26"),
        (["--start", "2026-01-26"], "--end is missing"),
        (["--end", "2026-01-26"], "--start is missing"),
        (["--asof", "2026-01-26", "--end", "2026-01-26"], "--asof stands alone"),
        (["--asof", "26.1.2026"], "allowed: YYYY-MM-DD"),
        (["--asof", "20260126"], "allowed: YYYY-MM-DD"),
        (["--start", "2026-01-24", "--end", "2026-01-25"], "there is no session from 2026-01-24 to 2026-01-25"),
        (["--asof", "1999-12-31"], "outside the calendar"),
        (["--start", "1999-12-31", "--end", "2001-01-01"], "outside the calendar"),
    ],
)
def test_sessions_that_make_no_sense_are_refused(built: DeskFolder, arguments: list[str], said: str) -> None:
    result = built.run("run", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_bad_ticket_fails_closed_with_exit_code_1_and_its_file_and_line(desk: DeskFolder) -> None:
    stands = desk.warehouse.read("desk_positions", desk.last, desk.last).select("ticket_id", "symbol", "shares")
    (desk.active / "broken.yaml").write_text("ticket_id: broken\nconvction: 3\n")
    wanted = desk.calendar.after(desk.last)
    result = desk.run("run", "--asof", str(wanted))
    assert result.exit_code == 1, result.output
    assert "FAILED_CLOSED" in result.stdout
    assert "Nothing released: these positions stand" in result.stdout
    assert f"not released  FAILED_CLOSED: {wanted}" in result.stdout
    assert f"failed check  ticket_snapshots/tickets_readable: {wanted}" in result.stdout
    assert "error: broken.yaml:2: convction: is not a known field; did you mean 'conviction'?" in result.stderr
    assert "alert: " in result.stderr
    after = desk.warehouse.read("desk_positions", wanted, wanted).select("ticket_id", "symbol", "shares")
    assert after.equals(stands)
    story = desk.run("explain", str(stands["ticket_id"][0]))
    assert "No book was released" in story.stdout
    assert "convction: is not a known field" in " ".join(story.stdout.split())
    told = json.loads(desk.run("explain", "JPM", "--json").stdout)
    assert (told["released"], "convction" in told["release_reason"]) == (False, True)


def test_alerts_of_an_older_session_are_sent_only_when_asked_for(desk: DeskFolder) -> None:
    (desk.active / "broken.yaml").write_text("ticket_id: broken\n")
    older = str(desk.calendar.before(desk.last))
    told = [json.loads(desk.run("run", "--asof", older, "--json", *flag).stdout) for flag in ([], ["--alert-backdated"])]
    assert [run["released"] for run in told] == [False, False]
    assert told[0]["alerts_sent"] == 0
    assert told[1]["alerts_sent"] > 0
    assert told[0]["stale_from"] == str(desk.last)


def test_an_unusable_setting_is_told_with_file_line_and_field(desk: DeskFolder) -> None:
    config = desk.root / "config"
    subprocess.run(["cp", "-r", "config", str(config)], check=True)
    text = (config / "limits.yaml").read_text()
    (config / "limits.yaml").write_text(text.replace("portfolio_gross:", "portfolio_grss:"))
    result = desk.run("run", "--asof", str(desk.last), RISKDESK_CONFIG_DIR=str(config))
    assert result.exit_code == 2
    assert "limits.yaml:" in result.stderr
    assert "did you mean 'portfolio_gross'?" in result.stderr


def test_a_warehouse_of_simulated_bars_refuses_bars_from_files(desk: DeskFolder) -> None:
    prices = desk.root / "prices"
    prices.mkdir()
    day = {"symbol": "JPM", "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "adj_close": 1.0, "volume": 1}
    sessions = desk.calendar.between(desk.last - timedelta(days=30), desk.last)
    pl.DataFrame([{**day, "date": session} for session in sessions]).write_parquet(prices / "bars.parquet")
    result = desk.run("run", "--asof", str(desk.last), PRICES_DIR=str(prices))
    assert result.exit_code == 2
    assert "SIMULATED" in result.stderr
    assert "FILES" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.slow
def test_the_stages_one_at_a_time_make_the_book_that_the_main_job_makes(empty: DeskFolder, built: DeskFolder) -> None:
    day = str(built.first)
    for command in (["ingest-prices", "--start", day, "--end", day], ["build-features", "--asof", day]):
        assert empty.run(*command, "--json").exit_code == 0
    walked = empty.run("run-controller", "--asof", day, "--json")
    assert walked.exit_code == 0, walked.output
    assert json.loads(walked.stdout)["sessions"][0]["status"] == "RELEASED"
    assert empty.run("realize", "--asof", day, "--json").exit_code == 0
    own = empty.warehouse.read("ideal_portfolio", built.first, built.first)
    assert own.equals(built.warehouse.read("ideal_portfolio", built.first, built.first))


def test_prices_from_a_holiday_on_are_prices_from_the_session_after_it(empty: DeskFolder) -> None:
    # 2025-01-01 is New Year's Day, 2025-01-09 the day of mourning for President Carter: both without a session.
    result = empty.run("ingest-prices", "--start", "2025-01-01", "--end", "2025-01-09", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["first"], told["last"], told["session_count"]) == ("2025-01-02", "2025-01-08", 5)
    assert told["rows"]["daily_bars"] == 5 * 26
    assert (
        "5 sessions, 2025-01-02 to 2025-01-08"
        in empty.run("ingest-prices", "--start", "2025-01-01", "--end", "2025-01-09").stdout
    )


def test_a_run_says_whom_it_waits_for(desk: DeskFolder) -> None:
    paths = load_paths(desk.environ)
    said = desk.root / "said"
    with said.open("w") as errors, single_writer(paths, 0, "the other run"):
        waiting = subprocess.Popen(
            [sys.executable, "-m", "riskdesk_assets.interfaces.cli", "realize", "--asof", str(desk.first), "--json"],
            env={"PATH": "/usr/bin:/bin", **desk.environ},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while "waiting for pid" not in said.read_text() and waiting.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert "waiting for pid" in said.read_text()
        time.sleep(1.0)
        assert waiting.poll() is None
    told, _ = waiting.communicate(timeout=PATIENCE_SECONDS)
    assert waiting.returncode == 0, said.read_text()
    assert "the other run" in said.read_text()
    assert json.loads(told)["job"] == "realize"


def test_prices_of_a_day_to_come_are_refused_by_name(empty: DeskFolder) -> None:
    coming = empty.calendar.after(empty.last, BEHIND + 1)
    result = empty.run("ingest-prices", "--start", str(empty.first), "--end", str(coming))
    assert result.exit_code == 2
    assert f"{coming} has not closed" in result.stderr


def test_features_without_bars_name_the_command_that_brings_them(empty: DeskFolder) -> None:
    result = empty.run("build-features", "--asof", str(empty.last))
    assert result.exit_code == 2
    assert f"riskdesk ingest-prices --start {empty.last} --end {empty.last}" in result.stderr


def test_a_stage_without_sessions_asks_for_them(empty: DeskFolder) -> None:
    result = empty.run("build-features")
    assert result.exit_code == 2
    assert "Give --asof D, or --start D --end D" in result.stderr


@pytest.mark.parametrize("command", [("run",), ("run", "--asof", "2026-01-26"), ("ingest-prices",)])
def test_a_key_that_is_set_but_empty_stops_whatever_needs_prices(empty: DeskFolder, command: tuple[str, ...]) -> None:
    days = ("--start", "2026-01-26", "--end", "2026-01-26") if command == ("ingest-prices",) else ()
    result = empty.run(*command, *days, FMP_API_KEY="")
    assert result.exit_code == 2
    assert "FMP_API_KEY: is set, but empty (allowed: a key; or unset it" in result.stderr
    assert empty.warehouse.read("daily_bars").is_empty()


def test_a_key_that_is_set_but_empty_does_not_keep_dagster_from_loading(empty: DeskFolder) -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "from riskdesk_assets.definitions import defs; print(defs.resolve_job_def('post_close').name)"],
        env={"PATH": "/usr/bin:/bin", **empty.environ, "FMP_API_KEY": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (loaded.returncode, loaded.stdout) == (0, "post_close\n"), loaded.stderr
