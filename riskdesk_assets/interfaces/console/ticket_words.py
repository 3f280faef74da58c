"""A ticket in words: ``JPM vs BAC, 500k, high conviction, both ways, 40 days, until end of 2027, note: wide since June``.

Each part is a pattern that is cut out of the line; what is left over was not understood, and is said so. The words become
fields as ``riskdesk tickets draft`` takes them; whether they make a ticket is for the ticket's own check to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType

from riskdesk_assets.common.errors import nearest
from riskdesk_assets.interfaces.console.amounts import AMOUNT, AmountError, dollars
from riskdesk_assets.interfaces.console.days import EXPIRY, last_day
from riskdesk_assets.interfaces.console.lengths import SPELL, DayError, sessions_of
from riskdesk_assets.interfaces.console.line import Line, small_letters

_TIERS = {
    "exceptional": "Exceptional",
    "very high": "Exceptional",
    "highest": "Exceptional",
    "high": "High",
    "strong": "High",
    "medium": "Medium",
    "med": "Medium",
    "moderate": "Medium",
    "normal": "Medium",
    "average": "Medium",
    "low": "Low",
    "weak": "Low",
    "lowest": "Low",
}
_BARE_TIER = "exceptional|very high|high|medium|med|low"
"""Tiers that can mean nothing else where "conviction" does not stand beside them."""
_TIER = "|".join(sorted(_TIERS, key=len, reverse=True))
_NAME = r"[a-z^][a-z0-9.]{0,11}"
_AGAINST = r"(?: ?/ ?| (?:vs?\.?|versus|against) )"
_BESIDE = r"(?:__?|-| (?:over|and|to|with|&) | ?, ?| )"
_CODE = r"[a-z0-9][a-z0-9_-]{0,63}"
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"


Take = Callable[["_Reader", re.Match[str]], bool | None]
"""Takes what a pattern found; False: it is not what it looked like, and stays."""


@dataclass(frozen=True)
class TicketWords:
    """What was said of a ticket: fields as the draft takes them, what is wrong in words, and what was not understood."""

    fields: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    problems: tuple[str, ...] = ()
    left: str = ""


def ticket_words(line: Line, symbols: Collection[str], today: date) -> TicketWords:
    """Read what a line says of a ticket.

    Args:
        line: as typed.
        symbols: names of the universe.
        today: the day from which ``in 6 months`` counts.

    Returns:
        ``left`` is in small letters, without what joins words.
    """
    reader = _Reader(line, frozenset(symbols), today)
    for pattern, take in _PARTS:
        reader.cut(pattern, take)
    return reader.said()


class _Reader:
    """Cuts what each pattern matches out of the line, leaving blanks, and keeps what it meant."""

    def __init__(self, line: Line, symbols: frozenset[str], today: date) -> None:
        self.symbols, self.today = symbols, today
        self._small, self._text = line.small, line.text
        self._fields: dict[str, object] = {}
        self._problems: list[str] = []

    def cut(self, pattern: re.Pattern[str], take: Take) -> None:
        place = 0
        while (found := pattern.search(self._small, place)) is not None:
            if take(self, found) is False:
                place = found.start() + 1  # the next one may overlap: in "draft gs ms" the first two words are no pair
                continue
            place = max(found.end(), found.start() + 1)
            self._small = self._small[: found.start()] + "\0" * (found.end() - found.start()) + self._small[found.end() :]

    def typed(self, found: re.Match[str], group: str) -> str:
        """What a group matched, in the letters it was typed in."""
        return self._text[found.start(group) : found.end(group)].strip()

    def put(self, name: str, value: object) -> None:
        if name in self._fields and self._fields[name] != value:
            self._problems.append(f"{name} is said twice: {self._fields[name]} and {value}")
        self._fields.setdefault(name, value)

    def wrong(self, message: object) -> None:
        self._problems.append(str(message))

    def said(self) -> TicketWords:
        left = re.sub(r"[\s\0,;.:!?()\"'&+]+", " ", self._small).strip()
        return TicketWords(MappingProxyType(dict(self._fields)), tuple(self._problems), left)


def _text(name: str) -> Take:
    def take(reader: _Reader, found: re.Match[str]) -> None:
        said = reader.typed(found, "value").strip("\"'").strip()
        if said:
            reader.put(name, said)

    return take


def _constant(name: str, value: object) -> Take:
    return lambda reader, _: reader.put(name, value)


def _dollars(name: str) -> Take:
    def take(reader: _Reader, found: re.Match[str]) -> None:
        try:
            reader.put(name, dollars(found["value"]))
        except AmountError as error:
            reader.wrong(error)

    return take


def _sessions(name: str) -> Take:
    def take(reader: _Reader, found: re.Match[str]) -> None:
        said = found["value"]
        try:
            reader.put(name, int(said) if said.isdigit() else sessions_of(said))
        except DayError as error:
            reader.wrong(error)

    return take


def _day(name: str) -> Take:
    def take(reader: _Reader, found: re.Match[str]) -> None:
        try:
            reader.put(name, last_day(found["value"], reader.today))
        except DayError as error:
            reader.wrong(error)

    return take


def _number(name: str) -> Take:
    return lambda reader, found: reader.put(name, float(found["value"]))


def _conviction(reader: _Reader, found: re.Match[str]) -> None:
    said = found["value"]
    reader.put("conviction", int(said) if said.isdigit() else _TIERS.get(said, said))


def _pair(reader: _Reader, found: re.Match[str]) -> bool | None:
    _legs(reader, reader.typed(found, "a"), reader.typed(found, "b"))
    return None


def _known_pair(reader: _Reader, found: re.Match[str]) -> bool | None:
    """Two names beside each other: only where both are names, for "draft and lint" is none."""
    if not {found["a"].upper(), found["b"].upper()} <= reader.symbols:
        return False
    return _pair(reader, found)


def _known_sides(orientation: str) -> Take:
    def take(reader: _Reader, found: re.Match[str]) -> bool | None:
        if _known_pair(reader, found) is False:
            return False
        reader.put("orientation", orientation)
        return None

    return take


def _sides(orientation: str) -> Take:
    def take(reader: _Reader, found: re.Match[str]) -> None:
        _legs(reader, reader.typed(found, "a"), reader.typed(found, "b"))
        reader.put("orientation", orientation)

    return take


def _legs(reader: _Reader, leg_a: str, leg_b: str) -> None:
    for name, said in (("leg_a", leg_a), ("leg_b", leg_b)):
        symbol = said.upper().rstrip(".")
        if symbol in reader.symbols:
            reader.put(name, symbol)
        else:
            reader.wrong(f"{symbol} is not in the universe{nearest(symbol, reader.symbols)}")


_JOINED = r"(?:,? ?(?:and|/|&|against|vs\.?|versus)? ?)"
_PARTS: tuple[tuple[re.Pattern[str], Take], ...] = tuple(
    (re.compile(pattern), take)
    for pattern, take in (
        (r"\b(?:notes?|reason|why)\b ?[:=] ?(?P<value>.*)$", _text("note")),
        (r"\b(?P<value>because\b.*)$", _text("note")),
        (rf"\b(?:ticket[- ]id|id|named|called|call it|name it)[: ]+(?P<value>{_CODE})", _text("ticket_id")),
        (r"\bstrategy[: ]+(?!(?:tickets?|drafts?|ideas?)\b)(?P<value>[\w-]{1,64})", _text("strategy")),
        (rf"\b(?:share|part)(?: of)?[: ]+(?P<value>{_NUMBER})(?!\w)", _number("share")),
        (rf"\b(?P<value>{_TIER})[- ]conviction\b", _conviction),
        (rf"\bconviction(?: is| of|:| ?=)? ?(?P<value>{_TIER}|[0-9]+|[a-z]+)\b", _conviction),
        (r"\bhold(?: it)? (?:on|at|through) (?:a )?breakdown\b", _constant("flatten_on_breakdown", False)),
        (r"\b(?:flatten|flat|close|out)(?: it)? (?:on|at) (?:a )?breakdown\b", _constant("flatten_on_breakdown", True)),
        (
            r"\b(?:expir(?:es|y|ing|e)|valid|until|till|good)(?: date)?(?: on| until| till| through| to|:)? "
            rf"(?P<value>{EXPIRY})",
            _day("expires_on"),
        ),
        (rf"\b(?:effective|starts?|starting)(?: from| on)? (?P<value>{EXPIRY})", _day("effective_from")),
        (rf"\b(?:time[- ])?stop(?: out)?(?: after| at| of|:)? (?P<value>{SPELL}|[0-9]+)(?!\w)", _sessions("time_stop_days")),
        (rf"\b(?P<value>{SPELL})[- ](?:time[- ])?stop\b", _sessions("time_stop_days")),
        (rf"\bhorizon(?: of| is|:)? ?(?P<value>{SPELL}|[0-9]+)(?!\w)", _sessions("horizon_days")),
        (rf"\b(?:over |within |for |about |a )?(?P<value>{SPELL})(?:[- ]horizon\b)?", _sessions("horizon_days")),
        (rf"\b(?:enter|entry)(?: (?:at|when|above|beyond|z|\|z\|))*[ :]+(?P<value>{_NUMBER})(?!\w)", _number("entry_z")),
        (rf"\b(?:exit|leave)(?: (?:at|when|below|under|z|\|z\|))*[ :]+(?P<value>{_NUMBER})(?!\w)", _number("exit_z")),
        (rf"(?<![\w.$-])(?P<a>{_NAME}) long(?:,| and|,? but)? (?P<b>{_NAME}) short(?![\w.])", _known_sides("LONG_SPREAD")),
        (rf"(?<![\w.$-])(?P<a>{_NAME}) short(?:,| and|,? but)? (?P<b>{_NAME}) long(?![\w.])", _known_sides("SHORT_SPREAD")),
        (rf"(?<![\w.$-])\+ ?(?P<a>{_NAME})[ ,/]*- ?(?P<b>{_NAME})(?![\w-])", _known_sides("LONG_SPREAD")),
        (rf"(?<![\w.$-])- ?(?P<a>{_NAME})[ ,/]*\+ ?(?P<b>{_NAME})(?![\w-])", _known_sides("SHORT_SPREAD")),
        (
            rf"\b(?:long|buy) (?:of )?(?P<a>{_NAME}){_JOINED}(?:short|sell) (?:of )?(?P<b>{_NAME})(?![\w.])",
            _sides("LONG_SPREAD"),
        ),
        (
            rf"\b(?:short|sell) (?:of )?(?P<a>{_NAME}){_JOINED}(?:long|buy) (?:of )?(?P<b>{_NAME})(?![\w.])",
            _sides("SHORT_SPREAD"),
        ),
        (
            r"\b(?:(?:in )?(?:both|either) (?:ways?|sides?|directions?)|either[- ]way|both[- ]ways|two[- ]sided|both)\b",
            _constant("orientation", "BOTH"),
        ),
        (r"\b(?:long (?:the )?spread|long[_-]spread|(?:only long|long only))\b", _constant("orientation", "LONG_SPREAD")),
        (r"\b(?:short (?:the )?spread|short[_-]spread|(?:only short|short only))\b", _constant("orientation", "SHORT_SPREAD")),
        (
            rf"(?<![\w$.,])(?P<value>{AMOUNT}) ?(?:at most |max(?:imum)? )?(?:per|a|each|on each|on either|either) leg\b",
            _dollars("max_leg_notional"),
        ),
        (
            r"\b(?:max(?:imum)? )?(?:per |each |either )?leg(?: notional| size| max| limit)?(?: of| at|:)? "
            rf"(?P<value>{AMOUNT})",
            _dollars("max_leg_notional"),
        ),
        (
            rf"(?:\b(?:max(?:imum)?|gross|notional|size|up to|at most|with|for|of|risk) ?:? ?)*(?<![\w$.,-])(?P<value>{AMOUNT})"
            r"(?: (?:gross|notional|max(?:imum)?|at most|in all|total)\b)*",
            _dollars("max_gross_notional"),
        ),
        (rf"(?<![\w.$-])(?P<a>{_NAME}){_AGAINST}(?P<b>{_NAME})(?![\w-])", _pair),
        (rf"(?<![\w.$-])(?P<a>{_NAME}){_BESIDE}(?P<b>{_NAME})(?![\w-])", _known_pair),
        (rf"(?<![\w-])(?P<value>{_BARE_TIER})(?![\w-])", _conviction),
    )
)


def pair_of(text: str, symbols: Collection[str], today: date) -> TicketWords:
    """The pair in an answer to "which pair": as in a ticket, or two names side by side."""
    line = Line(text, small_letters(text))
    found = ticket_words(line, symbols, today)
    if found.fields.get("leg_a") or found.problems:
        return found
    two = re.fullmatch(rf"\s*(?P<a>{_NAME})[\s,]+(?P<b>{_NAME})\s*", line.small)
    if two is None:
        return found
    reader = _Reader(line, frozenset(symbols), today)
    _legs(reader, reader.typed(two, "a"), reader.typed(two, "b"))
    return replace(reader.said(), left="")
