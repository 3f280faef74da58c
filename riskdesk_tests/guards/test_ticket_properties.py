"""What holds for every book the guards are given, whatever is held, wanted, capped or remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.guards.ticket_guards import guard_book
from riskdesk_assets.guards.ticket_types import GuardMemory, GuardRules, Shares, TicketMemory, TicketShares
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_tests.guards.tickets import Walk, kept, rules

DAY = date(2026, 3, 2)
NAMES = ("BAC", "C", "GS", "JPM", "KEY", "MS")
PAIRS = (("JPM", "BAC"), ("GS", "MS"), ("JPM", "C"), ("KEY", "BAC"), ("MS", "JPM"))
FREE = replace(rules(), caps=(), per_trade_default=10**15, min_order=0)

shares = st.integers(-4000, 4000)
positions = st.one_of(st.just((0, 0)), st.tuples(shares, shares), st.integers(-4000, 4000).map(lambda size: (size, -size)))
books = st.dictionaries(st.sampled_from(PAIRS), positions, max_size=5).map(
    lambda drawn: tuple(TicketShares(f"{a}-{b}", (a, b), held) for (a, b), held in sorted(drawn.items()))
)
price_sets = st.fixed_dictionaries(
    {name: st.integers(5, 400).map(lambda dollars: dollars * TICKS_PER_DOLLAR) for name in NAMES}
)
memories = st.dictionaries(
    st.sampled_from([f"{a}-{b}" for a, b in PAIRS]),
    st.tuples(st.integers(-800_000, 800_000), st.integers(0, 5), st.booleans()),
).map(
    lambda drawn: GuardMemory(
        tuple(TicketMemory(key, c * TICKS_PER_DOLLAR, DAY, n, unfinished) for key, (c, n, unfinished) in sorted(drawn.items()))
    )
)


def cap(name: str, measure: Measure, members: tuple[str, ...], family: Family, dollars: int) -> Limit:
    return Limit(name, family, measure, members, dollars * TICKS_PER_DOLLAR, "drawn")


@st.composite
def rule_sets(draw: st.DrawFn) -> GuardRules:
    """Every bound from idle to starving, lots of 1 to 100."""
    dollars = st.integers(0, 1_500_000)
    caps = [cap(f"symbol:{name}", Measure.NAME_GROSS, (name,), Family.NAME_GROSS, draw(dollars)) for name in NAMES]
    caps.append(cap("group:money", Measure.GROSS, ("BAC", "C", "JPM"), Family.GROUP, draw(dollars)))
    caps.append(cap("gross", Measure.GROSS, NAMES, Family.PORTFOLIO_GROSS, draw(st.integers(0, 3_000_000))))
    caps.append(cap("net", Measure.NET, NAMES, Family.PORTFOLIO_NET, draw(st.integers(0, 400_000))))
    return replace(
        rules(),
        caps=tuple(caps),
        lots={name: draw(st.sampled_from([1, 5, 100])) for name in NAMES},
        per_trade_default=draw(st.integers(1_000, 2_000_000)) * TICKS_PER_DOLLAR,
        min_order=draw(st.sampled_from([0, 5_000])) * TICKS_PER_DOLLAR,
        cadence_sessions=draw(st.integers(1, 4)),
    )


def of(book: tuple[TicketShares, ...], key: str) -> Shares:
    return next((item.shares for item in book if item.ticket_id == key), (0, 0))


def legs(book: tuple[TicketShares, ...], after: dict[str, Shares], prices: dict[str, int]) -> list[Leg[int]]:
    known = {item.ticket_id: item for item in book}
    return [leg for key, held in after.items() for leg in replace(known[key], shares=held).legs(prices)]


@settings(max_examples=150)
@given(books, books, price_sets, rule_sets(), memories)
def test_no_leg_goes_beyond_the_larger_of_yesterdays_and_its_ideal_position(held, ideal, prices, own, memory):
    result = guard_book(held, ideal, prices, own, memory, DAY)
    for key, after in result.guarded.items():
        for old, want, new in zip(of(held, key), of(ideal, key), after, strict=True):
            assert min(old, want, 0) <= new <= max(old, want, 0)
            assert abs(new) <= max(abs(old), abs(want))
    # Nor does a session add more, ticket by ticket, than the ideal portfolio would.
    added = Limit("turnover", Family.TURNOVER, Measure.ADDITIONS, (), 0, "here")
    before = [leg for item in held for leg in item.legs(prices)]
    after_legs = legs((*held, *ideal), dict(result.guarded), prices)
    assert added.measured(after_legs, before) <= added.measured([leg for item in ideal for leg in item.legs(prices)], before)


@settings(max_examples=150)
@given(books, books, price_sets, rule_sets(), memories)
def test_no_cap_is_left_breached_from_whatever_start(held, ideal, prices, own, memory):
    result = guard_book(held, ideal, prices, own, memory, DAY)
    measured = legs((*held, *ideal), dict(result.guarded), prices)
    assert [limit.name for limit in own.caps if limit.measured(measured) > limit.bound] == []
    assert result.breaches == ()


@settings(max_examples=150)
@given(books, price_sets, rule_sets())
def test_both_legs_shrink_together_to_one_lot(ideal, prices, own):
    result = guard_book((), ideal, prices, own, GuardMemory(), DAY)
    for item in ideal:
        low, high = Fraction(0), Fraction(1)
        for symbol, want, new in zip(item.symbols, item.shares, result.guarded[item.ticket_id], strict=True):
            if want:
                low = max(low, Fraction(abs(new) - own.lots[symbol], abs(want)))
                high = min(high, Fraction(abs(new) + own.lots[symbol], abs(want)))
        assert low <= high


@settings(max_examples=100)
@given(books, books, price_sets, rule_sets(), memories, st.randoms(use_true_random=False))
def test_the_order_of_tickets_changes_nothing(held, ideal, prices, own, memory, random):
    first = guard_book(held, ideal, prices, own, memory, DAY)
    shuffled, other = list(held), list(ideal)
    random.shuffle(shuffled)
    random.shuffle(other)
    assert guard_book(shuffled, other, prices, own, memory, DAY) == first


@settings(max_examples=100)
@given(books, books, price_sets, memories)
def test_a_ticket_that_leaves_the_ideal_book_is_closed_whatever_waits(held, ideal, prices, memory):
    result = guard_book(held, ideal, prices, rules(), memory, DAY)
    for item in held:
        if not any(of(ideal, item.ticket_id)):
            assert result.guarded[item.ticket_id] == (0, 0)


@settings(max_examples=60)
@given(books, books, price_sets, memories, st.integers(50_000, 400_000))
def test_the_desk_converges_to_the_ideal_book_from_any_start_where_nothing_binds(held, ideal, prices, memory, per_trade):
    exact = replace(FREE, band=Fraction(0), per_trade_default=per_trade * TICKS_PER_DOLLAR)
    walk = Walk(exact, held, memory)
    banded = Walk(replace(exact, band=Fraction(1, 20)), held, memory)
    # The largest leg is 4,000 x 400 dollars from the other side: 64 orders of 50,000, a few sessions before the first.
    for _ in range(70):
        walk.step(*ideal, prices=prices)
        result = banded.step(*ideal, prices=prices)
    assert {item.ticket_id: item.shares for item in walk.held} == {i.ticket_id: i.shares for i in ideal if any(i.shares)}
    for item in ideal:
        apart = [
            abs(want - now) * prices[symbol]
            for symbol, want, now in zip(item.symbols, item.shares, result.positions[item.ticket_id], strict=True)
        ]
        assert 20 * sum(apart) <= sum(leg.notional if leg.notional > 0 else -leg.notional for leg in item.legs(prices))


@settings(max_examples=100)
@given(st.integers(400, 4000), st.floats(0.030, 0.048), st.floats(0.030, 0.048))
def test_two_small_moves_of_the_target_fire_when_together_they_are_material(size, first, second):
    once = round(size * (1 + first))
    twice = round(once * (1 + second))
    walk = Walk(FREE)
    walk.step(TicketShares("JPM-BAC", ("JPM", "BAC"), (size, -size)))
    stays = walk.step(TicketShares("JPM-BAC", ("JPM", "BAC"), (once, -once)))
    assert stays.positions["JPM-BAC"] == (size, -size)
    fires = walk.step(TicketShares("JPM-BAC", ("JPM", "BAC"), (twice, -twice)))
    assert fires.positions["JPM-BAC"] == (twice, -twice)


@settings(max_examples=100)
@given(books, books, price_sets, rule_sets(), memories)
def test_what_is_said_of_a_ticket_is_what_became_of_it(held, ideal, prices, own, memory):
    result = guard_book(held, ideal, prices, own, memory, DAY)
    for item in result.decisions:
        assert item.before == of(held, item.ticket_id)
        assert item.after == result.guarded[item.ticket_id]
        assert item.wanted == of(ideal, item.ticket_id)
        assert (item.action in ("ALLOW", "CLIP")) == (item.after != item.before)
        assert item.action != "CLIP" or 0 <= item.metadata["clip_ratio"] <= 1
    counted = sum(count for name, count in result.counters.items() if name != "avg_clip_ratio")
    assert counted == len(result.decisions)
    assert kept(result.memory) == result.memory
