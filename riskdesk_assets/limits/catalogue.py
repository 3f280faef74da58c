"""The desk's hard limits, built from config/limits.yaml, the universe and the tickets in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from riskdesk_assets.common.money import dollars_to_ticks_ceiling, dollars_to_ticks_floor, fraction_of_nav_ticks
from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.common.settings import Config, LimitSpec
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure, gross_by_ticket, held_in_direction

_OF_ADDITIONS = frozenset((Measure.COUNT, Measure.ADDITIONS))
# What the desk's own portfolio bounds besides config/limits.yaml goes by the same name after this.
OWN = "own_"
_TURNOVER = "turnover"


class TicketCaps(NamedTuple):
    """A ticket's own caps, in dollars."""

    ticket_id: str
    leg_a: str
    leg_b: str
    max_gross_notional: float
    max_leg_notional: float


def ticket_limits(tickets: Sequence[TicketCaps]) -> tuple[Limit, ...]:
    """Gross and leg limits of each ticket, in ticket order."""
    return tuple(chain.from_iterable(map(_limits_of, sorted(tickets, key=attrgetter("ticket_id")))))


@lru_cache(maxsize=4096)
def _limits_of(caps: TicketCaps) -> tuple[Limit, ...]:
    """A ticket's three limits: the same objects on every session on which its caps say the same."""
    gross, leg = dollars_to_ticks_floor(caps.max_gross_notional), dollars_to_ticks_floor(caps.max_leg_notional)
    source = f"ticket {caps.ticket_id}"
    whole = Limit(
        f"ticket_gross:{caps.ticket_id}",
        Family.TICKET_GROSS,
        Measure.TICKET_GROSS,
        (caps.ticket_id,),
        gross,
        f"{source}: max_gross_notional",
    )
    first, second = (
        Limit(
            f"leg_notional:{caps.ticket_id}:{symbol}",
            Family.LEG_NOTIONAL,
            Measure.LEG,
            (caps.ticket_id, symbol),
            leg,
            f"{source}: max_leg_notional",
        )
        for symbol in (caps.leg_a, caps.leg_b)
    )
    return whole, first, second


def book_limits(config: Config) -> tuple[Limit, ...]:
    """Every book-wide limit of the configuration, in a fixed order; where two bound one quantity the tighter one stays."""
    limits, universe, nav = config.limits, config.universe, config.desk.nav
    names = universe.tradable
    found: list[Limit] = [
        Limit(
            f"mandate_name_gross:{symbol}",
            Family.NAME_GROSS,
            Measure.NAME_GROSS,
            (symbol,),
            dollars_to_ticks_floor(limits.mandate.max_name_gross_notional),
            "mandate.max_name_gross_notional",
        )
        for symbol in names
    ]
    found.append(
        Limit(
            "mandate_gross",
            Family.PORTFOLIO_GROSS,
            Measure.GROSS,
            names,
            dollars_to_ticks_floor(limits.mandate.max_gross_notional),
            "mandate.max_gross_notional",
        )
    )
    each_name = {symbol: (symbol,) for symbol in names}
    whole = {"": names}
    members = names_by_set(universe)
    grouped = (
        (Family.NAME_GROSS, "name_gross", Measure.NAME_GROSS, limits.name_gross, each_name),
        (Family.PORTFOLIO_NET, "symbol_net", Measure.NET, limits.symbol_net, each_name),
        (Family.GROUP, "group", Measure.GROSS, limits.group, members["group"]),
        (Family.SECTOR, "sector", Measure.GROSS, limits.sector, members["sector"]),
        (Family.COUNTRY, "country", Measure.GROSS, limits.country, members["country"]),
        (Family.CURRENCY, "currency", Measure.NET, limits.currency, members["currency"]),
        (Family.PORTFOLIO_NET, "portfolio_net", Measure.NET, limits.portfolio_net, whole),
        (Family.PORTFOLIO_GROSS, "portfolio_gross", Measure.GROSS, limits.portfolio_gross, whole),
        (Family.TURNOVER, "turnover", Measure.ADDITIONS, limits.turnover, {"": ()}),
        (Family.POSITION_COUNT, "position_count", Measure.COUNT, limits.position_count, {"": ()}),
    )
    for family, label, measure, spec, scopes in grouped:
        if spec is None:
            continue
        for member, symbols in sorted(scopes.items()):
            name = f"{label}:{member}" if member else label
            bound, source = spec_bound(spec, label, member, nav)
            found.append(Limit(name, family, measure, symbols, bound, source, spec.mode))
    return tightest([*found, *_own_limits(config)])


def limit_words(name: str) -> str:
    """A limit's name as people read it: the turnover it bounds is what is added, that of a session is every trade."""
    return f"{name} (additions)" if name.removeprefix(OWN) == _TURNOVER else name


def for_session(limits: Sequence[Limit], approved: Sequence[Leg[float]], held: Sequence[Leg[float]]) -> tuple[Limit, ...]:
    """The limits with the bounds that hold on one session.

    Count and turnover bind additions only: a count is never below the held tickets that stay, and what turnover leaves for
    additions is its bound less the reductions the approved sizes force. So a cut limit can always be met by reducing.
    """
    bounds = {place: limit.bound for place, limit in enumerate(limits) if limit.measure in _OF_ADDITIONS}
    if not bounds:
        return tuple(limits)
    now, before = gross_by_ticket(approved), gross_by_ticket(held)
    staying = sum(1 for ticket_id, gross in before.items() if gross and now.get(ticket_id))
    forced = dollars_to_ticks_ceiling(_forced(now, before, held_in_direction(approved, held, before)))
    adjusted = list(limits)
    for place, written in bounds.items():
        limit = limits[place]
        bound = max(written, staying) if limit.measure is Measure.COUNT else max(0, written - forced)
        if bound != written:
            adjusted[place] = replace(limit, bound=bound)
    return tuple(adjusted)


