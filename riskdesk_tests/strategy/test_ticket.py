"""The ticket's fields: what is required, what is allowed, and what its hash stands for (RD-54 to RD-69, X-20 to X-22)."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.strategy.loading import parse_ticket
from riskdesk_assets.strategy.ticket import Ticket
from riskdesk_tests.strategy.tickets import UNIVERSE, ticket_fields, ticket_text

REQUIRED = list(ticket_fields())


def problem_of(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_ticket(text.encode(), "t.yaml", UNIVERSE)
    assert len(caught.value.problems) == 1, caught.value.problems
    return str(caught.value.problems[0])


def ticket(**changes: object) -> Ticket:
    return Ticket.model_validate(ticket_fields(**changes))


@pytest.mark.parametrize("name", REQUIRED)
def test_every_required_field_is_missed_by_name(name: str) -> None:
    assert problem_of(ticket_text(**{name: None})) == f"t.yaml:1: {name}: is required and missing"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"type": "TRIO"}, "t.yaml:2: type: is 'TRIO' (allowed: PAIR)"),
        ({"leg_a": "jpm"}, "leg_a: 'jpm' is not a symbol"),
        (
            {"leg_a": "JPMM"},
            "t.yaml:3: leg_a: 'JPMM' is not in the universe; did you mean 'JPM'? (allowed: BAC, C, JPM, ON, WFC)",
        ),
        ({"leg_a": "KRE"}, "leg_a: 'KRE' is only watched, never traded"),
        ({"leg_b": "JPM"}, "t.yaml:4: leg_b: is JPM, the same as leg_a (allowed: another symbol)"),
        ({"leg_a": "CASH"}, "leg_a: 'CASH' is not a symbol"),
        (
            {"orientation": "LONG_SPRED"},
            "t.yaml:5: orientation: is 'LONG_SPRED'; did you mean 'LONG_SPREAD'? (allowed: LONG_SPREAD, SHORT_SPREAD, BOTH)",
        ),
        ({"max_gross_notional": 0}, "t.yaml:6: max_gross_notional: is 0 (allowed: more than 0"),
        ({"max_gross_notional": -5}, "max_gross_notional: is -5 (allowed: more than 0"),
        ({"max_gross_notional": "1e13"}, "max_gross_notional: is 10000000000000.0 (allowed: at most 1000000000000.0)"),
        ({"max_gross_notional": ".inf"}, "max_gross_notional: is '.inf' (allowed: a number)"),
        ({"max_gross_notional": "'800000'"}, "max_gross_notional: is '800000' (allowed: a number)"),
        ({"max_leg_notional": ".nan"}, "max_leg_notional: is '.nan' (allowed: a number)"),
        ({"max_leg_notional": True}, "max_leg_notional: is True (allowed: a number)"),
        ({"horizon_days": 0}, "horizon_days: is 0 (allowed: at least 1)"),
        ({"horizon_days": 2521}, "horizon_days: is 2521 (allowed: at most 2520)"),
        ({"horizon_days": 40.5}, "horizon_days: is 40.5 (allowed: a whole number)"),
        ({"time_stop_days": 0}, "time_stop_days: is 0 (allowed: at least 1)"),
        ({"time_stop_days": "010"}, "time_stop_days: is '010' (allowed: a whole number)"),
        ({"conviction": 0}, "conviction: is 0 (allowed: 1 to 5, Low, Medium, High, Exceptional)"),
        ({"conviction": 6}, "conviction: is 6 (allowed: 1 to 5"),
        ({"conviction": True}, "conviction: is True (allowed: 1 to 5"),
        ({"conviction": 3.0}, "conviction: is 3.0 (allowed: 1 to 5"),
        ({"conviction": "hgh"}, "t.yaml:9: conviction: is 'hgh'; did you mean 'High'? (allowed: 1 to 5"),
        ({"conviction": "[3]"}, "conviction: is [3] (allowed: 1 to 5"),
        ({"flatten_on_breakdown": "yes"}, "flatten_on_breakdown: is 'yes' (allowed: true, false)"),
        ({"flatten_on_breakdown": 1}, "flatten_on_breakdown: is 1 (allowed: true, false)"),
        ({"expires_on": "2027-02-30"}, "expires_on: is '2027-02-30' (allowed: a date, YYYY-MM-DD)"),
        ({"expires_on": 20271231}, "expires_on: is 20271231 (allowed: a date, YYYY-MM-DD)"),
        ({"entry_z": 1.0, "exit_z": 1.5}, "t.yaml:14: exit_z: is 1.5, above entry_z 1.0 (allowed: at most 1.0)"),
        ({"entry_z": -1}, "entry_z: is -1 (allowed: at least 0"),
        (
            {"effective_from": "2028-01-01"},
            "t.yaml:13: effective_from: is 2028-01-01, after expires_on (allowed: at most 2027-12-31)",
        ),
        ({"share": 0}, "share: is 0 (allowed: more than 0"),
        ({"share": 1.01}, "share: is 1.01 (allowed: at most 1"),
        ({"ticket_id": "../x"}, "ticket_id: is '../x'"),
        ({"ticket_id": "a/b"}, "ticket_id: is 'a/b'"),
        ({"ticket_id": "-x"}, "ticket_id: is '-x'"),
        ({"ticket_id": "x" * 65}, "ticket_id: is 'xxx"),
        ({"ticket_id": "'x\n\n  '"}, "ticket_id: is 'x\\n'"),
        ({"ticket_id": 7}, "ticket_id: is 7 (allowed: text"),
        ({"note": '"a\\u202eb"'}, "note: holds characters that do not print"),
        ({"exit_zz": 1}, "exit_zz: is not a known field; did you mean 'exit_z'?"),
    ],
)
def test_an_unusable_value_is_told_with_its_line_and_what_is_allowed(changes: dict[str, object], says: str) -> None:
    assert says in problem_of(ticket_text(**changes))


def test_all_problems_of_a_file_are_told_at_once_and_each_leg_once() -> None:
    text = ticket_text(leg_a="XYZ", leg_b="jpm", conviction=9, horizon_days=0)
    with pytest.raises(InputError) as caught:
        parse_ticket(text.encode(), "t.yaml", UNIVERSE)
    assert sorted(problem.field for problem in caught.value.problems) == ["conviction", "horizon_days", "leg_a", "leg_b"]


def test_on_is_a_ticker() -> None:
    assert parse_ticket(ticket_text(leg_b="ON").encode(), "t.yaml", UNIVERSE).ticket.leg_b == "ON"


@pytest.mark.parametrize(
    ("given_form", "level", "units"),
    [
        (1, 1, 0.5),
        (2, 2, 0.5),
        (3, 3, 1.0),
        (4, 4, 1.0),
        (5, 5, 1.0),
        ("Low", 2, 0.5),
        ("Medium", 3, 1.0),
        ("High", 4, 1.0),
        ("Exceptional", 5, 1.0),
    ],
)
def test_conviction_is_a_level_or_a_tier_and_low_ones_take_half_units(given_form: object, level: int, units: float) -> None:
    made = ticket(conviction=given_form)
    assert (made.conviction_level, made.max_units) == (level, units)


def test_a_ticket_is_in_force_on_its_first_and_last_day_and_not_beyond() -> None:
    made = ticket(effective_from=date(2026, 1, 5), expires_on=date(2026, 2, 6))
    assert [made.in_force(day) for day in (date(2026, 1, 4), date(2026, 1, 5), date(2026, 2, 6), date(2026, 2, 7))] == [
        False,
        True,
        True,
        False,
    ]
    assert ticket().in_force(date(2015, 1, 2))


def test_the_same_content_in_other_words_has_the_same_hash() -> None:
    one = parse_ticket(ticket_text().encode(), "a.yaml", UNIVERSE)
    lines = ticket_text(max_gross_notional="8e5", conviction="Medium", expires_on="'2027-12-31'").splitlines()
    other = parse_ticket(("# why\r\n" + "\r\n".join(reversed(lines))).encode(), "b.yml", UNIVERSE)
    assert one.content_hash == other.content_hash


@pytest.mark.parametrize(
    "changes",
    [
        {"leg_b": "C"},
        {"orientation": "LONG_SPREAD"},
        {"max_leg_notional": 560001},
        {"conviction": 4},
        {"note": "why"},
        {"exit_z": 0},
        {"flatten_on_breakdown": False},
        {"effective_from": date(2020, 1, 2)},
        {"share": 0.5},
        {"strategy": "s"},
    ],
)
def test_any_change_of_content_changes_the_hash(changes: dict[str, object]) -> None:
    assert ticket(**changes).content_hash != ticket().content_hash


def test_a_ticket_cannot_be_changed_and_a_time_of_day_is_no_date() -> None:
    with pytest.raises(ValidationError):
        ticket().leg_a = "C"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        ticket(expires_on=datetime(2027, 12, 31, 5, 0))


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.lists(st.integers(), max_size=2)
)


@given(st.sampled_from([*REQUIRED, "entry_z", "exit_z", "effective_from", "strategy", "share", "note"]), ANYTHING)
@settings(derandomize=True, deadline=None, max_examples=400)
def test_any_value_of_any_field_gives_a_usable_ticket_or_a_problem(name: str, value: object) -> None:
    try:
        made = Ticket.model_validate(ticket_fields() | {name: value})
    except ValidationError:
        return
    assert made.pair_id == f"{made.leg_a}__{made.leg_b}"
    assert made.max_gross_notional > 0
    assert made.max_units in (0.5, 1.0)
    assert len(made.content_hash) == 64
