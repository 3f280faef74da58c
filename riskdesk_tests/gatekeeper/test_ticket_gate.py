"""Stage 4 of the desk day, ticket by ticket: each check at its boundary, and what always holds of any set of intents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.common.gate_settings import GateSettings
from riskdesk_assets.common.session_halts import NO_HALTS
from riskdesk_assets.gatekeeper.desk_switches import (
    SessionReading,
    SwitchMemory,
    TicketHalt,
    observe_session,
    rpm_config,
)
from riskdesk_assets.gatekeeper.schemas import RejectionReason
from riskdesk_assets.gatekeeper.ticket_gate import GateDecision, LegState, TicketIntent, clipped, gate_tickets
from riskdesk_assets.gatekeeper.trail import Check, Outcome
from riskdesk_tests.desk_builder import changed, desk_config

NAV = 1_000_000.0
RUN = "20260302-test"
OPEN_SWITCHES = SwitchMemory()


@cache
def settings_of(**fields: object) -> GateSettings:
    found = desk_config().desk.gatekeeper
    for name, value in fields.items():
        found = changed(found, name, value)
    return found


def intent(
    ticket_id: str,
    proposed: float = 100_000.0,
    held: float = 0.0,
    *,
    position: bool | None = None,
    z: float = 2.0,
    confidence: float = 0.8,
    atr: float | None = 0.5,
    percentile: float = 0.5,
    regime: str = "RANGING",
    price: float = 100.0,
    stream: str | None = None,
) -> TicketIntent:
    """Half of ``proposed`` in each leg, long A and short B, at 100 dollars with an ATR of half a dollar."""
    legs = tuple(
        LegState(symbol, side * proposed / 2, price, atr, percentile, regime)  # type: ignore[arg-type]
        for symbol, side in (("AAA", 1), ("BBB", -1))
    )
    there = held > 0 if position is None else position
    return TicketIntent(ticket_id, (legs[0], legs[1]), held, there, z, confidence, stream or ticket_id, (held / 2, -held / 2))


def decide(
    intents: Sequence[TicketIntent],
    places: int | None = None,
    *,
    switches: SwitchMemory = OPEN_SWITCHES,
    fixed: int = 0,
    correlations: Mapping[tuple[str, str], float] | None = None,
    settings: GateSettings | None = None,
) -> dict[str, GateDecision]:
    told = settings or settings_of()
    found = gate_tickets(RUN, intents, switches, places, fixed, correlations or {}, rpm_config(told, NAV), told)
    assert [item.ticket_id for item in found] == sorted(item.ticket_id for item in intents)
    return {item.ticket_id: item for item in found}


def approved(found: Mapping[str, GateDecision]) -> dict[str, float]:
    return {name: item.approved_gross for name, item in found.items()}


def halted_desk(state: str = "HALTED") -> SwitchMemory:
    """A desk that a day's loss of 3% stopped."""
    told = changed(settings_of(), "on_loss_limit", state)
    config = rpm_config(told, NAV)
    first = SessionReading(date(2026, 3, 2), NAV, 1.0, {}, None, flat=False)
    second = SessionReading(date(2026, 3, 3), NAV * 0.97, 1.0, {}, None, flat=False)
    memory = observe_session(SwitchMemory(), first, NO_HALTS, NAV, config, 5)
    return observe_session(memory, second, NO_HALTS, NAV, config, 5)


# Places


def test_as_many_tickets_as_there_are_places_are_approved_whole() -> None:
    assert approved(decide([intent("a"), intent("b")], 2)) == {"a": 100_000.0, "b": 100_000.0}
    assert approved(decide([intent(name) for name in "abc"], None)) == dict.fromkeys("abc", 100_000.0)


def test_a_held_ticket_keeps_its_place_before_a_stronger_signal() -> None:
    found = decide([intent("a", z=2.9), intent("b", held=60_000.0, z=0.3)], 1)
    assert (found["a"].status, found["a"].approved_gross) == ("REJECTED", 0.0)
    assert (found["b"].status, found["b"].approved_gross) == ("APPROVED", 100_000.0)
    assert found["a"].reason == "all 1 places are taken"
    assert (found["a"].binding, found["a"].rejection) == (Check.POSITION_COUNT, RejectionReason.EXPOSURE)


def test_among_new_tickets_the_larger_z_wins_and_then_the_id() -> None:
    three = [intent("a", z=1.6), intent("b", z=2.0), intent("c", z=2.0)]
    assert approved(decide(three, 2)) == {"a": 0.0, "b": 100_000.0, "c": 100_000.0}
    assert approved(decide([intent("b"), intent("a")], 1)) == {"a": 100_000.0, "b": 0.0}


