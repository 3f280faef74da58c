"""The PM's sizing of strategies (document 002, methods.md section 5): from conviction to capital, one multiplier after another.

    recommended = nav x base_fraction x BaseSizeMultiplier[conviction] x clip((ER / risk) / reference, floor, cap),
                  at most KellyFraction x max(0, ER) / risk^2 x nav
    allocation  = recommended, at most MaxStrategyPct of nav, its bucket scaled into MaxAllocationPct of nav
    final       = allocation x RegimeAdjustment[regime] x regime fit x (1 - penalty x max(0, mean correlation to the others))

Diversification (PM-26) is three rules: no bucket beyond its cap, no strategy beyond MaxStrategyPct, and less for what moves
with the rest. Only the first two factors can raise a size; every later one is at most 1.

The others are weighed in the mean correlation by the capital each would have before its bucket is scaled: that does not
depend on the strategy itself, so more conviction can never cost it capital by the detour of its bucket's scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from riskdesk_assets.common.sizing import Bucket, SizingRules
from riskdesk_assets.strategy.strategy_file import ACTIVE, Strategy
from riskdesk_assets.strategy.streams import StrategyCovariance

NO_TICKET, CANDIDATE = "no ticket in force", "a candidate has no capital"


@dataclass(frozen=True)
class StrategySize:
    """One strategy's way to its capital, in dollars; every multiplier by itself.

    ``kelly_size`` is None where no Kelly cap applies, ``mean_correlation`` where no other strategy has capital.
    ``risk_contribution`` is its Euler share of the strategies' variance. ``reason`` says why it has no capital.
    """

    strategy: Strategy
    ticket_count: int
    base_size: float
    conviction_multiplier: float
    return_risk_multiplier: float
    kelly_size: float | None
    kelly_multiplier: float
    recommended_size: float
    strategy_cap_multiplier: float = 1.0
    bucket_multiplier: float = 1.0
    capital_allocation: float = 0.0
    regime_adjustment: float = 1.0
    regime_fit: float = 1.0
    mean_correlation: float | None = None
    correlation_adjustment: float = 1.0
    final_size: float = 0.0
    risk_contribution: float = 0.0
    reason: str = ""

    @property
    def takes_part(self) -> bool:
        """Whether it competes for capital: active, with a ticket to use it."""
        return self.strategy.status == ACTIVE and self.ticket_count > 0

    @property
    def capped_size(self) -> float:
        """The recommended size within the cap of one strategy."""
        return self.recommended_size * self.strategy_cap_multiplier


def recommended(strategy: Strategy, ticket_count: int, rules: SizingRules, nav: float) -> StrategySize:
    """A strategy's size on its own.

    Args:
        strategy: conviction, expected return and risk.
        ticket_count: its tickets in force.
        rules: the multipliers.
        nav: dollars.
    """
    base = nav * rules.base_fraction
    conviction = rules.base_size_multiplier[strategy.conviction]
    ratio, kelly = 1.0, None
    if strategy.expected_return is not None and strategy.expected_risk is not None:
        earned = strategy.expected_return / strategy.expected_risk / rules.reference_ratio
        ratio = min(max(earned, rules.ratio_floor), rules.ratio_cap)
        if rules.kelly_fraction is not None:
            kelly = rules.kelly_fraction * max(0.0, strategy.expected_return) / strategy.expected_risk**2 * nav
    size = base * conviction * ratio
    cut = _into(kelly, size)
    reason = CANDIDATE if strategy.status != ACTIVE else "" if ticket_count else NO_TICKET
    most = None if rules.max_strategy_pct is None else rules.max_strategy_pct * nav
    return StrategySize(
        strategy=strategy,
        ticket_count=ticket_count,
        base_size=base,
        conviction_multiplier=conviction,
        return_risk_multiplier=ratio,
        kelly_size=kelly,
        kelly_multiplier=cut,
        recommended_size=size * cut,
        strategy_cap_multiplier=_into(most, size * cut),
        reason=reason,
    )


def score(strategy: Strategy, regime: str | None, rules: SizingRules) -> float:
    """How much a PM should want a strategy today (PM-40): conviction multiplier x (return / risk) / reference x regime fit.

    Rises with conviction and expected return, falls with expected risk, never below 0; 1 stands for a medium conviction at
    the reference ratio. It ranks; it sizes nothing.
    """
    earned = 1.0
    if strategy.expected_return is not None and strategy.expected_risk is not None:
        earned = max(0.0, strategy.expected_return) / strategy.expected_risk / rules.reference_ratio
    return rules.base_size_multiplier[strategy.conviction] * earned * (1.0 if strategy.fits(regime) else 0.0)


def size_strategies(
    strategies: Sequence[Strategy],
    ticket_counts: Mapping[str, int],
    regime: str | None,
    covariance: StrategyCovariance,
    rules: SizingRules,
    nav: float,
) -> tuple[StrategySize, ...]:
    """Every strategy's capital on one session, in order of name.

    Args:
        strategies: the library, active and candidate, whose names differ.
        ticket_counts: strategy -> its tickets in force.
        regime: today's market regime; None where it is not known: then the smallest adjustment holds.
        covariance: of the strategies' streams.
        rules: the multipliers and caps.
        nav: dollars.
    """
    ordered = sorted(strategies, key=lambda item: item.strategy_name)
    alone = [recommended(item, ticket_counts.get(item.strategy_name, 0), rules, nav) for item in ordered]
    scales = _bucket_scales(alone, rules, nav)
    adjustments = rules.regime_adjustment
    adjustment = min(adjustments.values()) if regime is None else adjustments[regime]  # type: ignore[index]
    fits = {size.strategy.strategy_name: 1.0 if size.strategy.fits(regime) else 0.0 for size in alone}
    weights = {
        size.strategy.strategy_name: size.capped_size * fits[size.strategy.strategy_name] for size in alone if size.takes_part
    }
    sized = []
    for size in alone:
        name = size.strategy.strategy_name
        mean = _mean_correlation(name, weights, covariance)
        penalty = 1.0 if mean is None else 1.0 - rules.correlation_penalty * max(0.0, mean)
        bucket = scales.get(size.strategy.bucket, 1.0) if size.takes_part else 1.0
        allocation = size.capped_size * bucket if size.takes_part else 0.0
        sized.append(
            replace(
                size,
                bucket_multiplier=bucket,
                capital_allocation=allocation,
                regime_adjustment=adjustment,
                regime_fit=fits[name],
                mean_correlation=mean,
                correlation_adjustment=penalty,
                final_size=allocation * adjustment * fits[name] * penalty,
                reason=size.reason or ("" if fits[name] else f"does not fit {regime or 'an unknown regime'}"),
            )
        )
    shares = covariance.contributions({size.strategy.strategy_name: size.final_size for size in sized}) or {}
    return tuple(replace(size, risk_contribution=shares.get(size.strategy.strategy_name, 0.0)) for size in sized)


def _bucket_scales(sizes: Sequence[StrategySize], rules: SizingRules, nav: float) -> dict[Bucket, float]:
    """What brings each bucket's sum into its cap: at most 1."""
    asked: dict[Bucket, list[float]] = {}
    for size in sizes:
        if size.takes_part:
            asked.setdefault(size.strategy.bucket, []).append(size.capped_size)
    return {bucket: _into(rules.max_allocation_pct[bucket] * nav, math.fsum(found)) for bucket, found in asked.items()}


def _mean_correlation(name: str, weights: Mapping[str, float], covariance: StrategyCovariance) -> float | None:
    """Mean correlation of a strategy's stream to those of the others, weighted by their capital; one not known counts 0."""
    others = {other: weight for other, weight in sorted(weights.items()) if other != name and weight > 0}
    total = math.fsum(others.values())
    if total <= 0:
        return None
    return math.fsum(weight * (covariance.correlation(name, other) or 0.0) for other, weight in others.items()) / total


def _into(bound: float | None, size: float) -> float:
    """The factor, at most 1, that brings a size into a bound."""
    return 1.0 if bound is None or size <= bound else bound / size
