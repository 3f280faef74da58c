"""Lists of words as people read them."""

from __future__ import annotations

from collections.abc import Sequence


def first_few(words: Sequence[str], most: int) -> str:
    """``JPM, BAC and 3 more``: the first ``most`` of them, and how many are not named."""
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more:,} more" if more > 0 else "")
