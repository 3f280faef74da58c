"""The base of every configuration and ticket model: strict, frozen, nothing extra, no NaN."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """Frozen pydantic model that refuses unknown fields, NaN and infinity, and loose type conversions (but int to float)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)
