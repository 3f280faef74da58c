"""Document 004's policy: one YAML file, validated when it is loaded."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.hashing import digest
from riskdesk_assets.common.model import StrictModel
from riskdesk_assets.common.universe import Symbol

DEFAULT_GROUP = "Default"
_CADENCE = re.compile(r"([1-9][0-9]{0,4})([smhd])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class PolicyModel(StrictModel, strict=True):
    """A part of the policy: no value is converted, so that ``true`` is no number."""


class PerTradePolicy(PolicyModel):
    """One order: dollars at most and at least, and shares per lot."""

    max_notional: float = Field(gt=0)
    lot_size: int = Field(ge=1)
    min_order_notional: float = Field(ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> PerTradePolicy:
        if self.min_order_notional > self.max_notional:
            raise ValueError(
                f"min_order_notional {self.min_order_notional} is above max_notional {self.max_notional}: no order fits"
            )
        return self


class PerSymbolPolicy(PolicyModel):
    """Caps per symbol in dollars, the band as a share of the target, and the cadence."""

    default_cap: float = Field(ge=0)
    overrides: dict[Symbol, float] = Field(default_factory=dict)
    band_pct: float = Field(ge=0, lt=1)
    rebalance_cadence: str

    @model_validator(mode="after")
    def _usable(self) -> PerSymbolPolicy:
        _require_not_negative(self.overrides)
        if not _CADENCE.match(self.rebalance_cadence):
            raise PydanticCustomError(
                "cadence",
                "is '{given}'",
                {"given": self.rebalance_cadence, "field": "rebalance_cadence", "allowed": "a number and s, m, h or d: 30m"},
            )
        return self

    def cap(self, symbol: str) -> float:
        """The symbol's cap in dollars."""
        return self.overrides.get(symbol, self.default_cap)

    @property
    def cadence(self) -> timedelta:
        """Time from one rebalancing to the next that prices alone may cause."""
        found = _CADENCE.match(self.rebalance_cadence)
        if found is None:
            raise ValueError(f"{self.rebalance_cadence!r} is not a cadence")
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


class GroupPolicy(PolicyModel):
    """Caps per group in dollars; ``Default`` holds for every group that is not listed."""

    type: Literal["sector", "factor"]
    cap_by_group: dict[str, float]

    @model_validator(mode="after")
    def _usable(self) -> GroupPolicy:
        _require_not_negative(self.cap_by_group)
        if DEFAULT_GROUP not in self.cap_by_group:
            raise ValueError(f"cap_by_group has no {DEFAULT_GROUP}: a group that is not listed would have no cap")
        return self

    def cap(self, group: str) -> float:
        """The group's cap in dollars."""
        return self.cap_by_group.get(group, self.cap_by_group[DEFAULT_GROUP])


class VolTargetPolicy(PolicyModel):
    """Targets are scaled by clip(target / realized daily volatility, min_scale, max_scale), before any cap."""

    enabled: bool
    target_daily_vol: float = Field(gt=0, lt=1)
    min_scale: float = Field(default=0.5, gt=0, le=1)
    max_scale: float = Field(default=1.5, ge=1)

    def scale(self, realized_daily_vol: float | None) -> float:
        """The scale; 1 when it is off or the volatility is unknown or that of a flat book."""
        if not self.enabled or not realized_daily_vol:
            return 1.0
        return min(self.max_scale, max(self.min_scale, self.target_daily_vol / realized_daily_vol))


class PortfolioPolicy(PolicyModel):
    """Gross and net caps in dollars, and the volatility target."""

    gross_cap: float = Field(ge=0)
    net_cap: float = Field(ge=0)
    vol_target: VolTargetPolicy


class RiskPolicy(PolicyModel):
    """The four layers."""

    per_trade: PerTradePolicy
    per_symbol: PerSymbolPolicy
    groups: GroupPolicy
    portfolio: PortfolioPolicy


class TriggerPolicy(PolicyModel):
    """What may start a rebalancing."""

    on_signal_change: bool
    on_cadence_tick: bool
    on_threshold_breach: bool
    on_hard_cap_breach: bool = True
    signal_change_threshold: float = Field(ge=0)


class RebalancePolicy(PolicyModel):
    """The section ``policy`` of the file."""

    rebalance_triggers: TriggerPolicy


class PolicyConfig(PolicyModel):
    """The whole of document 004's configuration; its YAML loads as written, the readings beside it have defaults."""

    risk: RiskPolicy
    policy: RebalancePolicy

    @property
    def hash(self) -> str:
        """SHA-256 of the configuration."""
        return digest(self.model_dump(mode="json"))


def load_policy(path: Path) -> PolicyConfig:
    """The policy of one YAML file.

    Raises:
        InputError: every unusable value, with file, line, field and what is allowed.
    """
    return strict_yaml.validate(strict_yaml.load(path), PolicyConfig)


def _require_not_negative(caps: dict[str, float]) -> None:
    for member, cap in caps.items():
        if cap < 0:
            raise ValueError(f"the cap of {member} is {cap}: a cap is at least 0")
