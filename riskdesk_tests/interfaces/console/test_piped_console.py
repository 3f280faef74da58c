"""The console piped: answers are the next lines, drafts stay drafts, and the exit code is the worst action's."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from riskdesk_assets.interfaces.terminal import signed
from riskdesk_tests.interfaces.conftest import DeskFolder
from riskdesk_tests.interfaces.console.heard import Heard, drafts

Hash = Callable[[Path], dict[str, bytes]]


def test_a_draft_in_one_line_is_written_linted_and_stays_out_of_the_active_folder(empty: DeskFolder, folder_hash: Hash) -> None:
    before = folder_hash(empty.active)
    note = "a: b # \"q\" 's' $(touch x) `id` ; rm -rf . {{ 1 }} %s [yes] - & * ! | > ?"
    line = f"long key short mtb $1.2m, high conviction, 8 weeks, note: {note}"
    result = empty.run("console", "--yes", input=f"{line}\nlint my drafts\n")
    assert result.exit_code == 0, result.output
    path = drafts(empty) / "key-mtb-reversion.yaml"
    assert [entry.name for entry in drafts(empty).iterdir()] == [path.name]
    written = yaml.safe_load(path.read_text())
    assert written["note"] == note
    assert (written["leg_a"], written["leg_b"], written["orientation"]) == ("KEY", "MTB", "LONG_SPREAD")
    assert (written["max_gross_notional"], written["horizon_days"], written["conviction"]) == (1_200_000, 40, "High")
    assert result.stdout.count("1 usable ticket") == 2
    assert folder_hash(empty.active) == before
    assert empty.run("tickets", "lint", str(path)).exit_code == 0


def test_the_answers_of_a_pipe_are_its_next_lines(empty: DeskFolder) -> None:
    result = empty.run("console", input="draft a ticket\nMS vs SCHW\n\n4\ny\n")
    assert result.exit_code == 0, result.output
    assert (drafts(empty) / "ms-schw-reversion.yaml").is_file()
    assert "[y/N]" not in result.output
    assert "riskdesk>" not in result.output


def test_a_plan_that_the_input_does_not_answer_is_not_run(empty: DeskFolder) -> None:
    result = empty.run("console", input="MS vs SCHW, 500k, high conviction\n")
    assert result.exit_code == 2
    assert "the input ended before this was answered; nothing was done" in result.stderr
    assert not drafts(empty).exists()


def test_a_no_is_no_failure(empty: DeskFolder) -> None:
    result = empty.run("console", input="MS vs SCHW, 500k, high conviction\nno\nquit\nMS vs SCHW\n")
    assert result.exit_code == 0
    assert not drafts(empty).exists()


def test_the_exit_code_is_that_of_the_worst_action_and_the_rest_is_done(built: DeskFolder) -> None:
    result = built.run("console", "--yes", input="explain JPMM\ngibberish and more\n\nexplain JPM\n")
    assert result.exit_code == 2
    assert "error: 'JPMM' is neither" in result.stderr
    assert "not understood: gibberish and more" in result.stderr
    assert "JPMorgan" in result.stdout
    assert built.run("console", "--yes", input="explain JPM\n").exit_code == 0
    assert built.run("console", "--yes", input="").exit_code == 0


def test_a_piped_halt_is_pointed_to_beside_unusable_settings_too_and_counts_as_not_done(
    empty: DeskFolder, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    result = empty.run("console", "--yes", input="stop\nhalt the desk\n", RISKDESK_CONFIG_DIR=str(tmp_path / "config"))
    assert result.exit_code == 2
    assert result.stderr.count("`riskdesk halt --by NAME --reason WHY`") == 2


def test_a_piped_draft_takes_the_place_of_a_plan_nobody_answered(empty: DeskFolder) -> None:
    result = empty.run("console", input="lint my tickets\nMS vs SCHW, 500k, high\ny\n")
    assert result.exit_code == 0, result.output
    assert [path.name for path in drafts(empty).iterdir()] == ["ms-schw-reversion.yaml"]


def test_piped_guesses_are_told_and_never_run(empty: DeskFolder) -> None:
    result = empty.run("console", "--yes", input="genrate todays ideal portfolo\ny\n")
    assert result.exit_code == 2
    assert "did you mean `generate todays ideal portfolio`? Nothing was done." in result.stdout
    assert not (empty.root / "runs").exists()


def test_a_draft_that_appears_in_between_is_not_overwritten(empty: DeskFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard(empty, monkeypatch)
    heard("MS vs SCHW, 500k, high conviction")
    drafts(empty).mkdir()
    place = drafts(empty) / "ms-schw-reversion.yaml"
    place.write_text("somebody else's\n")
    heard("y")
    result = empty.run(*heard.ran[0])
    assert result.exit_code == 2
    assert "nothing was overwritten" in result.stderr
    assert place.read_text() == "somebody else's\n"


def test_hostile_lines_are_refused_one_by_one_and_the_rest_goes_on(empty: DeskFolder) -> None:
    lines = ["\x1b]0;title\x07help", "a" * 100_000, "summarize\x00", "\u202egeneric", "%s%n{0}", "help"]
    result = empty.run("console", "--yes", input="\n".join(lines) + "\n")
    assert result.exit_code == 2
    assert "a line of 100,001 characters (allowed: at most 2,000)" in result.stderr
    assert "\x1b" not in result.output
    assert "\x00" not in result.output
    assert "\u202e" not in result.output
    assert "backtest last 6 months" in result.stdout
    assert len(result.output) < 6000


def test_unusable_settings_are_told_for_each_request_and_help_and_quit_still_work(empty: DeskFolder, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    result = empty.run(
        "console", "--yes", input="summarize\nhelp\nquit\nsummarize\n", RISKDESK_CONFIG_DIR=str(tmp_path / "config")
    )
    assert result.exit_code == 2
    assert result.stderr.count("error:") == 1
    assert "backtest last 6 months" in result.stdout


def test_bytes_that_are_no_text_are_shown_escaped(empty: DeskFolder) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "riskdesk_assets.interfaces.cli", "console", "--yes"],
        input=b"caf\xe9 \xff\nhelp\n",
        env={"PATH": "/usr/bin:/bin", "PYTHONUTF8": "1", **empty.environ},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert rb"caf\xe9" in done.stderr
    assert b"Traceback" not in done.stderr


def test_todays_portfolio_and_a_backtest_are_computed_for_real(desk: DeskFolder, folder_hash: Hash) -> None:
    before = folder_hash(desk.active)
    newest = desk.calendar.newest_closed(datetime.now(UTC))
    said = ["generate todays ideal portfolio", "summarize", f"backtest from {desk.first} to {desk.calendar.after(desk.first)}"]
    result = desk.run("console", "--yes", input="\n".join(said))
    assert result.exit_code == 0, result.output
    assert desk.warehouse.read("desk_state")["as_of_date"].max() == newest
    assert "exactly zero" in result.stdout
    assert f"{newest}  RELEASED" in result.stdout
    assert "total pnl net" in result.stdout
    assert len(list((desk.root / "runs" / "backtests").glob("bt-*"))) == 1
    assert folder_hash(desk.active) == before


def test_the_pnl_of_a_ticket_and_of_the_week_is_that_of_the_book_and_the_morning(built: DeskFolder) -> None:
    (held, *_) = json.loads(built.run("book", "--json").stdout)["held"]
    name, made = held["ticket_id"], held["pnl"]
    begins = name.removesuffix("-reversion")
    result = built.run("console", "--yes", input=f"what is my P&L on {begins}\nwhat did we make this week\n")
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    assert f"{name}: {signed(made['last'])} on {made['known_on']}, {signed(made['since_entry'])} since entry" in text
    week = json.loads(built.run("morning", "--json").stdout)["total"]["week_realized"]
    assert f"this week so far {signed(week)}, known by {built.last}, net of costs" in text
    assert f"week {signed(week)} so far" in text


def test_to_close_a_ticket_says_that_nothing_is_traded_here_and_what_does_it(built: DeskFolder, folder_hash: Hash) -> None:
    before = folder_hash(built.active)
    result = built.run("console", "--yes", input="close jpm-wfc\n")
    assert result.exit_code == 2
    for words in (
        "this console does not trade",
        "expires_on in tickets/active/jpm-wfc-reversion.yaml",
        "move the file out of tickets/active",
        "riskdesk halt --ticket jpm-wfc-reversion",
        "`why jpm-wfc-reversion`",
    ):
        assert words in result.stderr, words
    assert "jpm-bac" not in result.output
    assert folder_hash(built.active) == before


def test_a_summary_fits_one_screen(built: DeskFolder) -> None:
    result = built.run("console", "--yes", input="summarize\n")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) <= 40
    assert max(len(line.rstrip()) for line in lines) <= 80
    for word in ("regimes", "book", "halts", "RELEASED", "clips"):
        assert any(word in line for line in lines), word
