"""A session's guards in words: what they decided, how often and why, and whether the desk follows them."""

from __future__ import annotations

from collections import Counter

import polars as pl

from riskdesk_assets.guards.types import Action

FOLLOWED = {
    "shadow": "nothing follows them",
    "paper": "the desk's positions follow them, the blotter leads to the ideal portfolio",
    "enforce": "positions and blotter follow them",
}


def decided(decisions: pl.DataFrame) -> str:
    """``2 ALLOW (1 entry, 1 exit), 1 DENY (below_min_order)``: tickets by action and reason; empty where nothing was asked.

    Args:
        decisions: the session's rows of guard_decisions, one per ticket leg.
    """
    tickets = decisions.unique("ticket_id", keep="first", maintain_order=True)
    counted = Counter(tickets.select("action", "reason").iter_rows())
    told = []
    for action in Action:
        reasons = {reason: count for (what, reason), count in sorted(counted.items()) if what == action}
        if reasons:
            why = ", ".join(f"{count} {reason}" if len(reasons) > 1 else reason for reason, count in reasons.items())
            told.append(f"{sum(reasons.values())} {action} ({why})")
    return ", ".join(told)
