from __future__ import annotations

import pytest

from riskdesk_assets.optimizer.expected_return import capped_horizon, reversion


def expected(**changes: float | None) -> float:
    given: dict[str, float | int | None] = {
        "gross": 0.2,
        "direction": -1,
        "zscore": 2.0,
        "spread_sd": 0.03,
        "beta": 1.0,
        "half_life": 10.0,
        "horizon": 30.0,
        "kappa": 0.2,
        "default_half_life": 252.0,
    }
    return reversion(**{**given, **changes})  # type: ignore[arg-type]


def test_the_formula_by_hand() -> None:
    # 0.2 x 0.2 x 2 x 0.03 x (1 - 2^-3) / ((1 + 1) x 30) = 0.0024 x 0.875 / 60
    assert expected() == pytest.approx(0.0024 * 0.875 / 60, rel=1e-15)


@pytest.mark.parametrize(("direction", "zscore"), [(1, 2.0), (-1, -2.0), (0, 2.0), (1, 0.0)])
def test_a_position_that_does_not_oppose_z_expects_nothing(direction: int, zscore: float) -> None:
    assert expected(direction=direction, zscore=zscore) == 0.0


def test_a_long_spread_below_its_mean_earns_as_a_short_one_above() -> None:
    assert expected(direction=1, zscore=-2.0) == expected()


def test_without_a_half_life_the_default_is_read() -> None:
    assert expected(half_life=None) == expected(half_life=252.0)
    assert expected(half_life=None) < expected()


def test_a_horizon_beyond_a_year_counts_as_a_year() -> None:
    assert expected(horizon=400.0) == expected(horizon=252.0)
    assert capped_horizon(251.0) == 251.0


def test_a_negative_hedge_ratio_counts_by_its_size() -> None:
    assert expected(beta=-1.0) == expected()


@pytest.mark.parametrize("horizon", [0.0, -3.0, float("nan")])
def test_a_horizon_below_one_session_is_refused(horizon: float) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        capped_horizon(horizon)
