"""Sums taken once say of every limit what the limit says itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_assets.limits.whole_sums import WholeSums

SYMBOLS = ("BAC", "C", "GS", "JPM", "MS")
TICKETS = ("one", "other", "third")
amounts = st.integers(-(10**12), 10**12)
legs = st.lists(st.builds(Leg, st.sampled_from(TICKETS), st.sampled_from(SYMBOLS), amounts), max_size=12)


def limits(row: tuple[int, ...], scenarios: tuple[tuple[int, ...], ...]) -> list[Limit]:
    names = SYMBOLS[:3]
    plain = (
        (Measure.LEG, ("one", "JPM")),
        (Measure.TICKET_GROSS, ("other",)),
        (Measure.NAME_GROSS, ("BAC",)),
        (Measure.NAME_GROSS, names),
        (Measure.NET, names),
        (Measure.GROSS, names),
        (Measure.ADDITIONS, ()),
        (Measure.COUNT, ()),
        (Measure.TRADED, names),
    )
    found = [Limit(measure.value, Family.GROUP, measure, members, 1, "") for measure, members in plain]
    found += [Limit(m.value, Family.FACTOR, m, names, 1, "", coefficients=(row,)) for m in (Measure.EXPOSURE, Measure.LOSS)]
    square = tuple(tuple(abs(a * b) for b in row) for a in row)
    found.append(Limit("vol", Family.VOLATILITY, Measure.VOLATILITY, names, 1, "", coefficients=square))
    found.append(Limit("es", Family.SCENARIO_LOSS, Measure.SHORTFALL, names, 1, "", coefficients=scenarios, worst=2))
    return found


coefficients = st.tuples(*[st.integers(-(10**7), 10**7)] * 3)


@given(legs, legs, coefficients, st.tuples(coefficients, coefficients, coefficients))
def test_every_measure_is_the_limits_own_to_the_tick(
    book: list[Leg[int]], held: list[Leg[int]], row: tuple[int, int, int], scenarios: tuple[tuple[int, int, int], ...]
) -> None:
    sums = WholeSums(book)
    for limit in limits(row, scenarios):
        assert sums.measured(limit, held) == limit.measured(book, held), limit.measure


@given(legs, coefficients)
def test_tickets_together_and_signed_sums_are_what_adding_them_up_says(book: list[Leg[int]], row: tuple[int, int, int]) -> None:
    names, sums = SYMBOLS[:3], WholeSums(book)
    bucket = Limit("bucket", Family.BUCKET, Measure.BUCKET_GROSS, ("one", "third"), 1, "")
    assert sums.measured(bucket) == sum(abs(leg.notional) for leg in book if leg.ticket_id in ("one", "third"))
    net = Limit("net", Family.PORTFOLIO_NET, Measure.NET, names, 1, "")
    assert sums.signed(net) == sum(leg.notional for leg in book if leg.symbol in names)
    loss = Limit("loss", Family.SCENARIO_LOSS, Measure.LOSS, names, 1, "", coefficients=(row,))
    share = dict(zip(names, row, strict=True))
    assert sums.signed(loss) == sum(share.get(leg.symbol, 0) * leg.notional for leg in book)
    assert sums.nets() == {symbol: sum(leg.notional for leg in book if leg.symbol == symbol) for symbol in sums.nets()}
