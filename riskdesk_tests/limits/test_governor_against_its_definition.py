"""The governor that looks only at limits within reach builds the book, and tells the story, of one that measures them all."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.limits.governor import govern
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure, gross_by_ticket, held_in_direction
from riskdesk_tests.optimizer.random_desks import Shape, random_problem

Legs = Sequence[Leg[float]]
STEPS = (
    (Family.LEG_NOTIONAL, Family.TICKET_GROSS),
    (Family.NAME_GROSS, Family.BUCKET),
    (Family.TURNOVER,),
    (Family.GROUP, Family.SECTOR, Family.COUNTRY, Family.CURRENCY, Family.FRAGILITY),
    (Family.FACTOR, Family.SCENARIO_LOSS),
    (Family.PORTFOLIO_NET,),
    (Family.PORTFOLIO_GROSS,),
)


def ratio(limit: Limit, legs: Legs, held: Legs, fixed: Legs) -> float:
    measured, bound = limit.measured([*legs, *fixed], held), limit.bound / 10_000
    if measured <= bound:
        return 1.0
    alone = limit.measured(fixed, held)
    return 0.0 if alone >= bound else (bound - alone) / (measured - alone)


def plain(legs: Legs, held: Legs, limits: Sequence[Limit], fixed: Legs) -> tuple[Legs, list[tuple[str, str, float]]]:
    """Every limit measured at every step, every leg in every sum."""
    active = [limit for limit in limits if limit.mode == "construct" and limit.measure is not Measure.COUNT]
    told: list[tuple[str, str, float]] = []
    for families in STEPS:
        smallest: dict[str, tuple[float, Limit]] = {}
        for limit in active:
            cut = ratio(limit, legs, held, fixed)
            if limit.family not in families or cut >= 1:
                continue
            for ticket_id in sorted({leg.ticket_id for leg in legs if leg.notional}):
                mine = {leg.symbol for leg in legs if leg.ticket_id == ticket_id and leg.notional}
                if not limit.touches(ticket_id, mine) or (ticket_id in smallest and cut >= smallest[ticket_id][0]):
                    continue
                own = cut
                if limit.measure is Measure.ADDITIONS:
                    gross, same = gross_by_ticket(legs)[ticket_id], held_in_direction(legs, held)[ticket_id]
                    own = 1.0 if gross <= same else (same + cut * (gross - same)) / gross
                if own < 1:
                    smallest[ticket_id] = (own, limit)
        legs = [
            Leg(leg.ticket_id, leg.symbol, leg.notional * smallest[leg.ticket_id][0]) if leg.ticket_id in smallest else leg
            for leg in legs
        ]
        told += [(ticket_id, smallest[ticket_id][1].name, smallest[ticket_id][0]) for ticket_id in sorted(smallest)]
    ratios = [(ratio(limit, legs, held, fixed), limit) for limit in active if limit.measure is not Measure.ADDITIONS]
    last, worst = min(ratios, key=lambda pair: pair[0])
    if last < 1:
        told += [(ticket_id, worst.name, last) for ticket_id, gross in gross_by_ticket(legs).items() if gross]
        legs = [Leg(leg.ticket_id, leg.symbol, leg.notional * last) for leg in legs]
    return legs, told


def caps(legs: Legs, share: float) -> list[Limit]:
    """Each ticket's own caps, at a share of what is asked: at 1.0 they are met to the last bit or missed by one."""
    found = []
    for leg in legs:
        bound = round(abs(leg.notional) * share * 10_000)
        found.append(Limit(f"leg:{leg.ticket_id}:{leg.symbol}", Family.LEG_NOTIONAL, Measure.LEG, leg[:2], bound, "test"))
    for ticket_id, gross in gross_by_ticket(legs).items():
        bound = round(gross * share * 10_000)
        found.append(Limit(f"ticket:{ticket_id}", Family.TICKET_GROSS, Measure.TICKET_GROSS, (ticket_id,), bound, "test"))
    return found


@settings(max_examples=150)
@given(
    seed=st.integers(0, 10**6),
    tight=st.sampled_from([0.15, 0.5, 1.0, 3.0]),
    share=st.sampled_from([0.6, 1.0, 2.0]),
    idle=st.sets(st.integers(0, 11), max_size=6),
    frozen=st.booleans(),
)
def test_the_governor_scales_what_measuring_every_limit_at_every_step_scales_to_the_bit(
    seed: int, tight: float, share: float, idle: set[int], frozen: bool
) -> None:
    problem = random_problem(seed, Shape(6, 8, 3), tight, facts=True, buckets=True)
    legs = tuple(leg._replace(notional=0.0) if i in idle else leg for i, leg in enumerate(problem.legs))
    symbols = problem.symbols
    fixed = (Leg("frozen", symbols[0], 30_000.0), Leg("frozen", symbols[-1], -29_000.0)) if frozen else problem.fixed
    limits = (*caps(problem.legs, share), *problem.limits)
    found, scalings = govern(legs, problem.held, limits, fixed)
    expected, told = plain(legs, problem.held, limits, fixed)
    assert list(found) == list(expected)
    assert [(item.ticket_id, item.limit.name, item.ratio) for item in scalings] == told
