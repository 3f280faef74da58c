"""Model checks against published backtests, exact arithmetic and the edges of their arguments."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import riskdesk_assets
from riskdesk_assets import bias_ratio, christoffersen_independence, conditional_coverage, kupiec_pof, traffic_light
from riskdesk_assets.risk_model.model_checks import LikelihoodRatio, Transitions, Zone, exception_transitions

# MathWorks, Risk Management Toolbox, reference pages of varbacktest's pof, cci, cc and tl: S&P returns against a normal VaR at
# 95%. 1043 observations, 57 failures, N00 = 932, N10 = 53, N01 = 53, N11 = 4. LRatioPOF 0.46147 (p 0.49694), LRatioCCI 0.25866
# (p 0.61104), LRatioCC 0.72013 (p 0.69763); traffic light green, Probability 0.77913, TypeI 0.26396.
DAYS, HITS, P = 1043, 57, 0.05
N00, N10, N01, N11 = 932, 53, 53, 4
# The first and the last day quiet, 53 groups of exceptions, of which four are pairs: the transitions above.
SERIES = [False] + [True, True, False] * 4 + [True, False] * 49 + [False] * (DAYS - 1 - 12 - 98)


def test_kupiec_gives_the_published_statistic() -> None:
    got = kupiec_pof(DAYS, HITS, P)
    assert got.statistic == pytest.approx(0.46147, abs=5e-6)
    assert got.p_value == pytest.approx(0.49694, abs=5e-6)


def test_christoffersen_gives_the_published_statistic() -> None:
    got = christoffersen_independence(N00, N10, N01, N11)
    assert got.statistic == pytest.approx(0.25866, abs=5e-6)
    assert got.p_value == pytest.approx(0.61104, abs=5e-6)


def test_conditional_coverage_gives_the_published_statistic() -> None:
    got = conditional_coverage(SERIES, P)
    assert (len(SERIES), sum(SERIES), got.transitions) == (DAYS, HITS, Transitions(n00=N00, n10=N10, n01=N01, n11=N11))
    assert got.statistic == pytest.approx(0.72013, abs=5e-6)
    assert got.p_value == pytest.approx(0.69763, abs=5e-6)
    assert got.unconditional == kupiec_pof(DAYS, HITS, P)
    assert got.independence == christoffersen_independence(N00, N10, N01, N11)


def test_the_traffic_light_gives_the_published_probabilities() -> None:
    got = traffic_light(DAYS, HITS, P)
    assert (got.zone, got.statistic) == (Zone.GREEN, 57.0)
    assert got.cumulative_probability == pytest.approx(0.77913, abs=5e-6)
    assert got.p_value == pytest.approx(0.26396, abs=5e-6)


# Basel Committee (1996), supervisory framework for backtesting, table 2: cumulative probability in percent, 250 days at 99%.
BASEL = {0: 8.11, 1: 28.58, 2: 54.32, 3: 75.81, 4: 89.22, 5: 95.88, 6: 98.63, 7: 99.60, 8: 99.89, 9: 99.97, 10: 99.99}


@pytest.mark.parametrize(("exceptions", "percent"), BASEL.items())
def test_basels_table_is_green_to_four_yellow_to_nine_and_red_from_ten(exceptions: int, percent: float) -> None:
    got = traffic_light(250, exceptions, 0.01)
    assert got.cumulative_probability * 100 == pytest.approx(percent, abs=0.0051)
    assert got.zone == ("GREEN" if exceptions <= 4 else "YELLOW" if exceptions <= 9 else "RED")


def test_forty_exceptions_of_250_at_ninety_percent_are_yellow() -> None:
    # MathWorks, risk.validation.trafficLightVaRTest(0.9, 40, 250): zone 2.
    assert traffic_light(250, 40, 0.1).zone is Zone.YELLOW


def test_every_day_an_exception_is_red_and_none_is_certain_to_be_reached() -> None:
    assert traffic_light(250, 250, 0.01).zone is Zone.RED
    assert traffic_light(250, 250, 0.01).cumulative_probability == 1.0
    assert traffic_light(250, 0, 0.01).p_value == 1.0


def test_no_exception_leaves_kupiec_the_probability_of_none() -> None:
    # Hand arithmetic: -2 ln((1 - p)^n / 1).
    got = kupiec_pof(250, 0, 0.01)
    assert got.statistic == pytest.approx(-500 * math.log(0.99), rel=1e-14)
    assert kupiec_pof(250, 250, 0.01).statistic == pytest.approx(-500 * math.log(0.01), rel=1e-14)
    assert kupiec_pof(250, 250, 0.01).p_value == pytest.approx(0.0, abs=1e-300)


def test_exactly_as_many_exceptions_as_expected_give_zero_and_not_rounding() -> None:
    for days, hits, p in ((1000, 50, 0.05), (700, 7, 0.01), (300, 30, 0.1), (1, 0, 5e-324)):
        assert kupiec_pof(days, hits, p).statistic == pytest.approx(0.0, abs=1e-300)
    assert kupiec_pof(1000, 50, 0.05).p_value == 1.0


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (249, 0, 0, 0), (0, 0, 0, 249), (0, 1, 0, 0), (4, 2, 6, 3), (90, 10, 9, 1)])
def test_counts_that_say_nothing_against_independence_give_zero(counts: tuple[int, int, int, int]) -> None:
    # (4, 2, 6, 3): 6 of 10 and 3 of 5 are the same share; (90, 10, 9, 1): 9 of 99 and 1 of 11.
    assert christoffersen_independence(*counts) == LikelihoodRatio(0.0, 1.0)


def test_one_cluster_of_exceptions_has_the_statistic_of_hand_arithmetic() -> None:
    # pi01 = 1/5, pi11 = 3/4, pi = 4/9; n00 = 4, n10 = 1, n01 = 1, n11 = 3.
    wanted = -2 * (5 * math.log(5 / 9) + 4 * math.log(4 / 9))
    wanted += 2 * (4 * math.log(4 / 5) + math.log(1 / 5) + math.log(1 / 4) + 3 * math.log(3 / 4))
    assert christoffersen_independence(4, 1, 1, 3).statistic == pytest.approx(wanted, rel=1e-13)


def test_n10_is_from_an_exception_to_none() -> None:
    assert exception_transitions([False, True, True, False, False]) == Transitions(n00=1, n10=1, n01=1, n11=1)
    assert exception_transitions([True, False]) == Transitions(n00=0, n10=1, n01=0, n11=0)
    assert exception_transitions([True]) == Transitions(0, 0, 0, 0)
    # The statistic itself is that of a two-by-two table, which may be turned over: only the names tell the two counts apart.
    assert christoffersen_independence(n00=8, n10=2, n01=1, n11=3) == christoffersen_independence(n00=8, n10=1, n01=2, n11=3)
    assert christoffersen_independence(n00=8, n10=2, n01=1, n11=3) != christoffersen_independence(n00=2, n10=8, n01=1, n11=3)


counts = st.integers(0, 400)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(counts, counts, counts, counts)
def test_independence_is_the_ratio_of_the_two_likelihoods(n00: int, n10: int, n01: int, n11: int) -> None:
    def likelihood(quiet: int, hits: int) -> float:
        total = quiet + hits
        return sum(count * math.log(count / total) for count in (quiet, hits) if count)

    wanted = 2 * (likelihood(n00, n01) + likelihood(n10, n11) - likelihood(n00 + n10, n01 + n11))
    got = christoffersen_independence(n00, n10, n01, n11)
    assert got.statistic == pytest.approx(wanted, abs=1e-9)
    assert got.statistic >= 0
    assert 0 <= got.p_value <= 1


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.integers(1, 600), st.floats(0, 1), st.sampled_from((0.01, 0.025, 0.05, 0.1)))
def test_the_p_values_are_scipys(days: int, share: float, p: float) -> None:
    from scipy.stats import binom, chi2

    hits = int(share * days)
    pof, light = kupiec_pof(days, hits, p), traffic_light(days, hits, p)
    assert pof.p_value == pytest.approx(float(chi2.sf(pof.statistic, 1)), rel=1e-11, abs=1e-300)
    assert light.cumulative_probability == pytest.approx(float(binom.cdf(hits, days, p)), rel=1e-11)
    assert light.p_value == pytest.approx(float(binom.sf(hits - 1, days, p)), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(("days", "hits"), [(20, 3), (250, 5), (250, 10), (1250, 20)])
def test_the_traffic_lights_probability_is_the_exact_binomial_sum(days: int, hits: int) -> None:
    p = Fraction(1, 100)
    exact = sum(math.comb(days, k) * p**k * (1 - p) ** (days - k) for k in range(hits + 1))
    assert traffic_light(days, hits, 0.01).cumulative_probability == pytest.approx(float(exact), rel=1e-13)


def test_the_bias_ratio_is_the_spread_of_standardized_days() -> None:
    # Hand arithmetic: scores 1, -1, 2, -2 have mean 0 and variance 10 / 3.
    got = bias_ratio([0.01, -0.02, 0.02, -0.01], [0.01, 0.02, 0.01, 0.005])
    assert got.ratio == pytest.approx(math.sqrt(10 / 3), rel=1e-14)
    assert got.statistic == pytest.approx(10.0, rel=1e-14)
    assert got.observations == 4


def test_a_model_with_half_the_risk_has_a_ratio_of_two_and_is_rejected() -> None:
    scores = [1.0, -1.0] * 125
    right = bias_ratio([0.01 * score for score in scores], [0.01] * 250)
    wrong = bias_ratio([0.01 * score for score in scores], [0.005] * 250)
    assert right.ratio == pytest.approx(math.sqrt(250 / 249), rel=1e-12)
    assert right.p_value > 0.9
    assert wrong.ratio == pytest.approx(2 * right.ratio, rel=1e-12)
    assert wrong.p_value < 1e-9
    assert bias_ratio([0.0] * 250, [0.01] * 250).p_value == 0.0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: kupiec_pof(0, 0, 0.05), "observations is 0 (allowed: an integer of 1 or more)"),
        (lambda: kupiec_pof(250, 251, 0.05), "exceptions is 251 (allowed: an integer from 0 to 250)"),
        (lambda: kupiec_pof(250, -1, 0.05), "exceptions is -1 (allowed: an integer from 0 to 250)"),
        (lambda: kupiec_pof(250, 2.5, 0.05), "exceptions is 2.5 (allowed: an integer from 0 to 250)"),  # type: ignore[arg-type]
        (lambda: kupiec_pof(250, True, 0.05), "exceptions is True (allowed: an integer from 0 to 250)"),
        (lambda: kupiec_pof(250, 5, 0.0), "p is 0 (allowed: above 0 and below 1)"),
        (lambda: kupiec_pof(250, 5, 1.0), "p is 1 (allowed: above 0 and below 1)"),
        (lambda: traffic_light(250, 5, math.nan), "p is nan (allowed: above 0 and below 1)"),
        (lambda: traffic_light(250, 5, "x"), "p is 'x' (allowed: a number)"),  # type: ignore[arg-type]
        (lambda: christoffersen_independence(1, -1, 0, 0), "n10 is -1 (allowed: an integer of 0 or more)"),
        (lambda: conditional_coverage([], 0.05), "exceptions is empty (allowed: one day or more)"),
        (lambda: bias_ratio([0.1], [0.1]), "realized has shape (1,) (allowed: one dimension, 2 or more values)"),
        (lambda: bias_ratio([0.1, 0.2], [0.1, 0.2, 0.3]), "predicted has 3 values (allowed: 2, as many as realized)"),
        (lambda: bias_ratio([0.1, 0.2], [0.1, 0.0]), "predicted is 0 on one day (allowed: above 0)"),
        (lambda: bias_ratio([0.1, math.nan], [0.1, 0.1]), "realized is nan at 1 (allowed: finite numbers)"),
    ],
)
def test_an_argument_out_of_range_is_named_with_what_is_allowed(call: object, said: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match="allowed") as refused:
        call()
    assert str(refused.value) == said


def test_importing_the_package_loads_nothing_until_a_function_is_asked_for() -> None:
    program = (
        "import sys; import riskdesk_assets; assert not {'numpy', 'scipy', 'polars'} & set(sys.modules);"
        "assert set(riskdesk_assets.__all__) <= set(dir(riskdesk_assets));"
        "print(riskdesk_assets.kupiec_pof(1, 0, 0.5).statistic); assert not {'scipy', 'polars'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    with pytest.raises(AttributeError, match="no attribute 'kupiec_pow'"):
        riskdesk_assets.kupiec_pow  # type: ignore[attr-defined]  # noqa: B018