def test_a_ticket_that_proposes_nothing_takes_no_place() -> None:
    leaving = intent("a", proposed=0.0, held=50_000.0)
    assert approved(decide([leaving, intent("b")], 1)) == {"a": 0.0, "b": 100_000.0}


def test_held_tickets_beyond_a_cut_limit_stay() -> None:
    held = [intent(name, held=80_000.0) for name in "abc"]
    assert approved(decide([*held, intent("d", z=2.9)], 2)) == {**dict.fromkeys("abc", 100_000.0), "d": 0.0}


def test_a_position_that_cannot_trade_holds_a_place() -> None:
    assert approved(decide([intent("a"), intent("b")], 2, fixed=1)) == {"a": 100_000.0, "b": 0.0}


def test_a_ticket_without_confidence_takes_no_place_from_one_that_has_it() -> None:
    found = decide([intent("a", z=2.9, confidence=0.59), intent("b", z=1.6)], 1)
    assert approved(found) == {"a": 0.0, "b": 100_000.0}


def test_under_stress_fewer_places_are_left_for_a_stressed_newcomer_alone() -> None:
    held = [intent(f"h{place}", held=100_000.0) for place in range(6)]
    found = decide([*held, intent("calm", z=1.6), intent("wild", z=2.9, regime="STRESSED")], 8)
    assert found["wild"].binding is Check.STRESSED_POSITIONS
    assert found["wild"].rejection is RejectionReason.REGIME
    assert found["wild"].reason == "all 6 places in a STRESSED tape are taken"
    assert found["calm"].status == "APPROVED"


# The unit ceiling: 1% of a million over 1.5 ATRs


def test_the_ceiling_is_document_003s_formula_per_leg() -> None:
    # 10,000 / (2.0 x 1.5) = 3,333.33 units x 0.8 confidence x 1.0 x 1.0 = 2,666.67 shares; 5,000 wanted a leg: 53.33%.
    found = decide([intent("a", proposed=1_000_000.0, atr=2.0)])["a"]
    assert found.status == "ADJUSTED"
    assert found.ceiling_ratio == pytest.approx(10_000 / 3.0 * 0.8 / 5_000)
    assert found.approved_gross == pytest.approx(1_000_000 * 0.53333333, rel=1e-6)


@pytest.mark.parametrize(("regime", "multiplier"), [("TRENDING", 1.2), ("RANGING", 1.0), ("VOLATILE", 0.7), ("STRESSED", 0.3)])
def test_the_more_adverse_tape_of_the_two_legs_weighs_on_both(regime: str, multiplier: float) -> None:
    one = intent("a", proposed=1_000_000.0, atr=2.0)
    mixed = TicketIntent(
        "a",
        (one.legs[0], LegState("BBB", -500_000.0, 100.0, 2.0, 0.5, regime)),  # type: ignore[arg-type]
        0.0,
        False,
        2.0,
        0.8,
        "a",
    )
    expected = min(multiplier, 1.0) if regime != "TRENDING" else 1.0
    assert decide([mixed])["a"].ceiling_ratio == pytest.approx(10_000 / 3.0 * 0.8 * expected / 5_000)


def test_the_leg_with_the_smaller_ratio_scales_both() -> None:
    calm, wild = LegState("AAA", 500_000.0, 100.0, 1.0, 0.5, "RANGING"), LegState("BBB", -500_000.0, 100.0, 4.0, 0.9, "RANGING")
    found = decide([TicketIntent("a", (calm, wild), 0.0, False, 2.0, 1.0, "a")])["a"]
    # 10,000 / (4 x 1.5) x 0.75 (half way from the 80th percentile to 1) = 1,250 of 5,000
    assert found.ceiling_ratio == pytest.approx(0.25)
    assert found.approved_gross == pytest.approx(250_000.0)


def test_a_ceiling_far_below_the_request_leaves_no_new_position_and_no_larger_one() -> None:
    # 10,000 / (40 x 1.5) x 0.8 = 133.3 of 5,000 shares: 2.67%, below a tenth
    new, old = intent("n", proposed=1_000_000.0, atr=40.0), intent("o", proposed=1_000_000.0, held=900_000.0, atr=40.0)
    found = decide([new, old])
    assert (found["n"].status, found["n"].approved_gross) == ("REJECTED", 0.0)
    assert (found["n"].binding, found["n"].rejection) == (Check.MINIMUM_SIZE, RejectionReason.VOLATILITY)
    # what is held is bounded by the ceiling, not kept above it because the ceiling is so low
    assert found["o"].approved_gross == pytest.approx(1_000_000 * 10_000 / 60 * 0.8 / 5_000)


