"""Stage 7 in shadow mode: the desk's positions are the released book; where nothing was released, yesterday's stand."""

from __future__ import annotations

from collections.abc import Mapping


def desk_shares(
    book: Mapping[str, tuple[int, int]], held: Mapping[str, tuple[int, int]], released: bool
) -> dict[str, tuple[int, int]]:
    """Whole shares (leg A, leg B) per ticket after the session.

    Args:
        book: the released book's shares per ticket.
        held: yesterday's desk positions, per ticket.
        released: whether the book passed its audit.
    """
    return dict(book) if released else dict(held)
