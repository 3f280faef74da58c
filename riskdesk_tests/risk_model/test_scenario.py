"""Scenario P&L by hand arithmetic, and correlations moved toward one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.risk_model.risk_contributions import portfolio_volatility
from riskdesk_assets.risk_model.scenario import Shock, correlation_shock, scenario_pnl

BOOK = {"JPM": 0.20, "BAC": -0.15, "KRE": 0.05, "MS": 0.0}
GROUPS = {"banks": ["JPM", "BAC", "MS"], "regional": ["KRE"], "SOFT": ["BAC", "KRE"], "FRAGILE": []}
EXPOSURES = {"JPM": {"market": 1.1, "size": 0.5}, "BAC": {"market": 1.3}, "KRE": {"market": 1.2, "size": -1.0}}


def pnl(shock: Shock, book: dict[str, float] | None = None) -> float:
    return scenario_pnl(BOOK if book is None else book, shock, groups=GROUPS, exposures=EXPOSURES).total


def test_banks_falling_by_a_fifth_cost_the_net_of_the_banks() -> None:
    # Hand arithmetic: (0.20 - 0.15) x -0.2.
    got = scenario_pnl(BOOK, Shock("banks -20%", groups={"banks": -0.2}), groups=GROUPS, exposures={})
    assert got.scenario == "banks -20%"
    assert got.total == pytest.approx(-0.01, rel=1e-12)
    assert [symbol for symbol, _ in got.by_name] == ["BAC", "JPM", "KRE"]
    assert [value for _, value in got.by_name] == pytest.approx([0.03, -0.04, 0.0])


def test_a_name_in_two_shocked_groups_takes_both() -> None:
    # BAC -0.2 - 0.1, JPM -0.2, KRE -0.1.
    wanted = -0.15 * -0.3 + 0.20 * -0.2 + 0.05 * -0.1
    assert pnl(Shock("squeeze", groups={"banks": -0.2, "SOFT": -0.1})) == pytest.approx(wanted, rel=1e-12)


def test_a_names_own_shock_replaces_those_of_its_groups_and_factors() -> None:
    shock = Shock("JPM alone holds", factors={"market": -0.1}, groups={"banks": -0.2}, names={"JPM": 0.01})
    wanted = 0.20 * 0.01 - 0.15 * (-0.2 - 0.13) + 0.05 * -0.12
    assert pnl(shock) == pytest.approx(wanted, rel=1e-12)


def test_a_factor_shock_reaches_a_name_through_its_exposure() -> None:
    wanted = 0.20 * (1.1 * -0.1 + 0.5 * 0.02) - 0.15 * 1.3 * -0.1 + 0.05 * (1.2 * -0.1 - 0.02)
    assert pnl(Shock("risk off", factors={"market": -0.1, "size": 0.02})) == pytest.approx(wanted, rel=1e-12)


def test_a_shock_to_a_group_that_is_empty_today_costs_nothing() -> None:
    assert pnl(Shock("fragile", groups={"FRAGILE": -0.5})) == 0.0
    assert pnl(Shock("nothing")) == 0.0
    assert pnl(Shock("banks", groups={"banks": -0.2}), book={}) == 0.0


shocks = st.floats(-1, 1).map(lambda size: round(size, 6))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(shocks, shocks, shocks, st.sampled_from((2.0, 0.5, -1.0)))
def test_the_pnl_is_linear_in_the_book_and_blind_to_its_order(market: float, banks: float, name: float, scale: float) -> None:
    shock = Shock("any", factors={"market": market}, groups={"banks": banks}, names={"KRE": name})
    turned = {symbol: scale * BOOK[symbol] for symbol in reversed(BOOK)}
    assert pnl(shock, turned) == scale * pnl(shock)
    reversed_shock = Shock("any", factors=shock.factors, groups={"SOFT": 0.0, "banks": banks}, names=shock.names)
    assert pnl(reversed_shock) == pnl(shock)


@pytest.mark.parametrize(
    ("shock", "said"),
    [
        (
            Shock("x", groups={"bank": -0.2}),
            "groups has 'bank'; did you mean 'banks'? (allowed: FRAGILE, SOFT, banks, regional)",
        ),
        (Shock("x", factors={"markt": -0.2}), "factors has 'markt'; did you mean 'market'? (allowed: market, size)"),
        (Shock("x", names={"JPN": -0.2}), "names has 'JPN'; did you mean 'JPM'? (allowed: BAC, JPM, KRE, MS)"),
        (Shock("x", groups={"banks": -1.5}), "groups['banks'] is -1.5 (allowed: a finite number of -1 or more)"),
        (Shock("x", factors={"market": math.nan}), "factors['market'] is nan (allowed: a finite number)"),
    ],
)
def test_a_shock_that_makes_no_sense_is_refused_by_name(shock: Shock, said: str) -> None:
    with pytest.raises(ValueError, match="allowed") as refused:
        pnl(shock)
    assert str(refused.value) == said


def test_a_held_name_without_exposures_is_refused_rather_than_read_as_unexposed() -> None:
    with pytest.raises(ValueError, match="exposures has no 'MS'"):
        pnl(Shock("risk off", factors={"market": -0.1}), book={"MS": 0.1})


def test_with_all_correlations_at_one_volatilities_add_with_their_signs() -> None:
    covariance = [[0.0004, 0.0001, 0.0], [0.0001, 0.0001, 0.00005], [0.0, 0.00005, 0.0009]]
    shocked = correlation_shock(covariance, 1.0)
    # Volatilities 2%, 1% and 3%.
    assert portfolio_volatility([0.5, 0.3, 0.2], shocked) == pytest.approx(0.5 * 0.02 + 0.3 * 0.01 + 0.2 * 0.03, rel=1e-12)
    assert portfolio_volatility([0.5, -1.0, 0.0], shocked) == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_array_equal(correlation_shock(covariance, 0.0), covariance)
    half = correlation_shock(covariance, 0.5)
    assert half[0, 2] == pytest.approx(0.5 * 0.02 * 0.03, rel=1e-12)
    np.testing.assert_allclose(np.diag(half), np.diag(np.array(covariance)), rtol=1e-14)


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_share_outside_zero_to_one_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=r"toward_one is .* \(allowed: "):
        correlation_shock([[1.0]], share)
