from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.common.settings import Config
from riskdesk_assets.limits.catalogue import book_limits
from riskdesk_assets.limits.fact_limits import NO_FACTS, SessionFacts, fact_limits
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_assets.limits.mandate_limits import mandate_limits
from riskdesk_tests.desk_builder import changed, desk_config, flat_covariance

DOLLAR = 10_000
FACTS = SessionFacts(
    exposures={"market": {"BAC": 1.2, "JPM": 0.9, "SPY": 1.0}, "size": {"BAC": -0.5, "JPM": 0.0}, "specific": {"JPM": 0.02}},
    fragility_classes={"BAC": "SOFT", "C": "WATCH", "JPM": "NONE", "KEY": "FRAGILE", "SPY": "FRAGILE"},
    scenario_returns={"fall": {"BAC": -0.2, "JPM": -0.2}, "squeeze": {"KEY": -0.3}},
)


def desk(**limits: object) -> Config:
    """The desk with limits of facts of its own, nav 2,500,000."""
    written = {
        "factor": {"max": 0.3, "overrides": {"market": 0.08}},
        "fragility": {"max": 0.4},
        "scenario_loss": {"max": 0.05, "overrides": {"squeeze": 0.02}},
    }
    config = desk_config()
    for family, value in {**written, **limits}.items():
        config = changed(config, f"limits.{family}", value)
    return config


def own(config: Config, **fields: object) -> Config:
    """The desk with limits of its own portfolio."""
    for field, value in fields.items():
        config = changed(config, f"portfolios.bank_pairs.{field}", value)
    return config


def by_name(limits: tuple[Limit, ...]) -> dict[str, Limit]:
    found = {limit.name: limit for limit in limits}
    assert len(found) == len(limits)
    return found


def test_there_is_one_limit_per_factor_and_scenario_and_one_on_the_soft_names() -> None:
    limits = fact_limits(desk(), FACTS)
    assert [(limit.name, limit.bound / DOLLAR, limit.source) for limit in limits] == [
        ("factor:market", 200_000, "limits.factor.overrides.market"),
        ("factor:size", 750_000, "limits.factor.max"),
        ("fragility", 1_000_000, "limits.fragility.max"),
        ("scenario_loss:fall", 125_000, "limits.scenario_loss.max"),
        ("scenario_loss:squeeze", 50_000, "limits.scenario_loss.overrides.squeeze"),
    ]
    assert {limit.family for limit in limits} == {Family.FACTOR, Family.FRAGILITY, Family.SCENARIO_LOSS}


def test_they_are_about_tradable_names_that_move_the_quantity() -> None:
    limits = by_name(fact_limits(desk(), FACTS))
    assert (limits["factor:market"].members, limits["factor:market"].coefficients) == (("BAC", "JPM"), ((1_200_000, 900_000),))
    assert limits["factor:size"].members == ("BAC",)
    assert limits["fragility"].members == tuple(sorted(set(desk().universe.tradable) - {"C", "JPM"}))
    assert limits["scenario_loss:fall"].coefficients == ((-200_000, -200_000),)


def test_they_measure_a_book_as_a_person_would() -> None:
    limits = by_name(fact_limits(desk(), FACTS))
    # GS is of no known class, and therefore soft; C is watched, and is not.
    book = [
        Leg("V", "GS", 1_000.0),
        Leg("V", "C", -1_000.0),
        Leg("T", "BAC", 100_000.0),
        Leg("T", "JPM", -80_000.0),
        Leg("U", "KEY", 10_000.0),
        Leg("U", "JPM", -10_000.0),
    ]
    # 1.2 x 100,000 - 0.9 x 90,000; -0.5 x 100,000; 100,000 + 10,000 + 1,000; -(-0.2) x 10,000; 0.3 x 10,000
    expected = {"factor:market": 39_000, "factor:size": 50_000, "fragility": 111_000}
    expected |= {"scenario_loss:fall": 2_000, "scenario_loss:squeeze": 3_000}
    assert {name: limit.measured(book) for name, limit in limits.items()} == pytest.approx(expected)


def test_a_session_that_knows_nothing_has_no_limits_on_facts() -> None:
    config = own(desk(), factor_limits={"market": 0.1}, fragility_exposure_limit=0.1)
    assert fact_limits(config, NO_FACTS) == ()


def test_a_session_without_soft_names_still_shows_the_limit_on_them() -> None:
    (limit,) = fact_limits(desk(), SessionFacts(fragility_classes=dict.fromkeys(desk().universe.tradable, "NONE")))
    assert (limit.name, limit.members, limit.measured([Leg("T", "JPM", 5)])) == ("fragility", (), 0)


def test_a_name_without_a_class_is_soft_where_others_have_one_and_a_mandate_says_the_same() -> None:
    config = own(desk(), fragility_exposure_limit=0.1)
    names = config.universe.tradable
    all_but_one = SessionFacts(fragility_classes={name: "NONE" for name in names if name != "KEY"})
    assert by_name(fact_limits(config, all_but_one))["own_fragility"].members == ("KEY",)
    covariance = flat_covariance(names)
    mandate = changed(config.portfolios["bank_long_only"], "fragility_exposure_limit", 0.1)
    limits = by_name(mandate_limits(config, mandate, all_but_one, adv={}, covariance=covariance, has_book=False))
    assert limits["fragility"].members == ("KEY",)