def test_a_name_of_which_nothing_is_known_takes_no_addition() -> None:
    found = decide([intent("a", atr=None), intent("b", held=70_000.0, atr=None)])
    assert approved(found) == {"a": 0.0, "b": 70_000.0}
    assert found["a"].rejection is RejectionReason.STALE_STATE
    assert "AAA, BBB" in found["a"].reason


# Confidence


def test_where_the_market_regime_is_unknown_the_rejection_says_that_and_blames_no_name() -> None:
    settings = settings_of()

    def said(asked: TicketIntent, *, known: bool) -> str:
        config = rpm_config(settings, NAV)
        (found,) = gate_tickets(RUN, [asked], OPEN_SWITCHES, None, 0, {}, config, settings, regime_known=known)
        assert (found.status, found.rejection) == ("REJECTED", RejectionReason.STALE_STATE)
        return found.reason

    nameless = intent("a", regime=None)  # type: ignore[arg-type]
    assert said(nameless, known=False) == "the market regime is unknown today, and without it every tape regime"
    assert said(nameless, known=True) == "nothing is known of the range of AAA, BBB today"
    # a name without a range of its own is the cause, whatever the market's regime
    assert said(intent("a", atr=None), known=False) == "nothing is known of the range of AAA, BBB today"


def test_at_the_threshold_a_ticket_may_grow_and_below_it_may_not() -> None:
    at, below = intent("a", confidence=0.60), intent("b", held=40_000.0, confidence=0.5999)
    found = decide([at, below])
    assert approved(found) == {"a": 100_000.0, "b": 40_000.0}
    assert (found["b"].status, found["b"].rejection) == ("REJECTED", RejectionReason.CONFIDENCE)


def test_a_ticket_that_shrinks_needs_no_confidence() -> None:
    assert decide([intent("a", proposed=30_000.0, held=40_000.0, confidence=0.5)])["a"].status == "APPROVED"


def test_rejected_tickets_go_flat_where_the_desk_says_so() -> None:
    settings = settings_of(on_reject="flatten")
    assert approved(decide([intent("a", held=40_000.0, confidence=0.5)], settings=settings)) == {"a": 0.0}


# Correlation


def test_what_is_added_beside_a_stream_that_moves_alike_is_halved() -> None:
    close = {("x", "y"): 0.81}
    one, two = intent("a", held=100_000.0, stream="x"), intent("b", stream="y")
    assert approved(decide([one, two], correlations=close)) == {"a": 100_000.0, "b": 50_000.0}
    assert approved(decide([one, two], correlations={("y", "x"): -0.81})) == {"a": 100_000.0, "b": 50_000.0}
    assert approved(decide([one, two], correlations={("x", "y"): 0.80})) == {"a": 100_000.0, "b": 100_000.0}


def test_what_is_held_already_is_not_cut_for_its_correlation() -> None:
    close = {("x", "y"): 0.95}
    both = [intent("a", held=90_000.0, stream="x"), intent("b", held=80_000.0, stream="y")]
    assert approved(decide(both, correlations=close)) == {"a": 90_000.0, "b": 80_000.0}


def test_of_two_new_tickets_that_move_alike_the_stronger_signal_comes_in_whole() -> None:
    pair = [intent("a", z=1.6, stream="x"), intent("b", z=2.0, stream="y")]
    assert approved(decide(pair, correlations={("x", "y"): 0.9})) == {"a": 50_000.0, "b": 100_000.0}


def test_a_second_ticket_on_the_same_pair_moves_exactly_like_the_first() -> None:
    assert approved(decide([intent("a", z=3.0, stream="x"), intent("b", stream="x")])) == {"a": 100_000.0, "b": 50_000.0}


# Halts


def test_a_halted_desk_goes_flat_and_a_reducing_one_does_not_grow() -> None:
    intents = [intent("a"), intent("b", held=60_000.0), intent("c", proposed=20_000.0, held=60_000.0)]
    stopped = decide(intents, switches=halted_desk())
    assert approved(stopped) == {"a": 0.0, "b": 0.0, "c": 0.0}
    assert {item.rejection for item in stopped.values()} == {RejectionReason.LOSS_LIMIT}
    assert stopped["a"].checks[0].outcome is Outcome.HALT
    assert approved(decide(intents, switches=halted_desk("REDUCING"))) == {"a": 0.0, "b": 60_000.0, "c": 20_000.0}


