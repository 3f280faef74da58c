"""What decided an order: the controller where it changed the position, else the stage that moved the size of what it keeps.

A reason is a code that stands elsewhere of the same session and ticket: the reason of its proposal, or the limit_name of a row
of its clip ledger. REBALANCE stands alone: no stage moved the size, the order follows the hedge ratio and the prices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from riskdesk_assets.book.clips import WHOLE_LOTS, Clip, enlarges, of_whole_ticket
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.construction.desk_day import DayResult, Fill
from riskdesk_assets.construction.proposal import TicketDay

REBALANCE = "REBALANCE"
# The controller keeps what is held: whatever moves its size comes after it.
_KEPT = frozenset({"HOLD", "HOLD_NO_FEATURES", "HOLD_NO_POLICY_FEATURES", "BREAKDOWN_HOLD"})


def order_reasons(result: DayResult) -> dict[str, str]:
    """Ticket -> why it trades, for every ticket with an order.

    Where the controller keeps a held position:

    - legs that move against each other re-balance the hedge: REBALANCE;
    - a smaller one was cut by the row of the ledger that took most dollars out of what was held, counted from the last row
      that enlarged it on; of equals the first, in the order of the stages;
    - else the row that moved the size last has set it, as it has of a larger one; without any, REBALANCE.

    Guards count where the orders are what they let through. The rows of single legs and of whole lots decide no size.
    """
    orders: dict[str, list[Fill]] = defaultdict(list)
    for order in result.orders:
        if order.after != order.before:
            orders[order.ticket_id].append(order)
    items = {item.ticket_id: item for item in result.items if item.ticket_id in orders}
    kept = {ticket_id for ticket_id, item in items.items() if item.proposal.reason in _KEPT and item.position is not None}
    guards = () if result.orders is not result.fills else result.guards.clips
    later: dict[str, list[Clip]] = defaultdict(list)
    for clip in (*result.release.clips, *guards):
        if clip.ticket_id in kept:
            later[clip.ticket_id].append(clip)
    return {
        ticket_id: _moved(items[ticket_id], found, later.get(ticket_id, ()))
        if ticket_id in kept
        else items[ticket_id].proposal.reason
        for ticket_id, found in orders.items()
    }


def _moved(item: TicketDay, orders: Sequence[Fill], later: Iterable[Clip]) -> str:
    """What moved the size of a position that the controller keeps."""
    changes = [(abs(order.after) - abs(order.before)) * order.price for order in orders]
    grown = sum(changes)
    if 2 * abs(grown) < sum(map(abs, changes)):
        return REBALANCE
    rows = [
        clip
        for clip in (*item.clips, *later)
        if of_whole_ticket(clip.stage, clip.symbol) and clip.limit_name != WHOLE_LOTS and clip.value_in != clip.value_out
    ]
    if not rows:
        return REBALANCE if item.confidence is None else item.proposal.reason
    if grown < 0:
        held = sum(abs(leg.value) for leg in item.position.legs) / TICKS_PER_DOLLAR if item.position else 0.0
        cut = max(_since_the_last_enlargement(rows), key=lambda clip: _taken(clip, held), default=rows[-1])
        if _taken(cut, held) > 0:
            return cut.limit_name
    return rows[-1].limit_name


def _since_the_last_enlargement(rows: Sequence[Clip]) -> Sequence[Clip]:
    """What is given back was not cut."""
    last = max((place for place, clip in enumerate(rows) if enlarges(clip.stage, clip.value_in, clip.value_out)), default=-1)
    return rows[last + 1 :]


def _taken(clip: Clip, held: float) -> float:
    """Dollars a row took out of what was held: what it cut above that was never there."""
    return min(clip.value_in, held) - min(clip.value_out, held)
