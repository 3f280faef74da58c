"""A change counts once two looks in a row read the same content."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.strategy.watch import Observation, observe


def look(folders: list[Mapping[str, str]], cursor: str = "") -> list[Observation]:
    found = []
    for current in folders:
        found.append(observe(cursor, current))
        cursor = found[-1].cursor
    return found


def test_the_first_look_takes_the_folder_as_it_is() -> None:
    (first,) = look([{"a": "1"}])
    assert (first.changed, first.run_key, first.settling) == ((), None, False)


def test_a_change_counts_at_the_second_equal_look_and_once() -> None:
    found = look([{"a": "1"}, {"a": "2"}, {"a": "2"}, {"a": "2"}])
    assert [(item.changed, item.run_key is not None, item.settling) for item in found] == [
        ((), False, False),
        (("a",), False, True),
        (("a",), True, False),
        ((), False, False),
    ]


def test_a_file_still_being_written_holds_everything_back() -> None:
    found = look([{"a": "1"}, {"a": "2", "b": "x"}, {"a": "2", "b": "xy"}, {"a": "2", "b": "xyz"}, {"a": "2", "b": "xyz"}])
    assert [item.run_key is not None for item in found] == [False, False, False, False, True]
    assert found[-1].changed == ("a", "b")


def test_a_rename_is_two_names_and_a_delete_one() -> None:
    assert look([{"a": "1"}, {"b": "1"}, {"b": "1"}])[-1].changed == ("a", "b")
    assert look([{"a": "1"}, {}, {}])[-1].changed == ("a",)


def test_a_revert_to_an_earlier_state_has_a_run_key_of_its_own() -> None:
    one, two = {"a": "1"}, {"a": "2"}
    keys = [item.run_key for item in look([one, two, two, one, one, two, two]) if item.run_key]
    assert len(keys) == len(set(keys)) == 3


def test_a_change_taken_back_before_it_settled_is_no_change() -> None:
    found = look([{"a": "1"}, {"a": "2"}, {"a": "1"}, {"a": "1"}])
    assert [item.run_key for item in found] == [None] * 4
    assert [item.settling for item in found] == [False, True, True, False]


def test_a_repeated_look_with_the_same_cursor_gives_the_same_run_key() -> None:
    before = look([{"a": "1"}, {"a": "2"}])[-1].cursor
    assert observe(before, {"a": "2"}) == observe(before, {"a": "2"})


@given(st.one_of(st.text(max_size=30), st.sampled_from(["[]", "{}", "null", "1", '{"settled": 1, "seen": {}, "counter": 0}'])))
@settings(derandomize=True, deadline=None, max_examples=100)
def test_a_damaged_cursor_starts_anew(cursor: str) -> None:
    found = observe(cursor, {"a": "1"})
    assert found.run_key is None
    assert observe(found.cursor, {"a": "1"}).changed == ()


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from("123"), max_size=3), min_size=1, max_size=12))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_every_settled_state_that_differs_from_the_last_one_requests_exactly_one_run(folders: list[dict[str, str]]) -> None:
    found = look(folders)
    settled, expected = folders[0], [False]
    for before, now in itertools.pairwise(folders):
        expected.append(now == before and now != settled)
        settled = now if expected[-1] else settled
    assert [item.run_key is not None for item in found] == expected
