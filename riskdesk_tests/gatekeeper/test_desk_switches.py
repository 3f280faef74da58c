"""The desk's kill switches from session to session: what trips, what latches, what the journal ends, what simulation ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.common.session_halts import DESK, NO_HALTS, JournalHalt, SessionHalts, ticket_account
from riskdesk_assets.gatekeeper.desk_switches import (
    SessionReading,
    SwitchMemory,
    automatic_halts,
    moment_of,
    observe_session,
    rpm_config,
)
from riskdesk_assets.gatekeeper.kill_switches import TradingState, Trigger
from riskdesk_assets.gatekeeper.state_json import switch_memory_fields, switch_memory_of
from riskdesk_tests.desk_builder import desk_config, sessions_from

NAV = 1_000_000.0
DAYS = sessions_from(date(2026, 3, 2), 40)
CONFIG = rpm_config(desk_config().desk.gatekeeper, NAV)
RESUME_AFTER = 5


def after(
    equities: Sequence[float],
    *,
    ratios: Sequence[float | None] = (),
    tickets: Sequence[Mapping[str, float]] = (),
    journal: Mapping[int, SessionHalts] | None = None,
    flat: bool = False,
) -> list[SwitchMemory]:
    """The memory after each session of a run of readings."""
    memory, found = SwitchMemory(), []
    in_force = dict.fromkeys(sorted({name for shocks in tickets for name in shocks}))
    for place, equity in enumerate(equities):
        ratio = ratios[place] if place < len(ratios) else 1.0
        shocks = {**in_force, **(tickets[place] if place < len(tickets) else {})}
        said = (journal or {}).get(place, NO_HALTS)
        memory = observe_session(
            memory, SessionReading(DAYS[place], equity, ratio, shocks, None, flat), said, NAV, CONFIG, RESUME_AFTER
        )
        found.append(memory)
    return found


def states(memories: Sequence[SwitchMemory]) -> str:
    """A for ACTIVE, H for HALTED, R for REDUCING, a letter a session."""
    return "".join(memory.state.value[0] for memory in memories)


def standing(state: str, known_to: date | None = None, trigger: str = "MANUAL") -> SessionHalts:
    halt = JournalHalt(DESK, state, trigger, "by hand", "Ann", known_to is not None, datetime(2026, 3, 1, tzinfo=UTC), known_to)  # type: ignore[arg-type]
    return SessionHalts({DESK: halt})


def over(known_to: date | None) -> SessionHalts:
    return SessionHalts({DESK: JournalHalt(DESK, None, "", "", "", False, None, known_to)})


def test_a_loss_of_exactly_two_percent_of_nav_in_a_day_stops_nothing_and_a_cent_more_does() -> None:
    assert states(after([NAV, NAV - 20_000.0])) == "AA"
    stopped = after([NAV, NAV - 20_000.01])[-1]
    assert stopped.switches is not None
    assert (stopped.state, stopped.switches.trigger, stopped.since) == (TradingState.HALTED, Trigger.DAILY_LOSS, DAYS[1])


def test_five_percent_in_a_calendar_week_stops_the_desk_though_no_single_day_does() -> None:
    # 2026-03-02 is a Monday: losses from Tuesday to Friday against Monday's close.
    week = [NAV, NAV - 15_000, NAV - 30_000, NAV - 45_000, NAV - 60_000]
    found = after(week)
    assert states(found) == "AAAAH"
    assert found[-1].switches is not None
    assert found[-1].switches.trigger is Trigger.WEEKLY_LOSS
    # Monday's loss is against Friday's close: two weeks of 4% each stop nothing before the drawdown does
    slow = [NAV - 8_000.0 * day for day in range(12)]
    assert states(after(slow)) == "A" * 12
    deep = [NAV - 8_000.0 * day for day in range(14)]
    last = after(deep)[-1]
    assert last.switches is not None
    assert last.switches.trigger is Trigger.MAX_DRAWDOWN


def test_the_universes_mean_volatility_at_three_times_its_baseline_stops_the_desk() -> None:
    assert states(after([NAV, NAV], ratios=[2.999, 3.0])) == "AH"


def test_a_halt_no_journal_knows_resumes_five_sessions_after_its_condition_has_cleared() -> None:
    # A day's loss is cleared the day after; five sessions later the desk trades again, its peak and windows new.
    found = after([NAV, NAV - 30_000, *[NAV - 30_000] * 7])
    assert states(found) == "AHHHHHHAA"
    assert found[-1].switches is not None
    assert found[-1].switches.equity_peak == NAV - 30_000
    # the shock lasts two sessions longer: so does the halt
    shock = after([NAV] * 11, ratios=[1.0, 3.5, 3.2, 3.0, *[1.0] * 7])
    assert states(shock) == "AHHHHHHHHAA"


def test_a_condition_that_comes_back_starts_the_count_anew() -> None:
    ratios = [1.0, 3.5, 1.0, 1.0, 1.0, 3.1, *[1.0] * 7]
    assert states(after([NAV] * 13, ratios=ratios)) == "AHHHHHHHHHHAA"


def test_a_drawdown_cannot_come_back_while_nothing_is_held_and_so_counts_as_cleared() -> None:
    fall = [NAV, NAV * 0.985, NAV * 0.975, NAV * 0.965, NAV * 0.955, NAV * 0.945, NAV * 0.93, NAV * 0.915, NAV * 0.897]
    held = after([*fall, *[NAV * 0.897] * 9])
    assert held[8].switches is not None
    assert held[8].switches.trigger is Trigger.MAX_DRAWDOWN
    assert states(held[8:]) == "H" * 10
    flat = after([*fall, *[NAV * 0.897] * 9], flat=True)
    # The week's loss is still beyond its limit on the Friday after the Thursday that stopped the desk: clear from Monday on.
    assert states(flat[8:]) == "HHHHHHHAAA"


def test_a_halt_in_the_journal_binds_at_once_and_ends_only_when_the_journal_says_so() -> None:
    manual = {place: standing("HALTED") for place in range(1, 20)}
    assert states(after([NAV] * 22, journal=manual)) == "A" + "H" * 19 + "AA"
    assert states(after([NAV] * 4, journal={1: standing("REDUCING")})) == "ARAA"


def test_an_automatic_halt_the_journal_holds_never_resumes_in_simulation() -> None:
    # It trips in session 1, is written to the journal, stands for twelve sessions, and a person resumes it before session 14.
    said = {place: standing("HALTED", DAYS[1], "DAILY_LOSS") for place in range(2, 14)}
    said |= {place: over(DAYS[1]) for place in range(14, 20)}
    equities = [NAV, *[NAV - 30_000] * 19]
    found = after(equities, journal=said)
    assert states(found) == "A" + "H" * 13 + "A" * 6
    assert found[14].switches is not None
    assert found[14].switches.equity_peak == NAV - 30_000


def test_a_person_may_resume_the_day_after_although_simulation_would_wait() -> None:
    found = after([NAV, NAV - 30_000, NAV - 30_000], journal={2: over(DAYS[1])})
    assert states(found) == "AHA"


def test_a_resume_of_an_older_halt_does_not_end_a_newer_one() -> None:
    found = after([NAV, NAV - 30_000, NAV - 30_000], journal={2: over(date(2026, 2, 2))})
    assert states(found) == "AHH"


def test_a_resume_into_a_shock_that_lasts_stops_again() -> None:
    found = after([NAV] * 4, ratios=[1.0, 3.2, 3.2, 1.0], journal={2: over(DAYS[1]), 3: over(DAYS[1])})
    assert states(found) == "AHHH"
    assert found[2].since == DAYS[2]


def test_a_ticket_in_shock_is_halted_alone_and_resumes_in_simulation() -> None:
    shocks = [{"a": 1.0, "b": 1.0}, {"a": 3.0, "b": 2.9}, *[{"a": 1.0, "b": 1.0}] * 8]
    found = after([NAV] * 10, tickets=shocks)
    assert [sorted(memory.halted_tickets) for memory in found] == [[], *[["a"]] * 6, [], [], []]
    assert states(found) == "A" * 10


def test_a_tickets_halt_in_the_journal_ends_only_with_a_persons_resume() -> None:
    account = ticket_account("a")
    halt = JournalHalt(account, "HALTED", "VOLATILITY_SHOCK", "shock", "a kill switch", True, moment_of(DAYS[1]), DAYS[1])
    done = JournalHalt(account, None, "", "", "", False, None, DAYS[1])
    said = {place: SessionHalts({account: halt}) for place in range(2, 12)} | {12: SessionHalts({account: done})}
    found = after([NAV] * 13, tickets=[{}, {"a": 3.4}, *[{"a": 1.0}] * 11], journal=said)
    assert [sorted(memory.halted_tickets) for memory in found] == [[], *[["a"]] * 11, []]


def test_what_the_newest_session_stopped_is_what_the_journal_is_told() -> None:
    memory = after([NAV, NAV - 30_000], tickets=[{}, {"x": 3.3}])[-1]
    desk, ticket = automatic_halts(memory, DAYS[1], NO_HALTS, CONFIG)
    assert (desk.account, desk.trigger, desk.session, desk.automatic) == (DESK, "DAILY_LOSS", DAYS[1], True)
    assert desk.at == datetime(2026, 3, 3, 21, tzinfo=UTC)
    assert desk.resume_from == datetime(2026, 3, 3, 22, tzinfo=UTC)  # the cooldown of an hour
    assert (ticket.account, ticket.trigger, ticket.reason) == (
        ticket_account("x"),
        "VOLATILITY_SHOCK",
        "volatility 3.30x its baseline >= 3.00x",
    )
    # a halt that a person wrote, and one the journal holds, are not written again
    assert not list(automatic_halts(after([NAV, NAV], journal={1: standing("HALTED")})[-1], DAYS[1], NO_HALTS, CONFIG))
    held = SessionHalts(
        {ticket_account("x"): JournalHalt(ticket_account("x"), "HALTED", "VOLATILITY_SHOCK", "", "", True, None, DAYS[1])}
    )
    kept = after([NAV, NAV], tickets=[{}, {"x": 3.3}], journal={1: held})[-1]
    assert not list(automatic_halts(kept, DAYS[1], held, CONFIG))


def test_what_trips_under_a_halt_by_hand_is_kept_told_and_not_ended_with_it_unless_the_journal_knew() -> None:
    by_hand = {place: standing("HALTED") for place in range(1, 4)}
    found = after([NAV, NAV, NAV - 30_000, NAV - 30_000, NAV - 30_000], journal=by_hand)
    assert states(found) == "AHHHH"  # the resume by hand ends the halt by hand; the loss under it still counts
    assert found[4].why is not None
    assert (found[4].why.trigger, found[4].why.since) == ("DAILY_LOSS", DAYS[2])
    (told,) = automatic_halts(found[2], DAYS[2], by_hand[2], CONFIG)
    assert (told.trigger, told.session) == ("DAILY_LOSS", DAYS[2])
    # written down, the same resume ends both
    known = {1: standing("HALTED"), 2: standing("HALTED"), 3: standing("HALTED", DAYS[2]), 4: over(DAYS[2])}
    assert states(after([NAV, NAV, NAV - 30_000, NAV - 30_000, NAV - 30_000], journal=known)) == "AHHHA"


def test_the_stricter_of_the_journals_halt_and_the_switches_own_counts() -> None:
    found = after([NAV, NAV - 30_000], journal={1: standing("REDUCING")})[-1]
    assert found.state is TradingState.HALTED
    assert found.why is not None
    assert found.why.trigger == "DAILY_LOSS"


def test_a_reducing_desk_that_trips_a_stricter_switch_is_not_let_go_with_the_older_halt() -> None:
    config = CONFIG.model_copy(update={"on_loss_limit": "REDUCING"})
    memory, said = SwitchMemory(), {2: standing("REDUCING", DAYS[1], "DAILY_LOSS"), 3: over(DAYS[1])}
    seen = []
    for place, equity in enumerate([NAV, NAV * 0.975, NAV * 0.89, NAV * 0.89]):
        reading = SessionReading(DAYS[place], equity, 1.0, {}, None, flat=False)
        memory = observe_session(memory, reading, said.get(place, NO_HALTS), NAV, config, RESUME_AFTER)
        seen.append(memory)
    assert states(seen) == "ARHH"
    assert seen[2].since == DAYS[2]
    (told,) = automatic_halts(seen[2], DAYS[2], said[2], config)
    assert told.trigger == "MAX_DRAWDOWN"


def test_a_ticket_may_be_told_to_shrink_only() -> None:
    halt = JournalHalt(ticket_account("a"), "REDUCING", "MANUAL", "earnings", "Ann", False, moment_of(DAYS[0]), None)
    (item,) = after([NAV], tickets=[{"a": 1.0}], journal={0: SessionHalts({ticket_account("a"): halt})})[-1].tickets
    assert (item.ticket_id, item.state) == ("a", "REDUCING")


def test_the_longest_ticket_id_is_halted_under_its_own_name() -> None:
    name = "T" * 64
    halt = JournalHalt(ticket_account(name), "HALTED", "MANUAL", "earnings", "Ann", False, moment_of(DAYS[0]), None)
    said = SessionHalts({ticket_account(name): halt})
    reading = SessionReading(DAYS[0], NAV, 1.0, {name: None}, None, flat=True)
    assert observe_session(SwitchMemory(), reading, said, NAV, CONFIG, RESUME_AFTER).halted_tickets == {name}


def test_a_shock_of_a_ticket_that_is_over_and_not_held_is_forgotten() -> None:
    memory = after([NAV, NAV], tickets=[{}, {"a": 3.4}])[-1]
    reading = SessionReading(DAYS[2], NAV, 1.0, {}, None, flat=True)
    assert memory.tickets
    assert not observe_session(memory, reading, NO_HALTS, NAV, CONFIG, RESUME_AFTER).tickets


@pytest.mark.parametrize(
    "memory",
    [
        SwitchMemory(),
        after([NAV, NAV - 30_000], tickets=[{}, {"x": 3.3}])[-1],
        after([NAV, NAV], journal={1: standing("REDUCING")})[-1],
    ],
)
def test_the_memory_reads_back_as_it_was_written(memory: SwitchMemory) -> None:
    assert switch_memory_of(switch_memory_fields(memory)) == memory


@given(
    equities=st.lists(st.floats(0.8, 1.2), min_size=2, max_size=30),
    cut=st.integers(1, 29),
    ratios=st.lists(st.floats(0.5, 4), min_size=30, max_size=30),
)
def test_a_session_alone_is_the_session_in_a_range(equities: list[float], cut: int, ratios: list[float]) -> None:
    """Written down and read back between any two sessions, the memory goes the same way."""
    whole = after([NAV * share for share in equities], ratios=ratios)
    memory = SwitchMemory()
    for place, share in enumerate(equities):
        if place == cut:
            memory = switch_memory_of(switch_memory_fields(memory))
        reading = SessionReading(DAYS[place], NAV * share, ratios[place], {}, None, flat=False)
        memory = observe_session(memory, reading, NO_HALTS, NAV, CONFIG, RESUME_AFTER)
    assert memory == whole[-1]


@given(equities=st.lists(st.floats(0.9, 1.1), min_size=3, max_size=30))
def test_a_halt_lasts_at_least_as_many_sessions_as_are_asked_for(equities: list[float]) -> None:
    seen = states(after([NAV * share for share in equities], flat=True))
    for stretch in seen.split("A")[:-1]:
        assert len(stretch) in (0, *range(RESUME_AFTER + 1, 40))
