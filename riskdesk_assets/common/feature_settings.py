"""What bars are checked by and features computed from: windows and thresholds of methods.md sections 1 to 3."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from riskdesk_assets.common.model import StrictModel


class FragilitySettings(StrictModel):
    """How the stability vector becomes one number in [0, 1] and a class (methods.md section 3). Weights are relative."""

    correlation_window: int = Field(ge=20, le=252)
    volatility_weight: float = Field(ge=0)
    correlation_weight: float = Field(ge=0)
    liquidity_weight: float = Field(ge=0)
    drawdown_weight: float = Field(ge=0)
    watch_from: float = Field(ge=0, le=1)
    soft_from: float = Field(ge=0, le=1)
    fragile_from: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _consistent(self) -> FragilitySettings:
        if not self.volatility_weight + self.correlation_weight + self.liquidity_weight + self.drawdown_weight > 0:
            raise ValueError("at least one of the four weights has to be above 0")
        if not self.watch_from <= self.soft_from <= self.fragile_from:
            raise ValueError(
                f"watch_from {self.watch_from}, soft_from {self.soft_from} and fragile_from {self.fragile_from} do not rise"
            )
        return self


class FeatureSettings(StrictModel):
    """Windows of methods.md sections 2 and 3, in sessions."""

    window_hedge: int = Field(ge=3, le=252)
    window_z: int = Field(ge=3, le=252)
    half_life_window: int = Field(ge=20, le=504)
    lookback_sessions: int = Field(ge=120, le=2000)
    breakdown_z: float = Field(gt=0)
    coint_refresh: Literal["weekly", "never"]
    atr_window: int = Field(ge=2, le=100)
    vol_window: int = Field(ge=5, le=120)
    long_window: int = Field(ge=60, le=504)
    efficiency_window: int = Field(ge=5, le=120)
    stressed_vol_ratio: float = Field(gt=1)
    stressed_drawdown: float = Field(gt=0, lt=1)
    volatile_percentile: float = Field(gt=0, lt=1)
    trending_efficiency: float = Field(gt=0, lt=1)
    dispersion_mean_sessions: int = Field(ge=1, le=60)
    calm_below: float
    event_above: float
    correlation_half_life: float = Field(gt=0)
    correlation_min_coverage: float = Field(gt=0, le=1)
    fragility: FragilitySettings


class PairHealthSettings(StrictModel):
    """From where a pair's figures warn, beside a ticket's horizon (methods.md section 2: warnings, not gates).

    ``significance`` is that of the cointegration test, ``min_correlation`` of 60 daily returns, ``max_beta_stability`` the
    standard deviation of the hedge ratio over window_hedge sessions.
    """

    significance: float = Field(gt=0, lt=1)
    min_correlation: float = Field(ge=-1, le=1)
    max_beta_stability: float = Field(gt=0)


class QualitySettings(StrictModel):
    """Thresholds of the bar checks (methods.md section 1).

    A move beyond ``max_abs_log_return`` is told; one beyond ``max_possible_log_return`` makes the bar count as none.
    """

    max_abs_log_return: float = Field(gt=0)
    max_possible_log_return: float = Field(gt=0)
    max_dividend_yield: float = Field(gt=0, lt=1)
    stale_sessions: int = Field(ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> QualitySettings:
        told, possible = self.max_abs_log_return, self.max_possible_log_return
        if possible <= told:
            raise ValueError(f"max_possible_log_return {possible} is not above max_abs_log_return {told}")
        return self
