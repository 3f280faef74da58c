"""VaR and expected shortfall against closed forms, published numbers and hand samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.risk_model.risk_contributions import (
    TailContributions,
    book_pnl,
    historical_contributions,
    parametric_contributions,
    portfolio_volatility,
    risk_contributions,
)
from riskdesk_assets.risk_model.tail_level import tail_count, tail_multiples
from riskdesk_assets.risk_model.tail_risk import (
    TailMethod,
    historical_tail_risk,
    monte_carlo_tail_risk,
    parametric_tail_risk,
)

LEVELS = (0.95, 0.99)
RNG = np.random.default_rng(7)
RETURNS = RNG.normal(0, 0.01, (500, 6)) + RNG.normal(0, 0.01, (500, 1))
COVARIANCE = np.cov(RETURNS.T)
WEIGHTS = np.array([0.3, -0.2, 0.25, -0.15, 0.05, -0.3])
# Jorion, "Value at Risk" (3rd ed.), chapter 7: 2 million dollars in CAD with a volatility of 5%, 1 million in EUR with 12%,
# uncorrelated, at 95% with the multiple 1.65: VaR 257,738 dollars, component VaRs 105,630 and 152,108, marginal 0.0528
# and 0.1521.
CURRENCIES, CURRENCY_COVARIANCE, JORIONS_MULTIPLE = [2e6, 1e6], [[0.05**2, 0.0], [0.0, 0.12**2]], 1.65


def test_the_tail_of_a_thousand_days_at_95_has_fifty_and_not_fifty_one() -> None:
    assert math.ceil((1 - 0.95) * 1000) == 51  # what floats make of it
    assert tail_count(1000, 0.95) == 50


@pytest.mark.parametrize(
    ("days", "level", "wanted"),
    [
        (500, 0.95, 25),
        (500, 0.99, 5),
        (250, 0.99, 3),
        (1, 0.99, 1),
        (100, 0.99, 1),
        (101, 0.99, 2),
        (10000, 0.999, 10),
        (800, 0.975, 20),
    ],
)
def test_a_tail_that_is_no_whole_number_of_days_is_rounded_up(days: int, level: float, wanted: int) -> None:
    assert tail_count(days, level) == wanted


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.integers(1, 5000), st.integers(501, 999))
def test_the_tail_count_is_integer_arithmetic_at_every_level(days: int, permille: int) -> None:
    assert tail_count(days, permille / 1000) == -((permille - 1000) * days // 1000)


def test_the_historical_tail_of_twenty_days_is_found_by_hand() -> None:
    pnl = [0.01, -0.05, 0.02, -0.03, 0.0, 0.01, -0.04, 0.03, 0.02, 0.01] * 2
    # Worst of twenty: 0.05, 0.05, 0.04, 0.04, ... At 85% the tail is three days, at 95% one.
    wide, narrow = historical_tail_risk(pnl, (0.85, 0.95))
    assert (wide.method, wide.observations) == (TailMethod.HISTORICAL, 20)
    assert wide.value_at_risk == 0.04
    assert wide.expected_shortfall == pytest.approx((0.05 + 0.05 + 0.04) / 3, rel=1e-15)
    assert (narrow.value_at_risk, narrow.expected_shortfall) == (0.05, 0.05)


def test_a_sample_without_a_loss_has_a_negative_var_and_a_flat_one_none() -> None:
    assert historical_tail_risk([0.01, 0.02], (0.95,))[0].value_at_risk == -0.01
    assert math.copysign(1.0, historical_tail_risk([0.0, 0.0], (0.95,))[0].value_at_risk) == 1.0


def test_the_normal_tail_has_its_published_multiples() -> None:
    # Standard tables: z 1.644854 and 2.326348; expected shortfall phi(z) / tail 2.062713 and 2.665214.
    one, two = parametric_tail_risk(1.0, LEVELS)
    assert one.method is TailMethod.NORMAL
    assert one.value_at_risk == pytest.approx(1.644854, abs=5e-7)
    assert two.value_at_risk == pytest.approx(2.326348, abs=5e-7)
    assert one.expected_shortfall == pytest.approx(2.062713, abs=5e-7)
    assert two.expected_shortfall == pytest.approx(2.665214, abs=5e-7)


@pytest.mark.parametrize("freedom", [None, 2.5, 4.0, 10.0, 500.0])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99, 0.999])
def test_expected_shortfall_is_the_integral_of_var_over_the_tail(freedom: float | None, level: float) -> None:
    from scipy.integrate import quad
    from scipy.stats import norm, t

    law = norm() if freedom is None else t(freedom, scale=math.sqrt((freedom - 2) / freedom))
    got = parametric_tail_risk(0.02, (level,), mean=0.001, degrees_of_freedom=freedom)[0]
    assert law.std() == pytest.approx(1.0)
    assert got.value_at_risk == pytest.approx(0.02 * law.isf(1 - level) - 0.001, rel=1e-9)
    # Mean of the loss beyond the quantile, by quadrature of x f(x).
    mean_beyond = quad(lambda x: x * law.pdf(x), law.isf(1 - level), np.inf, epsabs=1e-13, limit=200)[0] / (1 - level)
    assert got.expected_shortfall == pytest.approx(0.02 * mean_beyond - 0.001, rel=1e-6)


def test_the_student_t_quantile_is_the_tables() -> None:
    # Standard table: t with 4 degrees of freedom at 95% is 2.132 and at 99% 3.747; scaled by sqrt(2 / 4) to a volatility of 1.
    assert tail_multiples(0.95, 4.0)[0] == pytest.approx(2.132 * math.sqrt(0.5), abs=5e-4)
    assert tail_multiples(0.99, 4.0)[0] == pytest.approx(3.747 * math.sqrt(0.5), abs=5e-4)


def test_jorions_two_currencies_have_their_published_component_vars() -> None:
    got = risk_contributions(CURRENCIES, CURRENCY_COVARIANCE).times(JORIONS_MULTIPLE)
    assert got.total == pytest.approx(257_738, abs=1)
    assert list(got.component) == pytest.approx([105_630, 152_108], abs=1)
    assert list(got.marginal) == pytest.approx([0.0528, 0.1521], abs=5e-5)
    assert sum(got.component) == pytest.approx(got.total, rel=1e-14)


def by_formula(
    weights: list[float] | np.ndarray, covariance: np.ndarray, level: float, freedom: float | None = None
) -> TailContributions:
    return parametric_contributions(risk_contributions(weights, covariance), level, degrees_of_freedom=freedom)


def test_marginal_var_is_the_slope_of_var() -> None:
    got = by_formula(WEIGHTS, COVARIANCE, 0.99, 5.0)
    for name in range(len(WEIGHTS)):
        step = np.zeros(len(WEIGHTS))
        step[name] = 1e-6
        above = by_formula(WEIGHTS + step, COVARIANCE, 0.99, 5.0)
        below = by_formula(WEIGHTS - step, COVARIANCE, 0.99, 5.0)
        for kind in ("value_at_risk", "expected_shortfall"):
            slope = (getattr(above, kind).total - getattr(below, kind).total) / 2e-6
            assert getattr(got, kind).marginal[name] == pytest.approx(slope, rel=1e-6)


books = st.lists(st.floats(-1, 1), min_size=6, max_size=6)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(books, st.sampled_from(LEVELS))
def test_contributions_sum_to_the_total(weights: list[float], level: float) -> None:
    volatility = portfolio_volatility(weights, COVARIANCE)
    assert volatility == pytest.approx(
        math.sqrt(max(0.0, float(np.array(weights) @ COVARIANCE @ weights))), rel=1e-10, abs=1e-18
    )
    parametric = by_formula(weights, COVARIANCE, level)
    (formula,) = parametric_tail_risk(volatility, (level,))
    historical = historical_contributions(RETURNS, weights, level)
    (sample,) = historical_tail_risk(book_pnl(RETURNS, weights), (level,))
    for parts, whole in ((parametric, formula), (historical, sample)):
        for kind in ("value_at_risk", "expected_shortfall"):
            got = getattr(parts, kind)
            assert math.fsum(got.component) == pytest.approx(getattr(whole, kind), rel=1e-12, abs=1e-17)
            assert got.total == pytest.approx(getattr(whole, kind), rel=1e-12, abs=1e-17)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(books, st.sampled_from((2.0, 0.25, 1024.0)))
def test_scaling_the_book_scales_every_risk_exactly(weights: list[float], scale: float) -> None:
    # Powers of two, so that the floats scale without rounding; subnormal weights would round.
    small = [0.0 if abs(weight) < 1e-6 else weight for weight in weights]
    big = [scale * weight for weight in small]
    assert by_formula(big, COVARIANCE, 0.99).expected_shortfall.total == pytest.approx(
        scale * by_formula(small, COVARIANCE, 0.99).expected_shortfall.total, rel=1e-15
    )
    one, two = (historical_tail_risk(book_pnl(RETURNS, book), LEVELS) for book in (small, big))
    assert [tail.value_at_risk for tail in two] == [scale * tail.value_at_risk for tail in one]
    assert [tail.expected_shortfall for tail in two] == pytest.approx(
        [scale * tail.expected_shortfall for tail in one], rel=1e-15
    )


@settings(derandomize=True, deadline=None, max_examples=50)
@given(books, st.permutations(range(6)))
def test_the_order_of_the_names_changes_no_bit_of_the_book(weights: list[float], order: list[int]) -> None:
    book, moved = np.array(weights), np.array(weights)[order]
    here = by_formula(book, COVARIANCE, 0.95)
    there = by_formula(moved, COVARIANCE[np.ix_(order, order)], 0.95)
    assert there.value_at_risk.total == here.value_at_risk.total
    assert there.value_at_risk.component == tuple(here.value_at_risk.component[name] for name in order)
    assert book_pnl(RETURNS[:, order], moved).tobytes() == book_pnl(RETURNS, book).tobytes()
    past = historical_contributions(RETURNS, book, 0.95)
    assert historical_contributions(RETURNS[:, order], moved, 0.95).expected_shortfall.component == tuple(
        past.expected_shortfall.component[name] for name in order
    )


def test_the_order_of_the_days_changes_no_bit_of_the_historical_tail() -> None:
    pnl = book_pnl(RETURNS, WEIGHTS)
    assert historical_tail_risk(pnl[::-1], LEVELS) == historical_tail_risk(pnl, LEVELS)


@pytest.mark.parametrize("freedom", [None, 5.0])
def test_monte_carlo_converges_to_the_parametric_tail_within_four_standard_errors(freedom: float | None) -> None:
    from scipy.stats import norm, t

    scenarios = 200_000
    volatility = portfolio_volatility(WEIGHTS, COVARIANCE)
    law = norm(scale=volatility) if freedom is None else t(freedom, scale=volatility * math.sqrt((freedom - 2) / freedom))
    simulated = monte_carlo_tail_risk(WEIGHTS, COVARIANCE, LEVELS, scenarios=scenarios, seed=11, degrees_of_freedom=freedom)
    formula = parametric_tail_risk(volatility, LEVELS, degrees_of_freedom=freedom)
    for got, wanted in zip(simulated, formula, strict=True):
        # Standard error of a sample quantile: sqrt(level (1 - level) / n) / density there.
        error = math.sqrt(got.level * (1 - got.level) / scenarios) / law.pdf(wanted.value_at_risk)
        assert abs(got.value_at_risk - wanted.value_at_risk) < 4 * error
        # Of the expected shortfall: at most the sd of the loss beyond VaR plus that of VaR, over the root of the tail's days.
        assert abs(got.expected_shortfall - wanted.expected_shortfall) < 4 * (
            error + volatility * 1.5 / math.sqrt(tail_count(scenarios, got.level))
        )
        assert error < 0.01 * wanted.value_at_risk
        assert got.observations == scenarios


def test_monte_carlo_is_the_same_to_the_bit_with_the_same_seed_and_not_with_another() -> None:
    def run(seed: int) -> list[str]:
        tails = monte_carlo_tail_risk(WEIGHTS, COVARIANCE, LEVELS, scenarios=20_001, seed=seed)
        return [value.hex() for tail in tails for value in (tail.value_at_risk, tail.expected_shortfall)]

    assert run(3) == run(3)
    assert run(3) != run(4)


def test_monte_carlo_knows_that_twins_held_against_each_other_are_no_risk() -> None:
    twins = [[0.0004, 0.0004], [0.0004, 0.0004]]
    hedged = monte_carlo_tail_risk([0.5, -0.5], twins, LEVELS, scenarios=1000, seed=1)
    assert all(abs(tail.value_at_risk) < 1e-15 for tail in hedged)
    doubled = monte_carlo_tail_risk([0.5, 0.5], twins, (0.95,), scenarios=50_000, seed=1)[0]
    assert doubled.value_at_risk == pytest.approx(1.644854 * 0.02, rel=0.03)


def test_a_book_without_risk_has_contributions_of_zero() -> None:
    got = risk_contributions([0.0, 0.0], CURRENCY_COVARIANCE)
    assert (got.total, got.marginal, got.component) == (0.0, (0.0, 0.0), (0.0, 0.0))
    assert parametric_tail_risk(0.0, (0.99,))[0].value_at_risk == 0.0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: tail_count(0, 0.95), "observations is 0 (allowed: an integer of 1 or more)"),
        (lambda: tail_count(10, 0.5), "level is 0.5 (allowed: above 0.5 and below 1)"),
        (lambda: tail_count(10, 95.0), "level is 95 (allowed: above 0.5 and below 1)"),
        (lambda: historical_tail_risk([], LEVELS), "pnl has shape (0,) (allowed: one dimension, 1 or more values)"),
        (lambda: historical_tail_risk([0.1, math.nan], LEVELS), "pnl is nan at 1 (allowed: finite numbers)"),
        (lambda: parametric_tail_risk(-0.1, LEVELS), "volatility is -0.1 (allowed: a finite number of 0 or more)"),
        (
            lambda: parametric_tail_risk(0.1, LEVELS, degrees_of_freedom=2.0),
            "degrees_of_freedom is 2 (allowed: a finite number above 2)",
        ),
        (lambda: risk_contributions([1.0], CURRENCY_COVARIANCE), "covariance has shape (2, 2) (allowed: 1 rows of 1 values)"),
        (
            lambda: risk_contributions([1.0, 1.0], [[1.0, 0.5], [0.4, 1.0]]),
            "covariance is not symmetric (allowed: a symmetric positive semidefinite matrix)",
        ),
        (
            lambda: risk_contributions([1.0, 1.0], [[1.0, 2.0], [2.0, 1.0]]),
            "covariance has the eigenvalue -1 (allowed: a symmetric positive semidefinite matrix)",
        ),
        (
            lambda: monte_carlo_tail_risk([1.0], [[1.0]], LEVELS, scenarios=10, seed=-1),
            "seed is -1 (allowed: an integer of 0 or more)",
        ),
        (lambda: book_pnl([[0.1, math.inf]], [1.0, 1.0]), "returns is inf at 0, 1 (allowed: finite numbers)"),
    ],
)
def test_an_argument_out_of_range_is_named_with_what_is_allowed(call: object, said: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match="allowed") as refused:
        call()
    assert str(refused.value) == said
