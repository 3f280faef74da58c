"""Sessions on which a portfolio was not built as it is meant to be: by the governor, with softened limits, or not at all.

None of this is a breach: the desk's book obeys its limits or is not released, and a research mandate has no way to it. But
someone has to hear of it, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from riskdesk_assets.common.session_check import SessionCheck

CONSTRUCTED_AS_MEANT = "constructed_as_meant"
# A session without a book of the desk is told by the check `release`.
_AS_MEANT = ("RELEASED", "OPTIMAL", "BLOCKED", "FAILED_CLOSED")
_SOFTENED = "SOFTENED"


def fallbacks(decisions: pl.DataFrame, sessions: Sequence[date]) -> Iterator[SessionCheck]:
    """One result per session: failed, as a warning, where any portfolio of it needed a fallback.

    Softened limits are shown; whatever else is told, for then a portfolio is not what its mandate says.

    Args:
        decisions: rows of engine_decisions.
        sessions: the sessions of the run.
    """
    fallen = decisions.filter(~pl.col("status").is_in(_AS_MEANT)).sort("as_of_date", "portfolio_id")
    by_session = {key[0]: frame.to_dicts() for key, frame in fallen.partition_by("as_of_date", as_dict=True).items()}
    for session in sessions:
        rows = by_session.get(session, [])
        yield SessionCheck(
            CONSTRUCTED_AS_MEANT,
            session,
            passed=not rows,
            message="; ".join(f"{row['portfolio_id']} {row['status']}: {row['reason']}" for row in rows),
            limit=",".join(row["portfolio_id"] for row in rows),
            run_hash=str(rows[0]["run_id"]) if rows else "",
            hard=False,
            told=any(row["status"] != _SOFTENED for row in rows),
        )
