from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.limits.fact_limits import NO_FACTS, SessionFacts
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_assets.limits.mandate_limits import mandate_limits
from riskdesk_assets.risk_model.covariance import Covariance
from riskdesk_tests.desk_builder import changed, desk_config

CONFIG = desk_config()
NEUTRAL, LONG = CONFIG.portfolios["bank_market_neutral"], CONFIG.portfolios["bank_long_only"]
DOLLAR = 10_000
NAMES = CONFIG.universe.tradable
COVARIANCE = Covariance(("JPM", "BAC"), np.array([[4e-4, 3e-4], [3e-4, 9e-4]]), 0.1, 252)
FACTS = SessionFacts(
    exposures={"market": {"BAC": 1.2, "JPM": 0.9}, "size": {"BAC": -0.5}, "specific": {"JPM": 0.02}},
    fragility_classes={"BAC": "SOFT", "JPM": "NONE"},
    scenario_returns={f"s{number}": {"BAC": -0.1 * number, "JPM": 0.05} for number in range(1, 10)},
)
ADV = dict.fromkeys(NAMES, 40_000_000.0) | {"JPM": 1_234_567.89}


def limits_of(portfolio: PortfolioConfig, facts: SessionFacts = FACTS, *, has_book: bool = True) -> dict[str, Limit]:
    made = mandate_limits(CONFIG, portfolio, facts, adv=ADV, covariance=COVARIANCE, has_book=has_book)
    found = {limit.name: limit for limit in made}
    assert len(found) == len(made)
    return found


def portfolio(**fields: object) -> PortfolioConfig:
    found = NEUTRAL
    for field, value in fields.items():
        found = changed(found, field, value)
    return found


def test_the_shipped_mandates_bounds_are_fractions_of_their_own_nav() -> None:
    neutral = limits_of(NEUTRAL)  # nav 10,000,000
    expected = {
        "turnover": 4_000_000,
        "name:JPM": 1_500_000,
        "gross": 15_000_000,
        "group:regional": 6_000_000,
        "factor:market": 500_000,
        "factor:size": 2_500_000,
        "fragility": 3_000_000,
        "volatility": 60_000,
        "scenario_shortfall": 600_000,
        "liquidity:BAC": 2_000_000,
        "liquidity:JPM": 61_728.3945,
    }
    assert {name: neutral[name].bound / DOLLAR for name in expected} == expected
    # leverage 2.0 bounds what gross 1.5 does; momentum is no factor of this session
    assert not {"leverage", "factor:momentum", "factor:specific"} & set(neutral)
    long = limits_of(LONG)  # nav 25,000,000; leverage and gross are alike, and the first stays
    assert long["leverage"].bound == 25_000_000 * DOLLAR
    assert "gross" not in long
    assert long["country:US"].source == "portfolios.bank_long_only.country_limits.US"


def test_turnover_is_counted_only_from_a_book_there_was() -> None:
    assert "turnover" in limits_of(LONG)
    assert "turnover" not in limits_of(LONG, has_book=False)


def test_what_the_universe_or_the_session_lacks_is_skipped() -> None:
    other = portfolio(sector_limits={"Energy": 0.1}, group_limits={"shipping": 0.1}, country_limits={"JP": 0.5})
    assert not [name for name in limits_of(other) if name.startswith(("sector:", "group:", "country:"))]
    bare = limits_of(NEUTRAL, NO_FACTS)
    assert not [limit for limit in bare.values() if limit.family in (Family.FACTOR, Family.FRAGILITY, Family.SCENARIO_LOSS)]


def test_a_name_nothing_is_known_of_may_not_be_traded() -> None:
    made = mandate_limits(CONFIG, NEUTRAL, FACTS, adv={}, covariance=COVARIANCE, has_book=True)
    assert {limit.bound for limit in made if limit.family is Family.LIQUIDITY} == {0}


def test_net_and_currency_bound_the_net_and_every_kind_has_its_name() -> None:
    made = limits_of(portfolio(net_exposure_limit=0.1, currency_limits={"USD": 0.05}, sector_limits={"Financials": 1.2}))
    book = [Leg("JPM", "JPM", 300), Leg("BAC", "BAC", -200)]
    measured = {name: made[name].measured(book) for name in ("net", "currency:USD", "gross", "sector:Financials", "name:BAC")}
    assert measured == {"net": 100, "currency:USD": 100, "gross": 500, "sector:Financials": 500, "name:BAC": 200}


def test_the_volatility_limit_measures_with_the_covariance() -> None:
    limit = limits_of(NEUTRAL)["volatility"]
    assert (limit.members, limit.coefficients) == (("BAC", "JPM"), ((900_000_000, 300_000_000), (300_000_000, 400_000_000)))
    weights = {"JPM": 1_000_000.0, "BAC": -700_000.0}
    legs = [Leg(symbol, symbol, dollars) for symbol, dollars in weights.items()]
    assert limit.measured(legs) == pytest.approx(COVARIANCE.volatility(weights), rel=1e-9)


@pytest.mark.parametrize(("level", "worst"), [(0.75, 2), (0.5, 4), (0.8, 1), (0.9, 1), (0.95, 1)])
def test_the_shortfall_takes_the_worst_scenarios_rounded_down_and_at_least_one(level: float, worst: int) -> None:
    # nine scenarios: 2.25, 4.5, 1.8, 0.9 and 0.45 of them
    limit = limits_of(changed(NEUTRAL, "scenario_shortfall.level", level))["scenario_shortfall"]
    assert limit.worst == worst
    # $1,000 of BAC loses 100 in s1, up to 900 in s9: the worst n of them
    losses = sorted((100.0 * number for number in range(1, 10)), reverse=True)[:worst]
    assert limit.measured([Leg("BAC", "BAC", 1_000.0)]) == pytest.approx(sum(losses) / worst)


def test_a_scenario_that_says_nothing_of_a_name_leaves_it_where_it_is() -> None:
    facts = replace(FACTS, scenario_returns={"a": {"BAC": -0.5}, "b": {"JPM": -0.1}})
    limit = limits_of(NEUTRAL, facts)["scenario_shortfall"]
    assert (limit.members, limit.coefficients, limit.measure) == (
        ("BAC", "JPM"),
        ((-500_000, 0), (0, -100_000)),
        Measure.SHORTFALL,
    )
