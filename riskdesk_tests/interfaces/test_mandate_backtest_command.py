"""``riskdesk backtest --mandate``: alone, both at once, in a sweep; what is refused; and that it is the live mandate."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.interfaces.sweep_run import SweepRun
from riskdesk_tests.interfaces.conftest import DeskFolder

LONG, NEUTRAL = "bank_long_only", "bank_market_neutral"


def days(desk: DeskFolder) -> tuple[str, ...]:
    return ("--start", str(desk.first), "--end", str(desk.last))


def test_both_mandates_run_through_dagster_are_the_live_ones_and_are_replayed(desk: DeskFolder) -> None:
    """The built desk began on its first session with nothing, as a backtest does."""
    before = desk.warehouse.read("engine_decisions")
    result = desk.run("backtest", "--mandate", LONG, "--mandate", NEUTRAL, *days(desk), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)["mandates"]
    assert list(told) == [LONG, NEUTRAL]
    for mandate, item in told.items():
        place = Path(item["directory"])
        assert place.parent == desk.root / "runs" / "backtests"
        assert item["metrics"]["total_trading_days"] == 5
        assert "dagster_run_id" in item
        assert (place / "tear_sheet.html").is_file()
        live = desk.warehouse.read("target_portfolios").filter(pl.col("portfolio_id") == mandate).drop("metadata")
        assert pl.read_parquet(place / "target_portfolios.parquet").drop("metadata").equals(live)
        said = desk.warehouse.read("engine_decisions").filter(pl.col("portfolio_id") == mandate).drop("run_id")
        assert pl.read_parquet(place / "engine_decisions.parquet").drop("run_id").equals(said)
    assert desk.warehouse.read("engine_decisions").equals(before)
    again = desk.run("replay", told[LONG]["backtest_id"], "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["identical"] is True


def test_a_sweep_compares_risk_aversions_of_two_mandates_in_one_table(
    desk: DeskFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    file = desk.root / "lambda.yaml"
    file.write_text("grid: {own.risk_aversion_lambda: [0.01, 30]}\n")
    both = ("--mandate", LONG, "--mandate", NEUTRAL)
    result = desk.run("backtest", *both, *days(desk), "--sweep", str(file), "--workers", "1", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    names = [f"{mandate}: risk_aversion_lambda={value}" for mandate in (LONG, NEUTRAL) for value in (0.01, 30)]
    assert list(told["metrics"]) == names
    calm, bold = told["metrics"][names[1]], told["metrics"][names[0]]
    assert calm["predicted_volatility"] < bold["predicted_volatility"]
    table = pl.read_parquet(Path(told["directory"]) / "sweep.parquet")
    assert set(table["variant"]) == set(names)
    assert {"metrics", "bound"} <= set(table["section"])
    assert "risk aversion" not in (Path(told["directory"]) / "sweep.md").read_text()
    said = {
        name: json.loads((Path(item["directory"]) / "metrics.json").read_bytes()) for name, item in told["backtests"].items()
    }
    SweepRun(Path(told["directory"]), said).show()
    shown = capsys.readouterr().out
    assert "sessions each family bound" in shown
    assert "1  bank_long_only: risk_aversion_lambda=0.01" in shown
    assert max(len(line) for line in shown.splitlines() if not line.startswith("kept in")) <= 100


def test_what_is_printed_fits_and_names_the_benchmark(desk: DeskFolder) -> None:
    result = desk.run("backtest", "--mandate", LONG, *days(desk), "--set", "own.turnover_limit=0.05")
    assert result.exit_code == 0, result.output
    assert "beside it equal weight" in result.output
    assert "bias ratio" in result.output
    assert max(len(line) for line in result.output.splitlines() if not line.startswith(("kept in", "sheet"))) <= 100


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mandate", "bank_long"), "bank_long_only, bank_market_neutral"),
        (("--mandate", LONG, "--mandate", "bank_pairs"), "the desk's own portfolio"),
        (("--mandate", LONG, "--walk-forward"), "--walk-forward chooses among ways"),
        (("--mandate", LONG, "--set", "limits.group.max=1"), "is not read by bank_long_only"),
        (("--mandate", LONG, "--set", "own.risk_aversion_lambda=low"), "is 'low' (allowed: a number)"),
        (("--mandate", LONG, "--profile", "dsk"), "did you mean 'desk'"),
        (("--mandate", LONG, "--profile", "classic"), "is no research mandate"),
    ],
)
def test_unusable_input_exits_2_and_says_what_is_allowed(built: DeskFolder, arguments: tuple[str, ...], said: str) -> None:
    result = built.run("backtest", "--start", "2024-01-02", "--end", "2024-01-05", *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.output
