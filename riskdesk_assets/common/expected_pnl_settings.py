"""How expected P&L is held against what was realized, and when that speaks for more or for less risk."""

from __future__ import annotations

from pydantic import Field, model_validator

from riskdesk_assets.common.model import StrictModel


class PostureSettings(StrictModel):
    """From where realized / expected P&L and the volatility scale speak for more risk, and below where for less."""

    ratio_on: float = Field(gt=0)
    scale_on: float = Field(gt=0)
    scale_off: float = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> PostureSettings:
        if self.scale_off >= self.scale_on:
            raise ValueError(f"scale_off {self.scale_off} is not below scale_on {self.scale_on}")
        return self


class ExpectedPnlSettings(StrictModel):
    """``window_sessions`` of the running comparison; below ``underperforming_below`` of what was expected is too little."""

    window_sessions: int = Field(ge=5, le=250)
    underperforming_below: float = Field(gt=0, lt=1)
    posture: PostureSettings

    @model_validator(mode="after")
    def _ordered(self) -> ExpectedPnlSettings:
        if self.posture.ratio_on < self.underperforming_below:
            raise ValueError(
                f"posture.ratio_on {self.posture.ratio_on} is below underperforming_below {self.underperforming_below}"
            )
        return self
