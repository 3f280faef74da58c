"""Reports and explanations come from run directories, whatever else is asked for in their address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from riskdesk_assets.interfaces.api_runs import FILES, newest_run
from riskdesk_assets.reports.run_store import published
from riskdesk_tests.interfaces.conftest import DeskFolder
from riskdesk_tests.interfaces.served import House, Served


@pytest.fixture(scope="module")
def house(built: DeskFolder, tmp_path_factory: pytest.TempPathFactory) -> House:
    """The runs of a built desk, and nothing else of it: no DuckDB file is there to be read."""
    root = tmp_path_factory.mktemp("served")
    copytree(built.root / "runs", root / "runs")
    return House(root)


@pytest.fixture(scope="module")
def served(house: House) -> Iterator[Served]:
    with house.serve() as running:
        yield running


def test_the_newest_report_is_the_page_of_its_run_with_links_that_lead_here(served: Served, built: DeskFolder) -> None:
    latest, dated = served.get("/reports/latest"), served.get(f"/reports/{built.last}")
    assert latest.status == dated.status == 200
    assert latest.raw == dated.raw
    (run,) = published(served.paths.runs)
    stored = (run.path / "desk_report.html").read_text()
    assert latest.text == stored.replace('href="./', f'href="/reports/{built.last}/')
    assert latest.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_session_within_a_range_has_its_own_page(served: Served, built: DeskFolder) -> None:
    answer = served.get(f"/reports/{built.first}")
    assert answer.status == 200
    assert f'<time datetime="{built.first}">' in answer.text
    assert "SIMULATED" in answer.text


def test_every_file_a_page_links_to_is_served_as_it_is(served: Served, built: DeskFolder) -> None:
    (run,) = published(served.paths.runs)
    for name in FILES:
        answer = served.get(f"/reports/{built.last}/{name}")
        assert answer.raw == (run.path / name).read_bytes()
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize(
    "path",
    [
        "/reports/../runs",
        "/reports/..%2f..%2fetc%2fpasswd",
        "/reports/%2e%2e/manifest.json",
        "/reports/2026-01-26%00",
        "/reports/20260126",
        "/reports/2026-1-26",
        "/reports/2026-13-40",
        "/reports/9999-12-31",
        "/reports/latest/..%2fdesk_report.html",
        "/reports/latest/inputs%2fconfig.json",
        "/reports/LATEST",
        "/reports/",
    ],
)
def test_what_is_no_session_is_not_found(served: Served, path: str) -> None:
    answer = served.get(path)
    assert answer.status in (404, 422)
    assert answer.errors


def test_a_file_that_no_page_links_to_is_not_served(served: Served, built: DeskFolder) -> None:
    for name in ("desk_state.parquet", "inputs", "inputs%2fconfig.json", "..%2f..%2fpublish_log.jsonl", ".", "%2fetc%2fpasswd"):
        assert served.get(f"/reports/{built.last}/{name}").status == 404


def test_a_report_that_was_changed_after_publishing_is_not_shown(built: DeskFolder, tmp_path: Path) -> None:
    copytree(built.root / "runs", tmp_path / "runs")
    (run,) = published(tmp_path / "runs")
    page = run.path / "desk_report.html"
    page.chmod(0o644)
    page.write_text(page.read_text().replace("RELEASED", "SOMETHING"))
    with House(tmp_path).serve() as served:
        answer = served.get("/reports/latest")
    assert answer.status == 409
    assert "changed after it was published" in answer.errors[0]["message"]


def test_a_symbol_and_a_ticket_are_explained_from_the_run(served: Served, built: DeskFolder) -> None:
    tables = newest_run(served.paths.runs)
    ticket = tables.read("proposals", built.last, built.last)["ticket_id"][0]
    symbol = tables.read("proposals", built.last, built.last)["pair_id"][0].split("__")[0]
    of_ticket = served.get(f"/explain/{ticket}").json
    assert (of_ticket["kind"], of_ticket["ticket_id"], of_ticket["session"]) == ("ticket", ticket, str(built.last))
    of_symbol = served.get(f"/explain/{symbol}?asof={built.first}").json
    assert (of_symbol["kind"], of_symbol["symbol"], of_symbol["session"]) == ("symbol", symbol, str(built.first))
    assert (served.paths.data / "riskdesk.duckdb").exists() is False


def test_what_is_neither_symbol_nor_ticket_is_not_found_with_the_nearest(served: Served) -> None:
    answer = served.get("/explain/JPN")
    assert answer.status == 404
    assert "did you mean 'JPM'" in answer.errors[0]["message"]
    assert served.get("/explain/JPM?asof=2001-01-01").status == 404
    assert served.get("/explain/JPM?asof=yesterday").status == 422
    assert served.get("/explain/..%2f..%2fetc").status == 404


def test_the_status_page_shows_the_newest_book_and_says_it_is_simulated(served: Served, built: DeskFolder) -> None:
    page = served.get("/").text
    assert "SIMULATED" in page
    assert f"Session {built.last}" in page
    book = newest_run(served.paths.runs).read("ideal_portfolio", built.last, built.last)
    for row in book.iter_rows(named=True):
        if not row["is_cash"]:
            assert f"/explain/{row['symbol']}" in page
            assert f"{row['shares']:+,}" in page


def test_the_status_page_and_health_name_both_regime_axes(served: Served, built: DeskFolder) -> None:
    tables = newest_run(served.paths.runs)
    market = tables.read("market_regime", built.last, built.last)["regime"][0]
    tape = tables.read("instrument_state", built.last, built.last)["tape_regime"].drop_nulls().to_list()
    page, desk = served.get("/").text, served.get("/health").json["desk"]
    assert f"Market regime {market}; tape regimes of the names: " in page
    assert (desk["session"], desk["market_regime"]) == (str(built.last), market)
    assert desk["tape_regimes"] == {regime: tape.count(regime) for regime in dict.fromkeys(tape)}
    assert all(f"{count} {regime}" in page for regime, count in desk["tape_regimes"].items())


def test_trades_are_held_against_the_desks_correlations(served: Served, built: DeskFolder) -> None:
    rows = newest_run(served.paths.runs).read("return_correlations", built.last, built.last)
    names = rows.filter(rows["kind"] == "instrument").sort("correlation", descending=True)
    left, right, known = names["id_a"][0], names["id_b"][0], names["correlation"][0]
    trade = {
        "direction": 1,
        "confidence_score": 0.8,
        "regime": "RANGING",
        "atr": 1.0,
        "vol_percentile": 0.5,
        "current_price": 50.0,
    }
    served.post("/process_trade", {**trade, "symbol": left, "atr": 10.0})
    decision = served.post("/process_trade", {**trade, "symbol": right, "atr": 10.0}).json["decision"]
    checked = next(record for record in decision["audit_trail"] if record["name"] == "correlation")
    assert checked["measured"] == known
    assert checked["subject"] == left


def test_a_trade_without_volatilities_is_held_against_the_desks_newest_session(served: Served, built: DeskFolder) -> None:
    rows = newest_run(served.paths.runs).read("instrument_state", built.last, built.last)
    row = rows.drop_nulls(["vol_20", "vol_baseline"]).row(0, named=True)
    trade = {
        "direction": 1,
        "confidence_score": 0.8,
        "regime": "RANGING",
        "vol_percentile": 0.5,
        "current_price": 50.0,
        "atr": 10.0,
    }
    decision = served.post("/process_trade", {**trade, "symbol": row["symbol"]}).json["decision"]
    checked = next(record for record in decision["audit_trail"] if record["name"] == "volatility_shock")
    assert checked["measured"] == row["vol_20"] / row["vol_baseline"]
    assert f"(of the desk's session {built.last})" in checked["sentence"]
    seen = served.get("/health").json["kill_switches"]["volatility_shock"]
    assert (seen["current_ratio"], seen["source"]) == (checked["measured"], f"of the desk's session {built.last}")
    own = served.post("/process_trade", {**trade, "symbol": row["symbol"], "realized_vol": 1.0, "baseline_vol": 1.0})
    checked = next(record for record in own.json["decision"]["audit_trail"] if record["name"] == "volatility_shock")
    assert (checked["measured"], checked["subject"]) == (1.0, "")


def test_a_run_that_cannot_be_read_is_said_and_stops_no_decision(built: DeskFolder, tmp_path: Path) -> None:
    copytree(built.root / "runs", tmp_path / "runs")
    (run,) = published(tmp_path / "runs")
    manifest = run.path / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_bytes(b"{")
    with House(tmp_path).serve() as served:
        assert "cannot be read" in served.get("/").text
        assert served.get("/reports/latest").status == 409
        assert served.get("/explain/JPM").status == 409
        assert served.get("/health").json["health"] == "HEALTHY"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("inputs/config.json", b'{"profile": "of an earlier version"}'),
        ("manifest.json", b'{"run_id": "x"}'),
        ("proposals.parquet", b"PAR1 and no more"),
    ],
)
def test_what_another_version_wrote_is_a_conflict_and_no_5xx(
    built: DeskFolder, tmp_path: Path, name: str, content: bytes
) -> None:
    copytree(built.root / "runs", tmp_path / "runs")
    (run,) = published(tmp_path / "runs")
    (run.path / name).chmod(0o644)
    (run.path / name).write_bytes(content)
    with House(tmp_path).serve() as served:
        assert served.get("/explain/JPM").status == 409
        assert served.get("/").status == 200