def test_a_halt_of_one_ticket_touches_no_other() -> None:
    shock = TicketHalt("a", date(2026, 3, 2), -1, "VOLATILITY_SHOCK", "volatility 3.10x its baseline >= 3.00x", automatic=True)
    found = decide([intent("a", held=50_000.0), intent("b", held=50_000.0)], switches=SwitchMemory(tickets=(shock,)))
    assert approved(found) == {"a": 0.0, "b": 100_000.0}
    assert found["a"].rejection is RejectionReason.VOLATILITY


def test_the_check_of_a_tickets_volatility_says_what_was_measured_against_which_bound() -> None:
    shock = TicketHalt("a", date(2026, 3, 2), -1, "VOLATILITY_SHOCK", "volatility 3.10x its baseline >= 3.00x", automatic=True)
    cases = [replace(intent("a"), volatility_ratio=3.1), replace(intent("b"), volatility_ratio=1.2), intent("c")]
    found = decide(cases, switches=SwitchMemory(tickets=(shock,)))
    checks = {name: next(one for one in item.checks if one.check == "volatility_shock") for name, item in found.items()}
    assert {name: (one.outcome, one.measured, one.bound) for name, one in checks.items()} == {
        "a": (Outcome.HALT, 3.1, 3.0),
        "b": (Outcome.PASS, 1.2, 3.0),
        "c": (Outcome.PASS, None, 3.0),
    }


def test_a_desk_that_a_loss_stopped_says_how_large_it_is() -> None:
    (stopped,) = decide([intent("a")], switches=halted_desk()).values()
    assert (stopped.checks[0].check, stopped.checks[0].bound) == ("trading_state", -0.02 * NAV)
    assert stopped.checks[0].measured == pytest.approx(-0.03 * NAV)
    (free,) = decide([intent("a")]).values()
    assert (free.checks[0].measured, free.checks[0].bound) == (None, None)


def test_a_halted_ticket_goes_flat_although_the_desk_only_reduces() -> None:
    shock = TicketHalt("a", date(2026, 3, 2), -1, "VOLATILITY_SHOCK", "shock", automatic=True)
    both = replace(halted_desk("REDUCING"), tickets=(shock,))
    found = decide([intent("a", held=50_000.0), intent("b", held=50_000.0)], switches=both)
    assert approved(found) == {"a": 0.0, "b": 50_000.0}


def test_a_ticket_that_may_only_shrink_stays_at_what_it_holds() -> None:
    told = TicketHalt("a", date(2026, 3, 2), -1, "MANUAL", "earnings", automatic=False, state="REDUCING")
    found = decide([intent("a", held=50_000.0), intent("b", held=50_000.0)], switches=SwitchMemory(tickets=(told,)))
    assert approved(found) == {"a": 50_000.0, "b": 100_000.0}


def test_under_reducing_no_leg_grows_even_where_the_hedge_ratio_moved() -> None:
    legs = (LegState("AAA", 40_000.0, 100.0, 0.5, 0.5, "RANGING"), LegState("BBB", -80_000.0, 100.0, 0.5, 0.5, "RANGING"))
    moved = TicketIntent("a", legs, 100_000.0, True, 2.0, 0.8, "a", (50_000.0, -50_000.0))
    found = decide([moved], switches=halted_desk("REDUCING"))["a"]
    assert found.approved_gross == pytest.approx(120_000 * 50 / 80)  # leg B stays at 50,000, leg A shrinks to 25,000
    turned = replace(moved, held_legs=(-50_000.0, 50_000.0), held_gross=0.0)
    assert decide([turned], switches=halted_desk("REDUCING"))["a"].approved_gross == 0.0


def test_what_only_shrinks_passes_a_reducing_desk_whatever_a_rejection_means() -> None:
    settings = settings_of(on_reject="flatten")
    found = decide([intent("a", proposed=20_000.0, held=60_000.0)], switches=halted_desk("REDUCING"), settings=settings)
    assert (found["a"].status, found["a"].approved_gross) == ("APPROVED", 20_000.0)
    grows = decide([intent("a", held=60_000.0)], switches=halted_desk("REDUCING"), settings=settings)
    assert grows["a"].approved_gross == 60_000.0


