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
    active = [limit for limit in limits if limit.mode == "construct" and limit.measure is not Measure.COUNT]
    current, scalings = tuple(legs), []
    for families in _ORDER:
        step = [limit for limit in active if limit.family in families]
        current, done = _apply(current, held, step, fixed)
        scalings.extend(done)
    # Shrinking one ticket can uncover what it hedged; every such measure is convex in the book's scale, so one last scale
    # over the whole book settles them all.
    worst = min(
        (limit for limit in active if limit.measure is not Measure.ADDITIONS),
        key=lambda x: _ratio(x, current, held, fixed),
        default=None,
    )
    if worst is not None and _ratio(worst, current, held, fixed) < 1:
        ratio = _ratio(worst, current, held, fixed)
        scalings.extend(Scaling(ticket_id, worst, ratio) for ticket_id, gross in gross_by_ticket(current).items() if gross)
        current = tuple(Leg(leg.ticket_id, leg.symbol, leg.notional * ratio) for leg in current)
    return current, tuple(scalings)


def _apply(
    legs: tuple[Leg[float], ...], held: Sequence[Leg[float]], limits: Sequence[Limit], fixed: Sequence[Leg[float]]
) -> tuple[tuple[Leg[float], ...], list[Scaling]]:
    symbols: dict[str, set[str]] = {}
    for leg in legs:
        if leg.notional:
            symbols.setdefault(leg.ticket_id, set()).add(leg.symbol)
    smallest: dict[str, Scaling] = {}
    for limit in limits:
        ratio = _ratio(limit, legs, held, fixed)
        if ratio >= 1:
            continue
        for ticket_id in sorted(symbols):
            if limit.touches(ticket_id, symbols[ticket_id]) and (
                ticket_id not in smallest or ratio < smallest[ticket_id].ratio
            ):
                own = _addition_ratio(ticket_id, legs, held, ratio) if limit.measure is Measure.ADDITIONS else ratio
                if own < 1:
                    smallest[ticket_id] = Scaling(ticket_id, limit, own)
    scaled = tuple(_scaled(leg, smallest) for leg in legs)
    return scaled, [smallest[ticket_id] for ticket_id in sorted(smallest)]


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


def _addition_ratio(ticket_id: str, legs: Sequence[Leg[float]], held: Sequence[Leg[float]], ratio: float) -> float:
    """The ratio that scales only what the ticket adds to its held gross."""
    gross, same = gross_by_ticket(legs)[ticket_id], held_in_direction(legs, held)[ticket_id]
    return 1.0 if gross <= same else (same + ratio * (gross - same)) / gross
