"""``--last 6m``: a length of time back from a session."""

from __future__ import annotations

import re
from datetime import date, timedelta

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.interfaces.failures import Unusable

_REACH = re.compile(r"([1-9][0-9]{0,3})([dwmy])\Z")


def first_day(reach: str, last: date) -> date:
    """The first day of the time that ends with ``last``.

    Raises:
        Unusable: not a number and a unit.
        InputError: it would begin before the year 1.
    """
    count, unit = require_reach(reach)
    return before(last, count, unit) + timedelta(days=1)


def require_reach(reach: str) -> tuple[int, str]:
    """The number and the unit (d, w, m or y). Raises Unusable where it is not that."""
    found = _REACH.match(reach)
    if found is None:
        raise Unusable(f"--last {reach!r} is not a length of time (allowed: a number and d, w, m or y, such as 6m)")
    return int(found[1]), found[2]


def before(day: date, count: int, unit: str) -> date:
    """The day ``count`` days, weeks, months or years before; the last of its month where that has no such day."""
    if unit in "dw":
        return day - timedelta(days=count * (7 if unit == "w" else 1))
    months = day.year * 12 + day.month - 1 - count * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(last, day.day))
        except ValueError:
            continue
    raise InputError(Problem("", None, "--last", f"reaches back before the year 1 from {day}"))
