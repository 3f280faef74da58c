"""The desk's limits on what a session knows of its names: exposures to factors, fragility classes, scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import compress
from typing import Literal, TypeVar

from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.common.settings import Config
from riskdesk_assets.limits.catalogue import OWN, nav_ticks, spec_bound, tightest
from riskdesk_assets.limits.limit import Family, Limit, Measure, whole_coefficients
from riskdesk_assets.risk_model.rows import SPECIFIC

ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class SessionFacts:
    """What one session's limits are about beyond notionals; nothing in it where a session knows nothing.

    ``exposures`` maps factor -> symbol -> exposure, ``fragility_classes`` symbol -> NONE, WATCH, SOFT or FRAGILE,
    ``scenario_returns`` scenario_id -> symbol -> shocked return, scenarios linear in the book only. Plain dicts, keys sorted.
    """

    exposures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    fragility_classes: Mapping[str, str] = field(default_factory=dict)
    scenario_returns: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def factors(self) -> tuple[str, ...]:
        """The factors names share, sorted: a name's own specific risk is none of them."""
        return tuple(sorted(set(self.exposures) - {SPECIFIC}))

    def of(self, names: tuple[str, ...]) -> SessionFacts:
        """The facts of these names alone."""
        kept = frozenset(names)
        return SessionFacts(
            {factor: _kept(values, kept) for factor, values in self.exposures.items()},
            _kept(self.fragility_classes, kept),
            {scenario: _kept(values, kept) for scenario, values in self.scenario_returns.items()},
        )

    def soft_names(self, portfolio: PortfolioConfig, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the names that are of a class the portfolio calls soft, or of no known class, sorted."""
        hard = [name for name, found in self.fragility_classes.items() if found not in portfolio.soft_classes]
        return tuple(sorted(set(names).difference(hard)))


NO_FACTS = SessionFacts()


def fact_limits(config: Config, facts: SessionFacts) -> tuple[Limit, ...]:
    """The desk's limits of the families factor, fragility and scenario_loss on one session, in a fixed order.

    Those of config/limits.yaml and of the own portfolio; where two bound one quantity the tighter one stays. What the session
    does not know has no limit (the check of its family says so); a name without an exposure or a shock moves nothing, and one
    without a class is soft where others have one.

    Args:
        config: where the bounds are written.
        facts: the session's.
    """
    limits, own, nav = config.limits, config.own, config.desk.nav
    written = (limits.factor, limits.fragility, limits.scenario_loss, own.fragility_exposure_limit)
    if not own.factor_limits and all(bound is None for bound in written):
        return ()
    facts = facts.of(config.universe.tradable)
    owned = f"portfolios.{own.portfolio_id}"
    found: list[Limit] = []
    for factor in facts.factors:
        values = facts.exposures[factor]
        if limits.factor is not None:
            bound, source = spec_bound(limits.factor, "factor", factor, nav)
            found.append(factor_limit(f"factor:{factor}", values, bound, source, limits.factor.mode))
        if factor in own.factor_limits:
            bound = nav_ticks(own.factor_limits[factor], nav)
            found.append(factor_limit(f"{OWN}factor:{factor}", values, bound, f"{owned}.factor_limits.{factor}"))
    if facts.fragility_classes:
        soft = facts.soft_names(own, config.universe.tradable)
        if limits.fragility is not None:
            bound, source = spec_bound(limits.fragility, "fragility", "", nav)
            found.append(fragility_limit("fragility", soft, bound, source, limits.fragility.mode))
        if own.fragility_exposure_limit is not None:
            bound = nav_ticks(own.fragility_exposure_limit, nav)
            found.append(fragility_limit(f"{OWN}fragility", soft, bound, f"{owned}.fragility_exposure_limit"))
    if limits.scenario_loss is not None:
        for scenario, returns in sorted(facts.scenario_returns.items()):
            bound, source = spec_bound(limits.scenario_loss, "scenario_loss", scenario, nav)
            found.append(loss_limit(f"scenario_loss:{scenario}", returns, bound, source, limits.scenario_loss.mode))
    return tightest(found)


def factor_limit(
    name: str, exposures: Mapping[str, float], bound: int, source: str, mode: Literal["construct", "gate"] = "construct"
) -> Limit:
    """|exposure to a factor| of the book at most ``bound`` ticks; ``exposures`` per symbol."""
    members, row = _coefficients(exposures)
    return Limit(name, Family.FACTOR, Measure.EXPOSURE, members, bound, source, mode, (row,))


def fragility_limit(
    name: str, soft: tuple[str, ...], bound: int, source: str, mode: Literal["construct", "gate"] = "construct"
) -> Limit:
    """The sum of |net notional| over the soft names at most ``bound`` ticks."""
    return Limit(name, Family.FRAGILITY, Measure.GROSS, soft, bound, source, mode)


def loss_limit(
    name: str, returns: Mapping[str, float], bound: int, source: str, mode: Literal["construct", "gate"] = "construct"
) -> Limit:
    """What a scenario costs the book at most ``bound`` ticks; ``returns`` shocked, per symbol."""
    members, row = _coefficients(returns)
    return Limit(name, Family.SCENARIO_LOSS, Measure.LOSS, members, bound, source, mode, (row,))


def _kept(values: Mapping[str, ValueT], names: frozenset[str]) -> Mapping[str, ValueT]:
    """What is known of these names; as it is where it is of no others."""
    return values if values.keys() <= names else {name: value for name, value in values.items() if name in names}


def _coefficients(values: Mapping[str, float]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The names that move the quantity, sorted, and their whole coefficients."""
    names = tuple(sorted(values))
    whole = whole_coefficients([values[name] for name in names])
    if all(whole):
        return names, whole
    return tuple(compress(names, whole)), tuple(filter(None, whole))
