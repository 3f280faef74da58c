"""Dollars as people write them: 500k, $1.2m, 2,000,000, 750 thousand."""

from __future__ import annotations

import re

_FACTORS = {
    "k": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "mm": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "million": 1e6,
    "b": 1e9,
    "bn": 1e9,
    "billion": 1e9,
}
_UNIT = "|".join(sorted(_FACTORS, key=len, reverse=True))
_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?"
_IN_WORDS = {"half a million": 5e5, "half million": 5e5, "a million": 1e6, "one million": 1e6, "two million": 2e6}
_SPELT = "|".join(_IN_WORDS)
AMOUNT = (
    rf"(?:(?:{_SPELT})(?: dollars?)?\b|(?:\$|usd )? ?{_NUMBER}(?: ?(?:{_UNIT}))?(?: ?(?:dollars?|usd))?(?![\w.,]*[0-9]|\w))"
)
"""A pattern for an amount in small letters, without groups."""
_PARTS = re.compile(rf"(?P<sign>\$|usd )? ?(?P<number>{_NUMBER})(?: ?(?P<unit>{_UNIT}))?(?P<word> ?(?:dollars?|usd))?\Z")
SMALLEST_BARE = 1000
"""A number without sign, unit or word counts as dollars from here on; below it may have meant thousands."""
ALLOWED = "dollars such as 500k, $1.2m or 2,000,000"


class AmountError(ValueError):
    """No amount, or one that could mean two; the message says what is allowed."""


def dollars(text: str) -> float:
    """The amount in dollars, to the cent.

    Raises:
        AmountError: no amount; or a bare small number, which may have meant thousands.
    """
    spelt = _IN_WORDS.get(re.sub(" dollars?$", "", text.strip().lower()))
    if spelt is not None:
        return spelt
    found = _PARTS.match(text.strip().lower())
    if found is None:
        raise AmountError(f"{text.strip()[:40]!r} is no amount (allowed: {ALLOWED})")
    value = float(found["number"].replace(",", "")) * _FACTORS.get(found["unit"] or "", 1.0)
    if not (found["sign"] or found["unit"] or found["word"]) and value < SMALLEST_BARE:
        raise AmountError(f"{found['number']} could be dollars or thousands (allowed: ${found['number']}, {found['number']}k)")
    if not value > 0:
        raise AmountError(f"{text.strip()[:40]} is nothing (allowed: {ALLOWED})")
    return round(value, 2)