def _forced(now: Mapping[str, float], before: Mapping[str, float], same: Mapping[str, float]) -> float:
    """Dollars of held gross that the approved sizes give up: what a session must trade whatever is added."""
    return sum(
        max(0.0, held_gross - min(now.get(ticket_id, 0.0), same.get(ticket_id, 0.0)))
        for ticket_id, held_gross in before.items()
    )


@lru_cache(maxsize=4096)
def nav_ticks(fraction: float, nav: float) -> int:
    """``fraction x nav`` in whole ticks, rounded down; decimals are slow, and a session asks for what the one before did."""
    return fraction_of_nav_ticks(fraction, nav)


def spec_bound(spec: LimitSpec, label: str, member: str, nav: float) -> tuple[int, str]:
    """A member's bound in ticks (tickets for a count), and where it is written."""
    value = spec.overrides.get(member, spec.max)
    source = f"limits.{label}.overrides.{member}" if member in spec.overrides else f"limits.{label}.max"
    if spec.unit == "count":
        return int(value), source
    return nav_ticks(value, nav) if spec.unit == "nav" else dollars_to_ticks_floor(value), source


def names_by_set(universe: Universe) -> dict[str, dict[str, tuple[str, ...]]]:
    """Which names are of which ``group``, ``sector``, ``country`` and ``currency``: kind -> member -> symbols, sorted."""
    return {
        "group": _by({symbol: item.industry_group for symbol, item in universe.symbols.items()}),
        "sector": _by({symbol: item.sector for symbol, item in universe.symbols.items()}),
        "country": _by({symbol: item.country for symbol, item in universe.symbols.items()}),
        "currency": _by({symbol: item.currency for symbol, item in universe.symbols.items()}),
    }


def set_limits(portfolio: PortfolioConfig, universe: Universe, nav: float, prefix: str = "") -> Iterator[Limit]:
    """A portfolio's limits per sector, country, currency and group; a member this universe lacks has none.

    Args:
        portfolio: limits as fractions of ``nav``.
        universe: which name is of which set.
        nav: dollars.
        prefix: what a limit's name begins with.
    """
    members = names_by_set(universe)
    kinds = (
        (Family.SECTOR, "sector", Measure.GROSS, portfolio.sector_limits),
        (Family.COUNTRY, "country", Measure.GROSS, portfolio.country_limits),
        (Family.CURRENCY, "currency", Measure.NET, portfolio.currency_limits),
        (Family.GROUP, "group", Measure.GROSS, portfolio.group_limits),
    )
    for family, kind, measure, written in kinds:
        for member, value in sorted(written.items()):
            if member in members[kind]:
                source = f"portfolios.{portfolio.portfolio_id}.{kind}_limits.{member}"
                bound = fraction_of_nav_ticks(value, nav)
                yield Limit(f"{prefix}{kind}:{member}", family, measure, members[kind][member], bound, source)


def tightest(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    """One limit per quantity and mode: the smallest bound wins, and its name is the one that binds."""
    best: dict[tuple[object, ...], Limit] = {}
    for limit in limits:
        # Quantities that nothing moves are alike and still two.
        alike = limit.name if limit.coefficients and not limit.members else ""
        key = (limit.family, limit.measure, limit.members, limit.coefficients, limit.worst, limit.mode, alike)
        if key not in best or limit.bound < best[key].bound:
            best[key] = limit
    return tuple(best.values())


def _own_limits(config: Config) -> Iterator[Limit]:
    """What config/portfolios adds for the desk's own portfolio; factors and fragility are facts of a session, not here."""
    own, universe, nav = config.own, config.universe, config.desk.nav
    names = universe.tradable
    wholes = (
        (Family.PORTFOLIO_GROSS, "portfolio_gross", Measure.GROSS, names, "leverage_limit", own.leverage_limit),
        (Family.PORTFOLIO_GROSS, "portfolio_gross", Measure.GROSS, names, "gross_exposure_limit", own.gross_exposure_limit),
        (Family.PORTFOLIO_NET, "portfolio_net", Measure.NET, names, "net_exposure_limit", own.net_exposure_limit),
        (Family.TURNOVER, "turnover", Measure.ADDITIONS, (), "turnover_limit", own.turnover_limit),
        *(
            (
                Family.PORTFOLIO_NET,
                f"symbol_net:{symbol}",
                Measure.NET,
                (symbol,),
                "per_instrument_max_weight",
                own.per_instrument_max_weight,
            )
            for symbol in names
        ),
    )
    for family, name, measure, symbols, written, value in wholes:
        if value is not None:
            source = f"portfolios.{own.portfolio_id}.{written}"
            yield Limit(f"{OWN}{name}", family, measure, symbols, fraction_of_nav_ticks(value, nav), source)
    yield from set_limits(own, universe, nav, OWN)


def _by(attribute: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for symbol in sorted(attribute):
        groups[attribute[symbol]].append(symbol)
    return {group: tuple(symbols) for group, symbols in groups.items()}
