"""Conversations with a real desk, piped: plans wait for a yes, drafts stay drafts, and the exit code is the worst action's."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from riskdesk_assets.interfaces.console.conversation import Conversation, Mode
from riskdesk_assets.interfaces.console.plan import Command
from riskdesk_tests.interfaces.conftest import DeskFolder

Hash = Callable[[Path], dict[str, bytes]]
NOW = datetime.now(UTC)


class Heard:
    """A conversation whose commands are noted instead of run: what would be done, to the last argument."""

    def __init__(self, desk: DeskFolder, monkeypatch: pytest.MonkeyPatch, *, asks: bool = True, yes: bool = False) -> None:
        for name, value in desk.environ.items():
            monkeypatch.setenv(name, value)
        self.said: list[str] = []
        self.wrong: list[str] = []
        self.ran: list[Command] = []
        self.code = 0
        self.talk = Conversation(Mode(asks=asks, yes=yes), self.said.append, self.wrong.append, self._note, lambda: NOW)

    def _note(self, command: Command) -> int:
        self.ran.append(command)
        return self.code

    def __call__(self, *lines: str) -> Heard:
        for line in lines:
            self.talk.hear(line)
        return self

    @property
    def told(self) -> str:
        return "\n".join(self.said)


@pytest.fixture
def heard(built: DeskFolder, monkeypatch: pytest.MonkeyPatch) -> Heard:
    return Heard(built, monkeypatch)


def drafts(desk: DeskFolder) -> Path:
    return desk.root / "tickets" / "drafts"


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
    assert heard.ran == [("morning",)]


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


def test_a_draft_asks_for_what_is_missing_one_thing_at_a_time(heard: Heard) -> None:
    heard("draft a ticket")
    assert heard.said[-1].startswith("Which pair?")
    heard("axp, cof")
    assert heard.said[-1].startswith("How many dollars of gross at most?")
    heard("500")
    assert "500 could be dollars or thousands (allowed: $500, 500k)" in heard.wrong
    heard("500k")
    assert heard.said[-1].startswith("How high is the conviction?")
    heard("9")
    assert any("conviction: is 9 (allowed: 1 to 5" in line for line in heard.wrong)
    heard("low")
    assert "plan: draft axp-cof-reversion" in heard.said
    assert "conviction Low: half units" in heard.told
    assert heard.ran == []
    heard("y")
    assert heard.ran[0] == (
        *("tickets", "draft", "--leg-a=AXP", "--leg-b=COF", "--ticket-id=axp-cof-reversion"),
        *("--max-gross-notional=500000", "--conviction=Low"),
    )
    assert heard.ran[1][:2] == ("tickets", "lint")
    assert heard.ran[1][2].endswith("drafts/axp-cof-reversion.yaml")


def test_enter_takes_the_usual_answer_and_a_plan_may_be_changed_before_the_yes(heard: Heard) -> None:
    heard("GS vs SCHW", "", "")
    assert "at most $800,000 gross, $560,000 a leg; conviction 3" in heard.told
    heard("conviction high, 300k, only long")
    assert "at most $300,000 gross, $210,000 a leg; conviction High" in heard.told
    heard("y")
    assert heard.ran[0][2:] == (
        *("--leg-a=GS", "--leg-b=SCHW", "--ticket-id=gs-schw-reversion", "--orientation=LONG_SPREAD"),
        *("--max-gross-notional=300000", "--conviction=High"),
    )


def test_a_draft_shows_where_a_watched_pair_stands_as_the_warehouse_says(heard: Heard, built: DeskFolder) -> None:
    states = built.warehouse.read("pair_state", built.last, built.last)
    row = next(row for row in states.iter_rows(named=True) if row["pair_id"] == "JPM__BAC")
    heard("JPM vs BAC, 500k, high conviction")
    line = " ".join(heard.told.split())
    assert f"{built.last}: z" in line
    life = "does not revert" if row["half_life_days"] is None else f"half-life {row['half_life_days']:.1f} sessions"
    assert f"z {row['zscore']:+.2f}" in line
    assert life in line
    assert f"correlation {row['corr_60']:.2f}, hedge {row['beta']:.2f}" in line
    assert "computed" not in line


def test_a_pair_nobody_watches_is_computed_from_the_bars_the_same_way(heard: Heard, built: DeskFolder) -> None:
    from riskdesk_assets.features.compute import panel_of
    from riskdesk_assets.features.pair_state import pair_state
    from riskdesk_assets.interfaces.console.surroundings import Surroundings
    from riskdesk_assets.market.history import read_history

    around = Surroundings(NOW)
    heard("MS vs SCHW, 500k, high conviction")
    told = " ".join(heard.told.split())
    panel = panel_of(read_history(around.paths, around.calendar, around.config, built.last, built.last), around.config)
    row = pair_state(panel, [("MS", "SCHW")], around.config.desk.features, "v1", built.last, built.last).row(0, named=True)
    assert f"z {row['zscore']:+.2f}" in told
    assert f"hedge {row['beta']:.2f} (computed from the bars: nobody watches this pair)" in told


def test_a_draft_says_what_the_limits_of_the_standing_book_leave_of_it(heard: Heard, built: DeskFolder) -> None:
    heard("JPM vs BAC, 50m, high conviction")
    told = " ".join(heard.told.split())
    found = re.search(r"of \$50,000,000 gross as ([+-])JPM ([+-])BAC, the book of \S+ leaves \$([0-9,]+): (\S+) stands", told)
    assert found, told
    left = float(found[3].replace(",", ""))
    assert 0 < left < 2_500_000  # the gross limit of the whole book
    audited = {row["limit_name"] for row in built.warehouse.read("limit_audit", built.last, built.last).iter_rows(named=True)}
    assert found[4] in audited


def test_an_id_that_is_taken_gets_a_number_and_one_that_was_asked_for_is_asked_again(heard: Heard, built: DeskFolder) -> None:
    heard("JPM vs BAC, 500k, high conviction")
    assert "plan: draft jpm-bac-reversion-2" in heard.said
    assert "the pair has a ticket already: jpm-bac-reversion" in heard.told
    heard("n", "KEY vs PNC, 500k, high conviction, id jpm-bac-reversion")
    assert heard.wrong == ["jpm-bac-reversion is taken: an active ticket (allowed: another id, such as jpm-bac-reversion-2)"]
    heard("id my-own")
    assert "plan: draft my-own" in heard.said


def test_a_ticket_that_would_be_over_already_is_refused(heard: Heard) -> None:
    heard("KEY vs PNC, 500k, high conviction, expires 2020-01-01")
    assert "it would be over already: expires_on is 2020-01-01" in heard.wrong[0]
    heard("expires end of next year", "y")
    assert f"--expires-on={NOW.year + 1}-12-31" in heard.ran[0]


def test_an_answer_may_say_more_than_was_asked(heard: Heard) -> None:
    heard("draft a ticket", "KEY vs PNC, 500k, expires in 6 months", "high", "y")
    expires = next(word for word in heard.ran[0] if word.startswith("--expires-on="))
    assert NOW.date() < datetime.fromisoformat(expires.split("=")[1]).date()
    assert "--max-gross-notional=500000" in heard.ran[0]


def test_a_pair_in_the_other_order_of_a_ticket_is_told_before_it_is_written(heard: Heard) -> None:
    heard("AXP vs COF, 500k, high conviction")
    assert "are one pair in opposite order" in " ".join(heard.told.split())


def test_a_question_gives_way_to_another_request_and_a_no_drops_it(heard: Heard) -> None:
    heard("draft a ticket", "find pairs", "y")
    assert heard.ran == [("pairs", "find")]
    heard("draft a ticket", "help")
    assert heard.said[-1].startswith("Which pair?")
    heard("never mind")
    assert heard.talk.idle
    heard("draft a ticket", "quit")
    assert heard.talk.over
    assert len(heard.ran) == 1


def test_a_new_draft_takes_the_place_of_any_plan_that_waits(heard: Heard) -> None:
    for waiting in ("summarize", "backtest q1 2025", "lint my tickets", "find pairs"):
        heard(waiting, "MS vs SCHW, 500k, high conviction")
        assert heard.said[-1].startswith("  writes  tickets/drafts/ms-schw-reversion.yaml")
        assert heard.wrong == []
        heard("n")
    heard("backtest q1 2025", "draft a ticket")
    assert heard.said[-1].startswith("Which pair?")
    heard("MS SCHW", "500k", "low", "y")
    assert [command[:2] for command in heard.ran] == [("tickets", "draft"), ("tickets", "lint")]


def test_another_pair_is_another_draft_and_takes_nothing_over_from_the_one_that_waits(heard: Heard) -> None:
    heard("KEY vs PNC, 300k, low conviction, only long, id my-own, note: cheap since June", "MS vs SCHW, 500k, high", "y")
    assert "left it; nothing was done" in heard.said
    assert heard.ran[0] == (
        *("tickets", "draft", "--leg-a=MS", "--leg-b=SCHW", "--ticket-id=ms-schw-reversion"),
        *("--max-gross-notional=500000", "--conviction=High"),
    )


def test_the_same_pair_or_a_change_by_name_still_refines_the_draft_that_waits(heard: Heard) -> None:
    heard("KEY vs PNC, 300k, low conviction, only long", "KEY vs PNC, 400k", "change it to MS vs SCHW", "y")
    assert heard.ran[0] == (
        *("tickets", "draft", "--leg-a=MS", "--leg-b=SCHW", "--ticket-id=ms-schw-reversion", "--orientation=LONG_SPREAD"),
        *("--max-gross-notional=400000", "--conviction=Low"),
    )


def test_what_is_no_draft_yet_is_still_neither_yes_nor_no(heard: Heard) -> None:
    heard("backtest q1 2025", "500", "perhaps")
    assert heard.wrong == ["yes or no? (a yes runs the plan, a no leaves it; nothing has been done)"] * 2
    assert heard.talk.prompt == "go ahead? [y/N] "


def test_a_draft_answers_no_question_for_days_but_a_name_answers_the_one_for_a_name(heard: Heard) -> None:
    heard("backtest", "MS vs SCHW, 500k, high", "n")
    assert "plan: draft ms-schw-reversion" in heard.said
    heard("explain", "key-rf", "y")
    assert heard.ran == [("explain", "--", "key-rf")]


@pytest.mark.parametrize("line", ["JPM vs JPM, 500k", "JPM JPM", "draft jpm/jpm", "long JPM short JPM, high conviction"])
def test_a_name_against_itself_is_told_before_anything_is_asked(heard: Heard, line: str) -> None:
    heard(line)
    assert heard.wrong == ["leg_b: is JPM, the same as leg_a (allowed: two names, such as JPM vs BAC)"]
    assert [said for said in heard.said if said.endswith(")")] == [
        "Which pair? (two names, such as JPM vs BAC, or long JPM short BAC)"
    ]
    heard("JPM JPM")
    assert len(heard.wrong) == 2
    heard("MS SCHW", "500k", "high")
    assert "plan: draft ms-schw-reversion" in heard.said


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
    assert heard.ran == [("morning",)]


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
    assert heard.ran == [("morning",)]


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


def test_without_a_desk_a_draft_says_that_nothing_is_known_and_can_still_be_written(
    empty: DeskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard(empty, monkeypatch)
    heard("MS vs SCHW, 500k, high conviction")
    assert "today: not known: there are no bars yet" in heard.told
    heard("y")
    assert heard.ran[0][:2] == ("tickets", "draft")


# Piped, through the command itself.


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


def test_a_summary_fits_one_screen(built: DeskFolder) -> None:
    result = built.run("console", "--yes", input="summarize\n")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) <= 40
    assert max(len(line.rstrip()) for line in lines) <= 80
    for word in ("regimes", "book", "halts", "RELEASED", "clips"):
        assert any(word in line for line in lines), word
