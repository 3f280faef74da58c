"""What the gatekeeper is told: document 003's RPMConfig, with the readings X-01 to X-10 where it gives no number.

``risk_per_trade`` and every limit are fractions of ``total_capital`` unless the name says otherwise. The numbers the document
does not give: ``max_daily_drawdown`` (X-06), the volatility multiplier and shock (X-03), gross, net, correlation and
stressed positions (X-04), the smallest size (X-05), the confidence window (X-07), the cooldown's seconds (X-08).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.hashing import canonical_json, digest_bytes
from riskdesk_assets.common.model import StrictModel, details_of

TapeRegime = Literal["TRENDING", "RANGING", "VOLATILE", "STRESSED"]
TAPE_REGIMES: tuple[TapeRegime, ...] = ("TRENDING", "RANGING", "VOLATILE", "STRESSED")


def _default_regimes() -> dict[TapeRegime, float]:
    return {"TRENDING": 1.2, "RANGING": 1.0, "VOLATILE": 0.7, "STRESSED": 0.3}


class RPMConfig(StrictModel):
    """The gatekeeper's parameters; ``RPMConfig()`` is the balanced preset. Raises ``pydantic.ValidationError`` (a ValueError).

    Strict: a number is a number (no text, no boolean), nothing is NaN or infinite, an unknown key is an error.

    - ``confidence_scaling`` False: the multiplier of confidence is 1. ``confidence_mode`` clip: the score itself within
      [min, max]_confidence_multiplier (X-02); affine: min_confidence_multiplier + score, within the same bounds.
    - ``on_halt`` flatten: while HALTED, trades that only reduce a position pass; hold: none does.
    - ``on_loss_limit``: the state that a daily or weekly loss limit leads to.
    - ``lot_size`` in units, ``min_fill_fraction`` of the request: a size reduced below either is rejected (X-05). What is no
      pair of currencies is approved in whole lots.
    - ``amber_fraction``: the health is WARNING from this share of a kill switch's limit.
    - ``remembered_orders``: how many client order ids the gatekeeper can answer again from memory.
    """

    model_config = ConfigDict(strict=True)

    total_capital: float = Field(default=100_000.0, gt=0, le=1e15)
    risk_per_trade: float = Field(default=0.01, gt=0, le=0.10)

    max_drawdown: float = Field(default=0.10, gt=0, lt=1)
    max_daily_drawdown: float = Field(default=0.03, gt=0, lt=1)
    daily_loss_limit: float = Field(default=0.02, gt=0, lt=1)
    weekly_loss_limit: float = Field(default=0.05, gt=0, lt=1)
    min_confidence_threshold: float = Field(default=0.60, ge=0, le=1)
    confidence_collapse_latch: bool = False
    confidence_window: int = Field(default=20, ge=1, le=1000)
    vol_shock_ratio: float = Field(default=3.0, gt=1)
    cooldown_seconds: float = Field(default=3600.0, ge=0, le=30 * 86_400)
    on_halt: Literal["flatten", "hold"] = "flatten"
    on_loss_limit: Literal["HALTED", "REDUCING"] = "HALTED"

    atr_window: int = Field(default=14, ge=1, le=252)
    atr_multiplier: float = Field(default=1.5, gt=0, le=100)
    confidence_scaling: bool = True
    confidence_mode: Literal["clip", "affine"] = "clip"
    min_confidence_multiplier: float = Field(default=0.5, ge=0, le=1)
    max_confidence_multiplier: float = Field(default=1.5, ge=1, le=10)
    vol_percentile_start: float = Field(default=0.80, ge=0, lt=1)
    vol_multiplier_floor: float = Field(default=0.5, gt=0, le=1)
    regime_adjustments: dict[TapeRegime, float] = Field(default_factory=_default_regimes)

    max_concurrent_positions: int = Field(default=8, ge=1, le=10_000)
    stressed_max_positions: int = Field(default=4, ge=0, le=10_000)
    max_symbol_units: float = Field(default=200_000.0, gt=0)
    max_symbol_exposure_pct: float = Field(default=0.30, gt=0, le=10)
    max_currency_exposure_pct: float = Field(default=0.50, gt=0, le=10)
    max_gross_exposure: float = Field(default=2.0, gt=0, le=100)
    max_net_exposure: float = Field(default=0.2, gt=0, le=100)
    correlation_threshold: float = Field(default=0.80, gt=0, le=1)
    correlation_multiplier: float = Field(default=0.5, gt=0, le=1)
    lot_size: float = Field(default=1.0, gt=0)
    min_fill_fraction: float = Field(default=0.10, ge=0, lt=1)

    account_currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    amber_fraction: float = Field(default=0.80, gt=0, le=1)
    remembered_orders: int = Field(default=2048, ge=1, le=10_000_000)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.daily_loss_limit > self.weekly_loss_limit:
            raise ValueError(f"daily_loss_limit {self.daily_loss_limit} is above weekly_loss_limit {self.weekly_loss_limit}")
        if self.max_net_exposure > self.max_gross_exposure:
            raise ValueError(f"max_net_exposure {self.max_net_exposure} is above max_gross_exposure {self.max_gross_exposure}")
        if self.max_symbol_exposure_pct > self.max_gross_exposure:
            raise ValueError(
                f"max_symbol_exposure_pct {self.max_symbol_exposure_pct} is above max_gross_exposure {self.max_gross_exposure}"
            )
        missing = [regime for regime in TAPE_REGIMES if regime not in self.regime_adjustments]
        if missing:
            raise ValueError(f"regime_adjustments has no {', '.join(missing)}: all of {', '.join(TAPE_REGIMES)} are needed")
        for regime, multiplier in self.regime_adjustments.items():
            if not 0 <= multiplier <= 10:
                raise ValueError(f"regime_adjustments.{regime} is {multiplier}: a multiplier is between 0 and 10")
        adverse = [self.regime_adjustments[regime] for regime in ("STRESSED", "VOLATILE", "RANGING")]
        if adverse != sorted(adverse):
            raise ValueError("regime_adjustments must not grow with stress: STRESSED <= VOLATILE <= RANGING")
        return self

    @classmethod
    def conservative(cls) -> RPMConfig:
        """Document 003's preset for capital preservation."""
        return cls(
            total_capital=100_000.0,
            risk_per_trade=0.005,
            max_drawdown=0.05,
            daily_loss_limit=0.01,
            weekly_loss_limit=0.03,
            max_symbol_exposure_pct=0.20,
            regime_adjustments={"TRENDING": 1.0, "RANGING": 0.8, "VOLATILE": 0.5, "STRESSED": 0.2},
        )

    @classmethod
    def balanced(cls) -> RPMConfig:
        """Document 003's preset "Balanced": every default."""
        return cls()

    @classmethod
    def aggressive(cls) -> RPMConfig:
        """Document 003's preset for growth."""
        return cls(
            total_capital=100_000.0,
            risk_per_trade=0.02,
            max_drawdown=0.15,
            daily_loss_limit=0.03,
            weekly_loss_limit=0.08,
            max_symbol_exposure_pct=0.40,
            regime_adjustments={"TRENDING": 1.5, "RANGING": 1.2, "VOLATILE": 0.8, "STRESSED": 0.5},
        )

    @classmethod
    def from_mapping(cls, values: Mapping[str, object], source: str = "RPMConfig") -> RPMConfig:
        """Build it from a file's mapping; raises InputError with every problem, the field, and the nearest known key."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise InputError([_problem(source, item["loc"], item["msg"], item["type"]) for item in details_of(error)]) from None

    @cached_property
    def canonical(self) -> str:
        """Canonical JSON: keys sorted, floats as they round-trip."""
        return canonical_json(self.model_dump(mode="json"))

    @cached_property
    def hash(self) -> str:
        """SHA-256 (64 hex digits) of the canonical JSON: the same in every process."""
        return digest_bytes(self.canonical.encode())


def _problem(source: str, place: tuple[int | str, ...], message: str, kind: str) -> Problem:
    field = ".".join(str(part) for part in place)
    if kind == "extra_forbidden":
        return Problem(source, None, field, f"unknown key{nearest(field, RPMConfig.model_fields)}")
    return Problem(source, None, field, message.removeprefix("Value error, "))


PRESETS: Mapping[str, Callable[[], RPMConfig]] = {
    "conservative": RPMConfig.conservative,
    "balanced": RPMConfig.balanced,
    "aggressive": RPMConfig.aggressive,
}
