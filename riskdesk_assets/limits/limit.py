"""One hard limit: a quantity of a book and the most it may be.

The same object shapes the optimizer's constraint, the governor's scale and the exact audit, and gives its name to the
dual, the clip ledger and the asset check. Quantities are measured over *ticket legs*, before they net, so that a name's
true gross is auditable. The arithmetic is generic: floats for construction, integers of ticks (1e-4 dollars) for the audit.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from operator import itemgetter
from typing import Generic, Literal, NamedTuple, TypeVar

AmountT = TypeVar("AmountT", int, float)
# Coefficients of a quantity (exposures, shocked returns) are integers of this many to one, so that the audit stays exact.
COEFFICIENT_UNIT = 1_000_000
# A covariance is quadratic in returns: its integers are of the unit squared.
COVARIANCE_UNIT = COEFFICIENT_UNIT**2


def whole_coefficients(values: Iterable[float]) -> tuple[int, ...]:
    """Exposures or returns as the integers a limit measures with, half to even."""
    return tuple([round(value * COEFFICIENT_UNIT) for value in values])


class Measure(StrEnum):
    """What a limit adds up. ``members`` are symbols, or ticket ids where it says so."""

    LEG = "leg"  # |notional| of one leg; members: (ticket id, symbol)
    TICKET_GROSS = "ticket_gross"  # |A| + |B| of one ticket; members: (ticket id,)
    BUCKET_GROSS = "bucket_gross"  # sum of |A| + |B| over several tickets; members: ticket ids
    NAME_GROSS = "name_gross"  # sum over tickets of |notional| in one symbol, before they net
    NET = "net"  # |sum of notionals| over the members
    GROSS = "gross"  # sum over the members of |net notional|
    ADDITIONS = "additions"  # sum over tickets of gross beyond what is held in the same direction
    COUNT = "count"  # tickets with a position
    TRADED = "traded"  # sum over the members of |net notional - net held|
    EXPOSURE = "exposure"  # |sum of coefficient x net notional|: a factor
    LOSS = "loss"  # what one scenario costs: -(sum of shocked return x net notional), 0 where it earns
    SHORTFALL = "shortfall"  # mean loss of the worst scenarios, 0 where they earn
    VOLATILITY = "volatility"  # standard deviation of a day's P&L


# Measures with coefficients, with one row of them, of tickets, and of every ticket there is.
_WEIGHTED = frozenset((Measure.EXPOSURE, Measure.LOSS, Measure.SHORTFALL, Measure.VOLATILITY))
_ONE_ROW = frozenset((Measure.EXPOSURE, Measure.LOSS))
_OF_TICKETS = frozenset((Measure.LEG, Measure.TICKET_GROSS, Measure.BUCKET_GROSS))
_OF_ALL = frozenset((Measure.ADDITIONS, Measure.COUNT))
_BY_SYMBOL, _BY_TICKET = itemgetter(1, 0), itemgetter(0, 1)


class Family(StrEnum):
    """The families of limits; each is one asset check (design.md section 2)."""

    NET_ZERO = "net_zero"
    TICKET_GROSS = "ticket_gross"
    LEG_NOTIONAL = "leg_notional"
    NAME_GROSS = "name_gross"
    BUCKET = "bucket"
    PORTFOLIO_GROSS = "portfolio_gross"
    PORTFOLIO_NET = "portfolio_net"
    GROUP = "group"
    SECTOR = "sector"
    COUNTRY = "country"
    CURRENCY = "currency"
    FACTOR = "factor"
    TURNOVER = "turnover"
    FRAGILITY = "fragility"
    SCENARIO_LOSS = "scenario_loss"
    VOLATILITY = "volatility"
    LIQUIDITY = "liquidity"
    POSITION_COUNT = "position_count"


class Leg(NamedTuple, Generic[AmountT]):
    """One leg of one ticket and its signed notional: dollars as floats, or ticks of 1e-4 dollars as integers.

    A tuple, because every stage of a session makes some hundred of them and sums them by their parts.
    """

    ticket_id: str
    symbol: str
    notional: AmountT


@dataclass(frozen=True)
class Limit:
    """A named quantity and its bound.

    ``bound`` is in ticks of 1e-4 dollars (a number of tickets for COUNT). ``mode`` "gate" limits are audited at release but
    never built toward. ``source`` says where the number was written.

    ``coefficients`` are integers, one row per scenario and one column per member: exposures (EXPOSURE, one row) and shocked
    returns (LOSS, one row; SHORTFALL) in COEFFICIENT_UNIT to one; the covariance of daily returns (VOLATILITY, members x
    members) in COVARIANCE_UNIT to one. ``worst`` is how many scenarios a SHORTFALL takes the mean of.
    """

    name: str
    family: Family
    measure: Measure
    members: tuple[str, ...]
    bound: int
    source: str
    mode: Literal["construct", "gate"] = "construct"
    coefficients: tuple[tuple[int, ...], ...] = ()
    worst: int = 1

    def __post_init__(self) -> None:
        rows, columns = len(self.coefficients), len(self.members)
        if self.measure not in _WEIGHTED:
            if rows:
                raise ValueError(f"{self.name}: {self.measure.value} has no coefficients")
            return
        if {*map(len, self.coefficients)} != {columns}:
            raise ValueError(f"{self.name}: coefficients need a column for each of its {columns} members")
        if self.measure in _ONE_ROW:
            if rows != 1:
                raise ValueError(f"{self.name}: {self.measure.value} has one row of coefficients, not {rows}")
        elif self.measure is Measure.VOLATILITY and rows != columns:
            raise ValueError(f"{self.name}: a covariance is square, and this one has {rows} rows")
        if not 1 <= self.worst <= rows:
            raise ValueError(f"{self.name}: the worst {self.worst} of {rows} scenarios")

    @property
    def unit(self) -> str:
        """``ticks`` of 1e-4 dollars, or ``count``."""
        return "count" if self.measure is Measure.COUNT else "ticks"

    @cached_property
    def movers(self) -> frozenset[str]:
        """The symbols that can change the quantity, ticket ids where it is about tickets; empty for ADDITIONS and COUNT, which
        every ticket can change."""
        if self.coefficients:
            columns = zip(self.members, zip(*self.coefficients, strict=True), strict=True)
            return frozenset(symbol for symbol, column in columns if any(column))
        return frozenset(self.members[:1] if self.measure is Measure.LEG else self.members)

    def touches(self, ticket_id: str, symbols: Iterable[str]) -> bool:
        """Whether a ticket holding these symbols can change the quantity."""
        if self.measure in _OF_ALL:
            return True
        if self.measure in _OF_TICKETS:
            return ticket_id in self.movers
        return not self.movers.isdisjoint(symbols)

    def measured(self, legs: Sequence[Leg[AmountT]], held: Sequence[Leg[AmountT]] = ()) -> AmountT:
        """The quantity for a book of ticket legs; ``held`` is yesterday's book (only ADDITIONS and TRADED look at it).

        Units are those of the legs; exact when they are integers: a quantity with coefficients is rounded up to a whole tick.
        """
        measure = self.measure
        if measure in _WEIGHTED:
            nets = net_by_symbol(legs)
            return self._weighted([nets.get(symbol, 0) for symbol in self.members])
        if measure in _OF_ALL:
            if measure is Measure.ADDITIONS:
                return sum(_additions(legs, held).values())
            return sum(1 for gross in gross_by_ticket(legs).values() if gross != 0)
        if measure is Measure.TRADED:
            now, before = net_by_symbol(legs), net_by_symbol(held)
            return sum([abs(now.get(symbol, 0) - before.get(symbol, 0)) for symbol in self.members])
        movers = self.movers
        if measure in _OF_TICKETS:
            if measure is Measure.LEG:
                own, name = self.members
                return sum([abs(notional) for ticket_id, symbol, notional in legs if ticket_id == own and symbol == name])
            return sum([abs(notional) for ticket_id, _, notional in legs if ticket_id in movers])
        if measure is Measure.NAME_GROSS:
            return sum([abs(notional) for _, symbol, notional in legs if symbol in movers])
        if measure is Measure.NET:
            return abs(sum([notional for _, symbol, notional in legs if symbol in movers]))
        return sum([abs(amount) for symbol, amount in net_by_symbol(legs).items() if symbol in movers])

    def _weighted(self, nets: Sequence[AmountT]) -> AmountT:
        """The quantity of a limit with coefficients, from the members' net notionals in their order."""
        if self.measure is Measure.VOLATILITY:
            rows = [sum(c * net for c, net in zip(row, nets, strict=True)) for row in self.coefficients]
            return _root(sum(net * row for net, row in zip(nets, rows, strict=True)))
        sums = [sum(c * net for c, net in zip(row, nets, strict=True)) for row in self.coefficients]
        if self.measure is Measure.EXPOSURE:
            return _whole(abs(sums[0]), COEFFICIENT_UNIT)
        losses = sorted((-earned for earned in sums), reverse=True)[: self.worst]
        return _whole(max(0, sum(losses)), COEFFICIENT_UNIT * len(losses))


