"""What the guards keep up, share out or rule out beforehand is what measuring the whole book anew would say."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.guards.book_caps import CappedBook, within_reach
from riskdesk_assets.guards.limit_quantity import Quantity
from riskdesk_assets.guards.ticket_move import STEPS, Cut, Move, move_of, sizes
from riskdesk_assets.guards.ticket_types import GuardRules, TicketReason, TicketShares
from riskdesk_assets.guards.types import Layer
from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Family, Limit, Measure
from riskdesk_tests.guards import plain_caps
from riskdesk_tests.guards.tickets import rules

NAMES = ("BAC", "C", "GS", "JPM", "KEY")
PAIRS = (("JPM", "BAC"), ("GS", "C"), ("JPM", "C"), ("KEY", "BAC"))
KEYS = tuple(f"{a}-{b}" for a, b in PAIRS)

shares = st.integers(-1500, 1500)
dollars = st.integers(0, 400_000)
coefficients = st.integers(-2 * COEFFICIENT_UNIT, 2 * COEFFICIENT_UNIT)
ratios = st.one_of(st.sampled_from([Fraction(0), Fraction(1)]), st.fractions(0, 1, max_denominator=1 << 22))


def rows(draw: st.DrawFn, count: int, width: int) -> tuple[tuple[int, ...], ...]:
    # A name may move nothing at all.
    still = draw(st.integers(0, width))
    return tuple(tuple(0 if place == still else draw(coefficients) for place in range(width)) for _ in range(count))


@st.composite
def limits(draw: st.DrawFn) -> Limit:
    """A limit of any measure that looks at nothing but the book, from idle to starving."""
    measure = draw(
        st.sampled_from([item for item in Measure if item not in (Measure.ADDITIONS, Measure.COUNT, Measure.TRADED)])
    )
    members: tuple[str, ...] = tuple(sorted(draw(st.sets(st.sampled_from(NAMES), min_size=1))))
    weights: tuple[tuple[int, ...], ...] = ()
    worst = 1
    if measure is Measure.LEG:
        place = draw(st.integers(0, len(PAIRS) - 1))
        members = (KEYS[place], draw(st.sampled_from(PAIRS[place])))
    elif measure is Measure.TICKET_GROSS:
        members = (draw(st.sampled_from(KEYS)),)
    elif measure is Measure.BUCKET_GROSS:
        members = tuple(sorted(draw(st.sets(st.sampled_from(KEYS), min_size=1))))
    elif measure in (Measure.EXPOSURE, Measure.LOSS):
        weights = rows(draw, 1, len(members))
    elif measure is Measure.SHORTFALL:
        weights, worst = rows(draw, 3, len(members)), 2
    elif measure is Measure.VOLATILITY:
        # A covariance of one common move, symmetric and positive: the outer product of the names' reactions with themselves.
        (reactions,) = rows(draw, 1, len(members))
        weights = tuple(tuple(a * b for b in reactions) for a in reactions)
    family = draw(st.sampled_from([Family.NAME_GROSS, Family.GROUP, Family.PORTFOLIO_NET]))
    name = f"{measure.value}:{'+'.join(members)}:{family.value}"
    bound = draw(dollars) * TICKS_PER_DOLLAR
    return Limit(name, family, measure, members, bound, "drawn", coefficients=weights, worst=worst)


@st.composite
def books(draw: st.DrawFn) -> list[Move]:
    """Tickets with odd lots, on their way, waiting, cut or frozen."""
    lots = {name: draw(st.sampled_from([1, 7, 100])) for name in NAMES}
    own: GuardRules = replace(rules(), lots=lots)
    prices = {name: draw(st.integers(5, 400)) * TICKS_PER_DOLLAR for name in NAMES}
    moves: list[Move] = []
    for key, symbols in zip(KEYS, PAIRS, strict=True):
        frozen = draw(st.integers(0, 5)) == 0
        held = TicketShares(key, symbols, (draw(shares), draw(shares)), frozen)
        move = move_of(held, TicketShares(key, symbols, (draw(shares), draw(shares)), frozen), prices, own)
        state = "goes" if frozen else draw(st.sampled_from(["goes", "waits", "cut"]))
        if state == "waits":
            move = move.goes(Fraction(0), TicketReason.WITHIN_BAND, Layer.PER_SYMBOL)
        elif state == "cut":
            move = move.cut(Layer.PER_TRADE, "max_notional", way=draw(ratios))
        moves.append(move)
    return moves


@given(books(), limits(), st.lists(st.tuples(st.integers(0, len(PAIRS) - 1), ratios, ratios), max_size=6))
@settings(max_examples=200)
def test_a_quantity_that_changes_by_one_ticket_at_a_time_is_the_limits_own_measure(moves, limit, changes):
    quantity = Quantity(limit, moves)
    book = {move.ticket_id: move for move in moves}
    assert quantity.now == plain_caps.measured(book, limit)
    assert [move.ticket_id for move in quantity.moves] == [
        move.ticket_id for move in moves if limit.touches(move.ticket_id, move.route.symbols) and counts(limit, move)
    ]
    for place, way, scale in changes:
        after = book[KEYS[place]].cut(Layer.GROUP, "drawn", way=way, scale=scale)
        book[after.ticket_id] = after
        if after.ticket_id in {move.ticket_id for move in quantity.moves}:
            assert quantity.given(after.ticket_id, after.shares) == plain_caps.measured(book, limit)
            quantity.put(after)
        assert quantity.now == plain_caps.measured(book, limit)


def counts(limit: Limit, move: Move) -> bool:
    """Whether a leg of the ticket is one the limit is on: a limit on one leg is not on the other."""
    return limit.measure is not Measure.LEG or limit.members[1] in move.route.symbols


@given(books(), ratios, ratios, st.integers(1, STEPS - 1))
@settings(max_examples=200)
def test_a_leg_that_is_cut_is_whole_lots_of_the_point_of_its_way(moves, way, scale, step):
    for move in moves:
        cut = move.cut(Layer.GROUP, "drawn", way=way, scale=scale)
        assert cut.shares == plain_caps.shares_at(move.route, way, scale)
        factor = Fraction(step, STEPS)
        for what, after in ((Cut.WAY, (way * factor, scale)), (Cut.SCALE, (way, scale * factor))):
            expected = plain_caps.shares_at(move.route, *after)
            if way and scale:
                assert tuple(sizes(cut.paths(what), step)) == tuple(map(abs, expected))
        assert cut.given_up(Cut.WAY) == plain_caps.shares_at(move.route, Fraction(0), scale)
        assert cut.given_up(Cut.SCALE) == plain_caps.shares_at(move.route, way, Fraction(0))


@given(books(), st.lists(limits(), min_size=1, max_size=6), st.lists(st.tuples(ratios, ratios), min_size=4, max_size=4))
@settings(max_examples=200)
def test_a_limit_that_is_not_within_reach_is_breached_nowhere_on_the_way(moves, bounds, points):
    near = within_reach([move.route for move in moves], bounds)
    assert [limit for limit in bounds if limit in near] == near
    for at in (points, [(Fraction(0), Fraction(1))] * 4, [(Fraction(1), Fraction(1))] * 4):
        book = {
            move.ticket_id: plain_caps.changed(move, way=way, scale=scale) for move, (way, scale) in zip(moves, at, strict=True)
        }
        for limit in bounds:
            assert limit in near or plain_caps.measured(book, limit) <= limit.bound


def test_limits_far_away_are_left_out_and_near_ones_kept():
    held = TicketShares("JPM-BAC", ("JPM", "BAC"), (100, -100))
    prices = dict.fromkeys(NAMES, 100 * TICKS_PER_DOLLAR)
    route = move_of(held, TicketShares("JPM-BAC", ("JPM", "BAC"), (40, -30)), prices, rules()).route
    cases = [
        # measure, members, the largest it comes to on the way in dollars
        (Measure.LEG, ("JPM-BAC", "JPM"), 10_000),
        (Measure.TICKET_GROSS, ("JPM-BAC",), 20_000),
        (Measure.NAME_GROSS, ("BAC",), 10_000),
        (Measure.GROSS, ("BAC", "C", "JPM"), 20_000),
        (Measure.NET, ("C", "JPM"), 10_000),
    ]
    for measure, members, most in cases:
        kept = Limit("kept", Family.GROUP, measure, members, most * TICKS_PER_DOLLAR, "here")
        assert within_reach([route], [kept]) == []
        near = replace(kept, bound=kept.bound - 1)
        assert within_reach([route], [near]) == [near]
    elsewhere = Limit("elsewhere", Family.GROUP, Measure.NAME_GROSS, ("GS",), 0, "here")
    additions = Limit("additions", Family.TURNOVER, Measure.ADDITIONS, (), 0, "here")
    assert within_reach([route], [elsewhere, additions]) == []


@given(books(), st.lists(limits(), min_size=1, max_size=5, unique_by=lambda limit: limit.name), st.booleans())
@settings(max_examples=200, deadline=None)
def test_the_book_within_its_caps_is_that_of_measuring_everything_anew(moves, bounds, in_layers):
    book, plain = CappedBook(moves, bounds), {move.ticket_id: move for move in moves}
    for layer in (Layer.PER_SYMBOL, Layer.GROUP, Layer.PORTFOLIO) if in_layers else ():
        book.keep_layer(layer)
        plain = plain_caps.within_layer(plain, bounds, layer)
        assert book.moves == tuple(plain.values())
    breaches = book.keep_all()
    plain, expected = plain_caps.within_all(plain, bounds)
    assert book.moves == tuple(plain.values())
    assert breaches == expected


def test_a_limit_that_held_is_measured_again_once_the_ticket_that_hedged_it_is_cut():
    prices = dict.fromkeys(NAMES, 100 * TICKS_PER_DOLLAR)
    moves = [
        move_of(None, TicketShares("a", ("JPM", "BAC"), (100, -100)), prices, rules()),
        move_of(None, TicketShares("b", ("JPM", "C"), (-100, 100)), prices, rules()),
    ]
    net = Limit("net", Family.NAME_GROSS, Measure.NET, ("JPM",), 5_000 * TICKS_PER_DOLLAR, "here")
    leg = Limit("leg", Family.LEG_NOTIONAL, Measure.LEG, ("b", "C"), 4_000 * TICKS_PER_DOLLAR, "here")
    book = CappedBook(moves, (net, leg))
    book.keep_layer(Layer.PER_SYMBOL)
    # The net holds while b hedges a, and is passed before the leg limit cuts b to 40 shares.
    assert [move.shares for move in book.moves] == [(100, -100), (-40, 40)]
    assert book.keep_all() == ()
    assert [move.shares for move in book.moves] == [(90, -90), (-40, 40)]