def test_factors_that_nothing_moves_stay_two_limits() -> None:
    facts = SessionFacts(exposures={"market": {"JPM": 0.0}, "size": {"JPM": 1e-9}})
    assert [limit.name for limit in fact_limits(desk(), facts)] == ["factor:market", "factor:size"]


def test_two_scenarios_on_the_same_names_are_two_quantities() -> None:
    facts = SessionFacts(scenario_returns={"a": {"JPM": -0.1}, "b": {"JPM": -0.2}})
    assert [limit.name for limit in fact_limits(desk(), facts)] == ["scenario_loss:a", "scenario_loss:b"]


def test_a_family_left_out_has_no_limits() -> None:
    assert fact_limits(desk(factor=None, fragility=None, scenario_loss=None), FACTS) == ()
    for profile in ("seed", "classic"):
        assert fact_limits(desk_config(profile), FACTS) == ()


def test_the_own_portfolio_bounds_as_well_and_the_tighter_stays() -> None:
    config = own(desk(), factor_limits={"market": 0.05, "size": 0.9, "unknown": 0.1}, fragility_exposure_limit=0.2)
    limits = by_name(fact_limits(config, FACTS))
    assert limits["own_factor:market"].bound == 125_000 * DOLLAR
    assert limits["own_factor:market"].source == "portfolios.bank_pairs.factor_limits.market"
    assert limits["own_fragility"].source == "portfolios.bank_pairs.fragility_exposure_limit"
    assert {"factor:size", "scenario_loss:fall"} < set(limits)
    assert not {"factor:market", "own_factor:size", "own_factor:unknown", "fragility"} & set(limits)


def test_which_classes_are_soft_is_the_portfolios_to_say() -> None:
    config = own(desk(), soft_classes=("WATCH", "FRAGILE"))
    members = by_name(fact_limits(config, FACTS))["fragility"].members
    assert members == tuple(sorted(set(config.universe.tradable) - {"BAC", "JPM"}))


def test_a_gate_limit_stays_beside_a_tighter_one_that_is_built_toward() -> None:
    config = own(desk(fragility={"max": 0.4, "mode": "gate"}), fragility_exposure_limit=0.2)
    limits = by_name(fact_limits(config, FACTS))
    assert (limits["fragility"].mode, limits["own_fragility"].mode) == ("gate", "construct")


def test_the_own_portfolio_adds_to_the_limits_of_the_book() -> None:
    config = own(
        desk(),
        leverage_limit=0.9,
        gross_exposure_limit=0.8,
        net_exposure_limit=0.05,
        per_instrument_max_weight=0.1,
        sector_limits={"Financials": 0.7, "Energy": 0.1},
        country_limits={"US": 0.6},
        currency_limits={"USD": 0.04},
        group_limits={"regional": 0.3, "no_such_group": 0.1},
        turnover_limit=0.4,
    )
    limits = by_name(book_limits(config))
    expected = {
        "own_portfolio_gross": (2_000_000, "gross_exposure_limit", Measure.GROSS),
        "own_portfolio_net": (125_000, "net_exposure_limit", Measure.NET),
        "own_symbol_net:JPM": (250_000, "per_instrument_max_weight", Measure.NET),
        "own_sector:Financials": (1_750_000, "sector_limits.Financials", Measure.GROSS),
        "own_country:US": (1_500_000, "country_limits.US", Measure.GROSS),
        "own_currency:USD": (100_000, "currency_limits.USD", Measure.NET),
        "own_group:regional": (750_000, "group_limits.regional", Measure.GROSS),
        "own_turnover": (1_000_000, "turnover_limit", Measure.ADDITIONS),
    }
    for name, (dollars, source, measure) in expected.items():
        found = limits[name]
        assert (found.bound / DOLLAR, found.source, found.measure) == (dollars, f"portfolios.bank_pairs.{source}", measure)
    replaced = {"portfolio_gross", "portfolio_net", "symbol_net:JPM", "sector:Financials", "group:regional", "turnover"}
    assert not replaced & set(limits)
    assert {"group:trust", "name_gross:JPM"} <= set(limits)
    assert not [name for name in limits if "Energy" in name or "no_such_group" in name]


def test_an_own_limit_looser_than_the_desks_changes_nothing() -> None:
    assert book_limits(own(desk(), gross_exposure_limit=1.5, turnover_limit=0.61)) == book_limits(desk())


values = st.dictionaries(
    st.sampled_from(["SPY", "JPM", "BAC", "KEY", "C"]), st.sampled_from([0.0, 1e-7, -4.9e-7]) | st.floats(-5, 5), max_size=5
)


@given(values, values)
def test_coefficients_are_whole_in_order_of_name_whatever_order_the_facts_came_in(
    exposures: dict[str, float], returns: dict[str, float]
) -> None:
    config = desk()
    limits = by_name(fact_limits(config, SessionFacts({"market": exposures}, {}, {"fall": returns})))
    for name, facts in (("factor:market", exposures), ("scenario_loss:fall", returns)):
        whole = {symbol: round(facts[symbol] * 1_000_000) for symbol in config.universe.tradable if symbol in facts}
        moving = {symbol: number for symbol, number in whole.items() if number}
        assert limits[name].members == tuple(moving)
        assert limits[name].coefficients == (tuple(moving.values()),)
