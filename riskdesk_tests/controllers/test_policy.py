from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.controllers.baseline import Rules, Signal, Stance, propose
from riskdesk_assets.controllers.policy import Decision, confidence, decide, decide_value
from riskdesk_assets.controllers.policy_model import Fit, Thresholds

TODAY = date(2026, 3, 2)
RULES = Rules(
    orientation="BOTH",
    max_units=1.0,
    entry_z=1.5,
    exit_z=0.2,
    time_stop_sessions=20,
    flatten_on_breakdown=True,
    rearm_after_breakdown=True,
    min_beta=0.2,
    effective_from=None,
    expires_on=date(2026, 12, 31),
)
BOUNDS = Thresholds(hold=-0.0006, half=0.0, full=0.002)
FLAT = Stance(0, 0, armed=True)
LONG = Stance(1, 3, armed=True)
SHORT = Stance(-1, 3, armed=True)


def decided(
    value: float | None,
    z: float | None = 1.0,
    stance: Stance = FLAT,
    *,
    beta: float = 1.0,
    own_entry_z: float | None = None,
    block: str | None = None,
    on: date = TODAY,
    **rules: object,
) -> Decision:
    signal = None if z is None else Signal(z, beta, abs(z) >= 3.0)
    return decide_value(BOUNDS, value, replace(RULES, **rules), own_entry_z, signal, stance, on, block)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "units"), [(-0.0000001, 0.0), (0.0, -0.5), (0.0019999, -0.5), (0.002, -1.0), (0.5, -1.0), (-0.01, 0.0)]
)
def test_a_flat_ticket_takes_half_a_unit_against_z_from_one_threshold_and_a_full_one_from_the_other(
    value: float, units: float
) -> None:
    assert decided(value).proposal.units == units
    assert decided(value, -1.0).proposal.units == -units


@pytest.mark.parametrize(("value", "units"), [(-0.0006, -0.5), (-0.00060001, 0.0), (0.0, -0.5), (0.002, -1.0)])
def test_a_held_position_is_kept_at_half_while_leaving_costs_more_than_staying(value: float, units: float) -> None:
    assert decided(value, 1.0, SHORT).proposal.units == units


def test_leaving_and_staying_away_are_called_by_name() -> None:
    assert decided(-1.0, 1.0, SHORT).proposal.reason == "POLICY_EXIT"
    assert decided(-1.0).proposal.reason == "POLICY_FLAT"
    assert decided(1.0).proposal.reason == "ENTER"
    assert decided(1.0, 1.0, SHORT).proposal.reason == "HOLD"
    assert decided(1.0, 1.6, LONG).proposal.reason == "REVERSE"


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"on": date(2027, 1, 1)}, "EXPIRED_SKIP"),
        ({"effective_from": date(2026, 4, 1)}, "NOT_YET_EFFECTIVE"),
        ({"stance": Stance(-1, 20, armed=True)}, "TIME_STOP"),
        ({"z": 3.5}, "BREAKDOWN_FLATTEN"),
        ({"z": 0.1}, "FLAT"),
        ({"stance": Stance(0, 0, armed=False)}, "NOT_REARMED"),
        ({"orientation": "LONG_SPREAD"}, "ORIENTATION"),
        ({"beta": 0.1}, "BETA_TOO_LOW"),
        ({"block": "RESTRICTED"}, "RESTRICTED"),
        ({"own_entry_z": 1.2}, "FLAT"),
        ({"z": None}, "NO_FEATURES"),
    ],
)
def test_however_sure_it_is_every_limit_of_the_baseline_stands(asked: dict[str, object], reason: str) -> None:
    found = decided(9.9, **asked)  # type: ignore[arg-type]
    assert (found.proposal.units, found.proposal.reason) == (0.0, reason)
    assert found.confidence is None


def test_it_may_enter_below_the_desks_entry_z_but_not_below_the_one_a_ticket_gives_itself() -> None:
    assert decided(1.0, 1.0).proposal.units == -1.0
    assert decided(1.0, 1.0, own_entry_z=1.0).proposal.units == -1.0
    assert decided(1.0, 1.0, own_entry_z=1.1).proposal.units == 0.0
    assert decided(1.0, 1.0, SHORT, own_entry_z=1.1).proposal.units == -1.0, "what is held is not entered again"


def test_a_low_conviction_caps_it_at_half_a_unit() -> None:
    assert decided(9.9, max_units=0.5).proposal.units == -0.5


@pytest.mark.parametrize("barred", [{"block": "BLACKOUT"}, {"beta": 0.1}])
def test_a_held_position_may_not_grow_where_it_could_not_be_entered(barred: dict[str, object]) -> None:
    found = decided(9.9, 1.0, SHORT, **barred)  # type: ignore[arg-type]
    assert (found.proposal.units, found.proposal.never_add) == (-1.0, True)
    assert not decided(9.9, 1.0, SHORT).proposal.never_add


