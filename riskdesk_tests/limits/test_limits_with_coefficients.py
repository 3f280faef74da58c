"""Quantities with coefficients by hand, in ticks and in dollars, and the audit on both sides of each bound."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from riskdesk_assets.limits.audit import audit
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure, whole_coefficients

# nets: BAC -50, C 50, JPM 40, WFC -30
BOOK = (
    Leg("T1", "JPM", 100),
    Leg("T1", "BAC", -80),
    Leg("T2", "JPM", -60),
    Leg("T2", "C", 50),
    Leg("T3", "BAC", 30),
    Leg("T3", "WFC", -30),
)
HELD = (Leg("T1", "JPM", 50), Leg("T1", "BAC", -40), Leg("T4", "C", 70))
ALL = ("BAC", "C", "JPM", "WFC")
ONE = 1_000_000


def limit(
    measure: Measure, coefficients: Sequence[Sequence[int]], bound: int = 0, members: tuple[str, ...] = ALL, worst: int = 1
) -> Limit:
    rows = tuple(tuple(row) for row in coefficients)
    return Limit("it", Family.FACTOR, measure, members, bound, "here", coefficients=rows, worst=worst)


# exact value, and the whole ticks it is rounded up to
MEASURED = [
    # 0.9 x -50 + 1.1 x 50 + 1.2 x 40 + 1 x -30 = -45 + 55 + 48 - 30
    (limit(Measure.EXPOSURE, [[900_000, 1_100_000, 1_200_000, ONE]]), 28.0, 28),
    (limit(Measure.EXPOSURE, [[-900_000, -1_100_000, -1_200_000, -ONE]]), 28.0, 28),
    # 0.1 x -50 + 0.333333 x 40 = 8.33332
    (limit(Measure.EXPOSURE, [[100_000, 333_333]], members=("BAC", "JPM")), 8.33332, 9),
    # a millionth more than 28 is already 29 whole ticks
    (limit(Measure.EXPOSURE, [[900_000, 1_100_000, 1_200_000, 999_999]]), 28.00003, 29),
    # -(-0.2 x -50 - 0.1 x 50 - 0.3 x 40 + 0 x -30) = -10 + 5 + 12
    (limit(Measure.LOSS, [[-200_000, -100_000, -300_000, 0]]), 7.0, 7),
    # the same the other way round earns 7: nothing is lost
    (limit(Measure.LOSS, [[200_000, 100_000, 300_000, 0]]), 0.0, 0),
    # losses 7, -7 and 0.25 x 50 = 12.5 (C falls by a quarter): the worst one; the mean of the worst two; of all three
    (
        limit(Measure.SHORTFALL, [[-200_000, -100_000, -300_000, 0], [200_000, 100_000, 300_000, 0], [0, -250_000, 0, 0]]),
        12.5,
        13,
    ),
    (
        limit(
            Measure.SHORTFALL,
            [[-200_000, -100_000, -300_000, 0], [200_000, 100_000, 300_000, 0], [0, -250_000, 0, 0]],
            worst=2,
        ),
        9.75,
        10,
    ),
    (
        limit(
            Measure.SHORTFALL,
            [[-200_000, -100_000, -300_000, 0], [200_000, 100_000, 300_000, 0], [0, -250_000, 0, 0]],
            worst=3,
        ),
        12.5 / 3,
        5,
    ),
    # C and JPM with variances 0.0004 and 0.0009, covariance 0.0003:
    # 0.0004 x 2500 + 0.0009 x 1600 + 2 x 0.0003 x 2000 = 1 + 1.44 + 1.2 = 3.64
    (
        limit(Measure.VOLATILITY, [[400_000_000, 300_000_000], [300_000_000, 900_000_000]], members=("C", "JPM")),
        3.64**0.5,
        2,
    ),
    # 0.04 x 2500 = 100, whose root is whole; a trillionth more variance is not
    (limit(Measure.VOLATILITY, [[40_000_000_000]], members=("C",)), 10.0, 10),
    (limit(Measure.VOLATILITY, [[40_000_000_001]], members=("C",)), 10.0, 11),
]


@pytest.mark.parametrize(("item", "exact", "ticks"), MEASURED)
def test_in_dollars_it_is_what_a_person_works_out_and_in_ticks_that_rounded_up(item: Limit, exact: float, ticks: int) -> None:
    dollars = [Leg(leg.ticket_id, leg.symbol, float(leg.notional)) for leg in BOOK]
    assert item.measured(dollars) == pytest.approx(exact, rel=1e-9)
    whole = item.measured(BOOK)
    assert (whole, type(whole)) == (ticks, int)


@pytest.mark.parametrize(("item", "exact", "ticks"), MEASURED)
def test_the_audit_breaches_one_tick_above_the_bound_and_not_at_it(item: Limit, exact: float, ticks: int) -> None:
    for bound, status in ((ticks, "AMBER" if ticks else "OK"), (ticks - 1, "BREACH")):
        moved = Limit(
            "it", item.family, item.measure, item.members, bound, "", coefficients=item.coefficients, worst=item.worst
        )
        assert audit([moved], BOOK, (), 0.8)[0].status == status


def test_what_is_traded_is_counted_net_of_what_was_held() -> None:
    # JPM 40 - 50 = 10, BAC -50 + 40 = 10, C 50 - 70 = 20, WFC 30
    traded = Limit("turnover", Family.TURNOVER, Measure.TRADED, ALL, 70, "")
    assert traded.measured(BOOK, HELD) == 70
    assert [
        audit([Limit("t", traded.family, traded.measure, ALL, bound, "")], BOOK, HELD, 1.0)[0].status for bound in (70, 69)
    ] == [
        "AMBER",
        "BREACH",
    ]
    # a name that is held and no more in the book is sold, one that is no member counts for nothing
    assert Limit("l", Family.LIQUIDITY, Measure.TRADED, ("C",), 0, "").measured((), HELD) == 70


def test_an_audited_quantity_of_any_size_is_exact() -> None:
    # floats would lose the last digits of 10**30
    book = [Leg("T", "JPM", 10**30 + 1)]
    assert limit(Measure.EXPOSURE, [[ONE]], members=("JPM",)).measured(book) == 10**30 + 1
    assert limit(Measure.VOLATILITY, [[ONE**2]], members=("JPM",)).measured(book) == 10**30 + 1
    assert limit(Measure.LOSS, [[-ONE]], members=("JPM",)).measured(book) == 10**30 + 1


def test_members_that_are_not_in_the_book_move_nothing() -> None:
    assert limit(Measure.EXPOSURE, [[ONE, ONE]], members=("JPM", "ZION")).measured(BOOK) == 40
    assert limit(Measure.VOLATILITY, [[ONE**2, 0], [0, ONE**2]], members=("JPM", "ZION")).measured(BOOK) == 40
    for measure in (Measure.EXPOSURE, Measure.LOSS, Measure.SHORTFALL):
        assert limit(measure, [[]], members=()).measured(BOOK) == 0
        assert limit(measure, [[ONE]], members=("ZION",)).measured(()) == 0


def test_a_ticket_whose_names_have_no_coefficient_does_not_touch_the_limit() -> None:
    shortfall = limit(Measure.SHORTFALL, [[0, ONE, 0, 0], [0, 0, -1, 0]])
    assert [shortfall.touches("T", (symbol,)) for symbol in ALL] == [False, True, True, False]
    assert not shortfall.touches("T", ("ZION",))


def test_coefficients_are_rounded_half_to_even() -> None:
    assert whole_coefficients([1.0, -0.2, 5e-7, 1.5e-6, -0.0]) == (ONE, -200_000, 0, 2, 0)


@pytest.mark.parametrize(
    ("measure", "coefficients", "worst"),
    [
        (Measure.EXPOSURE, [], 1),
        (Measure.LOSS, [], 1),
        (Measure.LOSS, [[1, 2]], 1),
        (Measure.EXPOSURE, [[1], [1]], 1),
        (Measure.VOLATILITY, [[1], [1]], 1),
        (Measure.SHORTFALL, [[1], [1]], 3),
        (Measure.SHORTFALL, [[1], [1]], 0),
        (Measure.GROSS, [[1]], 1),
    ],
)
def test_coefficients_that_do_not_fit_the_measure_are_refused(
    measure: Measure, coefficients: Sequence[Sequence[int]], worst: int
) -> None:
    with pytest.raises(ValueError, match=r"^it: "):
        limit(measure, coefficients, members=("JPM",), worst=worst)
