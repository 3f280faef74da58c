"""How a learned policy is trained, judged and kept fresh (methods.md section 12): what reaches a book through a model alone."""

from __future__ import annotations

from pydantic import Field, model_validator

from riskdesk_assets.common.model import StrictModel


class PromotionSettings(StrictModel):
    """What a policy has to show before it may be used.

    ``confidence``: of the one-sided lower bound on its mean daily net P&L over the baseline's. ``bootstrap_mean_block``: mean
    length of a block in sessions. ``stressed_cost_multiple``: of every cost, for the second look. ``min_days``: sessions out of
    sample on which both could be compared.
    """

    confidence: float = Field(ge=0.5, lt=1)
    bootstrap_samples: int = Field(ge=200, le=100_000)
    bootstrap_mean_block: float = Field(ge=1)
    bootstrap_seed: int = Field(ge=0)
    stressed_cost_multiple: float = Field(ge=1)
    min_days: int = Field(ge=60)


class PolicySettings(StrictModel):
    """Training of the learned policy; windows and ages in sessions.

    ``history_sessions``: training data before the last session, where no start is given. ``min_train_sessions``: in the first
    fold. ``refit_sessions``: length of a fold out of sample. ``ridge_lambda``: on standardised features, in rows.
    ``feature_clip``: largest |standardised feature|. ``full_quantile``: of the training predictions above zero, from which a
    full unit is taken. ``vol_match_*``: the prior sessions whose volatilities the policy is scaled by to compare, how many
    there have to be, and how far the scale may go. ``max_age_sessions``: from the last training session to the last on which
    the model may be used.
    """

    history_sessions: int = Field(ge=252, le=7560)
    horizon_sessions: int = Field(ge=1, le=60)
    min_train_sessions: int = Field(ge=120, le=2520)
    refit_sessions: int = Field(ge=5, le=504)
    ridge_lambda: float = Field(gt=0)
    feature_clip: float = Field(gt=0)
    full_quantile: float = Field(ge=0, lt=1)
    vol_match_window: int = Field(ge=20, le=2520)
    vol_match_minimum: int = Field(ge=20)
    vol_match_max_scale: float = Field(ge=1)
    max_age_sessions: int = Field(ge=1, le=504)
    promotion: PromotionSettings

    @model_validator(mode="after")
    def _ordered(self) -> PolicySettings:
        if self.vol_match_minimum > self.vol_match_window:
            raise ValueError(f"vol_match_minimum {self.vol_match_minimum} is above vol_match_window {self.vol_match_window}")
        return self

    @property
    def purge_sessions(self) -> int:
        """Sessions between a fold's last training row and its first decision: the horizon and one more."""
        return self.horizon_sessions + 1
