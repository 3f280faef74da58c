"""The command line itself: quick to start, exit codes as documented, and no secret in anything it says."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from datetime import date

import pytest

from riskdesk_assets.common.errors import InputError, Problem, RiskDeskError, StateError
from riskdesk_assets.common.writer_lock import WriterBusyError
from riskdesk_assets.interfaces.bench import environment, run_in_a_process
from riskdesk_assets.interfaces.cli import COMMANDS
from riskdesk_assets.interfaces.failures import Failure, failure_named, failure_of, redact
from riskdesk_tests.interfaces.conftest import DeskFolder


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, riskdesk_assets.interfaces.cli; print(','.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split(",")
    heavy = {"dagster", "polars", "duckdb", "numpy", "pydantic", "cvxpy", "exchange_calendars", "rich.console"}
    assert heavy.isdisjoint(loaded)


@pytest.mark.parametrize("name", ["", *(str(command.name) for command in COMMANDS)])
def test_every_command_has_help(empty: DeskFolder, name: str) -> None:
    for flag in ("-h", "--help"):
        result = empty.run(*filter(None, (name, flag)))
        assert result.exit_code == 0
        assert result.stdout.startswith("Usage: ")
        assert not re.search(r"\b[A-Z]{1,2}-[0-9]{2}\b", result.stdout), "a code of the documents says nothing to a reader"


def test_the_first_screen_of_help_names_each_command_once(empty: DeskFolder) -> None:
    lines = [line.split()[:2] for line in empty.run("--help").stdout.splitlines() if line.startswith("  riskdesk ")]
    named = [command for _, command in lines]
    assert "morning" in named
    assert len(named) == len(set(named))


def test_the_version_is_told(empty: DeskFolder) -> None:
    assert empty.run("--version").stdout.startswith("riskdesk, version ")


def test_an_unknown_command_is_a_usage_error(empty: DeskFolder) -> None:
    assert empty.run("trade").exit_code == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError(Problem("a.yaml", 3, "f", "is bad", "good")), 2),
        (StateError("no state"), 2),
        (WriterBusyError("held"), 1),
        (RiskDeskError("vendor"), 1),
        (ValueError("anything"), 1),
    ],
)
def test_an_error_has_the_documented_exit_code(error: Exception, code: int) -> None:
    assert failure_of(error).exit_code == code
    kinds = [cls.__name__ for cls in type(error).__mro__]
    assert failure_named(kinds, [str(error)]).exit_code == code


def test_each_problem_is_told_on_a_line_of_its_own() -> None:
    error = InputError([Problem("a.yaml", 3, "f", "is bad", "good"), Problem("b.yaml", None, "", "is empty")])
    assert failure_of(error).lines == ["a.yaml:3: f: is bad (allowed: good)", "b.yaml: is empty"]


def test_no_secret_of_the_environment_survives_in_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMP_API_KEY", "canary-key-1")
    monkeypatch.setenv("RISKDESK_API_TOKEN", "canary-token-2")
    monkeypatch.setenv("RISKDESK_ALERT_URLS", "slack://canary-3/x mailto://canary-4")
    said = "GET https://host/?apikey=canary-key-1 canary-token-2 slack://canary-3/x and mailto://canary-4 failed"
    assert "canary" not in " ".join(Failure(said).lines)
    assert "canary" not in redact(said)
    assert "failed" in redact(said)


def test_a_secret_does_not_reach_json_or_the_terminal(empty: DeskFolder) -> None:
    # The secret is a file name here, so that an ordinary message would carry it.
    secret = empty.root / "canary-token"
    secret.write_text("ticket_id: x\n")
    for flag in ([], ["--json"]):
        result = empty.run("tickets", "lint", str(secret), *flag, RISKDESK_API_TOKEN="canary-token")
        assert result.exit_code == 2
        assert "canary" not in result.output


def test_an_unexpected_error_is_one_line_without_a_traceback_unless_asked_for(empty: DeskFolder) -> None:
    (empty.root / "data" / "riskdesk.duckdb").write_bytes(b"this is no database at all")
    result = empty.run("explain", "JPM")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "riskdesk --debug" in result.stderr
    assert empty.run("--debug", "explain", "JPM").exception is not None


def test_a_port_in_use_is_refused(empty: DeskFolder) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = empty.run("ui", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 2
    assert "cannot be used" in result.stderr


@pytest.mark.parametrize("arguments", [["explain", "NOPE"], ["run", "--asof", "2026-01-24"]])
def test_a_failing_process_says_its_error_and_nothing_else(built: DeskFolder, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "riskdesk_assets.interfaces.cli", *arguments]
    done = subprocess.run(command, env={"PATH": "/usr/bin:/bin", **built.environ}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert [line[:7] for line in done.stderr.splitlines()] == ["error: "]


def test_a_run_that_the_bench_cannot_measure_says_why(empty: DeskFolder) -> None:
    with environment(empty.environ), pytest.raises(Failure, match=r"exit code 2\n.*2026-01-24 is no session \(a weekend\)"):
        run_in_a_process(date(2026, 1, 24))


@pytest.mark.slow
def test_the_bench_measures_a_small_desk(empty: DeskFolder) -> None:
    result = empty.run("bench", "desk", "--sessions", "2", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["sessions"] == 2
    assert told["overhead"] == pytest.approx(told["backfill"] / told["funnel"])
    assert min(told["backfill"], told["inputs"], told["funnel"], told["one_more"]) > 0
    assert not (empty.root / "data" / "riskdesk.duckdb").exists(), "the desk itself is not touched"
