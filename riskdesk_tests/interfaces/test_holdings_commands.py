"""Real holdings on a stored desk: ``riskdesk reconcile``, ``riskdesk guard``, and the asset that reconciles each run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from dagster import AssetCheckEvaluation, AssetCheckSeverity, DagsterInstance, materialize
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from riskdesk_assets.common.hashing import digest_file
from riskdesk_assets.common.resources import DeskResource
from riskdesk_assets.common.settings import ROOT, Config, load_config, load_paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.assets import holdings_reconciliation
from riskdesk_tests.desk_on_disk import edit
from riskdesk_tests.interfaces.conftest import FOREIGN, DeskFolder


def shares(desk: DeskFolder) -> dict[str, int]:
    """What the desk holds after its last session, tickets netted."""
    positions = desk.warehouse.read("desk_positions", desk.last, desk.last)
    return dict(positions.group_by("symbol").agg(pl.col("shares").sum()).sort("symbol").iter_rows())


def holdings(path: Path, held: dict[str, int]) -> Path:
    path.write_text("symbol,shares\n" + "".join(f"{symbol},{count}\n" for symbol, count in held.items()))
    return path


def test_holdings_that_are_the_desks_reconcile(built: DeskFolder, tmp_path: Path) -> None:
    path = holdings(tmp_path / "h.csv", shares(built))
    before = (built.root / "data" / "riskdesk.duckdb").read_bytes()
    result = built.run("reconcile", "--holdings", str(path), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["session"], told["breaks"], told["holdings_hash"]) == (str(built.last), 0, digest_file(path))
    assert {row["symbol"]: row["held_shares"] for row in told["rows"]} == shares(built)
    assert {row["status"] for row in told["rows"]} == {"AGREES"}
    assert "no break" in built.run("reconcile", "--holdings", str(path)).output
    assert (built.root / "data" / "riskdesk.duckdb").read_bytes() == before


def test_every_kind_of_break_is_told_in_shares_and_dollars_and_the_exit_code_is_1(built: DeskFolder, tmp_path: Path) -> None:
    desk = shares(built)
    (one, other), free = list(desk)[:2], next(name for name in ("GS", "RF", "KEY", "C") if name not in desk)
    path = holdings(tmp_path / "h.csv", {**desk, one: desk[one] + 10, other: 0, free: -5})
    result = built.run("reconcile", "--holdings", str(path), "--json")
    assert result.exit_code == 1
    rows = {row["symbol"]: row for row in json.loads(result.stdout)["rows"]}
    assert (rows[one]["difference"], rows[other]["difference"], rows[free]["difference"]) == (10, -desk[other], -5)
    assert (rows[other]["status"], rows[free]["status"]) == ("NOT_HELD", "NOT_ON_DESK")
    bars = built.warehouse.read("daily_bars", built.last, built.last)
    closes = dict(bars.select("symbol", "close").iter_rows())
    for symbol in (one, other, free):
        assert rows[symbol]["price"] == pytest.approx(closes[symbol], abs=1e-4)
        assert rows[symbol]["dollars"] == pytest.approx(rows[symbol]["difference"] * closes[symbol], abs=1.0)
    shown = built.run("reconcile", "--holdings", str(path), "--asof", str(built.last))
    assert shown.exit_code == 1
    assert f"3 of {len(rows)} names differ" in shown.output


def test_an_unusable_file_is_told_by_line_and_field_with_exit_code_2(built: DeskFolder, tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    path.write_text("symbol,shares\nJPM,1.5\nJPN,2\n")
    for command in ("reconcile", "guard"):
        result = built.run(command, "--holdings", str(path))
        assert result.exit_code == 2
        assert "h.csv:2: shares: is '1.5'" in result.output
        assert "h.csv:3: symbol: is 'JPN'; did you mean 'JPM'?" in result.output
        missing = built.run(command)
        assert missing.exit_code == 2
        assert "guards.holdings_file" in missing.output


def test_the_guards_lead_from_real_shares_to_the_band_around_the_ideal_portfolio(built: DeskFolder, tmp_path: Path) -> None:
    book = built.warehouse.read("ideal_portfolio", built.last, built.last).filter(~pl.col("is_cash"))
    targets = {symbol: cents / 100 for symbol, cents in book.select("symbol", "notional_cents").iter_rows()}
    result = built.run("guard", "--holdings", str(holdings(tmp_path / "h.csv", {})), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    decided = {item["symbol"]: item for item in told["decisions"]}
    assert decided.keys() == targets.keys()
    for symbol, item in decided.items():
        assert item["signal_target_notional"] == pytest.approx(targets[symbol])
        if item["action"] == "ALLOW":  # to the near edge of its band, to a lot
            assert item["shares_after"] * item["price"] == pytest.approx(0.95 * targets[symbol], abs=item["price"])
    assert sum(value for name, value in told["counters"].items() if name != "avg_clip_ratio") == len(decided)
    assert [json.loads(line.removeprefix("POLICY_DECISION: "))["symbol"] for line in told["telemetry"]] == list(decided)
    at_target = holdings(tmp_path / "h.csv", dict(book.select("symbol", "shares").iter_rows()))
    again = json.loads(built.run("guard", "--holdings", str(at_target), "--json").stdout)
    assert {item["reason"] for item in again["decisions"]} == {"within_band"}


def test_document_004s_own_policy_can_be_asked_instead(built: DeskFolder, tmp_path: Path) -> None:
    path, policy = holdings(tmp_path / "h.csv", {"JPM": 0}), str(ROOT / "config" / "policy" / "seed.yaml")
    result = built.run("guard", "--holdings", str(path), "--policy", policy, "--log", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert all(abs(item["qty_delta"]) * item["price"] <= 1_500 for item in told["decisions"])
    assert {item["qty_delta"] % 5 for item in told["decisions"]} == {0}
    assert result.stderr.splitlines() == told["telemetry"]
    shown = built.run("guard", "--holdings", str(path), "--policy", policy)
    assert "No name of the universe is in Financial, Healthcare, Technology" in " ".join(shown.output.split())


@pytest.fixture
def reconciled(
    desk: DeskFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[date, date], list[AssetCheckEvaluation]]:
    """The asset alone over sessions of a copy of the built desk that names a holdings file: its check's evaluations."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    edit(tmp_path / "config" / "desk.yaml", "holdings_file: null ", "holdings_file: held.csv ")
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**desk.environ, "RISKDESK_CONFIG_DIR": str(tmp_path / "config")}.items():
        monkeypatch.setenv(name, value)

    def run(first: date, last: date) -> list[AssetCheckEvaluation]:
        bounds = {ASSET_PARTITION_RANGE_START_TAG: str(first), ASSET_PARTITION_RANGE_END_TAG: str(last)}
        how = {"partition_key": str(last)} if first == last else {"tags": bounds}
        with DagsterInstance.ephemeral() as instance:
            done = materialize([holdings_reconciliation], instance=instance, resources={"desk": DeskResource()}, **how)  # type: ignore[arg-type]
        assert done.success
        return list(done.get_asset_check_evaluations())

    return run


