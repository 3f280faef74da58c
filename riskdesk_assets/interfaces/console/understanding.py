"""From a line to an intent and its slots, or to the nearest thing that would be understood. Pure, and the same every time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import SequenceMatcher, get_close_matches
from itertools import product
from types import MappingProxyType

from riskdesk_assets.interfaces.console.days import DAY_WORDS, PERIOD, PERIOD_OR_REACH
from riskdesk_assets.interfaces.console.grammar import (
    A_TICKET,
    EXAMPLES,
    FILLER,
    HELP_WORDS,
    QUIT_WORDS,
    RULES,
    TICKET_NOUNS,
    VOCABULARY,
    Intent,
    Rule,
    Slot,
)
from riskdesk_assets.interfaces.console.lengths import NUMBERS
from riskdesk_assets.interfaces.console.line import Line, read_line, words_of
from riskdesk_assets.interfaces.console.ticket_words import TicketWords, ticket_words

_SIMILAR_WORD = 0.75
_SIMILAR_LINE = 0.6
_SHORTEST_CORRECTED = 3  # letters: a shorter word is a symbol or filler, and near to far too much
_EXAMPLE = "jpm-bac-reversion"  # the ticket of help's examples
_CANDIDATES, _MOST_CORRECTED = 3, 3
_WHEN, _REACH = re.compile(PERIOD), re.compile(PERIOD_OR_REACH)
_LEGS = re.compile(r"(?<![\w-])(?=([a-z.]{1,6})(?: ?/ ?|-|, ?| vs\.? | and | )([a-z.]{1,6})(?![\w-]))")
TICKETS = "tickets"
"""Topic: which of them are in force."""
BOOK = "book"
"""Topic: what is held, and nothing else."""
_HELD = frozenset({"book", "portfolio", "positions", "position", "holdings", "hold", "own", "positioned"})
_SHOWN = frozenset({"show", "list", "display", "print", "view", "see", "give", "what", "whats", "which", "how"})
_OF_THE_BOOK = _HELD | _SHOWN | {"current", "latest", "newest", "today", "todays", "ideal", "active", "desk"}
_ABOUT_TICKETS = frozenset({"tickets", "ticket", "strategies", "strategy"})
_OF_TICKETS = _ABOUT_TICKETS | {"active", "current", "force", "todays", "all"}
_MANY = rf"-?[0-9]+|{'|'.join(sorted(NUMBERS, key=len, reverse=True))}"  # not "a": that is no count
_COUNT = re.compile(rf"(?<![\w-])(?:top |best )?({_MANY}) (?=(?:best |good |top )?pairs?\b)|(?<!\w)top ({_MANY})(?![\w-])")
_FOLDER = re.compile(r"(?<![\w/])(?:\./)?(?:tickets/)?(drafts|active)/?(?![\w/])")
_FILE = re.compile(r"(?<![\w/])(?:[\w.-]+/)*[\w-]+\.ya?ml(?!\w)")


@dataclass(frozen=True)
class Known:
    """Names the grammar may meet: symbols of the universe, ids of tickets and of drafts; and today, for what lies ahead."""

    symbols: Collection[str]
    tickets: Collection[str] = ()
    drafts: Collection[str] = ()
    today: date = date.min


@dataclass(frozen=True)
class Understood:
    """An intent with its slots: ``when`` in words, ``count``, ``target``, ``folder``, or ``ticket`` (TicketWords)."""

    intent: Intent
    slots: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class NotUnderstood:
    """``left`` is what could not be placed, ``intent`` what the rest asks for; ``guess`` a line that would be understood."""

    left: str
    intent: Intent | None = None
    guess: str = ""


def understand(line: Line, known: Known) -> Understood | NotUnderstood:
    """What a line asks for.

    Args:
        line: as typed.
        known: names it may speak of.
    """
    said = _placed(line, known)
    if isinstance(said, Understood):
        return said
    guess = _corrected(line, said.left, known)
    if not guess and said.intent is None:
        guess = _nearest_phrase(line, known)
    return NotUnderstood(said.left, said.intent, guess)


def _placed(line: Line, known: Known) -> Understood | NotUnderstood:
    words = words_of(line.small)
    said = frozenset(words) | ({A_TICKET} if _ticket_named(line.small, known) else set())
    bare = frozenset(words) - FILLER or frozenset(words)
    if line.small == "?" or (words and bare <= HELP_WORDS):
        return Understood(Intent.HELP)
    if words and bare <= QUIT_WORDS:
        return Understood(Intent.QUIT)
    first: NotUnderstood | None = None
    for rule in RULES:
        called = _called(rule, said)
        if not called and not said & rule.alone:
            continue
        slots, left = _filled(rule, line, known)
        if not left:
            return Understood(rule.intent, MappingProxyType(slots))
        if called:
            first = first or NotUnderstood(left, rule.intent)
    ticket = ticket_words(line, known.symbols, known.today)
    # A pair with all of its line accounted for is a ticket whatever its note says; a slip alone is one only where no other
    # intent was called for.
    meant = "leg_a" in ticket.fields or (first is None and ticket.problems)
    if meant and not _unplaced(ticket.left, FILLER | TICKET_NOUNS):
        return Understood(Intent.DRAFT_TICKET, MappingProxyType({Slot.TICKET.value: ticket}))
    return first or NotUnderstood(line.text)


def _called(rule: Rule, words: frozenset[str]) -> bool:
    return any(all(words & choice for choice in call) for call in rule.calls)


def _filled(rule: Rule, line: Line, known: Known) -> tuple[dict[str, object], str]:
    """The rule's slots as the line fills them, and what neither they nor the rule's words account for."""
    if rule.slots == (Slot.TICKET,):
        ticket = ticket_words(line, known.symbols, known.today)
        return {Slot.TICKET.value: ticket}, _unplaced(ticket.left, rule.words | FILLER)
    slots: dict[str, object] = {}
    rest = line.small
    if rule.slots == (Slot.REACH,):
        return _period_or_reach(rest, rule.words | FILLER)
    for slot in rule.slots:
        if slot is Slot.WHEN:
            rest = _cut(_WHEN, rest, slots, slot)
        elif slot is Slot.COUNT:
            rest = _cut(_COUNT, rest, slots, slot)
            if slots.get(slot.value) in NUMBERS:
                slots[slot.value] = str(NUMBERS[str(slots[slot.value])])
        elif slot is Slot.FOLDER:
            rest = _file_or_folder(rest, line, slots, known)
        elif slot is Slot.TARGET:
            rest = _target(rest, line, slots, known, rule.words | FILLER)
        elif slot is Slot.OF_TICKET:
            found = _ticket_named(rest, known)
            if found is not None:
                slots[Slot.TARGET.value], start, end = found
                rest = f"{rest[:start]} {rest[end:]}"
        elif slot is Slot.NAMED:
            rest = _target(rest, line, slots, known)
        elif slot is Slot.TOPIC:
            topic = _topic(frozenset(words_of(line.small)))
            slots |= {slot.value: topic} if topic else {}
    return slots, _unplaced(rest, rule.words | FILLER)


def _period_or_reach(rest: str, words: frozenset[str]) -> tuple[dict[str, object], str]:
    """A period; a bare length only where it accounts for all that is left, for "lst 6 months" is not "6 months"."""
    readings: list[tuple[dict[str, object], str]] = []
    for pattern in (_WHEN, _REACH):
        slots: dict[str, object] = {}
        left = _unplaced(_cut(pattern, rest, slots, Slot.WHEN), words)
        readings.append((slots, left))
    whole = [reading for reading in readings if not reading[1]]
    return next((reading for reading in whole if reading[0]), (whole or readings)[0])


def _cut(pattern: re.Pattern[str], rest: str, slots: dict[str, object], slot: Slot) -> str:
    found = pattern.search(rest)
    if found is None:
        return rest
    slots[slot.value] = next((group for group in found.groups() if group), None) or found[0].strip()
    return rest[: found.start()] + " " + rest[found.end() :]


def _file_or_folder(rest: str, line: Line, slots: dict[str, object], known: Known) -> str:
    """``tickets/drafts``, ``drafts``, a file, or the id of a draft or ticket."""
    found = _FILE.search(rest)
    if found is not None:
        slots[Slot.FOLDER.value] = line.text[found.start() : found.end()]
        return rest[: found.start()] + " " * (found.end() - found.start()) + rest[found.end() :]
    for name in sorted({*known.drafts, *known.tickets}, key=lambda each: (-len(each), each)):
        place = re.search(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", rest)
        if place is not None:
            slots[Slot.FOLDER.value] = name
            return rest[: place.start()] + " " * (place.end() - place.start()) + rest[place.end() :]
    found = _FOLDER.search(rest)
    if found is not None:
        slots[Slot.FOLDER.value] = found[1]
        return rest[: found.start()] + " " * (found.end() - found.start()) + rest[found.end() :]
    return rest


def _target(rest: str, line: Line, slots: dict[str, object], known: Known, words: frozenset[str] | None = None) -> str:
    """A symbol or a ticket.

    Where neither is there and ``words``, the rule's own, are given: the one word that is none of them; its command says what
    is wrong.
    """
    for name in sorted({*known.tickets, *known.drafts}, key=lambda each: (-len(each), each)):
        place = re.search(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", rest)
        if place is not None:
            slots[Slot.TARGET.value] = name
            return rest[: place.start()] + " " + rest[place.end() :]
    places = [found for found in re.finditer(r"[^\W_]+(?:[-_.^][^\W_]+)*", rest) if found[0] not in (words or ())]
    named = [found for found in places if found[0].upper() in known.symbols] or (places if words is not None else [])
    if len(named) != 1:
        return rest
    found = named[0]
    slots[Slot.TARGET.value] = line.text[found.start() : found.end()]
    return rest[: found.start()] + " " + rest[found.end() :]


def _ticket_named(text: str, known: Known) -> tuple[str, int, int] | None:
    """The one ticket that small letters name, and where: by its id, else by how it begins, else by its two legs."""
    for name in sorted(known.tickets, key=lambda each: (-len(each), each)):
        place = re.search(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", text)
        if place is not None:
            return name, place.start(), place.end()
    for place in _LEGS.finditer(text):
        begins = f"{place[1]}-{place[2]}"
        meant = [name for name in known.tickets if f"{name.lower()}-".startswith(f"{begins}-")]
        if len(meant) == 1:
            return meant[0], place.start(1), place.end(2)
    return None


def _topic(words: frozenset[str]) -> str:
    """What is asked about in particular; empty for the desk as a whole."""
    if _asks_for_tickets(words):
        return TICKETS
    return BOOK if words & _HELD and words <= _OF_THE_BOOK | FILLER else ""


def _asks_for_tickets(words: frozenset[str]) -> bool:
    """Whether they themselves are asked for, and not the desk's state."""
    asked = bool(words & {"which", "what", "whats", "many", "number", "list"}) or words <= _OF_TICKETS | FILLER
    return asked and bool(words & _ABOUT_TICKETS) and not words & {"halted", "stopped"}


