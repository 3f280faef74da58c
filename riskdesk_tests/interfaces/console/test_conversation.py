"""Conversations with a real desk: plans wait for a yes, questions are asked one at a time, guesses are only plans."""

from __future__ import annotations

import re

import pytest

from riskdesk_assets.interfaces.console.plan import Command
from riskdesk_tests.interfaces.conftest import DeskFolder
from riskdesk_tests.interfaces.console.heard import NOW, Heard


def test_todays_portfolio_is_planned_with_its_sessions_and_runs_only_after_a_yes(heard: Heard, built: DeskFolder) -> None:
    heard("generate todays ideal portfolio")
    newest = built.calendar.newest_closed(NOW)
    first = built.calendar.after(built.last)
    command = ("run", "--start", str(first), "--end", str(newest))
    assert f"plan: generate the ideal portfolio of {newest}" in heard.said
    assert f"  Catching up from {built.last}: 2 sessions to {newest}" in heard.said
    assert any("12 tickets in force" in line and "SIMULATED" in line for line in heard.said)
    assert f"  runs    riskdesk {' '.join(command)}" in heard.said
    assert heard.ran == []
    assert heard.talk.prompt == "go ahead? [y/N] "
    heard("")
    assert heard.ran == []
    assert heard.said[-1] == "left it; nothing was done"
    heard("generate todays ideal portfolio", "y")
    assert heard.ran == [command]
    assert heard.talk.idle


def test_what_writes_nothing_is_a_plan_too_but_a_plain_enter_will_do(heard: Heard) -> None:
    heard("summarize")
    assert "plan: show the desk on one screen" in heard.said
    assert "  writes  nothing" in heard.said
    assert heard.ran == []
    heard("")
    assert heard.ran == [("morning", "--held")]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("explain jpm", ("explain", "--", "JPM")),
        ("why jpm-bac-reversion", ("explain", "--", "jpm-bac-reversion")),
        ("headroom KEY", ("headroom", "--", "KEY")),
        ("risk", ("risk",)),
        ("top 5 pairs", ("pairs", "find", "--top", "5")),
    ],
)
def test_questions_are_the_commands_of_the_command_line(heard: Heard, line: str, command: Command) -> None:
    heard(line, "y")
    assert heard.ran == [command]


def test_a_backtest_states_its_dates_and_asks_for_them_where_they_are_missing(heard: Heard, built: DeskFolder) -> None:
    heard("backtest")
    assert heard.said[-1].startswith("Over which days? (last 6 months, since 2024")
    heard("from 2025-01-01 to 2025-01-09")
    # New Year's Day and the day of mourning of 2025-01-09 are no sessions.
    assert "plan: backtest 2025-01-02 to 2025-01-08" in heard.said
    assert "  5 sessions, 2025-01-02 to 2025-01-08" in heard.said
    heard("yes")
    assert heard.ran == [("backtest", "--start", "2025-01-02", "--end", "2025-01-08")]


def test_six_months_end_today_which_is_the_newest_session_with_bars(heard: Heard, built: DeskFolder) -> None:
    heard("backtest last 6 months", "y")
    assert heard.ran[0][-1] == str(built.calendar.newest_closed(NOW))


def test_an_ambiguous_or_impossible_date_is_asked_again_with_what_is_allowed(heard: Heard) -> None:
    heard("backtest since 01/02/2025")
    assert heard.wrong == ["01/02/2025 could be 2025-01-02 or 2025-02-01 (allowed: 2025-01-02, 2025-02-01)"]
    assert heard.said[-1] == "Which days then?"
    heard("since 2025-02-30")
    assert "there is no day 2025-02-30" in heard.wrong[-1]
    heard("2025-01-25")
    assert "2025-01-25 is no session (a weekend); the nearest are 2025-01-24 and 2025-01-27" in heard.wrong[-1]
    heard("since 2030")
    assert "has not come yet" in heard.wrong[-1]
    heard("q1 2025")
    assert "plan: backtest 2025-01-02 to 2025-03-31" in heard.said
    assert heard.ran == []


def test_a_session_without_the_state_before_it_is_refused_by_the_plan_already(heard: Heard, built: DeskFolder) -> None:
    newest = built.calendar.newest_closed(NOW)
    heard(f"generate the portfolio for {newest}")
    assert "there is no desk state for the session before it" in heard.wrong[0]
    assert heard.talk.idle


@pytest.mark.parametrize("line", ["halt the desk", "stop", "hlat the desk", "halt the desk, funding is stressed", "stop all"])
def test_a_halt_is_pointed_to_and_a_stop_may_be_one(heard: Heard, line: str) -> None:
    heard(line)
    if line.startswith("hlat"):
        assert heard.said[-1] == "did you mean `halt the desk`?"
        heard("y")
    assert "`riskdesk halt --by NAME --reason WHY` stops the desk" in heard.wrong[-1]
    assert "`quit` leaves this console" in heard.wrong[-1]
    assert heard.talk.idle
    assert not heard.talk.over
    assert heard.ran == []


def test_a_stop_leaves_what_is_pending_and_runs_nothing(heard: Heard) -> None:
    for pending in ("generate todays ideal portfolio", "draft a ticket", "backtest"):
        heard(pending, "stop")
        assert heard.said[-1] == "left it; nothing was done"
        assert heard.talk.idle
        assert "riskdesk halt" in heard.wrong[-1]
    assert heard.ran == []


