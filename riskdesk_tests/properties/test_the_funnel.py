"""What holds for every desk day, whatever is proposed, held, capped or printed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.book.portfolio import net_zero
from riskdesk_assets.common.hashing import digest_frame
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.book_risk import BookRisk
from riskdesk_assets.construction.carry import Mark
from riskdesk_assets.construction.desk_day import DayResult, desk_day
from riskdesk_assets.construction.inputs import DayInputs, DeskContext, NameState, PairSignal, desk_context
from riskdesk_assets.construction.proposal import gross
from riskdesk_assets.construction.rows import day_rows
from riskdesk_assets.construction.state import DeskState
from riskdesk_assets.limits.fact_limits import SessionFacts, fact_limits
from riskdesk_assets.limits.limit import Leg, Measure, gross_by_ticket
from riskdesk_assets.strategy.ticket import Ticket
from riskdesk_tests.desk_builder import (
    changed,
    day_of,
    desk_config,
    flat_covariance,
    held,
    make_ticket,
    marks,
    sessions_from,
    state_of,
)

BEFORE, TODAY = sessions_from(date(2026, 3, 2), 2)
NAMES = ("BAC", "C", "GS", "JPM", "MS", "WFC")
# A dollar is far below what any stage decides by, and far above the rounding of floats.
CENT = 0.01
NO_RISK = BookRisk(None, None, None)
# Two places, little turnover and small facts, so that each binds in a day of seven tickets.
DESK = changed(changed(desk_config(), "limits.position_count.max", 2), "limits.turnover.max", 0.3)
DESK = changed(changed(DESK, "limits.fragility.max", 0.04), "limits.scenario_loss.max", 0.003)
DESK = changed(DESK, "limits.factor.overrides", {"market": 0.04, "size": 0.06})
GOVERNED = changed(DESK, "desk.optimizer.construction", "governor")
# Every name another exposure, shock and class.
FACTS = SessionFacts(
    {
        "market": {name: 0.7 + 0.15 * place for place, name in enumerate(NAMES)},
        "size": {name: 1.5 - 0.6 * place for place, name in enumerate(NAMES)},
    },
    {name: ("SOFT", "NONE", "FRAGILE", "WATCH")[place % 4] for place, name in enumerate(NAMES)},
    {
        "fall": {name: -0.1 - 0.05 * place for place, name in enumerate(NAMES)},
        "mixed": {name: 0.2 - 0.09 * place for place, name in enumerate(NAMES)},
    },
)


def context_of(config: Config) -> DeskContext:
    """The context with the facts' limits among its own, so that the properties pick and cut them like any other."""
    context = desk_context(config)
    return replace(context, limits=(*context.limits, *fact_limits(config, FACTS)))


CONTEXTS = {"optimizer": context_of(DESK), "governor": context_of(GOVERNED)}
GUARDED = changed(DESK, "desk.guards.mode", "paper")
BUILDERS = pytest.mark.parametrize("builder", ["optimizer", "governor"])


@dataclass(frozen=True)
class Desk:
    """One drawn morning."""

    day: DayInputs
    state: DeskState
    frozen: frozenset[str]


