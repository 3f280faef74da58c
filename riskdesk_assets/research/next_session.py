"""The ONE next session on which every name of a book has a price (methods.md section 11), or why there is none."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from riskdesk_assets.construction.carry import Prints
from riskdesk_assets.reports.realized import OK, PENDING, SKIPPED_NO_COMMON_SESSION, SKIPPED_NO_PRICE
from riskdesk_assets.research.timeseries import FLAT


def next_session(
    session: date, names: Collection[str], later: Sequence[date], last: date, prints: Prints, *, spent: bool
) -> tuple[str, date | None]:
    """How a book fares, and the session on which its P&L is known; None where none is.

    Args:
        session: the book's own.
        names: held after it.
        later: the sessions after it that a common print may come on, ascending.
        last: the last session of the range; what comes after it is not known.
        prints: usable prints by session and symbol.
        spent: whether the session cost anything: without names it is then OK, and not FLAT.

    Returns:
        OK, FLAT, PENDING, SKIPPED_NO_PRICE (a name has no print on the session) or SKIPPED_NO_COMMON_SESSION.
    """
    wanted = set(names)
    if not wanted <= set(prints.get(session, {})):
        return SKIPPED_NO_PRICE, None
    known = [day for day in later if day <= last]
    if not wanted:
        return (OK if spent else FLAT, known[0]) if known else (PENDING, None)
    following = next((day for day in known if wanted <= set(prints.get(day, {}))), None)
    if following is not None:
        return OK, following
    return (SKIPPED_NO_COMMON_SESSION if len(known) == len(later) else PENDING), None
