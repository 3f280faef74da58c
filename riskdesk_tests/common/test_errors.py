"""What a person is told when a word is not known."""

from __future__ import annotations

from riskdesk_assets.common.errors import nearest


def test_the_closest_word_is_offered():
    assert nearest("orientatoin", ["orientation", "note"]) == "; did you mean 'orientation'?"


def test_of_two_equally_close_words_the_one_that_begins_alike_is_offered():
    assert nearest("JPN", ["PNC", "JPM", "BAC"]) == "; did you mean 'JPM'?"


def test_nothing_is_offered_where_nothing_is_close():
    assert nearest("zzz", ["JPM", "note"]) == ""
