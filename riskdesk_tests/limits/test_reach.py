"""A limit that sizes alone keep is kept by every book whose tickets are scaled down, to the bit."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_assets.limits.reach import Reach

SYMBOLS = ("BAC", "C", "GS", "JPM")
TICKETS = ("one", "other", "third")
dollars = st.floats(-1e7, 1e7)
ratios = st.fixed_dictionaries({ticket_id: st.floats(0, 1) for ticket_id in TICKETS})
bounds = st.floats(0, 2.5)
rows = st.tuples(*[st.integers(-(10**6), 10**6)] * 4)


def limits(book: list[Leg[float]], per_dollar: int, row: tuple[int, ...], share: float) -> list[Limit]:
    """A limit of every measure, its bound a share of what the whole book measures: reached, met or far away."""
    plain = (
        (Measure.LEG, ("one", "JPM")),
        (Measure.TICKET_GROSS, ("other",)),
        (Measure.BUCKET_GROSS, ("one", "third")),
        (Measure.NAME_GROSS, ("BAC",)),
        (Measure.NAME_GROSS, SYMBOLS[:3]),
        (Measure.NET, SYMBOLS[:2]),
        (Measure.GROSS, SYMBOLS),
        (Measure.ADDITIONS, ()),
        (Measure.COUNT, ()),
        (Measure.TRADED, SYMBOLS),
    )
    found = [Limit(measure.value, Family.GROUP, measure, members, 0, "") for measure, members in plain]
    weighted = (Measure.EXPOSURE, Measure.LOSS, Measure.SHORTFALL)
    found += [Limit(m.value, Family.FACTOR, m, SYMBOLS, 0, "", coefficients=(row,)) for m in weighted]
    return [replace(limit, bound=round(limit.measured(book) * share * per_dollar)) for limit in found]


@st.composite
def books(draw: st.DrawFn, amounts: st.SearchStrategy[float]) -> list[Leg[float]]:
    """Legs of both signs, or of one, where nothing nets."""
    found = draw(st.lists(st.builds(Leg, st.sampled_from(TICKETS), st.sampled_from(SYMBOLS), amounts), min_size=1, max_size=8))
    return [leg._replace(notional=abs(leg.notional)) for leg in found] if draw(st.booleans()) else found


@given(books(dollars), books(dollars), ratios, bounds, rows)
def test_no_scaling_takes_a_book_in_dollars_over_a_limit_that_its_sizes_keep(
    legs: list[Leg[float]], held: list[Leg[float]], x: dict[str, float], share: float, row: tuple[int, ...]
) -> None:
    reach = Reach(legs)
    scaled = [Leg(leg.ticket_id, leg.symbol, leg.notional * x[leg.ticket_id]) for leg in legs]
    for limit in limits(legs, 10_000, row, share):
        if reach.within(limit):
            for book in (legs, scaled):
                assert limit.measured(book, held) <= limit.bound / 10_000, limit.name


@given(books(dollars), rows)
def test_sizes_tell_of_a_limit_beyond_them_all(legs: list[Leg[float]], row: tuple[int, ...]) -> None:
    told = {limit.measure for limit in limits(legs, 1, row, 0.0) if Reach(legs).within(replace(limit, bound=10**16))}
    assert told == {limit.measure for limit in limits(legs, 1, row, 0.0)} - {Measure.COUNT, Measure.TRADED, Measure.SHORTFALL}
