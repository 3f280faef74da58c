"""One desk day: the funnel as one pure function of (market data up to the close, tickets, config, yesterday's state).

Live assets, backfill, replay and backtest call this same function; there is no second copy (design.md section 1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from riskdesk_assets.book.clips import Clip
from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.money import TICKS_PER_CENT, TICKS_PER_DOLLAR
from riskdesk_assets.common.session_halts import NO_HALTS, SessionHalts
from riskdesk_assets.construction.carry import Mark, carry
from riskdesk_assets.construction.gating import gated, switched
from riskdesk_assets.construction.guarding import Guarded, guarded
from riskdesk_assets.construction.inputs import DayInputs, DeskContext
from riskdesk_assets.construction.proposal import TicketDay, proposals
from riskdesk_assets.construction.release import Release, release
from riskdesk_assets.construction.state import DeskState, HeldLeg, Memory, Position
from riskdesk_assets.gatekeeper.desk_switches import SwitchMemory


@dataclass(frozen=True)
class Fill:
    """One leg's change of desk position on a session: whole shares before and after, at the close in ticks."""

    ticket_id: str
    leg: str
    symbol: str
    before: int
    after: int
    price: int

    @property
    def traded(self) -> int:
        """Signed traded notional in ticks."""
        return (self.after - self.before) * self.price


@dataclass(frozen=True)
class DayResult:
    """Everything one session produced, before it becomes table rows.

    ``fills`` are what the desk's positions did; ``orders`` what the blotter shows: the same, but in paper mode what the ideal
    portfolio asks for. ``halts`` are what the journal said.
    """

    session: date
    run_id: str
    previous: DeskState
    state: DeskState
    items: tuple[TicketDay, ...]
    release: Release
    guards: Guarded
    fills: tuple[Fill, ...]
    orders: tuple[Fill, ...]
    clips: tuple[Clip, ...]
    messages: tuple[str, ...]
    pnl_gross_cents: int
    costs_cents: int
    halts: SessionHalts = NO_HALTS


def desk_day(day: DayInputs, state: DeskState, context: DeskContext) -> DayResult:
    """Run the whole funnel for one session.

    Args:
        day: what is known at the close.
        state: the desk after the session before.
        context: configuration and what is derived from it.

    Raises:
        StateError: a held name is not in the universe.
    """
    _require_known(state, context)
    carried = carry(state, day.session, day.prints, day.splits, context.config.desk.frozen)
    proposed = proposals(day, state, carried.positions, context)
    worth = equity(state, context.config.desk.nav) + carried.pnl_gross_cents * TICKS_PER_CENT / TICKS_PER_DOLLAR
    switches = switched(proposed, carried.positions, worth, state.switches, day, context)
    items = gated(proposed, switches, day, context)
    released = release(day, items, context)
    stage7 = guarded(carried.positions, items, released, day, state.guards, context)
    positions, fills = _positions(items, stage7.shares, day)
    costs = _costs(fills, state.positions, context)
    after = DeskState(
        session=day.session,
        positions=positions,
        memories=_memories(items, state, day),
        pnl_gross_cents=state.pnl_gross_cents + carried.pnl_gross_cents,
        costs_cents=state.costs_cents + costs,
        run_id=day.run_id,
        guards=stage7.memory,
        switches=switches,
    )
    return DayResult(
        session=day.session,
        run_id=day.run_id,
        previous=state,
        state=after,
        items=items,
        release=released,
        guards=stage7,
        fills=fills,
        orders=_orders(fills, items, released, day) if context.guards.mode == "paper" else fills,
        clips=(*carried.clips, *(clip for item in items for clip in item.clips), *released.clips, *stage7.clips),
        messages=(*day.unreadable, *carried.messages, *_halts(switches), *released.messages, *stage7.messages),
        pnl_gross_cents=carried.pnl_gross_cents,
        costs_cents=costs,
        halts=day.halts,
    )


def _require_known(state: DeskState, context: DeskContext) -> None:
    """A name without an instrument has no cost, no limit and no bars: its position would pass for delisted."""
    for position in state.positions:
        for leg in position.legs:
            if leg.symbol not in context.config.universe.symbols:
                raise StateError(
                    f"{leg.symbol} is not in the universe, but ticket {position.ticket_id} holds {leg.shares:,} shares of it: "
                    "put it back until the position is closed"
                )


