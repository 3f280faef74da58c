from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.hashing import digest_bytes
from riskdesk_tests.interfaces.conftest import DeskFolder

CONTRACT = {
    "total_trading_days",
    "days_with_features",
    "days_skipped_due_to_prices",
    "days_with_pnl",
    "total_pnl_gross",
    "total_pnl_net",
    "total_costs",
    "total_turnover",
    "volatility",
    "sharpe_ratio",
    "max_drawdown",
    "hit_rate",
    "by_ticket",
    "by_bucket",
}
SERIES = [
    "as_of_date",
    "next_date",
    "equity_gross",
    "equity_net",
    "cash_notional",
    "turnover",
    "costs",
    "pnl_gross",
    "pnl_net",
    "cumulative_pnl_net",
]


def days(desk: DeskFolder) -> tuple[str, ...]:
    return ("--start", str(desk.first), "--end", str(desk.last))


def test_a_backtest_runs_through_dagster_is_kept_and_replayed_and_leaves_the_desk_alone(desk: DeskFolder) -> None:
    before = desk.warehouse.read("desk_state")
    result = desk.run("backtest", *days(desk), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["metrics"].keys() >= CONTRACT
    assert told["metrics"]["total_trading_days"] == 5
    place = Path(told["directory"])
    assert place.parent == desk.root / "runs" / "backtests"
    assert pl.read_parquet(place / "timeseries.parquet").columns[: len(SERIES)] == SERIES
    assert Path(told["tear_sheet"]).read_text().startswith("\n<!doctype html>") or Path(told["tear_sheet"]).is_file()
    assert desk.warehouse.read("desk_state").equals(before)
    assert "dagster_run_id" in told
    again = desk.run("replay", told["backtest_id"], "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["identical"] is True


def test_the_live_desk_and_a_backtest_from_the_same_start_hold_the_same_book(desk: DeskFolder) -> None:
    """The built desk began on its first session with nothing, as a backtest does."""
    result = desk.run("backtest", *days(desk), "--json")
    place = Path(json.loads(result.stdout)["directory"])
    live = desk.warehouse.read("desk_positions")
    assert pl.read_parquet(place / "desk_positions.parquet").drop("run_id").equals(live.drop("run_id"))


def test_the_last_of_a_length_of_time_a_profile_and_values_laid_over(desk: DeskFolder) -> None:
    result = desk.run(
        "backtest", "--last", "1w", "--profile", "classic", "--set", "limits.mandate.max_gross_notional=100000", "--json"
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["profile"] == "classic"
    assert told["metrics"]["most_gross"] <= 100_000
    assert told["overrides"] == {"limits.mandate.max_gross_notional": 100000}
    lifted = desk.run("backtest", "--last", "1w", "--set", "limits.group=null", "--json")
    assert lifted.exit_code == 0, lifted.output
    assert json.loads(lifted.stdout)["overrides"] == {"limits.group": None}
    assert 3 <= told["metrics"]["total_trading_days"] <= 5
    assert told["name"] == "limits.mandate.max_gross_notional=100000"


def test_a_sweep_is_a_partition_per_variant_and_one_table(desk: DeskFolder) -> None:
    file = desk.root / "sweep.yaml"
    file.write_text("shipped: {}\ntight: {limits.portfolio_gross.max: 0.1, limits.turnover: null}\n")
    result = desk.run("backtest", *days(desk), "--sweep", str(file), "--workers", "1", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert list(told["metrics"]) == ["shipped", "tight"]
    assert told["metrics"]["tight"]["most_gross"] <= 0.1 * 2_500_000 < told["metrics"]["shipped"]["most_gross"]
    place = Path(told["directory"])
    assert {path.name for path in place.iterdir()} == {"sweep.parquet", "sweep.md", "sweep.json"}
    alone = json.loads(desk.run("backtest", *days(desk), "--name", "shipped", "--json").stdout)
    assert alone["backtest_id"] == told["backtests"]["shipped"]["backtest_id"]


@pytest.mark.slow
def test_a_damaged_directory_is_never_shown_as_what_was_just_computed(desk: DeskFolder) -> None:
    file = desk.root / "sweep.yaml"
    file.write_text("shipped: {}\n")
    sweep = (*days(desk), "--sweep", str(file), "--workers", "1")
    made = json.loads(desk.run("backtest", *sweep, "--json").stdout)["backtests"]["shipped"]
    place, name = Path(made["directory"]), made["backtest_id"]
    metrics, sheet, manifest = (place / found for found in ("metrics.json", "tear_sheet.html", "manifest.json"))
    kept = {path: path.read_text() for path in (metrics, sheet, manifest)}
    for path in kept:
        path.chmod(0o644)

    sheet.write_text(kept[sheet].replace("Equity", "Equality"))
    (place / "note.txt").write_text("mine")
    replayed = desk.run("replay", name)
    assert replayed.exit_code == 1
    assert "CHANGED    tear_sheet.html" in replayed.output
    assert "identical  tear_sheet.html" not in replayed.output
    assert "UNKNOWN    note.txt" in replayed.output
    whole = len(json.loads(kept[manifest])["tables"]) + 5
    last = f"{name}: {whole - 1} of {whole} tables and pages identical, bit for bit; 1 changed (tear_sheet.html); 1 unknown"
    assert replayed.output.splitlines()[-1].startswith(last)
    sheet.write_text(kept[sheet])
    (place / "note.txt").unlink()

    told = json.loads(kept[metrics])
    told["metrics"]["total_pnl_net"] = 999_999.0
    metrics.write_text(json.dumps(told))
    for arguments in ((*days(desk), "--name", "shipped"), sweep):
        again = desk.run("backtest", *arguments)
        assert again.exit_code == 2, again.output
        assert "metrics.json is damaged or missing" in again.output
        assert "999,999" not in again.output
    assert json.loads(metrics.read_text()) == told

    # A manifest that was made to agree deceives only whoever computes nothing.
    manifest.write_text(kept[manifest].replace(digest_bytes(kept[metrics].encode()), digest_bytes(metrics.read_bytes())))
    again = desk.run("backtest", *days(desk), "--name", "shipped")
    assert again.exit_code == 2, again.output
    assert "metrics.json is not what was just computed" in again.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "which sessions?"),
        (("--last", "6q"), "a number and d, w, m or y"),
        (("--last", "6m", "--start", "2024-01-02"), "--last stands alone"),
        (("--start", "2024-01-02"), "--end is missing"),
        (("--start", "2024-01-06", "--end", "2024-01-07"), "there is no session"),
        (("--start", "2024-01-02", "--end", "2024-01-05", "--set", "limits.groop.max=1"), "did you mean 'group'"),
        (
            ("--start", "2024-01-02", "--end", "2024-01-05", "--set", "desk.nav=1e308"),
            "desk.nav: is 1e+308 (allowed: at most 1",
        ),
        (("--start", "2024-01-02", "--end", "2024-01-05", "--name", "a\x07b"), "--name: holds the control character U+0007"),
        (("--start", "2024-01-02", "--end", "2024-01-05", "--name", "a\nb"), "--name: holds the control character U+000A"),
        (("--start", "2024-01-02", "--end", "2024-01-05", "--profile", "dsk"), "did you mean 'desk'"),
        (("--start", "2024-01-02", "--end", "2024-01-05", "--tickets", "nowhere"), "cannot be listed"),
        (("--start", "2024-01-02", "--end", "2024-01-05", "--walk-forward"), "--sweep FILE"),
        (("--start", "2024-01-02", "--end", "2024-01-05", "--sweep", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_unusable_input_exits_2_and_says_what_is_allowed(built: DeskFolder, arguments: tuple[str, ...], said: str) -> None:
    result = built.run("backtest", *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.output


@pytest.mark.parametrize("how", [(), ("--walk-forward",)])
def test_what_is_wrong_in_a_file_of_variants_is_told_by_line_and_variant_and_once(
    built: DeskFolder, tmp_path: Path, how: tuple[str, ...]
) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("tight:\n  limits.group.max: 0.3\n  limits.groop.max: 0.3\ngrid:\n  limits.sector.mux: [0.8, 0.9]\n")
    result = built.run("backtest", *days(built), "--sweep", str(file), *how)
    assert result.exit_code == 2, result.output
    assert f"{file}:3: variant tight: limits.groop.max: groop is not a known field" in result.output
    assert f"{file}:5: variant mux=0.8: limits.sector.mux: mux is not a known field" in result.output
    assert result.output.count("mux is not a known field") == 1
    assert "--set" not in result.output
    laid = built.run("backtest", *days(built), "--sweep", str(file), *how, "--set", "limits.groop.max=1")
    assert "--set: limits.groop.max" in laid.output
    assert str(file) not in laid.output


def test_a_replay_of_no_backtest_exits_2(built: DeskFolder) -> None:
    result = built.run("replay", "bt-20240102-20240105-0000000000000000")
    assert result.exit_code == 2
    assert "there is no backtest" in result.output
