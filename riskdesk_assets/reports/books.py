"""What to say of a day without a book: a session that was not computed, one that has not closed, or no session at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from riskdesk_assets.common.desk_calendar import desk_calendar
from riskdesk_assets.common.errors import StateError


def no_book_of(day: date, books: Sequence[date] = (), kind: str = "book") -> StateError:
    """The error for a session that was not computed: where there are books, and the command that makes this one.

    Args:
        day: the day asked for.
        books: sessions that have one; none to leave them unsaid.
        kind: what there is none of.

    Raises:
        InputError: no command can make one, because the day is no session or has not closed; names the nearest sessions.
    """
    desk_calendar().require_closed(day, datetime.now(UTC))
    there = f" (books from {min(books)} to {max(books)})" if books else ""
    return StateError(f"there is no {kind} of {day}{there}: `riskdesk run --asof {day}` makes one")