def test_a_missing_feature_keeps_what_is_held_and_enters_nothing() -> None:
    kept = decided(None, 1.0, SHORT).proposal
    assert (kept.units, kept.never_add, kept.reason) == (-1.0, True, "HOLD_NO_POLICY_FEATURES")
    assert (decided(None).proposal.units, decided(None).proposal.reason) == (0.0, "NO_POLICY_FEATURES")


def test_its_confidence_runs_from_a_half_where_it_would_just_stay_to_one_where_it_takes_all() -> None:
    assert confidence(BOUNDS, -0.0006) == 0.5 == confidence(BOUNDS, -1.0)
    assert confidence(BOUNDS, 0.002) == 1.0 == confidence(BOUNDS, 1.0)
    assert confidence(BOUNDS, 0.0007) == pytest.approx(0.75)
    assert confidence(Thresholds(hold=0.0, half=0.0, full=0.0), -1.0) == 1.0
    assert decided(0.0007).confidence == pytest.approx(0.75)
    assert decided(0.0007).value == 0.0007


def test_a_prediction_adds_up_feature_by_feature_with_outliers_cut() -> None:
    fit = Fit.model_validate(
        {
            "features": ("a", "b"),
            "means": (1.0, 10.0),
            "sds": (2.0, 5.0),
            "coefficients": (0.01, -0.02),
            "intercept": 0.001,
            "lambda": 1.0,
            "clip": 3.0,
            "thresholds": BOUNDS,
        }
    )
    # 0.001 + 0.01 x (5 - 1) / 2 - 0.02 x (15 - 10) / 5; then b ten sd out counts as three.
    assert fit.predict((5.0, 15.0)) == pytest.approx(0.001)
    assert fit.predict((5.0, -40.0)) == pytest.approx(0.001 + 0.02 + 0.06)
    found = decide(fit, (5.0, -40.0), RULES, None, Signal(1.0, 1.0, extreme_z=False), FLAT, TODAY, None)
    assert found.value == fit.predict((5.0, -40.0))


RULE_SETS = st.builds(
    Rules,
    orientation=st.sampled_from(["LONG_SPREAD", "SHORT_SPREAD", "BOTH"]),
    max_units=st.sampled_from([0.5, 1.0]),
    entry_z=st.just(1.5),
    exit_z=st.sampled_from([0.0, 0.2, 1.0]),
    time_stop_sessions=st.integers(1, 30),
    flatten_on_breakdown=st.booleans(),
    rearm_after_breakdown=st.booleans(),
    min_beta=st.sampled_from([None, 0.2]),
    effective_from=st.sampled_from([None, date(2026, 3, 3), date(2026, 3, 1)]),
    expires_on=st.sampled_from([date(2026, 3, 1), date(2026, 12, 31)]),
)
ZS = st.floats(-4, 4)
SIGNALS = st.none() | st.builds(lambda z, beta: Signal(z, beta, abs(z) >= 3.0), ZS, st.floats(-0.5, 2))
STANCES = st.builds(Stance, st.sampled_from([-1, 0, 1]), st.integers(0, 40), st.booleans())
VALUES = st.none() | st.floats(-0.1, 0.1)
BOUND_SETS = st.lists(st.floats(-0.05, 0.05), min_size=3, max_size=3).map(
    lambda three: Thresholds(**dict(zip(("hold", "half", "full"), sorted(three), strict=True)))
)


@given(
    BOUND_SETS, VALUES, RULE_SETS, st.sampled_from([None, 0.5, 1.5, 2.5]), SIGNALS, STANCES, st.sampled_from([None, "BLACKOUT"])
)
def test_it_never_flips_a_side_and_never_exceeds_what_the_baselines_limits_allow(
    bounds: Thresholds,
    value: float | None,
    rules: Rules,
    own: float | None,
    signal: Signal | None,
    stance: Stance,
    block: str | None,
) -> None:
    found = decide_value(bounds, value, rules, own, signal, stance, TODAY, block).proposal
    most = propose(replace(rules, entry_z=max(rules.exit_z, own or 0.0)), signal, stance, TODAY, block)
    baseline = propose(rules, signal, stance, TODAY, block)
    assert abs(found.units) in (0.0, 0.5, 1.0)
    assert abs(found.units) <= abs(most.units) <= rules.max_units
    assert found.units * most.units >= 0
    if found.units and signal is not None and found.reason in ("ENTER", "REVERSE", "HOLD"):
        assert found.units * signal.zscore < 0, "only ever the reversion side"
    if found.units and found.units * stance.side <= 0:
        assert block is None, "an entry where entries are barred"
        assert signal is not None
        assert abs(signal.zscore) >= max(rules.exit_z, own or 0.0)
        assert rules.min_beta is None or signal.beta >= rules.min_beta
        assert stance.armed or abs(signal.zscore) < rules.exit_z
    if most.never_add and found.units:
        assert found.never_add
    limits = {"EXPIRED_SKIP", "NOT_YET_EFFECTIVE", "TIME_STOP", "BREAKDOWN_FLATTEN", "ORIENTATION_CHANGED"}
    if baseline.reason in limits:
        assert found == baseline
