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
    head, _, word = line.rpartition(" ")
    start = f"{head} " if head else ""
    named = [f"{start}{name}" for name in names] if word else []
    offered = list(dict.fromkeys([*PHRASES, *named]))
    same = [each for each in offered if each.startswith(line)]
    # Letters of either size only where nothing begins letter for letter: a Tab must not take letters back.
    return same or [each for each in offered if each.lower().startswith(line.lower())]
