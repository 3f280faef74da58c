"""The server killed under load, its journal unwritable, its token looked for everywhere."""

from __future__ import annotations

import http.client
import json
import logging
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from riskdesk_assets.common.halts import current_halts
from riskdesk_assets.common.journal import Journal
from riskdesk_assets.interfaces.cli import cli
from riskdesk_tests.interfaces.served import EXAMPLE, TOKEN, WITHIN_CAPS, House
from riskdesk_tests.interfaces.server_process import Process, command, environ, serving

CLIENTS = 6


def load(process: Process, names: str, told: dict[str, dict[str, object]]) -> list[threading.Thread]:
    """Clients that send trades and note every decision they were answered, until the server is gone."""

    def client(number: int) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=20)
        try:
            for trial in range(1_000_000):
                order_id = f"{names}-{number}-{trial}"
                side = 1 if (number + trial) % 2 else -1
                body = {**WITHIN_CAPS, "direction": side, "client_order_id": order_id}
                connection.request("POST", "/process_trade", json.dumps(body), headers)
                answer = connection.getresponse()
                raw = answer.read()
                if answer.status == 200:
                    told[order_id] = json.loads(raw)["decision"]
        except (OSError, http.client.HTTPException):
            return

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    return threads


def killed_under_load(root: Path, kills: int) -> None:
    rng = random.Random(20261120)
    told: dict[str, dict[str, object]] = {}
    for number in range(kills):
        with serving(root) as process:
            before = len(told)
            threads = load(process, str(number), told)
            deadline = time.monotonic() + 20
            while len(told) < before + 20 and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(rng.uniform(0.0, 0.2))
            process.process.send_signal(signal.SIGKILL)
            for thread in threads:
                thread.join()
    assert len(told) >= 20 * kills
    journal = Journal(root / "data" / "journal.sqlite")
    assert journal.verify().intact
    stored = {str(record.body["order_id"]): record for record in journal.records(kind="DECISION")}
    assert set(told) <= set(stored)
    units = 0.0
    for record in stored.values():
        approved = record.body.get("approved")
        assert (told.get(str(record.body["order_id"])) or {"status": record.body["status"]})["status"] == record.body["status"]
        if isinstance(approved, dict):
            units += record.body["intent"]["direction"] * approved["units"]
    with House(root).serve() as again:
        held = again.get("/portfolio").json["positions"].get("EURUSD", {"pending_units": 0.0})
        assert held["pending_units"] == pytest.approx(units, abs=1e-3)
        assert again.get("/metrics").json["total_decisions"] == len(stored)
        for order_id in list(told)[:: max(1, len(told) // 10)]:
            side = told[order_id]["audit_trail"] and stored[order_id].body["intent"]["direction"]
            body = {**WITHIN_CAPS, "direction": side, "client_order_id": order_id}
            answer = again.post("/process_trade", body)
            assert answer.headers["idempotent-replay"] == "true"
            assert answer.json["decision"] == told[order_id]


def test_two_kills_under_load_lose_no_answered_decision(tmp_path: Path) -> None:
    killed_under_load(tmp_path, 2)


@pytest.mark.slow
def test_twenty_kills_under_load_lose_no_answered_decision(tmp_path: Path) -> None:
    killed_under_load(tmp_path, 20)


def test_what_the_journal_does_not_take_has_not_happened_and_a_halt_holds_nevertheless(tmp_path: Path) -> None:
    with House(tmp_path).serve(journal_seconds=0.2) as served:
        first = served.post("/process_trade", {**WITHIN_CAPS, "client_order_id": "before"}).json
        other = sqlite3.connect(tmp_path / "data" / "journal.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # somebody else's write transaction, and it does not end
        refused = served.post("/process_trade", {**WITHIN_CAPS, "direction": -1, "client_order_id": "during"})
        assert refused.status == 503
        assert "nothing was decided" in refused.errors[0]["message"]
        assert refused.headers["retry-after"] == "1"
        assert served.get("/portfolio").json == first["portfolio_state"]
        assert served.get("/metrics").json == first["risk_metrics"]
        halted = served.post("/halt", {"reason": "the journal hangs", "by": "ann"})
        assert halted.status == 503
        assert "holds in this process" in halted.errors[0]["message"]
        assert served.get("/health").json["health"] == "HALTED"
        other.execute("ROLLBACK")
        other.close()
        late = served.post("/process_trade", {**EXAMPLE, "symbol": "GBPUSD", "client_order_id": "during"}).json["decision"]
        assert late["rejected_trade"]["rejection_reason"] == "MANUAL_HALT"
        (halt,) = current_halts(served.journal)
        assert (halt.account, halt.reason, halt.by) == ("rest", "the journal hangs", "ann")
        assert served.journal.verify().intact
    with House(tmp_path).serve() as again:
        assert again.get("/health").json["health"] == "HALTED"


def test_a_state_that_cannot_be_read_stops_the_server_before_it_forgets_positions(tmp_path: Path) -> None:
    from riskdesk_assets.common.errors import StateError
    from riskdesk_assets.common.journal import Entry
    from riskdesk_tests.interfaces.served import MONDAY

    journal = Journal(tmp_path / "data" / "journal.sqlite")
    journal.append([Entry("STATE", "rest", MONDAY, {"state": {"positions": "all of them"}, "seen": 0})])
    with pytest.raises(StateError, match="row 1 of the journal holds no state"), House(tmp_path).serve():
        pass


def test_the_token_is_in_no_file_no_answer_and_no_word_said(tmp_path: Path) -> None:
    with serving(tmp_path) as process:
        process.post("/process_trade", EXAMPLE)
        process.post("/process_trade", {"symbol": TOKEN})
        process.post("/halt", {"reason": "x"}, token=TOKEN + "y")
        process.post("/halt", {"reason": "x"})
        for path in ("/", "/docs", "/openapi.json", "/health", "/config", "/prometheus"):
            connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=20)
            connection.request("GET", path)
            assert TOKEN.encode() not in connection.getresponse().read()
            connection.close()
        process.process.send_signal(signal.SIGINT)
        process.process.wait(20)
        assert TOKEN not in process.banner
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path
    assert "Stopped." in (tmp_path / "said.txt").read_text()


def test_the_banner_lists_every_endpoint(tmp_path: Path) -> None:
    with serving(tmp_path) as process:
        assert "RISK & PORTFOLIO MANAGER (RPM) API SERVER" in process.banner
        assert "POST /process_trade" in process.banner
        assert f"API documentation: http://127.0.0.1:{process.port}/docs" in process.banner
        second = subprocess.run(command("--port", "0"), env=environ(tmp_path), capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert "another `riskdesk serve` runs" in second.stderr


@pytest.mark.parametrize(
    ("arguments", "token", "said"),
    [
        (["--host", "0.0.0.0"], None, "can be reached from other machines: set RISKDESK_API_TOKEN"),
        (["--host", "0.0.0.0"], "", "can be reached from other machines"),
        (["--host", "::"], None, "can be reached from other machines"),
        (["--host", "riskdesk.example"], None, "can be reached from other machines"),
        ([], "short", "RISKDESK_API_TOKEN: is 5 characters long (allowed: at least 24"),
        ([], "with spaces in it, and long enough", "holds characters that no HTTP header carries"),
        (["--port", "70000"], TOKEN, "70000 is not in the range"),
    ],
)
def test_a_start_that_would_be_unsafe_is_refused(tmp_path: Path, arguments: list[str], token: str | None, said: str) -> None:
    found = {"DATA_DIR": str(tmp_path / "data"), "RUNS_DIR": str(tmp_path / "runs"), "RISKDESK_API_TOKEN": token}
    result = CliRunner().invoke(cli, ["serve", *arguments], env={**found, "RISKDESK_CONFIG_DIR": None})
    assert result.exit_code == 2
    assert said in result.output
    if token:
        assert token not in result.output


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with House(tmp_path / "a").serve() as served:
        found = {"DATA_DIR": str(tmp_path / "b"), "RUNS_DIR": str(tmp_path / "runs"), "RISKDESK_API_TOKEN": TOKEN}
        result = CliRunner().invoke(cli, ["serve", "--port", str(served.port)], env={**found, "RISKDESK_CONFIG_DIR": None})
    assert result.exit_code == 2
    assert "cannot be listened on" in result.output


def refused(root: Path, **more: str) -> str:
    """What a server says that does not start."""
    ended = subprocess.run(
        command("--port", "0"), env=environ(root, **more), capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    return ended.stderr


def test_a_second_server_on_the_same_folder_or_the_same_journal_is_refused_by_the_name_of_the_first(tmp_path: Path) -> None:
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "journal.sqlite")
    shared = {"RISKDESK_JOURNAL_URL": f"sqlite:///{tmp_path / 'journal.sqlite'}"}
    by_link = {"RISKDESK_JOURNAL_URL": f"sqlite:///{tmp_path / 'link.sqlite'}"}
    with serving(tmp_path / "a", **shared) as first:
        assert first.post("/process_trade", WITHIN_CAPS)[0] == 200
        who = f"pid {first.process.pid} (riskdesk serve on {tmp_path / 'a' / 'data'}, since 20"
        assert who in refused(tmp_path / "a")
        for again in (shared, by_link):
            said = refused(tmp_path / "b", **again)
            assert "another `riskdesk serve` writes the same journal" in said
            assert who in said
        first.process.kill()
        first.process.wait()
    with serving(tmp_path / "b", **shared) as second:
        assert second.post("/process_trade", WITHIN_CAPS)[0] == 200


@pytest.fixture(autouse=True)
def the_loggers_as_they_were() -> object:
    kept = {name: list(logging.getLogger(name).handlers) for name in ("riskdesk.api", "uvicorn.error")}
    yield
    for name, handlers in kept.items():
        logging.getLogger(name).handlers = handlers
    assert os.environ.get("RISKDESK_API_TOKEN") is None
