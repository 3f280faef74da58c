"""Days and periods as people say them, as dates: never guessed, asked again where one could mean two things.

"Today" is the newest session that has closed and has bars; every relative word counts back from it. A period ends today at
the latest.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta

from riskdesk_assets.interfaces.console.lengths import COUNT, REACH, UNIT, DayError, length, number

ALLOWED_PERIODS = "last 6 months, since 2024, from 2023-01-03 to 2023-06-30, ytd, 2023, q1 2024, march 2023"
ALLOWED_DAYS = "2026-01-26, 26 jan 2026, today, yesterday"
_MONTHS = {
    name: number
    for number in range(1, 13)
    for name in (calendar.month_name[number].lower(), calendar.month_abbr[number].lower())
} | {"sept": 9}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR = r"(?:19|20|21)[0-9][0-9]"
_ORDINAL = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}
_QUARTER = rf"(?:q[1-4][ -]?{_YEAR}|[1-4]q[ -]?{_YEAR}|{_YEAR}[ -]?q[1-4]|(?:{'|'.join(_ORDINAL)}) quarter (?:of )?{_YEAR})"
_HALF = rf"(?:h[12][ -]?{_YEAR}|[12]h[ -]?{_YEAR}|{_YEAR}[ -]?h[12]|(?:first|second) half (?:of )?{_YEAR})"
_DAY = (
    rf"(?:[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}|{_YEAR}[0-9]{{4}}(?![0-9])"
    r"|[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{2,4}"
    rf"|(?:{_MONTH})\.? [0-9]{{1,2}}(?:st|nd|rd|th)?,? {_YEAR}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{_MONTH})\.?,? {_YEAR}|today|yesterday)"
)
_SPAN = rf"(?:{_QUARTER}|{_HALF}|(?:{_MONTH})\.? {_YEAR}|{_YEAR}-[0-9][0-9](?![-[0-9]])|{_YEAR}(?![-[0-9]]))"
POINT = rf"(?:{_DAY}|{_SPAN}|(?:{_MONTH}|q[1-4]|h[12])(?![\w.]))"
"""A pattern for what names a day or a span, in small letters, without groups."""
_LAST = rf"(?:(?:the|over|in|for) )*(?:last|past|previous|trailing) (?:{REACH}|{UNIT})(?!\w)"
_TO_DATE = r"(?:ytd|mtd|qtd|(?:year|month|quarter)[ -]to[ -]date|this (?:year|month|quarter|week))(?!\w)"
_FROM = rf"(?:from|between|starting) {POINT} (?:to|until|till|through|and|-) {POINT}"
_BARE = rf"{POINT} ?(?:to|until|till|through|-|\.\.) ?{POINT}"
_SINCE = rf"(?:since|starting|from) {POINT}(?: (?:on|onwards?|to now|to today))?"
_SPANNED = rf"{_FROM}|{_BARE}|{_SINCE}|{_LAST}|{_TO_DATE}"
_AT = rf"(?:(?:in|for|over|during|on|of|as of|asof) )?{POINT}"
PERIOD = rf"(?<!\w)(?:{_SPANNED}|{_AT})(?!'?\w)"
"""A pattern for a whole period, in small letters, without groups."""
PERIOD_OR_REACH = rf"(?<!\w)(?:{_SPANNED}|(?:(?:the|in|for|over|of) )*{REACH}|{_AT})(?!'?\w)"
"""The same, or a bare length such as ``6 months`` or ``6m``: that much up to today, where nothing else can be meant."""
DAY_WORDS = frozenset(
    (*_MONTHS, "last", "past", "previous", "trailing", "since", "from", "to", "until", "between", "today", "yesterday", "ytd")
) | {"day", "days", "week", "weeks", "month", "months", "quarter", "quarters", "year", "years", "session", "sessions", "half"}
"""The words of days: what a misspelt one is compared with."""


@dataclass(frozen=True)
class Period:
    """First and last day, both included; either may be a day without a session. ``cut``: it was to end after today."""

    start: date
    end: date
    cut: bool = False


def period(text: str, today: date, before_today: date | None = None) -> Period:
    """The days of a period said in words.

    Args:
        text: what PERIOD matches.
        today: the newest closed session with bars.
        before_today: the session before it; the day before where none is given.

    Raises:
        DayError: as told.
    """
    said = re.sub(r"\s+", " ", text.strip().lower())
    said = re.sub(r"^(?:(?:in|for|over|during|on|of|as of|asof|the) )+", "", said)
    said = _with_year(said)
    yesterday = before_today or _day_before(today)
    ends = re.fullmatch(
        rf"(?:from|between|starting) ({POINT}) (?:to|until|till|through|and|-) ({POINT})", said
    ) or re.fullmatch(rf"({POINT}) ?(?:to|until|till|through|-|\.\.) ?({POINT})", said)
    if ends:
        return _within(_span(ends[1], today, yesterday).start, _span(ends[2], today, yesterday).end, today, ends[2])
    since = re.fullmatch(rf"(?:since|starting|from) ({POINT})(?: (?:on|onwards?|to now|to today))?", said)
    if since:
        return _within(_span(since[1], today, yesterday).start, today, today, since[1])
    last = re.fullmatch(rf"(?:last|past|previous|trailing) ({UNIT})", said)
    if last:
        return _trailing(None, last[1], today)
    reach = re.fullmatch(rf"(?:(?:last|past|previous|trailing) (?:the )?)?({REACH})", said)
    if reach:
        return _trailing(*length(reach[1]), today)
    to_date = _to_date(said, today)
    if to_date is not None:
        return to_date
    if not re.fullmatch(POINT, said):
        raise DayError(f"{text.strip()[:40]!r} is no period (allowed: {ALLOWED_PERIODS})")
    found = _span(said, today, yesterday)
    return _within(found.start, found.end, today, said)


def last_day(text: str, today: date) -> date:
    """The last day of what is said: a day, the end of a span, ``in 6 months``, ``end of 2027``, ``end of june 2027``.

    Raises:
        DayError: as told.
    """
    said = re.sub(r"\s+", " ", text.strip().lower())
    ahead = re.fullmatch(rf"(?:in |for |after )?({COUNT}) ({UNIT})", said)
    if ahead:
        return _moved(today, number(ahead[1]), ahead[2])
    said = re.sub(r"^(?:the )?(?:end of|year end|yearend) ?(?:the )?", "", said)
    if said in {"year", "the year", "this year", ""}:
        return date(today.year, 12, 31)
    if said == "next year":
        return date(today.year + 1, 12, 31)
    return _span(said, today, _day_before(today)).end


_END = rf"(?:the )?end of (?:(?:the |this )?year|next year|{POINT})"
EXPIRY = rf"(?:(?:in|for|after) )?(?:(?:{COUNT}) (?:{UNIT})|{_END}|{POINT})(?!\w)"
"""A pattern for what last_day understands, in small letters, without groups."""


def _within(start: date, end: date, today: date, said: str) -> Period:
    if start > today:
        raise DayError(f"{start} has not come yet (allowed: days up to {today}, the newest session with bars)")
    if start > end:
        raise DayError(f"{start} is after {end} (allowed: an earlier day first, such as from 2023-01-03 to 2023-06-30)")
    if end > today and re.fullmatch(_DAY, said):
        raise DayError(f"{end} has no bars yet (allowed: days up to {today}, the newest session with bars)")
    return Period(start, min(end, today), cut=end > today)


def _with_year(said: str) -> str:
    """``jan to mar 2024`` with the year of its end at its start, too; where the start is the later one, as it was."""
    found = re.fullmatch(
        rf"((?:(?:from|between|starting) )?)({_MONTH}|q[1-4]|h[12]) ?(to|until|till|through|and|-|\.\.) ?"
        rf"(({_MONTH}|q[1-4]|h[12])\.? ?({_YEAR}))",
        said,
    )
    if found is None or (found[2] in _MONTHS) != (found[5] in _MONTHS) or _place(found[2]) > _place(found[5]):
        return said
    return f"{found[1]}{found[2]} {found[6]} {found[3]} {found[4]}"


def _place(part: str) -> int:
    """Of a month, quarter or half in its year."""
    return _MONTHS[part] if part in _MONTHS else int(part[1])


def _trailing(count: int | None, unit: str, today: date) -> Period:
    if count is None and unit[0] in "wmqy":
        whole = _previous(unit, today)
        one = Period(_moved(today, -1, unit) + timedelta(days=1), today)
        raise DayError(
            f"'last {unit}' could be {whole.start} to {whole.end} or {one.start} to {one.end} "
            f"(allowed: last 1 {unit}, or from {whole.start} to {whole.end})"
        )
    number = 1 if count is None else count
    if number < 1:
        raise DayError(f"{number} {unit} are none (allowed: {ALLOWED_PERIODS})")
    return Period(_moved(today, -number, unit) + timedelta(days=1), today)


def _previous(unit: str, today: date) -> Period:
    """The whole week, month, quarter or year before the one ``today`` is in."""
    if unit[0] == "w":
        monday = today - timedelta(days=today.weekday() + 7)
        return Period(monday, monday + timedelta(days=6))
    if unit[0] == "m":
        end = today.replace(day=1) - timedelta(days=1)
        return Period(end.replace(day=1), end)
    if unit[0] == "q":
        first = date(today.year, 3 * ((today.month - 1) // 3) + 1, 1)
        end = first - timedelta(days=1)
        return Period(date(end.year, end.month - 2, 1), end)
    return Period(date(today.year - 1, 1, 1), date(today.year - 1, 12, 31))


def _to_date(said: str, today: date) -> Period | None:
    words = said.replace("-", " ")
    if words in {"ytd", "year to date", "this year"}:
        return Period(date(today.year, 1, 1), today)
    if words in {"qtd", "quarter to date", "this quarter"}:
        return Period(date(today.year, 3 * ((today.month - 1) // 3) + 1, 1), today)
    if words in {"mtd", "month to date", "this month"}:
        return Period(today.replace(day=1), today)
    if words == "this week":
        return Period(today - timedelta(days=today.weekday()), today)
    return None


def _span(said: str, today: date, yesterday: date) -> Period:
    """The days of one point: a day is its own span."""
    if said == "today":
        return Period(today, today)
    if said == "yesterday":
        return Period(yesterday, yesterday)
    plain = said.replace(",", " ").replace(".", " ") if re.search("[a-z]", said) else said
    plain = re.sub(r"\s+", " ", plain)
    plain = re.sub(r"^([1-4])([qh])(?![a-z])", r"\2\1", plain)
    part = re.fullmatch(rf"(?:([qh])([1-4])[ -]?({_YEAR})|({_YEAR})[ -]?([qh])([1-4]))", plain)
    if part:
        kind, number, year = (part[1], part[2], part[3]) if part[1] else (part[5], part[6], part[4])
        return _part(int(year), int(number), 3 if kind == "q" else 6)
    named = re.fullmatch(rf"({'|'.join(_ORDINAL)}) (quarter|half) (?:of )?({_YEAR})", plain)
    if named:
        return _part(int(named[3]), _ORDINAL[named[1]], 3 if named[2] == "quarter" else 6)
    if re.fullmatch(_YEAR, plain):
        return Period(date(int(plain), 1, 1), date(int(plain), 12, 31))
    month = re.fullmatch(rf"({_MONTH}) ({_YEAR})", plain)
    if month:
        return _month(int(month[2]), _MONTHS[month[1]])
    month = re.fullmatch(rf"({_YEAR})-([0-9][0-9])", plain)
    if month:
        return _month(int(month[1]), int(month[2]))
    if plain in _MONTHS or re.fullmatch("q[1-4]|h[12]", plain):
        raise DayError(f"{said} of which year? (allowed: {said} {today.year}, {said} {today.year - 1})")
    day = _day(plain)
    return Period(day, day)


def _part(year: int, number: int, months: int) -> Period:
    if number * months > 12:
        raise DayError(f"a year has no half {number} (allowed: h1 {year}, h2 {year})")
    first, last = (number - 1) * months + 1, number * months
    return Period(date(year, first, 1), date(year, last, calendar.monthrange(year, last)[1]))


def _month(year: int, month: int) -> Period:
    if not 1 <= month <= 12:
        raise DayError(f"{year}-{month:02d} is no month (allowed: {year}-01 to {year}-12)")
    return Period(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))


def _day(plain: str) -> date:
    found = re.fullmatch(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", plain) or re.fullmatch(
        "([0-9]{4})([0-9]{2})([0-9]{2})", plain
    )
    if found:
        return _dated(int(found[1]), int(found[2]), int(found[3]), plain)
    found = re.fullmatch(rf"({_MONTH}) ([0-9]{{1,2}})(?:st|nd|rd|th)? ({_YEAR})", plain)
    if found:
        return _dated(int(found[3]), _MONTHS[found[1]], int(found[2]), plain)
    found = re.fullmatch(rf"([0-9]{{1,2}})(?:st|nd|rd|th)? (?:of )?({_MONTH}) ({_YEAR})", plain)
    if found:
        return _dated(int(found[3]), _MONTHS[found[2]], int(found[1]), plain)
    found = re.fullmatch(r"([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4})", plain)
    if not found:
        raise DayError(f"{plain[:40]!r} is no day (allowed: {ALLOWED_DAYS})")
    first, second, year = int(found[1]), int(found[2]), int(found[3])
    if first <= 12 and second <= 12 and first != second:
        one, other = _dated(year, first, second, plain), _dated(year, second, first, plain)
        raise DayError(f"{plain} could be {one} or {other} (allowed: {one}, {other})")
    return _dated(year, min(first, second), max(first, second), plain) if first != second else _dated(year, first, first, plain)


def _dated(year: int, month: int, day: int, said: str) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise DayError(f"there is no day {said} (allowed: {ALLOWED_DAYS})") from None


def _day_before(day: date) -> date:
    """The day before, but for the first one there is."""
    return date.fromordinal(max(1, day.toordinal() - 1))


def _moved(day: date, count: int, unit: str) -> date:
    """A day ``count`` units later; months keep the day of the month, or take the month's last.

    Sessions count as five in seven days: the plan says which they are.
    """
    try:
        if unit.startswith(("session", "trading")):
            return day + timedelta(days=round(count * 7 / 5))
        if unit.startswith(("day", "calendar")):
            return day + timedelta(days=count)
        if unit.startswith("week"):
            return day + timedelta(weeks=count)
        months = count * {"m": 1, "q": 3, "y": 12}[unit[0]]
        place = day.year * 12 + day.month - 1 + months
        year, month = divmod(place, 12)
        return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    except (ValueError, OverflowError, IndexError):
        raise DayError(f"{abs(count):,} {unit} lead out of the calendar (allowed: {ALLOWED_PERIODS})") from None
