"""What Tab offers: the known phrases, then names for the word being typed."""

from __future__ import annotations

from collections.abc import Sequence

from riskdesk_assets.interfaces.console.grammar import EXAMPLES

PHRASES = tuple(dict.fromkeys(phrase for _, phrases in EXAMPLES for phrase in phrases))


def completions(line: str, names: Sequence[str]) -> list[str]:
    """Whole lines that begin with what is typed: phrases, or the line with its last word made a name.

    Args:
        line: as typed so far.
        names: symbols and ticket ids.
    """
    small = line.lower()
    whole = [phrase for phrase in PHRASES if phrase.lower().startswith(small)]
    head, _, word = line.rpartition(" ")
    if not word:
        return whole
    start = f"{head} " if head else ""
    named = [f"{start}{name}" for name in names if name.lower().startswith(word.lower())]
    return list(dict.fromkeys([*whole, *named]))
