"""Drafts in conversation: what is missing is asked, what the desk knows is shown, and only the drafts folder is written."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from riskdesk_assets.features.pair_health import PairHealth, pair_warnings
from riskdesk_assets.interfaces.console.surroundings import Surroundings
from riskdesk_assets.strategy.usual_terms import HORIZON_SESSIONS
from riskdesk_tests.interfaces.conftest import DeskFolder
from riskdesk_tests.interfaces.console.heard import NOW, Heard


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
    warned = pair_warnings(PairHealth.of_row(row), HORIZON_SESSIONS, Surroundings(NOW).config.desk)
    assert ("warns of: " + "; ".join(warned.values()) in line) if warned else ("warns of" not in line)


def test_a_draft_of_a_short_horizon_is_warned_of_a_half_life_beyond_it(heard: Heard, built: DeskFolder) -> None:
    states = built.warehouse.read("pair_state", built.last, built.last)
    row = next(row for row in states.iter_rows(named=True) if row["pair_id"] == "JPM__BAC")
    heard("JPM vs BAC, 500k, high conviction, horizon 2 sessions")
    line = " ".join(heard.told.split())
    assert row["half_life_days"] is None or row["half_life_days"] > 2
    said = "no half-life" if row["half_life_days"] is None else "beyond the ticket's horizon of 2"
    assert "warns of: " in line
    assert said in line


def test_a_pair_nobody_watches_is_computed_from_the_bars_the_same_way(heard: Heard, built: DeskFolder) -> None:
    from riskdesk_assets.features.compute import panel_of
    from riskdesk_assets.features.pair_state import pair_state
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


def test_without_a_desk_a_draft_says_that_nothing_is_known_and_can_still_be_written(
    empty: DeskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard(empty, monkeypatch)
    heard("MS vs SCHW, 500k, high conviction")
    assert "today: not known: there are no bars yet" in heard.told
    heard("y")
    assert heard.ran[0][:2] == ("tickets", "draft")


# Piped, through the command itself.
