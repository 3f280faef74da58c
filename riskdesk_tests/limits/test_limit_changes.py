from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.approvals import Approval, ApprovedChange
from riskdesk_assets.common.settings import Config
from riskdesk_assets.limits.changes import LimitChange, limit_changes, required_approval, session_changes
from riskdesk_assets.limits.register import engine_configs
from riskdesk_tests.desk_builder import changed, desk_config

BEFORE, TODAY = date(2026, 3, 2), date(2026, 3, 3)


def found(was: Config, now: Config) -> dict[str, LimitChange]:
    changes = limit_changes(engine_configs(was, [BEFORE]), engine_configs(now, [TODAY]))
    return {change.limit: change for change in changes}


def test_an_unchanged_configuration_changes_no_limit() -> None:
    assert found(desk_config(), desk_config()) == {}


def test_without_a_session_before_nothing_changed() -> None:
    nothing = engine_configs(desk_config(), [])
    assert limit_changes(nothing, engine_configs(desk_config(), [TODAY])) == ()


@pytest.mark.parametrize(("value", "kind", "dollars"), [(0.30, "LOOSENED", 750_000.0), (0.10, "TIGHTENED", 250_000.0)])
def test_a_larger_bound_loosens_and_a_smaller_one_tightens_in_dollars_of_nav(value: float, kind: str, dollars: float) -> None:
    was = changed(desk_config(), "limits.name_gross.max", 0.24)
    change = found(was, changed(was, "limits.name_gross.max", value))["name_gross"]
    assert change.kind == kind
    assert change.before is not None
    assert change.after is not None
    assert (change.before.value, change.after.value, change.after.unit) == (600_000.0, dollars, "dollars")
    assert change.source == "limits.name_gross.max"
    assert change.before.config_hash != change.after.config_hash


def test_a_family_left_out_is_removed_and_an_override_of_a_name_is_added() -> None:
    was = desk_config()
    now = changed(changed(was, "limits.turnover", None), "limits.name_gross.overrides", {"BRK.B": 0.1})
    kinds = {name: change.kind for name, change in found(was, now).items()}
    assert kinds == {"turnover": "REMOVED", "name_gross:BRK.B": "ADDED"}


def test_a_count_stays_a_count() -> None:
    change = found(desk_config(), changed(desk_config(), "limits.position_count.max", 6.0))["position_count"]
    assert change.after is not None
    assert (change.kind, change.after.value, change.after.unit) == ("TIGHTENED", 6.0, "count")


def test_another_nav_is_one_row_and_not_one_for_every_limit_in_units_of_it() -> None:
    changes = found(desk_config(), changed(desk_config(), "desk.nav", 3_000_000.0))
    assert {name: change.kind for name, change in changes.items()} == {"nav": "LOOSENED"}


def test_the_same_dollars_written_in_another_unit_are_no_change() -> None:
    was = changed(desk_config(), "limits.group.max", 0.4)
    now = changed(was, "limits.group", {"max": 1_000_000.0, "unit": "dollars"})
    assert found(was, now) == {}


def test_dollars_in_place_of_a_share_of_nav_are_a_change_even_where_the_number_is_the_same() -> None:
    was = changed(desk_config(), "limits.group.max", 0.4)
    change = found(was, changed(was, "limits.group", {"max": 0.4, "unit": "dollars"}))["group"]
    assert change.kind == "TIGHTENED"


def test_the_outer_mandate_of_the_environment_is_watched_too() -> None:
    changes = found(desk_config(), desk_config(environ={"PORTFOLIO_MAX_GROSS_NOTIONAL": "6000000"}))
    assert {name: change.kind for name, change in changes.items()} == {"mandate_gross": "LOOSENED"}


def test_limits_of_a_research_mandate_are_named_after_it() -> None:
    was = desk_config()
    now = changed(was, "portfolios.bank_long_only.per_instrument_max_weight", 0.2)
    now = changed(now, "portfolios.bank_long_only.group_limits", {"regional": 0.2})
    now = changed(now, "portfolios.bank_market_neutral.scenario_shortfall", {"max": 0.06, "level": 0.5})
    now = changed(now, "portfolios.bank_market_neutral.softening", {"turnover": 1, "liquidity": 2, "fragility": 3, "factor": 4})
    kinds = {name: change.kind for name, change in found(was, now).items()}
    assert kinds == {
        "bank_long_only.per_instrument_max_weight": "LOOSENED",
        "bank_long_only.group_limits.money_center": "REMOVED",
        "bank_long_only.group_limits.regional": "TIGHTENED",
        "bank_market_neutral.scenario_shortfall.level": "LOOSENED",
        "bank_market_neutral.softening.scenario_loss": "TIGHTENED",
        "bank_market_neutral.softening.factor": "LOOSENED",
    }


