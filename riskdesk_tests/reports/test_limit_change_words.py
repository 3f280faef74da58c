from __future__ import annotations

from datetime import date

import polars as pl

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.limit_change_words import generous, limit_change_words, limits_changed


def rows(*changes: tuple[str, str, str, float | None, float | None]) -> pl.DataFrame:
    """(limit, change, unit, from, to)."""
    names = ("limit_name", "change", "unit", "from_bound", "to_bound")
    empty = dict.fromkeys(TABLES["limit_changes"].columns)
    day = {"as_of_date": date(2026, 3, 3), "source": "limits"}
    return TABLES["limit_changes"].frame([{**empty, **day, **dict(zip(names, one, strict=True))} for one in changes])


def said(*changes: tuple[str, str, str, float | None, float | None]) -> str:
    return limit_change_words(limits_changed(rows(*changes)))


def test_a_limit_loosened_a_hundredfold_is_told_with_both_bounds_and_how_far() -> None:
    assert said(("group", "LOOSENED", "dollars", 1e6, 1e8)) == "1 loosened: group $1,000,000 to $100,000,000 (100 times)"


def test_what_became_more_generous_comes_first_and_the_farthest_before_the_others() -> None:
    words = said(
        ("a", "TIGHTENED", "dollars", 1e6, 9e5),
        ("b", "LOOSENED", "dollars", 1e6, 1.2e6),
        ("c", "LOOSENED", "count", 8.0, 80.0),
        ("d", "REMOVED", "dollars", 5e5, None),
        ("e", "ADDED", "dollars", None, 5e5),
    )
    assert words == (
        "2 loosened: c 8 to 80 (10 times), b $1,000,000 to $1,200,000; 1 removed: d $500,000 to none; "
        "1 added: e none to $500,000; 1 tightened: a $1,000,000 to $900,000"
    )


def test_many_changes_are_counted_and_the_first_named() -> None:
    words = said(*((f"name_gross:{place}", "TIGHTENED", "dollars", 4.0, 3.0) for place in range(9)))
    assert words.startswith("9 tightened: name_gross:0 $4 to $3, ")
    assert words.endswith(" and 6 more")


def test_a_class_is_told_by_its_word() -> None:
    assert said(("approval.required", "LOOSENED", "class", 2.0, 0.0)) == "1 loosened: approval.required all to none"


def test_only_loosened_and_removed_limits_are_generous_and_no_change_is_no_word() -> None:
    assert not generous(limits_changed(rows(("a", "TIGHTENED", "dollars", 2.0, 1.0), ("b", "ADDED", "dollars", None, 1.0))))
    assert generous(limits_changed(rows(("a", "REMOVED", "dollars", 2.0, None))))
    assert said() == ""