@st.composite
def desks(draw: st.DrawFn, most: int = 7) -> Desk:
    tickets: list[Ticket] = []
    signals: dict[str, PairSignal] = {}
    positions = []
    prices = {name: draw(st.integers(1_000, 40_000)) / 100 for name in NAMES}
    moved = {name: round(price * draw(st.floats(0.9, 1.1)), 2) for name, price in prices.items()}
    silent = draw(st.sampled_from([None, None, None, *NAMES]))
    for number in range(draw(st.integers(1, most))):
        leg_a, leg_b = draw(st.permutations(NAMES))[:2]
        ticket_id = f"t{number}"
        cap = draw(st.sampled_from([50_000.0, 400_000.0, 800_000.0]))
        ticket = make_ticket(
            ticket_id,
            leg_a,
            leg_b,
            max_gross_notional=cap,
            max_leg_notional=cap * draw(st.sampled_from([0.45, 0.7])),
            conviction=draw(st.sampled_from([1, 3, 5])),
            orientation=draw(st.sampled_from(["BOTH", "LONG_SPREAD"])),
            flatten_on_breakdown=draw(st.booleans()),
            horizon_days=draw(st.integers(5, 60)),
        )
        z = draw(st.sampled_from([-1, 1])) * draw(st.sampled_from([0.1, 1.0, 1.6, 1.9, 2.3, 2.7, 3.2, 3.5, 3.5]))
        beta = draw(st.floats(0.1, 1.8))
        if draw(st.booleans()) or number % 3:
            signals[ticket.pair_id] = PairSignal(z, beta, abs(z) >= 3.0, 0.02, 12.0)
        if draw(st.booleans()):
            size = draw(st.floats(0.05, 1.3)) * cap / 2
            side = draw(st.sampled_from([-1, 1]))
            shares = (int(side * size / prices[leg_a]), int(-side * size * beta / prices[leg_b]))
            if any(shares):
                legs = {leg_a: (shares[0], prices[leg_a]), leg_b: (shares[1], prices[leg_b])}
                positions.append(held(ticket_id, legs, BEFORE, age=draw(st.integers(0, 50))))
        if not positions or positions[-1].ticket_id != ticket_id or draw(st.integers(0, 5)):
            tickets.append(ticket)
    today = {name: mark for name, mark in marks(**moved).items() if name != silent}
    prints: Mapping[date, Mapping[str, Mark]] = {BEFORE: marks(**prices), TODAY: today}
    names = {
        name: NameState(
            draw(
                st.sampled_from([0.005] * 5 + [None, 0.02, 0.2]).map(lambda share, price=prices[name]: share and share * price)
            ),
            draw(st.sampled_from([0.3, 0.9, 1.0])),
            draw(st.sampled_from([1.0] * 15 + [3.1])),
            draw(st.sampled_from(["RANGING", "TRENDING", "VOLATILE", "STRESSED"])),
        )
        for name in NAMES
    }
    covariance = flat_covariance(DESK.universe.tradable)
    streams = {pair: draw(st.sampled_from([0.2, 0.95])) for pair in combinations(sorted({item.pair_id for item in tickets}), 2)}
    day = day_of(TODAY, tickets, signals, prints, covariance=covariance, names=names, streams=streams)
    frozen = {item.ticket_id for item in positions for leg in item.legs if leg.symbol == silent and leg.shares}
    return Desk(day, state_of(BEFORE, *positions), frozenset(frozen))


def ran(desk: Desk, context: DeskContext) -> DayResult:
    return desk_day(desk.day, desk.state, context)


def sizes_after(result: DayResult) -> dict[str, float]:
    return {item.ticket_id: item.gross / TICKS_PER_DOLLAR for item in result.state.positions}


@settings(max_examples=60)
@given(desk=desks())
def test_what_the_guards_leave_is_between_yesterday_and_the_ideal_portfolio_and_obeys_every_limit(desk: Desk) -> None:
    result = ran(desk, context_of(GUARDED))
    stage7 = result.guards.result
    if stage7 is None:
        return
    for item in stage7.decisions:
        for before, wanted, after in zip(item.before, item.wanted, item.after, strict=True):
            assert min(0, before, wanted) <= after <= max(0, before, wanted)
        assert item.ticket_id not in desk.frozen or item.after == item.before
    held_legs = [leg for item in result.items for leg in item.legs(item.held)]
    before = [Leg(leg.ticket_id, leg.symbol, round(leg.notional * TICKS_PER_DOLLAR)) for leg in held_legs]
    for row in result.release.audit:
        measured = row.limit.measured(result.state.legs, before)
        assert measured <= row.limit.bound or (row.limit.name in stage7.breaches and desk.frozen), row.limit.name


@BUILDERS
@settings(max_examples=60)
@given(desk=desks())
def test_after_the_volatility_scale_no_stage_enlarges_a_ticket(builder: str, desk: Desk) -> None:
    result = ran(desk, CONTEXTS[builder])
    built = gross_by_ticket(result.release.legs)
    rounded = gross_by_ticket([leg.leg() for leg in result.release.share_legs])
    after = sizes_after(result)
    for item in result.items:
        was, proposed = gross(item.held), gross(item.capped)
        ceiling = max(was, proposed)
        assert gross(item.approved) <= ceiling + CENT
        assert built.get(item.ticket_id, 0.0) <= gross(item.approved) + CENT
        assert rounded.get(item.ticket_id, 0) / TICKS_PER_DOLLAR <= built.get(item.ticket_id, 0.0) + CENT
        assert after.get(item.ticket_id, 0.0) <= ceiling + CENT
        if item.gate and item.gate.status == "REJECTED":
            assert gross(item.approved) <= min(was, proposed) + CENT
        if item.proposal.never_add:
            assert gross(item.approved) <= was + CENT


@BUILDERS
@settings(max_examples=60)
@given(desk=desks())
def test_legs_never_exceed_what_was_approved_and_never_change_side(builder: str, desk: Desk) -> None:
    result = ran(desk, CONTEXTS[builder])
    approved = {
        (item.ticket_id, symbol): size
        for item in result.items
        for symbol, size in zip((item.leg_a, item.leg_b), item.approved, strict=True)
    }
    for leg in result.release.share_legs:
        target = approved[(leg.ticket_id, leg.symbol)]
        assert abs(leg.dollars) <= abs(target) + CENT
        assert leg.shares * target >= 0


