"""A pair's warnings: each threshold from both sides, in words that show the difference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from riskdesk_assets.common.settings import Desk
from riskdesk_assets.features.pair_health import PairHealth, pair_warnings
from riskdesk_tests.desk_builder import changed, desk_config

DESK: Desk = desk_config().desk
WELL = PairHealth(zscore=1.0, beta=0.8, half_life=40.0, pvalue=0.05, correlation=0.5, beta_stability=0.2, no_cross_sessions=40)


def test_a_pair_at_every_threshold_is_well() -> None:
    assert pair_warnings(WELL, 40, DESK) == {}


@pytest.mark.parametrize(
    ("figure", "value", "said"),
    [
        ("half_life", 250.79, "half-life 251 sessions, beyond the ticket's horizon of 40"),
        ("half_life", 40.04, "half-life 40.04 sessions, beyond the ticket's horizon of 40"),
        ("half_life", None, "no half-life: the spread shows no reversion"),
        ("pvalue", 0.3131, "cointegration p 0.31, above 0.05"),
        ("pvalue", 0.0501, "cointegration p 0.0501, above 0.05"),
        ("correlation", 0.49, "correlation 0.49, below 0.5"),
        ("beta_stability", 0.34, "hedge ratio unsteady by 0.34, above 0.2"),
        ("no_cross_sessions", 180, "no cross of the mean for 180 sessions, beyond the ticket's horizon of 40"),
        ("beta", 0.15, "hedge ratio 0.15, below 0.2"),
        ("beta", -0.4, "hedge ratio -0.40, below 0.2"),
        ("zscore", -3.2, "z -3.20, broken down from 3 on"),
    ],
)
def test_a_figure_beyond_its_threshold_warns_in_words(figure: str, value: float | None, said: str) -> None:
    assert pair_warnings(replace(WELL, **{figure: value}), 40, DESK) == {figure: said}


def test_what_is_not_known_does_not_warn_and_without_a_horizon_nothing_is_held_against_it() -> None:
    unknown = replace(WELL, pvalue=None, correlation=None, beta_stability=None, half_life=500.0, no_cross_sessions=252)
    assert pair_warnings(unknown, None, DESK) == {}


def test_the_thresholds_are_the_configurations() -> None:
    desk = changed(changed(DESK, "pair_health.significance", 0.4), "controller.min_beta", None)
    assert pair_warnings(replace(WELL, pvalue=0.3, beta=0.1), 40, desk) == {}
