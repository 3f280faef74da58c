"""The caps of document 002's buckets (MaxAllocationPct) as limits of the desk: kept in the book, not in budgets alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from riskdesk_assets.common.buckets import LONE_BUCKET
from riskdesk_assets.common.settings import Config
from riskdesk_assets.limits.catalogue import nav_ticks
from riskdesk_assets.limits.limit import Family, Limit, Measure

LABEL = "bucket"


def bucket_limits(config: Config, buckets: Mapping[str, str], tickets: Iterable[str] = ()) -> tuple[Limit, ...]:
    """One limit per bucket that has tickets, in order of bucket: the gross of its tickets, before netting, within its cap.

    Budgets already fit into the caps; the volatility target scales after them, so the book is held to the caps once more.

    Args:
        config: nav and the sizing rules; with budgets off there are none.
        buckets: ticket id -> bucket.
        tickets: more tickets of the session; one without a bucket counts in that of a ticket that stands alone.
    """
    if not config.desk.budgets.enabled:
        return ()
    members: dict[str, list[str]] = {}
    for ticket_id in sorted({*buckets, *tickets}):
        members.setdefault(buckets.get(ticket_id, LONE_BUCKET), []).append(ticket_id)
    return tuple(
        Limit(
            f"{LABEL}:{bucket}",
            Family.BUCKET,
            Measure.BUCKET_GROSS,
            tuple(found),
            nav_ticks(config.sizing.max_allocation_pct[bucket], config.desk.nav),  # type: ignore[index]
            f"sizing.max_allocation_pct.{bucket}",
        )
        for bucket, found in sorted(members.items())
    )
