"""Every multiplier of a strategy's capital by hand, and what holds for all of them (methods.md section 5)."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.sizing import BUCKETS, REGIMES, TIERS, SizingRules
from riskdesk_assets.strategy.sizing import StrategySize, score, size_strategies
from riskdesk_assets.strategy.strategy_file import Strategy
from riskdesk_assets.strategy.streams import StrategyCovariance
from riskdesk_tests.desk_builder import changed, desk_config

NAV = 2_500_000.0
RULES = desk_config().sizing
NOTHING = StrategyCovariance((), ())


def strategy(name: str = "a", **fields: Any) -> Strategy:
    base = {"strategy_name": name, "bucket": "RV", "signal_type": "flow", "conviction": "Medium"}
    return Strategy.model_validate(base | fields)


def sized(
    *strategies: Strategy,
    regime: str | None = "Normal",
    covariance: StrategyCovariance = NOTHING,
    rules: SizingRules = RULES,
    tickets: dict[str, int] | None = None,
) -> dict[str, StrategySize]:
    counts = dict.fromkeys((item.strategy_name for item in strategies), 1) if tickets is None else tickets
    found = size_strategies(strategies, counts, regime, covariance, rules, NAV)
    return {size.strategy.strategy_name: size for size in found}


def final(*strategies: Strategy, **given_: Any) -> float:
    return sized(*strategies, **given_)[strategies[0].strategy_name].final_size


# --- goldens, by hand: nav 2,500,000 x base fraction 0.20 = 500,000 --------------------------------------------------


@pytest.mark.parametrize(("tier", "dollars"), [("Low", 250_000), ("Medium", 500_000), ("High", 750_000), ("Exceptional", 1e6)])
def test_conviction_multiplies_the_base_size(tier: str, dollars: float) -> None:
    assert final(strategy(conviction=tier)) == dollars


@pytest.mark.parametrize(
    ("earned", "risk", "factor"),
    [
        (0.06, 0.10, 1.2),  # 0.6 / 0.5
        (0.05, 0.10, 1.0),
        (0.02, 0.10, 0.5),  # 0.4, floored
        (0.09, 0.10, 1.5),  # 1.8, capped
    ],
)
def test_return_over_risk_multiplies_within_its_floor_and_cap(earned: float, risk: float, factor: float) -> None:
    assert final(strategy(expected_return=earned, expected_risk=risk)) == pytest.approx(500_000 * factor, rel=1e-12)


def test_kelly_caps_what_conviction_and_ratio_ask_for() -> None:
    # 500,000 x 1.5 x clip(0.2 / 0.8 / 0.5) = 375,000; a quarter of Kelly: 0.25 x 0.2 / 0.64 x 2,500,000 = 195,312.50
    size = sized(strategy(conviction="High", expected_return=0.2, expected_risk=0.8))["a"]
    assert size.return_risk_multiplier == 0.5
    assert size.kelly_size == pytest.approx(195_312.5)
    assert size.kelly_multiplier == pytest.approx(195_312.5 / 375_000)
    assert size.final_size == pytest.approx(195_312.5)


def test_a_strategy_expected_to_lose_gets_nothing_and_one_without_an_estimate_is_not_capped() -> None:
    assert final(strategy(expected_return=-0.02, expected_risk=0.1)) == 0.0
    assert sized(strategy())["a"].kelly_size is None


def test_a_bucket_is_scaled_into_its_cap() -> None:
    # RV: 1,000,000 x 5 = 5,000,000 into 1.5 x 2,500,000 = 3,750,000: 0.75 each; Spread is another bucket
    many = [strategy(name, conviction="Exceptional") for name in "abcde"]
    found = sized(*many, strategy("s", bucket="Spread"))
    assert [found[name].final_size for name in "abcde"] == [750_000.0] * 5
    assert found["s"].final_size == 500_000.0


def test_one_strategy_may_be_held_to_a_share_of_nav() -> None:
    rules = changed(desk_config(), "sizing.max_strategy_pct", 0.3).sizing
    size = sized(strategy(conviction="Exceptional"), rules=rules)["a"]
    assert (size.recommended_size, size.strategy_cap_multiplier, size.final_size) == (1_000_000.0, 0.75, 750_000.0)


@pytest.mark.parametrize(("regime", "dollars"), [("Calm", 500_000), ("Normal", 500_000), ("Event", 400_000), (None, 400_000)])
def test_the_regime_adjusts_and_an_unknown_one_counts_as_the_worst(regime: str | None, dollars: float) -> None:
    assert final(strategy(), regime=regime) == dollars


@pytest.mark.parametrize(("regime", "dollars"), [("Calm", 500_000), ("Event", 0), (None, 0)])
def test_a_strategy_takes_no_part_in_a_regime_it_does_not_fit(regime: str | None, dollars: float) -> None:
    size = sized(strategy(regime_fit="Calm|Normal"), regime=regime)["a"]
    assert size.final_size == dollars
    assert bool(size.reason) == (dollars == 0)


def test_what_moves_with_the_others_has_less() -> None:
    # a: mean of 0.6 to b (500,000) and -0.2 to c (1,000,000) = 0.2 / 3; a keeps 1 - 0.5 x 0.0667
    covariance = StrategyCovariance(("a", "b", "c"), ((1.0, 0.6, -0.2), (0.6, 1.0, 0.0), (-0.2, 0.0, 1.0)))
    found = sized(strategy("a"), strategy("b"), strategy("c", conviction="Exceptional"), covariance=covariance)
    assert found["a"].mean_correlation == pytest.approx((0.6 * 500_000 - 0.2 * 1_000_000) / 1_500_000)
    assert found["a"].final_size == pytest.approx(500_000 * (1 - 0.5 * 0.1 / 1.5))
    # c: mean of -0.2 and 0 is below nothing: no bonus
    assert found["c"].correlation_adjustment == 1.0
    assert sized(strategy("a"), covariance=covariance)["a"].mean_correlation is None
    # risk: 3 x 3 with the final sizes, Euler
    sizes = [found[name].final_size for name in "abc"]
    rows = [sum(c * other for c, other in zip(row, sizes, strict=True)) for row in covariance.matrix]
    parts = [mine * row for mine, row in zip(sizes, rows, strict=True)]
    assert [found[name].risk_contribution for name in "abc"] == pytest.approx([part / sum(parts) for part in parts])


def test_candidates_and_strategies_without_a_ticket_have_a_size_and_no_capital_and_crowd_nobody() -> None:
    big = [strategy(name, conviction="Exceptional") for name in "abc"]
    found = sized(
        *big,
        strategy("d", conviction="Exceptional", status="candidate"),
        strategy("e", conviction="Exceptional"),
        tickets={"a": 1, "b": 1, "c": 1, "d": 1},
    )
    assert [found[name].final_size for name in "abcde"] == [1e6, 1e6, 1e6, 0.0, 0.0]
    assert found["d"].recommended_size == found["e"].recommended_size == 1e6
    assert (found["d"].reason, found["e"].reason) == ("a candidate has no capital", "no ticket in force")


def test_the_score_is_one_for_a_medium_conviction_at_the_reference_ratio() -> None:
    fair = strategy(expected_return=0.05, expected_risk=0.1)
    assert score(fair, "Calm", RULES) == 1.0
    assert score(strategy(conviction="High", expected_return=0.06, expected_risk=0.1), "Calm", RULES) == pytest.approx(1.8)
    assert score(strategy(regime_fit="Calm", expected_return=0.05, expected_risk=0.1), "Event", RULES) == 0.0
    assert score(strategy(expected_return=-0.5, expected_risk=0.1), "Calm", RULES) == 0.0


# --- what always holds -----------------------------------------------------------------------------------------------


@st.composite
def libraries(draw: st.DrawFn) -> list[Strategy]:
    found = []
    for number in range(draw(st.integers(1, 6))):
        estimate = {}
        if draw(st.booleans()):
            estimate = {"expected_return": draw(st.floats(-0.2, 0.5)), "expected_risk": draw(st.floats(0.02, 1.0))}
        fit = draw(st.sets(st.sampled_from(REGIMES), min_size=1))
        found.append(
            strategy(
                f"s{number}",
                bucket=draw(st.sampled_from(BUCKETS[2:4])),
                conviction=draw(st.sampled_from(TIERS)),
                regime_fit="|".join(sorted(fit)),
                status=draw(st.sampled_from(["active", "active", "candidate"])),
                **estimate,
            )
        )
    return found


@st.composite
def covariances(draw: st.DrawFn) -> StrategyCovariance:
    names = tuple(f"s{number}" for number in range(6))
    loads = [[draw(st.floats(-1, 1)) for _ in range(3)] for _ in names]
    matrix = [[sum(a * b for a, b in zip(one, two, strict=True)) + (one is two) * 0.1 for two in loads] for one in loads]
    return StrategyCovariance(names, tuple(map(tuple, matrix)))


REGIME = st.sampled_from([*REGIMES, None])


@settings(max_examples=80)
@given(libraries(), covariances(), REGIME, st.integers(0, 5), st.integers(1, 3))
def test_more_conviction_never_lowers_a_strategys_capital_or_score(
    library: list[Strategy], covariance: StrategyCovariance, regime: str | None, place: int, steps: int
) -> None:
    item = library[place % len(library)]
    more = item.model_copy(update={"conviction": TIERS[min(3, TIERS.index(item.conviction) + steps)]})
    name = item.strategy_name
    before = sized(*library, covariance=covariance, regime=regime)[name]
    after = sized(*(more if each is item else each for each in library), covariance=covariance, regime=regime)[name]
    assert after.final_size >= before.final_size * (1 - 1e-12)
    assert score(more, regime, RULES) >= score(item, regime, RULES)


@settings(max_examples=80)
@given(libraries(), covariances(), REGIME)
def test_kelly_caps_regime_and_correlation_never_raise_and_no_cap_is_passed(
    library: list[Strategy], covariance: StrategyCovariance, regime: str | None
) -> None:
    found = sized(*library, covariance=covariance, regime=regime)
    for size in found.values():
        cuts = (
            size.kelly_multiplier,
            size.strategy_cap_multiplier,
            size.bucket_multiplier,
            size.regime_adjustment,
            size.regime_fit,
            size.correlation_adjustment,
        )
        assert all(0 <= cut <= 1 for cut in cuts)
        assert 0 <= size.final_size <= size.capital_allocation <= size.recommended_size * (1 + 1e-12)
        asked = size.base_size * size.conviction_multiplier * size.return_risk_multiplier
        assert size.recommended_size <= asked * (1 + 1e-12)
        if size.kelly_size is not None:
            assert size.recommended_size <= size.kelly_size * (1 + 1e-12)
        assert size.takes_part or size.final_size == 0
    for bucket in BUCKETS:
        allocated = sum(size.capital_allocation for size in found.values() if size.strategy.bucket == bucket)
        assert allocated <= RULES.max_allocation_pct[bucket] * NAV * (1 + 1e-12)
    shares = [size.risk_contribution for size in found.values()]
    assert sum(shares) == pytest.approx(1.0) or not any(shares)


@settings(max_examples=40)
@given(libraries(), covariances(), st.integers(0, 1000))
def test_without_kelly_without_penalty_and_in_the_mildest_regime_nobody_has_less(
    library: list[Strategy], covariance: StrategyCovariance, seed: int
) -> None:
    regime = REGIMES[seed % 3]
    strict = sized(*library, covariance=covariance, regime=regime)
    free = RULES.model_copy(update={"correlation_penalty": 0.0})
    for name, size in sized(*library, covariance=covariance, regime=regime, rules=free).items():
        assert size.final_size >= strict[name].final_size
    mild = RULES.model_copy(update={"regime_adjustment": dict.fromkeys(REGIMES, 1.0)})
    for name, size in sized(*library, covariance=covariance, regime=regime, rules=mild).items():
        assert size.final_size >= strict[name].final_size
    unbounded = RULES.model_copy(update={"kelly_fraction": None})
    for name, size in sized(*library, covariance=covariance, regime=regime, rules=unbounded).items():
        assert size.recommended_size >= strict[name].recommended_size


@settings(max_examples=40)
@given(libraries(), covariances(), REGIME, st.integers(0, 1000))
def test_the_order_of_the_library_changes_no_bit(
    library: list[Strategy], covariance: StrategyCovariance, regime: str | None, seed: int
) -> None:
    turned = list(library)
    random.Random(seed).shuffle(turned)
    assert sized(*turned, covariance=covariance, regime=regime) == sized(*library, covariance=covariance, regime=regime)
