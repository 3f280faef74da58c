"""Document 003's position size, each factor of it on its own; a ceiling per leg in the desk day (methods.md section 6)."""

from __future__ import annotations

from typing import NamedTuple

from riskdesk_assets.gatekeeper.config import RPMConfig, TapeRegime


class Sizing(NamedTuple):
    """The size and its factors. ``risk_capital`` in dollars, ``base_units`` and ``units`` in units."""

    risk_capital: float
    base_units: float
    confidence_multiplier: float
    regime_multiplier: float
    vol_multiplier: float
    units: float


class RegimeRule(NamedTuple):
    """What a tape regime means: the multiplier of the size, and how many positions may stand once the trade is made."""

    multiplier: float
    max_positions: int


def unit_ceiling(
    capital: float,
    risk_per_trade: float,
    atr: float,
    atr_multiplier: float,
    confidence: float,
    regime: TapeRegime,
    vol_percentile: float,
    config: RPMConfig,
    quote_rate: float = 1.0,
) -> Sizing:
    """Units whose stop of ``atr_multiplier`` ATRs loses ``risk_per_trade`` of ``capital``, weighted.

    units = capital x risk_per_trade / (atr x atr_multiplier) x confidence multiplier x regime multiplier x vol multiplier.

    Args:
        capital: dollars.
        risk_per_trade: fraction of it.
        atr: average true range per unit, in the quote currency, > 0.
        atr_multiplier: ATRs to the stop, > 0.
        confidence: in [0, 1].
        regime: tape regime.
        vol_percentile: in [0, 1].
        config: the modes and tables of the multipliers.
        quote_rate: dollars per unit of the quote currency; the ATR of USDJPY is in yen.

    Returns:
        Every factor and the product. Source: document 003 "Position Sizing", X-02 and X-03.
    """
    risk_capital = capital * risk_per_trade
    base_units = risk_capital / (atr * quote_rate * atr_multiplier)
    confidence_weight = confidence_multiplier(confidence, config)
    regime_weight = config.regime_adjustments[regime]
    vol_weight = vol_multiplier(vol_percentile, config)
    units = base_units * confidence_weight * regime_weight * vol_weight
    return Sizing(risk_capital, base_units, confidence_weight, regime_weight, vol_weight, units)


def confidence_multiplier(confidence: float, config: RPMConfig) -> float:
    """The score within [0.5, 1.5] by default (X-02: clip), 0.5 + score (affine), or 1 where scaling is off."""
    if not config.confidence_scaling:
        return 1.0
    low, high = config.min_confidence_multiplier, config.max_confidence_multiplier
    weight = confidence if config.confidence_mode == "clip" else low + confidence
    return low if weight < low else min(weight, high)


def vol_multiplier(vol_percentile: float, config: RPMConfig) -> float:
    """1 up to ``vol_percentile_start``, from there linear to ``vol_multiplier_floor`` at 1 (X-03)."""
    start = config.vol_percentile_start
    if vol_percentile <= start:
        return 1.0
    return 1.0 - (1.0 - config.vol_multiplier_floor) * (vol_percentile - start) / (1.0 - start)


def regime_rule(regime: TapeRegime, config: RPMConfig) -> RegimeRule:
    """Multiplier and places of a tape regime; under STRESSED the smaller of the two limits on positions counts (X-04)."""
    places = config.max_concurrent_positions
    if regime == "STRESSED":
        places = min(places, config.stressed_max_positions)
    multiplier = config.regime_adjustments[regime]
    return RegimeRule(multiplier, places)
