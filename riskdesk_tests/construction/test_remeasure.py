"""The second measurement finds what the first was made to say: tampered rows in every table a check reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import polars as pl
import pytest

from riskdesk_assets.construction.remeasure import CHECKS, FAMILIES, Written, remeasure
from riskdesk_assets.construction.walk import walk
from riskdesk_assets.limits.limit import Family
from riskdesk_tests.desk_builder import desk_config, inputs_of, sessions_from, shipped_tickets

DAYS = sessions_from(date(2026, 3, 2), 4)
CONFIG = desk_config()
TABLES = ("desk_positions", "portfolio_blotter", "ideal_portfolio", "limit_audit", "desk_state")


@cache
def sound() -> Written:
    done = walk(inputs_of(CONFIG, shipped_tickets(), DAYS[0], DAYS[-1]))
    assert all(day.release.released for day in done.days)
    return Written(**{name: done.frames[name] for name in TABLES})


def failed(written: Written) -> dict[tuple[date, str], str]:
    found = remeasure(written, CONFIG.universe, DAYS)
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
    found = list(remeasure(sound(), CONFIG.universe, DAYS))
    assert {(item.session, item.check) for item in found} == {(day, check) for day in DAYS for check in CHECKS}
    assert all(item.passed for item in found)
    # and something was measured: every family that is set says a number
    said = {item.check for item in found if item.measured}
    assert {
        "ticket_gross",
        "leg_notional",
        "name_gross",
        "portfolio_gross",
        "portfolio_net",
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
    found = remeasure(replace(sound(), desk_state=states, limit_audit=audit), CONFIG.universe, DAYS)
    said = {item.message for item in found if item.session == DAYS[1] and item.check in FAMILIES}
    assert said == {"nothing was released"}


@pytest.mark.parametrize("family", ["leg_notional", "name_gross", "portfolio_gross", "portfolio_net", "group", "turnover"])
def test_an_audit_row_that_lies_by_one_tick_is_found_in_its_family(family: str) -> None:
    where = (pl.col("as_of_date") == DAYS[1]) & (pl.col("family") == family) & (pl.col("measured") > 0)
    written = tampered("limit_audit", "measured", -1, where)
    found = failed(written)
    assert set(found) == {(DAYS[1], family)}
    assert "the audit recorded" in found[(DAYS[1], family)]


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
