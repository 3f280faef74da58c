from __future__ import annotations

import numpy as np
import pytest

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
    assert cap_ticket(600.0, -400.0, 1_000.0, 300.0) == (300.0, -200.0, ("LEG_CLAMP_A", "LEG_CLAMP_B"))
    assert cap_ticket(-200.0, 800.0, 1_000.0, 400.0) == (-100.0, 400.0, ("LEG_CLAMP_B",))


def test_the_gross_cap_comes_after_the_leg_caps() -> None:
    # legs to 500 and 250 by the leg cap, then 750 -> 600: x 0.8
    assert cap_ticket(1_000.0, -500.0, 600.0, 500.0) == (400.0, -200.0, ("LEG_CLAMP_A", "GROSS_CLAMP"))
