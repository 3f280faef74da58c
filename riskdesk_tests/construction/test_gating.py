"""The gatekeeper in the desk day: nobody gets around it, halts stop the book, and the tables say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

import polars as pl
import pytest

from riskdesk_assets.common.errors import ReleaseError
from riskdesk_assets.common.session_halts import DESK, JournalHalt, SessionHalts
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.desk_day import DayResult, desk_day
from riskdesk_assets.construction.gating import gated, require_approved
from riskdesk_assets.construction.inputs import DayInputs, NameState, desk_context
from riskdesk_assets.construction.proposal import TicketDay, gross, proposals
from riskdesk_assets.construction.release import release
from riskdesk_assets.construction.remeasure import Written, remeasure
from riskdesk_assets.construction.state import GENESIS, DeskState, state_from_json
from riskdesk_assets.construction.walk import Walk, walk
from riskdesk_assets.gatekeeper.desk_switches import SwitchMemory, moment_of
from riskdesk_assets.gatekeeper.kill_switches import KillSwitchState, TradingState, Trigger
from riskdesk_assets.gatekeeper.ticket_gate import GateDecision
from riskdesk_assets.gatekeeper.trail import Check
from riskdesk_tests.desk_builder import (
    calm_states,
    changed,
    day_of,
    desk_config,
    flat_covariance,
    held,
    inputs_of,
    make_ticket,
    marks,
    run_day,
    sample_bars,
    sessions_from,
    shipped_tickets,
    signal,
    snapshots_of,
    state_of,
)

DAYS = sessions_from(date(2026, 3, 2), 14)
BEFORE, TODAY = DAYS[:2]
PRICES = {"JPM": 100.0, "BAC": 50.0, "GS": 200.0, "MS": 80.0}
CONFIG = desk_config()
ONE = make_ticket("one", "JPM", "BAC", max_gross_notional=200_000.0, max_leg_notional=140_000.0)
TWO = make_ticket("two", "GS", "MS", max_gross_notional=200_000.0, max_leg_notional=140_000.0)
STATE = state_of(BEFORE, held("one", {"JPM": (500, 100.0), "BAC": (-1000, 50.0)}, BEFORE))
SIGNALS = {"JPM__BAC": signal(-1.8), "GS__MS": signal(2.0)}
CALM = NameState(0.5, 0.5, 1.0, "RANGING")


def morning(names: Mapping[str, NameState] | None = None, halts: SessionHalts | None = None) -> DayInputs:
    prints = {BEFORE: marks(**PRICES), TODAY: marks(**PRICES)}
    covariance = flat_covariance(CONFIG.universe.tradable)
    return day_of(TODAY, [ONE, TWO], SIGNALS, prints, covariance=covariance, names=names, halts=halts or SessionHalts())


def stopped(state: str) -> SessionHalts:
    halt = JournalHalt(DESK, state, "MANUAL", "funding stress", "Ann", False, datetime(2026, 3, 3, 15, tzinfo=UTC), None)  # type: ignore[arg-type]
    return SessionHalts({DESK: halt})


def shares(result: DayResult) -> dict[str, list[int]]:
    return {item.ticket_id: [leg.shares for leg in item.legs] for item in result.state.positions}


def approved_items() -> tuple[TicketDay, ...]:
    day, context = morning(), desk_context(CONFIG)
    return gated(proposals(day, STATE, STATE.positions, context), SwitchMemory(), day, context)


# Nobody gets around it


def test_what_the_gatekeeper_approved_is_built_on() -> None:
    items = approved_items()
    require_approved(items, morning().run_id)
    assert release(morning(), items, desk_context(CONFIG)).released


@pytest.mark.parametrize(
    ("smuggled", "said"),
    [
        (lambda item: replace(item, gate=None), "did not pass the gatekeeper"),
        (lambda item: replace(item, approved=(item.approved[0] * 1.001, item.approved[1] * 1.001)), "the gatekeeper approved"),
        (lambda item: replace(item, approved=(-item.approved[0], -item.approved[1])), "on another side"),
        (lambda item: replace(item, ticket_id="three"), "shows a decision on"),
        (lambda item: replace(item, gate=replace(item.gate, run_id="20260302-yesterday")), "of run 20260302-yesterday"),
        (
            lambda item: replace(
                item,
                approved=(item.capped[0] * 3, item.capped[1] * 3),
                gate=GateDecision(item.gate.run_id, item.ticket_id, "APPROVED", 1e9, 0.0, 1e9, ""),
            ),
            "beyond what is held and what was proposed",
        ),
    ],
)
def test_a_size_that_no_decision_of_this_run_approved_is_refused_before_anything_is_built(smuggled: object, said: str) -> None:
    items = [smuggled(item) if item.ticket_id == "two" else item for item in approved_items()]  # type: ignore[operator]
    with pytest.raises(ReleaseError, match=said):
        release(morning(), items, desk_context(CONFIG))


def test_a_ticket_that_skipped_stage_four_is_refused() -> None:
    day, context = morning(), desk_context(CONFIG)
    around = [replace(item, approved=item.capped) for item in proposals(day, STATE, STATE.positions, context)]
    with pytest.raises(ReleaseError, match="there is no decision on it"):
        release(day, around, context)


# Halts


def test_a_halt_in_the_journal_sends_the_desk_flat_and_one_that_reduces_lets_it_stand() -> None:
    flat = run_day(morning(halts=stopped("HALTED")), STATE, CONFIG)
    assert (shares(flat), flat.release.released) == ({}, True)
    assert flat.messages[0] == f"the desk is HALTED since {TODAY}: funding stress"
    reducing = run_day(morning(halts=stopped("REDUCING")), STATE, CONFIG)
    assert list(shares(reducing)) == ["one"]
    assert all(abs(now) <= abs(was) for now, was in zip(shares(reducing)["one"], (500, -1000), strict=True))


def test_a_desk_that_holds_on_a_halt_trades_nothing_at_all() -> None:
    holding = changed(CONFIG, "desk.gatekeeper.on_halt", "hold")
    result = run_day(morning(halts=stopped("HALTED")), STATE, holding)
    assert shares(result) == {"one": [500, -1000]}
    assert not [fill for fill in result.fills if fill.before != fill.after]
    assert {item.proposal.reason for item in result.items if item.fixed} == {"HALTED"}


def test_a_single_halted_ticket_holds_where_halts_hold() -> None:
    holding = changed(CONFIG, "desk.gatekeeper.on_halt", "hold")
    names = dict.fromkeys(PRICES, CALM) | {"BAC": replace(CALM, volatility_ratio=3.0)}
    result = run_day(morning(names), STATE, holding)
    assert shares(result)["one"] == [500, -1000]
    assert "two" in shares(result)


def test_a_few_names_are_no_universe() -> None:
    every = CONFIG.universe.tradable
    unknown = dict.fromkeys(every, replace(CALM, volatility_ratio=None))
    few = unknown | dict.fromkeys(every[: len(every) // 2 - 1], replace(CALM, volatility_ratio=3.1))
    assert run_day(morning(few), STATE, CONFIG).state.switches.state is TradingState.ACTIVE
    half = unknown | dict.fromkeys(every[: len(every) // 2], replace(CALM, volatility_ratio=3.1))
    assert run_day(morning(half), STATE, CONFIG).state.switches.state is TradingState.HALTED


def test_a_drawdown_is_cleared_for_a_desk_that_holds_nothing_and_not_for_one_that_holds() -> None:
    low = KillSwitchState(2e6, 2.5e6, 2e6, 2e6, 2e6, day=BEFORE, observed_at=moment_of(BEFORE), state=TradingState.HALTED)
    low = replace(low, trigger=Trigger.MAX_DRAWDOWN, automatic=True, since=moment_of(BEFORE), reason="drawdown 20%")
    memory = SwitchMemory(low, BEFORE, 4)
    lost = -50_000_000  # cents, to the equity the switches remember
    flat = run_day(morning(), replace(state_of(BEFORE), switches=memory, pnl_gross_cents=lost), CONFIG)
    assert flat.state.switches.state is TradingState.ACTIVE
    held_on = run_day(morning(), replace(STATE, switches=memory, pnl_gross_cents=lost), CONFIG)
    assert held_on.state.switches.state is TradingState.HALTED


def test_a_shock_in_one_leg_halts_its_ticket_and_no_other() -> None:
    names = dict.fromkeys(PRICES, CALM) | {"BAC": replace(CALM, volatility_ratio=3.0)}
    result = run_day(morning(names), STATE, CONFIG)
    assert list(shares(result)) == ["two"]
    assert result.state.switches.halted_tickets == {"one"}
    assert result.state.switches.state is TradingState.ACTIVE
    assert state_from_json(result.state.json) == result.state


def test_a_shock_of_the_whole_universe_halts_the_desk() -> None:
    names = {name: replace(CALM, volatility_ratio=3.1) for name in CONFIG.universe.tradable}
    result = run_day(morning(names), STATE, CONFIG)
    assert (shares(result), result.state.switches.state) == ({}, TradingState.HALTED)


def test_the_desks_own_loss_halts_it_at_the_marks_of_the_day() -> None:
    # 500 JPM and -1,000 BAC: a fall of JPM by 20% and a rise of BAC by 90% lose 55,000 dollars, 2.2% of nav.
    fallen = {**PRICES, "JPM": 80.0, "BAC": 95.0}
    prints = {BEFORE: marks(**PRICES), TODAY: marks(**fallen)}
    day = day_of(TODAY, [ONE, TWO], SIGNALS, prints, covariance=flat_covariance(CONFIG.universe.tradable))
    result = run_day(day, STATE, CONFIG)
    assert result.pnl_gross_cents == -5_500_000
    memory = result.state.switches
    assert memory.switches is not None
    assert (memory.state, memory.switches.trigger, memory.switches.equity) == (TradingState.HALTED, "DAILY_LOSS", 2_445_000.0)
    assert shares(result) == {}


def test_in_classic_nothing_halts_and_nothing_is_sized() -> None:
    classic = desk_config("classic")
    names = {name: NameState(None, None, 9.0, None) for name in PRICES}
    day = day_of(
        TODAY, [ONE, TWO], SIGNALS, {BEFORE: marks(**PRICES), TODAY: marks(**PRICES)}, names=names, halts=stopped("HALTED")
    )
    result = desk_day(day, GENESIS, desk_context(classic))
    assert set(shares(result)) == {"one", "two"}
    assert result.state.switches == SwitchMemory()


def test_the_ledger_and_the_decision_name_the_check_that_cut() -> None:
    names = {name: replace(CALM, atr=20.0) for name in PRICES}
    result = run_day(morning(names), state_of(BEFORE), CONFIG)
    two = next(item for item in result.items if item.ticket_id == "two")
    assert two.gate is not None
    assert (two.gate.status, two.gate.binding) == ("ADJUSTED", Check.POSITION_SIZE)
    clip = next(clip for clip in two.clips if clip.stage == "GATEKEEPER")
    assert (clip.limit_name, clip.value_in, clip.value_out) == ("position_size", gross(two.capped), gross(two.approved))
    # What the ceiling leaves is the bound, in dollars of the ticket's gross, and the leg that is nearest to it decided.
    assert clip.bound == clip.value_out
    assert clip.symbol in (two.leg_a, two.leg_b)
    assert clip.reason.startswith(f"{clip.symbol}: ")
    assert "GATE_POSITION_SIZE" in two.clamp_codes


def test_a_day_without_a_market_regime_is_the_reason_the_gate_gives() -> None:
    names = {name: replace(CALM, tape_regime=None) for name in PRICES}
    for regime, words in ((None, "the market regime is unknown"), ("Normal", "nothing is known of the range of")):
        result = run_day(replace(morning(names), market_regime=regime), STATE, CONFIG)
        reasons = [item.gate.reason for item in result.items if item.gate is not None and item.gate.status == "REJECTED"]
        assert reasons
        assert all(words in reason for reason in reasons)


# A range: what the tables say


WILD = DAYS[4:7]


@cache
def bars() -> pl.DataFrame:
    return sample_bars().filter(pl.col("as_of_date") <= DAYS[-1])


def states() -> pl.DataFrame:
    """Calm names but for three sessions on which every name is at 3.2 times its baseline."""
    calm = calm_states(bars(), DAYS[0], DAYS[-1])
    wild = pl.when(pl.col("as_of_date").is_in(WILD)).then(0.64).otherwise(pl.col("vol_20")).alias("vol_20")
    return calm.with_columns(wild)


def config() -> Config:
    return changed(desk_config(), "desk.controller.entry_z", 0.6)


@cache
def snapshots() -> pl.DataFrame:
    return snapshots_of(shipped_tickets(), DAYS)


def walked(first: date = DAYS[0], last: date = DAYS[-1], start: DeskState = GENESIS, halts: pl.DataFrame | None = None) -> Walk:
    tables = {"instrument_state": states().filter(pl.col("as_of_date").is_between(first, last))}
    if halts is not None:
        tables["desk_halts"] = halts.filter(pl.col("as_of_date").is_between(first, last))
    return walk(inputs_of(config(), snapshots(), first, last, bars(), start=start, tables=tables))


@cache
def whole() -> Walk:
    return walked()


def written(done: Walk) -> Written:
    empty = {name: TABLES[name].frame([]) for name in ("instrument_factors_daily", "scenarios", "strategy_budgets")}
    named = (
        "desk_positions",
        "guard_decisions",
        "portfolio_blotter",
        "ideal_portfolio",
        "limit_audit",
        "desk_state",
        "gate_decisions",
    )
    return Written(**{name: done.frames[name] for name in named}, instrument_state=states(), **empty)


def test_a_range_halts_resumes_in_simulation_and_says_so_session_by_session() -> None:
    rows = whole().frames["desk_state"].to_dicts()
    # three sessions of shock, then five more: clear on the session after the last one, and trading five sessions later
    assert [row["trading_state"][0] for row in rows] == list("AAAAHHHHHHHHAA")
    assert {row["halt_since"] for row in rows if row["trading_state"] == "HALTED"} == {WILD[0]}
    held_on = set(whole().frames["desk_positions"]["as_of_date"])
    assert DAYS[3] in held_on
    assert not held_on & set(DAYS[4:12])
    assert held_on & set(DAYS[12:])


def test_the_halt_check_tells_of_a_halt_that_was_obeyed_and_fails_on_one_that_was_not() -> None:
    found = {item.session: item for item in remeasure(written(whole()), config(), DAYS) if item.check == "halt"}
    assert [found[day].passed for day in DAYS] == [True] * 4 + [False] * 8 + [True] * 2
    assert {(found[day].hard, found[day].told) for day in DAYS[4:12]} == {(False, True)}
    tables = written(whole())
    # on the session that stopped the desk everything it held was sold: as if it had bought a little more instead
    more = pl.col("shares_before") + pl.col("shares_before").sign() * 7
    on_the_day = (pl.col("as_of_date") == WILD[0]) & (pl.col("shares_before") != 0)
    assert tables.guard_decisions.filter(on_the_day).height
    grown = tables.guard_decisions.with_columns(shares_wanted=pl.when(on_the_day).then(more).otherwise("shares_wanted"))
    cheated = replace(tables, guard_decisions=grown)
    broken = next(item for item in remeasure(cheated, config(), [WILD[0]]) if item.check == "halt")
    assert (broken.passed, broken.hard) == (False, True)
    assert "grew by $" in broken.message


def test_the_gate_check_finds_a_ticket_that_is_larger_than_was_approved() -> None:
    tables = written(whole())
    assert all(item.passed for item in remeasure(tables, config(), DAYS) if item.check == "gate")
    day = DAYS[2]
    less = tables.gate_decisions.with_columns(
        pl.when((pl.col("as_of_date") == day) & (pl.col("approved_gross") > 0)).then(1.0).otherwise("approved_gross")
        .alias("approved_gross")
    )  # fmt: skip
    failed = [item for item in remeasure(replace(tables, gate_decisions=less), config(), DAYS) if not item.passed]
    assert [(item.session, item.hard) for item in failed if item.check == "gate"] == [(day, True)]
    other = tables.gate_decisions.with_columns(run_id=pl.lit("another run"))
    refused = [item for item in remeasure(replace(tables, gate_decisions=other), config(), DAYS) if item.check == "gate"]
    assert any("no decision of this run approved it" in item.message for item in refused)


def test_the_checks_look_at_the_desks_positions_too() -> None:
    tables = written(whole())
    # as if the desk had kept on the halted session what it held the session before, and had bought a little more of it
    kept = tables.desk_positions.filter(pl.col("as_of_date") == DAYS[3]).with_columns(
        as_of_date=pl.lit(WILD[0]), shares=pl.col("shares") + pl.col("shares").sign() * 9
    )
    cheated = replace(tables, desk_positions=pl.concat([tables.desk_positions, kept]))
    failed = {item.check for item in remeasure(cheated, config(), [WILD[0]]) if not item.passed and item.hard}
    assert {"halt", "gate"} <= failed


def test_a_dollar_too_much_is_more_than_was_approved() -> None:
    tables, on_day = written(whole()), pl.col("as_of_date") == DAYS[2]
    size = pl.col("target_notional").abs().sum().over("ticket_id").alias("size")
    largest = tables.guard_decisions.filter(on_day).select("ticket_id", size).sort("size").row(-1)
    one = on_day & (pl.col("ticket_id") == largest[0])
    less = tables.gate_decisions.with_columns(approved_gross=pl.when(one).then(largest[1] - 1.0).otherwise("approved_gross"))
    found = next(item for item in remeasure(replace(tables, gate_decisions=less), config(), [DAYS[2]]) if item.check == "gate")
    assert (found.passed, found.hard) == (False, True)


def test_a_ticket_halted_alone_that_grew_fails_the_halt_check() -> None:
    tables = written(whole())
    grew = pl.col("shares_wanted").abs() > pl.col("shares_before").abs()
    grown = tables.guard_decisions.filter(pl.col("as_of_date").is_between(DAYS[0], DAYS[3]) & grew).row(0, named=True)
    halted = pl.when(pl.col("as_of_date") == grown["as_of_date"]).then(pl.lit(grown["ticket_id"])).otherwise("halted_tickets")
    told = replace(tables, desk_state=tables.desk_state.with_columns(halted_tickets=halted))
    found = next(item for item in remeasure(told, config(), [grown["as_of_date"]]) if item.check == "halt")
    assert (found.passed, found.hard) == (False, True)


def test_a_halted_session_alone_is_the_session_in_the_range() -> None:
    for place in (4, 6, 11, 12):
        day, before = DAYS[place], whole().days[place - 1].state
        alone = walked(day, day, state_from_json(before.json))
        for name, frame in alone.frames.items():
            inside = whole().frames[name].filter(pl.col("as_of_date") == day)
            assert frame.equals(inside), name


def test_a_halt_by_hand_over_some_sessions_of_a_range_binds_just_those() -> None:
    rows = [
        {
            "as_of_date": day,
            "account": DESK,
            "state": "REDUCING" if day in DAYS[1:3] else None,
            "trigger": "MANUAL",
            "reason": "a holiday",
            "halted_by": "Ann",
            "automatic": False,
            "since": "2026-03-03T15:00:00+00:00",
            "known_to": None,
            "sequence": 1,
        }
        for day in DAYS[1:]
    ]
    done = walked(halts=TABLES["desk_halts"].frame(rows))  # type: ignore[arg-type]
    assert [row["trading_state"][0] for row in done.frames["desk_state"].to_dicts()][:5] == list("ARRAH")
    assert done.days[1].run_id != whole().days[1].run_id  # the halt is among what the run is named after
