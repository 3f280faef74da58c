"""Days on which something happens: tickets removed, edited or unreadable, names that fall silent, limits that cannot be met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.errors import Problem, StateError
from riskdesk_assets.common.session_check import SessionCheck
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.construction.book_risk import BookRisk
from riskdesk_assets.construction.day_sources import WalkInputs
from riskdesk_assets.construction.desk_day import DayResult
from riskdesk_assets.construction.inputs import PairSignal, desk_context
from riskdesk_assets.construction.remeasure import Written, remeasure
from riskdesk_assets.construction.rows import day_rows
from riskdesk_assets.construction.state import DeskState, Memory
from riskdesk_assets.construction.walk import Walk, walk
from riskdesk_assets.market.quality import check_bars
from riskdesk_assets.strategy.ticket import Ticket
from riskdesk_tests.desk_builder import (
    calendar,
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

DAYS = sessions_from(date(2026, 3, 2), 12)
BEFORE, TODAY = DAYS[:2]
PRICES = {"JPM": 100.0, "BAC": 50.0, "GS": 200.0, "MS": 80.0, "C": 60.0, "WFC": 40.0}
CONFIG = desk_config()
ONE = make_ticket("one", "JPM", "BAC", max_gross_notional=200_000.0, max_leg_notional=140_000.0)
TWO = make_ticket("two", "GS", "MS", max_gross_notional=200_000.0, max_leg_notional=140_000.0)
HELD_ONE = held("one", {"JPM": (500, 100.0), "BAC": (-1000, 50.0)}, BEFORE)
STATE = state_of(BEFORE, HELD_ONE)
SIGNALS = {"JPM__BAC": signal(-1.0), "GS__MS": signal(2.0)}


def today(
    *tickets: Ticket,
    state: DeskState = STATE,
    config: Config = CONFIG,
    silent: tuple[str, ...] = (),
    signals: Mapping[str, PairSignal] = SIGNALS,
    unreadable: tuple[str, ...] = (),
) -> DayResult:
    prints = {BEFORE: marks(**PRICES), TODAY: marks(**{name: price for name, price in PRICES.items() if name not in silent})}
    day = day_of(TODAY, tickets, signals, prints, covariance=flat_covariance(config.universe.tradable), unreadable=unreadable)
    return run_day(day, state, config)


def shares(result: DayResult) -> dict[str, list[int]]:
    return {item.ticket_id: [leg.shares for leg in item.legs] for item in result.state.positions}


def reason(result: DayResult, ticket_id: str) -> str:
    return next(item.proposal.reason for item in result.items if item.ticket_id == ticket_id)


def test_a_ticket_removed_while_held_is_closed_and_the_ledger_says_why() -> None:
    result = today(TWO)
    assert "one" not in shares(result)
    assert reason(result, "one") == "TICKET_REMOVED"
    clip = next(clip for clip in result.clips if clip.ticket_id == "one")
    assert (clip.value_in, clip.value_out, clip.reason) == (100_000.0, 0.0, "the ticket is no longer in the active folder")
    assert "two" in shares(result)


def test_a_ticket_that_changes_its_pair_closes_the_old_one_first() -> None:
    moved = make_ticket("one", "C", "WFC", max_gross_notional=200_000.0, max_leg_notional=140_000.0)
    signals = {**SIGNALS, "C__WFC": signal(2.0)}
    result = today(moved, signals=signals)
    assert (shares(result), reason(result, "one")) == ({}, "PAIR_CHANGED")
    following = day_of(
        DAYS[2], [moved], signals, {TODAY: marks(**PRICES), DAYS[2]: marks(**PRICES)}, covariance=flat_covariance(PRICES)
    )
    position = run_day(following, result.state, CONFIG).state.positions[0]
    assert [leg.symbol for leg in position.legs] == ["C", "WFC"]


def test_an_unreadable_ticket_fails_closed_and_every_position_stands() -> None:
    result = today(TWO, unreadable=("one.yaml: line 3: it is no mapping",))
    assert result.release.status == "FAILED_CLOSED"
    assert "one.yaml: line 3" in result.release.reason
    assert shares(result) == {"one": [500, -1000]}
    assert not [fill for fill in result.fills if fill.before != fill.after]


def test_the_day_after_a_failed_day_goes_on_from_the_positions_that_stood() -> None:
    failed = today(TWO, unreadable=("one.yaml: no",))
    following = day_of(
        DAYS[2], [ONE, TWO], SIGNALS, {TODAY: marks(**PRICES), DAYS[2]: marks(**PRICES)}, covariance=flat_covariance(PRICES)
    )
    result = run_day(following, failed.state, CONFIG)
    assert result.release.released
    assert reason(result, "one") == "HOLD"
    assert next(item for item in result.state.positions if item.ticket_id == "one").age == HELD_ONE.age + 2


def test_where_told_to_skip_only_the_unreadable_tickets_position_is_frozen() -> None:
    config = changed(CONFIG, "desk.tickets.on_bad_ticket", "skip")
    result = today(TWO, config=config, unreadable=("one.yaml: no",))
    assert result.release.status == "RELEASED"
    assert shares(result)["one"] == [500, -1000]
    assert shares(result)["two"][0] < 0
    assert reason(result, "one") == "TICKET_UNREADABLE"


@pytest.mark.parametrize("silent", ["JPM", "BAC"])
def test_a_silent_leg_freezes_its_ticket_and_the_others_go_on(silent: str) -> None:
    result = today(ONE, TWO, silent=(silent,))
    assert shares(result)["one"] == [500, -1000]
    assert shares(result)["two"][0] < 0
    assert reason(result, "one") == "FROZEN"
    assert any(f"no print of {silent}" in message for message in result.messages)


def test_a_ticket_not_held_whose_leg_is_silent_does_not_enter() -> None:
    result = today(ONE, TWO, silent=("GS",))
    assert "two" not in shares(result)
    assert reason(result, "two") == "NO_BAR"


def test_a_frozen_ticket_is_closed_on_its_fifth_silent_session_and_its_hedge_is_sold() -> None:
    state, statuses = STATE, []
    for number in range(1, 7):
        prints = {BEFORE: marks(**PRICES), DAYS[number]: marks(**{n: p for n, p in PRICES.items() if n != "JPM"})}
        prints[DAYS[number - 1]] = prints.get(DAYS[number - 1], marks(**{n: p for n, p in PRICES.items() if n != "JPM"}))
        result = run_day(day_of(DAYS[number], [ONE], SIGNALS, prints, covariance=flat_covariance(PRICES)), state, CONFIG)
        state = result.state
        statuses.append((result.items[0].proposal.reason, shares(result).get("one"), result.pnl_gross_cents))
    assert statuses[:4] == [("FROZEN", [500, -1000], 0)] * 4
    # 500 x 100.00 lost; BAC can trade, and is bought back
    assert statuses[4:] == [("NO_BAR", None, -5_000_000), ("NO_BAR", None, 0)]


def test_a_short_that_stops_printing_is_closed_at_no_gain() -> None:
    state = state_of(BEFORE, held("one", {"JPM": (-500, 100.0), "BAC": (1000, 50.0)}, BEFORE, missing=4))
    result = today(ONE, silent=("JPM",), state=state)
    assert (shares(result), result.pnl_gross_cents) == ({}, 0)


def test_a_gate_limit_that_breaches_blocks_the_book_and_positions_stand() -> None:
    config = changed(CONFIG, "limits.group", {"max": 0.01, "mode": "gate"})
    result = today(ONE, TWO, config=config)
    assert (result.release.status, result.release.released) == ("BLOCKED", False)
    assert "group:" in result.release.reason
    assert shares(result) == {"one": [500, -1000]}
    assert result.release.notionals == {}


def test_frozen_positions_that_alone_breach_a_limit_block_the_book() -> None:
    config = changed(CONFIG, "limits.portfolio_gross.max", 0.02)
    result = today(ONE, TWO, config=config, silent=("JPM",))
    assert result.release.status == "BLOCKED"
    assert "frozen positions alone breach portfolio_gross" in result.release.reason
    assert shares(result) == {"one": [500, -1000]}


def test_the_governor_leaves_frozen_positions_their_room() -> None:
    # the frozen pair holds 100,000 gross of a bound of 150,000: the other ticket gets at most 50,000
    config = changed(changed(CONFIG, "desk.optimizer.construction", "governor"), "limits.portfolio_gross.max", 0.06)
    result = today(ONE, TWO, config=config, silent=("JPM",))
    assert result.release.status == "RELEASED"
    two = next(item for item in result.state.positions if item.ticket_id == "two")
    assert 49_000 <= two.gross / 10_000 <= 50_000
    # before rounding too, so that whole shares had nothing to mend
    assert sum(abs(size) for size in result.release.notionals["two"]) <= 50_000 + 1e-6
    assert {clip.limit_name for clip in result.clips if clip.stage == "BOOK"} <= {"whole_lots"}


def test_a_frozen_position_takes_one_of_the_places() -> None:
    config = changed(CONFIG, "limits.position_count.max", 1)
    result = today(ONE, TWO, config=config, silent=("JPM",))
    assert result.release.status == "RELEASED"
    assert set(shares(result)) == {"one"}
    two = next(item for item in result.items if item.ticket_id == "two")
    assert two.gate is not None
    assert two.gate.status == "REJECTED"


def test_a_short_pays_a_sessions_borrow_also_on_a_day_without_a_book() -> None:
    # 1,000 BAC short at 50.00, 30 bp a year: 50,000 x 0.003 / 252 = 0.5952 dollars
    result = today(TWO, unreadable=("one.yaml: no",))
    assert result.costs_cents == 60


def test_a_reversal_pays_for_both_ways_and_is_measured_as_one() -> None:
    result = today(ONE, signals={"JPM__BAC": signal(2.0)})
    assert reason(result, "one") == "REVERSE"
    context = desk_context(CONFIG)
    day = day_of(TODAY, [ONE], {}, {})
    rows = day_rows(result, day, context, {}, BookRisk(None, None, None))
    names = [each.name for each in fields(Written)]
    tables = Written(**{name: TABLES[name].frame(rows.get(name, [])) for name in names})
    assert [item for item in remeasure(tables, CONFIG, [TODAY]) if broken(item)] == []
    turnover = next(row for row in result.release.audit if row.limit.name == "turnover")
    assert turnover.measured == result.state.positions[0].gross
    traded = {fill.symbol: abs(fill.traded) / 10_000 for fill in result.fills}
    # 1 bp and half a spread of 1 (JPM) or 1.5 (BAC) bp, and the night's borrow
    assert result.costs_cents == pytest.approx(traded["JPM"] * 2e-2 + traded["BAC"] * 2.5e-2 + 59.52, abs=1)


def test_where_the_optimizer_fails_the_governor_builds_the_book_and_says_so() -> None:
    # an objective of 1e40 is beyond every solver: none finds an answer
    config = changed(CONFIG, "desk.optimizer.tracking_bp", 1e40)
    config = changed(config, "limits.portfolio_gross.max", 0.05)
    result = today(ONE, TWO, config=config)
    assert result.release.status == "RELEASED_BY_GOVERNOR"
    assert result.release.builder == "governor"
    assert "the mechanical governor takes over" in result.release.reason
    gross = next(row for row in result.release.audit if row.limit.name == "portfolio_gross")
    assert gross.status != "BREACH"
    assert gross.measured > 0.95 * gross.limit.bound


def test_a_limit_is_amber_from_eighty_per_cent_on() -> None:
    found = today(ONE, TWO)
    measured = next(row.measured for row in found.release.audit if row.limit.name == "portfolio_gross") / 10_000
    for share, status in ((0.79, "OK"), (0.81, "AMBER")):
        config = changed(CONFIG, "limits.portfolio_gross", {"max": measured / share, "unit": "dollars", "mode": "gate"})
        row = next(row for row in today(ONE, TWO, config=config).release.audit if row.limit.name == "portfolio_gross")
        assert row.status == status


def test_a_restricted_name_keeps_its_position_and_lets_nothing_in() -> None:
    config = changed(CONFIG, "desk.tickets.restricted", ["JPM", "GS"])
    result = today(ONE, TWO, config=config)
    assert reason(result, "two") == "RESTRICTED GS"
    one = next(item for item in result.state.positions if item.ticket_id == "one")
    assert 0 < one.gross <= HELD_ONE.gross


def test_a_name_without_a_covariance_takes_no_entry_and_may_be_reduced() -> None:
    prints = {BEFORE: marks(**PRICES), TODAY: marks(**PRICES)}
    known = [name for name in CONFIG.universe.tradable if name not in ("JPM", "GS")]
    result = run_day(day_of(TODAY, [ONE, TWO], SIGNALS, prints, covariance=flat_covariance(known)), STATE, CONFIG)
    assert reason(result, "two") == "NO_RISK_MODEL"
    assert result.release.released
    assert 0 < result.state.positions[0].gross <= HELD_ONE.gross


def test_a_held_name_that_left_the_universe_is_refused_by_name() -> None:
    left = {name: item for name, item in CONFIG.universe.symbols.items() if name != "JPM"}
    universe = Universe(symbols=left, context=CONFIG.universe.context, pairs=[], volatility_index="^VIX")
    config = CONFIG.model_copy(update={"universe": universe})
    with pytest.raises(StateError, match=r"JPM.*one"):
        today(TWO, config=config)


# --- whole walks ------------------------------------------------------------------------------------------------------


def written(done: Walk, inputs: WalkInputs) -> Written:
    frames = {**done.frames, "strategy_budgets": inputs.strategy_budgets}
    return Written(**{each.name: frames.get(each.name, TABLES[each.name].frame([])) for each in fields(Written)})


def failed_checks(done: Walk, inputs: WalkInputs) -> set[tuple[date, str]]:
    sessions = [day.session for day in done.days]
    return {(item.session, item.check) for item in remeasure(written(done, inputs), inputs.config, sessions) if broken(item)}


def broken(item: SessionCheck) -> bool:
    """Failed, and not for want of facts: these walks know nothing of exposures, classes and scenarios."""
    return not item.passed and not item.message.endswith(": not measured")


def test_a_blocked_session_is_marked_so_in_every_table_and_fails_its_family() -> None:
    sessions = sessions_from(date(2026, 3, 2), 6)
    config = changed(CONFIG, "limits.group", {"max": 0.05, "mode": "gate"})
    inputs = inputs_of(config, shipped_tickets(), sessions[0], sessions[-1])
    done = walk(inputs)
    blocked = [day.session for day in done.days if day.release.status == "BLOCKED"]
    assert blocked
    states = dict(done.frames["desk_state"].select("as_of_date", "released").iter_rows())
    assert [day for day in sessions if not states[day]] == blocked
    assert not set(done.frames["ideal_portfolio"]["as_of_date"]) & set(blocked)
    assert not done.frames["limit_audit"].filter(pl.col("as_of_date").is_in(blocked))["released"].any()
    assert {(day, name) for day in blocked for name in ("group", "release")} <= failed_checks(done, inputs)


def test_an_unreadable_ticket_costs_its_own_session_and_no_later_one() -> None:
    sessions = sessions_from(date(2026, 3, 2), 5)
    tickets = shipped_tickets()
    good = snapshots_of(tickets, sessions[:2])
    bad = snapshots_of(
        tickets[1:],
        sessions[2:3],
        [Problem(f"{tickets[0].ticket_id}.yaml", 3, "leg_a", "is no symbol")],
        good.filter(pl.col("as_of_date") == sessions[1]),
    )
    again = snapshots_of(tickets, sessions[3:], previous=bad)
    inputs = inputs_of(CONFIG, pl.concat([good, bad, again]), sessions[0], sessions[-1])
    done = walk(inputs)
    assert [day.release.status for day in done.days] == ["RELEASED"] * 2 + ["FAILED_CLOSED"] + ["RELEASED"] * 2
    held_on = {
        day: done.frames["desk_positions"].filter(pl.col("as_of_date") == day).select("ticket_id", "leg", "shares")
        for day in sessions
    }
    assert held_on[sessions[2]].equals(held_on[sessions[1]])
    assert failed_checks(done, inputs) == {(sessions[2], "release")}


@pytest.mark.parametrize(("stranger", "closed"), [(False, True), (True, False)])
def test_a_removed_ticket_is_closed_beside_an_unusable_file_unless_that_may_be_its_own(stranger: bool, closed: bool) -> None:
    config = changed(CONFIG, "desk.tickets.on_bad_ticket", "skip")
    sessions = sessions_from(date(2026, 3, 2), 3)
    tickets = shipped_tickets()
    good = snapshots_of(tickets, sessions[:2])
    first = walk(inputs_of(config, good, sessions[0], sessions[1])).days[-1].state
    removed, broken = first.positions[0].ticket_id, first.positions[1].ticket_id
    left = [item for item in tickets if item.ticket_id not in (removed, broken)]
    files = [f"{broken}.yaml", *(["never-seen-before.yaml"] if stranger else [])]
    problems = [Problem(file, 3, "leg_a", "is no symbol") for file in files]
    rows = snapshots_of(left, sessions[2:], problems, good.filter(pl.col("as_of_date") == sessions[1]))
    done = walk(inputs_of(config, rows, sessions[2], sessions[2], start=first)).days[0]
    reasons = {item.ticket_id: item.proposal.reason for item in done.items}
    assert reasons[broken] == "TICKET_UNREADABLE"
    assert reasons[removed] == ("TICKET_REMOVED" if closed else "TICKET_UNREADABLE")
    assert (done.state.position(removed) is None) is closed
    assert done.state.position(broken) is not None


def test_silicon_valley_banks_last_print_is_no_print_and_its_long_is_lost(real_bars_dir: Path) -> None:
    """SIVB traded last on 2023-03-09 at 106.04; the later bars repeat that close with volume 0."""
    raw = pl.concat(
        [pl.read_parquet(real_bars_dir / name) for name in ("bank_bars_2015_2025.parquet", "sivb_collapse_2023.parquet")],
        how="diagonal_relaxed",
    )
    bars = (
        raw.unique(["symbol", "date"])
        .rename({"date": "as_of_date"})
        .with_columns(source=pl.lit("FILES"), volume=pl.col("volume").cast(pl.Int64))
    )
    assert not bars.filter(
        (pl.col("symbol") == "SIVB") & (pl.col("close").round(2) == 106.04) & (pl.col("volume") == 0)
    ).is_empty()
    banks = dict(CONFIG.universe.symbols)
    banks["SIVB"] = banks["KEY"]
    classic = desk_config("classic")
    universe = Universe(symbols=banks, context=[], pairs=[], volatility_index="^VIX")
    config = classic.model_copy(update={"universe": universe})
    ticket = make_ticket("sivb", "SIVB", "KEY", max_gross_notional=200_000.0, max_leg_notional=150_000.0)
    sessions = sessions_from(date(2023, 3, 8), 10)
    opening = bars.filter(pl.col("as_of_date") == sessions[0])
    price = dict(opening.select("symbol", "close").iter_rows())
    start = state_of(sessions[0], held("sivb", {"SIVB": (100, price["SIVB"]), "KEY": (-1000, price["KEY"])}, sessions[0]))
    start = replace(start, memories=(Memory("sivb", 1, 3, armed=True),))
    done = walk(inputs_of(config, [ticket], sessions[1], sessions[-1], bars, start))
    by_day = {day.session: day for day in done.days}
    last_print = date(2023, 3, 9)
    for day in sessions[2:6]:
        position = by_day[day].state.positions[0]
        assert (position.leg_a.shares, position.leg_a.priced_on) == (100, last_print)
        assert position.leg_a.price == 1_060_400
        assert by_day[day].release.released
    closed = by_day[sessions[6]]
    assert closed.state.positions == ()
    clip = next(clip for clip in closed.clips if clip.limit_name == "delisted")
    assert (clip.symbol, clip.value_in, clip.value_out) == ("SIVB", pytest.approx(10_604.0), 0.0)


def test_a_silent_leg_of_a_ticket_in_force_is_an_error_of_the_bars() -> None:
    day = DAYS[5]
    bars = sample_bars().filter(
        pl.col("as_of_date").is_between(DAYS[0], day) & ~((pl.col("symbol") == "JPM") & (pl.col("as_of_date") == day))
    )
    found = check_bars(bars, calendar(), CONFIG.universe.watched, day, day, {day: {"JPM", "BAC"}}, CONFIG.desk.quality)
    assert found.select("symbol", "check_name", "severity").rows() == [("JPM", "missing_session", "ERROR")]


def test_a_flat_ticket_whose_file_is_bad_for_a_day_still_waits_to_be_rearmed() -> None:
    waiting = replace(state_of(BEFORE), memories=(Memory("one", 0, 0, armed=False), Memory("two", 0, 0, armed=False)))
    broken = today(TWO, state=waiting, signals={"JPM__BAC": signal(-2.0), "GS__MS": signal(2.0)}, unreadable=("one.yaml: bad",))
    assert [(memory.ticket_id, memory.armed) for memory in broken.state.memories] == [("one", False), ("two", False)]
    mended = today(
        ONE, TWO, state=replace(broken.state, session=BEFORE), signals={"JPM__BAC": signal(-2.0), "GS__MS": signal(2.0)}
    )
    assert reason(mended, "one") == "NOT_REARMED"


def test_a_ticket_that_is_gone_for_good_is_forgotten() -> None:
    waiting = replace(state_of(BEFORE), memories=(Memory("one", 0, 0, armed=False),))
    assert [memory.ticket_id for memory in today(TWO, state=waiting).state.memories] == ["two"]


@pytest.mark.parametrize("daily_vol", [0.15, 0.002], ids=["a book to be halved", "a book to be enlarged"])
def test_what_is_held_without_features_is_not_scaled_again_every_session(daily_vol: float) -> None:
    covariance = flat_covariance(CONFIG.universe.tradable, daily_vol=daily_vol, correlation=0.0)
    prints = dict.fromkeys(DAYS, marks(**PRICES))
    state = state_of(BEFORE, HELD_ONE)
    day = day_of(TODAY, [ONE, TWO], {"GS__MS": signal(2.0)}, prints, covariance=covariance)
    found = {item.ticket_id: item for item in run_day(day, state, CONFIG).items}
    assert found["one"].proposal.reason == "HOLD_NO_FEATURES"
    assert (found["one"].vol_scale, found["one"].capped) == (1.0, (50_000.0, -50_000.0))
    assert found["two"].vol_scale == pytest.approx(0.5 if daily_vol == 0.15 else 1.5), "what has features is scaled"
