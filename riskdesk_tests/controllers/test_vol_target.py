from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.common.settings import VolTargetSettings
from riskdesk_assets.controllers.vol_target import cap_ticket, volatility_scale
from riskdesk_assets.risk_model.covariance import Covariance

SETTINGS = VolTargetSettings(enabled=True, target_daily_vol=0.003, min_scale=0.5, max_scale=1.5)
# two names at 2% a day, uncorrelated
COVARIANCE = Covariance(("A", "B"), np.diag([0.02**2, 0.02**2]), 0.0, 252)


def test_the_scale_brings_the_proposal_to_the_target() -> None:
    # 300,000 in A of a nav of 2,000,000: 0.15 x 2% = 0.3% a day, the target itself
    assert volatility_scale({"A": 300_000.0}, COVARIANCE, 2_000_000, SETTINGS) == (pytest.approx(1.0), pytest.approx(0.003))
    # 375,000 and 500,000 (a 3-4-5 triangle): 0.3125 x 2% = 0.625%; 0.3 / 0.625 = 0.48, held up at 0.5
    scale, volatility = volatility_scale({"A": 375_000.0, "B": -500_000.0}, COVARIANCE, 2_000_000, SETTINGS)
    assert (scale, volatility) == (0.5, pytest.approx(0.00625))
    # 250,000 in A: 0.25%: scaled by 1.2
    assert volatility_scale({"A": -250_000.0}, COVARIANCE, 2_000_000, SETTINGS)[0] == pytest.approx(1.2)


def test_the_scale_stays_within_its_bounds() -> None:
    assert volatility_scale({"A": 1.0}, COVARIANCE, 2_000_000, SETTINGS)[0] == 1.5
    assert volatility_scale({"A": 2_000_000.0}, COVARIANCE, 2_000_000, SETTINGS)[0] == 0.5


def test_a_flat_proposal_and_a_stage_turned_off_scale_by_one() -> None:
    assert volatility_scale({}, COVARIANCE, 2_000_000, SETTINGS) == (1.0, 0.0)
    assert volatility_scale({"A": 0.0}, COVARIANCE, 2_000_000, SETTINGS) == (1.0, 0.0)
    off = SETTINGS.model_copy(update={"enabled": False})
    assert volatility_scale({"A": 2_000_000.0}, COVARIANCE, 2_000_000, off)[0] == 1.0


def test_legs_at_their_caps_are_left_alone() -> None:
    assert cap_ticket(600.0, -400.0, 1_000.0, 600.0) == (600.0, -400.0, ())


def test_a_leg_cap_shrinks_both_legs_by_one_ratio() -> None:
    # 600 -> 300 is a half; the other leg follows
    # and what the first leg's cap has left of the second is within its own: that clamp takes nothing more
    both = (("LEG_CLAMP_A", 1_000.0, 500.0), ("LEG_CLAMP_B", 500.0, 500.0))
    assert cap_ticket(600.0, -400.0, 1_000.0, 300.0) == (300.0, -200.0, both)
    assert cap_ticket(-200.0, 800.0, 1_000.0, 400.0) == (-100.0, 400.0, (("LEG_CLAMP_B", 1_000.0, 500.0),))


def test_a_second_leg_further_beyond_its_cap_takes_what_the_first_left() -> None:
    # 400 -> 300: three quarters of 1,000; then 600 -> 300: half of what was asked for
    steps = (("LEG_CLAMP_A", 1_000.0, 750.0), ("LEG_CLAMP_B", 750.0, 500.0))
    assert cap_ticket(400.0, -600.0, 1_000.0, 300.0) == (200.0, -300.0, steps)


def test_the_gross_cap_comes_after_the_leg_caps() -> None:
    # legs to 500 and 250 by the leg cap, then 750 -> 600: x 0.8
    steps = (("LEG_CLAMP_A", 1_500.0, 750.0), ("GROSS_CLAMP", 750.0, 600.0))
    assert cap_ticket(1_000.0, -500.0, 600.0, 500.0) == (400.0, -200.0, steps)


DOLLARS = st.floats(1.0, 5e6)


@given(a=DOLLARS, b=DOLLARS, signs=st.tuples(*[st.sampled_from((-1.0, 1.0))] * 2), max_gross=DOLLARS, max_leg=DOLLARS)
def test_each_clamp_starts_where_the_one_before_ended(
    a: float, b: float, signs: tuple[float, float], max_gross: float, max_leg: float
) -> None:
    asked = (signs[0] * a, signs[1] * b)
    left_a, left_b, clamps = cap_ticket(*asked, max_gross, max_leg)
    size = a + b
    for clamp in clamps:
        assert clamp.gross_in == size
        assert clamp.gross_out <= clamp.gross_in
        size = clamp.gross_out
    assert size == abs(left_a) + abs(left_b)
    order = ("LEG_CLAMP_A", "LEG_CLAMP_B", "GROSS_CLAMP")
    codes = [clamp.code for clamp in clamps]
    assert codes == [code for code in order if code in codes]
    assert ("LEG_CLAMP_A" in codes, "LEG_CLAMP_B" in codes) == (a > max_leg, b > max_leg)
    bounds = {"LEG_CLAMP_A": (abs(left_a), max_leg), "LEG_CLAMP_B": (abs(left_b), max_leg), "GROSS_CLAMP": (size, max_gross)}
    assert all(value <= bound * (1 + 1e-12) for value, bound in bounds.values())
