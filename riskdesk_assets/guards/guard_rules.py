"""The guards' settings as the integers they decide with."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from riskdesk_assets.common.guard_settings import GuardBound
from riskdesk_assets.common.money import dollars_to_ticks_ceiling, dollars_to_ticks_floor, fraction_of_nav_ticks
from riskdesk_assets.common.settings import Config
from riskdesk_assets.guards.ticket_types import GuardRules
from riskdesk_assets.limits.catalogue import names_by_set
from riskdesk_assets.limits.limit import Family, Limit, Measure

_SOURCE = "desk.guards"


def guard_rules(config: Config) -> GuardRules:
    """desk.guards for the desk's nav and universe; a bound is never rounded up, the smallest order never down."""
    settings, nav, universe = config.desk.guards, config.desk.nav, config.universe
    smallest = settings.min_order
    per_trade = settings.per_trade
    return GuardRules(
        mode=settings.mode,
        band=_exact(settings.band),
        cadence_sessions=settings.cadence_sessions,
        signal_change=_exact(settings.signal_change),
        lots={symbol: max(settings.lot_size, item.lot_size) for symbol, item in sorted(universe.symbols.items())},
        per_trade={symbol: _ticks(per_trade, symbol, nav) for symbol in sorted(per_trade.overrides)},
        per_trade_default=_ticks(per_trade, "", nav),
        min_order=_smallest(smallest, nav),
        caps=tuple(_caps(config)),
        stop=None if settings.stop_dollars is None else dollars_to_ticks_floor(settings.stop_dollars),
    )


def _caps(config: Config) -> Iterator[Limit]:
    settings, nav, universe = config.desk.guards, config.desk.nav, config.universe
    for symbol in universe.tradable:
        yield Limit(
            f"guard_symbol:{symbol}",
            Family.NAME_GROSS,
            Measure.NAME_GROSS,
            (symbol,),
            _ticks(settings.per_symbol, symbol, nav),
            _source("per_symbol", settings.per_symbol, symbol),
        )
    kind = "group" if settings.group_by == "industry_group" else "sector"
    for member, symbols in sorted(names_by_set(universe)[kind].items()):
        yield Limit(
            f"guard_{kind}:{member}",
            Family.GROUP if kind == "group" else Family.SECTOR,
            Measure.GROSS,
            symbols,
            _ticks(settings.group, member, nav),
            _source("group", settings.group, member),
        )
    wholes = (
        ("portfolio_gross", Family.PORTFOLIO_GROSS, Measure.GROSS, settings.portfolio_gross),
        ("portfolio_net", Family.PORTFOLIO_NET, Measure.NET, settings.portfolio_net),
    )
    for name, family, measure, bound in wholes:
        yield Limit(f"guard_{name}", family, measure, universe.tradable, _ticks(bound, "", nav), _source(name, bound, ""))


def _ticks(bound: GuardBound, member: str, nav: float) -> int:
    value = bound.overrides.get(member, bound.max)
    return fraction_of_nav_ticks(value, nav) if bound.unit == "nav" else dollars_to_ticks_floor(value)


def _smallest(bound: GuardBound, nav: float) -> int:
    if bound.unit == "dollars":
        return dollars_to_ticks_ceiling(bound.max)
    ticks = fraction_of_nav_ticks(bound.max, nav)
    return ticks if ticks == _exact(bound.max) * _exact(nav) * dollars_to_ticks_floor(1.0) else ticks + 1


def _source(name: str, bound: GuardBound, member: str) -> str:
    return f"{_SOURCE}.{name}.overrides.{member}" if member in bound.overrides else f"{_SOURCE}.{name}.max"


def _exact(value: float) -> Fraction:
    return Fraction(Decimal(repr(value)))
