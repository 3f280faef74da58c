"""What bound: which words of the clip ledger name a limit, and on how many sessions a family of limits had a price."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from riskdesk_assets.limits.limit import Family

CAPS: Mapping[str, str] = {
    "GROSS_CLAMP": Family.TICKET_GROSS.value,
    "LEG_CLAMP_A": Family.LEG_NOTIONAL.value,
    "LEG_CLAMP_B": Family.LEG_NOTIONAL.value,
}
"""Clamp code of a ticket's caps (methods.md section 4) -> label of the limit it kept."""
POSITION_COUNT = Family.POSITION_COUNT.value
"""Bound where a clip names it, whether or not the book's limits hold one: the gatekeeper counts positions, too."""


def bound_sessions(limits: pl.DataFrame) -> dict[str, int]:
    """Family -> on how many sessions one of its limits had a price above 0, in order of the family.

    Args:
        limits: rows of limit_audit or portfolio_limits, of one portfolio.
    """
    found: dict[str, set[date]] = {}
    for session, family in limits.filter(pl.col("price_of_limit") > 0).select("as_of_date", "family").iter_rows():
        found.setdefault(family, set()).add(session)
    return {family: len(days) for family, days in sorted(found.items())}
