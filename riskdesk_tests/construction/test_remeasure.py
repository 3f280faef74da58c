"""The second measurement finds what the first was made to say: tampered rows in every table a check reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache

import polars as pl
import pytest

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.remeasure import CHECKS, FAMILIES, Written, remeasure
from riskdesk_assets.construction.walk import walk
from riskdesk_assets.limits.limit import Family
from riskdesk_tests.desk_builder import changed, desk_config, inputs_of, sessions_from, shipped_tickets

DAYS = sessions_from(date(2026, 3, 2), 4)
CONFIG = desk_config()
CALM = {"atr": 0.1, "vol_20": 0.2, "vol_baseline": 0.2, "vol_percentile": 0.5, "tape_regime": "RANGING"}
WRITTEN = (
    "gate_decisions",
    "desk_positions",
    "guard_decisions",
    "portfolio_blotter",
    "ideal_portfolio",
    "limit_audit",
    "desk_state",
)


@cache
def facts() -> dict[str, pl.DataFrame]:
    """Made-up exposures, classes and scenarios of every name, another number for each."""
    keyed = [(day, symbol, place) for day in DAYS for place, symbol in enumerate(CONFIG.universe.tradable)]
    exposures = [
        {"as_of_date": day, "instrument_id": symbol, "factor_id": factor, "exposure": exposure, "model_id": "test"}
        for day, symbol, place in keyed
        for factor, exposure in (("market", 0.7 + place / 37), ("size", 1.3 - place / 9), ("specific", 0.01))
    ]
    classes = [
        {"as_of_date": day, "symbol": symbol, "fragility_class": ("SOFT", "FRAGILE", "NONE", "WATCH")[place % 4], **CALM}
        for day, symbol, place in keyed
    ]
    shocks = [
        {"as_of_date": day, "scenario_id": scenario, "symbol": symbol, "shocked_return": size}
        for day, symbol, place in keyed
        for scenario, size in (("fall", -0.2 - place / 7_000), ("rise", 0.2 + place / 7_000), ("moved", None))
    ]
    rows: dict[str, Sequence[Mapping[str, object]]]
    rows = {"instrument_factors_daily": exposures, "instrument_state": classes, "scenarios": shocks}
    return {name: TABLES[name].frame(_whole(name, found)) for name, found in rows.items()}


def _whole(table: str, rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    return [{column: row.get(column) for column in TABLES[table].schema} for row in rows]


@cache
def sound() -> Written:
    inputs = inputs_of(CONFIG, shipped_tickets(), DAYS[0], DAYS[-1], tables=facts())
    done = walk(inputs)
    assert all(day.release.released for day in done.days)
    budgets = inputs.strategy_budgets
    return Written(**{name: done.frames[name] for name in WRITTEN}, **facts(), strategy_budgets=budgets)


def failed(written: Written) -> dict[tuple[date, str], str]:
    found = remeasure(written, CONFIG, DAYS)
    return {(item.session, item.check): item.message for item in found if not item.passed}


def tampered(table: str, column: str, change: int, where: pl.Expr) -> Written:
    """One row of a table with a number changed by ``change``."""
    frame: pl.DataFrame = getattr(sound(), table)
    row = frame.with_row_index("at").filter(where)["at"][0]
    changed = frame.with_columns(
        pl.when(pl.int_range(pl.len()) == row).then(pl.col(column) + change).otherwise(pl.col(column)).alias(column)
    )
    return replace(sound(), **{table: changed})


def test_what_the_walk_wrote_passes_every_check_on_every_session() -> None:
    found = list(remeasure(sound(), CONFIG, DAYS))
    assert {(item.session, item.check) for item in found} == {(day, check) for day in DAYS for check in CHECKS}
    assert all(item.passed for item in found)
    # and something was measured: every family that is set says a number
    said = {item.check for item in found if item.measured}
    assert {
        "ticket_gross",
        "leg_notional",
        "name_gross",
        "bucket",
        "portfolio_gross",
        "portfolio_net",
        "factor",
        "fragility",
        "scenario_loss",
        "turnover",
        "position_count",
    } <= said


def test_every_family_of_limits_has_its_check() -> None:
    of_mandates_alone = {Family.VOLATILITY.value, Family.LIQUIDITY.value}
    assert {family.value for family in Family} - of_mandates_alone == {*FAMILIES, "net_zero"}


@pytest.mark.parametrize("day", DAYS)
def test_one_share_more_in_desk_positions_is_found_on_its_session(day: date) -> None:
    written = tampered("desk_positions", "shares", 1, (pl.col("as_of_date") == day) & (pl.col("leg") == "A"))
    found = failed(written)
    assert {session for session, _ in found} == {day}
    assert {"leg_notional", "ticket_gross", "name_gross", "portfolio_net"} <= {check for _, check in found}


def test_one_cent_more_in_the_ideal_portfolio_breaks_net_zero() -> None:
    written = tampered("ideal_portfolio", "notional_cents", 1, (pl.col("as_of_date") == DAYS[2]) & ~pl.col("is_cash"))
    found = failed(written)
    assert set(found) == {(DAYS[2], "net_zero")}
    assert found[(DAYS[2], "net_zero")].startswith("notionals and CASH sum to 1 cents")


def test_two_cents_that_cancel_are_found_too() -> None:
    frame = sound().ideal_portfolio
    at = frame.with_row_index("at").filter((pl.col("as_of_date") == DAYS[1]) & ~pl.col("is_cash"))["at"].to_list()[:2]
    shift = pl.when(pl.int_range(pl.len()) == at[0]).then(1).when(pl.int_range(pl.len()) == at[1]).then(-1).otherwise(0)
    written = replace(sound(), ideal_portfolio=frame.with_columns(notional_cents=pl.col("notional_cents") + shift))
    assert set(failed(written)) == {(DAYS[1], "net_zero")}


def test_a_missing_book_of_a_released_session_breaks_net_zero() -> None:
    written = replace(sound(), ideal_portfolio=sound().ideal_portfolio.filter(pl.col("as_of_date") != DAYS[1]))
    assert set(failed(written)) == {(DAYS[1], "net_zero")}


def test_a_released_session_whose_audit_is_missing_fails_every_family() -> None:
    written = replace(sound(), limit_audit=sound().limit_audit.filter(pl.col("as_of_date") != DAYS[1]))
    found = failed(written)
    assert set(found) == {(DAYS[1], family) for family in FAMILIES}
    assert set(found.values()) == {"the session was released, but no limit of it was recorded"}


def test_a_session_without_a_book_is_not_said_to_have_no_limits() -> None:
    states = sound().desk_state.with_columns(released=pl.col("as_of_date") != DAYS[1])
    audit = sound().limit_audit.filter(pl.col("as_of_date") != DAYS[1])
    found = remeasure(replace(sound(), desk_state=states, limit_audit=audit), CONFIG, DAYS)
    said = {item.message for item in found if item.session == DAYS[1] and item.check in FAMILIES}
    assert said == {"nothing was released"}


@pytest.mark.parametrize(
    "family",
    [
        "leg_notional",
        "name_gross",
        "bucket",
        "portfolio_gross",
        "portfolio_net",
        "group",
        "turnover",
        "factor",
        "fragility",
        "scenario_loss",
    ],
)
def test_an_audit_row_that_lies_by_one_tick_is_found_in_its_family(family: str) -> None:
    where = (pl.col("as_of_date") == DAYS[1]) & (pl.col("family") == family) & (pl.col("measured") > 0)
    written = tampered("limit_audit", "measured", -1, where)
    found = failed(written)
    assert set(found) == {(DAYS[1], family)}
    assert "the audit recorded" in found[(DAYS[1], family)]


def biggest() -> str:
    """The name with the largest net notional of a session."""
    nets = sound().desk_positions.filter(pl.col("as_of_date") == DAYS[1]).group_by("symbol").agg(pl.col("notional_cents").sum())
    return str(nets.sort(pl.col("notional_cents").abs(), "symbol")["symbol"][-1])


def test_an_exposure_that_is_not_the_one_the_book_was_built_with_is_found() -> None:
    where = (pl.col("as_of_date") == DAYS[1]) & (pl.col("instrument_id") == biggest()) & (pl.col("factor_id") == "market")
    assert set(failed(tampered("instrument_factors_daily", "exposure", 1, where))) == {(DAYS[1], "factor")}


def test_a_shock_that_is_not_the_one_the_book_was_built_with_is_found() -> None:
    where = (pl.col("as_of_date") == DAYS[1]) & (pl.col("symbol") == biggest()) & (pl.col("scenario_id") == "fall")
    assert set(failed(tampered("scenarios", "shocked_return", 1, where))) == {(DAYS[1], "scenario_loss")}


def test_a_name_that_turned_soft_after_the_book_was_built_is_found() -> None:
    row = (pl.col("as_of_date") == DAYS[1]) & (pl.col("symbol") == biggest())
    soft = pl.col("fragility_class").is_in(["SOFT", "FRAGILE"])
    turned = pl.when(soft).then(pl.lit("NONE")).otherwise(pl.lit("SOFT"))
    states = facts()["instrument_state"].with_columns(
        fragility_class=pl.when(row).then(turned).otherwise(pl.col("fragility_class"))
    )
    assert set(failed(replace(sound(), instrument_state=states))) == {(DAYS[1], "fragility")}


def test_a_ticket_that_changed_its_bucket_after_the_book_was_built_is_found() -> None:
    held = sound().desk_positions.filter(pl.col("as_of_date") == DAYS[1])["ticket_id"]
    moved = (pl.col("as_of_date") == DAYS[1]) & (pl.col("ticket_id") == held[0])
    budgets = sound().strategy_budgets
    was = budgets.filter(moved)["bucket"][0]
    other = "Spread" if was != "Spread" else "RV"
    changed_one = budgets.with_columns(bucket=pl.when(moved).then(pl.lit(other)).otherwise("bucket"))
    assert set(failed(replace(sound(), strategy_budgets=changed_one))) == {(DAYS[1], "bucket")}


def test_a_book_of_billions_is_measured_without_an_overflow() -> None:
    larger = sound().desk_positions.with_columns(shares=pl.col("shares") * 1_000_000)
    found = failed(replace(sound(), desk_positions=larger))
    market = sound().limit_audit.filter((pl.col("as_of_date") == DAYS[1]) & (pl.col("limit_name") == "factor:market"))
    assert {(DAYS[1], "factor"), (DAYS[1], "scenario_loss"), (DAYS[1], "fragility")} <= set(found)
    assert market["measured"][0] > 0


def test_what_the_own_portfolio_bounds_is_measured_by_its_own_names() -> None:
    config = CONFIG
    for field, value in (("factor_limits", {"size": 0.2}), ("fragility_exposure_limit", 0.3), ("gross_exposure_limit", 0.7)):
        config = changed(config, f"portfolios.bank_pairs.{field}", value)
    config = changed(config, "portfolios.bank_pairs.group_limits", {"regional": 0.2, "no_such_group": 0.1})
    done = walk(inputs_of(config, shipped_tickets(), DAYS[0], DAYS[-1], tables=facts()))
    written = replace(sound(), **{name: done.frames[name] for name in WRITTEN})
    assert [item for item in remeasure(written, config, DAYS) if not item.passed] == []
    own = set(written.limit_audit.filter(pl.col("limit_name").str.starts_with("own_"))["limit_name"])
    assert own == {"own_factor:size", "own_fragility", "own_portfolio_gross", "own_group:regional"}


FACTS = {"factor": "exposure", "fragility": "class", "scenario_loss": "loss in a scenario"}


def test_a_limit_on_facts_that_a_session_does_not_know_is_said_to_be_unmeasured() -> None:
    nothing = {name: TABLES[name].frame([]) for name in ("instrument_factors_daily", "scenarios")}
    nothing["instrument_state"] = facts()["instrument_state"].with_columns(fragility_class=pl.lit(None, pl.String))
    done = walk(inputs_of(CONFIG, shipped_tickets(), DAYS[0], DAYS[-1], tables=nothing))
    assert all(day.release.released for day in done.days)
    written = replace(sound(), **{name: done.frames[name] for name in WRITTEN}, **nothing)
    found = [item for item in remeasure(written, CONFIG, DAYS) if item.check in FACTS]
    assert len(found) == len(FACTS) * len(DAYS)
    for item in found:
        assert (item.passed, item.hard) == (False, False)
        said = f"{item.check}: set in limits.yaml, but nothing is known of any name's {FACTS[item.check]} on this session"
        assert item.message == f"{said}: not measured"
    assert set(failed(written)) == {(day, family) for day in DAYS for family in FACTS}
    config = CONFIG
    for family in FACTS:
        config = changed(config, f"limits.{family}", None)
    unset = [item for item in remeasure(written, config, DAYS) if item.check in FACTS]
    assert {(item.passed, item.message) for item in unset} == {(True, "no limit of this family is set")}
    config = changed(config, "portfolios.bank_pairs.fragility_exposure_limit", 0.3)
    (own,) = {item.message for item in remeasure(written, config, DAYS) if not item.passed}
    assert own.startswith("fragility: set in portfolio bank_pairs, but nothing is known")


def test_names_without_a_class_are_measured_as_soft() -> None:
    some = facts()["instrument_state"].with_columns(
        fragility_class=pl.when(pl.col("symbol") == "AXP").then(pl.lit("NONE")).otherwise(pl.lit(None, pl.String))
    )
    tables = {**facts(), "instrument_state": some}
    done = walk(inputs_of(CONFIG, shipped_tickets(), DAYS[0], DAYS[-1], tables=tables))
    written = replace(sound(), **{name: done.frames[name] for name in WRITTEN}, instrument_state=some)
    assert failed(written) == {}
    measured = written.limit_audit.filter(pl.col("limit_name") == "fragility")["measured"]
    assert measured.min() > 0


def test_a_bound_below_what_is_held_fails_its_family_by_name_with_numbers() -> None:
    where = (pl.col("as_of_date") == DAYS[3]) & (pl.col("limit_name") == "portfolio_gross")
    bound = sound().limit_audit.filter(where)["bound"][0]
    measured = sound().limit_audit.filter(where)["measured"][0]
    found = failed(tampered("limit_audit", "bound", measured - 1 - bound, where))
    assert set(found) == {(DAYS[3], "portfolio_gross")}
    assert found[(DAYS[3], "portfolio_gross")].startswith(f"portfolio_gross: ${measured / 10_000:,.2f} breaches")


def test_a_session_without_a_state_fails_its_release_check() -> None:
    written = replace(sound(), desk_state=sound().desk_state.filter(pl.col("as_of_date") != DAYS[0]))
    assert set(failed(written)) == {(DAYS[0], "release")}