def test_an_unusable_file_costs_a_run_nothing_but_a_warning(
    desk: DeskFolder, reconciled: Callable[[date, date], list[AssetCheckEvaluation]]
) -> None:
    (desk.root / "data" / "held.csv").write_text("symbol,shares\nJPM,abc\n")
    (found,) = reconciled(desk.last, desk.last)
    assert (found.passed, found.severity) == (False, AssetCheckSeverity.WARN)
    assert "held.csv:2: shares: is 'abc'" in str(found.metadata["message"].value)
    assert found.metadata["told"].value == "yes"
    assert desk.warehouse.read("holdings_reconciliation").is_empty()


def test_a_run_reconciles_its_newest_session_and_tells_the_breaks(
    desk: DeskFolder, reconciled: Callable[[date, date], list[AssetCheckEvaluation]]
) -> None:
    path = holdings(desk.root / "data" / "held.csv", shares(desk))
    assert [found.passed for found in reconciled(desk.last, desk.last)] == [True]
    holdings(path, {**shares(desk), "GS": 7_777})
    first, summary = reconciled(desk.first, desk.last)
    rows = desk.warehouse.read("holdings_reconciliation")
    assert rows["as_of_date"].unique().to_list() == [desk.last], "the file says what is held now"
    assert rows.filter(symbol="GS").select("held_shares", "status").rows() == [(7_777, "NOT_ON_DESK")]
    assert set(rows["holdings_hash"]) == {digest_file(path)}
    assert (first.partition, first.passed, first.severity) == (str(desk.last), False, AssetCheckSeverity.WARN)
    assert "GS +7,777 held, +0 on the desk" in str(first.metadata["message"].value)
    assert (summary.passed, summary.metadata["failed"].value) == (False, 1)


def test_where_holdings_are_is_no_input_of_a_run() -> None:
    config = load_config(load_paths())
    guards = config.desk.guards.model_copy(update={"holdings_file": "/somewhere/else.csv"})
    moved = config.model_copy(update={"desk": config.desk.model_copy(update={"guards": guards})})
    assert Config(**dict(moved)).hash == config.hash
    assert "holdings_reconciliation" not in TABLES, "run directories hold the tables of a run"
