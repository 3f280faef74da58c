"""The mechanical governor: whole tickets scaled down until every limit holds. No solver, no trade-off, no surprise.

Order (design.md section 1): ticket caps, then name gross and buckets, then whatever nets (factors and scenarios too), then
portfolio gross. Each step only shrinks.
A ticket over several tight names takes the smallest ratio, all names at once, so no ticket's fate hangs on its place in a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure, gross_by_ticket, held_in_direction
from riskdesk_assets.limits.reach import Reach

_ORDER = (
    (Family.LEG_NOTIONAL, Family.TICKET_GROSS),
    (Family.NAME_GROSS, Family.BUCKET),
    (Family.TURNOVER,),
    (Family.GROUP, Family.SECTOR, Family.COUNTRY, Family.CURRENCY, Family.FRAGILITY),
    (Family.FACTOR, Family.SCENARIO_LOSS),
    (Family.PORTFOLIO_NET,),
    (Family.PORTFOLIO_GROSS,),
)


@dataclass(frozen=True)
class Scaling:
    """One ticket scaled by one limit: ``ratio`` in [0, 1)."""

    ticket_id: str
    limit: Limit
    ratio: float


def govern(
    legs: Sequence[Leg[float]], held: Sequence[Leg[float]], limits: Sequence[Limit], fixed: Sequence[Leg[float]] = ()
) -> tuple[tuple[Leg[float], ...], tuple[Scaling, ...]]:
    """Scale tickets down until every construct-mode limit holds.

    Args:
        legs: approved legs, signed dollars.
        held: yesterday's legs at today's prices, signed dollars.
        limits: the session's limits.
        fixed: frozen legs, signed dollars: never scaled, counted in every limit; ``held`` has them too.

    Returns:
        The scaled legs in the order given, and what each limit did to each ticket.
    """
    # Most limits are too far away for any scaling to reach: they are left out, and the others measured.
    reach = Reach((*legs, *fixed))
    active = [
        limit
        for limit in limits
        if limit.mode == "construct" and not reach.within(limit) and limit.measure is not Measure.COUNT
    ]
    current, scalings = tuple(legs), list[Scaling]()
    for families in _ORDER:
        step = [limit for limit in active if limit.family in families]
        current, done = _apply(current, held, step, fixed)
        scalings.extend(done)
    # Shrinking one ticket can uncover what it hedged; every such measure is convex in the book's scale, so one last scale
    # over the whole book settles them all.
    lasting = [limit for limit in active if limit.measure is not Measure.ADDITIONS]
    ratio, worst = min(
        ((_ratio(limit, current, held, fixed), limit) for limit in lasting), key=lambda pair: pair[0], default=(1.0, None)
    )
    if worst is not None and ratio < 1:
        scalings.extend(Scaling(ticket_id, worst, ratio) for ticket_id, gross in gross_by_ticket(current).items() if gross)
        current = tuple([Leg(ticket_id, symbol, notional * ratio) for ticket_id, symbol, notional in current])
    return current, tuple(scalings)


def _apply(
    legs: tuple[Leg[float], ...], held: Sequence[Leg[float]], limits: Sequence[Limit], fixed: Sequence[Leg[float]]
) -> tuple[tuple[Leg[float], ...], list[Scaling]]:
    ratios = [(limit, _ratio(limit, legs, held, fixed)) for limit in limits]
    if all(ratio >= 1 for _, ratio in ratios):
        return legs, []
    symbols: dict[str, set[str]] = {}
    for ticket_id, symbol, notional in legs:
        if notional:
            symbols.setdefault(ticket_id, set()).add(symbol)
    smallest: dict[str, Scaling] = {}
    for limit, ratio in ratios:
        if ratio >= 1:
            continue
        own = _addition_ratios(legs, held, ratio) if limit.measure is Measure.ADDITIONS else dict.fromkeys(symbols, ratio)
        for ticket_id, traded in symbols.items():
            nearer = ticket_id not in smallest or ratio < smallest[ticket_id].ratio
            if nearer and own[ticket_id] < 1 and limit.touches(ticket_id, traded):
                smallest[ticket_id] = Scaling(ticket_id, limit, own[ticket_id])
    return tuple([_scaled(leg, smallest) for leg in legs]), [smallest[ticket_id] for ticket_id in sorted(smallest)]


def _scaled(leg: Leg[float], scalings: Mapping[str, Scaling]) -> Leg[float]:
    scaling = scalings.get(leg.ticket_id)
    return leg if scaling is None else Leg(leg.ticket_id, leg.symbol, leg.notional * scaling.ratio)


def _ratio(limit: Limit, legs: Sequence[Leg[float]], held: Sequence[Leg[float]], fixed: Sequence[Leg[float]]) -> float:
    """The scale of the legs at which the limit holds, by convexity between none of them and all of them."""
    measured = limit.measured((*legs, *fixed), held)
    bound = limit.bound / TICKS_PER_DOLLAR
    if measured <= bound:
        return 1.0
    alone = limit.measured(fixed, held)
    return 0.0 if alone >= bound else (bound - alone) / (measured - alone)


def _addition_ratios(legs: Sequence[Leg[float]], held: Sequence[Leg[float]], ratio: float) -> dict[str, float]:
    """Per ticket the ratio that scales only what it adds to its held gross."""
    same = held_in_direction(legs, held)
    return {
        ticket_id: 1.0 if gross <= same[ticket_id] else (same[ticket_id] + ratio * (gross - same[ticket_id])) / gross
        for ticket_id, gross in gross_by_ticket(legs).items()
    }
