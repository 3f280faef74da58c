"""What stage 4's gatekeeper is told in the desk day: document 003's numbers, scaled to the desk (methods.md sections 6, 14)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from riskdesk_assets.common.model import StrictModel

TapeRegimeName = Literal["TRENDING", "RANGING", "VOLATILE", "STRESSED"]


class GateSettings(StrictModel, strict=True):
    """``enabled`` False (classic): every proposal passes, but for the number of positions, and no switch trips.

    Fractions are of nav (``risk_per_trade``), of the equity's peak (``max_drawdown``) or of nav lost since the last close of
    the day and of the week. ``on_reject`` keep: a rejected ticket does not grow; flatten: it goes flat. ``on_halt`` flatten:
    a halted ticket goes flat; hold: it does not trade. ``on_loss_limit``: what a daily or weekly loss leads to.
    ``cooldown_seconds``: the earliest a person may resume after an automatic halt (X-08). ``resume_after_sessions``: sessions
    after its condition has cleared at which a halt that no journal knows, in a range or a backtest, resumes in simulation
    (design.md section 1). ``min_fill_fraction``: a size reduced below this share of the request is rejected (X-05).
    """

    enabled: bool
    risk_per_trade: float = Field(gt=0, le=0.10)
    atr_multiplier: float = Field(gt=0, le=100)
    min_confidence_threshold: float = Field(ge=0, le=1)
    min_confidence_multiplier: float = Field(ge=0, le=1)
    max_confidence_multiplier: float = Field(ge=1, le=10)
    vol_percentile_start: float = Field(ge=0, lt=1)
    vol_multiplier_floor: float = Field(gt=0, le=1)
    regime_adjustments: dict[TapeRegimeName, float]
    stressed_max_positions: int = Field(ge=0, le=10_000)
    correlation_threshold: float = Field(gt=0, le=1)
    correlation_multiplier: float = Field(gt=0, le=1)
    min_fill_fraction: float = Field(ge=0, lt=1)
    max_drawdown: float = Field(gt=0, lt=1)
    max_daily_drawdown: float = Field(gt=0, lt=1)
    daily_loss_limit: float = Field(gt=0, lt=1)
    weekly_loss_limit: float = Field(gt=0, lt=1)
    vol_shock_ratio: float = Field(gt=1)
    confidence_collapse_latch: bool
    confidence_window: int = Field(ge=1, le=1000)
    on_reject: Literal["keep", "flatten"]
    on_halt: Literal["flatten", "hold"]
    on_loss_limit: Literal["HALTED", "REDUCING"]
    cooldown_seconds: float = Field(ge=0, le=30 * 86_400)
    resume_after_sessions: int = Field(ge=1, le=252)

    @model_validator(mode="after")
    def _consistent(self) -> GateSettings:
        if self.daily_loss_limit > self.weekly_loss_limit:
            raise ValueError(f"daily_loss_limit {self.daily_loss_limit} is above weekly_loss_limit {self.weekly_loss_limit}")
        regimes: tuple[TapeRegimeName, ...] = ("STRESSED", "VOLATILE", "RANGING", "TRENDING")
        missing = [name for name in regimes if name not in self.regime_adjustments]
        if missing:
            raise ValueError(f"regime_adjustments has no {', '.join(missing)}: all of {', '.join(regimes)} are needed")
        for name, multiplier in self.regime_adjustments.items():
            if not 0 <= multiplier <= 10:
                raise ValueError(f"regime_adjustments.{name} is {multiplier}: a multiplier is between 0 and 10")
        adverse = [self.regime_adjustments[name] for name in regimes[:3]]
        if adverse != sorted(adverse):
            raise ValueError("regime_adjustments must not grow with stress: STRESSED <= VOLATILE <= RANGING")
        return self