def _unplaced(rest: str, words: frozenset[str]) -> str:
    """The words that are not among ``words``, a number with its sign."""
    found = re.finditer(r"(?:(?<![^\s(])[-+])?([^\W_]+(?:[-_.][^\W_]+)*)", rest.replace("'", ""))
    return " ".join(each[0] if each[1][0].isdigit() else each[1] for each in found if each[1] not in words)


def _corrected(line: Line, left: str, known: Known) -> str:
    """The line with misspelt words put right, where it is understood then."""
    words = VOCABULARY | DAY_WORDS
    names = {name.lower() for name in (*known.tickets, *known.drafts)}
    vocabulary = sorted(words | names)
    nearest: dict[str, list[str]] = {}
    for word in dict.fromkeys((*left.lower().split(), *words_of(line.small))):
        if len(word) < _SHORTEST_CORRECTED or word in words or word in names or word.upper() in known.symbols:
            continue
        # Letters in the wrong order are the likelier slip: lnit is lint, not list, and hlat is halt, not what.
        swapped = [each for each in vocabulary if sorted(each) == sorted(word)]
        close = [*swapped, *get_close_matches(word, vocabulary, n=_CANDIDATES, cutoff=_SIMILAR_WORD)]
        if close and len(nearest) < _MOST_CORRECTED:
            nearest[word] = list(dict.fromkeys(close))[:_CANDIDATES]
    for choice in product(*nearest.values()) if nearest else ():
        text = line.text
        for word, instead in zip(nearest, choice, strict=True):
            text = re.sub(rf"(?i)(?<![\w-]){re.escape(word)}(?![\w-])", instead, text)
        if isinstance(_placed(read_line(text), known), Understood):
            return text
    return ""


def _nearest_phrase(line: Line, known: Known) -> str:
    """What help lists that is most alike; about the ticket that the line names, never about another."""
    named = _ticket_named(line.small, known)
    phrases = [phrase if named is None else phrase.replace(_EXAMPLE, named[0]) for phrase in _phrases()]
    best = max(phrases, key=lambda phrase: SequenceMatcher(None, line.small, phrase.lower()).ratio())
    return best if SequenceMatcher(None, line.small, best.lower()).ratio() >= _SIMILAR_LINE else ""


def _phrases() -> Iterable[str]:
    return (phrase for intent, phrases in EXAMPLES if intent not in {Intent.QUIT, Intent.HALT} for phrase in phrases)


def said_of_ticket(understood: Understood) -> TicketWords:
    """What was said of a ticket; nothing where the intent is about none."""
    found = understood.slots.get(Slot.TICKET.value)
    return found if isinstance(found, TicketWords) else TicketWords()
