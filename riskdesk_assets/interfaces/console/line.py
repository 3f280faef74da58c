"""One line as somebody typed it, made safe to look at: bounded, printable, plain quotes and dashes, and in small letters."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_CHARACTERS = 2000
_SHOWN = 60
_PLAIN = str.maketrans(
    {"\t": " ", "\u00a0": " ", "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "…": "."}
)


class UnusableLineError(ValueError):
    """A line nothing can be done with; says why and what is allowed, and shows nothing that does not print."""


@dataclass(frozen=True)
class Line:
    """``text`` as typed, ``small`` the same in small letters, character by character."""

    text: str
    small: str


def read_line(raw: str) -> Line:
    """The line, without what surrounds it.

    Raises:
        UnusableLineError: it is too long, or holds control or other unprintable characters.
    """
    if len(raw) > MOST_CHARACTERS:
        raise UnusableLineError(f"a line of {len(raw):,} characters (allowed: at most {MOST_CHARACTERS:,})")
    text = raw.strip("\r\n").translate(_PLAIN).strip()
    strange = next((place for place, letter in enumerate(text) if not letter.isprintable()), None)
    if strange is not None:
        around = ascii(text[max(0, strange - _SHOWN // 2) : strange + _SHOWN // 2])[1:-1]
        raise UnusableLineError(f"holds characters that do not print: {around} (allowed: printable text)")
    return Line(text, small_letters(text))


def small_letters(text: str) -> str:
    """In small letters, each character still at its place: a letter with a longer small form stays as it is."""
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)


def words_of(small: str) -> tuple[str, ...]:
    """The words and numbers of a text in small letters; apostrophes are dropped, so today's is todays."""
    return tuple(re.findall(r"[^\W_]+(?:[-_.][^\W_]+)*", small.replace("'", "")))