@BUILDERS
@settings(max_examples=60)
@given(desk=desks())
def test_a_frozen_ticket_keeps_every_share_and_the_others_go_on(builder: str, desk: Desk) -> None:
    result = ran(desk, CONTEXTS[builder])
    before = {item.ticket_id: [leg.shares for leg in item.legs] for item in desk.state.positions}
    after = {item.ticket_id: [leg.shares for leg in item.legs] for item in result.state.positions}
    for ticket_id in desk.frozen:
        assert after[ticket_id] == before[ticket_id]
    assert not [fill for fill in result.fills if fill.ticket_id in desk.frozen and fill.before != fill.after]
    assert {item.ticket_id for item in result.items if item.fixed} == desk.frozen


@BUILDERS
@settings(max_examples=60)
@given(desk=desks())
def test_the_cents_of_a_released_book_sum_to_exactly_nothing(builder: str, desk: Desk) -> None:
    context = CONTEXTS[builder]
    result = ran(desk, context)
    rows = day_rows(result, desk.day, context, {}, NO_RISK)["ideal_portfolio"]
    assert bool(rows) == result.release.released
    assert net_zero(rows) == 0
    if result.release.released:
        per_symbol: dict[str, int] = {}
        for position in result.state.positions:
            for leg in position.legs:
                per_symbol[leg.symbol] = per_symbol.get(leg.symbol, 0) + leg.shares
        stocks = {row["symbol"]: row["shares"] for row in rows if not row["is_cash"]}
        assert stocks == {name: count for name, count in per_symbol.items() if count or name in stocks}
        assert not [row for row in result.release.audit if row.status == "BREACH"]
    else:
        assert sizes_after(result) == {
            item.ticket_id: pytest.approx(gross(item.held)) for item in result.items if item.position is not None
        }


@BUILDERS
@settings(max_examples=40)
@given(desk=desks(), seed=st.integers(0, 10_000))
def test_the_order_of_tickets_positions_and_signals_changes_no_byte(builder: str, desk: Desk, seed: int) -> None:
    context, shuffle = CONTEXTS[builder], random.Random(seed)

    def shuffled(mapping: Mapping[str, object]) -> dict[str, object]:
        items = list(mapping.items())
        shuffle.shuffle(items)
        return dict(items)

    tickets = list(desk.day.tickets)
    shuffle.shuffle(tickets)
    other = replace(
        desk.day,
        tickets=tuple(tickets),
        budgets=shuffled(desk.day.budgets),
        signals=shuffled(desk.day.signals),
        prints={session: shuffled(marked) for session, marked in desk.day.prints.items()},
    )
    first = day_rows(ran(desk, context), desk.day, context, {}, NO_RISK)
    second = day_rows(desk_day(other, desk.state, context), other, context, {}, NO_RISK)
    for name, rows in first.items():
        table = TABLES[name]
        assert digest_frame(table.frame(rows), table.key) == digest_frame(table.frame(second[name]), table.key), name


def _tightened(context: DeskContext, result: DayResult, pick: int, share: float) -> tuple[DeskContext, int] | None:
    """The context with one limit cut to a share of what the day measured of it; which one."""
    legs, was = result.release.legs, [leg for item in result.items if item.position for leg in item.legs(item.held)]
    places = [
        place
        for place, limit in enumerate(context.limits)
        if limit.measure not in (Measure.COUNT, Measure.ADDITIONS) and limit.measured(legs, was) > 1_000
    ]
    if not places:
        return None
    place = places[pick % len(places)]
    limit = context.limits[place]
    bound = int(limit.measured(legs, was) * share * TICKS_PER_DOLLAR)
    limits = (*context.limits[:place], replace(limit, bound=bound), *context.limits[place + 1 :])
    return replace(context, limits=limits), place