def test_a_mandate_that_is_gone_takes_its_limits_with_it() -> None:
    was = desk_config()
    now = was.model_copy(update={"portfolios": {k: v for k, v in was.portfolios.items() if k != "bank_long_only"}})
    assert found(was, now) == {}


def test_a_limit_of_the_desks_own_portfolio_is_in_dollars_of_the_desks_nav() -> None:
    change = found(desk_config(), changed(desk_config(), "portfolios.bank_pairs.leverage_limit", 0.9))[
        "bank_pairs.leverage_limit"
    ]
    assert change.after is not None
    assert (change.kind, change.after.value) == ("ADDED", 2_250_000.0)


def approved(**fields: object) -> ApprovedChange:
    base: dict[str, object] = {
        "limit": "name_gross",
        "from": 0.24,
        "to": 0.3,
        "author": "Ann",
        "approved_by": "Bob",
        "reason": "why",
    }
    return ApprovedChange.model_validate({**base, **fields})


def test_a_row_names_who_made_and_who_approved_exactly_this_change() -> None:
    was = changed(desk_config(), "limits.name_gross.max", 0.24)
    now = changed(was, "limits.name_gross.max", 0.3)
    entries = (approved(author="Eve", to=0.31), approved(), approved(author="Eve", limit="group"))
    named = now.model_copy(update={"limits": now.limits.model_copy(update={"approval": Approval(changes=entries)})})
    (row,) = session_changes(named, engine_configs(was, [BEFORE]), engine_configs(named, [TODAY]), BEFORE).to_dicts()
    assert (row["as_of_date"], row["limit_name"], row["change"]) == (TODAY, "name_gross", "LOOSENED")
    assert (row["from_bound"], row["to_bound"], row["unit"]) == (600_000.0, 750_000.0, "dollars")
    assert (row["author"], row["approved_by"], row["reason"]) == ("Ann", "Bob", "why")


def test_only_the_first_session_of_a_range_can_differ_from_the_one_before() -> None:
    now = changed(desk_config(), "limits.name_gross.max", 0.3)
    configs = engine_configs(now, [TODAY, date(2026, 3, 4)])
    rows = session_changes(now, engine_configs(desk_config(), [BEFORE]), configs, BEFORE)
    assert rows["as_of_date"].to_list() == [TODAY]


def test_an_older_session_than_the_one_before_is_not_what_today_is_compared_with() -> None:
    now = changed(desk_config(), "limits.name_gross.max", 0.3)
    older = engine_configs(desk_config(), [date(2026, 2, 2)])
    assert session_changes(now, older, engine_configs(now, [TODAY]), BEFORE).is_empty()


def test_dropping_four_eyes_is_itself_a_loosening_under_the_stricter_of_both_rules() -> None:
    strict = changed(desk_config(), "limits.approval", {"required": "all", "changes": []})
    earlier = engine_configs(strict, [BEFORE])
    assert found(strict, desk_config())["approval.required"].kind == "LOOSENED"
    assert required_approval(desk_config().limits.approval, earlier).required == "all"
    assert required_approval(strict.limits.approval, engine_configs(desk_config(), [BEFORE])).required == "all"
    assert required_approval(desk_config().limits.approval, earlier.filter(pl.lit(value=False))).required == "none"


@settings(max_examples=25)
@given(st.floats(0, 5, allow_nan=False), st.floats(0, 5, allow_nan=False))
def test_going_back_undoes_the_change(first: float, second: float) -> None:
    was, now = (changed(desk_config(), "limits.group.max", value) for value in (first, second))
    there, back = found(was, now), found(now, was)
    assert there.keys() == back.keys()
    opposite = {"LOOSENED": "TIGHTENED", "TIGHTENED": "LOOSENED"}
    assert all(back[name].kind == opposite[change.kind] for name, change in there.items())
    assert ("group" in there) == (first * 2_500_000 != second * 2_500_000)
