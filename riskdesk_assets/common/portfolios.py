"""What a portfolio is told: config/portfolios/*.yaml, document 001's PortfolioConfig with what it leaves open.

Limits are fractions of the portfolio's own nav; one left out (null, or not listed) does not exist.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from riskdesk_assets.common.hashing import canonical_json, digest_bytes
from riskdesk_assets.common.model import StrictModel
from riskdesk_assets.common.money import MOST_NAV

RiskModelId = Literal["factor", "ledoit_wolf", "oas", "ewma"]
ResearchKind = Literal["long_only", "long_short", "market_neutral"]
FragilityClass = Literal["NONE", "WATCH", "SOFT", "FRAGILE"]
# Families of limits that may give, in the order their class says, when a mandate cannot be met; the others never do.
Softening = Literal["turnover", "liquidity", "fragility", "scenario_loss", "volatility", "factor", "sector", "country", "group"]


TICKETS, PAIR_REVERSION = "tickets", "pair_reversion"
"""Words of ``strategies`` that are no name in config/strategies.csv: every ticket in force, every pair that is watched."""


class ScoreSettings(StrictModel):
    """Where a mandate's scores come from: the pairs' z-scores and convictions, or a CSV or Parquet file the user gives.

    A score is in standard deviations; a name's expected return per day is information_coefficient x its daily volatility x
    score x confidence / sqrt(horizon_sessions) (Grinold 1994). ``path`` is relative to the configuration folder.
    """

    source: Literal["pairs", "file"]
    path: str | None = None
    information_coefficient: float = Field(ge=0, le=1)
    horizon_sessions: int = Field(ge=1, le=252)

    @model_validator(mode="after")
    def _has_path(self) -> ScoreSettings:
        if (self.path is None) == (self.source == "file"):
            raise ValueError("path names the file of source: file, and only that")
        return self


class ShortfallLimit(StrictModel):
    """Expected shortfall over the scenarios of config/scenarios.yaml: the mean loss of the worst (1 - level) of them."""

    max: float = Field(ge=0)
    level: float = Field(ge=0.5, lt=1)


class PortfolioConfig(StrictModel):
    """One portfolio: the desk's own (kind: pairs, built from tickets) or a research mandate (built from instrument scores).

    ``strategies`` feed it: ``tickets`` the desk's own; a mandate ``pair_reversion``, every pair that is watched, or strategies
    of config/strategies.csv by name, the pairs of their tickets in force alone (of scores from a file it says whose they are,
    and no more). ``markets`` are countries: a mandate holds names of these alone, and the desk's own has to list every one of
    the universe's, for a ticket may trade any name. ``base_currency`` is one the universe's names are quoted in; nothing is
    converted. ``risk_model_id`` and ``cost_model_id`` are the words that the descriptions in TABLES["models"] end with; pairs
    pay one-way rates, and no cost model with market impact.

    ``leverage_limit`` and ``gross_exposure_limit`` bound the sum of |weight|, ``per_instrument_max_weight`` |weight| of a
    name, the dictionaries the sum of |net weight| per sector, country or industry group, |net weight| per currency, and
    |exposure| per factor; ``fragility_exposure_limit`` the sum of |weight| over ``soft_classes``; ``turnover_limit`` the sum
    of |change of weight| a session; ``adv_participation_limit`` what may be traded of a name as a share of its adv_20;
    ``volatility_limit`` the daily volatility. ``softening`` says which families of limits give, class 1 first, when no
    portfolio obeys them all.
    """

    portfolio_id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    kind: Literal["pairs", "long_only", "long_short", "market_neutral"]
    strategies: list[str] = Field(min_length=1)
    markets: list[str] = Field(min_length=1)
    base_currency: str = Field(pattern=r"^[A-Z]{3}$")
    nav: float | None = Field(default=None, gt=0, le=MOST_NAV)
    risk_model_id: RiskModelId
    optimizer_type: Literal["QP", "SOCP"]
    risk_aversion_lambda: float = Field(ge=0)
    leverage_limit: float | None = Field(default=None, ge=0)
    gross_exposure_limit: float | None = Field(default=None, ge=0)
    net_exposure_limit: float | None = Field(default=None, ge=0)
    per_instrument_max_weight: float | None = Field(default=None, ge=0)
    sector_limits: dict[str, float] = Field(default_factory=dict)
    country_limits: dict[str, float] = Field(default_factory=dict)
    currency_limits: dict[str, float] = Field(default_factory=dict)
    group_limits: dict[str, float] = Field(default_factory=dict)
    factor_limits: dict[str, float] = Field(default_factory=dict)
    fragility_exposure_limit: float | None = Field(default=None, ge=0)
    soft_classes: tuple[FragilityClass, ...] = ("SOFT", "FRAGILE")
    turnover_limit: float | None = Field(default=None, ge=0)
    adv_participation_limit: float | None = Field(default=None, ge=0)
    volatility_limit: float | None = Field(default=None, gt=0)
    scenario_shortfall: ShortfallLimit | None = None
    cost_model_id: str
    cost_horizon_sessions: int = Field(default=20, ge=1, le=252)
    scores: ScoreSettings | None = None
    softening: dict[Softening, int] = Field(default_factory=dict)

    @property
    def own_nav(self) -> float:
        """Dollars of a research mandate."""
        if self.nav is None:
            raise ValueError(f"{self.portfolio_id} has no nav of its own")
        return self.nav

    @property
    def research_kind(self) -> ResearchKind:
        """What a research mandate's weights sum to."""
        if self.kind == "pairs":
            raise ValueError(f"{self.portfolio_id} is the desk's own portfolio, no research mandate")
        return self.kind

    @cached_property
    def canonical(self) -> str:
        """Canonical JSON: what engine_configs keeps of it."""
        return canonical_json(self.model_dump(mode="json"))

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON: config_hash of engine_configs and engine_decisions."""
        return digest_bytes(self.canonical.encode())

    @model_validator(mode="after")
    def _consistent(self) -> PortfolioConfig:
        for name in ("sector_limits", "country_limits", "currency_limits", "group_limits", "factor_limits"):
            for member, bound in getattr(self, name).items():
                if not bound >= 0:
                    raise ValueError(f"{name}.{member} is {bound}: a limit is at least 0")
        if any(not 1 <= place <= 9 for place in self.softening.values()):
            raise ValueError("softening classes are 1 (gives first) to 9")
        if self.volatility_limit is not None and self.optimizer_type != "SOCP":
            raise ValueError("volatility_limit needs optimizer_type: SOCP")
        if self.kind == "pairs":
            self._require_desk()
        elif self.scores is None or self.nav is None:
            raise ValueError("a research mandate needs nav and scores")
        return self

    def _require_desk(self) -> None:
        own: dict[str, object] = {"nav": self.nav, "scores": self.scores, "volatility_limit": self.volatility_limit}
        own |= {"scenario_shortfall": self.scenario_shortfall, "adv_participation_limit": self.adv_participation_limit}
        for name, value in own.items():
            if value is not None:
                raise ValueError(
                    f"{name} is for research mandates; a portfolio of pairs takes its tickets and config/desk.yaml"
                )
        if self.softening:
            raise ValueError("softening is for research mandates: the desk's own limits never give")
