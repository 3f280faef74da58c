"""The risk report of books small enough for hand arithmetic, and what must hold of any book."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.reports.risk_report import RiskReport, risk_report
from riskdesk_assets.risk_model.factors import FactorModel
from riskdesk_tests.reports.risk_books import SESSION, inputs_of_book

# Volatilities of 1% and 2%, correlation 0.5.
TWO = ([1e-4, 1e-4], [1e-4, 4e-4])
PAIR = ("AXP", "BAC")


def test_jorions_two_currencies_have_their_published_var_by_name() -> None:
    # Jorion, "Value at Risk" (3rd ed.), chapter 7: 2 million in CAD at 5%, 1 million in EUR at 12%, uncorrelated: volatility
    # 156,205 dollars, and component VaRs at 95% (multiple 1.65) of 105,630 and 152,108.
    inputs = inputs_of_book({"CAD": 2.0, "EUR": 1.0}, ([0.05**2, 0.0], [0.0, 0.12**2]), ("CAD", "EUR"))
    report = risk_report(inputs)
    assert report.risk_metrics["volatility"] * 1e6 == pytest.approx(156_205, abs=1)
    parts = [(name.component_volatility or 0.0) * 1.65 * 1e6 for name in report.contributions]
    assert parts == pytest.approx([105_630, 152_108], abs=1)


def test_the_report_of_two_names_is_found_by_hand() -> None:
    inputs = inputs_of_book(
        {"AXP": 0.5, "BAC": -0.25},
        TWO,
        PAIR,
        shocks={"fall": {"AXP": -0.2, "BAC": -0.2}, "part": {"AXP": 0.1}},
        correlations={"one": (1.0, 2.0)},
        equity=(1_000_000.0, 1_030_000.0, 990_000.0, 1_010_000.0),
    )
    report = risk_report(inputs)
    metrics = report.risk_metrics
    # Variance: 0.25 x 1e-4 + 0.0625 x 4e-4 - 2 x 0.125 x 1e-4 = 0.25e-4.
    assert metrics["volatility"] == pytest.approx(0.005, rel=1e-12)
    assert metrics["volatility_annual"] == pytest.approx(0.005 * math.sqrt(252))
    # Standard tables: z 1.644854 and 2.326348; expected shortfall 2.062713 and 2.665214 standard deviations.
    for name, multiple in (("var_95", 1.644854), ("var_99", 2.326348), ("es_95", 2.062713), ("es_99", 2.665214)):
        assert metrics[f"{name}_normal"] == pytest.approx(0.005 * multiple, abs=5e-9)
        assert metrics[name] == metrics[f"{name}_normal"]  # no history
    # Marginal: (0.5e-4 - 0.25e-4) / 0.005 and (0.5e-4 - 1e-4) / 0.005; component: times the weight.
    axp, bac = report.contributions
    assert (axp.marginal_volatility, bac.marginal_volatility) == pytest.approx((0.005, -0.01))
    assert (axp.component_volatility, bac.component_volatility) == pytest.approx((0.0025, 0.0025))
    assert axp.component_var_99 == pytest.approx(0.0025 * 2.326348, abs=5e-9)
    # A dollar more of AXP adds 1.16 cents of VaR 99, one of BAC (held short) takes 2.33.
    assert (axp.marginal_var_99, bac.marginal_var_99) == pytest.approx((0.005 * 2.326348, -0.01 * 2.326348), abs=5e-8)
    assert (axp.component_var_99_historical, axp.component_es_99_historical) == (None, None)  # no history
    size = {name: metrics[name] for name in ("gross", "net", "long", "short", "leverage", "names")}
    assert size == {"gross": 0.75, "net": 0.25, "long": 0.5, "short": 0.25, "leverage": 0.75, "names": 2.0}
    assert metrics["concentration"] == pytest.approx((2 / 3) ** 2 + (1 / 3) ** 2)
    # 500,000 and 250,000 dollars at 20% of 1,000,000 a day.
    assert metrics["days_to_liquidate"] == pytest.approx(2.5)
    assert metrics["liquidated_in_one_day"] == pytest.approx(400_000 / 750_000)
    assert [name.days_to_liquidate for name in report.contributions] == pytest.approx([2.5, 1.25])
    assert (metrics["drawdown_current"], metrics["drawdown_realized"]) == pytest.approx((0.02, 0.04))
    assert metrics["drawdown_estimated"] == pytest.approx(1.2533141 * 0.005 * math.sqrt(250), rel=1e-6)
    # Perfectly correlated the book is 0.5 x 1% - 0.25 x 2% = nothing.
    assert report.scenario_pnl == {
        "fall": pytest.approx(-0.05),
        "one": pytest.approx(0.0, abs=1e-9),
        "part": pytest.approx(0.05),
    }
    assert report.worst_scenario == ("fall", pytest.approx(-0.05))
    assert report.missing == {"factor_model": PAIR, "history": PAIR, "stability": PAIR, "scenario:part": ("BAC",)}
    assert report.covered["scenario:part"] == pytest.approx(2 / 3)
    vector = report.stability_vector
    assert vector is not None
    assert (vector.volatility, vector.fragility) == pytest.approx((4 / 3, 0.4 + 0.4 / 3))
    assert (vector.correlation, vector.fragility_class) == (None, "WATCH")
    assert report.exposures == {
        "sector:Financials:net": 0.25,
        "sector:Financials:gross": 0.75,
        "group:card:net": 0.5,
        "group:card:gross": 0.5,
        "group:regional:net": -0.25,
        "group:regional:gross": 0.25,
        "country:US:net": 0.25,
        "country:US:gross": 0.75,
        "currency:USD:net": 0.25,
        "currency:USD:gross": 0.75,
        "fragility:NONE:gross": 0.5,
        "fragility:WATCH:gross": 0.0,
        "fragility:SOFT:gross": 0.25,
        "fragility:FRAGILE:gross": 0.0,
    }


def test_a_scenario_that_cannot_be_priced_is_told_and_not_a_number() -> None:
    why = {"september_2008": "no bars of those days"}
    report = risk_report(inputs_of_book({"AXP": 0.5}, TWO, PAIR, shocks={"fall": {"AXP": -0.2}}, unpriced=why))
    assert list(report.scenario_pnl) == ["fall"]
    assert "scenario september_2008: no bars of those days" in report.notes


def test_factors_and_names_part_the_variance() -> None:
    # One factor of 1% a day, exposures 1 and 2, specific volatilities 1% and 2%: w = (0.5, -0.25) has no factor risk.
    model = FactorModel(
        SESSION, PAIR, ("market",), np.array([[1.0], [2.0]]), np.array([[1e-4]]), np.array([1e-4, 4e-4]), np.array([0.0]), 250
    )
    flat = risk_report(inputs_of_book({"AXP": 0.5, "BAC": -0.25}, TWO, PAIR, factor_model=model))
    assert flat.exposures["factor:market"] == 0.0
    assert (flat.risk_metrics["factor_share"], flat.risk_metrics["specific_share"]) == (0.0, 1.0)
    # w = (0.5, 0): half the variance each.
    half = risk_report(inputs_of_book({"AXP": 0.5}, TWO, PAIR, factor_model=model))
    assert half.risk_metrics["factor_volatility"] == pytest.approx(0.005)
    assert half.risk_metrics["factor_share"] == pytest.approx(0.5)
    assert [name.factor_share for name in half.contributions] == pytest.approx([0.5, 0.0])


def test_the_historical_tail_is_that_of_todays_book_in_its_past() -> None:
    rng = np.random.default_rng(3)
    past = rng.normal(0, 0.01, (500, 2))
    report = risk_report(inputs_of_book({"AXP": 0.5, "BAC": -0.25}, TWO, PAIR, history=past))
    losses = np.sort(-(past @ [0.5, -0.25]))[::-1]
    assert report.risk_metrics["var_99"] == pytest.approx(losses[4], rel=1e-12)
    assert report.risk_metrics["es_99"] == pytest.approx(losses[:5].mean(), rel=1e-12)
    assert report.risk_metrics["var_95"] == pytest.approx(losses[24], rel=1e-12)
    assert report.methods["historical_observations"] == 500
    # What each name lost on the fifth-worst of the 500 days, and on average over the five.
    worst = np.argsort(past @ [0.5, -0.25])[:5]
    for name, column, weight in zip(report.contributions, (0, 1), (0.5, -0.25), strict=True):
        assert name.component_var_99_historical == pytest.approx(-weight * past[worst[-1], column], rel=1e-12)
        assert name.component_es_99_historical == pytest.approx(-weight * past[worst, column].mean(), rel=1e-12)


def test_a_held_name_that_did_not_live_through_a_scenario_is_told_and_one_that_is_not_held_is_not() -> None:
    inputs = inputs_of_book({"AXP": 0.5, "BAC": -0.25}, TWO, PAIR, shocks={"crash": {"AXP": -0.2, "BAC": -0.2, "NEW": -0.2}})
    plain = risk_report(inputs).notes
    told = "scenario:crash has no bars of BAC: the mean of the industry group, else of all names"
    assert risk_report(replace(inputs, proxied={"crash": {"BAC", "NEW"}})).notes == (*plain, told)
    assert risk_report(replace(inputs, proxied={"crash": {"NEW"}})).notes == plain


def test_a_new_listing_is_left_out_by_name_and_share_and_the_rest_is_computed() -> None:
    rng = np.random.default_rng(3)
    past = np.column_stack([rng.normal(0, 0.01, (500, 2)), np.full(500, np.nan)])
    past[-20:, 2] = 0.01
    weights = {"AXP": 0.5, "BAC": -0.25, "NEW": 0.25}
    without = inputs_of_book({"AXP": 0.5, "BAC": -0.25}, TWO, PAIR, history=past[:, :2])
    report = risk_report(replace(inputs_of_book(weights, TWO, PAIR, history=past), history_symbols=(*PAIR, "NEW")))
    assert report.missing["covariance"] == report.missing["history"] == ("NEW",)
    assert report.covered["covariance"] == 0.75
    assert "covariance leaves out NEW: it covers 75.0% of gross" in report.notes
    for name in ("volatility", "var_99_historical", "es_95_monte_carlo"):
        assert report.risk_metrics[name] == risk_report(without).risk_metrics[name]
    new = next(name for name in report.contributions if name.symbol == "NEW")
    assert (new.weight, new.marginal_volatility, new.marginal_var_99, new.component_var_99) == (0.25, None, None, None)
    assert (new.component_var_99_historical, new.component_es_99_historical) == (None, None)


def test_an_empty_book_has_no_risk_and_breaks_nothing() -> None:
    report = risk_report(inputs_of_book({}, TWO, PAIR, shocks={"fall": {"AXP": -0.2}}, history=np.zeros((100, 2))))
    assert report.risk_metrics["volatility"] == report.risk_metrics["var_99"] == report.risk_metrics["gross"] == 0.0
    assert report.scenario_pnl == {"fall": 0.0}
    assert report.stability_vector is None
    assert report.missing == {}
    assert canonical_json(asdict(report))


def test_a_book_whose_names_nobody_knows_has_a_size_and_nothing_else() -> None:
    inputs = inputs_of_book({"AXP": 1.0}, np.empty((0, 0)), ())  # type: ignore[arg-type]
    report = risk_report(inputs)
    assert "volatility" not in report.risk_metrics
    assert report.risk_metrics["gross"] == 1.0
    assert report.covered["covariance"] == 0.0


@pytest.mark.parametrize("weights", [{"AXP": math.nan}, {"AXP": math.inf}])
def test_a_weight_that_is_no_number_is_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="AXP"):
        risk_report(inputs_of_book(weights, TWO, PAIR))


@st.composite
def random_books(draw: st.DrawFn) -> tuple[dict[str, float], list[list[float]], np.ndarray]:
    names = draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    root = rng.normal(0, 0.01, (names, names))
    weights = {f"N{place}": draw(st.floats(-1, 1).map(lambda value: round(value, 3))) for place in range(names)}
    return weights, (root @ root.T).tolist(), rng.normal(0, 0.01, (120, names))


def report_of(book: tuple[dict[str, float], list[list[float]], np.ndarray], **more: object) -> RiskReport:
    weights, covariance, past = book
    return risk_report(inputs_of_book(weights, covariance, tuple(sorted(weights)), history=past, **more))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(random_books())
def test_components_sum_to_the_whole_and_the_worst_is_worse_than_the_bad(
    book: tuple[dict[str, float], list[list[float]], np.ndarray],
) -> None:
    report = report_of(book)
    metrics = report.risk_metrics
    for total, part in (
        ("volatility", "component_volatility"),
        ("var_99_normal", "component_var_99"),
        ("es_99_normal", "component_es_99"),
        ("var_99_historical", "component_var_99_historical"),
        ("es_99_historical", "component_es_99_historical"),
    ):
        parts = [getattr(name, part) for name in report.contributions if name.weight]
        assert math.fsum(parts) == pytest.approx(metrics[total], rel=1e-9, abs=1e-15)
    for name in report.contributions:
        assert name.component_var_99 == pytest.approx(name.weight * name.marginal_var_99, rel=1e-12, abs=1e-18)
    for method in ("normal", "student_t", "historical", "monte_carlo"):
        assert metrics[f"var_95_{method}"] <= metrics[f"var_99_{method}"] <= metrics[f"es_99_{method}"] + 1e-15


@settings(derandomize=True, deadline=None, max_examples=40)
@given(random_books())
def test_the_order_of_the_weights_changes_no_bit(
    book: tuple[dict[str, float], list[list[float]], np.ndarray],
) -> None:
    weights, covariance, past = book
    turned = dict(reversed(list(weights.items())))
    assert canonical_json(asdict(report_of((turned, covariance, past)))) == canonical_json(asdict(report_of(book)))


@settings(derandomize=True, deadline=None, max_examples=40)
@given(random_books(), st.sampled_from([0.5, 2.0, 1024.0]))
def test_of_nav_only_dollars_and_trading_days_depend(
    book: tuple[dict[str, float], list[list[float]], np.ndarray], times: float
) -> None:
    one, other = report_of(book), report_of(book, nav=1_000_000.0 * times)
    scaled = {"days_to_liquidate", "liquidated_in_one_day"}
    assert {k: v for k, v in one.risk_metrics.items() if k not in scaled} == {
        k: v for k, v in other.risk_metrics.items() if k not in scaled
    }
    assert other.risk_metrics["days_to_liquidate"] == pytest.approx(times * one.risk_metrics["days_to_liquidate"])
    assert one.exposures == other.exposures


@settings(derandomize=True, deadline=None, max_examples=40)
@given(random_books())
def test_twice_the_book_has_twice_the_risk(book: tuple[dict[str, float], list[list[float]], np.ndarray]) -> None:
    weights, covariance, past = book
    double = report_of(({name: 2 * weight for name, weight in weights.items()}, covariance, past))
    single = report_of(book)
    for name, value in single.risk_metrics.items():
        if name.startswith(("var", "es", "volatility", "gross", "net")):
            assert double.risk_metrics[name] == pytest.approx(2 * value, rel=1e-12, abs=1e-18), name