def test_the_words_that_point_to_a_halt_are_a_command_of_the_command_line(desk: DeskFolder) -> None:
    from riskdesk_assets.interfaces.console.grammar import HALTING

    told = " ".join(HALTING)
    for command in ("halt", "resume", "halts"):
        assert f"`riskdesk {command}" in told
        assert desk.run(command, "--help").exit_code == 0
    assert desk.run("halt", "--by", "Ann", "--reason", "funding").exit_code == 0


def test_a_guess_of_quit_leaves(heard: Heard) -> None:
    heard("qiut", "y")
    assert heard.talk.over
    assert heard.wrong == ["not understood: qiut"]


@pytest.mark.parametrize(
    ("line", "said"),
    [("top 0 pairs", "top 0 pairs"), ("top -3 pairs", "top -3 pairs"), ("show 10001 pairs", "top 10001 pairs")],
)
def test_a_number_of_pairs_that_cannot_be_shown_is_refused_with_what_is_allowed(heard: Heard, line: str, said: str) -> None:
    heard(line, "y")
    assert heard.wrong[0] == f"{said} cannot be shown (allowed: top 1 to top 10,000, such as top 20 pairs)"
    assert heard.ran == []


def test_the_most_pairs_that_are_allowed_are_what_the_command_takes(heard: Heard, built: DeskFolder) -> None:
    heard("top 10000 pairs", "y")
    assert heard.ran == [("pairs", "find", "--top", "10000")]
    assert built.run("pairs", "find", "--top", "10001").exit_code == 2


def test_a_length_with_a_minus_is_asked_again_in_the_words_of_whoever_said_it(heard: Heard) -> None:
    heard("backtest last -6 months")
    assert heard.wrong[0].startswith("-6 months are none (allowed: last 6 months")
    assert heard.said[-1] == "Which days then?"
    heard("6m")
    assert heard.talk.prompt == "go ahead? [y/N] "


@pytest.mark.parametrize("line", ["backtest 6m", "backtest 6 months", "backtest last 6 mo", "backtest last half year"])
def test_six_months_are_the_same_sessions_however_they_are_said(heard: Heard, line: str) -> None:
    heard("backtest last 6 months", "y", line, "y")
    assert heard.ran[0] == heard.ran[1]


def test_today_is_reached_from_where_the_desk_stands(heard: Heard, built: DeskFolder) -> None:
    heard("generate todays ideal portfolio", "y", "generate the portfolio for today", "y", "run today", "y")
    assert heard.ran[0] == heard.ran[1] == heard.ran[2]
    assert heard.ran[0][2] == str(built.calendar.after(built.last))


def test_which_tickets_are_active_is_answered_by_the_plan_already(heard: Heard, built: DeskFolder) -> None:
    heard("which tickets are active")
    told = " ".join(heard.told.split())
    names = sorted(path.stem for path in built.active.glob("*.yaml"))
    assert f"{len(names)} tickets in force on " in told
    assert all(name in told for name in names)
    heard("")
    assert heard.ran == [("morning", "--held")]


def test_the_book_is_shown_as_a_book(heard: Heard) -> None:
    heard("show the book")
    assert "plan: show the book and the tickets behind it" in heard.said
    heard("")
    assert heard.ran == [("book",)]


def test_a_ticket_that_is_not_in_force_is_told_apart(desk: DeskFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk.active / "jpm-bac-reversion.yaml"
    path.write_text(re.sub(r"expires_on: \S+", "expires_on: 2020-01-31", path.read_text()))
    heard = Heard(desk, monkeypatch)
    heard("which tickets are active")
    told = " ".join(heard.told.split())
    assert "11 tickets in force on " in told
    assert "not in force: jpm-bac-reversion" in told


def test_a_guess_is_asked_about_and_still_only_a_plan(heard: Heard) -> None:
    heard("bactest lst 6 months")
    assert heard.said[-1] == "did you mean `backtest last 6 months`?"
    heard("y")
    assert heard.talk.prompt == "go ahead? [y/N] "
    assert heard.ran == []
    heard("n", "bactest last 6 months", "")
    assert heard.talk.idle
    heard("bactest last 6 months", "summarize", "y")
    assert heard.ran == [("morning", "--held")]


def test_what_is_not_understood_is_never_half_done(heard: Heard) -> None:
    heard("generate a portfolio without JPM")
    assert heard.wrong == ["this asks for GENERATE_IDEAL_PORTFOLIO, but not understood: without jpm"]
    assert heard.talk.idle
    assert heard.talk.worst == 2


@pytest.mark.parametrize(
    "line", ["promote my-idea", "delete jpm-bac-reversion", "put jpm-bac-reversion in force", "edit all tickets"]
)
def test_a_ticket_in_force_is_out_of_reach(heard: Heard, line: str) -> None:
    heard(line, "y", "yes")
    assert heard.wrong[0] == "this console drafts, and never touches a ticket in force"
    assert heard.ran == []


def test_the_second_command_of_a_plan_does_not_run_where_the_first_one_fails(heard: Heard) -> None:
    heard.code = 2
    heard("MS vs SCHW, 500k, high conviction", "y")
    assert len(heard.ran) == 1
    assert heard.talk.worst == 2
