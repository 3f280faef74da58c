"""Document 003's topics "Configuration" (6)."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.gatekeeper.config import RPMConfig


def test_the_defaults_are_the_documents() -> None:
    config = RPMConfig()
    written = {  # document 003, "Key Parameters" and "Portfolio Constraints"
        "total_capital": 100000.0,
        "risk_per_trade": 0.01,
        "max_drawdown": 0.10,
        "daily_loss_limit": 0.02,
        "weekly_loss_limit": 0.05,
        "min_confidence_threshold": 0.60,
        "atr_window": 14,
        "atr_multiplier": 1.5,
        "confidence_scaling": True,
        "max_symbol_units": 200000,
        "max_symbol_exposure_pct": 0.30,
        "max_currency_exposure_pct": 0.50,
        "max_concurrent_positions": 8,
        "regime_adjustments": {"TRENDING": 1.2, "RANGING": 1.0, "VOLATILE": 0.7, "STRESSED": 0.3},
        "max_daily_drawdown": 0.03,
        "vol_shock_ratio": 3.0,
        "cooldown_seconds": 3600,
    }
    assert {name: getattr(config, name) for name in written} == written
    assert RPMConfig.balanced() == config


@pytest.mark.parametrize(
    ("preset", "numbers"),
    [  # document 003, "Configuration Tuning"
        (RPMConfig.conservative(), (0.005, 0.05, 0.01, 0.03, 0.20, (1.0, 0.8, 0.5, 0.2))),
        (RPMConfig.aggressive(), (0.02, 0.15, 0.03, 0.08, 0.40, (1.5, 1.2, 0.8, 0.5))),
    ],
)
def test_the_presets_are_the_documents_verbatim(preset: RPMConfig, numbers: tuple[object, ...]) -> None:
    regimes = tuple(preset.regime_adjustments[name] for name in ("TRENDING", "RANGING", "VOLATILE", "STRESSED"))
    found = (preset.risk_per_trade, preset.max_drawdown, preset.daily_loss_limit, preset.weekly_loss_limit)
    assert (*found, preset.max_symbol_exposure_pct, regimes) == numbers


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("total_capital", 0.0),
        ("total_capital", -1.0),
        ("total_capital", float("inf")),
        ("total_capital", True),
        ("total_capital", "100000"),
        ("risk_per_trade", 0.0),
        ("risk_per_trade", 1.5),
        ("risk_per_trade", float("nan")),
        ("max_drawdown", 1.0),
        ("daily_loss_limit", -0.02),
        ("min_confidence_threshold", 1.1),
        ("atr_window", 0),
        ("atr_window", 14.5),
        ("atr_multiplier", 0.0),
        ("confidence_scaling", 1),
        ("confidence_mode", "linear"),
        ("max_concurrent_positions", 0),
        ("max_symbol_units", 0.0),
        ("correlation_threshold", 1.2),
        ("vol_shock_ratio", 1.0),
        ("cooldown_seconds", -1.0),
        ("regime_adjustments", {"TRENDING": 1.2}),
        ("regime_adjustments", {"TRENDING": 1.2, "RANGING": 1.0, "VOLATILE": -0.7, "STRESSED": 0.3}),
        ("regime_adjustments", {"TRENDING": 1.2, "RANGING": 1.0, "VOLATILE": 0.7, "STRESSED": 0.9}),
        ("regime_adjustments", {"TRENDING": 1.2, "RANGING": 1.0, "VOLATILE": 0.7, "STRESSED": float("nan")}),
        ("regime_adjustments", {"TRENDING": 1.2, "RANGING": 1.0, "VOLATILE": 0.7, "STRESSED": 0.3, "CALM": 1.0}),
        ("account_currency", "dollars"),
        ("unknown", 1),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(field: str, wrong: object) -> None:
    with pytest.raises(ValidationError) as refused:
        RPMConfig.model_validate({field: wrong})
    assert field in str(refused.value)


def test_limits_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="above weekly_loss_limit"):
        RPMConfig(daily_loss_limit=0.06)
    with pytest.raises(ValidationError, match="above max_gross_exposure"):
        RPMConfig(max_net_exposure=2.5)
    with pytest.raises(ValidationError, match="above max_gross_exposure"):
        RPMConfig(max_symbol_exposure_pct=3.0)


def test_a_configuration_is_frozen_and_a_files_unknown_key_is_told_with_the_nearest() -> None:
    with pytest.raises(ValidationError):
        RPMConfig().risk_per_trade = 0.5  # type: ignore[misc]
    with pytest.raises(InputError, match=r"rpm.yaml: risk_per_trad: unknown key; did you mean 'risk_per_trade'"):
        RPMConfig.from_mapping({"risk_per_trad": 0.01}, "rpm.yaml")


def test_the_hash_is_of_the_values_and_the_same_in_every_process() -> None:
    again = RPMConfig(
        total_capital=100000,
        regime_adjustments={"STRESSED": 0.3, "VOLATILE": 0.7, "RANGING": 1.0, "TRENDING": 1.2},
    )
    assert again.hash == RPMConfig().hash
    assert RPMConfig(risk_per_trade=0.011).hash != RPMConfig().hash
    said = "from riskdesk_assets import RPMConfig; print(RPMConfig().hash)"
    other = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    )
    assert other.stdout.strip() == RPMConfig().hash
