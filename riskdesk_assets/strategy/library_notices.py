"""What lint tells of tickets and the strategies they name: who will have no budget, and shares that do not sum to one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from riskdesk_assets.strategy.library import why_no_capital
from riskdesk_assets.strategy.notices import Notice
from riskdesk_assets.strategy.strategy_file import Strategy
from riskdesk_assets.strategy.ticket import Ticket

# Shares are written by hand, in decimals.
_ROUNDING = 1e-9


def strategy_notices(tickets: Sequence[tuple[str, Ticket]], library: Sequence[Strategy], *, whole: bool) -> tuple[Notice, ...]:
    """A WARNING for each ticket (file, ticket) that can have no budget, and for each strategy whose shares are odd.

    Shares are odd where they sum to more than 1, or, with every ticket of the strategy saying its own, to less. ``whole``:
    these are all tickets of the desk, so that shares can be summed.
    """
    known = {item.strategy_name: item for item in library}
    found: list[Notice] = []
    members: dict[str, list[tuple[str, Ticket]]] = {}
    for file, ticket in sorted(tickets, key=lambda item: item[1].ticket_id):
        why = why_no_capital(ticket.ticket_id, ticket.strategy, known)
        if why is not None:
            found.append(Notice("WARNING", file, (ticket.ticket_id,), f"{ticket.ticket_id} will have no budget: {why}"))
        elif ticket.strategy is not None:
            members.setdefault(ticket.strategy, []).append((file, ticket))
    for name, own in sorted(members.items()) if whole else ():
        shares = [ticket.share for _, ticket in own if ticket.share is not None]
        total = math.fsum(shares)
        if total > 1 + _ROUNDING:
            said = f"the shares of {name} sum to {total:.4g}: each is scaled down by that"
        elif len(shares) == len(own) and total < 1 - _ROUNDING:
            said = f"the shares of {name} sum to {total:.4g}: the rest of its capital stays unused"
        elif len(shares) < len(own) and total > 1 - _ROUNDING:
            silent = ", ".join(ticket.ticket_id for _, ticket in own if ticket.share is None)
            said = f"the shares of {name} leave nothing for {silent}"
        else:
            continue
        found.append(Notice("WARNING", own[0][0], tuple(ticket.ticket_id for _, ticket in own), said))
    return tuple(found)