def test_a_check_that_cuts_says_how_many_dollars_of_the_ticket_it_allows() -> None:
    """What the ceiling leaves, what correlation leaves, what is held; nothing where a ticket is sent flat."""

    def cut(found: Mapping[str, GateDecision]) -> list[tuple[str, float | None, str]]:
        return [(check.check.value, check.gross_bound, check.symbol) for one in found.values() for check in clipped(one)]

    calm, wild = LegState("AAA", 500_000.0, 100.0, 1.0, 0.5, "RANGING"), LegState("BBB", -500_000.0, 100.0, 4.0, 0.9, "RANGING")
    two_legs = TicketIntent("a", (calm, wild), 0.0, False, 2.0, 1.0, "a")
    assert cut(decide([two_legs])) == [("position_size", pytest.approx(250_000.0), "BBB")]
    alike = decide([intent("a", z=3.0, stream="s"), intent("b", stream="s")])
    assert cut(alike) == [("correlation", 50_000.0, "")]
    weak = intent("a", held=30_000.0, confidence=0.1)
    assert cut(decide([weak])) == [("confidence", 30_000.0, "")]
    flat = cut(decide([weak], settings=settings_of(on_reject="flatten")))
    assert flat == [("confidence", 30_000.0, ""), ("confidence", None, "")]
    assert cut(decide([intent("a", held=30_000.0)], switches=halted_desk("REDUCING"))) == [("trading_state", 30_000.0, "")]
    assert cut(decide([intent("a", held=30_000.0)], switches=halted_desk())) == [("trading_state", None, "")]


def test_a_size_that_passes_below_a_ceiling_under_the_proposal_says_why_it_passes() -> None:
    cut = intent("a", proposed=100_000.0, held=10_000.0, confidence=0.5, atr=20.0)  # rejected: $10,000 of it are left
    checks = {check.check.value: check for check in decide([cut])["a"].checks}
    size = checks["position_size"]
    assert (size.outcome, size.measured > size.bound) == ("PASS", True)  # type: ignore[operator]
    assert "the $10,000 left of the proposal is within that" in size.note


def test_without_a_gatekeeper_only_places_are_asked_for() -> None:
    wild = intent("a", proposed=1_000_000.0, atr=None, confidence=0.0, regime="STRESSED")
    found = decide([wild, intent("b", z=1.0)], 1, settings=settings_of(enabled=False), switches=halted_desk())
    assert approved(found) == {"a": 1_000_000.0, "b": 0.0}


# Whatever is proposed


CASES = st.builds(
    intent,
    ticket_id=st.just("t"),
    proposed=st.floats(0, 2e6),
    held=st.floats(0, 2e6),
    z=st.floats(0, 5),
    confidence=st.floats(0, 1),
    atr=st.none() | st.floats(0.01, 50),
    percentile=st.floats(0, 1),
    regime=st.sampled_from(["TRENDING", "RANGING", "VOLATILE", "STRESSED"]),
    price=st.floats(1, 900),
)


@given(
    cases=st.lists(CASES, min_size=1, max_size=6),
    places=st.none() | st.integers(0, 6),
    correlation=st.floats(-1, 1),
    switches=st.sampled_from([OPEN_SWITCHES, halted_desk(), halted_desk("REDUCING")]),
    order=st.randoms(use_true_random=False),
)
def test_nothing_grows_beyond_what_is_held_and_proposed_and_order_changes_nothing(
    cases: list[TicketIntent], places: int | None, correlation: float, switches: SwitchMemory, order: object
) -> None:
    intents = [replace(case, ticket_id=f"t{place}", stream=f"t{place}") for place, case in enumerate(cases)]
    correlations = dict.fromkeys(combinations([item.stream for item in intents], 2), correlation)
    found = decide(intents, places, switches=switches, correlations=correlations)
    for item in intents:
        decision = found[item.ticket_id]
        assert 0 <= decision.approved_gross <= item.proposed_gross
        if decision.status == "REJECTED":
            assert decision.approved_gross <= item.held_gross
        if switches is not OPEN_SWITCHES:
            assert decision.approved_gross <= item.held_gross
    shuffled = list(intents)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide(shuffled, places, switches=switches, correlations=correlations) == found


@given(case=CASES, factor=st.floats(1, 4))
def test_a_livelier_name_never_gets_a_larger_position(case: TicketIntent, factor: float) -> None:
    wilder = [replace(leg, atr=None if leg.atr is None else leg.atr * factor) for leg in case.legs]
    shaken = TicketIntent(
        "t", (wilder[0], wilder[1]), case.held_gross, case.has_position, case.abs_zscore, case.confidence, "t"
    )
    calm, wild = decide([case])["t"], decide([shaken])["t"]
    assert wild.approved_gross <= calm.approved_gross * (1 + 1e-12)
