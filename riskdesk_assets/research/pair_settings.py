"""How pairs are ranked for whoever drafts a ticket: ``config/pair_finder.yaml``."""

from __future__ import annotations

from pathlib import Path

from pydantic import ConfigDict, Field, model_validator

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.model import StrictModel

FILE = "pair_finder.yaml"


class ScoreWeights(StrictModel):
    """Relative weights of the four ranks in the score."""

    model_config = ConfigDict(strict=True)

    stability: float = Field(ge=0)
    half_life: float = Field(ge=0)
    correlation: float = Field(ge=0)
    cost: float = Field(ge=0)

    @model_validator(mode="after")
    def _some(self) -> ScoreWeights:
        if not self.total > 0:
            raise ValueError("at least one of the four weights has to be above 0")
        return self

    @property
    def total(self) -> float:
        """Sum of the four."""
        return self.stability + self.half_life + self.correlation + self.cost


class PairFinderSettings(StrictModel):
    """Windows in sessions, coverage as a share of the formation window."""

    model_config = ConfigDict(strict=True)

    formation_sessions: int = Field(ge=120, le=2000)
    min_coverage: float = Field(gt=0, le=1)
    next_sessions: int = Field(ge=60, le=2000)
    weights: ScoreWeights


def load_pair_settings(config: Path) -> PairFinderSettings:
    """The settings of a config folder.

    Raises:
        InputError: every unusable value, with file, line, field and what is allowed.
    """
    return strict_yaml.validate(strict_yaml.load(config / FILE), PairFinderSettings)
