"""Risk on, neutral, risk off: three signs, each at its boundary."""

from __future__ import annotations

import pytest

from riskdesk_assets.reports.posture import posture, session_posture
from riskdesk_tests.desk_builder import changed, desk_config

SETTINGS = desk_config().desk.expected_pnl


@pytest.mark.parametrize(
    ("regime", "ratio", "scale", "stance", "points"),
    [
        ("Calm", 1.0, 1.0, "RISK ON", [1, 1, 0]),
        ("Calm", 0.999, 1.25, "RISK ON", [1, 0, 1]),
        ("Calm", 0.999, 1.249, "NEUTRAL", [1, 0, 0]),
        ("Normal", 1.0, 1.25, "RISK ON", [0, 1, 1]),
        ("Normal", 0.5, 0.75, "NEUTRAL", [0, 0, -1]),
        ("Normal", 0.499, 0.75, "RISK OFF", [0, -1, -1]),
        ("Event", 0.5, 0.751, "NEUTRAL", [-1, 0, 0]),
        ("Event", -2.0, 1.0, "RISK OFF", [-1, -1, 0]),
        ("Event", 3.0, 1.5, "NEUTRAL", [-1, 1, 1]),
        (None, None, None, "NEUTRAL", [0, 0, 0]),
        ("Event", None, None, "NEUTRAL", [-1, 0, 0]),
    ],
)
def test_two_signs_that_agree_decide(
    regime: str | None, ratio: float | None, scale: float | None, stance: str, points: list[int]
) -> None:
    found = posture(regime, ratio, scale, SETTINGS)
    assert (found.stance, [sign.points for sign in found.signs], found.points) == (stance, points, sum(points))


def test_the_words_say_which_sign_counts_what() -> None:
    assert posture("Event", 0.25, 1.0, SETTINGS).words == (
        "market regime Event (-1), realized/expected 25% (-1), vol scale 1.00 (0)"
    )


def test_a_ratio_counts_once_its_window_is_full_and_a_flat_proposal_has_no_scale() -> None:
    total = {"scope": "TOTAL", "market_regime": "Calm", "realized_ratio": 0.4, "employed_ratio": 2.0, "status": "TOO_FEW"}
    flat = [{"units": 0.0, "vol_scale": 1.5}]
    assert session_posture([total], flat, SETTINGS).stance == "NEUTRAL"
    full = {**total, "status": "ON_TRACK"}
    assert session_posture([full], flat, SETTINGS).stance == "RISK ON"
    asking = [*flat, {"units": -0.5, "vol_scale": 0.6}]
    assert [sign.points for sign in session_posture([full], asking, SETTINGS).signs] == [1, 1, -1]
    assert session_posture([], [], SETTINGS).stance == "NEUTRAL"


def test_the_ratio_is_that_of_employed_capital_and_none_where_nothing_was_held() -> None:
    total = {"scope": "TOTAL", "market_regime": "Calm", "realized_ratio": 0.1, "employed_ratio": 1.2, "status": "ON_TRACK"}
    assert (
        session_posture([total], [], SETTINGS).words
        == "market regime Calm (+1), realized/expected 120% (+1), vol scale flat (0)"
    )
    flat = {**total, "realized_ratio": 0.0, "employed_ratio": None, "status": "NOT_EMPLOYED"}
    assert session_posture([flat], [], SETTINGS).signs[1].reading == "unknown"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("desk.expected_pnl.posture.scale_off", 1.25, "scale_off 1.25 is not below scale_on 1.25"),
        ("desk.expected_pnl.posture.ratio_on", 0.4, "is below underperforming_below"),
        ("desk.expected_pnl.underperforming_below", 1.0, "less than 1"),
        ("desk.expected_pnl.window_sessions", 4, "greater than or equal to 5"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(field: str, value: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        changed(desk_config(), field, value)
