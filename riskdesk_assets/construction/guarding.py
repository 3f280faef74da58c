"""Stage 7 in the desk day: what the desk holds after the session, and what the guards said of the way there.

Shadow: the desk holds the released book, decisions are only recorded. Paper and enforce: it holds what the guards let through.
Where nothing was released yesterday's positions stand, and the guards are not asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from riskdesk_assets.book.clips import GUARDS, Clip
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.construction.inputs import DayInputs, DeskContext
from riskdesk_assets.construction.proposal import TicketDay
from riskdesk_assets.construction.release import Release
from riskdesk_assets.construction.state import Position
from riskdesk_assets.guards.ticket_guards import guard_book
from riskdesk_assets.guards.ticket_types import GuardMemory, GuardResult, Shares, TicketDecision, TicketShares
from riskdesk_assets.limits.limit import Limit


@dataclass(frozen=True)
class Guarded:
    """Whole shares (leg A, leg B) per ticket after the session.

    ``result`` is None where the guards were not asked; ``prices`` are ticks per symbol of the tickets held or wanted, the last
    print of a silent one.
    """

    shares: Mapping[str, Shares]
    memory: GuardMemory
    result: GuardResult | None
    prices: Mapping[str, int]
    clips: tuple[Clip, ...]
    messages: tuple[str, ...]


def guarded(
    positions: Sequence[Position],
    items: Sequence[TicketDay],
    release: Release,
    day: DayInputs,
    memory: GuardMemory,
    context: DeskContext,
) -> Guarded:
    """From yesterday's desk positions to the released book, as the mode says.

    Args:
        positions: yesterday's desk positions at today's marks.
        items: every ticket of the session; those that are fixed do not trade.
        release: the session's book, or why there is none.
        day: today's inputs.
        memory: what the guards remembered after the session before.
        context: configuration, and the guards' rules.
    """
    held = [(position.ticket_id, (position.leg_a.shares, position.leg_b.shares)) for position in positions]
    prices = {leg.symbol: leg.price for position in positions for leg in position.legs}
    if not release.released:
        return Guarded(dict(held), memory, None, prices, (), ())
    known = {item.ticket_id: item for item in items}
    previous = [_ticket(known[key], shares) for key, shares in held if any(shares)]
    ideal = [_ticket(known[key], shares) for key, shares in release.shares.items()]
    prints = day.prints.get(day.session, {})
    names = {name for ticket in (*previous, *ideal) for name in ticket.symbols}
    prices |= {name: prints[name].close for name in names if name in prints}
    limits = [row.limit for row in release.audit]
    result = guard_book(previous, ideal, prices, context.guards, memory, day.session, limits)
    follows = context.guards.mode != "shadow"
    return Guarded(
        shares=result.positions,
        memory=result.memory,
        result=result,
        prices=prices,
        clips=tuple(_clips(result, prices, (*context.guards.caps, *limits))) if follows else (),
        messages=tuple(f"guards: frozen positions alone breach {name}" for name in result.breaches) if follows else (),
    )


def _ticket(item: TicketDay, shares: Shares) -> TicketShares:
    return TicketShares(item.ticket_id, (item.leg_a, item.leg_b), shares, item.fixed)


def _clips(result: GuardResult, prices: Mapping[str, int], limits: Sequence[Limit]) -> Iterator[Clip]:
    """One row per ticket that does not stand at its ideal position."""
    bounds = {limit.name: limit.bound / TICKS_PER_DOLLAR for limit in limits}
    for item in result.decisions:
        if item.after != item.wanted:
            value_in, value_out = (_gross(item, shares, prices) for shares in (item.wanted, item.after))
            yield Clip(item.ticket_id, "", GUARDS, item.reason, bounds.get(item.reason), value_in, value_out, _sentence(item))


def _gross(item: TicketDecision, shares: Shares, prices: Mapping[str, int]) -> float:
    return sum(abs(count) * prices[symbol] for count, symbol in zip(shares, item.symbols, strict=True)) / TICKS_PER_DOLLAR


def _sentence(item: TicketDecision) -> str:
    legs = [
        f"{before:+,} to {wanted:+,} {symbol}, holds {after:+,}"
        for symbol, before, wanted, after in zip(item.symbols, item.before, item.wanted, item.after, strict=True)
    ]
    layer = f" ({item.layer})" if item.layer else ""
    return f"guards {item.action.value}{layer}, {item.reason}: {'; '.join(legs)}"
