"""Lengths of time as people say them: ``6 months``, ``6m``, ``half a year``, ``eighteen sessions``."""

from __future__ import annotations

import re

from riskdesk_assets.common.sample_statistics import SESSIONS_A_YEAR

ALLOWED_LENGTHS = "6 months, 6m, 90 days, 12w, 2 years, half a year"
NUMBERS = {
    name: number
    for number, name in enumerate(
        (
            *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
            *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
        ),
        start=1,
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90}
"""Numbers in words."""
_COUNTS = NUMBERS | {"a": 1, "an": 1}
_WORDS = "|".join(sorted(_COUNTS, key=len, reverse=True))
COUNT = rf"[0-9]{{1,5}}|{_WORDS}"
"""A pattern for how many."""
UNIT = r"(?:calendar )?days?|sessions?|trading days?|weeks?|months?|quarters?|years?|yrs?"
"""A pattern for a unit written out."""
_SHORT = r"d|wks?|w|mos?|mths?|m|y"
"""Short units, of periods only: of a ticket, 6m may be six million."""
_EACH = rf"(?:{UNIT}|{_SHORT})"
_HALF_YEARS = (
    r"(?:an? )?half[ -](?:an? )?year|(?:an? )?year and a half|(?:one|1) and a half years?|[0-9]{1,3}\.5 ?(?:years?|yrs?|y)"
)
REACH = rf"(?:{_HALF_YEARS}|(?:-?[0-9]{{1,5}}|{_WORDS})[ -]?{_EACH})"
"""A pattern for a length up to today, in small letters, without groups; one with a minus is told to be none."""
SPELL = rf"(?:{COUNT})[ -](?:{UNIT})(?!\w)"
"""A pattern for a number of sessions, in small letters, without groups."""


class DayError(ValueError):
    """No day or period, an impossible one, or one that could mean two; the message says what is allowed."""


def length(said: str) -> tuple[int, str]:
    """Count and unit, written out, of what REACH matches; halves of a year are months.

    Raises:
        DayError: no length.
    """
    if re.fullmatch(_HALF_YEARS, said):
        years = re.match(r"[0-9]+", said)
        if "." in said and years:
            return 12 * int(years[0]) + 6, "months"
        return (18 if "and" in said else 6), "months"
    found = re.fullmatch(rf"(-?[0-9]{{1,5}}|{_WORDS})[ -]?({_EACH})", said)
    if found is None:
        raise DayError(f"{said[:40]!r} is no length (allowed: {ALLOWED_LENGTHS})")
    unit = found[2]
    if re.fullmatch(_SHORT, unit):
        unit = {"d": "days", "w": "weeks", "m": "months", "y": "years"}[unit[0]]
    return number(found[1]), unit


def sessions_of(text: str) -> int:
    """How many sessions ``40 days``, ``2 weeks`` or ``a month`` are: a day is a session, a week 5, a month 21, a year 252.

    Raises:
        DayError: no such number.
    """
    found = re.fullmatch(rf"({COUNT})[ -]({UNIT})", text.strip().lower())
    if found is None:
        raise DayError(f"{text.strip()[:40]!r} is no number of sessions (allowed: 40 days, 8 weeks, 2 months)")
    count, unit = number(found[1]), found[2]
    factor = {"w": 5, "m": 21, "q": 63, "y": SESSIONS_A_YEAR}.get(unit[0], 1)
    return count * factor


def number(text: str) -> int:
    """Of what COUNT matches."""
    return _COUNTS[text] if text in _COUNTS else int(text)
