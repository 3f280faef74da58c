"""Document 003's topics "Position Sizing" (4), with X-01 to X-03."""

from __future__ import annotations

import pytest

from riskdesk_assets.gatekeeper.config import TAPE_REGIMES, RPMConfig
from riskdesk_assets.gatekeeper.engine import RiskPortfolioManager
from riskdesk_assets.gatekeeper.position_sizing import Sizing, confidence_multiplier, unit_ceiling, vol_multiplier

from .asking import ask, units


def _sizing(config: RPMConfig | None = None, **changes: object) -> Sizing:
    given: dict[str, object] = {"confidence": 0.75, "regime": "TRENDING", "atr": 0.0010, "vol_percentile": 0.5}
    given |= {"capital": 100_000.0, "risk_per_trade": 0.01, "atr_multiplier": 1.5, "config": config or RPMConfig()}
    return unit_ceiling(**(given | changes))


def test_the_formula_by_hand() -> None:
    # 100,000 x 0.01 / (0.0010 x 1.5) = 666,666.67; x 0.75 x 1.2 x 1 = 600,000
    sizing = _sizing()
    assert sizing.risk_capital == 1000.0
    assert sizing.base_units == pytest.approx(666_666.67, abs=0.01)
    assert sizing[2:5] == (0.75, 1.2, 1.0)
    assert sizing.units == pytest.approx(600_000, rel=1e-12)
    # 1,000 / (0.0225 x 1.5) x 0.9 = 26,666.67
    assert _sizing(atr=0.0225).units == pytest.approx(26_666.67, abs=0.005)


def test_confidence_counts_within_half_and_one_and_a_half() -> None:
    clip, affine = RPMConfig(), RPMConfig(confidence_mode="affine")
    assert [confidence_multiplier(c, clip) for c in (0.0, 0.5, 0.75, 1.0)] == [0.5, 0.5, 0.75, 1.0]
    assert [confidence_multiplier(c, affine) for c in (0.0, 0.5, 1.0)] == [0.5, 1.0, 1.5]
    assert confidence_multiplier(0.3, RPMConfig(confidence_scaling=False)) == 1.0


def test_each_regime_has_its_multiplier() -> None:
    base = _sizing(regime="RANGING").units
    assert [_sizing(regime=regime).units / base for regime in TAPE_REGIMES] == pytest.approx([1.2, 1.0, 0.7, 0.3])


def test_extreme_volatility_halves_the_size_in_a_straight_line() -> None:
    config = RPMConfig()
    given = (0.0, 0.8, 0.85, 0.9, 1.0)
    assert [vol_multiplier(p, config) for p in given] == pytest.approx([1.0, 1.0, 0.875, 0.75, 0.5])


def test_the_atr_of_a_pair_quoted_in_yen_is_in_yen() -> None:
    # ATR of 1.5 yen at 150 yen to the dollar is a cent a unit: 1,000 / (0.01 x 1.5) x 0.75 x 1.2 = 60,000, capped at 30,000
    output = ask(RiskPortfolioManager(), symbol="USDJPY", atr=1.5, current_price=150.0)
    assert output.decision.approved_trade is not None
    assert output.decision.approved_trade.sizing.units == pytest.approx(60_000)
    assert units(output) == pytest.approx(30_000)