def label_of(name: str) -> str:
    """A limit's name without its member: ``group`` of ``group:regional``."""
    return name.split(":", 1)[0]


def _whole(amount: AmountT, unit: int) -> AmountT:
    """amount / unit, rounded up where amounts are integers: an audited quantity is never understated."""
    return -(-amount // unit) if isinstance(amount, int) else amount / unit


def _root(variance: AmountT) -> AmountT:
    """Square root of a variance in COVARIANCE_UNIT, rounded up where amounts are integers."""
    if not isinstance(variance, int):
        return math.sqrt(max(variance, 0.0) / COVARIANCE_UNIT)
    least = -(-max(variance, 0) // COVARIANCE_UNIT)
    root = math.isqrt(least)
    return root if root * root == least else root + 1


def net_by_symbol(legs: Iterable[Leg[AmountT]]) -> dict[str, AmountT]:
    """Signed net notional per symbol, in symbol order."""
    net: dict[str, AmountT] = defaultdict(int)
    for _, symbol, notional in sorted(legs, key=_BY_SYMBOL):
        net[symbol] += notional
    return dict(net)


def gross_by_ticket(legs: Iterable[Leg[AmountT]]) -> dict[str, AmountT]:
    """|A| + |B| per ticket, in ticket order."""
    gross: dict[str, AmountT] = defaultdict(int)
    for ticket_id, _, notional in sorted(legs, key=_BY_TICKET):
        gross[ticket_id] += abs(notional)
    return dict(gross)


def held_in_direction(
    legs: Sequence[Leg[AmountT]], held: Sequence[Leg[AmountT]], held_gross: Mapping[str, AmountT] | None = None
) -> dict[str, AmountT]:
    """Per ticket of ``legs``: the gross held in the same direction, 0 where the ticket turns around or is new; ``held_gross``
    is gross_by_ticket(held) where the caller has it."""
    sides: Mapping[tuple[str, str], AmountT] = {(ticket_id, symbol): notional for ticket_id, symbol, notional in held}
    if held_gross is None:
        held_gross = gross_by_ticket(held)
    same: dict[str, AmountT] = {}
    for ticket_id, symbol, notional in legs:
        turned = notional * sides.get((ticket_id, symbol), 0) < 0
        same[ticket_id] = 0 if turned else same.get(ticket_id, held_gross.get(ticket_id, 0))
    return same


def _additions(legs: Sequence[Leg[AmountT]], held: Sequence[Leg[AmountT]]) -> dict[str, AmountT]:
    same = held_in_direction(legs, held)
    return {ticket_id: max(0, gross - same[ticket_id]) for ticket_id, gross in gross_by_ticket(legs).items()}