def _halts(switches: SwitchMemory) -> Iterator[str]:
    """What is stopped, in words."""
    why = switches.why
    if why is not None:
        yield f"the desk is {why.state} since {why.since}: {why.reason}"
    for item in switches.tickets:
        yield f"ticket {item.ticket_id} is {item.state} since {item.since}: {item.reason}"


def _shares(position: Position) -> tuple[int, int]:
    return position.leg_a.shares, position.leg_b.shares


def _positions(
    items: Sequence[TicketDay], shares: Mapping[str, tuple[int, int]], day: DayInputs
) -> tuple[tuple[Position, ...], tuple[Fill, ...]]:
    positions: list[Position] = []
    fills: list[Fill] = []
    today = day.prints.get(day.session, {})
    for item in items:
        after = shares.get(item.ticket_id, (0, 0))
        before = (0, 0) if item.position is None else _shares(item.position)
        if not any(after) and not any(before):
            continue
        legs: list[HeldLeg] = []
        for place, symbol in enumerate((item.leg_a, item.leg_b)):
            leg = _at_the_close(symbol, after[place], None if item.position is None else item.position.legs[place], today, day)
            if leg is None:
                continue
            legs.append(leg)
            if before[place] or after[place]:
                fills.append(Fill(item.ticket_id, "AB"[place], symbol, before[place], after[place], leg.price))
        if any(after):
            positions.append(_aged(item, legs[0], legs[1], day.session))
    return tuple(positions), tuple(fills)


def _at_the_close(symbol: str, shares: int, held: HeldLeg | None, today: Mapping[str, Mark], day: DayInputs) -> HeldLeg | None:
    """A leg with its shares after the session, at today's print or the last one it was marked at; None without either."""
    mark = today.get(symbol)
    if mark is not None:
        return HeldLeg(symbol, shares, mark.close, day.session)
    return None if held is None else HeldLeg(held.symbol, shares, held.price, held.priced_on, held.silent)


def _orders(fills: Sequence[Fill], items: Sequence[TicketDay], released: Release, day: DayInputs) -> tuple[Fill, ...]:
    """Paper's blotter: the way to the ideal portfolio, leg by leg; where that asks for nothing, what the desk itself traded."""
    if not released.released:
        return tuple(fills)
    _, asked = _positions(items, released.shares, day)
    made = {(fill.ticket_id, fill.leg): fill for fill in fills}
    return tuple(fill if fill.before != fill.after else made.get((fill.ticket_id, fill.leg), fill) for fill in asked)


def _aged(item: TicketDay, leg_a: HeldLeg, leg_b: HeldLeg, session: date) -> Position:
    fresh = Position(item.ticket_id, leg_a, leg_b, session, 0)
    old = item.position
    if old is None or old.side != fresh.side:
        return fresh
    return Position(item.ticket_id, leg_a, leg_b, old.entered_on, old.age)


def _memories(items: Sequence[TicketDay], state: DeskState, day: DayInputs) -> tuple[Memory, ...]:
    # A ticket that is away while a file cannot be read may be that file: what it waits for is not forgotten.
    seen = {item.ticket_id for item in items}
    memories = [memory for memory in state.memories if memory.ticket_id not in seen and day.may_be_unreadable(memory.ticket_id)]
    for item in items:
        old = state.memory(item.ticket_id)
        side = (item.proposal.units > 0) - (item.proposal.units < 0)
        age = old.age + 1 if side and side == old.side else 0
        memories.append(Memory(item.ticket_id, side, age, item.proposal.armed))
    return tuple(sorted(memories, key=lambda memory: memory.ticket_id))


def _costs(fills: Sequence[Fill], held: Sequence[Position], context: DeskContext) -> int:
    """Cents: rate x traded notional per leg, plus one session's borrow on what was short overnight, at the close it was short
    from (methods.md section 4); so the desk's equity is nav plus realized P&L."""
    traded = sum(abs(fill.traded) * context.cost_rates[fill.symbol] for fill in fills)
    borrowed = sum(-leg.value * context.borrow_rates[leg.symbol] for position in held for leg in position.legs if leg.value < 0)
    return round((traded + borrowed) / TICKS_PER_CENT)


def equity(state: DeskState, nav: float) -> float:
    """Dollars: the static nav plus the desk's cumulated P&L after costs."""
    return nav + (state.pnl_gross_cents - state.costs_cents) * TICKS_PER_CENT / TICKS_PER_DOLLAR
