"""The desk's hard limits, built from config/limits.yaml, the universe and the tickets in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from riskdesk_assets.common.money import dollars_to_ticks_ceiling, dollars_to_ticks_floor, fraction_of_nav_ticks
from riskdesk_assets.common.settings import Config, LimitSpec
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure, gross_by_ticket, held_in_direction


@dataclass(frozen=True)
class TicketCaps:
    """A ticket's own caps, in dollars."""

    ticket_id: str
    leg_a: str
    leg_b: str
    max_gross_notional: float
    max_leg_notional: float


def ticket_limits(tickets: Sequence[TicketCaps]) -> tuple[Limit, ...]:
    """Gross and leg limits of each ticket, in ticket order."""
    limits: list[Limit] = []
    for caps in sorted(tickets, key=lambda caps: caps.ticket_id):
        gross, leg = dollars_to_ticks_floor(caps.max_gross_notional), dollars_to_ticks_floor(caps.max_leg_notional)
        source = f"ticket {caps.ticket_id}"
        limits.append(
            Limit(
                f"ticket_gross:{caps.ticket_id}",
                Family.TICKET_GROSS,
                Measure.TICKET_GROSS,
                (caps.ticket_id,),
                gross,
                f"{source}: max_gross_notional",
            )
        )
        limits.extend(
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
    return tuple(limits)


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
    instruments = universe.symbols
    grouped = (
        (Family.NAME_GROSS, "name_gross", Measure.NAME_GROSS, limits.name_gross, each_name),
        (Family.PORTFOLIO_NET, "symbol_net", Measure.NET, limits.symbol_net, each_name),
        (Family.GROUP, "group", Measure.GROSS, limits.group, _by({s: i.industry_group for s, i in instruments.items()})),
        (Family.SECTOR, "sector", Measure.GROSS, limits.sector, _by({s: i.sector for s, i in instruments.items()})),
        (Family.COUNTRY, "country", Measure.GROSS, limits.country, _by({s: i.country for s, i in instruments.items()})),
        (Family.CURRENCY, "currency", Measure.NET, limits.currency, _by({s: i.currency for s, i in instruments.items()})),
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
            source = f"limits.{label}.overrides.{member}" if member in spec.overrides else f"limits.{label}.max"
            found.append(Limit(name, family, measure, symbols, _bound(spec, member, nav), source, spec.mode))
    return _tightest(found)


def for_session(limits: Sequence[Limit], approved: Sequence[Leg[float]], held: Sequence[Leg[float]]) -> tuple[Limit, ...]:
    """The limits with the bounds that hold on one session.

    Count and turnover bind additions only: a count is never below the held tickets that stay, and what turnover leaves for
    additions is its bound less the reductions the approved sizes force. So a cut limit can always be met by reducing.
    """
    kept = {ticket_id for ticket_id, gross in gross_by_ticket(approved).items() if gross}
    staying = sum(1 for ticket_id, gross in gross_by_ticket(held).items() if gross and ticket_id in kept)
    forced = forced_reductions(approved, held)
    adjusted: list[Limit] = []
    for limit in limits:
        bound = limit.bound
        if limit.measure is Measure.COUNT:
            bound = max(bound, staying)
        elif limit.measure is Measure.ADDITIONS:
            bound = max(0, bound - dollars_to_ticks_ceiling(forced))
        adjusted.append(limit if bound == limit.bound else replace(limit, bound=bound))
    return tuple(adjusted)


def forced_reductions(approved: Sequence[Leg[float]], held: Sequence[Leg[float]]) -> float:
    """Dollars of held gross that the approved sizes give up: what a session must trade whatever is added."""
    same = held_in_direction(approved, held)
    gross = gross_by_ticket(approved)
    return sum(
        max(0.0, held_gross - min(gross.get(ticket_id, 0.0), same.get(ticket_id, 0.0)))
        for ticket_id, held_gross in gross_by_ticket(held).items()
    )


def _by(attribute: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for symbol in sorted(attribute):
        groups[attribute[symbol]].append(symbol)
    return {group: tuple(symbols) for group, symbols in groups.items()}


def _bound(spec: LimitSpec, member: str, nav: float) -> int:
    value = spec.overrides.get(member, spec.max)
    if spec.unit == "count":
        return int(value)
    return fraction_of_nav_ticks(value, nav) if spec.unit == "nav" else dollars_to_ticks_floor(value)


def _tightest(limits: Sequence[Limit]) -> tuple[Limit, ...]:
    """One limit per quantity and mode: the smallest bound wins, and its name is the one that binds."""
    best: dict[tuple[object, ...], Limit] = {}
    for limit in limits:
        key = (limit.family, limit.measure, limit.members, limit.mode)
        if key not in best or limit.bound < best[key].bound:
            best[key] = limit
    return tuple(best.values())
