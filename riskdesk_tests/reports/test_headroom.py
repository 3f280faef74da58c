"""Headroom: what each limit leaves, by hand and against the limit's own measure, to the tick."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, COVARIANCE_UNIT, Family, Leg, Limit, Measure
from riskdesk_assets.reports.headroom import ALONE, StandingBook, symbol_headroom, ticket_headroom

T = 10_000
NAMES = ("BAC", "C", "JPM")


def limit(name: str, measure: Measure, members: tuple[str, ...], dollars: float, **more: object) -> Limit:
    bound = int(dollars) if measure is Measure.COUNT else int(dollars * T)
    return Limit(name, Family.GROUP, measure, members, bound, "test", **more)  # type: ignore[arg-type]


def rooms(book: StandingBook, symbol: str, side: int) -> dict[str, float]:
    return {room.limit_name: room.room for room in symbol_headroom(book, symbol, side)}


# Long 100 JPM and short 60 BAC through one ticket, long 20 BAC through another: JPM +100, BAC -40, gross 140, net +60.
LEGS = (Leg("one", "JPM", 100 * T), Leg("one", "BAC", -60 * T), Leg("two", "BAC", 20 * T))


def test_each_limit_of_a_tiny_book_leaves_what_hand_arithmetic_says() -> None:
    book = StandingBook(
        (
            limit("name_gross:BAC", Measure.NAME_GROSS, ("BAC",), 100),
            limit("symbol_net:BAC", Measure.NET, ("BAC",), 50),
            limit("portfolio_net", Measure.NET, NAMES, 70),
            limit("portfolio_gross", Measure.GROSS, NAMES, 150),
            limit("turnover", Measure.ADDITIONS, (), 200),
            limit("position_count", Measure.COUNT, (), 2),
            limit("ticket_gross:one", Measure.TICKET_GROSS, ("one",), 160),
        ),
        LEGS,
        LEGS,
    )
    # Buying BAC: before netting 80 of 100; from -40 to +50; net 60 of 70; gross falls by 40, then rises to 10 more than now.
    assert rooms(book, "BAC", 1) == {
        "name_gross:BAC": 20.0,
        "symbol_net:BAC": 90.0,
        "portfolio_net": 10.0,
        "portfolio_gross": 90.0,
        "turnover": 200.0,
    }
    # Selling BAC: from -40 to -50; net from 60 down to -70; gross 10 more.
    assert rooms(book, "BAC", -1) == {
        "name_gross:BAC": 20.0,
        "symbol_net:BAC": 10.0,
        "portfolio_net": 130.0,
        "portfolio_gross": 10.0,
        "turnover": 200.0,
    }


def test_more_of_a_ticket_keeps_the_ratio_of_its_legs() -> None:
    book = StandingBook(
        (
            limit("ticket_gross:one", Measure.TICKET_GROSS, ("one",), 176),
            limit("leg_notional:one:JPM", Measure.LEG, ("one", "JPM"), 105),
            limit("leg_notional:one:BAC", Measure.LEG, ("one", "BAC"), 100),
            limit("ticket_gross:two", Measure.TICKET_GROSS, ("two",), 20),
            limit("portfolio_net", Measure.NET, NAMES, 61),
            limit("turnover", Measure.ADDITIONS, (), 10),
        ),
        LEGS,
        (Leg("one", "JPM", 110 * T), Leg("one", "BAC", -66 * T), Leg("two", "BAC", 20 * T)),
    )
    found = {room.limit_name: room.room for room in ticket_headroom(book, LEGS[:2])}
    # 160 gross as 100 : 60, so a dollar of gross is 0.625 JPM and -0.375 BAC, 0.25 net. Sixteen of the turnover are a return
    # to what was held before and cost none of it.
    assert found == {
        "ticket_gross:one": 16.0,
        "leg_notional:one:JPM": 8.0,
        "leg_notional:one:BAC": pytest.approx(40 / 0.375, abs=1e-4),
        "portfolio_net": 4.0,
        "turnover": 26.0,
    }


def test_a_full_desk_has_no_room_for_a_ticket_it_does_not_hold() -> None:
    book = StandingBook((limit("position_count", Measure.COUNT, (), 2),), LEGS)
    assert [room.room for room in ticket_headroom(book, [Leg("three", "C", T), Leg("three", "JPM", -T)])] == [0.0]
    assert ticket_headroom(book, LEGS[:2]) == ()


def test_a_breached_limit_leaves_room_only_on_the_side_that_cures_it() -> None:
    book = StandingBook((limit("symbol_net:JPM", Measure.NET, ("JPM",), 80),), LEGS)
    assert rooms(book, "JPM", 1) == {"symbol_net:JPM": 0.0}
    assert rooms(book, "JPM", -1) == {"symbol_net:JPM": 180.0}


def test_a_scenario_that_pays_for_more_does_not_bound_it() -> None:
    loss = limit("scenario_loss:x", Measure.LOSS, ("BAC", "JPM"), 20, coefficients=((-200_000, -100_000),))
    # JPM +100 at -10% loses 10, BAC -40 at -20% earns 8: 2 lost of 20, so 180 more JPM, or 90 more BAC.
    book = StandingBook((loss,), LEGS)
    assert rooms(book, "JPM", 1) == {"scenario_loss:x": 180.0}
    assert rooms(book, "BAC", 1) == {"scenario_loss:x": 90.0}
    assert rooms(book, "BAC", -1) == {}
    assert rooms(book, "C", 1) == {}


def test_the_room_under_a_volatility_limit_is_the_root_of_the_quadratic() -> None:
    # One name of 2% a day: a bound of 3 dollars is 150 dollars of it, 50 more than the 100 held, 250 the other way.
    covariance = (int(0.02**2 * COVARIANCE_UNIT),)
    book = StandingBook((limit("volatility", Measure.VOLATILITY, ("JPM",), 3, coefficients=(covariance,)),), LEGS)
    assert rooms(book, "JPM", 1) == {"volatility": 50.0}
    assert rooms(book, "JPM", -1) == {"volatility": 250.0}


def random_limits(draw: st.DrawFn) -> Sequence[Limit]:
    members = st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(lambda names: tuple(sorted(names)))
    coefficient = st.integers(-COEFFICIENT_UNIT, COEFFICIENT_UNIT)
    found = []
    for place, measure in enumerate(
        (Measure.NAME_GROSS, Measure.NET, Measure.GROSS, Measure.TRADED, Measure.EXPOSURE, Measure.LOSS, Measure.SHORTFALL)
    ):
        names = draw(members)
        row = st.lists(coefficient, min_size=len(names), max_size=len(names)).map(tuple)
        rows = {Measure.EXPOSURE: 1, Measure.LOSS: 1, Measure.SHORTFALL: 4}.get(measure, 0)
        coefficients = tuple(draw(row) for _ in range(rows))
        found.append(
            Limit(
                f"l{place}",
                Family.GROUP,
                measure,
                names,
                draw(st.integers(0, 400 * T)),
                "",
                "construct",
                coefficients,
                2 if measure is Measure.SHORTFALL else 1,
            )
        )
    root = draw(st.lists(st.lists(st.integers(-20_000, 20_000), min_size=3, max_size=3), min_size=3, max_size=3))
    matrix = tuple(tuple(sum(a * b for a, b in zip(x, y, strict=True)) for y in root) for x in root)
    volatility = draw(st.integers(0, 10 * T))
    found.append(Limit("v", Family.VOLATILITY, Measure.VOLATILITY, NAMES, volatility, "", coefficients=matrix))
    return found


@st.composite
def books(draw: st.DrawFn) -> StandingBook:
    amount = st.integers(-100 * T, 100 * T)
    legs = tuple(Leg(ticket, symbol, draw(amount)) for ticket in ("one", "two") for symbol in NAMES[:2])
    held = tuple(Leg(leg.ticket_id, leg.symbol, draw(amount)) for leg in legs)
    return StandingBook(tuple(random_limits(draw)), legs, held)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(books(), st.sampled_from(NAMES), st.sampled_from([1, -1]))
def test_the_room_is_where_the_limits_own_measure_crosses_its_bound(book: StandingBook, symbol: str, side: int) -> None:
    found = {room.limit_name: round(room.room * T) for room in symbol_headroom(book, symbol, side)}
    for each in book.touching(symbol):

        def at(ticks: int, each: Limit = each) -> bool:
            return each.measured((*book.legs, Leg(ALONE, symbol, side * ticks)), book.held) <= each.bound

        if each.name not in found:
            assert at(10**13) or not at(0)  # it does not count in the limit, or the limit pays for more of it
            continue
        room = found[each.name]
        if at(0):
            assert at(room), (each, room)
        if at(0) or room:
            assert not at(room + 2), (each, room)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(books())
def test_the_room_of_a_ticket_is_where_a_step_further_breaches(book: StandingBook) -> None:
    legs = [leg for leg in book.legs if leg.ticket_id == "one"]
    gross = sum(abs(leg.notional) for leg in legs)
    if gross < T:
        return
    by_name = {each.name: each for each in book.limits}
    for room in ticket_headroom(book, legs):
        each, ticks = by_name[room.limit_name], round(room.room * T)
        if each.measured(book.legs, book.held) > each.bound:
            continue

        def scaled(more: float) -> list[Leg[float]]:
            own = [Leg(leg.ticket_id, leg.symbol, leg.notional * (1 + more / gross)) for leg in legs]
            return [*own, *(leg for leg in book.legs if leg.ticket_id != "one")]

        assert each.measured(scaled(ticks), book.held) <= each.bound + 2
        assert each.measured(scaled(ticks + 4 + ticks * 1e-9), book.held) >= each.bound - 2
        assert math.isfinite(room.room)
