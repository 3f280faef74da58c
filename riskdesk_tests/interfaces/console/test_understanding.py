"""The grammar as data: each phrase is one intent with these slots, and what is left over stops it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.interfaces.console.completion import completions
from riskdesk_assets.interfaces.console.grammar import EXAMPLES, RULES, TELLS, VOCABULARY, Intent
from riskdesk_assets.interfaces.console.line import UnusableLineError, read_line
from riskdesk_assets.interfaces.console.ticket_words import pair_of, ticket_words
from riskdesk_assets.interfaces.console.understanding import (
    Known,
    NotUnderstood,
    Understood,
    said_of_ticket,
    understand,
)
from riskdesk_tests.interfaces.console.phrases import DRAFTS, NOT_UNDERSTOOD, SAID, SYMBOLS, TICKETS, TODAY

KNOWN = Known(SYMBOLS, TICKETS, DRAFTS, TODAY)


def heard(text: str) -> Understood | NotUnderstood:
    return understand(read_line(text), KNOWN)


@pytest.mark.parametrize(("phrase", "intent", "slots"), SAID)
def test_a_phrase_is_this_intent_with_these_slots(phrase: str, intent: str, slots: dict[str, object]) -> None:
    said = heard(phrase)
    assert isinstance(said, Understood), said
    assert said.intent.value == intent
    if said.intent is Intent.DRAFT_TICKET:
        ticket = said_of_ticket(said)
        assert ticket.problems == ()
        assert dict(ticket.fields) == slots
    else:
        assert dict(said.slots) == slots


@pytest.mark.parametrize(("phrase", "intent", "left", "guess"), NOT_UNDERSTOOD)
def test_what_is_left_over_stops_a_phrase_and_a_misspelt_one_is_guessed(
    phrase: str, intent: str | None, left: str, guess: str
) -> None:
    said = heard(phrase)
    assert isinstance(said, NotUnderstood), said
    assert (said.intent.value if said.intent else None, said.left, said.guess) == (intent, left, guess)


def test_a_line_about_a_ticket_is_never_answered_with_a_phrase_about_another() -> None:
    for phrase in ("whyever key-rf-reversion", "wy, oh why key-rf-reversion", "dump key-rf-reversion", "close key-rf tomorrow"):
        said = heard(phrase)
        assert isinstance(said, NotUnderstood), phrase
        assert "jpm-bac" not in said.guess, said
    guessed = heard("tell why of key-rf-reversion, will you not")
    assert not isinstance(guessed, NotUnderstood) or "jpm-bac" not in guessed.guess


@pytest.mark.parametrize(("intent", "phrase"), [(intent, phrase) for intent, phrases in EXAMPLES for phrase in phrases])
def test_everything_that_help_lists_is_understood_as_it_says(intent: Intent, phrase: str) -> None:
    said = heard(phrase)
    assert isinstance(said, Understood), said
    assert said.intent is intent


def test_every_intent_but_promotion_is_in_help() -> None:
    assert {intent for intent, _ in EXAMPLES} == set(TELLS) == set(Intent) - {Intent.PROMOTE}
    assert {rule.intent for rule in RULES} == set(Intent) - {Intent.HELP, Intent.QUIT}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("JPN vs BAC", "JPN is not in the universe; did you mean 'JPM'?"),
        ("c vs wfc, 500", "500 could be dollars or thousands"),
        ("jpm vs bac 500k 600k", "max_gross_notional is said twice"),
        ("jpm vs bac high conviction low conviction", "conviction is said twice: High and Low"),
        ("jpm vs bac until 01/02/2027", "could be 2027-01-02 or 2027-02-01"),
        ("jpm vs bac expires march", "march of which year?"),
    ],
)
def test_what_cannot_be_of_a_ticket_is_told(text: str, said: str) -> None:
    found = ticket_words(read_line(text), SYMBOLS, TODAY)
    assert any(said in problem for problem in found.problems), found


@pytest.mark.parametrize(
    ("text", "legs"),
    [("jpm bac", ("JPM", "BAC")), ("JPM, BAC", ("JPM", "BAC")), ("long key short rf", ("KEY", "RF")), ("C/WFC", ("C", "WFC"))],
)
def test_a_pair_as_an_answer(text: str, legs: tuple[str, str]) -> None:
    found = pair_of(text, SYMBOLS, TODAY)
    assert (found.fields["leg_a"], found.fields["leg_b"]) == legs


def test_tab_offers_phrases_then_names() -> None:
    names = (*SYMBOLS, *TICKETS)
    assert completions("gen", names) == ["generate todays ideal portfolio"]
    assert "backtest last 6 months" in completions("back", names)
    assert completions("explain jp", names) == ["explain jpm-bac-reversion"]
    assert completions("headroom JP", names) == ["headroom JPM"]
    assert completions("headroom K", names) == ["headroom KEY"]
    assert completions("headroom ke", names) == ["headroom key-rf-reversion"]
    assert completions("headroom sc", names) == ["headroom SCHW"]
    assert completions("zzz", names) == []
    assert completions("", names)[0] == "summarize"
    assert completions("headroom ", names) == ["headroom JPM"]


@pytest.mark.parametrize(
    "raw",
    ["\x1b[31mred", "a\x00b", "ri\x07sk", "a\rb", "right\u202eleft", "\ud800", "x" * 2001, "y" * 100_000, "a\x7f", "a\u2028b"],
)
def test_a_line_that_does_not_print_or_does_not_end_is_refused_without_showing_it(raw: str) -> None:
    with pytest.raises(UnusableLineError) as caught:
        read_line(raw)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
    assert "allowed" in str(caught.value)


def test_tabs_and_typographers_marks_are_plain_ones() -> None:
    assert read_line("  backtest\tlast 6\u00a0months – “x” \r\n").text == 'backtest last 6 months - "x"'


SOUP = st.lists(
    st.one_of(
        st.sampled_from(sorted(VOCABULARY)),
        st.sampled_from(
            [*SYMBOLS, *TICKETS, "vs", "/", "500k", "2024-01-02", "q1", "6", "long", "short", "note:", "conviction", "%s", "{}"]
        ),
        st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=8),
    ),
    max_size=14,
).map(" ".join)


@given(SOUP)
@settings(max_examples=80)
def test_any_words_are_understood_or_not_the_same_way_twice_and_a_guess_is_always_good(text: str) -> None:
    said = heard(text)
    assert heard(text) == said
    if isinstance(said, NotUnderstood) and said.guess:
        assert isinstance(heard(said.guess), Understood)


def test_two_thousand_hostile_characters_take_no_time() -> None:
    import time

    started = time.process_time()
    for text in (
        "a " * 1000,
        "jpm vs " * 280,
        "1," * 1000,
        "last " * 400,
        "from 2024-01-01 to " * 105,
        "-" * 2000,
        "note:" * 400,
    ):
        heard(text[:2000])
    assert time.process_time() - started < 20