@BUILDERS
@settings(max_examples=60)
@given(desk=desks(), pick=st.integers(0, 1000), share=st.floats(0.3, 1.5))
def test_a_tighter_limit_never_raises_what_it_bounds(builder: str, desk: Desk, pick: int, share: float) -> None:
    context = CONTEXTS[builder]
    before = ran(desk, context)
    found = _tightened(context, before, pick, share)
    if found is None or not before.release.released or found[0].limits[found[1]].bound > context.limits[found[1]].bound:
        return
    after = desk_day(desk.day, desk.state, found[0])
    limit = context.limits[found[1]]
    if after.release.released and after.release.builder == before.release.builder:
        # the solver's answer is good to 1e-6 of nav
        ceiling = limit.measured(before.release.legs)
        if builder == "governor":
            # It scales in steps, and a later one may net what an earlier one left: traced with numbers in
            # limits/test_governor.py, test_a_name_cut_to_what_a_later_step_left_of_it_may_come_out_higher_...
            ceiling = max(ceiling, found[0].limits[found[1]].bound / TICKS_PER_DOLLAR)
        assert limit.measured(after.release.legs) <= ceiling + 1e-6 * DESK.desk.nav
        assert limit.measured([leg.leg() for leg in after.release.share_legs]) <= found[0].limits[found[1]].bound


def _only(context: DeskContext, place: int) -> DeskContext:
    return replace(context, limits=(context.limits[place],))


@settings(max_examples=80)
@given(desk=desks(), place=st.integers(0, 10_000), share=st.floats(0.05, 1.0))
def test_a_tighter_limit_of_the_governor_alone_never_enlarges_a_ticket(desk: Desk, place: int, share: float) -> None:
    context = CONTEXTS["governor"]
    context = _only(context, place % len(context.limits))
    limit = context.limits[0]
    loose = ran(desk, context)
    tight = ran(desk, replace(context, limits=(replace(limit, bound=int(limit.bound * share)),)))
    if loose.release.released and tight.release.released and limit.measure is not Measure.COUNT:
        was = gross_by_ticket(loose.release.legs)
        for ticket_id, size in gross_by_ticket(tight.release.legs).items():
            assert size <= was.get(ticket_id, 0.0) + CENT


@settings(max_examples=60)
@given(desk=desks(), share=st.floats(0.05, 1.0))
def test_a_tighter_portfolio_gross_never_enlarges_a_ticket_of_the_governor(desk: Desk, share: float) -> None:
    context = CONTEXTS["governor"]
    place = next(i for i, limit in enumerate(context.limits) if limit.name == "portfolio_gross")
    limit = context.limits[place]
    cut = replace(limit, bound=int(limit.bound * share))
    loose = ran(desk, context)
    tight = ran(desk, replace(context, limits=(*context.limits[:place], cut, *context.limits[place + 1 :])))
    if loose.release.released and tight.release.released:
        was = gross_by_ticket(loose.release.legs)
        for ticket_id, size in gross_by_ticket(tight.release.legs).items():
            assert size <= was.get(ticket_id, 0.0) + CENT


@settings(max_examples=60)
@given(desk=desks())
def test_a_book_within_its_limits_needs_no_second_look(desk: Desk) -> None:
    """What the walk recorded of each limit is what adding up the released legs gives."""
    result = ran(desk, CONTEXTS["optimizer"])
    if result.release.released:
        legs = [leg.leg() for leg in result.release.share_legs]
        was = [Leg(item.ticket_id, leg.symbol, leg.notional) for item in result.items if item.position for leg in _ticks(item)]
        for row in result.release.audit:
            assert row.measured == row.limit.measured(legs, was)


def _ticks(item: object) -> list[Leg[int]]:
    position = item.position  # type: ignore[attr-defined]
    return [Leg(position.ticket_id, leg.symbol, leg.value) for leg in position.legs]


def test_the_drawn_desks_meet_every_case() -> None:
    """The properties above are empty unless the desks really clip, freeze, reject, block and release."""
    seen: dict[str, int] = {}
    binding: set[str] = set()

    @settings(max_examples=500, database=None)
    @given(desk=desks())
    def look(desk: Desk) -> None:
        result = ran(desk, CONTEXTS["optimizer"])
        seen[result.release.status] = seen.get(result.release.status, 0) + 1
        binding.update(row.limit.family.value for row in result.release.audit if row.limit.name in result.release.prices)
        for item in result.items:
            for what in (item.proposal.reason, "FIXED" if item.fixed else "", "NO_ADD" if "NO_ADD" in item.clamp_codes else ""):
                seen[what] = seen.get(what, 0) + 1
        for clip in result.clips:
            seen[clip.stage] = seen.get(clip.stage, 0) + 1

    look()
    assert binding >= {"factor", "fragility", "scenario_loss"}
    for what in (
        "RELEASED",
        "ENTER",
        "HOLD",
        "REVERSE",
        "FIXED",
        "NO_ADD",
        "TICKET_REMOVED",
        "OPTIMIZER",
        "VOL_TARGET",
        "TICKET_CAPS",
        "GATEKEEPER",
    ):
        assert seen.get(what, 0) >= 3, (what, seen)
